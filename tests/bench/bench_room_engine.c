/*
 * The room engine against its limits, in one run: what a room of 50,000 members and 60,000 state events costs beside
 * one of 5, bytes on disk of an event, resolution of forks, events received from others, memory after many rooms.
 *
 *     bench_room_engine [members] [state events] [URL]        50000 60000
 *
 * URL is an empty database of PostgreSQL; without it the database is SQLite's, in a folder under $TMPDIR.
 *
 * Everything goes through the service layer, without HTTP; nobody is parked. CPU is that of the whole process, so the
 * writer's and the checkpoints' are in it. "!" stands where a limit is missed.
 */
#include "base/clock.h"
#include "crypto/crypto.h"
#include "matrix/event.h"
#include "matrix/id.h"
#include "service/event_reader.h"
#include "service/room_create.h"
#include "service/room_head.h"
#include "service/room_member.h"
#include "service/room_receive.h"
#include "service/room_resolve.h"
#include "service/room_send.h"
#include "service/typing.h"
#include "service/wake.h"
#include "store/events.h"
#include "store/row_cache.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/tx.h"
#include "store/users.h"

#include <assert.h>
#include <libpq-fe.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 3000, CHANGES = 3000, RECEIVED = 5000, AT_ONCE = 50, FORKS = 1000, ROOMS = 1000, BATCH = 500 };

struct bench {
    struct services services;
    struct service_options options;
    struct signing_key key, remote_key;
    struct wake wake;
    struct arena *arena;
    struct caller alice;
    char folder[256], path[300];
    const char *url; /* of PostgreSQL; or NULL */
    int members, states;
    int txn;
};

static void check(struct fault fault)
{
    if (!fault.code)
        return;
    fprintf(stderr, "bench_room_engine: %.*s\n", STR_ARG(fault.message));
    exit(1);
}

static void wake_nobody(void *ctx, uint64_t key)
{
    (void)ctx, (void)key;
}

static void wake_no_group(void *ctx, const struct wake_group *group)
{
    (void)ctx, (void)group;
}

static void services_open(struct bench *b)
{
    struct store_options store = {.path = b->url ? b->url : b->path, .server_name = STR("bench.test"), .create = true};
    struct store_error error;
    b->services = (struct services){
        .options = &b->options, .signing_key = &b->key, .rooms = rooms_new(), .typing = typing_new(), .wake = &b->wake};
    if (!store_open(&store, &b->services.store, &error)) {
        fprintf(stderr, "bench_room_engine: %s\n", error.text);
        exit(1);
    }
}

/* Closing copies the log into the file. */
static void services_close(struct bench *b)
{
    typing_free(&b->services.typing);
    rooms_free(&b->services.rooms);
    store_close(&b->services.store);
}

static void reopen(struct bench *b)
{
    services_close(b);
    services_open(b);
}

/* The database's own files, without what its log or its dead rows take until they are cleared away. */
static double postgres_bytes(const char *url)
{
    PGconn *pg = PQconnectdb(url);
    PQclear(PQexec(pg, "VACUUM"));
    PGresult *r = PQexec(pg, "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relkind = 'r'"
                             " AND c.relnamespace = current_schema()::regnamespace");
    double bytes = PQresultStatus(r) == PGRES_TUPLES_OK ? atof(PQgetvalue(r, 0, 0)) : 0;
    PQclear(r);
    PQfinish(pg);
    return bytes;
}

static double file_bytes(const struct bench *b)
{
    struct stat info;
    if (b->url)
        return postgres_bytes(b->url);
    return stat(b->path, &info) == 0 ? (double)info.st_size : 0;
}

static double rss_mib(void)
{
    (void)malloc_trim(0); /* what earlier measurements have given back is not what this one takes */
    long pages = 0, page = sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)page / 1048576;
}

/* --- time --- */

struct spent {
    double cpu, wall; /* microseconds */
};

static struct spent now(void)
{
    struct timespec t;
    int64_t us = clock_mono_us();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct spent){(double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3, (double)us};
}

static struct spent since(struct spent start, int count)
{
    struct spent t = now();
    return (struct spent){(t.cpu - start.cpu) / count, (t.wall - start.wall) / count};
}

static const char *mark(bool missed)
{
    return missed ? " !" : "";
}

/* --- building --- */

struct user_job {
    struct str user_id;
    int64_t nid;
};

static bool intern_user(struct store_tx *tx, void *arg)
{
    struct user_job *job = arg;
    job->nid = users_intern(tx, job->user_id);
    return true;
}

static struct caller user(struct bench *b, struct str user_id)
{
    struct user_job job = {.user_id = user_id};
    if (store_write(b->services.store, intern_user, &job) != STORE_OK)
        exit(1);
    return (struct caller){.user_nid = job.nid, .device_nid = job.nid, .user_id = user_id};
}

static struct str member_id(struct arena *a, int i)
{
    return str_fmt(a, "@user%d:bench.test", i);
}

struct batch {
    struct bench *b;
    struct room_draft drafts[BATCH];
    size_t count;
};

static bool intern_senders(struct store_tx *tx, void *arg)
{
    struct batch *batch = arg;
    for (size_t i = 0; i < batch->count; i++)
        batch->drafts[i].sender_nid = users_intern(tx, batch->drafts[i].sender);
    return true;
}

static void append(struct bench *b, struct arena *a, struct str room_id, struct batch *batch)
{
    struct room *room;
    if (store_write(b->services.store, intern_senders, batch) != STORE_OK)
        exit(1);
    check(room_open(&b->services, room_id, ROOM_UNKNOWN, &room));
    check(room_append(&b->services, a, room, batch->drafts, batch->count));
    room_close(&b->services, &room);
}

static struct room_draft state_draft(struct arena *a, struct str sender, const char *type, struct str key, int number)
{
    struct json *content = json_object(a);
    if (strcmp(type, "m.room.member") == 0) {
        json_set_str(a, content, STR("membership"), STR("join"));
        json_set_str(a, content, STR("displayname"), str_fmt(a, "A Person Called %d", number));
    } else {
        json_set_int(a, content, STR("value"), number);
    }
    return (struct room_draft){
        .type = str_of(type), .sender = sender, .has_state_key = true, .state_key = key, .content = content};
}

static struct str make_room(struct bench *b, int members, int states)
{
    static struct batch batch;
    struct str room_id;
    struct json *body = json_object(b->arena);
    json_set_str(b->arena, body, STR("preset"), STR("public_chat"));
    check(room_create(&b->services, b->arena, &b->alice, body, &room_id));
    struct arena *a = arena_new();
    for (int done = 0, last = members > states ? members : states; done + 1 < last; done += BATCH) {
        batch.count = 0;
        for (int i = done + 1; i < last && i <= done + BATCH; i++) {
            struct str who = i < members ? member_id(a, i) : b->alice.user_id;
            batch.drafts[batch.count++] = i < members ? state_draft(a, who, "m.room.member", who, i)
                                                      : state_draft(a, who, "x.state", str_fmt(a, "k%d", i), i);
        }
        append(b, a, room_id, &batch);
        arena_reset(a);
    }
    arena_free(&a);
    rooms_free(&b->services.rooms);
    b->services.rooms = rooms_new();
    return room_id;
}

/* --- sending --- */

static struct spent send_messages(struct bench *b, struct str room_id, int count)
{
    struct arena *a = arena_new();
    struct json *content = json_object(b->arena);
    struct spent start = {0};
    json_set_str(b->arena, content, STR("msgtype"), STR("m.text"));
    json_set_str(b->arena, content, STR("body"), STR("what there is to say in a room, in a line or so"));
    for (int i = -200; i < count; i++) {
        struct str event_id;
        if (i == 0)
            start = now();
        check(room_send(&b->services, a, &b->alice, room_id, STR("m.room.message"), str_fmt(a, "t%d", b->txn++),
                        content, &event_id));
        arena_reset(a);
    }
    arena_free(&a);
    return since(start, count);
}

/* Turn by turn, so that what the machine does meanwhile falls on both. */
static void sending(struct bench *b, struct str small, struct str large)
{
    struct spent x = {0}, y = {0};
    enum { ROUNDS = 5 };
    for (int i = 0; i < ROUNDS; i++) {
        struct spent s = send_messages(b, small, MESSAGES / ROUNDS), l = send_messages(b, large, MESSAGES / ROUNDS);
        x.cpu += s.cpu / ROUNDS, x.wall += s.wall / ROUNDS;
        y.cpu += l.cpu / ROUNDS, y.wall += l.wall / ROUNDS;
    }
    printf("a message, room of 5: %.1f us of CPU, %.1f us; room of %d: %.1f us of CPU, %.1f us\n", x.cpu, x.wall,
           b->members, y.cpu, y.wall);
    printf("    ratio (limit 1.5): %.2f of CPU, %.2f of time%s\n", y.cpu / x.cpu, y.wall / x.wall,
           mark(y.cpu / x.cpu > 1.5 || y.wall / x.wall > 1.5));
}

/* --- bytes on disk --- */

/* Returns how many changes there were. */
static int change_members(struct bench *b, struct str room_id, int count)
{
    int changes = count;
    unsigned seed = 5;
    bool *away = calloc((size_t)b->members, sizeof *away);
    struct arena *a = arena_new();
    assert(away);
    for (int i = 0; i < count; i++) {
        int n = 1 + rand_r(&seed) % (b->members - 1);
        struct caller who = user(b, member_id(a, n));
        check(away[n] ? room_join(&b->services, a, &who, room_id, (struct str){0})
                      : room_leave(&b->services, a, &who, room_id, (struct str){0}));
        away[n] = !away[n];
        arena_reset(a);
    }
    /* All are there again for what comes next. */
    for (int n = 1; n < b->members; n++) {
        struct caller who = away[n] ? user(b, member_id(a, n)) : (struct caller){0};
        if (away[n])
            check(room_join(&b->services, a, &who, room_id, (struct str){0}));
        changes += away[n];
        arena_reset(a);
    }
    free(away);
    arena_free(&a);
    return changes;
}

static void growth(struct bench *b, struct str small, struct str large)
{
    struct str rooms[] = {small, large};
    for (int i = 0; i < 2; i++) {
        reopen(b);
        double before = file_bytes(b);
        (void)send_messages(b, rooms[i], MESSAGES - 200);
        reopen(b);
        double bytes = (file_bytes(b) - before) / MESSAGES;
        printf("on disk, a message, %s room: %.0f bytes (limit 2,048)%s\n", i ? "large" : "small", bytes,
               mark(bytes > 2048));
    }
    double before = file_bytes(b);
    struct spent start = now();
    int changes = change_members(b, large, CHANGES);
    struct spent each = since(start, changes);
    reopen(b);
    double bytes = (file_bytes(b) - before) / changes;
    printf("on disk, a membership change, large room: %.0f bytes (limit 6,144)%s; %.0f us of CPU\n", bytes,
           mark(bytes > 6144), each.cpu);
}

/* --- forks --- */

struct fork_job {
    struct bench *b;
    const struct room_version *version;
    int64_t room_nid;
    int64_t base; /* the state that the forks have in common */
    int64_t roots[FORKS];
    size_t count;
    int64_t keys[2 * FORKS], events[2 * FORKS], shared[FORKS];
    struct str event_ids[2 * FORKS];
    struct spent spent;
};

static bool read_base(struct store_tx *tx, void *arg)
{
    struct fork_job *job = arg;
    struct event_row row;
    bool found = events_last_numbers(tx, job->room_nid, INT64_MAX, &row);
    assert(found);
    job->base = row.room_state ? row.room_state : row.state_after;
    return true;
}

/* The numbers of what was appended, and of the keys. */
static bool look_up(struct store_tx *tx, void *arg)
{
    struct fork_job *job = arg;
    struct arena *a = store_tx_arena(tx);
    struct event_row row;
    for (size_t i = 0; i < job->count; i++) {
        bool found = events_by_id(tx, job->event_ids[i], a, &row);
        assert(found);
        job->events[i] = row.event_nid;
        job->keys[i] = row.state_key_nid;
    }
    return true;
}

/* Makes 10 events for keys that have state already: members, states, and one of power levels. */
static void append_ten(struct bench *b, struct fork_job *job, struct str room_id, int round)
{
    static struct batch batch;
    struct arena *a = b->arena;
    struct json *levels = json_object(a), *users = json_object(a);
    batch.count = 0;
    for (int i = 1; i <= 5; i++) {
        struct str who = member_id(a, i);
        batch.drafts[batch.count++] = state_draft(a, who, "m.room.member", who, 1000 * round + i);
    }
    for (int i = 1; i <= 4; i++)
        batch.drafts[batch.count++] =
            state_draft(a, b->alice.user_id, "x.state", str_fmt(a, "k%d", b->members + i), 1000 * round + i);
    json_set_int(a, levels, STR("state_default"), 50 + round);
    json_set(a, levels, STR("users"), *users);
    batch.drafts[batch.count++] = (struct room_draft){.type = STR("m.room.power_levels"),
                                                      .sender = b->alice.user_id,
                                                      .has_state_key = true,
                                                      .state_key = STR(""),
                                                      .content = levels};
    append(b, a, room_id, &batch);
    for (size_t i = 0; i < batch.count; i++)
        job->event_ids[i] = batch.drafts[i].event_id;
    job->count = batch.count;
}

static bool fork_ten(struct store_tx *tx, void *arg)
{
    struct fork_job *job = arg;
    (void)look_up(tx, job);
    job->roots[job->roots[0] ? 1 : 0] = state_map_set_many(tx, job->base, job->keys, job->events, job->count);
    return true;
}

static bool fork_many(struct store_tx *tx, void *arg)
{
    struct fork_job *job = arg;
    job->count = 2 * FORKS;
    (void)look_up(tx, job);
    for (size_t i = 0; i < FORKS; i++)
        job->roots[i] = state_map_set_many(tx, job->base, job->keys + 2 * i, job->events + 2 * i, 2);
    job->count = FORKS;
    return true;
}

/* What is resolved is not kept: each time it is done again. */
static bool resolve(struct store_tx *tx, void *arg)
{
    struct fork_job *job = arg;
    struct arena *a = arena_new();
    struct event_reader reader;
    struct spent start = now();
    event_reader_begin(&reader, tx, a, job->version);
    int64_t root = room_resolve_states(&reader, job->roots, job->count);
    event_reader_end(&reader);
    job->spent = since(start, 1);
    arena_free(&a);
    assert(root > 0 && root != job->base);
    return false;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_resolving(struct bench *b, struct fork_job *job, const char *what, double limit_ms)
{
    double us[9];
    for (size_t i = 0; i < 9; i++) {
        if (store_write(b->services.store, resolve, job) != STORE_ABORTED)
            exit(1);
        us[i] = job->spent.wall;
    }
    double first = us[0];
    qsort(us, 9, sizeof us[0], compare_doubles);
    printf("resolving %s: %.2f ms, the first time %.2f ms (limit %.0f ms)%s\n", what, us[4] / 1e3, first / 1e3,
           limit_ms, mark(us[4] / 1e3 > limit_ms));
}

static void fork_job_init(struct bench *b, struct fork_job *job, struct str room_id)
{
    struct room *room;
    check(room_open(&b->services, room_id, ROOM_UNKNOWN, &room));
    *job = (struct fork_job){.b = b, .version = room->version, .room_nid = room->nid};
    room_close(&b->services, &room);
    if (store_write(b->services.store, read_base, job) != STORE_OK)
        exit(1);
}

static void two_forks(struct bench *b, struct str room_id)
{
    static struct fork_job job;
    fork_job_init(b, &job, room_id);
    for (int round = 1; round <= 2; round++) {
        append_ten(b, &job, room_id, round);
        if (store_write(b->services.store, fork_ten, &job) != STORE_OK)
            exit(1);
    }
    job.count = 2;
    reopen(b);
    time_resolving(b, &job, "2 forks that differ in 10 events", 5);
}

/* Each fork has an event of a key that all have, and a member of its own. */
static void many_forks(struct bench *b, struct str room_id)
{
    static struct fork_job job;
    static struct batch batch;
    fork_job_init(b, &job, room_id);
    struct arena *a = arena_new();
    for (int i = 0; i < FORKS; i += BATCH / 2) {
        batch.count = 0;
        for (int k = i; k < i + BATCH / 2; k++) {
            struct str who = member_id(a, 100 + k % (b->members - 101));
            batch.drafts[batch.count++] = state_draft(a, b->alice.user_id, "x.state", STR("shared"), k);
            batch.drafts[batch.count++] = state_draft(a, who, "m.room.member", who, 70000 + k);
        }
        append(b, a, room_id, &batch);
        for (size_t k = 0; k < batch.count; k++)
            job.event_ids[2 * (size_t)i + k] = str_copy(b->arena, batch.drafts[k].event_id);
        arena_reset(a);
    }
    arena_free(&a);
    if (store_write(b->services.store, fork_many, &job) != STORE_OK)
        exit(1);
    reopen(b);
    time_resolving(b, &job, "1,000 forks of 2 events", 2000);
}

/* --- receiving --- */

static bool find_key(void *ctx, struct str server, struct str key_id, int64_t at_ms, uint8_t out[ED25519_PUBLIC_SIZE])
{
    const struct signing_key *key = ctx;
    (void)at_ms;
    if (!str_eq(server, key->server_name) || !str_eq(key_id, key->key_id))
        return false;
    memcpy(out, key->key.public_key, ED25519_PUBLIC_SIZE);
    return true;
}

struct remote {
    struct bench *b;
    struct room *room;
    struct str user_id, prev;
    int64_t depth;
    struct str auth[4];
    size_t auth_count;
};

static struct str state_id(struct remote *r, struct str type, struct str key)
{
    const struct event *event;
    check(room_state_now(&r->b->services, r->b->arena, r->room, type, key, &event));
    assert(event);
    return event->event_id;
}

static struct json *remote_event(struct remote *r, struct arena *a, bool join, int number)
{
    struct json *pdu = json_object(a), *content = json_object(a), *prev = json_array(a), *auth = json_array(a);
    struct event event;
    json_set_str(a, content, join ? STR("membership") : STR("body"),
                 join ? STR("join") : str_fmt(a, "line %d of what somebody elsewhere has to say", number));
    if (!join)
        json_set_str(a, content, STR("msgtype"), STR("m.text"));
    json_push(a, prev, json_string(r->prev));
    for (size_t i = 0; i < r->auth_count; i++)
        json_push(a, auth, json_string(r->auth[i]));
    json_set_str(a, pdu, STR("type"), join ? STR("m.room.member") : STR("m.room.message"));
    json_set_str(a, pdu, STR("sender"), r->user_id);
    if (join)
        json_set_str(a, pdu, STR("state_key"), r->user_id);
    json_set(a, pdu, STR("content"), *content);
    json_set_str(a, pdu, STR("room_id"), r->room->room_id);
    json_set_int(a, pdu, STR("origin_server_ts"), clock_now_ms());
    json_set_int(a, pdu, STR("depth"), ++r->depth);
    json_set(a, pdu, STR("prev_events"), *prev);
    json_set(a, pdu, STR("auth_events"), *auth);
    struct event_verdict verdict = event_seal(a, r->room->version, pdu, &r->b->remote_key, &event);
    assert(!verdict.refused);
    r->prev = str_copy(r->b->arena, event.event_id);
    return pdu;
}

static void receive(struct remote *r, struct arena *a, struct received_pdu *pdus, size_t count)
{
    struct receive_options options = {.keys = {find_key, &r->b->remote_key}};
    check(room_receive(&r->b->services, a, r->room, &options, pdus, count));
    for (size_t i = 0; i < count; i++)
        if (pdus[i].outcome != RECEIVE_ACCEPTED) {
            fprintf(stderr, "bench_room_engine: %.*s: %.*s\n", STR_ARG(receive_outcome_name(pdus[i].outcome)),
                    STR_ARG(pdus[i].rule));
            exit(1);
        }
}

/* A new user of another server joins, and then speaks. */
static void remote_join(struct remote *r, struct arena *a)
{
    struct room *room = r->room;
    mutex_lock(&room->lock);
    bool loaded = room_head_load(&r->b->services, room);
    assert(loaded && room->head.prev_count == 1);
    r->prev = str_copy(a, room->head.prev_events[0]->s);
    r->depth = room->head.depth;
    mutex_unlock(&room->lock);
    bool in_room_id = room->version->room_id_is_create_hash;
    if (!in_room_id)
        r->auth[r->auth_count++] = state_id(r, STR("m.room.create"), STR(""));
    r->auth[r->auth_count++] = state_id(r, STR("m.room.power_levels"), STR(""));
    r->auth[r->auth_count++] = state_id(r, STR("m.room.join_rules"), STR(""));
    struct received_pdu pdu = {.pdu = remote_event(r, a, true, 0)};
    receive(r, a, &pdu, 1);
    r->auth[r->auth_count - 1] = r->prev;
}

static void receiving(struct bench *b, struct str room_id, const char *what)
{
    static struct received_pdu pdus[RECEIVED];
    static int remotes;
    struct arena *a = arena_new(), *scratch = arena_new();
    struct remote r = {.b = b, .user_id = str_fmt(b->arena, "@eve%d:remote.test", remotes++)};
    check(room_open(&b->services, room_id, ROOM_UNKNOWN, &r.room));
    remote_join(&r, a);
    for (int i = 0; i < RECEIVED; i++)
        pdus[i] = (struct received_pdu){.pdu = remote_event(&r, a, false, i)};
    struct spent start = now();
    for (int i = 0; i < RECEIVED; i += AT_ONCE) {
        receive(&r, scratch, pdus + i, AT_ONCE);
        arena_reset(scratch);
    }
    struct spent each = since(start, RECEIVED);
    printf("receiving, %s room, %d at a time: %.1f us of CPU, %.1f us; %.0f events a second of CPU (limit 5,000)%s\n",
           what, AT_ONCE, each.cpu, each.wall, 1e6 / each.cpu, mark(1e6 / each.cpu < 5000));
    room_close(&b->services, &r.room);
    arena_free(&scratch);
    arena_free(&a);
}

/* --- memory --- */

static double mib(size_t bytes)
{
    return (double)bytes / 1048576;
}

static bool read_key(void *ctx, int64_t key, int64_t event)
{
    struct store_tx *tx = ctx;
    struct str type, state_key;
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    bool found = event > 0 && state_keys_get(tx, key, a, &type, &state_key);
    if (found && str_eq(type, STR("m.room.member")))
        found = users_nid_of(tx, state_key) > 0;
    arena_release(a, mark);
    return found;
}

/* All of the large room's state, its names and its users. */
static void walk_state(struct bench *b, struct str room_id)
{
    static struct fork_job job;
    fork_job_init(b, &job, room_id);
    struct store_tx *tx = store_read_begin(b->services.store);
    state_map_each(tx, job.base, read_key, tx);
    bool ok = store_read_end(&tx);
    assert(ok);
}

static void many_rooms(struct bench *b, struct str large)
{
    static struct str rooms[ROOMS];
    struct arena *a = arena_new();
    struct json *body = json_object(b->arena);
    json_set_str(b->arena, body, STR("preset"), STR("public_chat"));
    for (int i = 0; i < ROOMS; i++) {
        struct str room_id;
        check(room_create(&b->services, a, &b->alice, body, &room_id));
        rooms[i] = str_copy(b->arena, room_id);
        arena_reset(a);
    }
    reopen(b);
    double before = rss_mib();
    for (int i = 0; i < 2 * ROOMS; i++) {
        struct str event_id;
        struct json *content = json_object(a);
        json_set_str(a, content, STR("body"), STR("hello"));
        json_set_str(a, content, STR("msgtype"), STR("m.text"));
        check(room_send(&b->services, a, &b->alice, rooms[i % ROOMS], STR("m.room.message"),
                        str_fmt(a, "t%d", b->txn++), content, &event_id));
        arena_reset(a);
    }
    walk_state(b, large);
    double after = rss_mib();
    printf("memory: %.1f MiB, after walking 1,000 rooms twice and the large room's state %.1f MiB: %.1f MiB more "
           "(limit 64)%s\n",
           before, after, after - before, mark(after - before > 64));
    struct store *store = b->services.store;
    printf("    idle rooms %.1f, nodes %.1f, keys %.1f, users %.1f MiB; the rest is SQLite's\n",
           mib(rooms_idle_bytes(b->services.rooms)), mib(row_cache_used(store->state_nodes)),
           mib(row_cache_used(store->state_keys)), mib(row_cache_used(store->users)));
    arena_free(&a);
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    struct bench *b = calloc(1, sizeof *b);
    uint8_t seed[ED25519_SEED_SIZE] = {7}, remote_seed[ED25519_SEED_SIZE] = {9};
    assert(b);
    b->members = argc > 1 ? atoi(argv[1]) : 50000;
    b->states = argc > 2 ? atoi(argv[2]) : 60000;
    b->url = argc > 3 ? argv[3] : NULL;
    assert(b->members > 200 && b->states > b->members + 10);
    snprintf(b->folder, sizeof b->folder, "%s/hearth-bench-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(b->folder))
        return 1;
    snprintf(b->path, sizeof b->path, "%s/db", b->folder);
    crypto_init();
    b->arena = arena_new();
    b->options = (struct service_options){
        .server_name = STR("bench.test"), .allow_room_creation = true, .allow_federation = true};
    b->key = (struct signing_key){.server_name = STR("bench.test"), .key_id = STR("ed25519:b")};
    ed25519_from_seed(seed, &b->key.key);
    b->remote_key = (struct signing_key){.server_name = STR("remote.test"), .key_id = STR("ed25519:r")};
    ed25519_from_seed(remote_seed, &b->remote_key.key);
    b->wake = (struct wake){.fn = wake_nobody, .group_fn = wake_no_group};
    services_open(b);
    b->alice = user(b, STR("@alice:bench.test"));

    struct spent start = now();
    struct str small = make_room(b, 5, 0), large = make_room(b, b->members, b->states);
    struct spent each = since(start, b->states);
    printf("a room of %d members and %d state events: %.0f us of CPU, %.0f us an event; RSS %.1f MiB\n", b->members,
           b->states, each.cpu, each.wall, rss_mib());
    sending(b, small, large);
    growth(b, small, large);
    receiving(b, small, "small");
    receiving(b, large, "large");
    two_forks(b, large);
    many_forks(b, large);
    many_rooms(b, large);

    services_close(b);
    arena_free(&b->arena);
    static const char *const files[] = {"db", "db-wal", "db-shm", "db.lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char name[320];
        snprintf(name, sizeof name, "%s/%s", b->folder, files[i]);
        unlink(name);
    }
    int left = rmdir(b->folder);
    free(b);
    return left ? 1 : 0;
}
