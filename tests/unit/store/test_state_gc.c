#include "store/event_graph.h"
#include "store/events.h"
#include "store/rooms.h"
#include "store/state_gc.h"
#include "store/state_map.h"
#include "store/state_node.h"

#include <signal.h>
#include <sys/wait.h>

#include "scratch.h"

static const struct sql count_nodes = SQL("SELECT count(*) FROM state_nodes");
static struct sql delete_oldest =
    SQL("DELETE FROM state_nodes WHERE node_nid = (SELECT min(node_nid) FROM state_nodes)");

enum { KEYS = 3000, KEPT = 40 };

/* Maps that grow out of one another; events and rooms refer to some of them, in each of the columns. */
struct history {
    int64_t roots[KEPT];
    int64_t events[KEPT][KEYS + 1]; /* what the map under each root says */
    int64_t now[KEYS + 1];
    int64_t root;
    unsigned seed;
};

static struct history history;

static void refer(struct store_tx *tx, int64_t root, int column)
{
    int64_t pos = store_next_pos(tx);
    char id[40];
    if (column >= 3) { /* a room of its own */
        struct room_state_row row = {
            .pos = pos, .state_root = column == 3 ? root : 0, .folded_root = column == 4 ? root : 0};
        room_states_set(tx, 1000 + pos, &row);
        return;
    }
    snprintf(id, sizeof id, "$%lld", (long long)pos);
    struct event_row row = {.event_nid = pos,
                            .room_nid = 1,
                            .pos = pos,
                            .sender_nid = 1,
                            .state_before = column == 0 ? root : -1,
                            .state_after = column == 1 ? root : -1,
                            .room_state = column == 2 ? root : 0,
                            .event_id = str_of(id),
                            .pdu = STR("{}")};
    events_insert(tx, &row);
}

static bool change_some(struct store_tx *tx, void *arg)
{
    int kept = *(const int *)arg;
    for (int i = 0; i < 20; i++) { /* the steps between are garbage */
        int64_t key = 1 + rand_r(&history.seed) % KEYS, event = rand_r(&history.seed) % 4 * 1000 + 1 + i;
        history.now[key] = event;
        history.root = state_map_set(tx, history.root, key, event);
    }
    history.roots[kept] = history.root;
    memcpy(history.events[kept], history.now, sizeof history.now);
    refer(tx, history.root, kept % 5);
    return true;
}

static bool start_large(struct store_tx *tx, void *arg)
{
    static int64_t keys[KEYS], events[KEYS];
    (void)arg;
    for (int64_t i = 0; i < KEYS; i++) {
        keys[i] = i + 1;
        history.now[i + 1] = events[i] = i + 1;
    }
    history.root = state_map_set_many(tx, 0, keys, events, KEYS);
    return true;
}

static void make_history(struct store *store)
{
    memset(&history, 0, sizeof history);
    history.seed = 11;
    assert_int_equal(store_write(store, start_large, NULL), STORE_OK);
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(store_write(store, change_some, &i), STORE_OK);
}

/* Reads every map that events refer to, and counts the nodes of all: what has to be there and nothing else. */
static void check_history(struct store *store)
{
    struct store_tx *tx = store_read_begin(store);
    for (int i = 0; i < KEPT; i++)
        for (int64_t key = 1; key <= KEYS; key++)
            if (state_map_get(tx, history.roots[i], key) != history.events[i][key])
                fail_msg("map %d has lost key %lld", i, (long long)key);
    assert_true(store_read_end(&tx));
}

static struct state_gc_result collect(struct store *store)
{
    struct state_gc_result result;
    struct store_error error;
    if (!state_gc_run(store, NULL, &result, &error))
        fail_msg("%s", error.text);
    return result;
}

static struct store *reopen(struct store *store, const char *path)
{
    store_close(&store);
    return scratch_open_at(path);
}

/* The other way to know what is needed: from each root down, by hand. */
static size_t walk(struct store_tx *tx, int64_t nid, bool *seen, size_t max)
{
    static const struct sql select = SQL("SELECT node FROM state_nodes WHERE node_nid = $1");
    struct sql_cursor c;
    struct state_node node;
    size_t count = 1;
    assert_true((size_t)nid < max);
    if (seen[nid])
        return 0;
    seen[nid] = true;
    sql_query(tx, &select, &c, SQL_INT(nid));
    assert_true(sql_next(&c));
    assert_true(state_node_decode(sql_peek(&c, 0), &node));
    sql_end(&c);
    for (int s = 0; !node.is_leaf && s < STATE_FANOUT; s++)
        if (node.children[s])
            count += walk(tx, node.children[s], seen, max);
    return count;
}

static int64_t count_needed(struct store *store)
{
    static bool seen[100000];
    struct store_tx *tx = store_read_begin(store);
    size_t count = 0;
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < KEPT; i++)
        count += walk(tx, history.roots[i], seen, COUNT_OF(seen));
    assert_true(store_read_end(&tx));
    return (int64_t)count;
}

static void garbage_goes_and_nothing_else(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    make_history(store);
    int64_t before = scratch_int(store, &count_nodes), needed = count_needed(store);
    assert_true(needed < before - 100);

    store = reopen(store, path);
    struct state_gc_result r = collect(store);
    assert_int_equal(r.roots, KEPT);
    assert_int_equal(r.nodes, before);
    assert_int_equal(r.removed_nodes, before - needed);
    assert_true(r.removed_bytes > 0 && r.removed_bytes < r.bytes);
    assert_int_equal(scratch_int(store, &count_nodes), needed);
    check_history(store);

    r = collect(store); /* nothing is left to do */
    assert_int_equal(r.removed_nodes, 0);
    assert_int_equal(r.nodes, needed);

    struct store_error error;
    assert_true(state_gc_compact(store, &error));
    store = reopen(store, path);
    check_history(store);
    /* And maps go on growing out of what is there. */
    int last = KEPT - 1;
    assert_int_equal(store_write(store, change_some, &last), STORE_OK);
    check_history(store);
    store_close(&store);
    scratch_remove(folder);
    free(path);
}

static void an_empty_database(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct state_gc_result r = collect(store);
    assert_int_equal(r.nodes + r.roots + r.removed_nodes, 0);
    store_close(&store);
}

static void without_events_all_goes(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    memset(&history, 0, sizeof history);
    assert_int_equal(store_write(store, start_large, NULL), STORE_OK);
    struct state_gc_result r = collect(store);
    assert_true(r.nodes > 100);
    assert_int_equal(r.removed_nodes, r.nodes);
    assert_int_equal(r.removed_bytes, r.bytes);
    assert_int_equal(scratch_int(store, &count_nodes), 0);
    store_close(&store);
}

/* Where something that is needed is not there, nobody can say what else is not. */
static void damage_keeps_all(void **state)
{
    (void)state;
    static struct sql spoil = SQL("UPDATE state_nodes SET node = node || node"
                                  " WHERE node_nid = (SELECT max(state_before) FROM events)");
    static struct sql beyond = SQL("UPDATE events SET state_after = 99999999");
    struct sql *const damages[] = {&delete_oldest, &spoil, &beyond};
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        struct store *store = scratch_open();
        struct state_gc_result r;
        struct store_error error;
        make_history(store);
        assert_int_equal(scratch_exec(store, damages[i]), STORE_OK);
        int64_t before = scratch_int(store, &count_nodes);
        assert_false(state_gc_run(store, NULL, &r, &error));
        assert_non_null(strstr(error.text, "nothing was deleted"));
        assert_int_equal(r.removed_nodes, 0);
        assert_int_equal(scratch_int(store, &count_nodes), before);
        store_close(&store);
    }
}

/* --- killed at any moment --- */

static bool make_garbage(struct store_tx *tx, void *arg)
{
    int64_t root = history.root;
    (void)arg;
    for (int64_t i = 0; i < 6000; i++)
        root = state_map_set(tx, root, 1 + i % KEYS, 100000 + i);
    return true;
}

static void kill_when_sweeping(void *ctx, int64_t done, int64_t total)
{
    int64_t *left = ctx;
    (void)done, (void)total;
    if (--*left == 0)
        (void)raise(SIGKILL);
}

static bool run_killed(const char *path, int64_t steps)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = scratch_open_at(path);
        struct state_gc_result r;
        struct store_error error;
        struct state_gc_progress progress = {kill_when_sweeping, &steps};
        _exit(state_gc_run(store, &progress, &r, &error) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void killed_in_the_middle(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    make_history(store);
    int64_t needed = count_needed(store), between = 0;
    assert_int_equal(store_write(store, make_garbage, NULL), STORE_OK);
    int64_t before = scratch_int(store, &count_nodes);
    assert_true(before > 15000);
    store_close(&store);
    for (int64_t steps = 1; run_killed(path, steps); steps++) {
        assert_true(steps < 100);
        store = scratch_open_at(path);
        check_history(store);
        int64_t left = scratch_int(store, &count_nodes);
        between += left > needed && left < before;
        store_close(&store);
    }
    assert_true(between > 0); /* it was killed when a part had gone */
    store = scratch_open_at(path);
    check_history(store);
    assert_int_equal(scratch_int(store, &count_nodes), needed);
    store_close(&store);
    scratch_remove(folder);
    free(path);
}

/* --- not alone --- */

/* On SQLite a second process cannot even open the database. */
static void refused_beside_another(void **state)
{
    (void)state;
    if (!database_is_postgres())
        return;
    char *folder = scratch_folder(), *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path), *other = scratch_open_at(path);
    struct state_gc_result r;
    struct store_error error;
    make_history(store);
    int64_t before = scratch_int(store, &count_nodes);
    assert_false(state_gc_run(store, NULL, &r, &error));
    assert_non_null(strstr(error.text, "another process"));
    assert_int_equal(scratch_int(store, &count_nodes), before);
    store_close(&other);
    bool alone = false;
    for (int i = 0; i < 500 && !alone; i++) { /* a session ends some time after its end was asked for */
        alone = state_gc_run(store, NULL, &r, &error);
        usleep(10000);
    }
    assert_true(alone);
    check_history(store);
    store_close(&store);
    scratch_remove(folder);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_goes_and_nothing_else), cmocka_unit_test(an_empty_database),
        cmocka_unit_test(without_events_all_goes),       cmocka_unit_test(damage_keeps_all),
        cmocka_unit_test(killed_in_the_middle),          cmocka_unit_test(refused_beside_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
