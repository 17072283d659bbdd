#include "service/typing.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"
#include "service/ignored_users.h"
#include "service/room.h"
#include "service/room_joined.h"
#include "service/storage.h"
#include "service/wake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define USERS_PER_ROOM 100   /* typists shown at once in one room; who comes later is not shown */
#define ROOMS_MAX      10000 /* rooms remembered at once */
#define KEEP_MS        60000 /* how long an empty list is remembered, for those who have yet to hear of it */

struct typist {
    int64_t user_nid;
    int64_t until_ms; /* of clock_mono_ms() */
    struct str user_id;
};

struct typing_room {
    int64_t room_nid;
    int64_t pos;
    int64_t changed_ms;
    size_t count;
    struct typist typists[USERS_PER_ROOM];
};

struct typing {
    struct mutex lock;
    struct map_u64 rooms; /* room_nid -> struct typing_room */
};

struct typing *typing_new(void)
{
    struct typing *typing = calloc(1, sizeof *typing);
    assert(typing);
    mutex_init(&typing->lock);
    map_u64_init(&typing->rooms);
    return typing;
}

static void remove_typist(struct typing_room *room, size_t i)
{
    free((void *)(uintptr_t)room->typists[i].user_id.p);
    room->typists[i] = room->typists[--room->count];
}

static void room_clear(struct typing_room *room)
{
    while (room->count)
        remove_typist(room, room->count - 1);
    free(room);
}

void typing_free(struct typing **typing_ptr)
{
    struct typing *typing = *typing_ptr;
    struct typing_room *room;
    size_t i = 0;
    if (!typing)
        return;
    while ((room = map_u64_next(&typing->rooms, &i)))
        room_clear(room);
    map_u64_fini(&typing->rooms);
    mutex_fini(&typing->lock);
    free(typing);
    *typing_ptr = NULL;
}

static struct typing_room *find_or_add(struct typing *typing, int64_t room_nid)
{
    struct typing_room *room = map_u64_get(&typing->rooms, (uint64_t)room_nid);
    if (room || typing->rooms.count >= ROOMS_MAX)
        return room;
    room = calloc(1, sizeof *room);
    assert(room);
    room->room_nid = room_nid;
    map_u64_put(&typing->rooms, (uint64_t)room_nid, room);
    return room;
}

static size_t find_typist(const struct typing_room *room, int64_t user_nid)
{
    size_t i = 0;
    while (i < room->count && room->typists[i].user_nid != user_nid)
        i++;
    return i;
}

static struct str copy_id(struct str s)
{
    char *p = malloc(s.n ? s.n : 1);
    assert(p);
    memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

/* --- changes: each goes through the writer, which gives it its place in the stream --- */

static void moved(struct typing_room *room, struct store_tx *tx)
{
    room->pos = store_next_pos(tx);
    room->changed_ms = clock_mono_ms();
}

struct change {
    struct services *s;
    int64_t room_nid;
    int64_t user_nid;
    struct str user_id;
    int64_t until_ms; /* 0: has stopped */
    bool changed;
};

/* True if the list has changed by it. */
static bool apply(struct typing_room *room, const struct change *c)
{
    size_t i = find_typist(room, c->user_nid);
    bool was_typing = i < room->count;
    if (!c->until_ms) {
        if (was_typing)
            remove_typist(room, i);
        return was_typing;
    }
    if (was_typing) {
        room->typists[i].until_ms = c->until_ms;
        return false;
    }
    if (room->count == USERS_PER_ROOM)
        return false;
    room->typists[room->count++] = (struct typist){c->user_nid, c->until_ms, copy_id(c->user_id)};
    return true;
}

static bool change_run(struct store_tx *tx, void *arg)
{
    struct change *c = arg;
    struct typing *typing = c->s->typing;
    struct membership_row own;
    memberships_get(tx, c->user_nid, c->room_nid, &own);
    if (own.membership != MEMBERSHIP_JOIN) /* has left since it was looked at: typing_left() has been here before */
        return true;
    mutex_lock(&typing->lock);
    struct typing_room *room =
        c->until_ms ? find_or_add(typing, c->room_nid) : map_u64_get(&typing->rooms, (uint64_t)c->room_nid);
    c->changed = room && apply(room, c);
    if (c->changed)
        moved(room, tx);
    mutex_unlock(&typing->lock);
    return true;
}

struct fault typing_set(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        int64_t timeout_ms)
{
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    if (timeout_ms > TYPING_TIMEOUT_MAX_MS)
        timeout_ms = TYPING_TIMEOUT_MAX_MS;
    struct change c = {.s = s,
                       .room_nid = room->nid,
                       .user_nid = caller->user_nid,
                       .user_id = caller->user_id,
                       .until_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : 0};
    fault = room_check_joined(s, a, room, caller->user_id);
    if (!fault.code)
        fault = storage_write(s, (struct store_job){.run = change_run, .arg = &c}, NULL);
    if (!fault.code && c.changed)
        room_wake_joined(s, room);
    room_close(s, &room);
    return fault;
}

void typing_left(struct services *s, struct store_tx *tx, int64_t room_nid, int64_t user_nid)
{
    struct typing *typing = s->typing;
    const struct change stop = {.user_nid = user_nid};
    mutex_lock(&typing->lock);
    struct typing_room *room = map_u64_get(&typing->rooms, (uint64_t)room_nid);
    if (room && apply(room, &stop))
        moved(room, tx);
    mutex_unlock(&typing->lock);
}

/* --- reading --- */

struct json *typing_content(struct services *s, struct arena *a, int64_t room_nid, int64_t after, int64_t up_to,
                            const struct json *ignored)
{
    struct json *content = NULL;
    mutex_lock(&s->typing->lock);
    const struct typing_room *room = map_u64_get(&s->typing->rooms, (uint64_t)room_nid);
    if (room && room->pos > after && room->pos <= up_to) {
        struct json *ids = json_array(a);
        for (size_t i = 0; i < room->count; i++)
            if (!ignored_users_has(ignored, room->typists[i].user_id))
                json_push(a, ids, json_string(str_copy(a, room->typists[i].user_id)));
        content = json_object(a);
        json_set(a, content, STR("user_ids"), *ids);
    }
    mutex_unlock(&s->typing->lock);
    return content;
}

int64_t typing_last_pos(struct services *s, int64_t room_nid)
{
    mutex_lock(&s->typing->lock);
    const struct typing_room *room = map_u64_get(&s->typing->rooms, (uint64_t)room_nid);
    int64_t pos = room ? room->pos : 0;
    mutex_unlock(&s->typing->lock);
    return pos;
}

/* --- the end of the time --- */

static bool drop_expired(struct typing_room *room, int64_t now_ms)
{
    size_t before = room->count;
    for (size_t i = room->count; i-- > 0;)
        if (room->typists[i].until_ms <= now_ms)
            remove_typist(room, i);
    return room->count != before;
}

static bool has_expired(const struct typing_room *room, int64_t now_ms)
{
    for (size_t i = 0; i < room->count; i++)
        if (room->typists[i].until_ms <= now_ms)
            return true;
    return false;
}

/* Rooms by their numbers, in a list with a place for each room there can be. */
struct room_list {
    struct services *s;
    int64_t *nids;
    size_t count;
};

/* One pass: the rooms in which somebody's time is up; those that have been quiet for long are forgotten. */
static void find_expired(struct typing *typing, struct arena *a, struct room_list *expired)
{
    int64_t now_ms = clock_mono_ms();
    struct room_list quiet = {0};
    struct typing_room *room;
    size_t at = 0;
    mutex_lock(&typing->lock);
    expired->nids = ARENA_ARRAY(a, typing->rooms.count, int64_t);
    quiet.nids = ARENA_ARRAY(a, typing->rooms.count, int64_t);
    while ((room = map_u64_next(&typing->rooms, &at))) {
        if (has_expired(room, now_ms))
            expired->nids[expired->count++] = room->room_nid;
        else if (!room->count && now_ms - room->changed_ms > KEEP_MS)
            quiet.nids[quiet.count++] = room->room_nid;
    }
    for (size_t i = 0; i < quiet.count; i++)
        room_clear(map_u64_remove(&typing->rooms, (uint64_t)quiet.nids[i]));
    mutex_unlock(&typing->lock);
}

static bool expire_run(struct store_tx *tx, void *arg)
{
    const struct room_list *list = arg;
    struct typing *typing = list->s->typing;
    int64_t now_ms = clock_mono_ms();
    mutex_lock(&typing->lock);
    for (size_t i = 0; i < list->count; i++) {
        struct typing_room *room = map_u64_get(&typing->rooms, (uint64_t)list->nids[i]);
        if (room && drop_expired(room, now_ms))
            moved(room, tx);
    }
    mutex_unlock(&typing->lock);
    return true;
}

void typing_expire(struct services *s)
{
    struct arena *a = arena_new();
    struct room_list expired = {.s = s};
    find_expired(s->typing, a, &expired);
    /* Should the commit fail, the positions are lost and the lists are right all the same: nobody types for ever. */
    if (expired.count && store_write(s->store, expire_run, &expired) == STORE_OK)
        for (size_t i = 0; i < expired.count; i++) {
            struct room *room;
            if (!room_open_nid(s, expired.nids[i], ROOM_UNKNOWN, &room).code)
                room_wake_joined(s, room);
            room_close(s, &room);
        }
    arena_free(&a);
}
