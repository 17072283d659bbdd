/*
 * Servers that get the same events in different orders arrive at the same state.
 *
 * A room with forks, merges, kicks, bans and changes of power is made at random; its events are then let in by several
 * servers of ours, each in an order of its own, where what comes too early is sent again later. In the end all get one
 * event that follows every branch, and the state before it has to be the same everywhere. HEARTH_TEST_ROOMS says how
 * many rooms of each version; the seed of one that fails is printed.
 */
#include "base/log.h"
#include "service/room_enter.h"
#include "store/auth_chains.h"

#include "remote.h"

enum { EVENTS = 70, USERS = 6, HEADS = 3, SERVERS = 3, ROOMS = 1, BATCH = 9 };

/* A server, with the room that is looked at. */
struct server {
    struct fixture f;
    struct room *room;
};

struct plan {
    uint64_t seed;
    const struct room_version *version;
    struct arena *a;
    struct remote author; /* all users are on its server, and its f is the server that has seen all in order */
    struct server first;
    const struct json *pdus[EVENTS];
    struct event events[EVENTS];
    int count;
    int heads[HEADS];
    int accepted;
};

static int roll(struct plan *p, int below)
{
    p->seed = p->seed * 6364136223846793005U + 1442695040888963407U;
    return (int)((p->seed >> 33) % (uint64_t)below);
}

/* --- servers --- */

struct new_room {
    struct str room_id;
    struct str version;
};

static bool run_new_room(struct store_tx *tx, void *arg)
{
    const struct new_room *job = arg;
    return rooms_insert(tx, job->room_id, job->version) != 0;
}

static void server_init(struct server *server, const struct plan *p, struct str room_id)
{
    fixture_init(&server->f, NULL);
    struct new_room job = {room_id, p->version->name};
    assert_int_equal(store_write(server->f.services.store, run_new_room, &job), STORE_OK);
    check_ok(room_open(&server->f.services, room_id, ROOM_UNKNOWN, &server->room));
}

static void server_fini(struct server *server)
{
    room_close(&server->f.services, &server->room);
    fixture_fini(&server->f);
}

static void server_receive_batch(struct server *server, struct plan *p, struct received_pdu *batch, size_t count)
{
    struct receive_options options = {.keys = {remote_find_key, &p->author}};
    struct arena *a = arena_new();
    check_ok(room_receive(&server->f.services, a, server->room, &options, batch, count));
    arena_free(&a);
}

static enum receive_outcome server_receive(struct server *server, struct plan *p, const struct json *pdu)
{
    struct received_pdu received = {.pdu = pdu};
    server_receive_batch(server, p, &received, 1);
    return received.outcome;
}

/* --- making events --- */

/* The state after some events, and the events that one is to cite for its authorisation. */
struct look {
    struct server *server;
    struct arena *a;
    const struct str *prev;
    size_t prev_count;
    const struct auth_key *keys;
    size_t key_count;
    int64_t root;
    struct str auth[AUTH_KEYS_MAX];
    size_t auth_count;
};

static bool run_look(struct store_tx *tx, void *arg)
{
    struct look *look = arg;
    struct event_reader reader;
    int64_t roots[EVENT_PREV_EVENTS_MAX];
    event_reader_begin(&reader, tx, look->a, look->server->room->version);
    for (size_t i = 0; i < look->prev_count; i++) {
        const struct stored_event *stored = event_reader_id(&reader, look->prev[i]);
        assert_non_null(stored);
        roots[i] = stored->row.state_after;
    }
    look->root = look->prev_count ? room_resolve_states(&reader, roots, look->prev_count) : 0;
    for (size_t i = 0; i < look->key_count; i++) {
        const struct stored_event *stored =
            event_reader_state(&reader, look->root, look->keys[i].type, look->keys[i].state_key);
        if (stored)
            look->auth[look->auth_count++] = str_copy(look->a, stored->row.event_id);
    }
    event_reader_end(&reader);
    return true;
}

static struct json *citations(struct plan *p, const struct str *ids, size_t count)
{
    struct json *list = json_array(p->a);
    for (size_t i = 0; i < count; i++)
        for (int e = 0; e < p->count; e++)
            if (str_eq(p->events[e].event_id, ids[i]))
                json_push(p->a, list, event_citation(p->a, &p->events[e]));
    return list;
}

/* Makes an event that follows `prev` and lets the first server have it. */
static void add_event(struct plan *p, const char *type, const char *sender, const char *state_key, const char *content,
                      const int *prev, int prev_count)
{
    struct arena *a = p->a;
    struct auth_key keys[AUTH_KEYS_MAX];
    struct str prev_ids[EVENT_PREV_EVENTS_MAX];
    struct json *pdu = json_object(a);
    struct json *body = quoted_json(a, content);
    struct look look = {.server = &p->first, .a = a, .prev = prev_ids, .keys = keys};
    for (int i = 0; i < prev_count; i++)
        prev_ids[look.prev_count++] = p->events[prev[i]].event_id;
    look.key_count = auth_keys_select(p->version, str_of(type), str_of(sender), state_key != NULL,
                                      state_key ? str_of(state_key) : (struct str){0}, body, keys);
    if (prev_count)
        assert_int_equal(store_write(p->first.f.services.store, run_look, &look), STORE_OK);
    json_set_str(a, pdu, STR("type"), str_of(type));
    json_set_str(a, pdu, STR("sender"), str_of(sender));
    if (state_key)
        json_set_str(a, pdu, STR("state_key"), str_of(state_key));
    json_set(a, pdu, STR("content"), *body);
    if (p->author.room_id.n)
        json_set_str(a, pdu, STR("room_id"), p->author.room_id);
    if (p->version->event_format == EVENT_FORMAT_V1)
        json_set_str(a, pdu, STR("event_id"), event_id_make(a, str_fmt(a, "e%d", p->count), STR("remote.test")));
    json_set_int(a, pdu, STR("origin_server_ts"), 1000 + roll(p, 20));
    json_set_int(a, pdu, STR("depth"), 1 + roll(p, 30)); /* nobody is to believe it */
    json_set(a, pdu, STR("prev_events"), *citations(p, prev_ids, look.prev_count));
    json_set(a, pdu, STR("auth_events"), *citations(p, look.auth, look.auth_count));
    struct event_verdict verdict = event_seal(a, p->version, pdu, &p->author.key, &p->events[p->count]);
    if (verdict.refused)
        fail_msg("%s: %s", type, verdict.refused);
    p->pdus[p->count++] = pdu;
}

static const char *const users[USERS] = {"@a:remote.test", "@b:remote.test", "@c:remote.test",
                                         "@d:remote.test", "@e:remote.test", "@f:remote.test"};

static void receive_last(struct plan *p)
{
    enum receive_outcome outcome = server_receive(&p->first, p, p->pdus[p->count - 1]);
    assert_int_not_equal(outcome, RECEIVE_DROPPED);
    assert_int_not_equal(outcome, RECEIVE_MISSING);
    p->accepted += outcome == RECEIVE_ACCEPTED;
}

static void add_random(struct plan *p)
{
    static const char *const memberships[] = {"{'membership':'leave'}", "{'membership':'ban'}", "{'membership':'join'}",
                                              "{'membership':'invite'}"};
    static const char *const rules[] = {"{'join_rule':'public'}", "{'join_rule':'invite'}"};
    int head = roll(p, HEADS);
    int prev[2] = {p->heads[head], p->heads[roll(p, HEADS)]};
    int prev_count = roll(p, 6) == 0 && prev[0] != prev[1] ? 2 : 1;
    const char *sender = users[roll(p, 3) ? roll(p, 2) : roll(p, USERS)];
    const char *target = users[1 + roll(p, USERS - 1)]; /* or the room would soon be nobody's */
    int what = roll(p, 10);
    if (what < 4) {
        add_event(p, "m.room.member", sender, sender, "{'membership':'join'}", prev, prev_count);
    } else if (what < 6) {
        const char *content = memberships[roll(p, 4)];
        add_event(p, "m.room.member", sender, target, content, prev, prev_count);
    } else if (what < 7) {
        bool creators = p->version->creators_are_privileged;
        const char *content =
            CSTR(p->a, "{'users':{%s'@b:remote.test':%d,'@c:remote.test':%d},'users_default':%d,'state_default':50}",
                 creators ? "" : "'@a:remote.test':100,", 50 * roll(p, 3), 25 * roll(p, 4), 10 * roll(p, 2));
        add_event(p, "m.room.power_levels", sender, "", content, prev, prev_count);
    } else if (what < 8) {
        add_event(p, "m.room.join_rules", sender, "", rules[roll(p, 2)], prev, prev_count);
    } else {
        add_event(p, "m.room.topic", sender, "", CSTR(p->a, "{'topic':'%d'}", p->count), prev, prev_count);
    }
    receive_last(p);
    p->heads[head] = p->count - 1;
}

static void make_room(struct plan *p)
{
    int last = 0;
    bool creators = p->version->creators_are_privileged;
    p->author = remote_init(NULL, "remote.test",
                            p->version->room_id_is_create_hash ? (struct str){0} : STR("!room:remote.test"));
    const char *content = CSTR(p->a, "{'room_version':'%.*s'%s}", STR_ARG(p->version->name),
                               p->version->creator_in_content ? ",'creator':'@a:remote.test'" : "");
    add_event(p, "m.room.create", users[0], "", content, NULL, 0);
    if (p->version->room_id_is_create_hash)
        p->author.room_id = p->events[0].room_id;
    server_init(&p->first, p, p->author.room_id);
    receive_last(p);
    add_event(p, "m.room.member", users[0], users[0], "{'membership':'join'}", &last, 1);
    receive_last(p);
    last = 1;
    add_event(p, "m.room.power_levels", users[0], "",
              creators ? "{'users':{'@b:remote.test':50}}" : "{'users':{'@a:remote.test':100,'@b:remote.test':50}}",
              &last, 1);
    receive_last(p);
    last = 2;
    add_event(p, "m.room.join_rules", users[0], "", "{'join_rule':'public'}", &last, 1);
    receive_last(p);
    for (int i = 0; i < HEADS; i++)
        p->heads[i] = 3;
    while (p->count < EVENTS - 1)
        add_random(p);
    /* What follows every branch. */
    int tips[EVENTS];
    int tip_count = 0;
    for (int e = 0; e < p->count; e++) {
        bool followed = false;
        for (int n = e + 1; n < p->count && !followed; n++)
            for (size_t i = 0; i < p->events[n].prev_events_count && !followed; i++)
                followed = str_eq(p->events[n].prev_events[i], p->events[e].event_id);
        if (!followed && tip_count < EVENT_PREV_EVENTS_MAX)
            tips[tip_count++] = e;
    }
    add_event(p, "m.room.message", users[0], NULL, "{'body':'all'}", tips, tip_count);
    receive_last(p);
}

/* --- comparing --- */

struct line {
    struct str *items;
    size_t count;
    struct event_reader *reader;
    struct arena *a;
};

static bool add_line(void *ctx, int64_t key, int64_t event)
{
    struct line *lines = ctx;
    const struct stored_event *stored = event_reader_nid(lines->reader, event);
    (void)key;
    assert_non_null(stored);
    lines->items[lines->count++] = str_copy(lines->a, stored->row.event_id);
    return true;
}

static int by_text(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The ids of the state before an event, sorted, in one text. */
static struct str state_text(struct server *server, struct arena *a, struct str event_id)
{
    struct event_reader reader;
    struct store_tx *tx = store_read_begin(server->f.services.store);
    event_reader_begin(&reader, tx, a, server->room->version);
    const struct stored_event *stored = event_reader_id(&reader, event_id);
    assert_non_null(stored);
    struct line lines = {ARENA_ARRAY(a, EVENTS, struct str), 0, &reader, a};
    state_map_each(tx, stored->row.state_before, add_line, &lines);
    event_reader_end(&reader);
    assert_true(store_read_end(&tx));
    qsort(lines.items, lines.count, sizeof *lines.items, by_text);
    struct str text = STR("");
    for (size_t i = 0; i < lines.count; i++)
        text = str_fmt(a, "%.*s %.*s", STR_ARG(text), STR_ARG(lines.items[i]));
    return text;
}

static void deliver_in_random_order(struct plan *p, struct server *server)
{
    int order[EVENTS];
    for (int i = 0; i < EVENTS; i++)
        order[i] = i;
    for (int i = EVENTS - 1; i > 0; i--) {
        int k = roll(p, i + 1);
        int other = order[k];
        order[k] = order[i];
        order[i] = other;
    }
    /* What is too early comes again in the next round. */
    for (int left = EVENTS, rounds = 0; left > 0; rounds++) {
        int still = 0;
        assert_true(rounds <= EVENTS);
        for (int i = 0, count; i < left; i += count) {
            struct received_pdu batch[BATCH];
            count = 1 + roll(p, BATCH);
            count = count < left - i ? count : left - i;
            for (int k = 0; k < count; k++)
                batch[k] = (struct received_pdu){.pdu = p->pdus[order[i + k]]};
            server_receive_batch(server, p, batch, (size_t)count);
            for (int k = 0; k < count; k++)
                if (batch[k].outcome == RECEIVE_MISSING)
                    order[still++] = order[i + k];
        }
        left = still;
    }
}

static void one_room(const char *version, uint64_t seed)
{
    static struct plan p;
    p = (struct plan){.seed = seed, .version = room_version_find(str_of(version)), .a = arena_new()};
    make_room(&p);
    assert_true(p.accepted > EVENTS / 4); /* a room in which nobody may do anything shows nothing */
    struct str last = p.events[EVENTS - 1].event_id;
    struct str want = state_text(&p.first, p.a, last);
    for (int i = 0; i < SERVERS; i++) {
        struct server server;
        server_init(&server, &p, p.author.room_id);
        deliver_in_random_order(&p, &server);
        struct str got = state_text(&server, p.a, last);
        if (!str_eq(got, want))
            fail_msg("version %s, seed %llu, server %d:\n%.*s\n%.*s", version, (unsigned long long)seed, i,
                     STR_ARG(got), STR_ARG(want));
        server_fini(&server);
    }
    server_fini(&p.first);
    arena_free(&p.a);
}

static void the_order_of_arrival_does_not_matter(void **state)
{
    static const char *const versions[] = {"1", "2", "3", "6", "9", "11", "12"};
    const char *asked = getenv("HEARTH_TEST_ROOMS");
    int rooms = asked ? atoi(asked) : ROOMS;
    (void)state;
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, 2);
    for (size_t v = 0; v < COUNT_OF(versions); v++)
        for (int i = 1; i <= rooms; i++)
            one_room(versions[v], (uint64_t)i * 7919 + v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_order_of_arrival_does_not_matter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
