#include "base/log.h"
#include "store/writer.h"

#include "gate.h"
#include "scratch.h"

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, pos BIGINT NOT NULL UNIQUE)");
static const struct sql insert_row = SQL("INSERT INTO rows (n, pos) VALUES ($1, $2)");
static const struct sql count_rows = SQL("SELECT count(*) FROM rows");
static const struct sql sum_rows = SQL("SELECT coalesce(sum(n), 0) FROM rows");
static const struct sql newest_pos = SQL("SELECT coalesce(max(pos), 0) FROM rows");
static const struct sql broken = SQL("INSERT INTO rows (n) VALUES (NULL)");

enum what { WRITES, ABORTS, FAILS, TAKES_POSITION_ONLY, ABORTS_BEFORE_WRITING };

/* One job and what became of it. */
struct step {
    const char *name;
    enum what what;
    bool builds_on_memory; /* carries the epoch at which the batch was submitted */
    enum store_result want;
    struct store *store;
    int64_t n, pos, stable_at_commit, stable_at_publish;
    int *clock, committed_at, published_at; /* by a clock that counts callbacks */
    uint64_t request;                       /* who submitted it */
    bool other_request;                     /* it ran, or a callback, with another in the log */
    struct store_job job;
};

static void note_request(struct step *s)
{
    s->other_request = s->other_request || (s->request && log_request() != s->request);
}

static bool run_step(struct store_tx *tx, void *arg)
{
    struct step *s = arg;
    note_request(s);
    if (s->what == ABORTS_BEFORE_WRITING)
        return false;
    s->pos = store_next_pos(tx);
    if (s->what != TAKES_POSITION_ONLY)
        sql_exec(tx, &insert_row, SQL_INT(s->n), SQL_INT(s->pos));
    if (s->what == FAILS)
        sql_exec0(tx, &broken);
    return s->what != ABORTS;
}

static void note_commit(void *arg)
{
    struct step *s = arg;
    note_request(s);
    s->committed_at = ++*s->clock;
    s->stable_at_commit = store_stable_pos(s->store);
}

static void note_publish(void *arg)
{
    struct step *s = arg;
    note_request(s);
    s->published_at = ++*s->clock;
    s->stable_at_publish = store_stable_pos(s->store);
}

static void run_batch(struct store *store, struct step *steps, size_t count, int *clock)
{
    struct gate gate;
    gate_close(&gate, store);
    uint64_t epoch = store_epoch(store);
    for (size_t i = 0; i < count; i++) {
        struct step *s = &steps[i];
        s->store = store;
        s->clock = clock;
        s->n = (int64_t)1 << i;
        s->job = (struct store_job){.run = run_step,
                                    .committed = note_commit,
                                    .published = note_publish,
                                    .arg = s,
                                    .epoch = s->builds_on_memory ? epoch : 0};
        s->request = 100 + i;
        log_set_request(s->request);
        store_submit(store, &s->job);
    }
    log_set_request(7);
    assert_int_equal(gate_open(&gate), STORE_OK);
}

static void check_callbacks(const struct step *s, int *committed, int *published)
{
    if (s->want != STORE_OK) {
        check_case(!s->committed_at && !s->published_at, s->name);
        return;
    }
    check_case(s->committed_at > *committed && s->published_at > *published, s->name);
    *committed = s->committed_at;
    *published = s->published_at;
    check_case(s->stable_at_commit < s->pos && s->stable_at_publish >= s->pos, s->name);
}

static void outcomes(void **state)
{
    (void)state;
    struct step steps[] = {
        {.name = "first aborts", .what = ABORTS, .want = STORE_ABORTED},
        {.name = "writes", .what = WRITES, .builds_on_memory = true, .want = STORE_OK},
        {.name = "position only", .what = TAKES_POSITION_ONLY, .want = STORE_OK},
        {.name = "aborts between", .what = ABORTS, .want = STORE_ABORTED},
        {.name = "abort moves no epoch", .what = WRITES, .builds_on_memory = true, .want = STORE_OK},
        {.name = "aborts at once", .what = ABORTS_BEFORE_WRITING, .want = STORE_ABORTED},
        {.name = "fails alone", .what = FAILS, .want = STORE_FAILED},
        {.name = "was built on what failed", .what = WRITES, .builds_on_memory = true, .want = STORE_STALE},
        {.name = "builds on nothing", .what = WRITES, .want = STORE_OK},
        {.name = "last fails", .what = FAILS, .want = STORE_FAILED},
    };
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    uint64_t epoch = store_epoch(store);
    int64_t before = store_stable_pos(store);
    int clock = 0;
    run_batch(store, steps, COUNT_OF(steps), &clock);

    int committed = 0, published = 0;
    int64_t sum = 0, newest = before;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct step *s = &steps[i];
        enum store_result got = store_wait(store, &s->job);
        check_case(got == s->want, s->name);
        check_case(!s->other_request && log_request() == 7, s->name);
        check_callbacks(s, &committed, &published);
        if (s->want == STORE_OK && s->what == WRITES)
            sum += s->n;
        check_case(!s->pos || s->pos > newest, s->name); /* a position never comes twice */
        newest = s->pos ? s->pos : newest;
    }
    assert_int_equal(scratch_int(store, &sum_rows), sum);
    assert_int_equal(store_stable_pos(store), newest);
    assert_int_equal(store_epoch(store), epoch + 2);
    log_set_request(0);
    store_close(&store);
}

/* A failure alone, without savepoint, must leave no trace either. */
static void outcomes_alone(void **state)
{
    (void)state;
    static const enum what all[] = {ABORTS, FAILS, WRITES, ABORTS_BEFORE_WRITING, FAILS, TAKES_POSITION_ONLY};
    static const enum store_result want[] = {STORE_ABORTED, STORE_FAILED, STORE_OK,
                                             STORE_ABORTED, STORE_FAILED, STORE_OK};
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct step s = {.what = all[i], .n = (int64_t)i};
        assert_int_equal(store_write(store, run_step, &s), want[i]);
        assert_int_equal(scratch_int(store, &count_rows), i >= 2);
    }
    store_close(&store);
}

static int64_t take_position(struct store *store)
{
    struct step s = {.what = TAKES_POSITION_ONLY};
    assert_int_equal(store_write(store, run_step, &s), STORE_OK);
    assert_true(store_stable_pos(store) >= s.pos);
    return s.pos;
}

static void positions_survive_restarts(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    int64_t last = 0;
    for (int round = 0; round < 4; round++) {
        struct store *store = scratch_open_at(path);
        assert_true(store_stable_pos(store) >= last);
        for (int i = 0; i < (round == 1 ? 25000 : 1); i++) { /* more than are reserved at a time */
            int64_t pos = take_position(store);
            assert_true(pos > last);
            last = pos;
        }
        store_close(&store);
    }
    free(path);
    scratch_remove(folder);
}

static void closing_runs_what_is_queued(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    struct step steps[1000];
    memset(steps, 0, sizeof steps);
    for (size_t i = 0; i < COUNT_OF(steps); i++) { /* more than a batch holds */
        steps[i].n = (int64_t)i;
        steps[i].job = (struct store_job){.run = run_step, .arg = &steps[i]};
        store_submit(store, &steps[i].job);
    }
    store_close(&store);
    store = scratch_open_at(path);
    assert_int_equal(scratch_int(store, &count_rows), COUNT_OF(steps));
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

enum { THREADS = 16, JOBS = 500 };

struct worker {
    struct thread thread;
    struct store *store;
    int number;
    int64_t ok, sum;
    bool in_order;
};

/* Writes, aborts and fails in turn, and reads its own writes as soon as they are acknowledged. */
static void work(void *arg)
{
    struct worker *w = arg;
    int64_t last = 0;
    w->in_order = true;
    for (int i = 0; i < JOBS; i++) {
        struct step s = {.what = i % 50 == 49 ? FAILS : i % 10 == 9 ? ABORTS : WRITES, .n = w->number * JOBS + i};
        enum store_result result = store_write(w->store, run_step, &s);
        w->in_order = w->in_order && s.pos > last;
        last = s.pos;
        if (result != STORE_OK)
            continue;
        w->ok++;
        w->sum += s.n;
        int64_t stable = store_stable_pos(w->store);
        w->in_order = w->in_order && stable >= s.pos;
        if (i % 16 == 0)
            w->in_order = w->in_order && scratch_int(w->store, &newest_pos) >= s.pos;
    }
}

static void many_threads(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    struct worker workers[THREADS];
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < THREADS; i++) {
        workers[i].store = store;
        workers[i].number = i;
        assert_true(thread_start(&workers[i].thread, "worker", 0, work, &workers[i]));
    }
    int64_t ok = 0, sum = 0;
    for (int i = 0; i < THREADS; i++) {
        thread_join(&workers[i].thread);
        assert_true(workers[i].in_order);
        assert_int_equal(workers[i].ok, JOBS - JOBS / 10);
        ok += workers[i].ok;
        sum += workers[i].sum;
    }
    assert_int_equal(scratch_int(store, &count_rows), ok);
    assert_int_equal(scratch_int(store, &sum_rows), sum);
    store_close(&store);
}

static bool waits_for_itself(struct store_tx *tx, void *store)
{
    struct step s = {.what = WRITES};
    (void)tx;
    return store_write(store, run_step, &s) == STORE_OK;
}

static void wait_in_job(void *path)
{
    struct store *store = scratch_open_at(path);
    (void)!store_write(store, waits_for_itself, store);
}

static void waiting_in_a_job_is_a_bug(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    assert_true(check_aborts(wait_in_job, path));
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes),
        cmocka_unit_test(outcomes_alone),
        cmocka_unit_test(positions_survive_restarts),
        cmocka_unit_test(closing_runs_what_is_queued),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(waiting_in_a_job_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
