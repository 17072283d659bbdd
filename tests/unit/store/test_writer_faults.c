/*
 * What happens when the disk fails: a chosen write or sync, once or until the cause is gone.
 */
#include "faulty_disk.h"
#include "gate.h"
#include "scratch.h"

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, pos BIGINT NOT NULL UNIQUE,"
                                  " filling TEXT NOT NULL)");
static const struct sql insert_row = SQL("INSERT INTO rows (n, pos, filling) VALUES ($1, $2, $3)");
static const struct sql select_row = SQL("SELECT pos FROM rows WHERE n = $1");
static const struct sql count_rows = SQL("SELECT count(*) FROM rows");

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
    static const enum disk_fault faults[] = {WRITE_FULL, WRITE_FAILS, SYNC_FAILS};
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t n = 1, last_pos = 0, stored = 0;
    int failures = 0;
    for (size_t f = 0; f < COUNT_OF(faults); f++)
        for (int countdown = 0; countdown < 30; countdown++) {
            faulty_disk_break(faults[f], countdown, true);
            int ok = write_batch(store, &n, &last_pos);
            faulty_disk_mend();
            failures += ok == 0;
            stored += ok;
            ok = write_batch(store, &n, &last_pos);
            assert_int_equal(ok, BATCH - 1);
            stored += ok;
            assert_int_equal(scratch_int(store, &count_rows), stored);
        }
    assert_true(failures > 10);
    store_close(&store);

    store = scratch_open_path(path); /* and so it is on disk */
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
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    int64_t n = 1, last_pos = 0;
    assert_int_equal(write_batch(store, &n, &last_pos), BATCH - 1);
    for (int round = 0; round < 3; round++) {
        int64_t stable = store_stable_pos(store);
        faulty_disk_break(round == 1 ? SYNC_FAILS : WRITE_FULL, 0, false);
        for (int i = 0; i < 5; i++)
            assert_int_equal(write_batch(store, &n, &last_pos), 0);
        assert_int_equal(store_stable_pos(store), stable);
        faulty_disk_mend();
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
    struct store *store = scratch_open_path(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    struct row r = {.n = 1};
    r.job = (struct store_job){.run = insert, .arg = &r, .epoch = store_epoch(store)};
    faulty_disk_break(SYNC_FAILS, 0, false);
    store_submit(store, &r.job);
    assert_int_equal(store_wait(store, &r.job), STORE_FAILED);
    faulty_disk_mend();
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
    struct store *store = scratch_open_path(path);
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
            faulty_disk_break(WRITE_FULL, 10, false);
        assert_int_equal(gate_open(&gate), round == 0 ? STORE_FAILED : STORE_OK);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            assert_int_equal(store_wait(store, &rows[i].job), round == 0 ? STORE_FAILED : STORE_OK);
        assert_int_equal(rows[1].abort, round == 0);
        faulty_disk_mend();
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
    return cmocka_run_group_tests(tests, faulty_disk_install, NULL);
}
