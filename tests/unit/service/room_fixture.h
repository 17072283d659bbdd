/*
 * What tests of rooms begin with: a store, the services that rooms need, users, and rooms to play in.
 *
 *     struct fixture f;
 *     fixture_init(&f, NULL);
 *     struct caller alice = fixture_user(&f, "alice");
 *     struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
 *     ...
 *     replay(&f, room);
 *     fixture_fini(&f);
 *
 * replay() reads a room back from the store and goes through it as another server would: every event by every rule,
 * and what the store and memory say besides. Tests end with it.
 *
 * JSON is written with ' for ". Functions named do_... fail the test if the service does not do what they ask.
 */
#ifndef HEARTH_TESTS_SERVICE_ROOM_FIXTURE_H
#define HEARTH_TESTS_SERVICE_ROOM_FIXTURE_H

#include "base/clock.h"
#include "crypto/crypto.h"
#include "matrix/push_default.h"
#include "service/receipt.h"
#include "service/room_create.h"
#include "service/room_head.h"
#include "service/room_member.h"
#include "service/room_read.h"
#include "service/room_send.h"
#include "service/sync.h"
#include "service/typing.h"
#include "service/wake.h"
#include "store/accounts.h"
#include "store/events.h"
#include "store/rooms.h"
#include "store/scratch.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

#include <string.h>

struct fixture {
    struct services services;
    struct service_options options;
    struct signing_key key;
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    struct wake wake;
    struct arena *arena;
    int64_t devices; /* made so far */
};

/* printf to a NUL-terminated string in the arena. */
#define CSTR(a, ...) str_cstr((a), str_fmt((a), __VA_ARGS__))

/* --- building --- */

static inline void fixture_wake(void *ctx, uint64_t key)
{
    (void)ctx;
    (void)key;
}

static inline void fixture_init(struct fixture *f, const char *path)
{
    crypto_init();
    *f = (struct fixture){.arena = arena_new()};
    f->options =
        (struct service_options){.server_name = SCRATCH_SERVER, .allow_room_creation = true, .allow_federation = true};
    f->wake = (struct wake){.fn = fixture_wake, .ctx = f};
    f->key = (struct signing_key){.server_name = SCRATCH_SERVER, .key_id = STR("ed25519:t")};
    uint8_t seed[ED25519_SEED_SIZE] = {7};
    ed25519_from_seed(seed, &f->key.key);
    memcpy(f->public_key, f->key.key.public_key, sizeof f->public_key);
    f->services = (struct services){.options = &f->options,
                                    .signing_key = &f->key,
                                    .store = path ? scratch_open_at(path) : scratch_open(),
                                    .rooms = rooms_new(),
                                    .typing = typing_new(),
                                    .wake = &f->wake};
}

static inline void fixture_fini(struct fixture *f)
{
    typing_free(&f->services.typing);
    rooms_free(&f->services.rooms);
    store_close(&f->services.store);
    arena_free(&f->arena);
}

/* Forgets what memory knows of rooms, as a restart does. */
static inline void fixture_forget(struct fixture *f)
{
    rooms_free(&f->services.rooms);
    f->services.rooms = rooms_new();
}

struct fixture_intern {
    struct str user_id;
    int64_t nid;
};

static inline bool fixture_intern(struct store_tx *tx, void *arg)
{
    struct fixture_intern *job = arg;
    struct account_row row = {.user_id = job->user_id};
    (void)accounts_insert(tx, &row); /* there may be one */
    job->nid = users_intern(tx, job->user_id);
    return true;
}

/* A user with an account and a device. The same name gives the same user on another device. */
static inline struct caller fixture_user(struct fixture *f, const char *name)
{
    struct fixture_intern job = {.user_id = str_fmt(f->arena, "@%s:hearth.test", name)};
    assert_int_equal(store_write(f->services.store, fixture_intern, &job), STORE_OK);
    return (struct caller){.user_nid = job.nid,
                           .device_nid = ++f->devices,
                           .user_id = job.user_id,
                           .device_id = str_fmt(f->arena, "D%d", (int)f->devices)};
}

static inline struct json *quoted_json(struct arena *a, const char *text)
{
    struct str copy = str_copy(a, str_of(text));
    char *p = arena_alloc(a, copy.n + 1);
    for (size_t i = 0; i < copy.n; i++)
        p[i] = copy.p[i] == '\'' ? '"' : copy.p[i];
    struct json_result r = json_parse(a, (struct str){p, copy.n}, JSON_DEPTH_MAX);
    if (!r.value)
        fail_msg("%s at %zu of %s", r.error, r.offset, text);
    return json_shallow_copy(a, r.value);
}

static inline void check_fault_at(struct fault got, enum errcode want, const char *what, const char *file, int line)
{
    if (got.code == want)
        return;
    print_error("%s: got %.*s \"%.*s\", want %.*s\n", what, STR_ARG(errcode_name(got.code)), STR_ARG(got.message),
                STR_ARG(errcode_name(want)));
    _fail(file, line);
}
#define check_fault(got, want, what) check_fault_at((got), (want), (what), __FILE__, __LINE__)
#define check_ok(got)                check_fault_at((got), ERRCODE_NONE, #got, __FILE__, __LINE__)

/* --- acting --- */

static inline struct str fixture_room(struct fixture *f, const struct caller *who, const char *body)
{
    struct str room_id;
    check_ok(room_create(&f->services, f->arena, who, quoted_json(f->arena, body), &room_id));
    return room_id;
}

static inline struct room *do_open(struct fixture *f, struct str room_id)
{
    struct room *room;
    check_ok(room_open(&f->services, room_id, ROOM_UNKNOWN, &room));
    return room;
}

/* A transaction id that no one else has. */
static inline struct str fixture_txn(struct fixture *f)
{
    static _Atomic unsigned next;
    return str_fmt(f->arena, "t%u", next++);
}

static inline struct fault try_send(struct fixture *f, const struct caller *who, struct str room, const char *type,
                                    const char *content, struct str *event_id_out)
{
    return room_send(&f->services, f->arena, who, room, str_of(type), fixture_txn(f), quoted_json(f->arena, content),
                     event_id_out);
}

static inline struct str do_send(struct fixture *f, const struct caller *who, struct str room, const char *content)
{
    struct str event_id;
    check_ok(try_send(f, who, room, "m.room.message", content, &event_id));
    return event_id;
}

static inline struct str do_say(struct fixture *f, const struct caller *who, struct str room, const char *body)
{
    return do_send(f, who, room, CSTR(f->arena, "{'msgtype':'m.text','body':'%s'}", body));
}

static inline struct fault try_state(struct fixture *f, const struct caller *who, struct str room, const char *type,
                                     const char *state_key, const char *content, struct str *event_id_out)
{
    return room_put_state(&f->services, f->arena, who, room, str_of(type), str_of(state_key),
                          quoted_json(f->arena, content), event_id_out);
}

static inline struct str do_state(struct fixture *f, const struct caller *who, struct str room, const char *type,
                                  const char *state_key, const char *content)
{
    struct str event_id;
    check_ok(try_state(f, who, room, type, state_key, content, &event_id));
    return event_id;
}

#define NO_REASON ((struct str){0})

static inline void do_join(struct fixture *f, const struct caller *who, struct str room)
{
    check_ok(room_join(&f->services, f->arena, who, room, NO_REASON));
}

static inline void do_leave(struct fixture *f, const struct caller *who, struct str room)
{
    check_ok(room_leave(&f->services, f->arena, who, room, NO_REASON));
}

static inline void do_invite(struct fixture *f, const struct caller *who, struct str room, const struct caller *whom)
{
    check_ok(room_invite(&f->services, f->arena, who, room, whom->user_id, NO_REASON));
}

static inline void do_kick(struct fixture *f, const struct caller *who, struct str room, const struct caller *whom)
{
    check_ok(room_kick(&f->services, f->arena, who, room, whom->user_id, NO_REASON));
}

static inline void do_ban(struct fixture *f, const struct caller *who, struct str room, const struct caller *whom)
{
    check_ok(room_ban(&f->services, f->arena, who, room, whom->user_id, NO_REASON));
}

/* The answer of /sync, parsed. */
static inline const struct json *do_sync_query(struct fixture *f, const struct caller *who,
                                               const struct sync_query *query, bool *empty_out)
{
    struct buf out;
    bool empty;
    buf_init(&out, (size_t)64 << 20);
    check_ok(sync_answer(&f->services, f->arena, who, query, &out, &empty));
    assert_true(buf_ok(&out));
    struct json_result r = json_parse(f->arena, str_copy(f->arena, buf_str(&out)), JSON_DEPTH_MAX);
    buf_fini(&out);
    assert_non_null(r.value);
    if (empty_out)
        *empty_out = empty;
    return r.value;
}

/* --- reading: as the services of room_read.h, with their answers parsed --- */

enum { READ_MAX = 64 << 20 };

/* The tree of what was written, or NULL if there was a fault; ends the buffer. */
static inline const struct json *read_written(struct fixture *f, struct fault fault, struct buf *out)
{
    struct json_result r = {0};
    if (!fault.code)
        r = json_parse(f->arena, str_copy(f->arena, buf_str(out)), JSON_DEPTH_MAX);
    assert_true(fault.code || r.value);
    buf_fini(out);
    return r.value;
}

static inline struct fault read_state(struct fixture *f, const struct caller *who, struct str room,
                                      const struct json **events_out)
{
    struct buf out;
    buf_init(&out, READ_MAX);
    struct fault fault = room_read_state(&f->services, f->arena, who, room, &out);
    *events_out = read_written(f, fault, &out);
    return fault;
}

static inline struct fault read_members(struct fixture *f, const struct caller *who, struct str room,
                                        const struct members_query *query, const struct json **events_out)
{
    struct buf out;
    buf_init(&out, READ_MAX);
    struct fault fault = room_read_members(&f->services, f->arena, who, room, query, &out);
    *events_out = json_get(read_written(f, fault, &out), STR("chunk"));
    return fault;
}

static inline struct fault read_joined_members(struct fixture *f, const struct caller *who, struct str room,
                                               const struct json **joined_out)
{
    struct buf out;
    buf_init(&out, READ_MAX);
    struct fault fault = room_read_joined_members(&f->services, f->arena, who, room, &out);
    *joined_out = json_get(read_written(f, fault, &out), STR("joined"));
    return fault;
}

static inline struct fault read_messages(struct fixture *f, const struct caller *who, struct str room,
                                         const struct messages_query *query, const struct json **page_out)
{
    struct buf out;
    buf_init(&out, READ_MAX);
    struct fault fault = room_read_messages(&f->services, f->arena, who, room, query, &out);
    *page_out = read_written(f, fault, &out);
    return fault;
}

static inline struct fault read_context(struct fixture *f, const struct caller *who, struct str room,
                                        struct str event_id, int64_t limit, const struct event_filter *filter,
                                        const struct json **context_out)
{
    struct buf out;
    buf_init(&out, READ_MAX);
    struct fault fault = room_read_context(&f->services, f->arena, who, room, event_id, limit, filter, &out);
    *context_out = read_written(f, fault, &out);
    return fault;
}

/* --- what answers say --- */

static inline int64_t sync_next(const struct json *answer)
{
    int64_t pos = 0;
    struct str token = json_str_at(answer, STR("next_batch"));
    assert_true(str_starts(token, STR("s")) && str_to_i64(str_slice(token, 1, token.n), &pos));
    return pos;
}

/* A value deep inside, by keys that are parted by spaces; NULL if it is not there. */
static inline const struct json *json_at(const struct json *v, const char *path)
{
    struct str rest = str_of(path);
    while (v && rest.n) {
        struct str key = str_cut(rest, ' ', &rest);
        v = json_get(v, key);
    }
    return v;
}

static inline const struct json *sync_room_section(const struct json *answer, const char *bucket, struct str room)
{
    return json_get(json_get(json_get(answer, STR("rooms")), str_of(bucket)), room);
}

/* --- replaying --- */

struct replay_entry {
    struct event event;
    int64_t nid;
};

struct replay {
    struct fixture *f;
    struct arena *a;
    struct store_tx *tx;
    int64_t room_nid;
    const struct room_version *version;
    struct event *events;
    struct event_row *rows;
    size_t count;
    struct replay_entry *state;
    size_t state_count;
};

static inline struct replay_entry *replay_find(struct replay *r, struct str type, struct str state_key)
{
    for (size_t i = 0; i < r->state_count; i++)
        if (event_is_state(&r->state[i].event, type, state_key))
            return &r->state[i];
    return NULL;
}

static inline const struct event *replay_get(void *ctx, struct str type, struct str state_key)
{
    struct replay_entry *entry = replay_find(ctx, type, state_key);
    return entry ? &entry->event : NULL;
}

/* Hash, signature and place in the chain. */
static inline void replay_check_event(struct replay *r, size_t i)
{
    const struct event_row *row = &r->rows[i];
    struct event *e = &r->events[i];
    const struct json *pdu = json_parse(r->a, row->pdu, JSON_DEPTH_MAX).value;
    assert_non_null(pdu);
    struct event_verdict v = event_parse(r->a, r->version, pdu, e);
    if (v.refused)
        fail_msg("event %zu: %s: %.*s", i, v.refused, STR_ARG(row->pdu));
    check_str(e->event_id, row->event_id, "event id");
    check_str(json_text(r->a, pdu), row->pdu, "canonical form");
    assert_true(row->redacted_by_nid || event_content_hash_matches(r->a, pdu));
    assert_true(event_verify(r->a, r->version, pdu, r->f->key.server_name, r->f->key.key_id, r->f->public_key));
    assert_int_equal(e->depth, i + 1);
    assert_int_equal(e->prev_events_count, i ? 1 : 0);
    if (i)
        check_str(e->prev_events[0], r->rows[i - 1].event_id, "prev_events");
    assert_int_equal(row->pos, row->event_nid);
    assert_true(!i || row->pos > r->rows[i - 1].pos);
    assert_true(str_eq(e->type, STR("m.room.create")) == (i == 0));
}

/* The events cited are what the selection gives from the state before, and by the rules. */
static inline void replay_check_auth(struct replay *r, size_t i)
{
    struct event *e = &r->events[i];
    const struct event *cited[EVENT_AUTH_EVENTS_MAX];
    struct auth_key keys[AUTH_KEYS_MAX];
    size_t expected = 0;
    size_t count = auth_keys_select(r->version, e->type, e->sender, e->has_state_key, e->state_key, e->content, keys);
    for (size_t k = 0; k < count; k++) {
        struct replay_entry *entry = replay_find(r, keys[k].type, keys[k].state_key);
        bool found = false;
        for (size_t n = 0; entry && n < e->auth_events_count; n++)
            found |= str_eq(e->auth_events[n], entry->event.event_id);
        /* What a redaction took from the content changes what would be selected now. */
        assert_true(!entry || found || r->rows[i].redacted_by_nid);
        if (entry)
            cited[expected++] = &entry->event;
    }
    assert_true(e->auth_events_count == expected || r->rows[i].redacted_by_nid);
    struct event_verdict v = auth_check_auth_events(e, cited, expected);
    if (v.refused)
        fail_msg("event %zu, auth_events: %s", i, v.refused);
    /* Where a rule asks what a redaction redacts, it can say nothing of one that is redacted itself. */
    if (r->version->redaction_auth_rule && r->rows[i].redacted_by_nid)
        return;
    v = auth_check(r->a, e, (struct auth_state){replay_get, r});
    if (v.refused)
        fail_msg("event %zu: %s: %.*s", i, v.refused, STR_ARG(r->rows[i].pdu));
}

/* The columns beside the event: states, what it replaces, running totals. */
static inline void replay_check_row(struct replay *r, size_t i)
{
    const struct event_row *row = &r->rows[i];
    const struct event *e = &r->events[i];
    assert_int_equal(row->state_before, i ? r->rows[i - 1].state_after : 0);
    if (e->has_state_key) {
        struct str type, state_key;
        struct replay_entry *entry = replay_find(r, e->type, e->state_key);
        assert_true(state_keys_get(r->tx, row->state_key_nid, r->a, &type, &state_key));
        check_str(type, e->type, "type");
        check_str(state_key, e->state_key, "state_key");
        assert_int_equal(row->replaces_nid, entry ? entry->nid : 0);
        assert_int_equal(state_map_get(r->tx, row->state_before, row->state_key_nid), row->replaces_nid);
        assert_int_equal(state_map_get(r->tx, row->state_after, row->state_key_nid), row->event_nid);
        if (!entry)
            entry = &r->state[r->state_count++];
        *entry = (struct replay_entry){*e, row->event_nid};
    } else {
        assert_true(!row->state_key_nid && !row->replaces_nid && row->state_after == row->state_before);
    }
    assert_int_equal(state_map_count(r->tx, row->state_after), r->state_count);
    struct power_levels pl = {replay_get(r, STR("m.room.create"), STR("")),
                              replay_get(r, STR("m.room.power_levels"), STR(""))};
    struct push_outcome push = push_default_outcome(e, &pl);
    int64_t notify = row->notify_count - (i ? r->rows[i - 1].notify_count : 0);
    int64_t highlight = row->highlight_count - (i ? r->rows[i - 1].highlight_count : 0);
    assert_true(row->redacted_by_nid || (notify == push.notify && highlight == push.highlight));
    assert_true(notify >= 0 && notify <= 1 && highlight >= 0 && highlight <= 1);
}

/* The rows of memberships say what the state says. */
static inline void replay_check_memberships(struct replay *r)
{
    int64_t counts[MEMBERSHIP_BAN + 1] = {0};
    for (size_t i = 0; i < r->state_count; i++) {
        struct membership_row row;
        const struct replay_entry *entry = &r->state[i];
        if (!str_eq(entry->event.type, STR("m.room.member")))
            continue;
        enum membership want = membership_parse(event_membership(&entry->event));
        assert_true(memberships_get(r->tx, users_nid_of(r->tx, entry->event.state_key), r->room_nid, &row));
        assert_int_equal(row.membership, want);
        assert_int_equal(row.event_nid, entry->nid);
        assert_int_equal(row.pos, entry->nid);
        counts[want]++;
    }
    for (unsigned m = MEMBERSHIP_JOIN; m <= MEMBERSHIP_BAN; m++)
        assert_int_equal(memberships_count(r->tx, r->room_nid, (enum membership)m), counts[m]);
}

/* What memory says of the newest event is what the store says. */
static inline void replay_check_head(struct replay *r, struct room *room)
{
    const struct event_row *last = &r->rows[r->count - 1];
    mutex_lock(&room->lock);
    assert_true(room_head_load(&r->f->services, room));
    const struct room_head *head = &room->head;
    assert_null(room->pending);
    assert_int_equal(head->prev_count, 1);
    check_str(event_cited_id(room->version, head->prev_events[0]), last->event_id, "head");
    assert_int_equal(head->depth, r->count);
    assert_int_equal(head->state_root, last->state_after);
    assert_int_equal(head->notify_count, last->notify_count);
    assert_int_equal(head->highlight_count, last->highlight_count);
    assert_int_equal(room_joined_count(room->joined), memberships_count(r->tx, r->room_nid, MEMBERSHIP_JOIN));
    struct membership_row *rows;
    size_t count = memberships_of_room(r->tx, r->room_nid, MEMBERSHIP_JOIN, 10000, r->a, &rows);
    for (size_t i = 0; i < count; i++)
        assert_true(room_joined_has(room->joined, rows[i].user_nid));
    struct room_head_reader reader = {.s = &r->f->services, .room = room, .tx = r->tx};
    for (size_t i = 0; i < r->state_count; i++) {
        const struct event *want = &r->state[i].event;
        const struct event *got = room_head_get(&reader, want->type, want->state_key);
        assert_non_null(got);
        check_str(got->event_id, want->event_id, "state in the head");
        assert_true(json_eq(got->json, want->json));
    }
    mutex_unlock(&room->lock);
}

enum { REPLAY_MAX = 20000 };

/* Checks all of the room; returns how many events it has. Nobody may be sending meanwhile. */
static inline size_t replay(struct fixture *f, struct str room_id)
{
    struct room *room = do_open(f, room_id);
    struct replay r = {.f = f, .a = arena_new(), .room_nid = room->nid, .version = room->version};
    r.tx = store_read_begin(f->services.store);
    r.count = events_between(r.tx, r.room_nid, EVENT_PLACE(0), EVENT_PLACE(INT64_MAX), EVENTS_OLDEST_FIRST, REPLAY_MAX,
                             r.a, &r.rows);
    assert_true(r.count > 0 && r.count < REPLAY_MAX);
    r.events = ARENA_ARRAY(r.a, r.count, struct event);
    r.state = ARENA_ARRAY(r.a, r.count, struct replay_entry);
    for (size_t i = 0; i < r.count; i++) {
        replay_check_event(&r, i);
        check_str(r.events[i].room_id, room_id, "room id");
        if (i)
            replay_check_auth(&r, i);
        else
            assert_null(auth_check(r.a, &r.events[i], (struct auth_state){replay_get, &r}).refused);
        replay_check_row(&r, i);
    }
    replay_check_memberships(&r);
    replay_check_head(&r, room);
    assert_true(store_read_end(&r.tx));
    room_close(&f->services, &room);
    arena_free(&r.a);
    return r.count;
}

#endif
