#include "base/clock.h"
#include "base/thread.h"
#include "store/store.h"
#include "store/tx.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "scratch.h"

static struct sql make_numbers = SQL("CREATE TABLE numbers (n BIGINT PRIMARY KEY NOT NULL)");
static struct sql insert_one = SQL("INSERT INTO numbers (n) VALUES (1)");
static const struct sql insert = SQL("INSERT INTO numbers (n) VALUES ($1)");
static const struct sql count = SQL("SELECT count(*) FROM numbers");

static bool try_open(const char *path, struct str server_name, bool create, struct store_error *error)
{
    struct store *store = NULL;
    struct store_options options = {.path = path, .server_name = server_name, .create = create};
    bool ok = store_open(&options, &store, error);
    assert_true(ok == (store != NULL));
    store_close(&store);
    assert_null(store);
    return ok;
}

/* A file, whatever the engine; test_postgres.c has the same for PostgreSQL. */
static void refuses(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store_error error;

    assert_false(try_open(path, SCRATCH_SERVER, false, &error));
    assert_non_null(strstr(error.text, "there is none"));

    assert_true(try_open(path, SCRATCH_SERVER, true, &error));
    assert_true(try_open(path, SCRATCH_SERVER, false, &error));
    assert_false(try_open(path, STR("other.test"), true, &error));
    assert_non_null(strstr(error.text, "belongs to the server hearth.test, not to other.test"));
    assert_true(error.foreign);
    assert_true(store_may_belong(path, SCRATCH_SERVER, &error));
    assert_false(error.foreign);
    assert_false(store_may_belong(path, STR("other.test"), &error));
    assert_non_null(strstr(error.text, "belongs to the server hearth.test, not to other.test"));
    assert_true(error.foreign);
    char *odd = scratch_path(folder, "a 100%?b#c");
    assert_true(store_may_belong(odd, STR("other.test"), &error)); /* there is none, and none is made */
    assert_int_equal(access(odd, F_OK), -1);
    assert_int_equal(rename(path, odd), 0);
    assert_false(store_may_belong(odd, STR("other.test"), &error));
    assert_int_equal(rename(odd, path), 0);
    free(odd);

    struct store *store = scratch_open_path(path);
    assert_false(try_open(path, SCRATCH_SERVER, true, &error));
    assert_non_null(strstr(error.text, "another process has it open"));
    store_close(&store);

    /* Neither a text file nor somebody else's database is taken. */
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(write(fd, "This is a letter, and not a database, and it is long enough.", 60) == 60);
    close(fd);
    assert_false(try_open(path, SCRATCH_SERVER, true, &error));
    assert_non_null(strstr(error.text, "not a database"));
    assert_true(store_may_belong(path, STR("other.test"), &error));
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE letters (text TEXT)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_false(try_open(path, SCRATCH_SERVER, true, &error));
    assert_non_null(strstr(error.text, "not a database of Hearth"));

    free(path);
    scratch_remove(folder);
}

static bool second_process_is_refused(const char *path)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct store_error error;
        _exit(try_open(path, SCRATCH_SERVER, true, &error) ? 1 : 0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void one_process_only(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_path(path);
    assert_true(second_process_is_refused(path));
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

static void snapshots(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_numbers), STORE_OK);

    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(sql_int_of0(tx, &count, -1), 0);
    assert_int_equal(scratch_exec(store, &insert_one), STORE_OK); /* the reader is not in the way */
    assert_int_equal(sql_int_of0(tx, &count, -1), 0);
    assert_true(store_read_end(&tx));
    assert_null(tx);
    assert_int_equal(scratch_int(store, &count), 1);
    store_close(&store);
}

static void readers_cannot_write(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_numbers), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(sql_exec(tx, &insert, SQL_INT(1)), 0);
    assert_true(store_tx_failed(tx));
    assert_int_equal(sql_int_of0(tx, &count, -1), -1); /* the failure is sticky */
    assert_false(store_read_end(&tx));
    assert_int_equal(scratch_int(store, &count), 0); /* and ends with its transaction */
    store_close(&store);
}

struct reader {
    struct store *store;
    struct thread thread;
    int64_t sum;
};

static void read_often(void *arg)
{
    struct reader *r = arg;
    for (int i = 0; i < 200; i++)
        r->sum += scratch_int(r->store, &count);
}

static void few_connections_serve_many_threads(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct store_error error;
    struct store_options options = {
        .path = database_path(":memory:"), .server_name = SCRATCH_SERVER, .create = true, .readers = 2};
    assert_true(store_open(&options, &store, &error));
    assert_int_equal(scratch_exec(store, &make_numbers), STORE_OK);
    assert_int_equal(scratch_exec(store, &insert_one), STORE_OK);
    struct reader readers[8];
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        readers[i] = (struct reader){.store = store};
        assert_true(thread_start(&readers[i].thread, "reader", 0, read_often, &readers[i]));
    }
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        thread_join(&readers[i].thread);
        assert_int_equal(readers[i].sum, 200);
    }
    store_close(&store);
}

static void the_arena_is_the_transactions(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct store_tx *tx = store_read_begin(store);
    struct str s = str_copy(store_tx_arena(tx), STR("text"));
    check_str(s, STR("text"), "copy");
    assert_true(arena_used(store_tx_arena(tx)) > 0);
    assert_true(store_read_end(&tx));
    tx = store_read_begin(store);
    assert_int_equal(arena_used(store_tx_arena(tx)), 0);
    assert_true(store_read_end(&tx));
    store_close(&store);
}

static int64_t now_ms; /* atomic: the writer thread asks too */

static int64_t set_clock(void)
{
    return __atomic_load_n(&now_ms, __ATOMIC_RELAXED);
}

static void unused_readers_are_closed(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    struct store_tx *many[5];
    __atomic_store_n(&now_ms, clock_mono_ms(), __ATOMIC_RELAXED);
    clock_set_source(set_clock);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = store_read_begin(store);
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        assert_true(store_read_end(&many[i]));
        __atomic_add_fetch(&now_ms, 20000, __ATOMIC_RELAXED);
    }
    assert_int_equal(store->open, 5);
    store_trim(store); /* idle for 100, 80, 60, 40 and 20 seconds */
    assert_int_equal(store->open, 2);
    struct store_tx *tx = store_read_begin(store);
    __atomic_add_fetch(&now_ms, 200000, __ATOMIC_RELAXED);
    store_trim(store); /* the other one */
    assert_int_equal(store->open, 1);
    assert_true(store_read_end(&tx));
    clock_set_source(NULL);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(one_process_only),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(readers_cannot_write),
        cmocka_unit_test(few_connections_serve_many_threads),
        cmocka_unit_test(the_arena_is_the_transactions),
        cmocka_unit_test(unused_readers_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
