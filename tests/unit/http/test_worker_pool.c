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

struct context {
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
    while (atomic_load(&c->hold))
        nap();
    atomic_fetch_sub(&c->running, 1);
    atomic_fetch_add(&((struct job *)w)->ran, 1);
}

static void discard(struct work *w)
{
    atomic_fetch_add(&((struct job *)w)->discarded, 1);
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
        assert_true(worker_pool_push(&p, &jobs[i].work, true));
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
    assert_true(worker_pool_push(&p, &jobs[0].work, true));
    while (atomic_load(&c.running) == 0)
        nap();
    assert_true(worker_pool_push(&p, &jobs[1].work, true));
    assert_true(worker_pool_push(&p, &jobs[2].work, true));
    assert_false(worker_pool_push(&p, &jobs[3].work, true));
    /* What was accepted once is not refused again. */
    assert_true(worker_pool_push(&p, &jobs[4].work, false));
    unsigned queued, threads;
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(queued, 3);
    assert_int_equal(threads, 1);
    mutex_lock(&p.lock);
    p.stopping = true; /* so that it takes nothing more when it is let go */
    mutex_unlock(&p.lock);
    atomic_store(&c.hold, false);
    worker_pool_stop(&p, discard);
    assert_false(worker_pool_push(&p, &jobs[5].work, false));
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
        assert_true(worker_pool_push(&p, &jobs[i].work, true));
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
    bool accepted = worker_pool_push(&p, &job.work, true);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_false(accepted);
    unsigned queued, threads;
    worker_pool_counts(&p, &queued, &threads);
    assert_int_equal(queued + threads, 0);
    assert_true(worker_pool_push(&p, &job.work, true));
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
