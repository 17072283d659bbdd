#include "service/room_upgrade_turn.h"

#include "base/memory.h"
#include "base/thread.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

bool room_upgrade_turn_begin(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn,
                             struct str *replacement_out)
{
    struct room_upgrade_turn **last = &turns->first;
    turn->answered = false;
    turn->next = NULL;
    mutex_lock(&turns->lock);
    while (*last)
        last = &(*last)->next;
    *last = turn;
    while (!turn->answered && !is_next(turns, turn))
        cond_wait(&turns->ended, &turns->lock);
    mutex_unlock(&turns->lock);
    *replacement_out = turn->answered ? (struct str){turn->replacement, turn->replacement_n} : (struct str){0};
    return !turn->answered;
}

static bool is_equal(const struct room_upgrade_turn *a, const struct room_upgrade_turn *b)
{
    return a->room_nid == b->room_nid && a->user_nid == b->user_nid && str_eq(a->new_version, b->new_version) &&
           json_eq(a->creators, b->creators);
}

void room_upgrade_turn_end(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn, struct str replacement)
{
    assert(replacement.n <= sizeof turn->replacement);
    mutex_lock(&turns->lock);
    for (struct room_upgrade_turn **at = &turns->first; *at;) {
        struct room_upgrade_turn *other = *at;
        bool answered = other != turn && replacement.n && is_equal(other, turn);
        if (answered) {
            memcpy(other->replacement, replacement.p, replacement.n);
            other->replacement_n = replacement.n;
            other->answered = true;
        }
        if (answered || other == turn)
            *at = other->next;
        else
            at = &other->next;
    }
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
