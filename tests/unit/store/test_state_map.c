#include "store/row_cache.h"
#include "store/state_map.h"
#include "store/state_node.h"
#include "store/tx.h"

#include "scratch.h"

static const struct sql count_nodes = SQL("SELECT count(*) FROM state_nodes");
static const struct sql sum_bytes = SQL("SELECT coalesce(sum(length(node)), 0) FROM state_nodes");

/* Runs a test in one job, on a store of its own. */
static void in_job(bool (*run)(struct store_tx *tx, void *arg), void *arg, enum store_result want)
{
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, run, arg), want);
    store_close(&store);
}

/* --- against a plain array --- */

enum { KEYS = 3000 };

/* The same map as an array: the event of each key, 0 for none. */
struct plain {
    int64_t events[KEYS + 1];
};

struct check {
    const struct plain *a, *b;
    struct plain seen;
    int64_t visits;
};

static bool check_entry(void *ctx, int64_t key, int64_t event)
{
    struct check *c = ctx;
    assert_in_range(key, 1, KEYS);
    assert_int_equal(event, c->a->events[key]);
    assert_int_equal(c->seen.events[key]++, 0);
    c->visits++;
    return true;
}

static bool check_difference(void *ctx, int64_t key, int64_t event_a, int64_t event_b)
{
    struct check *c = ctx;
    assert_in_range(key, 1, KEYS);
    assert_int_equal(event_a, c->a->events[key]);
    assert_int_equal(event_b, c->b->events[key]);
    assert_int_not_equal(event_a, event_b);
    assert_int_equal(c->seen.events[key]++, 0);
    c->visits++;
    return true;
}

static void check_map(struct store_tx *tx, int64_t root, const struct plain *want)
{
    static struct check c;
    int64_t count = 0;
    for (int64_t key = 1; key <= KEYS; key++) {
        assert_int_equal(state_map_get(tx, root, key), want->events[key]);
        count += want->events[key] != 0;
    }
    c = (struct check){.a = want};
    state_map_each(tx, root, check_entry, &c);
    assert_int_equal(c.visits, count);
    assert_int_equal(state_map_count(tx, root), count);
}

static void check_diff(struct store_tx *tx, int64_t root_a, const struct plain *a, int64_t root_b,
                       const struct plain *b)
{
    static struct check c;
    int64_t count = 0;
    for (int64_t key = 1; key <= KEYS; key++)
        count += a->events[key] != b->events[key];
    c = (struct check){.a = a, .b = b};
    state_map_diff(tx, root_a, root_b, check_difference, &c);
    assert_int_equal(c.visits, count);
    assert_true((root_a == root_b) == (count == 0)); /* equal exactly when their roots are */
}

/* The map built at once from nothing: what every other way to it must give. */
static int64_t build(struct store_tx *tx, const struct plain *want)
{
    static int64_t keys[KEYS], events[KEYS];
    size_t n = 0;
    for (int64_t key = 1; key <= KEYS; key++)
        if (want->events[key]) {
            keys[n] = key;
            events[n++] = want->events[key];
        }
    return state_map_set_many(tx, 0, keys, events, n);
}

static int64_t change_one(struct store_tx *tx, int64_t root, struct plain *p, int64_t key, int64_t event)
{
    p->events[key] = event;
    return event ? state_map_set(tx, root, key, event) : state_map_remove(tx, root, key);
}

static int64_t change_many(struct store_tx *tx, int64_t root, struct plain *p, unsigned *seed)
{
    int64_t keys[200], events[200];
    size_t n = 0, want = 1 + (size_t)rand_r(seed) % COUNT_OF(keys);
    while (n < want) {
        int64_t key = 1 + rand_r(seed) % KEYS;
        bool twice = false;
        for (size_t i = 0; i < n; i++)
            twice |= keys[i] == key;
        if (twice)
            continue;
        keys[n] = key;
        events[n] = rand_r(seed) % 3 ? 1 + rand_r(seed) % 100000 : 0;
        p->events[key] = events[n];
        n++;
    }
    return state_map_set_many(tx, root, keys, events, n);
}

static bool walk_at_random(struct store_tx *tx, void *arg)
{
    static const int spreads[] = {4, 40, 300, KEYS}; /* keys in use: from one leaf to three levels */
    static struct plain now, before;
    unsigned seed = *(unsigned *)arg;
    for (size_t s = 0; s < COUNT_OF(spreads); s++) {
        int64_t root = 0, root_before = 0;
        memset(&now, 0, sizeof now);
        memset(&before, 0, sizeof before);
        for (int step = 0; step < (database_is_postgres() ? 240 : 1200); step++) {
            int64_t key = 1 + rand_r(&seed) % spreads[s];
            bool remove = rand_r(&seed) % 100 < (step % 400 < 250 ? 20 : 90); /* grows, then shrinks */
            if (spreads[s] == KEYS && step % 40 == 0)
                root = change_many(tx, root, &now, &seed);
            else
                root = change_one(tx, root, &now, key, remove ? 0 : 1 + rand_r(&seed) % 100000);
            if (step % 60)
                continue;
            check_map(tx, root, &now);
            assert_int_equal(root, build(tx, &now));
            check_diff(tx, root_before, &before, root, &now);
            check_diff(tx, root, &now, root_before, &before);
            root_before = root;
            before = now;
        }
    }
    return true;
}

static void random_maps(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= (database_is_postgres() ? 1 : 3); seed++)
        in_job(walk_at_random, &seed, STORE_OK);
}

static void shuffle(int64_t *keys, int n, unsigned *seed)
{
    for (int i = n - 1; i > 0; i--) {
        int j = rand_r(seed) % (i + 1);
        int64_t key = keys[i];
        keys[i] = keys[j];
        keys[j] = key;
    }
}

static bool insert_in_any_order(struct store_tx *tx, void *arg)
{
    static const int sizes[] = {1, 2, 31, 32, 33, 34, 100, 700};
    unsigned seed = *(unsigned *)arg;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        int64_t first = 0, keys[700];
        for (int i = 0; i < sizes[s]; i++)
            keys[i] = i + 1;
        for (int round = 0; round < 4; round++) {
            int64_t root = 0;
            shuffle(keys, sizes[s], &seed);
            for (int i = 0; i < sizes[s]; i++)
                root = state_map_set(tx, root, keys[i], keys[i] * 10);
            /* What comes and goes leaves no trace. */
            for (int i = 0; i < 40; i++)
                root = state_map_set(tx, root, 1000 + i, 5);
            for (int i = 39; i >= 0; i--)
                root = state_map_remove(tx, root, 1000 + i);
            first = first ? first : root;
            assert_int_equal(root, first);
        }
        int64_t root = first;
        shuffle(keys, sizes[s], &seed);
        for (int i = 0; i < sizes[s]; i++)
            root = state_map_remove(tx, root, keys[i]);
        assert_int_equal(root, 0);
    }
    return true;
}

static void order_does_not_matter(void **state)
{
    (void)state;
    unsigned seed = 7;
    in_job(insert_in_any_order, &seed, STORE_OK);
}

static bool change_nothing(struct store_tx *tx, void *arg)
{
    (void)arg;
    assert_int_equal(state_map_get(tx, 0, 1), 0);
    assert_int_equal(state_map_count(tx, 0), 0);
    assert_int_equal(state_map_remove(tx, 0, 1), 0);
    assert_int_equal(state_map_set_many(tx, 0, NULL, NULL, 0), 0);
    int64_t root = 0;
    for (int64_t key = 1; key <= 500; key++)
        root = state_map_set(tx, root, key, key);
    int64_t nodes = sql_int_of0(tx, &count_nodes, 0);
    for (int64_t key = 1; key <= 500; key++)
        assert_int_equal(state_map_set(tx, root, key, key), root);
    assert_int_equal(state_map_remove(tx, root, 501), root);
    assert_int_equal(state_map_set_many(tx, root, NULL, NULL, 0), root);
    assert_int_equal(sql_int_of0(tx, &count_nodes, 0), nodes);
    return true;
}

static void no_change_no_node(void **state)
{
    (void)state;
    in_job(change_nothing, NULL, STORE_OK);
}

/* --- what it costs --- */

static bool stop_after_three(void *ctx, int64_t key, int64_t event)
{
    (void)key, (void)event;
    return ++*(int *)ctx < 3;
}

static bool count_differences(void *ctx, int64_t key, int64_t a, int64_t b)
{
    (void)key, (void)a, (void)b;
    ++*(int *)ctx;
    return true;
}

static bool change_a_large_map(struct store_tx *tx, void *arg)
{
    enum { LARGE = 100000, CHANGES = 300 };
    int64_t *keys = ARENA_ARRAY(store_tx_arena(tx), LARGE, int64_t);
    int64_t *events = ARENA_ARRAY(store_tx_arena(tx), LARGE, int64_t), most = 0;
    unsigned seed = 1;
    (void)arg;
    for (int64_t i = 0; i < LARGE; i++) {
        keys[i] = i + 1;
        events[i] = 3 * i + 1;
    }
    int64_t root = state_map_set_many(tx, 0, keys, events, LARGE), first = root;
    int64_t nodes = sql_int_of0(tx, &count_nodes, 0), bytes = sql_int_of0(tx, &sum_bytes, 0);
    print_message("100,000 entries: %lld nodes, %lld bytes\n", (long long)nodes, (long long)bytes);
    for (int i = 0; i < CHANGES; i++) {
        int64_t before = sql_int_of0(tx, &count_nodes, 0), before_bytes = sql_int_of0(tx, &sum_bytes, 0);
        root = state_map_set(tx, root, 1 + rand_r(&seed) % LARGE, 400000 + i);
        int64_t stored = sql_int_of0(tx, &count_nodes, 0) - before;
        assert_in_range(stored, 1, 8);
        assert_in_range(sql_int_of0(tx, &sum_bytes, 0) - before_bytes, 1, 4096);
        most = stored > most ? stored : most;
    }
    print_message("a change: %.2f nodes, at most %lld, and %.0f bytes\n",
                  (double)(sql_int_of0(tx, &count_nodes, 0) - nodes) / CHANGES, (long long)most,
                  (double)(sql_int_of0(tx, &sum_bytes, 0) - bytes) / CHANGES);
    int visits = 0;
    state_map_diff(tx, first, root, count_differences, &visits);
    assert_in_range(visits, CHANGES - 5, CHANGES);
    visits = 0;
    state_map_each(tx, root, stop_after_three, &visits);
    assert_int_equal(visits, 3);
    return true;
}

/* What one change stored. */
struct cost {
    int64_t nodes, bytes;
};

static struct cost cost_of(struct store_tx *tx, int64_t *root, int64_t key, int64_t event)
{
    struct cost before = {sql_int_of0(tx, &count_nodes, 0), sql_int_of0(tx, &sum_bytes, 0)};
    *root = event ? state_map_set(tx, *root, key, event) : state_map_remove(tx, *root, key);
    return (struct cost){sql_int_of0(tx, &count_nodes, 0) - before.nodes,
                         sql_int_of0(tx, &sum_bytes, 0) - before.bytes};
}

/* A leaf that is full parts in two, not in sixteen. */
static bool grow_and_shrink_a_large_map(struct store_tx *tx, void *arg)
{
    enum { LARGE = 100000, CHANGES = 300 };
    int64_t *keys = ARENA_ARRAY(store_tx_arena(tx), LARGE, int64_t);
    int64_t nodes = 0, most = 0, most_bytes = 0;
    (void)arg;
    for (int64_t i = 0; i < LARGE; i++)
        keys[i] = i + 1;
    int64_t root = state_map_set_many(tx, 0, keys, keys, LARGE);
    for (int i = 0; i < 2 * CHANGES; i++) {
        struct cost cost =
            i < CHANGES ? cost_of(tx, &root, LARGE + 1 + i, 400000 + i) : cost_of(tx, &root, 1 + 37 * i % LARGE, 0);
        assert_in_range(cost.nodes, 1, 8);
        assert_in_range(cost.bytes, 1, 4096);
        nodes += cost.nodes;
        most = cost.nodes > most ? cost.nodes : most;
        most_bytes = cost.bytes > most_bytes ? cost.bytes : most_bytes;
    }
    print_message("added or removed: %.2f nodes, at most %lld, and at most %lld bytes\n", (double)nodes / (2 * CHANGES),
                  (long long)most, (long long)most_bytes);
    return true;
}

static void growth_is_small(void **state)
{
    (void)state;
    in_job(grow_and_shrink_a_large_map, NULL, STORE_OK);
}

static void changes_are_small(void **state)
{
    (void)state;
    in_job(change_a_large_map, NULL, STORE_OK);
}

/* --- what other transactions see --- */

struct attempt {
    int64_t root, event;
    bool keep;
};

static bool set_one(struct store_tx *tx, void *arg)
{
    struct attempt *a = arg;
    a->root = state_map_set(tx, 0, 1, a->event);
    assert_int_equal(state_map_get(tx, a->root, 1), a->event);
    return a->keep;
}

/* A node number of a job that was rolled back comes again for another node; nobody may remember the first. */
static void rolled_back_nodes_are_forgotten(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct attempt a = {.event = 5}, b = {.event = 6, .keep = true};
    assert_int_equal(store_write(store, set_one, &a), STORE_ABORTED);
    assert_int_equal(row_cache_used(store->state_nodes), 0);
    assert_int_equal(store_write(store, set_one, &b), STORE_OK);
    if (!database_is_postgres()) /* where a number never comes again */
        assert_int_equal(b.root, a.root);
    assert_true(row_cache_used(store->state_nodes) > 0);
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(state_map_get(tx, b.root, 1), 6);
    assert_int_equal(state_map_get(tx, b.root, 2), 0);
    assert_int_equal(state_map_get(tx, b.root + 1, 1), 0); /* there is no such node */
    assert_true(store_tx_failed(tx));
    assert_false(store_read_end(&tx));
    store_close(&store);
}

static bool spoil(struct store_tx *tx, void *arg)
{
    sql_exec0(tx, (const struct sql *)arg);
    int64_t root = state_map_set(tx, 0, 1, 10);
    for (int64_t key = 2; key < 40; key++)
        root = state_map_set(tx, root, key, key);
    assert_int_equal(root, 0);
    assert_true(store_tx_failed(tx));
    return true;
}

#define SPOIL_POSTGRES(hex)                                                                                            \
    SQL("DO $do$ BEGIN CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $fn$ BEGIN NEW.node = '\\x" hex     \
        "'; RETURN NEW; END $fn$;"                                                                                     \
        " CREATE TRIGGER spoil BEFORE INSERT ON state_nodes FOR EACH ROW EXECUTE FUNCTION spoil(); END $do$")

/* Damage is an error that is said, never a wrong answer. */
static void damage_is_noticed(void **state)
{
    (void)state;
    static struct sql other_content = SQL("CREATE TRIGGER spoil AFTER INSERT ON state_nodes BEGIN"
                                          " UPDATE state_nodes SET node = x'0300' WHERE node_nid = new.node_nid; END");
    static struct sql own_child = SQL("CREATE TRIGGER spoil AFTER INSERT ON state_nodes BEGIN UPDATE state_nodes"
                                      " SET node = x'0001210100' || x'00' WHERE node_nid = new.node_nid; END");
    static struct sql other_content_postgres = SPOIL_POSTGRES("0300"),
                      own_child_postgres = SPOIL_POSTGRES("000121010000");
    in_job(spoil, database_is_postgres() ? &other_content_postgres : &other_content, STORE_FAILED);
    in_job(spoil, database_is_postgres() ? &own_child_postgres : &own_child, STORE_FAILED);
}

/* --- threads --- */

struct worker {
    struct store *store;
    struct thread thread;
    unsigned seed;
    struct plain plain;
    int64_t root, key, event;
};

static bool set_next(struct store_tx *tx, void *arg)
{
    struct worker *w = arg;
    w->root = state_map_set(tx, w->root, w->key, w->event);
    return true;
}

static void work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < 150; i++) {
        w->key = 1 + rand_r(&w->seed) % 100;
        w->event = 1 + rand_r(&w->seed) % 1000;
        w->plain.events[w->key] = w->event;
        assert_int_equal(store_write(w->store, set_next, w), STORE_OK);
        struct store_tx *tx = store_read_begin(w->store);
        for (int64_t key = 1; key <= 100; key++)
            assert_int_equal(state_map_get(tx, w->root, key), w->plain.events[key]);
        assert_true(store_read_end(&tx));
    }
}

static void many_threads(void **state)
{
    (void)state;
    static struct worker workers[6];
    struct store *store = NULL;
    struct store_error error;
    struct store_options options = {
        .path = database_path(":memory:"), .server_name = SCRATCH_SERVER, .create = true, .cache_bytes = 64 << 10};
    assert_true(store_open(&options, &store, &error));
    for (unsigned i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){.store = store, .seed = i / 2}; /* each map has a twin: nodes are met again */
        assert_true(thread_start(&workers[i].thread, "worker", 0, work, &workers[i]));
    }
    for (unsigned i = 0; i < COUNT_OF(workers); i++)
        thread_join(&workers[i].thread);
    assert_true(row_cache_used(store->state_nodes) <= 32 << 10);
    for (unsigned i = 0; i < COUNT_OF(workers); i += 2)
        assert_int_equal(workers[i].root, workers[i + 1].root);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_maps),       cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(no_change_no_node), cmocka_unit_test(changes_are_small),
        cmocka_unit_test(growth_is_small),   cmocka_unit_test(rolled_back_nodes_are_forgotten),
        cmocka_unit_test(damage_is_noticed), cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
