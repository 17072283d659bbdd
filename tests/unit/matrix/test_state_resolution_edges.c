/* State resolution: what is missing, wrong, long, deep or cyclic. */
#include "matrix/state_resolution.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

enum { DEEP = 50000, EVENTS_MAX = DEEP + 300, AUTH_MAX = 4 };

/* Events are numbered from 1; 0 stands for none. What `state` has is the state that all sets share. */
struct events {
    struct arena *a;
    const struct room_version *version;
    struct event event[EVENTS_MAX];
    uint64_t auth[EVENTS_MAX][AUTH_MAX];
    size_t auth_count[EVENTS_MAX];
    bool hidden[EVENTS_MAX];
    uint64_t count;
    uint64_t state[8];
    size_t state_count;
    size_t calls;
};

static const struct event *get_event(void *ctx, uint64_t number)
{
    struct events *events = ctx;
    events->calls++;
    return number <= events->count && !events->hidden[number] ? &events->event[number] : NULL;
}

static const uint64_t *get_auth_events(void *ctx, uint64_t number, size_t *count_out)
{
    struct events *events = ctx;
    events->calls++;
    *count_out = number <= events->count ? events->auth_count[number] : 0;
    return number <= events->count ? events->auth[number] : NULL;
}

static bool get_rejected(void *ctx, uint64_t number)
{
    (void)ctx, (void)number;
    return false;
}

static uint64_t get_state(void *ctx, struct str type, struct str state_key)
{
    struct events *events = ctx;
    events->calls++;
    for (size_t i = 0; i < events->state_count; i++) {
        if (event_is_state(&events->event[events->state[i]], type, state_key))
            return events->state[i];
    }
    return 0;
}

static void get_each_state(void *ctx, bool (*visit)(void *visit_ctx, uint64_t number), void *visit_ctx)
{
    struct events *events = ctx;
    events->calls++;
    for (size_t i = 0; i < events->state_count; i++) {
        if (!visit(visit_ctx, events->state[i]))
            return;
    }
}

static const struct json *json_of(struct arena *a, const char *text)
{
    char *quoted = arena_alloc(a, strlen(text) + 1);
    for (size_t i = 0; text[i]; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    return json_parse(a, str_of(quoted), JSON_DEPTH_MAX).value;
}

static uint64_t add(struct events *events, const char *sender, struct str type, struct str state_key,
                    const struct json *content)
{
    uint64_t number = ++events->count;
    assert_true(number < EVENTS_MAX);
    events->event[number] = (struct event){
        .version = events->version,
        .json = json_object(events->a),
        .event_id = str_fmt(events->a, "$%08llu", (unsigned long long)number),
        .room_id = STR("!r:s"),
        .type = type,
        .sender = str_of(sender),
        .has_state_key = true,
        .state_key = state_key,
        .content = content,
        .origin_server_ts = (int64_t)number,
    };
    return number;
}

static void cite(struct events *events, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t cited[AUTH_MAX] = {a, b, c, d};
    for (size_t i = 0; i < AUTH_MAX; i++) {
        if (cited[i] > 0)
            events->auth[number][events->auth_count[number]++] = cited[i];
    }
}

/* 1 is m.room.create, 2 the creator, who is in the room. */
static struct events *events_new(struct arena *a, const char *version)
{
    struct events *events = ARENA_NEW(a, struct events);
    events->a = a;
    events->version = room_version_find(str_of(version));
    add(events, "@c:s", STR("m.room.create"), STR(""), json_of(a, "{'creator':'@c:s'}"));
    add(events, "@c:s", STR("m.room.member"), STR("@c:s"), json_of(a, "{'membership':'join'}"));
    cite(events, 2, 1, 0, 0, 0);
    events->event[2].prev_events = &events->event[1].event_id;
    events->event[2].prev_events_count = 1;
    events->state[0] = 1;
    events->state[1] = 2;
    events->state_count = 2;
    return events;
}

static uint64_t add_power(struct events *events, const char *sender, const char *content, uint64_t member,
                          uint64_t before)
{
    uint64_t number = add(events, sender, STR("m.room.power_levels"), STR(""), json_of(events->a, content));
    cite(events, number, 1, member, before, 0);
    return number;
}

static uint64_t add_topic(struct events *events, uint64_t power)
{
    uint64_t number = add(events, "@c:s", STR("m.room.topic"), STR(""), json_of(events->a, "{}"));
    cite(events, number, 1, 2, power, 0);
    return number;
}

static struct state_resolution_input input_of(struct events *events, size_t sets,
                                              const struct state_resolution_difference *differences, size_t count)
{
    return (struct state_resolution_input){
        .version = events->version,
        .create = &events->event[1],
        .sets = sets,
        .differences = differences,
        .difference_count = count,
        .source = {.ctx = events,
                   .event = get_event,
                   .auth_events = get_auth_events,
                   .rejected = get_rejected,
                   .state = get_state,
                   .each_state = get_each_state,
                   .ordered = true,
                   .events_max = 2 * EVENTS_MAX},
    };
}

#define DIFFERENCES(...)                                                                                               \
    (const struct state_resolution_difference[]){__VA_ARGS__},                                                         \
        sizeof((const struct state_resolution_difference[]){__VA_ARGS__}) / sizeof(struct state_resolution_difference)

static void test_agreement(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "10");
    struct state_resolution_input input = input_of(events, 3, NULL, 0);
    struct state_resolution_result result = {.count = 99};
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 0);
    arena_free(&a);
}

/* The changes are those of set 0, in the order of keys; what is as set 0 has it is none. */
static void test_changes(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "10");
    const struct json *empty = json_object(a);
    uint64_t old = add(events, "@x:s", STR("b"), STR(""), empty); /* not in the room: refused */
    uint64_t ab_c = add(events, "@c:s", STR("ab"), STR("c"), empty),
             a_bc = add(events, "@c:s", STR("a"), STR("bc"), empty);
    uint64_t kept = add(events, "@c:s", STR("ab"), STR("d"), empty),
             nul = add(events, "@c:s", STR("a"), STR("b\0c"), empty);
    for (uint64_t e = ab_c; e <= nul; e++)
        cite(events, e, 1, 2, 0, 0);
    struct state_resolution_input input =
        input_of(events, 2, DIFFERENCES({1, old, 0}, {1, 0, ab_c}, {1, 0, a_bc}, {1, kept, 0}, {1, 0, nul}));
    struct state_resolution_result result;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    const struct {
        struct str type, state_key;
        uint64_t event;
    } want[] = {{STR_INIT("a"), STR_INIT("b\0c"), nul},
                {STR_INIT("a"), STR_INIT("bc"), a_bc},
                {STR_INIT("ab"), STR_INIT("c"), ab_c},
                {STR_INIT("b"), STR_INIT(""), 0}};
    assert_int_equal(result.count, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(str_eq(result.changes[i].type, want[i].type));
        assert_true(str_eq(result.changes[i].state_key, want[i].state_key));
        assert_int_equal(result.changes[i].event, want[i].event);
    }
    arena_free(&a);
}

static void test_missing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "10");
    uint64_t power = add_power(events, "@c:s", "{'users':{'@c:s':100}}", 2, 0);
    uint64_t first = add_topic(events, power), second = add_topic(events, power);
    uint64_t message = add(events, "@c:s", STR("m.room.message"), STR(""), json_object(a));
    events->event[message].has_state_key = false;
    struct state_resolution_result result = {.count = 99};

    struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, first, 1234567}));
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_MISSING_EVENT);
    input = input_of(events, 2, DIFFERENCES({1, 1234567, 0}));
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_MISSING_EVENT);
    input = input_of(events, 2, DIFFERENCES({1, 0, message}));
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_MISSING_EVENT);
    assert_int_equal(result.count, 99); /* untouched */

    /* An auth event that is not at hand is as if nobody had cited it. */
    events->hidden[power] = true;
    input = input_of(events, 2, DIFFERENCES({1, first, second}));
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.changes[0].event, second);
    arena_free(&a);
}

/* A chain of power levels, each citing the one before; the forks are at its two ends. */
static struct events *deep_room(struct arena *a, uint64_t *first_out, uint64_t *last_out)
{
    struct events *events = events_new(a, "10");
    const struct json *content = json_of(a, "{'users':{'@c:s':100}}");
    for (int i = 0; i < DEEP; i++) {
        uint64_t number = add(events, "@c:s", STR("m.room.power_levels"), STR(""), content);
        cite(events, number, 1, 2, i > 0 ? number - 1 : 0, 0);
        *first_out = i == 0 ? number : *first_out;
        *last_out = number;
    }
    return events;
}

static void test_deep(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint64_t first, last;
    struct events *events = deep_room(a, &first, &last);
    uint64_t recent = add_topic(events, last), old = add_topic(events, first); /* the newer one cites the older */
    for (int ordered = 0; ordered < 2; ordered++) {
        struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, first, last}, {1, old, recent}));
        input.source.ordered = ordered;
        struct state_resolution_result result;
        assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
        assert_int_equal(result.count, 2);
        assert_int_equal(result.changes[0].event, last);
        assert_int_equal(result.changes[1].event, recent);

        input.source.events_max = DEEP / 2;
        assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_TOO_LARGE);
    }
    arena_free(&a);
}

/* With ordered numbers, forks at the end of a long history do not walk it. */
static void test_shallow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint64_t first, last;
    struct events *events = deep_room(a, &first, &last);
    events->state[events->state_count++] = last;
    uint64_t x = add_topic(events, last), y = add_topic(events, last - 3);
    struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, x, y}));
    struct state_resolution_result result;
    events->calls = 0;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 0);
    assert_in_range(events->calls, 1, 100);
    arena_free(&a);
}

/* Ids are hashes, so that there are no cycles; if there were one, it must not hang anything. */
static void test_cycle(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "2");
    uint64_t x = add_power(events, "@c:s", "{'users':{'@c:s':100}}", 2, 4);
    uint64_t y = add_power(events, "@c:s", "{'users':{'@c:s':100}}", 2, x);
    uint64_t self = add_topic(events, 5), topic = add_topic(events, y);
    cite(events, self, self, 0, 0, 0);
    assert_int_equal(y, 4);
    for (int ordered = 0; ordered < 2; ordered++) {
        struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, x, y}, {1, topic, self}));
        input.source.ordered = ordered;
        struct state_resolution_result result;
        assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    }
    arena_free(&a);
}

/* More sets than one word has bits: an event that is in the auth chains of all of them is in no difference. If it were
 * taken for one, it would become the room's power levels, as all others are of one who is banned. */
static void test_many_sets(void **state)
{
    (void)state;
    enum { SETS = 200 };
    struct arena *a = arena_new();
    struct events *events = events_new(a, "10");
    uint64_t levels = add_power(events, "@c:s", "{'users':{'@c:s':100,'@b:s':99}}", 2, 0);
    uint64_t b = add(events, "@b:s", STR("m.room.member"), STR("@b:s"), json_of(a, "{'membership':'join'}"));
    uint64_t ban = add(events, "@c:s", STR("m.room.member"), STR("@b:s"), json_of(a, "{'membership':'ban'}"));
    events->state[events->state_count++] = ban;
    uint64_t power[SETS];
    for (int i = 0; i < SETS; i++)
        power[i] = add_power(events, "@b:s", "{'users':{'@c:s':100,'@b:s':99}}", b, levels);
    struct state_resolution_difference differences[SETS - 1];
    for (size_t i = 1; i < SETS; i++)
        differences[i - 1] = (struct state_resolution_difference){i, power[0], power[i]};
    struct state_resolution_input input = input_of(events, SETS, differences, SETS - 1);
    struct state_resolution_result result;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.changes[0].event, 0);

    /* One set knows it not: now it is in the difference. */
    differences[SETS - 2].event = 0;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.changes[0].event, levels);
    arena_free(&a);
}

/* The rules may ask for a state_key that no event can have. */
static void test_long_key(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "10");
    char *text = arena_alloc(a, 1000);
    int n = snprintf(text, 1000,
                     "{'membership':'invite','third_party_invite':{'signed':{'mxid':'@x:s','token':'%0400d'}}}", 7);
    assert_in_range(n, 400, 999);
    uint64_t invite = add(events, "@c:s", STR("m.room.member"), STR("@x:s"), json_of(a, text));
    cite(events, invite, 1, 2, 0, 0);
    struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, 0, invite}));
    struct state_resolution_result result;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 0);
    arena_free(&a);
}

/* Version 12: auth events do not cite m.room.create, and a set may lack it; the rules still know the room's. */
static void test_version_12_create(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct events *events = events_new(a, "12");
    uint64_t topic = add(events, "@c:s", STR("m.room.topic"), STR(""), json_object(a));
    cite(events, topic, 2, 0, 0, 0);
    events->auth_count[2] = 0;
    events->state_count = 0;
    struct state_resolution_input input = input_of(events, 2, DIFFERENCES({1, 1, 0}, {1, 2, 0}, {1, 0, topic}));
    struct state_resolution_result result;
    assert_int_equal(state_resolution_run(a, &input, &result), STATE_RESOLUTION_OK);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.changes[0].event, topic);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement), cmocka_unit_test(test_changes),  cmocka_unit_test(test_missing),
        cmocka_unit_test(test_deep),      cmocka_unit_test(test_shallow),  cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_many_sets), cmocka_unit_test(test_long_key), cmocka_unit_test(test_version_12_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
