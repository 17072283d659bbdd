/*
 * State resolution over the store (SQLite, in memory), its state maps and its index over auth chains, in a room of
 * 50,000 members and 60,000 state events: two forks that differ in 10 events, and 1,000 forks of 2 events each. Prints
 * milliseconds, without commit; each resolution reads its events anew.
 */
#include "base/clock.h"
#include "crypto/crypto.h"
#include "service/room_resolve.h"
#include "store/auth_chains.h"
#include "store/rooms.h"
#include "store/state_keys.h"
#include "store/state_map.h"

#include "forked_room.h"

struct stored {
    struct room *room;
    struct forks *forks;
    int64_t nid[EVENTS_MAX + 1];
    int64_t key[EVENTS_MAX + 1];
    int64_t roots[FORKS];
    int64_t micros;
    int rounds;
};

static struct str pdu_of(struct arena *a, const struct room *room, uint64_t number)
{
    const struct event *event = &room->event[number];
    struct json *pdu = json_shallow_copy(a, event->json), *auth = json_array(a), *prev = json_array(a);
    for (size_t i = 0; i < room->auth_count[number]; i++)
        json_push(a, auth, json_string(room->event[room->auth[number][i]].event_id));
    for (size_t i = 0; i < event->prev_events_count; i++)
        json_push(a, prev, json_string(event->prev_events[i]));
    json_set_str(a, pdu, STR("type"), event->type);
    json_set_str(a, pdu, STR("sender"), event->sender);
    json_set_str(a, pdu, STR("state_key"), event->state_key);
    json_set(a, pdu, STR("content"), *event->content);
    json_set_int(a, pdu, STR("depth"), 1);
    json_set_int(a, pdu, STR("origin_server_ts"), event->origin_server_ts);
    json_set(a, pdu, STR("auth_events"), *auth);
    json_set(a, pdu, STR("prev_events"), *prev);
    return json_text(a, pdu);
}

static void store_event(struct store_tx *tx, struct stored *s, int64_t room_nid, uint64_t number)
{
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    const struct event *event = &s->room->event[number];
    int64_t auth[AUTH_MAX], same_key = 0;
    s->nid[number] = store_next_pos(tx);
    s->key[number] = state_keys_intern(tx, event->type, event->state_key);
    for (size_t i = 0; i < s->room->auth_count[number]; i++) {
        uint64_t cited = s->room->auth[number][i];
        auth[i] = s->nid[cited];
        same_key = s->key[cited] == s->key[number] ? auth[i] : same_key;
    }
    struct event_row row = {
        .event_nid = s->nid[number],
        .room_nid = room_nid,
        .pos = s->nid[number],
        .sender_nid = 1,
        .state_key_nid = s->key[number],
        .event_id = event->event_id,
        .pdu = pdu_of(a, s->room, number),
    };
    events_insert(tx, &row);
    auth_chains_add(tx, s->nid[number], auth, s->room->auth_count[number], same_key);
    arena_release(a, mark);
}

/* Set 0 is the state before the forks, but for what the differences say of it. */
static int64_t store_base(struct store_tx *tx, const struct stored *s)
{
    int64_t root = 0;
    size_t i = 0;
    const struct event *event;
    while ((event = map_str_next(&s->room->state, &i))) {
        uint64_t number = (uint64_t)(event - s->room->event);
        root = state_map_set(tx, root, s->key[number], s->nid[number]);
    }
    for (size_t d = 0; d < s->forks->count; d++) {
        const struct state_resolution_difference *x = &s->forks->differences[d];
        uint64_t base = x->base ? x->base : x->event;
        root = x->base ? state_map_set(tx, root, s->key[base], s->nid[base]) : state_map_remove(tx, root, s->key[base]);
    }
    return root;
}

static void store_states(struct store_tx *tx, struct stored *s)
{
    s->roots[0] = store_base(tx, s);
    for (size_t i = 1; i < s->forks->sets; i++)
        s->roots[i] = s->roots[0];
    for (size_t d = 0; d < s->forks->count; d++) {
        const struct state_resolution_difference *x = &s->forks->differences[d];
        int64_t *root = &s->roots[x->set];
        *root = x->event ? state_map_set(tx, *root, s->key[x->event], s->nid[x->event])
                         : state_map_remove(tx, *root, s->key[x->base]);
    }
}

static bool store_room(struct store_tx *tx, void *arg)
{
    struct stored *s = arg;
    int64_t room_nid = rooms_insert(tx, STR("!room:example.org"), s->room->version->name);
    for (uint64_t number = 1; number <= s->room->count; number++)
        store_event(tx, s, room_nid, number);
    store_states(tx, s);
    return true;
}

static bool resolve(struct store_tx *tx, void *arg)
{
    struct stored *s = arg;
    for (int i = -1; i < s->rounds; i++) { /* the first one warms up */
        int64_t start = clock_mono_us();
        struct arena *a = arena_new();
        struct event_reader reader;
        event_reader_begin(&reader, tx, a, s->room->version);
        int64_t root = room_resolve_states(&reader, s->roots, s->forks->sets);
        assert(root > 0);
        event_reader_end(&reader);
        arena_free(&a);
        s->micros += i < 0 ? 0 : clock_mono_us() - start;
    }
    return true;
}

static void measure(const char *version, const char *what, void (*fork)(struct room *, struct forks *), int rounds)
{
    struct arena *a = arena_new();
    struct stored *s = ARENA_NEW(a, struct stored);
    s->room = room_new(a, version);
    s->forks = ARENA_NEW(a, struct forks);
    s->rounds = rounds;
    fork(s->room, s->forks);
    struct store *store;
    struct store_error error;
    struct store_options options = {.path = ":memory:", .server_name = STR("example.org"), .create = true};
    bool opened = store_open(&options, &store, &error);
    assert(opened);
    enum store_result stored = store_write(store, store_room, s), resolved = store_write(store, resolve, s);
    assert(stored == STORE_OK && resolved == STORE_OK);
    printf("version %s, %-36s %8.3f ms\n", version, what, (double)s->micros / rounds / 1000);
    store_close(&store);
    map_str_fini(&s->room->state);
    arena_free(&a);
}

int main(void)
{
    crypto_init();
    measure("11", "two forks that differ in 10 events", two_forks, 50);
    measure("11", "1,000 forks of 2 events", many_forks, 3);
    return 0;
}
