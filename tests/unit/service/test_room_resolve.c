/*
 * State resolution over the store, its state maps and its index over auth chains, against the textbook: random rooms of
 * tests/unit/matrix/state_resolution_random.h are stored as they would have come, and resolved.
 */
#include "matrix/state_resolution_random.h"
#include "service/room_resolve.h"
#include "store/auth_chains.h"
#include "store/rooms.h"
#include "store/scratch.h"
#include "store/state_keys.h"
#include "store/state_map.h"

enum { ROOMS = 60, ROOMS_POSTGRES = 2 };

struct stored_room {
    struct book_room room;
    struct book_set states[BOOK_SETS_MAX];
    int sets;
    int64_t room_nid;
    struct str room_id;
    int64_t nid[BOOK_EVENTS_MAX];
    int64_t key[BOOK_EVENTS_MAX];
    uint64_t seed;
};

/* Ids as the version's PDUs cite them. */
static struct json *citation(struct arena *a, const struct room_version *version, struct str event_id)
{
    if (version->event_format != EVENT_FORMAT_V1)
        return NULL;
    struct json *pair = json_array(a), *hashes = json_object(a);
    json_push(a, pair, json_string(event_id));
    json_push(a, pair, *hashes);
    return pair;
}

static void cite_id(struct arena *a, const struct room_version *version, struct json *list, struct str event_id)
{
    const struct json *pair = citation(a, version, event_id);
    json_push(a, list, pair ? *pair : json_string(event_id));
}

static struct str pdu_of(struct stored_room *s, int e)
{
    struct arena *a = s->room.arena;
    const struct book_event *book = &s->room.events[e];
    const struct event *event = &book->event;
    struct json *pdu = json_shallow_copy(a, event->json), *auth = json_array(a), *prev = json_array(a);
    for (int i = 0; i < book->auth_count; i++)
        cite_id(a, event->version, auth, s->room.events[book->auth_events[i]].event.event_id);
    for (size_t i = 0; i < event->prev_events_count; i++)
        cite_id(a, event->version, prev, event->prev_events[i]);
    json_set_str(a, pdu, STR("type"), event->type);
    json_set_str(a, pdu, STR("sender"), event->sender);
    json_set_str(a, pdu, STR("state_key"), event->state_key);
    json_set(a, pdu, STR("content"), *event->content);
    json_set_int(a, pdu, STR("depth"), event->depth);
    json_set_int(a, pdu, STR("origin_server_ts"), event->origin_server_ts);
    json_set(a, pdu, STR("auth_events"), *auth);
    json_set(a, pdu, STR("prev_events"), *prev);
    if (e > 0 || !event->version->room_id_is_create_hash)
        json_set_str(a, pdu, STR("room_id"), s->room_id);
    return json_text(a, pdu);
}

static void store_event(struct store_tx *tx, struct stored_room *s, int e)
{
    const struct book_event *book = &s->room.events[e];
    int64_t auth[EVENT_AUTH_EVENTS_MAX], same_key = 0;
    s->nid[e] = store_next_pos(tx);
    s->key[e] = state_keys_intern(tx, book->event.type, book->event.state_key);
    for (int i = 0; i < book->auth_count; i++) {
        auth[i] = s->nid[book->auth_events[i]];
        same_key = s->key[book->auth_events[i]] == s->key[e] ? auth[i] : same_key;
    }
    struct event_row row = {
        .event_nid = s->nid[e],
        .room_nid = s->room_nid,
        .pos = s->nid[e],
        .sender_nid = 1,
        .state_key_nid = s->key[e],
        .status = book->rejected ? EVENT_REJECTED : EVENT_ACCEPTED,
        .event_id = book->event.event_id,
        .pdu = pdu_of(s, e),
    };
    events_insert(tx, &row);
    auth_chains_add(tx, s->nid[e], auth, (size_t)book->auth_count, same_key);
}

static int64_t store_state(struct store_tx *tx, const struct stored_room *s, const struct book_set *state)
{
    int64_t keys[BOOK_EVENTS_MAX], events[BOOK_EVENTS_MAX];
    size_t n = 0;
    for (int e = 0; e < s->room.count; e++) {
        if (!state->has[e])
            continue;
        keys[n] = s->key[e];
        events[n++] = s->nid[e];
    }
    return state_map_set_many(tx, 0, keys, events, n);
}

static bool store_and_resolve(struct store_tx *tx, void *arg)
{
    struct stored_room *s = arg;
    struct arena *a = s->room.arena;
    struct str create_id = s->room.events[0].event.event_id;
    bool is_hash = s->room.version->room_id_is_create_hash;
    s->room_id = is_hash ? str_fmt(a, "!%.*s", STR_ARG(str_slice(create_id, 1, create_id.n)))
                         : str_fmt(a, "!r%d:s", (int)s->seed);
    s->room_nid = rooms_insert(tx, s->room_id, s->room.version->name);
    for (int e = 0; e < s->room.count; e++)
        store_event(tx, s, e);
    int64_t roots[BOOK_SETS_MAX];
    for (int i = 0; i < s->sets; i++)
        roots[i] = store_state(tx, s, &s->states[i]);

    struct book_set want = book_resolve(&s->room, s->states, s->sets);
    struct event_reader reader;
    event_reader_begin(&reader, tx, a, s->room.version);
    int64_t root = room_resolve_states(&reader, roots, (size_t)s->sets);
    event_reader_end(&reader);
    /* The same map has the same root. */
    if (root != store_state(tx, s, &want))
        fail_msg("version %.*s, seed %d", STR_ARG(s->room.version->name), (int)s->seed);
    return true;
}

static void check_version(struct store *store, const char *version, uint64_t first_seed)
{
    int rooms = database_is_postgres() ? ROOMS_POSTGRES : ROOMS;
    for (int i = 0; i < rooms; i++) {
        struct arena *a = arena_new();
        struct stored_room *s = ARENA_NEW(a, struct stored_room);
        s->seed = first_seed + (uint64_t)i;
        s->room.arena = a;
        s->room.version = room_version_find(str_of(version));
        s->sets = random_room(s->seed, &s->room, s->states);
        assert_int_equal(store_write(store, store_and_resolve, s), STORE_OK);
        arena_free(&a);
    }
}

static void random_rooms_resolve_as_in_the_textbook(void **state)
{
    (void)state;
    static const char *const versions[] = {"1", "2", "6", "10", "11", "12"};
    struct store *store = scratch_open();
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        check_version(store, versions[i], 1000 * (i + 1));
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_rooms_resolve_as_in_the_textbook)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
