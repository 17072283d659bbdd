#include "store/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Jobs in one commit at most: bounds how long the first of them waits. */
static const int batch_max = 512;
/* Positions reserved at a time: one write to meta for so many, and so many at most lost at a restart. */
static const int64_t pos_block = 10000;
/* How long the writer waits for work before it gives back memory. */
static const int64_t idle_ms = 60000;
/* How long it may take until it is found out what other processes have written, while this one writes nothing. */
static const int64_t look_ms = 1000;

/* What store_job.state holds. */
enum { JOB_QUEUED = 0, JOB_DONE = 1, JOB_AWAITED = 2 };

struct writer {
    struct store *store;
    struct store_tx *tx;
    struct thread thread;

    struct mutex lock; /* guards the queue and who is at it */
    struct cond wake;
    struct store_job *first, *last;
    bool busy; /* somebody runs a batch: the thread, or one who waits for a job */
    pthread_t runner;
    bool stop;

    int64_t stable_pos; /* atomic */
    uint64_t others;    /* atomic; moved by the runner alone */
    uint64_t epoch;     /* atomic; moved by the runner alone */

    /* the runner's own */
    struct store_job *todo; /* taken from the queue, not yet run */
    int64_t last_pos;       /* handed out last */
    int64_t reserved;       /* as the database has it */
};

static const struct sql select_reserved = SQL("SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'pos_reserved'");
static const struct sql update_reserved = SQL("INSERT INTO meta (name, value) VALUES ('pos_reserved', $1)"
                                              " ON CONFLICT (name) DO UPDATE SET value = excluded.value");

static void run_and_commit(struct writer *w);

/* --- those who wait --- */

static void job_done(struct store_job *job)
{
    /* Once the state is JOB_DONE the job may be gone: only its address is used after that, as a name. */
    if (__atomic_exchange_n(&job->state, JOB_DONE, __ATOMIC_ACQ_REL) == JOB_AWAITED)
        (void)syscall(SYS_futex, &job->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool is_done(const struct store_job *job)
{
    return __atomic_load_n(&job->state, __ATOMIC_ACQUIRE) == JOB_DONE;
}

static void sleep_until_done(struct store_job *job)
{
    int state = JOB_QUEUED;
    if (__atomic_compare_exchange_n(&job->state, &state, JOB_AWAITED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        state = JOB_AWAITED;
    while (state != JOB_DONE) {
        (void)syscall(SYS_futex, &job->state, FUTEX_WAIT_PRIVATE, JOB_AWAITED, NULL, NULL, 0);
        state = __atomic_load_n(&job->state, __ATOMIC_ACQUIRE);
    }
}

/* Takes the place at the database if it is free. */
static bool become_runner(struct writer *w)
{
    mutex_lock(&w->lock);
    assert(!(w->busy && pthread_equal(w->runner, pthread_self())));
    bool mine = !w->busy && !w->stop;
    if (mine) {
        w->busy = true;
        w->runner = pthread_self();
    }
    mutex_unlock(&w->lock);
    return mine;
}

/* Leaves it; what has queued meanwhile is the thread's. */
static void cease_to_run(struct writer *w)
{
    mutex_lock(&w->lock);
    w->busy = false;
    bool more = w->first || w->todo || w->stop;
    mutex_unlock(&w->lock);
    if (more)
        cond_signal(&w->wake);
}

/* Who waits while nobody is at the database runs the batch there and then: the way over another thread and back costs
 * more than a small batch does. */
enum store_result store_wait(struct store *store, struct store_job *job)
{
    struct writer *w = store->writer;
    if (!is_done(job) && become_runner(w)) {
        if (!is_done(job))
            run_and_commit(w);
        cease_to_run(w);
    }
    sleep_until_done(job);
    return job->result;
}

void store_submit(struct store *store, struct store_job *job)
{
    struct writer *w = store->writer;
    job->next = NULL;
    job->state = JOB_QUEUED;
    job->request = log_request();
    mutex_lock(&w->lock);
    assert(!w->stop);
    *(w->first ? &w->last->next : &w->first) = job;
    w->last = job;
    mutex_unlock(&w->lock);
}

enum store_result store_write(struct store *store, bool (*run)(struct store_tx *, void *), void *arg)
{
    struct store_job job = {.run = run, .arg = arg};
    store_submit(store, &job);
    return store_wait(store, &job);
}

uint64_t store_epoch(const struct store *store)
{
    return __atomic_load_n(&store->writer->epoch, __ATOMIC_ACQUIRE);
}

int64_t store_stable_pos(const struct store *store)
{
    return __atomic_load_n(&store->writer->stable_pos, __ATOMIC_ACQUIRE);
}

uint64_t store_others(const struct store *store)
{
    return __atomic_load_n(&store->writer->others, __ATOMIC_ACQUIRE);
}

/* Where others write too, only the database knows the last one. */
int64_t store_next_pos(struct store_tx *tx)
{
    assert(tx->writing);
    if (tx->driver->shared && !tx_begin(tx))
        return ++tx->store->writer->last_pos; /* of a job that has failed */
    return ++tx->store->writer->last_pos;
}

/* --- a batch --- */

/* All that has queued, or NULL. */
static struct store_job *take(struct writer *w)
{
    mutex_lock(&w->lock);
    struct store_job *jobs = w->first;
    w->first = w->last = NULL;
    mutex_unlock(&w->lock);
    return jobs;
}

static void new_epoch(struct writer *w)
{
    __atomic_add_fetch(&w->epoch, 1, __ATOMIC_ACQ_REL);
}

void writer_look(struct writer *w)
{
    int64_t found = sql_int_of0(w->tx, &select_reserved, w->reserved);
    if (found == w->reserved)
        return;
    w->reserved = found;
    if (found > w->last_pos)
        w->last_pos = found;
    __atomic_add_fetch(&w->others, 1, __ATOMIC_ACQ_REL);
}

bool store_stale(struct store_tx *tx)
{
    tx->stale = true;
    return false;
}

/* Whether no other job waits for its turn. */
static bool none_waits(struct writer *w)
{
    if (!w->todo)
        w->todo = take(w);
    return !w->todo;
}

/* False if what the batch did before this job is lost with it. *last_out: the batch ends here. */
static bool run_job(struct writer *w, struct store_job *job, bool *last_out)
{
    struct store_tx *tx = w->tx;
    if (job->epoch && job->epoch != w->epoch) {
        job->result = STORE_STALE;
        *last_out = none_waits(w);
        return true;
    }
    bool alone = !tx->begun;
    tx_job_begin(tx);
    tx->stale = false;
    uint64_t own = log_request();
    log_set_request(job->request);
    bool ok = job->run(tx, job->arg);
    log_set_request(own);
    *last_out = none_waits(w);
    if (ok && !(alone && *last_out)) /* else whatever has failed fails the commit, and with it this job alone */
        tx_flush(tx);
    bool failed = tx->failed;
    bool whole = tx_job_end(tx, ok && !failed);
    if (tx->arena)
        arena_reset(tx->arena);
    job->result = failed ? STORE_FAILED : ok ? STORE_OK : tx->stale ? STORE_STALE : STORE_ABORTED;
    if (failed && whole)
        new_epoch(w);
    return whole;
}

/* Runs jobs, also those that queue meanwhile, and chains them in *batch_out. */
static bool run_batch(struct writer *w, struct store_job **batch_out)
{
    struct store_job **end = batch_out;
    bool whole = true, last = none_waits(w);
    for (int n = 0; whole && !last && n < batch_max; n++) {
        struct store_job *job = w->todo;
        w->todo = job->next;
        job->next = NULL;
        *end = job;
        end = &job->next;
        whole = run_job(w, job, &last);
    }
    return whole;
}

static bool commit(struct writer *w)
{
    struct store_tx *tx = w->tx;
    bool shared = tx->driver->shared;
    if (shared && tx->begun && w->last_pos == w->reserved && !w->store->only_read)
        w->last_pos++; /* by this the other processes see that somebody has written */
    if (shared && w->last_pos > w->reserved && !tx_begin(tx)) { /* which may move both */
        tx_rollback(tx);
        return false;
    }
    int64_t reserve = w->last_pos > w->reserved ? w->last_pos + (shared ? 0 : pos_block) : w->reserved;
    if (reserve != w->reserved) {
        char text[24];
        int n = snprintf(text, sizeof text, "%" PRId64, reserve);
        sql_push(tx, &update_reserved, SQL_TEXT(((struct str){text, (size_t)n})));
    }
    if (!tx_commit(tx))
        return false;
    w->reserved = reserve;
    return true;
}

/* Whoever runs the batch does it for many requests: what a callback logs belongs to its own. */
static void publish(struct writer *w, struct store_job *batch)
{
    uint64_t own = log_request();
    for (struct store_job *job = batch; job; job = job->next) {
        log_set_request(job->request);
        if (job->result == STORE_OK && job->committed)
            job->committed(job->arg);
    }
    __atomic_store_n(&w->stable_pos, w->last_pos, __ATOMIC_RELEASE);
    for (struct store_job *job = batch; job; job = job->next) {
        log_set_request(job->request);
        if (job->result == STORE_OK && job->published)
            job->published(job->arg);
    }
    log_set_request(own);
}

/* What an aborted job saw of the batch is gone too, so its refusal is worth nothing either. */
static void fail_batch(struct writer *w, struct store_job *batch)
{
    new_epoch(w);
    for (struct store_job *job = batch; job; job = job->next)
        if (job->result != STORE_STALE)
            job->result = STORE_FAILED;
}

static void run_and_commit(struct writer *w)
{
    struct store_job *batch = NULL;
    bool whole = run_batch(w, &batch);
    if (!batch)
        return;
    if (whole && commit(w))
        publish(w, batch);
    else
        fail_batch(w, batch);
    while (batch) {
        struct store_job *job = batch;
        batch = job->next;
        job_done(job);
    }
    w->store->driver->settle(w->tx->conn);
}

/* --- the thread --- */

/* While nobody else is at the database: what others have written becomes stable here too. */
static void look_around(struct writer *w)
{
    if (tx_begin(w->tx) && tx_commit(w->tx))
        __atomic_store_n(&w->stable_pos, w->reserved, __ATOMIC_RELEASE);
    else
        tx_rollback(w->tx);
}

static void rest(struct writer *w, int64_t idle_since_ms)
{
    if (w->tx->driver->shared)
        look_around(w);
    if (w->tx->driver->shared && clock_mono_ms() < idle_since_ms + idle_ms)
        return;
    w->store->driver->shrink(w->tx->conn);
    store_trim(w->store);
}

/* Waits until there is work and nobody at it; false: stop. */
static bool wait_for_work(struct writer *w)
{
    int64_t wait_ms = w->tx->driver->shared ? look_ms : idle_ms, since_ms = clock_mono_ms();
    mutex_lock(&w->lock);
    while (w->busy || (!w->first && !w->todo && !w->stop)) {
        bool was_busy = w->busy;
        if (cond_wait_until(&w->wake, &w->lock, clock_mono_ms() + wait_ms) || was_busy || w->busy)
            continue;
        w->busy = true;
        w->runner = pthread_self();
        mutex_unlock(&w->lock);
        rest(w, since_ms);
        mutex_lock(&w->lock);
        w->busy = false;
    }
    bool work = w->first || w->todo;
    w->busy = work;
    w->runner = pthread_self();
    mutex_unlock(&w->lock);
    return work;
}

static void writer_thread(void *arg)
{
    struct writer *w = arg;
    while (wait_for_work(w)) {
        run_and_commit(w);
        mutex_lock(&w->lock);
        w->busy = false;
        mutex_unlock(&w->lock);
    }
}

struct writer *writer_start(struct store *store, struct store_tx *tx, struct store_error *error)
{
    /* From 1 on, so that 0 can stand for "before everything" even on a database in which nothing has happened. */
    int64_t reserved = sql_int_of0(tx, &select_reserved, 1);
    if (!tx_commit(tx)) {
        tx_say(tx, "cannot read the database", error);
        return NULL;
    }
    struct writer *w = memory_calloc(1, sizeof *w);
    *w = (struct writer){.store = store, .tx = tx, .stable_pos = reserved, .last_pos = reserved, .reserved = reserved};
    w->epoch = 1;
    tx->writer = w;
    mutex_init(&w->lock);
    cond_init(&w->wake);
    if (thread_start(&w->thread, "db-writer", (size_t)512 << 10, writer_thread, w))
        return w;
    snprintf(error->text, sizeof error->text, "cannot start the thread that writes to the database");
    tx->writer = NULL;
    cond_fini(&w->wake);
    mutex_fini(&w->lock);
    free(w);
    return NULL;
}

void writer_go_on_behind(struct writer *w, int64_t pos)
{
    if (w->last_pos < pos)
        w->last_pos = pos;
}

const struct store_tx *writer_tx(const struct writer *w)
{
    return w->tx;
}

struct store_tx *writer_stop(struct writer **writer)
{
    struct writer *w = *writer;
    if (!w)
        return NULL;
    mutex_lock(&w->lock);
    w->stop = true;
    mutex_unlock(&w->lock);
    cond_signal(&w->wake);
    thread_join(&w->thread);
    struct store_tx *tx = w->tx;
    tx->writer = NULL;
    cond_fini(&w->wake);
    mutex_fini(&w->lock);
    free(w);
    *writer = NULL;
    return tx;
}
