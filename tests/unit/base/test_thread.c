#include "base/clock.h"
#include "base/thread.h"

#include <signal.h>
#include <string.h>

#include "check.h"

struct shared {
    struct mutex lock;
    struct cond changed;
    int64_t n;
    int turn;
};

static void shared_init(struct shared *s)
{
    *s = (struct shared){.n = 0};
    mutex_init(&s->lock);
    cond_init(&s->changed);
}

static void shared_fini(struct shared *s)
{
    cond_fini(&s->changed);
    mutex_fini(&s->lock);
}

static void count(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 20000; i++) {
        mutex_lock(&s->lock);
        mutex_assert_held(&s->lock);
        s->n++;
        mutex_unlock(&s->lock);
    }
}

static void test_mutex_excludes(void **state)
{
    (void)state;
    struct shared s;
    struct thread threads[4];
    shared_init(&s);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_true(thread_start(&threads[i], "count", 0, count, &s));
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        thread_join(&threads[i]);
    assert_int_equal(s.n, 80000);
    shared_fini(&s);
}

static void answer(void *arg)
{
    struct shared *s = arg;
    mutex_lock(&s->lock);
    for (int i = 0; i < 1000; i++) {
        while (s->turn != 1)
            cond_wait(&s->changed, &s->lock);
        mutex_assert_held(&s->lock);
        s->turn = 0;
        s->n++;
        cond_signal(&s->changed);
    }
    mutex_unlock(&s->lock);
}

static void test_cond_hands_over(void **state)
{
    (void)state;
    struct shared s;
    struct thread t;
    shared_init(&s);
    assert_true(thread_start(&t, "answer", 0, answer, &s));
    mutex_lock(&s.lock);
    for (int i = 0; i < 1000; i++) {
        s.turn = 1;
        cond_broadcast(&s.changed);
        while (s.turn != 0)
            assert_true(cond_wait_until(&s.changed, &s.lock, clock_mono_ms() + 60000));
    }
    mutex_unlock(&s.lock);
    thread_join(&t);
    assert_int_equal(s.n, 1000);
    shared_fini(&s);
}

static void test_cond_deadline(void **state)
{
    (void)state;
    struct shared s;
    shared_init(&s);
    mutex_lock(&s.lock);
    assert_false(cond_wait_until(&s.changed, &s.lock, clock_mono_ms() - 1));
    assert_false(cond_wait_until(&s.changed, &s.lock, INT64_MIN));
    int64_t start_us = clock_mono_us();
    int64_t deadline = clock_mono_ms() + 30;
    while (cond_wait_until(&s.changed, &s.lock, deadline)) {
    }
    mutex_assert_held(&s.lock);
    assert_true(clock_mono_ms() >= deadline);
    assert_true(clock_mono_us() - start_us >= 28000);
    mutex_unlock(&s.lock);
    shared_fini(&s);
}

static void wait_for_ever(void *arg)
{
    struct shared *s = arg;
    mutex_lock(&s->lock);
    s->turn = 1;
    cond_signal(&s->changed);
    while (s->turn == 1)
        assert_true(cond_wait_until(&s->changed, &s->lock, INT64_MAX));
    mutex_unlock(&s->lock);
}

static void test_cond_far_deadline(void **state)
{
    (void)state;
    struct shared s;
    struct thread t;
    shared_init(&s);
    mutex_lock(&s.lock);
    assert_true(thread_start(&t, "for-ever", 0, wait_for_ever, &s));
    while (s.turn == 0)
        cond_wait(&s.changed, &s.lock);
    s.turn = 2;
    cond_signal(&s.changed);
    mutex_unlock(&s.lock);
    thread_join(&t);
    shared_fini(&s);
}

struct seen {
    char name[16];
    sigset_t blocked;
};

static void look(void *arg)
{
    struct seen *seen = arg;
    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
}

static void test_name_and_signals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *want;
    } cases[] = {
        {"worker-1", "worker-1"},
        {"exactly-fifteen", "exactly-fifteen"},
        {"longer-than-fifteen-bytes", "longer-than-fif"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct seen seen = {.name = ""};
        struct thread t;
        assert_true(thread_start(&t, cases[i].name, 1, look, &seen));
        thread_join(&t);
        assert_string_equal(seen.name, cases[i].want);
        assert_true(sigismember(&seen.blocked, SIGTERM));
        assert_true(sigismember(&seen.blocked, SIGHUP));
        assert_true(sigismember(&seen.blocked, SIGPIPE));
        assert_false(sigismember(&seen.blocked, SIGSEGV));
    }
    /* The one who starts it keeps its own. */
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
}

static void use_stack(void *arg)
{
    volatile char large[1 << 20];
    for (size_t i = 0; i < sizeof(large); i += 1024)
        large[i] = 1;
    *(char *)arg = large[1024];
}

static void test_stack_size(void **state)
{
    (void)state;
    struct thread t;
    char done = 0;
    assert_true(thread_start(&t, "deep", 2 << 20, use_stack, &done));
    thread_join(&t);
    assert_int_equal(done, 1);
    assert_false(thread_start(&t, "absurd", (size_t)1 << 60, use_stack, &done));
}

static void lock_twice(void *arg)
{
    struct mutex m;
    (void)arg;
    mutex_init(&m);
    mutex_lock(&m);
    mutex_lock(&m);
}

static void unlock_free(void *arg)
{
    struct mutex m;
    (void)arg;
    mutex_init(&m);
    mutex_unlock(&m);
}

static void fini_held(void *arg)
{
    struct mutex m;
    (void)arg;
    mutex_init(&m);
    mutex_lock(&m);
    mutex_fini(&m);
}

static void held_by_another(void *arg)
{
    mutex_assert_held(arg);
}

static void from_another_thread(void *arg)
{
    struct mutex m;
    struct thread t;
    (void)arg;
    mutex_init(&m);
    mutex_lock(&m);
    if (thread_start(&t, "other", 0, held_by_another, &m))
        thread_join(&t);
}

static void wait_unlocked(void *arg)
{
    struct shared s;
    (void)arg;
    shared_init(&s);
    cond_wait(&s.changed, &s.lock);
}

static void test_bugs_stop_the_program(void **state)
{
    (void)state;
    static void (*const bugs[])(void *) = {lock_twice, unlock_free, fini_held, from_another_thread, wait_unlocked};
    for (size_t i = 0; i < COUNT_OF(bugs); i++)
        assert_true(check_aborts(bugs[i], NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex_excludes),        cmocka_unit_test(test_cond_hands_over),
        cmocka_unit_test(test_cond_deadline),         cmocka_unit_test(test_cond_far_deadline),
        cmocka_unit_test(test_name_and_signals),      cmocka_unit_test(test_stack_size),
        cmocka_unit_test(test_bugs_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
