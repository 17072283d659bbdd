#include "base/sanitizer.h"
#include "http/worker_pool.h"

#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "../check.h"

struct job {
    struct work work;
    atomic_int ran;
    atomic_int discarded;
};

enum { LOG_MAX = 100 };

struct context {
    bool logs;
    struct job *log[LOG_MAX]; /* in the order in which they began; with one thread */
    unsigned logged;
    atomic_int running;
    atomic_int most;
    atomic_bool hold;
    atomic_size_t arena_seen; /* what an arena held when a job began */
};

static void nap(void)
{
    const struct timespec t = {.tv_nsec = 1000000};
    nanosleep(&t, NULL);
}

static void run(void *ctx, struct work *w, struct arena *a)
{
    struct context *c = ctx;
    atomic_fetch_add(&c->arena_seen, arena_used(a));
    arena_alloc(a, 100);
    int now = atomic_fetch_add(&c->running, 1) + 1;
    for (int most = atomic_load(&c->most); most < now && !atomic_compare_exchange_weak(&c->most, &most, now);)
        ;
    if (c->logs && c->logged < LOG_MAX)
        c->log[c->logged++] = (struct job *)w;
    while (atomic_load(&c->hold))
        nap();
    atomic_fetch_sub(&c->running, 1);
    atomic_fetch_add(&((struct job *)w)->ran, 1);
}

static void discard(struct work *w)
{
    atomic_fetch_add(&((struct job *)w)->discarded, 1);
}

static bool push(struct worker_pool *p, struct job *job, uint64_t key)
{
    return worker_pool_push(p, &job->work, key, true) == WORKER_POOL_TAKEN;
}

static void wait_until_run(struct job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        while (atomic_load(&jobs[i].ran) == 0)
            nap();
}

static void runs_everything_once(void **state)
{
    enum { COUNT = 500 };
    struct job *jobs = calloc(COUNT, sizeof *jobs);
    struct context c = {0};
    struct worker_pool p;
    (void)state;
    assert_non_null(jobs);
    assert_true(worker_pool_start(&p, "test", 3, 3, COUNT, run, &c));
    for (size_t i = 0; i < COUNT; i++)
        assert_true(push(&p, &jobs[i], 0));
    for (size_t i = 0; i < COUNT; i++) {
        while (atomic_load(&jobs[i].ran) == 0)
            nap();
    }
    worker_pool_stop(&p, discard);
    worker_pool_fini(&p);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(atomic_load(&jobs[i].ran) + 10 * atomic_load(&jobs[i].discarded), 1);
    assert_true(atomic_load(&c.arena_seen) == 0);
    free(jobs);
}

static void bounds_its_queue_and_discards_at_the_end(void **state)
{
    struct job jobs[6] = {0};
    struct context c = {.hold = true};
    struct worker_pool p;
    (void)state;
    assert_true(worker_pool_start(&p, "test", 1, 1, 2, run, &c));
    assert_true(push(&p, &jobs[0], 0));
    while (atomic_load(&c.running) == 0)
        nap();
    assert_true(push(&p, &jobs[1], 0));
    assert_true(push(&p, &jobs[2], 0));
    assert_false(push(&p, &jobs[3], 0));
    /* What was accepted once is not refused again. */
    assert_true(worker_pool_push(&p, &jobs[4].work, 0, false) == WORKER_POOL_TAKEN);
    unsigned queued, threads;
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(queued, 3);
    assert_int_equal(threads, 1);
    mutex_lock(&p.lock);
    p.stopping = true; /* so that it takes nothing more when it is let go */
    mutex_unlock(&p.lock);
    atomic_store(&c.hold, false);
    worker_pool_stop(&p, discard);
    assert_false(worker_pool_push(&p, &jobs[5].work, 0, false) == WORKER_POOL_TAKEN);
    worker_pool_fini(&p);
    assert_int_equal(atomic_load(&jobs[0].ran), 1);
    assert_int_equal(atomic_load(&jobs[1].discarded) + atomic_load(&jobs[2].discarded), 2);
    assert_int_equal(atomic_load(&jobs[4].discarded), 1);
    assert_int_equal(atomic_load(&jobs[3].discarded) + atomic_load(&jobs[5].discarded), 0);
}

static void grows_as_it_is_needed(void **state)
{
    struct job jobs[8] = {0};
    struct context c = {.hold = true};
    struct worker_pool p;
    unsigned queued, threads;
    (void)state;
    assert_true(worker_pool_start(&p, "test", 0, 4, 100, run, &c));
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(threads, 0);
    for (size_t i = 0; i < 8; i++)
        assert_true(push(&p, &jobs[i], 0));
    while (atomic_load(&c.running) < 4)
        nap();
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(threads, 4);
    assert_int_equal(queued, 4);
    atomic_store(&c.hold, false);
    for (size_t i = 0; i < 8; i++) {
        while (atomic_load(&jobs[i].ran) == 0)
            nap();
    }
    assert_int_equal(atomic_load(&c.most), 4);
    worker_pool_stop(&p, discard);
    worker_pool_fini(&p);
}

/* One key has pushed ten things before the others push theirs: they come after one of each. */
static void keys_take_turns(void **state)
{
    static const unsigned order[] = {0, 11, 13, 1, 12, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct job jobs[14] = {0};
    struct context c = {.hold = true, .logs = true};
    struct worker_pool p;
    (void)state;
    assert_true(worker_pool_start(&p, "test", 1, 1, 100, run, &c));
    assert_true(push(&p, &jobs[0], 1));
    while (atomic_load(&c.running) == 0)
        nap();
    for (size_t i = 1; i <= 10; i++)
        assert_true(push(&p, &jobs[i], 1));
    assert_true(push(&p, &jobs[11], 2));
    assert_true(push(&p, &jobs[12], 2));
    assert_true(push(&p, &jobs[13], 0));
    atomic_store(&c.hold, false);
    wait_until_run(jobs, 14);
    worker_pool_stop(&p, discard);
    worker_pool_fini(&p);
    for (size_t i = 0; i < 14; i++)
        assert_ptr_equal(c.log[i], &jobs[order[i]]);
}

/* What waits of one key leaves the other threads to the others, and starts none. */
static void one_key_has_a_share_of_the_threads(void **state)
{
    struct job jobs[20] = {0};
    struct context c = {.hold = true};
    struct worker_pool p;
    unsigned queued, threads;
    (void)state;
    assert_true(worker_pool_start(&p, "test", 0, 12, 100, run, &c));
    for (size_t i = 0; i < 16; i++)
        assert_true(push(&p, &jobs[i], 7));
    while (atomic_load(&c.running) < 3)
        nap();
    nap();
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(atomic_load(&c.running), 3);
    assert_int_equal(threads, 3);
    assert_int_equal(queued, 13);
    for (size_t i = 16; i < 18; i++)
        assert_true(push(&p, &jobs[i], i));
    assert_true(push(&p, &jobs[18], 0));
    while (atomic_load(&c.running) < 6)
        nap();
    atomic_store(&c.hold, false);
    wait_until_run(jobs, 19);
    worker_pool_stop(&p, discard);
    assert_int_equal(p.queues.count, 0);
    worker_pool_fini(&p);
}

static void bounds_what_one_key_queues(void **state)
{
    enum { QUEUE = 256, KEY = QUEUE / WORKER_POOL_QUEUE_SHARE };
    struct job jobs[KEY + 6] = {0};
    struct context c = {.hold = true};
    struct worker_pool p;
    (void)state;
    assert_true(worker_pool_start(&p, "test", 2, 2, QUEUE, run, &c));
    for (size_t i = 0; i < 2; i++)
        assert_true(push(&p, &jobs[i], 7));
    while (atomic_load(&c.running) < 2)
        nap();
    for (size_t i = 2; i < KEY + 2; i++)
        assert_true(push(&p, &jobs[i], 7));
    assert_int_equal(worker_pool_push(&p, &jobs[KEY + 5].work, 7, true), WORKER_POOL_KEY_FULL);
    assert_int_equal(worker_pool_push(&p, &jobs[KEY + 2].work, 7, false), WORKER_POOL_TAKEN);
    assert_true(push(&p, &jobs[KEY + 3], 8));
    assert_true(push(&p, &jobs[KEY + 4], 0));
    atomic_store(&c.hold, false);
    wait_until_run(jobs, KEY + 5);
    worker_pool_stop(&p, discard);
    worker_pool_fini(&p);
    assert_int_equal(atomic_load(&jobs[KEY + 5].ran), 0);
}

/* Comes first: glibc keeps the stacks of threads that have ended, and would need no memory for another. */
static void refuses_what_no_thread_will_run(void **state)
{
    struct job job = {0};
    struct context c = {0};
    struct worker_pool p;
    struct rlimit old, none;
    (void)state;
    if (SANITIZER_ADDRESS || SANITIZER_THREAD)
        skip(); /* a sanitizer can not live without memory */
    assert_true(worker_pool_start(&p, "test", 0, 2, 10, run, &c));
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    none = old;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    bool accepted = push(&p, &job, 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_false(accepted);
    unsigned queued, threads;
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(queued + threads, 0);
    assert_true(push(&p, &job, 0));
    while (atomic_load(&job.ran) == 0)
        nap();
    worker_pool_stop(&p, discard);
    worker_pool_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_no_thread_will_run),
        cmocka_unit_test(runs_everything_once),
        cmocka_unit_test(bounds_its_queue_and_discards_at_the_end),
        cmocka_unit_test(grows_as_it_is_needed),
        cmocka_unit_test(keys_take_turns),
        cmocka_unit_test(one_key_has_a_share_of_the_threads),
        cmocka_unit_test(bounds_what_one_key_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
