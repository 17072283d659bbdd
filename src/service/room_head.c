/*
 * The head of a room: what the newest events have made of it, read from the store once and then kept up by room_append.
 */
#include "service/room_head.h"

#include "base/log.h"
#include "crypto/random.h"
#include "matrix/event_stored.h"
#include "service/room_enter.h"
#include "service/storage.h"
#include "store/event_graph.h"
#include "store/events.h"
#include "store/rooms.h"
#include "store/state_keys.h"
#include "store/state_map.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define HEAD_BYTES_MAX (512 * 1024) /* of state events kept in one head; beyond it the head is read again */
#define JOINED_MAX     1000000

static struct room_joined *joined_read(struct store_tx *tx, int64_t room_nid, struct arena *a)
{
    struct membership_row *rows;
    size_t count = memberships_of_room(tx, room_nid, MEMBERSHIP_JOIN, JOINED_MAX, a, &rows);
    int64_t *nids = ARENA_ARRAY(a, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows[i].user_nid;
    return room_joined_new(nids, count);
}

/* --- loading and dropping --- */

void room_head_drop(struct room *room)
{
    struct room_head *head = &room->head;
    if (head->arena)
        map_str_fini(&head->state);
    arena_free(&head->arena);
    *head = (struct room_head){0};
}

void room_head_init(struct room *room, uint64_t epoch)
{
    room_head_drop(room);
    room->head.arena = arena_new();
    map_str_init(&room->head.state);
    room->head.epoch = epoch;
    room->generation++;
}

static bool nothing(struct store_tx *tx, void *arg)
{
    (void)tx;
    (void)arg;
    return true;
}

void room_wait_for_queue(struct services *s)
{
    if (store_write(s->store, nothing, NULL) != STORE_OK)
        log_warn("store: a commit failed while a room waited for it");
}

/* True if nothing has failed since the head was read. */
static bool head_is_true(struct services *s, const struct room *room)
{
    return room->head.arena && room->head.epoch == store_epoch(s->store) &&
           room->head.others == store_others(s->store) && room->generation > atomic_load(&room->failed_generation);
}

static void add_prev(struct room *room, const struct event *event)
{
    struct room_head *head = &room->head;
    struct arena *scratch = arena_new();
    struct json citation = event_citation(scratch, event);
    assert(head->prev_count < EVENT_PREV_EVENTS_MAX);
    head->prev_events[head->prev_count++] = json_deep_copy(head->arena, &citation);
    head->depth = event->depth > head->depth ? event->depth : head->depth;
    arena_free(&scratch);
}

void room_head_set_prev(struct room *room, const struct event *event)
{
    room->head.prev_count = 0;
    add_prev(room, event);
}

/* Reads the room's ends. False: they cannot be read. */
static bool read_head(struct room *room, struct store_tx *tx, struct arena *a)
{
    struct room_head *head = &room->head;
    struct event_row last;
    int64_t *nids;
    head->version = rooms_head_version(tx, room->nid);
    size_t count = forward_extremities_of(tx, room->nid, a, &nids);
    if (!events_last_numbers(tx, room->nid, INT64_MAX, &last))
        return true; /* a room of others, of which nothing has come yet */
    head->state_root = last.room_state;
    head->notify_count = last.notify_count;
    head->highlight_count = last.highlight_count;
    bool folded = room_states_get(tx, room->nid).folded_root != 0;
    head->line = count == 1 && nids[0] == last.event_nid && !folded;
    size_t first = count > EVENT_PREV_EVENTS_MAX ? count - EVENT_PREV_EVENTS_MAX : 0;
    head->partial = first > 0 || folded;
    for (size_t i = first; i < count; i++) {
        struct event_row row;
        struct event event;
        if (!events_by_nid(tx, nids[i], a, &row) || !event_read_stored(a, room->version, row.event_id, row.pdu, &event))
            return false;
        add_prev(room, &event);
    }
    return true;
}

struct settling {
    struct arena *a;
    const struct room *room;
    int64_t root;
};

static bool settle_run(struct store_tx *tx, void *arg)
{
    struct settling *job = arg;
    const struct room_head *head = &job->room->head;
    struct event_reader reader;
    int64_t roots[EVENT_PREV_EVENTS_MAX];
    event_reader_begin(&reader, tx, job->a, job->room->version);
    for (size_t i = 0; i < head->prev_count; i++) {
        const struct stored_event *stored =
            event_reader_id(&reader, event_cited_id(job->room->version, head->prev_events[i]));
        roots[i] = stored ? stored->row.state_after : 0;
    }
    job->root = room_resolve_states(&reader, roots, head->prev_count);
    event_reader_end(&reader);
    return job->root != 0;
}

/* A room with more extremities than an event may follow: finds the state after those that the next one will. */
static bool settle_head(struct services *s, struct room *room, struct arena *a)
{
    struct settling job = {a, room, 0};
    if (!room->head.partial)
        return true;
    bool ok = store_write(s->store, settle_run, &job) == STORE_OK;
    room->head.partial_root = job.root;
    return ok;
}

bool room_head_load(struct services *s, struct room *room)
{
    mutex_assert_held(&room->lock);
    struct room_head *head = &room->head;
    if (head_is_true(s, room) && arena_used(head->arena) < HEAD_BYTES_MAX)
        return true;
    if (room->pending)
        room_wait_for_queue(s);
    struct arena *a = arena_new();
    uint64_t epoch = store_epoch(s->store);
    uint64_t others = store_others(s->store);
    room_head_init(room, epoch);
    head->others = others;
    struct store_tx *tx = store_read_begin(s->store);
    bool found = read_head(room, tx, a);
    /* Who is joined outlives a head, unless a failure or another process came between: it may be a long list. */
    if (found && (!room->joined || room->joined_epoch != epoch || room->joined_others != others)) {
        room_joined_unref(&room->joined);
        room->joined = joined_read(tx, room->nid, a);
        room->joined_epoch = epoch;
        room->joined_others = others;
    }
    bool ok = store_read_end(&tx) && found && settle_head(s, room, a);
    arena_free(&a);
    if (!ok) {
        room_joined_unref(&room->joined);
        room_head_drop(room);
    }
    return ok;
}

static bool contest_run(struct store_tx *tx, void *arg)
{
    const struct room *room = arg;
    return rooms_head_advance(tx, room->nid, rooms_head_version(tx, room->nid));
}

void room_head_contest(struct services *s, struct room *room, int tries)
{
    mutex_assert_held(&room->lock);
    room_head_drop(room);
    if (tries % 3 == 2 && store_write(s->store, contest_run, room) != STORE_OK)
        log_warn("room: the head could not be contested", LOG_STR("room", room->room_id));
    uint32_t random;
    random_bytes(&random, sizeof random);
    int64_t most_us = (int64_t)1000 << (tries < 6 ? tries : 6);
    int64_t us = random % most_us;
    (void)nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

int64_t room_head_claim(struct services *s, struct room *room)
{
    mutex_assert_held(&room->lock);
    return store_is_shared(s->store) ? room->head.version++ : room->head.version;
}

bool room_head_advance(struct services *s, struct store_tx *tx, int64_t room_nid, int64_t version)
{
    return !store_is_shared(s->store) || rooms_head_advance(tx, room_nid, version) || store_stale(tx);
}

void room_members_changed(struct room *room, const struct room_member_change *changes, size_t count)
{
    mutex_assert_held(&room->lock);
    for (size_t i = 0; room->joined && i < count; i++)
        room_joined_put(room->joined, changes[i].user_nid, changes[i].joined);
}

/* --- state --- */

/* Length of the type, type, state key: clients may put NUL into both. */
static struct str entry_key(struct arena *a, struct str type, struct str state_key)
{
    size_t n = sizeof type.n + type.n + state_key.n;
    char *p = arena_alloc(a, n);
    memcpy(p, &type.n, sizeof type.n);
    if (type.n)
        memcpy(p + sizeof type.n, type.p, type.n);
    if (state_key.n)
        memcpy(p + sizeof type.n + type.n, state_key.p, state_key.n);
    return (struct str){p, n};
}

void room_head_put(struct room *room, struct str type, struct str state_key, const struct event *event)
{
    struct arena *a = room->head.arena;
    struct head_entry *entry = ARENA_NEW(a, struct head_entry);
    entry->key = entry_key(a, type, state_key);
    if (event) {
        entry->has_event = true;
        event_view_stored(a, room->version, str_copy(a, event->event_id), json_deep_copy(a, event->json),
                          &entry->event);
    }
    map_str_put(&room->head.state, entry->key, entry);
}

/* Reads the state event from the store, under the head's root. */
static bool read_state(struct room_head_reader *reader, struct arena *a, struct str type, struct str state_key,
                       struct event *event_out)
{
    struct room *room = reader->room;
    if (room->head.state_root == 0)
        return false;
    if (!reader->tx)
        reader->tx = store_read_begin(reader->s->store);
    int64_t key_nid = state_keys_find(reader->tx, type, state_key);
    int64_t event_nid = key_nid ? state_map_get(reader->tx, room->head.state_root, key_nid) : 0;
    struct event_row row;
    return event_nid && events_by_nid(reader->tx, event_nid, a, &row) &&
           event_read_stored(a, room->version, row.event_id, row.pdu, event_out);
}

const struct event *room_head_get(struct room_head_reader *reader, struct str type, struct str state_key)
{
    struct room *room = reader->room;
    mutex_assert_held(&room->lock);
    struct arena *scratch = arena_new();
    struct str key = entry_key(scratch, type, state_key);
    struct head_entry *entry = map_str_get(&room->head.state, key);
    if (!entry) {
        struct event event;
        bool found = read_state(reader, scratch, type, state_key, &event);
        room_head_put(room, type, state_key, found ? &event : NULL);
        entry = map_str_get(&room->head.state, key);
    }
    arena_free(&scratch);
    return entry->has_event ? &entry->event : NULL;
}

static const struct event *auth_get(void *ctx, struct str type, struct str state_key)
{
    return room_head_get(ctx, type, state_key);
}

struct auth_state room_head_auth_state(struct room_head_reader *reader)
{
    return (struct auth_state){auth_get, reader};
}

bool room_head_reader_end(struct room_head_reader *reader)
{
    return !reader->tx || store_read_end(&reader->tx);
}

/* --- for who does not hold the lock --- */

/* The copies of state events that several keys have now, all of one moment. */
static struct fault states_now(struct services *s, struct arena *a, struct room *room, const struct auth_key *keys,
                               size_t count, const struct event **events_out)
{
    bool ok = false;
    memset(events_out, 0, count * sizeof(const struct event *));
    mutex_lock(&room->lock);
    if (room_head_load(s, room)) {
        struct room_head_reader reader = {.s = s, .room = room};
        for (size_t i = 0; i < count; i++) {
            const struct event *event = room_head_get(&reader, keys[i].type, keys[i].state_key);
            if (!event)
                continue;
            struct event *copy = ARENA_NEW(a, struct event);
            event_view_stored(a, room->version, str_copy(a, event->event_id), json_deep_copy(a, event->json), copy);
            events_out[i] = copy;
        }
        ok = room_head_reader_end(&reader);
        if (!ok)
            room_head_drop(room); /* it takes for absent what could not be read */
    }
    mutex_unlock(&room->lock);
    return ok ? FAULT_NONE : STORAGE_FAULT;
}

struct fault room_state_now(struct services *s, struct arena *a, struct room *room, struct str type,
                            struct str state_key, const struct event **event_out)
{
    struct auth_key key = {type, state_key};
    return states_now(s, a, room, &key, 1, event_out);
}

struct fault room_membership_now(struct services *s, struct arena *a, struct room *room, struct str user_id,
                                 enum membership *membership_out)
{
    const struct event *member;
    struct fault fault = room_state_now(s, a, room, STR("m.room.member"), user_id, &member);
    *membership_out = member ? membership_parse(event_membership(member)) : MEMBERSHIP_NONE;
    return fault;
}

struct fault room_check_joined(struct services *s, struct arena *a, struct room *room, struct str user_id)
{
    enum membership now;
    struct fault fault = room_membership_now(s, a, room, user_id, &now);
    return fault.code || now == MEMBERSHIP_JOIN ? fault : ROOM_NOT_JOINED;
}

struct fault room_power_now(struct services *s, struct arena *a, struct room *room, struct power_levels *out)
{
    static const struct auth_key keys[] = {{STR_INIT("m.room.create"), STR_INIT("")},
                                           {STR_INIT("m.room.power_levels"), STR_INIT("")}};
    const struct event *events[2];
    struct fault fault = states_now(s, a, room, keys, 2, events);
    *out = (struct power_levels){events[0], events[1]};
    return fault;
}
