#include "service/room_resolve.h"

#include "base/log.h"
#include "matrix/state_resolution.h"
#include "store/auth_chains.h"
#include "store/state_keys.h"
#include "store/state_map.h"

/* One resolution: what the callbacks of matrix/state_resolution.h work on. */
struct resolving {
    struct event_reader *reader;
    int64_t base;              /* the root of set 0 */
    struct map_u64 conflicted; /* key numbers about which the sets disagree */
    struct state_resolution_difference *differences;
    size_t count;
    size_t cap;
    size_t set;
};

static const struct event *get_event(void *ctx, uint64_t number)
{
    struct resolving *x = ctx;
    struct stored_event *stored = event_reader_nid(x->reader, (int64_t)number);
    return stored ? &stored->event : NULL;
}

static const uint64_t *get_auth_events(void *ctx, uint64_t number, size_t *count_out)
{
    struct resolving *x = ctx;
    struct stored_event *stored = event_reader_nid(x->reader, (int64_t)number);
    *count_out = 0;
    return stored ? (const uint64_t *)event_reader_auth(x->reader, stored, count_out) : NULL;
}

static bool is_rejected(void *ctx, uint64_t number)
{
    struct resolving *x = ctx;
    const struct stored_event *stored = event_reader_nid(x->reader, (int64_t)number);
    return !stored || stored->row.status == EVENT_REJECTED;
}

static uint64_t get_state(void *ctx, struct str type, struct str state_key)
{
    const struct resolving *x = ctx;
    int64_t key_nid = state_keys_find(x->reader->tx, type, state_key);
    return key_nid ? (uint64_t)state_map_get(x->reader->tx, x->base, key_nid) : 0;
}

/* The place in a chain of the newest event that all sets have: chains follow one state key, so that is the event the
 * sets agree on for the key, if it is in this chain. */
static int64_t common_highest(void *ctx, struct store_tx *tx, int64_t chain_nid)
{
    struct resolving *x = ctx;
    const struct stored_event *first = event_reader_nid(x->reader, chain_nid);
    if (!first || map_u64_get(&x->conflicted, (uint64_t)first->row.state_key_nid))
        return 0;
    int64_t event_nid = state_map_get(tx, x->base, first->row.state_key_nid);
    struct auth_place place = event_nid ? auth_chains_place(tx, event_nid) : (struct auth_place){0};
    return place.chain_nid == chain_nid ? place.seq : 0;
}

static size_t auth_difference(void *ctx, const struct state_resolution_set *sets, size_t set_count,
                              const uint64_t **numbers_out)
{
    struct resolving *x = ctx;
    struct arena *a = x->reader->a;
    struct auth_set *mine = ARENA_ARRAY(a, set_count, struct auth_set);
    for (size_t i = 0; i < set_count; i++)
        mine[i] = (struct auth_set){(const int64_t *)sets[i].events, sets[i].count};
    int64_t *found;
    size_t count =
        auth_chains_difference(x->reader->tx, a, mine, set_count, (struct auth_common){common_highest, x}, &found);
    *numbers_out = (const uint64_t *)found;
    return count;
}

static size_t subgraph(void *ctx, struct state_resolution_set conflicted, const uint64_t **numbers_out)
{
    struct resolving *x = ctx;
    int64_t *found;
    size_t count = auth_chains_subgraph(
        x->reader->tx, x->reader->a, (struct auth_set){(const int64_t *)conflicted.events, conflicted.count}, &found);
    *numbers_out = (const uint64_t *)found;
    return count;
}

static bool add_difference(void *ctx, int64_t key, int64_t base, int64_t event)
{
    struct resolving *x = ctx;
    if (x->count == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 16;
        x->differences =
            arena_grow(x->reader->a, x->differences, x->cap * sizeof *x->differences, cap * sizeof *x->differences);
        x->cap = cap;
    }
    x->differences[x->count++] =
        (struct state_resolution_difference){.set = x->set, .base = (uint64_t)base, .event = (uint64_t)event};
    map_u64_put(&x->conflicted, (uint64_t)key, x);
    return x->count <= ROOM_RESOLVE_EVENTS_MAX;
}

static int64_t apply(struct resolving *x, const struct state_resolution_result *result)
{
    struct store_tx *tx = x->reader->tx;
    int64_t *keys = ARENA_ARRAY(x->reader->a, result->count, int64_t);
    int64_t *events = ARENA_ARRAY(x->reader->a, result->count, int64_t);
    for (size_t i = 0; i < result->count; i++) {
        keys[i] = state_keys_intern(tx, result->changes[i].type, result->changes[i].state_key);
        events[i] = (int64_t)result->changes[i].event;
    }
    return state_map_set_many(tx, x->base, keys, events, result->count);
}

/* Whether all states are of one room: of the one whose m.room.create they have. */
static bool are_of_one_room(struct event_reader *reader, const int64_t *roots, size_t count)
{
    int64_t key = state_keys_find(reader->tx, STR("m.room.create"), STR(""));
    int64_t create = key && roots[0] ? state_map_get(reader->tx, roots[0], key) : 0;
    bool same = create != 0;
    for (size_t i = 1; i < count && same; i++)
        same = roots[i] == roots[0] || (roots[i] && state_map_get(reader->tx, roots[i], key) == create);
    return same;
}

int64_t room_resolve_states(struct event_reader *reader, const int64_t *roots, size_t count)
{
    struct resolving x = {.reader = reader, .base = roots[0]};
    map_u64_init(&x.conflicted);
    for (size_t i = 1; i < count && x.set + 1 < STATE_RESOLUTION_SETS_MAX; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = roots[k] == roots[i];
        if (seen)
            continue;
        x.set++;
        state_map_diff(reader->tx, x.base, roots[i], add_difference, &x);
    }
    int64_t root = x.base;
    if (x.set > 0 && !are_of_one_room(reader, roots, count)) {
        log_error("room: states of different rooms, or without m.room.create, are not resolved");
        root = 0;
    } else if (x.set > 0) {
        const struct stored_event *create = event_reader_state(reader, x.base, STR("m.room.create"), STR(""));
        struct state_resolution_input input = {
            .version = reader->version,
            .source = {.ctx = &x,
                       .event = get_event,
                       .auth_events = get_auth_events,
                       .rejected = is_rejected,
                       .state = get_state,
                       .auth_difference = auth_difference,
                       .subgraph = subgraph,
                       .ordered = true,
                       .events_max = ROOM_RESOLVE_EVENTS_MAX},
            .create = create ? &create->event : NULL,
            .sets = x.set + 1,
            .differences = x.differences,
            .difference_count = x.count,
        };
        struct state_resolution_result result = {0};
        enum state_resolution_status status = STATE_RESOLUTION_MISSING_EVENT;
        if (x.count > ROOM_RESOLVE_EVENTS_MAX) /* add_difference() has ended the comparison */
            status = STATE_RESOLUTION_TOO_LARGE;
        else if (create)
            status = state_resolution_run(reader->a, &input, &result);
        if (status != STATE_RESOLUTION_OK)
            log_error("room: states could not be resolved", LOG_INT("status", status), LOG_INT("states", x.set + 1));
        root = status == STATE_RESOLUTION_OK && !store_tx_failed(reader->tx) ? apply(&x, &result) : 0;
    }
    map_u64_fini(&x.conflicted);
    return root;
}
