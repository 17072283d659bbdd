/* What is PostgreSQL's own: several processes, connections that go away, round trips. Wants HEARTH_TEST_DATABASE. */
#include "base/arena.h"
#include "store/postgres_conn.h"
#include "store/rooms.h"
#include "store/tx.h"
#include "store/users.h"
#include "store/writer.h"

#include "gate.h"
#include "scratch.h"

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, pos BIGINT NOT NULL UNIQUE)");
static const struct sql insert_row = SQL("INSERT INTO rows (n, pos) VALUES ($1, $2)");
static const struct sql count_rows = SQL("SELECT count(*) FROM rows");
static const struct sql count_users = SQL("SELECT count(*) FROM users");
static const struct sql many_rows = SQL("SELECT i, repeat('x', 1000) FROM generate_series(1, $1) AS i");

/* --- opening --- */

static void check_refused(const char *path, struct str server_name, bool create, const char *why)
{
    struct store *store = NULL;
    struct store_error error = {.text = ""};
    struct store_options options = {.path = path, .server_name = server_name, .create = create};
    check_case(!store_open(&options, &store, &error), why);
    if (!strstr(error.text, why))
        fail_msg("\"%s\" is not in \"%s\"", why, error.text);
    assert_null(strstr(error.text, "hunter2"));
}

static void run_in(const char *path, const char *statement)
{
    PGconn *pg = PQconnectdb(path);
    PGresult *r = PQexec(pg, statement);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statement, PQerrorMessage(pg));
    PQclear(r);
    PQfinish(pg);
}

static void refuses(void **state)
{
    (void)state;
    const char *path = database_path(":memory:");
    check_refused(path, SCRATCH_SERVER, false, "it is empty: start the server once");
    struct store *store = scratch_open_path(path);
    store_close(&store);
    check_refused(path, STR("other.test"), true, "belongs to the server hearth.test, not to other.test");
    run_in(path, "INSERT INTO migrations (number, name, hash) VALUES (9999, 'later', '')");
    check_refused(path, SCRATCH_SERVER, true, "the database is newer than this program");

    /* What others have, tables that are called as ours among them; and what an older edition left beside them. */
    static const char *const foreign[] = {"CREATE TABLE users (name TEXT)", "CREATE TABLE meta (name TEXT, value TEXT)",
                                          "CREATE TABLE migrations (id INT, migration TEXT, batch INT)",
                                          "CREATE TABLE meta (a INT); CREATE TABLE migrations (number BIGINT PRIMARY "
                                          "KEY NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL)"};
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        path = database_path(":memory:");
        run_in(path, foreign[i]);
        check_refused(path, SCRATCH_SERVER, true, "it is not a database of Hearth: it has tables already");
        if (i < 2)
            run_in(path, "DO $$BEGIN ASSERT to_regclass('migrations') IS NULL; END$$");
    }
    check_refused("postgresql://hearth:hunter2@127.0.0.1:1/hearth", SCRATCH_SERVER, true, "Connection refused");
    check_refused("postgresql:///hearth?host=/does/not/exist&password=hunter2", SCRATCH_SERVER, true,
                  "/does/not/exist");
}

/* --- values --- */

static bool any_bytes(struct store_tx *tx, void *arg)
{
    static const struct sql insert = SQL("INSERT INTO users (user_id) VALUES ($1) RETURNING user_nid");
    static const struct sql select = SQL("SELECT user_id FROM users WHERE user_id = $1");
    static const struct sql sorted = SQL("SELECT user_id FROM users ORDER BY user_id");
    static const struct str ids[] = {STR_INIT("\0"),       STR_INIT("\0\0"), STR_INIT("\1"), STR_INIT("\1\1"),
                                     STR_INIT("A"),        STR_INIT("B"),    STR_INIT("a"),  STR_INIT("a\0b"),
                                     STR_INIT("\xc3\xa9"), STR_INIT("\xff")};
    struct sql_cursor c;
    (void)arg;
    for (size_t i = COUNT_OF(ids); i-- > 0;)
        assert_true(sql_int_of(tx, &insert, 0, SQL_TEXT(ids[i])) > 0);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        sql_query(tx, &select, &c, SQL_TEXT(ids[i]));
        assert_true(sql_next(&c));
        check_str(sql_peek(&c, 0), ids[i], "found");
        sql_end(&c);
    }
    sql_query0(tx, &sorted, &c);
    for (size_t i = 0; i + 1 < COUNT_OF(ids); i++) { /* what is no text has no order */
        assert_true(sql_next(&c));
        if (str_eq(sql_peek(&c, 0), ids[COUNT_OF(ids) - 1]))
            assert_true(sql_next(&c));
        check_str(sql_peek(&c, 0), ids[i], "in the order of bytes");
    }
    sql_end(&c);
    return true;
}

static void text_is_any_bytes(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, any_bytes, NULL), STORE_OK);
    store_close(&store);
}

static size_t resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &total, &resident), 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* AddressSanitizer keeps what was freed for a while. */
#ifdef __SANITIZE_ADDRESS__
static const size_t resident_more = (size_t)600 << 20;
#else
static const size_t resident_more = (size_t)120 << 20;
#endif

/* 300 MB of rows pass through, and take little memory. */
static void large_results_are_streamed(void **state)
{
    (void)state;
    enum { ROWS = 300000 };
    struct store *store = scratch_open();
    struct store_tx *tx = store_read_begin(store);
    struct sql_cursor c;
    int64_t count = 0;
    sql_query(tx, &many_rows, &c, SQL_INT(ROWS));
    assert_true(sql_next(&c));
    size_t before = resident_bytes();
    for (count = 1; sql_next(&c); count++)
        assert_int_equal(sql_int(&c, 0), count + 1);
    assert_in_range(resident_bytes(), 0, before + resident_more);
    assert_int_equal(count, ROWS);
    /* The rest of one that is not read to its end is thrown away, not kept. */
    sql_query(tx, &many_rows, &c, SQL_INT(ROWS));
    assert_true(sql_next(&c));
    sql_end(&c);
    assert_int_equal(sql_int_of(tx, &many_rows, 0, SQL_INT(1)), 1);
    assert_in_range(resident_bytes(), 0, before + resident_more);
    assert_true(store_read_end(&tx));
    store_close(&store);
}

static void statements_within_others(void **state)
{
    static const struct sql one = SQL("SELECT $1 + 1");
    (void)state;
    struct store *store = scratch_open();
    struct store_tx *tx = store_read_begin(store);
    struct sql_cursor c;
    sql_query(tx, &many_rows, &c, SQL_INT(2000));
    for (int64_t i = 1; i <= 2000; i++) {
        assert_true(sql_next(&c));
        assert_int_equal(sql_int(&c, 0), i);
        assert_int_equal(sql_int_of(tx, &one, 0, SQL_INT(i)), i + 1);
        assert_int_equal(sql_peek(&c, 1).n, 1000);
    }
    assert_false(sql_next(&c));
    sql_end(&c);
    assert_true(store_read_end(&tx));

    tx = store_read_begin(store); /* more than is kept: an error, and not all memory there is */
    sql_query(tx, &many_rows, &c, SQL_INT(100000));
    assert_true(sql_next(&c));
    (void)sql_int_of(tx, &one, 0, SQL_INT(1));
    while (sql_next(&c))
        ;
    sql_end(&c);
    assert_false(store_read_end(&tx));
    assert_int_equal(scratch_int(store, &count_users), 0);
    store_close(&store);
}

/* --- round trips --- */

static bool push_rows(struct store_tx *tx, void *arg)
{
    for (int64_t i = 0; i < *(int64_t *)arg; i++) {
        int64_t pos = store_next_pos(tx);
        sql_push(tx, &insert_row, SQL_INT(pos), SQL_INT(pos));
    }
    return true;
}

static uint64_t round_trips(struct store *store, bool (*run)(struct store_tx *, void *), void *arg)
{
    const struct driver_conn *conn = writer_tx(store->writer)->conn;
    uint64_t before = conn->round_trips;
    assert_int_equal(store_write(store, run, arg), STORE_OK);
    return conn->round_trips - before;
}

static void little_is_waited_for(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    int64_t one = 1, ten = 10, many = 5000;
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    for (int i = 0; i < 2; i++) { /* preparing takes none of its own */
        assert_int_equal(round_trips(store, push_rows, &one), 2);
        assert_int_equal(round_trips(store, push_rows, &ten), 2);
    }
    assert_in_range(round_trips(store, push_rows, &many), 2, 40); /* the pipe is emptied now and then */
    assert_int_equal(scratch_int(store, &count_rows), 2 * 11 + 5000);
    store_close(&store);
}

/* --- pushed statements that fail --- */

static bool push_twice(struct store_tx *tx, void *arg)
{
    int64_t n = *(int64_t *)arg;
    sql_push(tx, &insert_row, SQL_INT(n), SQL_INT(n));
    sql_push(tx, &insert_row, SQL_INT(n), SQL_INT(n));
    return true;
}

static bool push_once(struct store_tx *tx, void *arg)
{
    int64_t n = *(int64_t *)arg;
    sql_push(tx, &insert_row, SQL_INT(n), SQL_INT(n));
    return true;
}

static void pushed_statements_fail_their_job_alone(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t numbers[] = {1, 2, 3, 4, 5};
    struct store_job jobs[5];
    for (int failing = -1; failing < 5; failing++) {
        struct gate gate;
        static struct sql empty = SQL("DELETE FROM rows");
        assert_int_equal(scratch_exec(store, &empty), STORE_OK);
        gate_close(&gate, store);
        for (int i = 0; i < 5; i++) {
            jobs[i] = (struct store_job){.run = i == failing ? push_twice : push_once, .arg = &numbers[i]};
            store_submit(store, &jobs[i]);
        }
        assert_int_equal(gate_open(&gate), STORE_OK);
        for (int i = 0; i < 5; i++)
            assert_int_equal(store_wait(store, &jobs[i]), i == failing ? STORE_FAILED : STORE_OK);
        assert_int_equal(scratch_int(store, &count_rows), failing < 0 ? 5 : 4);
    }
    store_close(&store);
}

/* --- two processes (here: two stores) --- */

enum { EACH = 400 };

struct process {
    struct store *store;
    struct thread thread;
    int64_t room_nid;
    int64_t moved; /* how often it has moved the room's head */
    int64_t stale;
    bool in_order;
};

struct step {
    int64_t room_nid, built_on, pos;
};

static bool move_head(struct store_tx *tx, void *arg)
{
    struct step *s = arg;
    if (!rooms_head_advance(tx, s->room_nid, s->built_on))
        return store_stale(tx);
    s->pos = store_next_pos(tx);
    sql_push(tx, &insert_row, SQL_INT(s->built_on), SQL_INT(s->pos));
    return true;
}

/* As a server with a room's head in memory: it is read again only when it turns out to be old. */
static void write_into_room(void *arg)
{
    struct process *p = arg;
    int64_t version = -1, last_pos = 0;
    p->in_order = true;
    while (p->moved < EACH) {
        if (version < 0) {
            struct store_tx *tx = store_read_begin(p->store);
            version = rooms_head_version(tx, p->room_nid);
            assert_true(store_read_end(&tx));
        }
        struct step s = {.room_nid = p->room_nid, .built_on = version};
        enum store_result result = store_write(p->store, move_head, &s);
        assert_true(result == STORE_OK || result == STORE_STALE);
        if (result == STORE_OK) {
            p->in_order &= s.pos > last_pos && store_stable_pos(p->store) >= s.pos;
            last_pos = s.pos;
            p->moved++;
            version++;
        } else {
            p->stale++;
            version = -1;
        }
    }
}

static bool make_room(struct store_tx *tx, void *nid_out)
{
    *(int64_t *)nid_out = rooms_insert(tx, STR("!r:hearth.test"), STR("11"));
    return true;
}

static void heads_move_one_after_the_other(void **state)
{
    /* Each version once, and positions in the order of versions, which is that of commits. */
    static const struct sql disorder =
        SQL("SELECT count(*) FROM (SELECT pos - lag(pos) OVER (ORDER BY n) AS step FROM rows)"
            " AS s WHERE step <= 0");
    (void)state;
    const char *path = database_path(":memory:");
    struct process p[2];
    for (size_t i = 0; i < 2; i++)
        p[i] = (struct process){.store = scratch_open_path(path)};
    assert_int_equal(scratch_exec(p[0].store, &make_rows), STORE_OK);
    assert_int_equal(store_write(p[0].store, make_room, &p[0].room_nid), STORE_OK);
    p[1].room_nid = p[0].room_nid;
    for (size_t i = 0; i < 2; i++) /* both are connected, so that neither is done before the other begins */
        assert_int_equal(scratch_int(p[i].store, &count_rows), 0);
    for (size_t i = 0; i < 2; i++)
        assert_true(thread_start(&p[i].thread, "process", 0, write_into_room, &p[i]));
    for (size_t i = 0; i < 2; i++) {
        thread_join(&p[i].thread);
        assert_true(p[i].in_order);
    }
    assert_true(p[0].stale + p[1].stale > 0);
    assert_true(store_others(p[0].store) > 0 && store_others(p[1].store) > 0);
    assert_int_equal(scratch_int(p[0].store, &count_rows), 2 * EACH);
    assert_int_equal(scratch_int(p[0].store, &disorder), 0);
    for (size_t i = 0; i < 2; i++)
        store_close(&p[i].store);
}

struct meeting {
    struct str user_id;
    int64_t nid;
};

static bool meet(struct store_tx *tx, void *arg)
{
    struct meeting *m = arg;
    m->nid = users_intern(tx, m->user_id);
    return true;
}

static void what_others_write_is_learned(void **state)
{
    (void)state;
    const char *path = database_path(":memory:");
    struct store *a = scratch_open_path(path), *b = scratch_open_path(path);
    assert_int_equal(scratch_exec(a, &make_rows), STORE_OK);
    int64_t one = 1;
    assert_int_equal(store_others(b), 0);
    assert_int_equal(store_write(a, push_rows, &one), STORE_OK);
    int64_t pos = store_stable_pos(a);
    for (int i = 0; i < 500 && store_stable_pos(b) < pos; i++)
        usleep(10000);
    assert_int_equal(store_stable_pos(b), pos); /* without a write of its own */
    assert_int_equal(store_others(b), 1);
    assert_int_equal(store_others(a), 0);

    struct meeting met[] = {{.user_id = STR_INIT("@u:hearth.test")}, {.user_id = STR_INIT("@u:hearth.test")}};
    assert_int_equal(store_write(b, meet, &met[0]), STORE_OK);
    assert_int_equal(store_write(a, meet, &met[1]), STORE_OK);
    assert_int_equal(met[0].nid, met[1].nid);
    store_close(&a);
    store_close(&b);
}

/* Those who begin at once make the tables once. */
static void open_and_close(void *arg)
{
    struct store *store = scratch_open_path(arg);
    store_close(&store);
}

static void all_begin_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        char *path = strdup(database_path(":memory:"));
        struct thread threads[4];
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            assert_true(thread_start(&threads[i], "opener", 0, open_and_close, path));
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            thread_join(&threads[i]);
        free(path);
    }
}

/* --- connections that go away --- */

/* Ends all other sessions of this schema's stores. */
static void end_sessions(const char *path)
{
    char statement[300];
    const char *schema = strstr(path, "%3D") + 3;
    snprintf(statement, sizeof statement,
             "SELECT pg_terminate_backend(a.pid, 5000) FROM pg_stat_activity AS a WHERE a.application_name = '%s'",
             schema);
    database_run(statement);
}

/* Sessions that end_sessions finds. */
static const char *named_path(void)
{
    static char path[600];
    const char *plain = database_path(":memory:");
    snprintf(path, sizeof path, "%s&application_name=%s", plain, strstr(plain, "%3D") + 3);
    return path;
}

static const char *schema_path(const char *named)
{
    static char plain[600];
    snprintf(plain, sizeof plain, "%.*s", (int)(strstr(named, "&application_name") - named), named);
    return plain;
}

static bool lose_connection(struct store_tx *tx, void *arg)
{
    int64_t one = 1;
    (void)push_rows(tx, &one);
    tx_flush(tx);
    end_sessions(schema_path(arg));
    return true;
}

static void lost_connections_are_made_again(void **state)
{
    (void)state;
    const char *path = named_path();
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    assert_int_equal(scratch_int(store, &count_rows), 0);
    int64_t rows = 0, one = 1;
    for (int round = 0; round < 5; round++) {
        /* Between two transactions nobody notices. */
        end_sessions(schema_path(path));
        uint64_t epoch = store_epoch(store);
        assert_int_equal(scratch_int(store, &count_rows), rows);
        assert_int_equal(store_write(store, push_rows, &one), STORE_OK);
        assert_int_equal(store_epoch(store), epoch);
        rows++;
        /* In a batch, it fails. */
        int64_t stable = store_stable_pos(store);
        assert_int_equal(store_write(store, lose_connection, (void *)(uintptr_t)path), STORE_FAILED);
        assert_int_equal(store_epoch(store), epoch + 1);
        assert_int_equal(store_stable_pos(store), stable);
        /* In a snapshot, the snapshot does. */
        struct store_tx *tx = store_read_begin(store);
        assert_int_equal(sql_int_of0(tx, &count_rows, -1), rows);
        end_sessions(schema_path(path));
        assert_int_equal(sql_int_of0(tx, &count_rows, -1), -1);
        assert_false(store_read_end(&tx));
        assert_int_equal(scratch_int(store, &count_rows), rows);
    }
    assert_int_equal(store_others(store), 0);
    store_close(&store);
}

static void set_reachable(const char *path, bool reachable)
{
    char statement[200];
    snprintf(statement, sizeof statement, "ALTER ROLE %s %s", "absent", reachable ? "LOGIN" : "NOLOGIN");
    database_run(statement);
    end_sessions(schema_path(path));
}

/* While the database cannot be reached all fails, soon; then all goes on. */
static void unreachable_for_a_while(void **state)
{
    (void)state;
    char path[700];
    database_run(
        "DO $do$ BEGIN CREATE ROLE absent SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $do$");
    snprintf(path, sizeof path, "%s&user=absent", named_path());
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t one = 1;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(store_write(store, push_rows, &one), STORE_OK);
        set_reachable(path, false);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(store_write(store, push_rows, &one), STORE_FAILED);
            struct store_tx *tx = store_read_begin(store);
            assert_int_equal(sql_int_of0(tx, &count_rows, -1), -1);
            assert_false(store_read_end(&tx));
            usleep(5000);
        }
        set_reachable(path, true);
        enum store_result result = STORE_FAILED;
        for (int i = 0; i < 400 && result != STORE_OK; i++) {
            usleep(10000);
            result = store_write(store, push_rows, &one);
        }
        assert_int_equal(result, STORE_OK);
        assert_int_equal(scratch_int(store, &count_rows), 2 * (round + 1));
    }
    store_close(&store);
}

int main(void)
{
    if (!database_is_postgres())
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(text_is_any_bytes),
        cmocka_unit_test(large_results_are_streamed),
        cmocka_unit_test(statements_within_others),
        cmocka_unit_test(little_is_waited_for),
        cmocka_unit_test(pushed_statements_fail_their_job_alone),
        cmocka_unit_test(heads_move_one_after_the_other),
        cmocka_unit_test(what_others_write_is_learned),
        cmocka_unit_test(all_begin_at_once),
        cmocka_unit_test(lost_connections_are_made_again),
        cmocka_unit_test(unreachable_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
