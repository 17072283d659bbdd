/*
 * What the size of a room costs: CPU of a message and of a join in rooms of 5 and of 50,000, while 0, 100 and 10,000
 * requests are parked, of users who are not in the room and of users who are.
 *
 *     bench_room [messages]        2000
 *
 * The services and the park table in one process; HTTP adds the same to all of them. Who is woken is parked again at
 * once, which counts.
 */
#include "base/clock.h"
#include "crypto/crypto.h"
#include "http/park_table.h"
#include "service/room_create.h"
#include "service/room_member.h"
#include "service/room_send.h"
#include "service/typing.h"
#include "service/wake.h"
#include "store/rooms.h"
#include "store/users.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OTHERS = 10000, LARGE = 50000, JOINS = 300 };

struct bench {
    struct services services;
    struct service_options options;
    struct signing_key key;
    struct wake wake;
    struct park_table parks;
    struct park_entry *entries;
    uint64_t woken;
    struct caller alice;
    struct arena *arena;
};

/* --- parking --- */

static void park(struct bench *b, struct park_entry *e, uint64_t key, uint64_t id)
{
    struct http_park p = {.keys = {key}, .key_count = 1, .deadline_ms = INT64_MAX, .seen = park_table_seq(&b->parks)};
    enum park_result result = park_table_add(&b->parks, e, id, &p);
    assert(result == PARK_DONE || result == PARK_DONE_EARLIEST);
}

static void park_again(struct bench *b, struct park_entry *list)
{
    for (struct park_entry *next; list; list = next) {
        next = list->next;
        b->woken++;
        park(b, list, list->links[0].key, list->id);
    }
}

static void wake_one(void *ctx, uint64_t key)
{
    struct bench *b = ctx;
    park_again(b, park_table_wake(&b->parks, key));
}

static void wake_group(void *ctx, const struct wake_group *group)
{
    struct bench *b = ctx;
    park_again(b, park_table_wake_group(&b->parks, group));
}

/* --- filling --- */

static void services_open(struct bench *b, const char *path)
{
    struct store_options store = {.path = path, .server_name = STR("bench.test"), .create = true};
    struct store_error error;
    uint8_t seed[ED25519_SEED_SIZE] = {7};
    crypto_init();
    b->arena = arena_new();
    b->options = (struct service_options){.server_name = STR("bench.test"), .allow_room_creation = true};
    b->key = (struct signing_key){.server_name = STR("bench.test"), .key_id = STR("ed25519:b")};
    ed25519_from_seed(seed, &b->key.key);
    b->wake = (struct wake){.fn = wake_one, .ctx = b, .group_fn = wake_group};
    b->services = (struct services){
        .options = &b->options, .signing_key = &b->key, .rooms = rooms_new(), .typing = typing_new(), .wake = &b->wake};
    if (!store_open(&store, &b->services.store, &error)) {
        fprintf(stderr, "bench_room: %s\n", error.text);
        exit(1);
    }
    park_table_init(&b->parks);
}

struct fill {
    struct bench *b;
    struct str room_id; /* empty: only users */
    int64_t from, to;   /* users by their numbers */
};

static bool fill_run(struct store_tx *tx, void *arg)
{
    const struct fill *f = arg;
    int64_t room_nid = f->room_id.n ? rooms_nid_of(tx, f->room_id) : 0;
    for (int64_t i = f->from; i < f->to; i++) {
        struct membership_row row = {.room_nid = room_nid, .membership = MEMBERSHIP_JOIN, .event_nid = 1, .pos = 1};
        row.user_nid = users_intern(tx, str_fmt(f->b->arena, "@u%lld:bench.test", (long long)i));
        assert(row.user_nid == i);
        if (room_nid)
            memberships_set(tx, &row);
    }
    return true;
}

static void check(struct fault fault)
{
    if (!fault.code)
        return;
    fprintf(stderr, "bench_room: %.*s\n", STR_ARG(fault.message));
    exit(1);
}

/* Users 1 to OTHERS are in no room, the first of those after them makes it. */
static struct str make_room(struct bench *b, int64_t members)
{
    struct str room_id;
    struct json *body = json_object(b->arena);
    json_set_str(b->arena, body, STR("preset"), STR("public_chat"));
    check(room_create(&b->services, b->arena, &b->alice, body, &room_id));
    struct fill fill = {b, room_id, OTHERS + 2, OTHERS + 1 + members};
    if (store_write(b->services.store, fill_run, &fill) != STORE_OK)
        exit(1);
    rooms_free(&b->services.rooms); /* it is to read who is joined */
    b->services.rooms = rooms_new();
    return room_id;
}

/* --- measuring --- */

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double message_us(struct bench *b, struct str room_id, int count)
{
    struct arena *a = arena_new();
    struct json *content = json_object(b->arena);
    static int txn;
    double before = 0;
    json_set_str(b->arena, content, STR("msgtype"), STR("m.text"));
    json_set_str(b->arena, content, STR("body"), STR("what there is to say in a room"));
    for (int i = -100; i < count; i++) {
        struct str event_id;
        if (i == 0)
            before = cpu_us();
        check(room_send(&b->services, a, &b->alice, room_id, STR("m.room.message"), str_fmt(a, "t%d", txn++), content,
                        &event_id));
        arena_reset(a);
    }
    arena_free(&a);
    return (cpu_us() - before) / count;
}

static double join_us(struct bench *b, struct str room_id)
{
    double before = cpu_us();
    for (int64_t i = 1; i <= JOINS; i++) {
        struct caller who = {.user_nid = i, .user_id = str_fmt(b->arena, "@u%lld:bench.test", (long long)i)};
        check(room_join(&b->services, b->arena, &who, room_id, (struct str){0}));
    }
    double us = (cpu_us() - before) / JOINS;
    for (int64_t i = 1; i <= JOINS; i++) {
        struct caller who = {.user_nid = i, .user_id = str_fmt(b->arena, "@u%lld:bench.test", (long long)i)};
        check(room_leave(&b->services, b->arena, &who, room_id, (struct str){0}));
    }
    return us;
}

static void measure(struct bench *b, struct str room_id, int64_t members, int count)
{
    static const int parked[] = {0, 100, 10000};
    printf("room of %lld\n", (long long)members);
    for (int in_room = 0; in_room < 2; in_room++)
        for (size_t p = 0; p < sizeof parked / sizeof parked[0]; p++) {
            int64_t first = in_room ? OTHERS + 1 : 1;
            if (in_room && (parked[p] == 0 || parked[p] > members))
                continue;
            for (int i = 0; i < parked[p]; i++)
                park(b, &b->entries[i], (uint64_t)(first + i), (uint64_t)i + 1);
            b->woken = 0;
            double us = message_us(b, room_id, count);
            printf("  %5d parked, %-14s %8.1f us a message, %8.1f woken\n", parked[p],
                   in_room ? "in the room" : "of others", us, (double)b->woken / (count + 100));
            struct park_entry *all = park_table_expired(&b->parks, INT64_MAX);
            assert(!all == !parked[p]);
        }
    printf("  join %34.1f us\n", join_us(b, room_id));
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 2000;
    const char *parent = getenv("TMPDIR");
    char folder[256];
    char path[300];
    struct bench *b = calloc(1, sizeof *b);
    assert(b && count > 0);
    snprintf(folder, sizeof folder, "%s/hearth-bench-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/db", folder);
    services_open(b, path);
    b->entries = calloc(OTHERS, sizeof *b->entries);
    assert(b->entries);
    struct fill users = {.b = b, .from = 1, .to = OTHERS + 2};
    if (store_write(b->services.store, fill_run, &users) != STORE_OK)
        return 1;
    b->alice = (struct caller){
        .user_nid = OTHERS + 1, .device_nid = 1, .user_id = str_fmt(b->arena, "@u%d:bench.test", OTHERS + 1)};
    struct str small = make_room(b, 5);
    struct str large = make_room(b, LARGE);
    measure(b, small, 5, count);
    measure(b, large, LARGE, count);
    typing_free(&b->services.typing);
    rooms_free(&b->services.rooms);
    store_close(&b->services.store);
    park_table_fini(&b->parks);
    arena_free(&b->arena);
    free(b->entries);
    free(b);
    static const char *const files[] = {"db", "db-wal", "db-shm", "db.lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}
