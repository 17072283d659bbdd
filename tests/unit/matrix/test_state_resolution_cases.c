/* State resolution: published cases (state_resolution_cases.h), by the module and by the textbook. */
#include "matrix/state_resolution_cases.h"
#include "matrix/state_resolution_given.h"

#include <stdio.h>

#include "testing.h"

struct graph {
    struct book_room room;
    const char *ids[BOOK_EVENTS_MAX];
    struct book_set after[BOOK_EVENTS_MAX]; /* the state after each event */
    const struct resolution_case *of;
};

static const struct json *case_content(struct arena *a, const char *text)
{
    char *quoted = arena_alloc(a, strlen(text) + 1);
    for (size_t i = 0; text[i]; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    struct json_result r = json_parse(a, str_of(quoted), JSON_DEPTH_MAX);
    if (!r.value)
        fail_msg("%s: %s", r.error, quoted);
    return r.value;
}

/* The next id of a list, as the index of its event; -1 at the end. */
static int next_id(const struct graph *g, struct str *list)
{
    struct str id = str_cut(*list, ' ', list);
    if (id.n == 0)
        return -1;
    for (int e = 0; e < g->room.count; e++) {
        if (str_eq(id, str_of(g->ids[e])))
            return e;
    }
    fail_msg("%s: no event %.*s", g->of->name, STR_ARG(id));
    return -1;
}

static struct book_set set_of(const struct graph *g, const char *ids)
{
    struct book_set set = {{false}};
    struct str list = str_of(ids);
    for (int e; (e = next_id(g, &list)) >= 0;)
        set.has[e] = true;
    return set;
}

static void assert_same(const struct graph *g, const struct book_set *got, const struct book_set *want, const char *who)
{
    if (memcmp(got, want, sizeof(*got)) == 0)
        return;
    given_print_difference(&g->room, got, want);
    fail_msg("%s, version %.*s: by the %s", g->of->name, STR_ARG(g->room.version->name), who);
}

/* Both ways must agree about every state that is resolved on the way, too. */
static struct book_set resolve(const struct graph *g, const struct book_set *states, int n)
{
    static const struct given_way ways[] = {
        {.ordered = true},
        {.ordered = true, .shuffle_sets = true},
        {.ordered = false, .shuffle_sets = true, .shuffle_numbers = true},
        {.index = true, .shuffle_sets = true, .shuffle_numbers = true},
    };
    struct book_set want = book_resolve(&g->room, states, n);
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct random random = {i};
        struct book_set got = given_resolve(&g->room, states, n, ways[i], &random);
        assert_same(g, &got, &want, "module, unlike the textbook");
    }
    return want;
}

static struct book_set resolve_after(const struct graph *g, const char *ids)
{
    struct book_set states[CASE_EVENTS_MAX];
    struct str list = str_of(ids);
    int n = 0;
    for (int e; (e = next_id(g, &list)) >= 0; n++)
        states[n] = g->after[e];
    if (n == 0)
        return (struct book_set){{false}};
    return n == 1 ? states[0] : resolve(g, states, n);
}

static void set_auth_events(struct graph *g, struct book_event *e, const char *cites, const struct book_set *before)
{
    if (!cites) {
        struct auth_key keys[AUTH_KEYS_MAX];
        size_t count = auth_keys_select(g->room.version, e->event.type, e->event.sender, e->event.has_state_key,
                                        e->event.state_key, e->event.content, keys);
        for (size_t i = 0; i < count; i++) {
            int cited = random_state_event(&g->room, before, keys[i]);
            if (cited >= 0)
                e->auth_events[e->auth_count++] = cited;
        }
        return;
    }
    if (g->room.version->create_in_auth_events)
        e->auth_events[e->auth_count++] = 0;
    struct str list = str_of(cites);
    for (int cited; (cited = next_id(g, &list)) >= 0;)
        e->auth_events[e->auth_count++] = cited;
}

static void add_event(struct graph *g, const struct case_event *c)
{
    struct arena *a = g->room.arena;
    struct book_event e = {.rejected = false};
    struct str *prev = ARENA_ARRAY(a, CASE_EVENTS_MAX, struct str);
    size_t prev_count = 0;
    struct str list = str_of(c->after);
    for (int p; (p = next_id(g, &list)) >= 0;)
        prev[prev_count++] = g->room.events[p].event.event_id;
    e.event = (struct event){
        .version = g->room.version,
        .json = case_content(a, g->room.count == 0 && g->room.version->room_id_is_create_hash ? "{}"
                                                                                              : "{'room_id':'!r:s'}"),
        .event_id = str_fmt(a, "%s%s", c->id[0] == '@' ? "" : "$", c->id),
        .room_id = STR("!r:example.com"),
        .type = str_of(c->type),
        .sender = str_of(c->sender),
        .has_state_key = c->state_key != NULL,
        .state_key = str_of(c->state_key),
        .content = case_content(a, c->content),
        .depth = c->depth ? c->depth : 1,
        .origin_server_ts = c->ts ? c->ts : g->room.count,
        .prev_events = prev,
        .prev_events_count = prev_count,
    };
    struct book_set state = resolve_after(g, c->after);
    set_auth_events(g, &e, c->cites, &state);
    int index = g->room.count++;
    g->room.events[index] = e;
    g->ids[index] = c->id;
    if (e.event.has_state_key)
        book_put(&g->room, &state, index);
    g->after[index] = state;
}

static void check_case(struct arena *a, const struct resolution_case *c, struct str version)
{
    struct graph *g = ARENA_NEW(a, struct graph);
    g->of = c;
    g->room.arena = a;
    g->room.version = room_version_find(version);
    assert_non_null(g->room.version);
    for (int i = 0; c->base && i < CASE_EVENTS_MAX && c->base[i].id; i++)
        add_event(g, &c->base[i]);
    for (int i = 0; i < CASE_EVENTS_MAX && c->events[i].id; i++)
        add_event(g, &c->events[i]);
    struct book_set got, want = set_of(g, c->want);
    if (c->resolve) {
        got = resolve_after(g, c->resolve);
    } else {
        struct book_set states[CASE_SETS_MAX];
        int n = 0;
        for (; n < CASE_SETS_MAX && c->states[n]; n++)
            states[n] = set_of(g, c->states[n]);
        got = resolve(g, states, n);
    }
    assert_same(g, &got, &want, "textbook and the module alike");
}

static void test_cases(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < RESOLUTION_CASES; i++) {
        struct str versions = str_of(resolution_cases[i].versions);
        while (versions.n > 0) {
            check_case(a, &resolution_cases[i], str_cut(versions, ' ', &versions));
            arena_reset(a);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
