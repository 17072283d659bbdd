/*
 * What relations cost: CPU of sending messages that have one, also where there are many already, and of pages of events
 * whose children are bundled.
 *
 *     bench_relations [relations to one event]        20000
 */
#include "base/clock.h"
#include "crypto/crypto.h"
#include "service/room_create.h"
#include "service/room_read.h"
#include "service/room_send.h"
#include "service/typing.h"
#include "service/wake.h"
#include "store/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MESSAGES = 1000, PAGE = 100, READS = 200 };

struct bench {
    struct services services;
    struct service_options options;
    struct signing_key key;
    struct wake wake;
    struct caller alice;
    struct arena *arena;
    struct str room_id;
};

static void wake_nobody(void *ctx, uint64_t key)
{
    (void)ctx;
    (void)key;
}

static void check(struct fault fault)
{
    if (!fault.code)
        return;
    fprintf(stderr, "bench_relations: %.*s\n", STR_ARG(fault.message));
    exit(1);
}

static bool add_alice(struct store_tx *tx, void *arg)
{
    struct caller *alice = arg;
    alice->user_nid = users_intern(tx, alice->user_id);
    return true;
}

static void make_room(struct bench *b)
{
    struct json *body = json_object(b->arena);
    json_set_str(b->arena, body, STR("preset"), STR("public_chat"));
    check(room_create(&b->services, b->arena, &b->alice, body, &b->room_id));
}

static void bench_open(struct bench *b)
{
    struct store_options store = {.path = ":memory:", .server_name = STR("bench.test"), .create = true};
    struct store_error error;
    uint8_t seed[ED25519_SEED_SIZE] = {7};
    crypto_init();
    *b = (struct bench){.arena = arena_new(), .wake = {.fn = wake_nobody}};
    b->options = (struct service_options){.server_name = STR("bench.test"), .allow_room_creation = true};
    b->key = (struct signing_key){.server_name = STR("bench.test"), .key_id = STR("ed25519:b")};
    ed25519_from_seed(seed, &b->key.key);
    b->services = (struct services){
        .options = &b->options, .signing_key = &b->key, .rooms = rooms_new(), .typing = typing_new(), .wake = &b->wake};
    b->alice = (struct caller){.device_nid = 1, .user_id = STR("@alice:bench.test")};
    if (!store_open(&store, &b->services.store, &error) ||
        store_write(b->services.store, add_alice, &b->alice) != STORE_OK)
        exit(1);
}

static void bench_close(struct bench *b)
{
    typing_free(&b->services.typing);
    rooms_free(&b->services.rooms);
    store_close(&b->services.store);
    arena_free(&b->arena);
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- sending --- */

/* A message, with a relation if `rel_type` is given; its id lives in the arena of the bench. */
static struct str say(struct bench *b, const char *rel_type, struct str parent)
{
    static int txn;
    struct arena *a = arena_new();
    struct json *content = json_object(a);
    struct str event_id;
    json_set_str(a, content, STR("msgtype"), STR("m.text"));
    json_set_str(a, content, STR("body"), STR("what there is to say in a room"));
    if (rel_type) {
        struct json *relates_to = json_object(a);
        json_set_str(a, relates_to, STR("rel_type"), str_of(rel_type));
        json_set_str(a, relates_to, STR("event_id"), parent);
        json_set_str(a, relates_to, STR("key"), str_fmt(a, "%d", txn));
        json_set(a, content, STR("m.relates_to"), *relates_to);
        json_set(a, content, STR("m.new_content"), *json_object(a));
    }
    check(room_send(&b->services, a, &b->alice, b->room_id, STR("m.room.message"), str_fmt(a, "t%d", txn++), content,
                    &event_id));
    event_id = str_copy(b->arena, event_id);
    arena_free(&a);
    return event_id;
}

static double say_us(struct bench *b, const char *rel_type, struct str parent, int count)
{
    double before = cpu_us();
    for (int i = 0; i < count; i++)
        say(b, rel_type, parent);
    return (cpu_us() - before) / count;
}

static void measure_sending(struct bench *b, int many)
{
    static const char *const rel_types[] = {"m.replace", "m.thread", "m.reference", "m.annotation"};
    make_room(b);
    struct str root = say(b, NULL, (struct str){0});
    say_us(b, NULL, root, MESSAGES);
    printf("message, no relation                %7.1f us\n", say_us(b, NULL, root, MESSAGES));
    for (size_t i = 0; i < sizeof rel_types / sizeof rel_types[0]; i++) {
        root = say(b, NULL, root);
        double first = say_us(b, rel_types[i], root, MESSAGES);
        say_us(b, rel_types[i], root, many);
        double later = say_us(b, rel_types[i], root, MESSAGES);
        struct json *event;
        double before = cpu_us();
        for (int k = 0; k < READS; k++)
            check(room_read_event(&b->services, b->arena, &b->alice, b->room_id, root, &event));
        double read = (cpu_us() - before) / READS;
        printf("message, %-12s               %7.1f us, after %d to one event %7.1f us; reading that %7.1f us\n",
               rel_types[i], first, many, later, read);
    }
}

/* --- reading --- */

/* CPU of the page that begins with the first events of the room's messages. */
static double page_us(struct bench *b, struct str from, size_t *bytes_out)
{
    struct messages_query q = {.limit = PAGE, .from = from};
    double before = 0;
    for (int i = -10; i < READS; i++) {
        struct arena *a = arena_new();
        struct buf out;
        if (i == 0)
            before = cpu_us();
        buf_init(&out, (size_t)64 << 20);
        check(room_read_messages(&b->services, a, &b->alice, b->room_id, &q, &out));
        *bytes_out = out.n;
        buf_fini(&out);
        arena_free(&a);
    }
    return (cpu_us() - before) / READS;
}

static void measure_page(struct bench *b, const char *name, const char *rel_type, int each)
{
    struct str ids[PAGE];
    size_t bytes;
    make_room(b);
    int64_t from = store_stable_pos(b->services.store);
    for (int i = 0; i < PAGE; i++)
        ids[i] = say(b, NULL, (struct str){0});
    for (int i = 0; i < PAGE * each; i++)
        say(b, rel_type, ids[i % PAGE]);
    double us = page_us(b, str_fmt(b->arena, "s%lld", (long long)from), &bytes);
    printf("page of %d, %-24s%7.0f us, %7zu bytes\n", PAGE, name, us, bytes);
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b);
    measure_sending(&b, argc > 1 ? atoi(argv[1]) : 20000);
    measure_page(&b, "nothing related", NULL, 0);
    measure_page(&b, "a reaction each", "m.annotation", 1);
    measure_page(&b, "an edit each", "m.replace", 1);
    measure_page(&b, "20 edits each", "m.replace", 20);
    measure_page(&b, "a thread of 20 each", "m.thread", 20);
    measure_page(&b, "20 references each", "m.reference", 20);
    bench_close(&b);
    return 0;
}
