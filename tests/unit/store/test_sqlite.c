#include "base/thread.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include "scratch.h"

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, filling BLOB NOT NULL)");
static const struct sql write_row = SQL("INSERT INTO rows (n, filling) VALUES ($1, $2)"
                                        " ON CONFLICT (n) DO UPDATE SET filling = excluded.filling");
static const struct sql sum_rows = SQL("SELECT coalesce(sum(n), 0) FROM rows");

enum { MEBIBYTE = 1 << 20 };

static bool write_a_mebibyte(struct store_tx *tx, void *arg)
{
    static char filling[MEBIBYTE];
    memset(filling, *(int *)arg, sizeof filling); /* bytes that are there already are not written */
    sql_exec(tx, &write_row, SQL_INT(*(int *)arg % 10), SQL_BLOB(((struct str){filling, sizeof filling})));
    return true;
}

static int64_t log_mebibytes(const char *path)
{
    struct stat st;
    char *name = NULL;
    assert_true(asprintf(&name, "%s-wal", path) > 0);
    assert_int_equal(stat(name, &st), 0);
    free(name);
    return st.st_size / MEBIBYTE;
}

struct reader {
    struct store *store;
    struct thread thread;
    bool stop; /* atomic */
    int64_t reads;
};

static void read_all_the_time(void *arg)
{
    struct reader *r = arg;
    for (; !__atomic_load_n(&r->stop, __ATOMIC_RELAXED); r->reads++)
        (void)scratch_int(r->store, &sum_rows);
}

static void write_mebibytes(struct store *store, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(store_write(store, write_a_mebibyte, &i), STORE_OK);
}

/* The log starts over although there is never a moment at which nobody reads. */
static void the_log_is_bounded(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_path(path);
    struct reader readers[2];
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        readers[i] = (struct reader){.store = store};
        assert_true(thread_start(&readers[i].thread, "reader", 0, read_all_the_time, &readers[i]));
    }
    write_mebibytes(store, 300);
    assert_in_range(log_mebibytes(path), 10, 150);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        __atomic_store_n(&readers[i].stop, true, __ATOMIC_RELAXED);
        thread_join(&readers[i].thread);
        assert_true(readers[i].reads > 0);
    }
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

/* One snapshot that is held for long makes the log grow, and stops nobody; afterwards it starts over. */
static void a_long_snapshot_is_in_nobodys_way(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    write_mebibytes(store, 1);
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(sql_int_of0(tx, &sum_rows, -1), 0);
    write_mebibytes(store, 100);
    assert_int_equal(sql_int_of0(tx, &sum_rows, -1), 0);
    assert_true(log_mebibytes(path) > 90);
    assert_int_equal(scratch_int(store, &sum_rows), 45);
    assert_true(store_read_end(&tx));
    write_mebibytes(store, 200);
    assert_true(log_mebibytes(path) <= 64 + 150); /* it is cut to 64 when it starts over */
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

/* SQLite's "unix-none" has no shared memory, like file systems on which WAL cannot work. */
static void a_file_system_without_wal_is_refused(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store_options options = {.path = path, .server_name = SCRATCH_SERVER, .create = true};
    struct store_error error = {.text = ""};
    struct store *store = NULL;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

    assert_int_equal(sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1), SQLITE_OK);
    bool opened = store_open(&options, &store, &error);
    assert_int_equal(sqlite3_vfs_register(usual, 1), SQLITE_OK);
    assert_false(opened);
    assert_non_null(strstr(error.text, "does not support WAL"));
    assert_non_null(strstr(error.text, path));
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_is_bounded),
        cmocka_unit_test(a_long_snapshot_is_in_nobodys_way),
        cmocka_unit_test(a_file_system_without_wal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
