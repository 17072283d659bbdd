/*
 * What happens when the disk fails: a layer below SQLite (a VFS) lets a chosen write or sync fail, once or until the
 * cause is gone.
 */
#include <sqlite3.h>

#include "gate.h"
#include "scratch.h"

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, pos BIGINT NOT NULL UNIQUE,"
                                  " filling TEXT NOT NULL)");
static const struct sql insert_row = SQL("INSERT INTO rows (n, pos, filling) VALUES ($1, $2, $3)");
static const struct sql select_row = SQL("SELECT pos FROM rows WHERE n = $1");
static const struct sql count_rows = SQL("SELECT count(*) FROM rows");

/* --- the faulty disk --- */

enum fault { NO_FAULT, WRITE_FULL, WRITE_FAILS, SYNC_FAILS };

static struct {
    enum fault fault; /* atomic */
    int countdown;    /* atomic: operations of that kind that still work */
    bool once;
    sqlite3_vfs vfs;
    sqlite3_vfs *real_vfs;
    int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
    int (*real_sync)(sqlite3_file *, int);
    struct mutex lock; /* guards what follows */
    struct {
        const sqlite3_io_methods *real;
        sqlite3_io_methods faulty;
    } methods[4]; /* a file is locked in one of several ways, and has its functions by that */
} disk;

static bool strikes(enum fault a, enum fault b)
{
    enum fault f = __atomic_load_n(&disk.fault, __ATOMIC_ACQUIRE);
    if (f == NO_FAULT || (f != a && f != b))
        return false;
    int left = __atomic_fetch_sub(&disk.countdown, 1, __ATOMIC_ACQ_REL);
    return disk.once ? left == 0 : left <= 0;
}

static int faulty_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    if (strikes(WRITE_FULL, WRITE_FAILS))
        return disk.fault == WRITE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return disk.real_write(file, p, n, at);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    return strikes(SYNC_FAILS, SYNC_FAILS) ? SQLITE_IOERR_FSYNC : disk.real_sync(file, flags);
}

static void make_faulty(sqlite3_file *file)
{
    size_t i = 0;
    mutex_lock(&disk.lock);
    while (i < COUNT_OF(disk.methods) && disk.methods[i].real && disk.methods[i].real != file->pMethods)
        i++;
    assert_true(i < COUNT_OF(disk.methods));
    if (!disk.methods[i].real) {
        assert_true(!disk.real_write || disk.real_write == file->pMethods->xWrite);
        disk.real_write = file->pMethods->xWrite;
        disk.real_sync = file->pMethods->xSync;
        disk.methods[i].real = file->pMethods;
        disk.methods[i].faulty = *file->pMethods;
        disk.methods[i].faulty.xWrite = faulty_write;
        disk.methods[i].faulty.xSync = faulty_sync;
    }
    file->pMethods = &disk.methods[i].faulty;
    mutex_unlock(&disk.lock);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    (void)vfs;
    int rc = disk.real_vfs->xOpen(disk.real_vfs, name, file, flags, flags_out);
    if (rc == SQLITE_OK)
        make_faulty(file);
    return rc;
}

static int install_disk(void **state)
{
    (void)state;
    mutex_init(&disk.lock);
    disk.real_vfs = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real_vfs;
    disk.vfs.zName = "faulty";
    disk.vfs.pNext = NULL;
    disk.vfs.xOpen = faulty_open;
    return sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK ? 0 : -1;
}

static void break_disk(enum fault fault, int countdown, bool once)
{
    disk.once = once;
    __atomic_store_n(&disk.countdown, countdown, __ATOMIC_RELEASE);
    __atomic_store_n(&disk.fault, fault, __ATOMIC_RELEASE);
}

static void mend_disk(void)
{
    __atomic_store_n(&disk.fault, NO_FAULT, __ATOMIC_RELEASE);
}

/* --- jobs --- */

struct row {
    int64_t n, pos;
    bool abort;
    struct store_job job;
};

static bool insert(struct store_tx *tx, void *arg)
{
    static char filling[3000];
    struct row *r = arg;
    if (!filling[0])
        memset(filling, 'x', sizeof filling);
    r->pos = store_next_pos(tx);
    sql_exec(tx, &insert_row, SQL_INT(r->n), SQL_INT(r->pos), SQL_TEXT(((struct str){filling, sizeof filling})));
    return !r->abort;
}

static bool is_stored(struct store *store, const struct row *r)
{
    struct store_tx *tx = store_read_begin(store);
    int64_t pos = sql_int_of(tx, &select_row, 0, SQL_INT(r->n));
    assert_true(store_read_end(&tx));
    assert_true(pos == 0 || pos == r->pos);
    return pos != 0;
}

enum { BATCH = 8 };

/* One batch of rows; returns how many were acknowledged. What was is there, what was not is not, and no position came
 * before. */
static int write_batch(struct store *store, int64_t *next_n, int64_t *last_pos)
{
    struct row rows[BATCH] = {0};
    struct gate gate;
    uint64_t epoch = store_epoch(store);
    gate_close(&gate, store);
    for (int i = 0; i < BATCH; i++) {
        rows[i].n = (*next_n)++;
        rows[i].abort = i == 3;
        rows[i].job = (struct store_job){.run = insert, .arg = &rows[i]};
        store_submit(store, &rows[i].job);
    }
    enum store_result first = gate_open(&gate);
    int ok = 0, failed = first == STORE_FAILED;
    for (int i = 0; i < BATCH; i++) {
        enum store_result result = store_wait(store, &rows[i].job);
        assert_int_not_equal(result, STORE_STALE);
        assert_true(result != STORE_OK || !rows[i].abort);
        assert_int_equal(is_stored(store, &rows[i]), result == STORE_OK);
        ok += result == STORE_OK;
        failed += result == STORE_FAILED;
        if (!rows[i].pos)
            continue; /* failed before it ran */
        assert_true(rows[i].pos > *last_pos);
        *last_pos = rows[i].pos;
        if (result == STORE_OK)
            assert_true(store_stable_pos(store) >= rows[i].pos);
    }
    assert_true((failed > 0) == (store_epoch(store) > epoch));
    return ok;
}

/* Lets each of the first operations fail in turn, in stores that are synced like real ones. */
static void one_fault(void **state)
{
    (void)state;
    static const enum fault faults[] = {WRITE_FULL, WRITE_FAILS, SYNC_FAILS};
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t n = 1, last_pos = 0, stored = 0;
    int failures = 0;
    for (size_t f = 0; f < COUNT_OF(faults); f++)
        for (int countdown = 0; countdown < 30; countdown++) {
            break_disk(faults[f], countdown, true);
            int ok = write_batch(store, &n, &last_pos);
            mend_disk();
            failures += ok == 0;
            stored += ok;
            ok = write_batch(store, &n, &last_pos);
            assert_int_equal(ok, BATCH - 1);
            stored += ok;
            assert_int_equal(scratch_int(store, &count_rows), stored);
        }
    assert_true(failures > 10);
    store_close(&store);

    store = scratch_open_at(path); /* and so it is on disk */
    assert_int_equal(scratch_int(store, &count_rows), stored);
    assert_int_equal(write_batch(store, &n, &last_pos), BATCH - 1);
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

/* While the disk is full every write fails, reads go on, and writes work again when there is room. */
static void full_for_a_while(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t n = 1, last_pos = 0;
    assert_int_equal(write_batch(store, &n, &last_pos), BATCH - 1);
    for (int round = 0; round < 3; round++) {
        int64_t stable = store_stable_pos(store);
        break_disk(round == 1 ? SYNC_FAILS : WRITE_FULL, 0, false);
        for (int i = 0; i < 5; i++)
            assert_int_equal(write_batch(store, &n, &last_pos), 0);
        assert_int_equal(store_stable_pos(store), stable);
        mend_disk();
        assert_int_equal(write_batch(store, &n, &last_pos), BATCH - 1);
        assert_true(store_stable_pos(store) >= last_pos);
    }
    assert_int_equal(scratch_int(store, &count_rows), 4 * (BATCH - 1));
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

/* What was built in memory on a batch that failed is refused, and accepted once it has been built again. */
static void stale_after_failure(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    struct row r = {.n = 1};
    r.job = (struct store_job){.run = insert, .arg = &r, .epoch = store_epoch(store)};
    break_disk(SYNC_FAILS, 0, false);
    store_submit(store, &r.job);
    assert_int_equal(store_wait(store, &r.job), STORE_FAILED);
    mend_disk();
    store_submit(store, &r.job);
    assert_int_equal(store_wait(store, &r.job), STORE_STALE);
    r.job.epoch = store_epoch(store);
    store_submit(store, &r.job);
    assert_int_equal(store_wait(store, &r.job), STORE_OK);
    assert_true(is_stored(store, &r));
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

static bool insert_many(struct store_tx *tx, void *arg)
{
    struct row *r = arg;
    for (int i = 0; i < 3000 && !store_tx_failed(tx); i++) {
        struct row one = {.n = r->n + i};
        (void)insert(tx, &one);
    }
    r->abort = store_tx_failed(tx);
    return true;
}

/* A job that writes more than memory holds meets the full disk itself; SQLite then drops the whole batch. */
static void full_in_the_middle_of_a_batch(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    struct row rows[] = {{.n = 1}, {.n = 1000}, {.n = 2}};
    for (int round = 0; round < 2; round++) {
        struct gate gate;
        gate_close(&gate, store);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            rows[i].job = (struct store_job){.run = i == 1 ? insert_many : insert, .arg = &rows[i]};
            store_submit(store, &rows[i].job);
        }
        if (round == 0)
            break_disk(WRITE_FULL, 10, false);
        assert_int_equal(gate_open(&gate), round == 0 ? STORE_FAILED : STORE_OK);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(store_wait(store, &rows[i].job), round == 0 ? STORE_FAILED : STORE_OK);
        assert_int_equal(rows[1].abort, round == 0);
        mend_disk();
        assert_int_equal(scratch_int(store, &count_rows), round == 0 ? 0 : 3002);
    }
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fault),
        cmocka_unit_test(full_for_a_while),
        cmocka_unit_test(stale_after_failure),
        cmocka_unit_test(full_in_the_middle_of_a_batch),
    };
    return cmocka_run_group_tests(tests, install_disk, NULL);
}
