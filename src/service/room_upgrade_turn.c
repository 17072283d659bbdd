#include "service/room_upgrade_turn.h"

#include "base/memory.h"
#include "base/thread.h"

#include <assert.h>
#include <stdlib.h>

struct room_upgrade_turns {
    struct mutex lock;
    struct cond ended;
    struct room_upgrade_turn *first; /* in the order of their coming; as many as there are workers */
};

struct room_upgrade_turns *room_upgrade_turns_new(void)
{
    struct room_upgrade_turns *turns = memory_calloc(1, sizeof *turns);
    mutex_init(&turns->lock);
    cond_init(&turns->ended);
    return turns;
}

void room_upgrade_turns_free(struct room_upgrade_turns **turns_ptr)
{
    struct room_upgrade_turns *turns = *turns_ptr;
    if (!turns)
        return;
    assert(!turns->first);
    cond_fini(&turns->ended);
    mutex_fini(&turns->lock);
    free(turns);
    *turns_ptr = NULL;
}

/* Whether no earlier one is of the same room. */
static bool is_next(const struct room_upgrade_turns *turns, const struct room_upgrade_turn *turn)
{
    const struct room_upgrade_turn *other = turns->first;
    while (other != turn && other->room_nid != turn->room_nid)
        other = other->next;
    return other == turn;
}

void room_upgrade_turn_begin(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn, int64_t room_nid)
{
    struct room_upgrade_turn **last = &turns->first;
    *turn = (struct room_upgrade_turn){.room_nid = room_nid};
    mutex_lock(&turns->lock);
    while (*last)
        last = &(*last)->next;
    *last = turn;
    while (!is_next(turns, turn))
        cond_wait(&turns->ended, &turns->lock);
    mutex_unlock(&turns->lock);
}

void room_upgrade_turn_end(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn)
{
    struct room_upgrade_turn **at = &turns->first;
    mutex_lock(&turns->lock);
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    cond_broadcast(&turns->ended);
    mutex_unlock(&turns->lock);
}

size_t room_upgrade_turns_count(struct room_upgrade_turns *turns)
{
    size_t count = 0;
    mutex_lock(&turns->lock);
    for (const struct room_upgrade_turn *turn = turns->first; turn; turn = turn->next)
        count++;
    mutex_unlock(&turns->lock);
    return count;
}
