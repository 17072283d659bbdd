/* The index against sets of ancestors that are computed event by event, on random graphs. */
#include "store/auth_chains.h"

#include "scratch.h"

enum { EVENTS = 160, KEYS = 12, GRAPHS = 40, GRAPHS_POSTGRES = 1 };

/* Event `i` has number i + 1. */
struct graph {
    int key[EVENTS];
    bool ancestor[EVENTS][EVENTS]; /* [i][j]: j is in the auth chain of i */
    bool common[EVENTS];           /* in all sets */
};

static uint64_t seed;

static unsigned roll(unsigned below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % below;
}

static void add_event(struct store_tx *tx, struct graph *g, int i)
{
    int64_t auth[5];
    size_t count = i ? 1 + roll(5) : 0;
    int64_t same_key = 0;
    g->key[i] = (int)roll(KEYS);
    for (size_t k = 0; k < count; k++) {
        /* Mostly what is new, as it is in rooms. */
        int j = roll(4) ? i - 1 - (int)roll((unsigned)(i < 12 ? i : 12)) : (int)roll((unsigned)i);
        auth[k] = j + 1;
        if (g->key[j] == g->key[i] && j + 1 > same_key)
            same_key = j + 1;
        g->ancestor[i][j] = true;
        for (int n = 0; n < EVENTS; n++)
            g->ancestor[i][n] |= g->ancestor[j][n];
    }
    auth_chains_add(tx, i + 1, auth, count, same_key);
}

static int64_t common_highest(void *ctx, struct store_tx *tx, int64_t chain_nid)
{
    const struct graph *g = ctx;
    int64_t highest = 0;
    for (int i = 0; i < EVENTS; i++) {
        struct auth_place place = g->common[i] ? auth_chains_place(tx, i + 1) : (struct auth_place){0};
        if (place.chain_nid == chain_nid && place.seq > highest)
            highest = place.seq;
    }
    return highest;
}

static void check_difference(struct store_tx *tx, struct graph *g)
{
    enum { SETS = 3 };
    int64_t events[SETS][6];
    struct auth_set sets[SETS];
    bool in[SETS][EVENTS] = {0};
    size_t set_count = 2 + roll(2);
    for (int i = 0; i < EVENTS; i++)
        g->common[i] = roll(20) == 0;
    for (size_t s = 0; s < set_count; s++) {
        sets[s] = (struct auth_set){events[s], roll(7)};
        for (size_t k = 0; k < sets[s].count; k++) {
            unsigned e = roll(EVENTS);
            events[s][k] = e + 1;
            for (int n = 0; n < EVENTS; n++)
                in[s][n] |= g->ancestor[e][n];
        }
        for (int e = 0; e < EVENTS; e++)
            for (int n = 0; g->common[e] && n < EVENTS; n++)
                in[s][n] |= g->ancestor[e][n];
    }
    int64_t *found;
    size_t count = auth_chains_difference(tx, store_tx_arena(tx), sets, set_count,
                                          (struct auth_common){common_highest, g}, &found);
    size_t at = 0;
    for (int n = 0; n < EVENTS; n++) {
        size_t sets_with = 0;
        for (size_t s = 0; s < set_count; s++)
            sets_with += in[s][n];
        if (sets_with == 0 || sets_with == set_count)
            continue;
        assert_true(at < count);
        assert_int_equal(found[at++], n + 1);
    }
    assert_int_equal(at, count);
}

static void check_subgraph(struct store_tx *tx, const struct graph *g)
{
    int64_t events[6];
    struct auth_set set = {events, 1 + roll(6)};
    for (size_t k = 0; k < set.count; k++)
        events[k] = 1 + roll(EVENTS);
    int64_t *found;
    size_t count = auth_chains_subgraph(tx, store_tx_arena(tx), set, &found);
    size_t at = 0;
    for (int n = 0; n < EVENTS; n++) {
        bool above = false;
        bool below = false;
        for (size_t k = 0; k < set.count; k++) {
            int e = (int)events[k] - 1;
            above |= e == n || g->ancestor[e][n];
            below |= e == n || g->ancestor[n][e];
        }
        if (!above || !below)
            continue;
        assert_true(at < count);
        assert_int_equal(found[at++], n + 1);
    }
    assert_int_equal(at, count);
}

static bool run_graph(struct store_tx *tx, void *arg)
{
    static struct graph g;
    seed = *(uint64_t *)arg;
    memset(&g, 0, sizeof g);
    for (int i = 0; i < EVENTS; i++)
        add_event(tx, &g, i);
    for (int i = 0; i < EVENTS; i += 7)
        for (int j = 0; j < EVENTS; j++)
            assert_int_equal(auth_chains_reach(tx, i + 1, j + 1), g.ancestor[i][j]);
    for (int i = 0; i < 20; i++) {
        check_difference(tx, &g);
        check_subgraph(tx, &g);
    }
    return false; /* the next graph takes the same numbers */
}

static void random_graphs_agree_with_their_ancestors(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    for (uint64_t n = 1; n <= (database_is_postgres() ? GRAPHS_POSTGRES : GRAPHS); n++)
        assert_int_equal(store_write(store, run_graph, &n), STORE_ABORTED);
    store_close(&store);
}

/* A room as they are: power levels that change, and members who come and go. */
static bool run_room(struct store_tx *tx, void *arg)
{
    (void)arg;
    static const struct sql links = SQL("SELECT count(*) FROM auth_links");
    static const struct sql chains = SQL("SELECT count(DISTINCT chain_nid) FROM auth_chains");
    int64_t create = 1, creator = 2, power = 3, rules = 4;
    auth_chains_add(tx, create, NULL, 0, 0);
    auth_chains_add(tx, creator, (int64_t[]){create}, 1, 0);
    auth_chains_add(tx, power, (int64_t[]){create, creator}, 2, 0);
    auth_chains_add(tx, rules, (int64_t[]){create, creator, power}, 3, 0);
    assert_int_equal(sql_int_of0(tx, &links, -1), 3);
    for (int64_t member = 10; member < 110; member++)
        auth_chains_add(tx, member, (int64_t[]){create, power, rules}, 3, 0);
    assert_int_equal(sql_int_of0(tx, &links, -1), 103);
    for (int64_t member = 10; member < 110; member++)
        auth_chains_add(tx, member + 100, (int64_t[]){create, power, member}, 3, member);
    /* Nothing new is cited: no link, and no chain. */
    assert_int_equal(sql_int_of0(tx, &links, -1), 103);
    assert_int_equal(sql_int_of0(tx, &chains, -1), 104);
    return true;
}

static void a_room_takes_one_link_a_member(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, run_room, NULL), STORE_OK);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_agree_with_their_ancestors),
        cmocka_unit_test(a_room_takes_one_link_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
