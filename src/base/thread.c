#include "base/thread.h"

#include "base/clock.h"
#include "base/sanitizer.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const size_t default_stack = (size_t)256 << 10;

/*
 * Only the holder stores its own id, and it stores 0 before it lets go. A thread that asks sees its own last store or
 * a later one of somebody else: never itself unless it holds the lock. So relaxed order is enough.
 */
static void set_owner(struct mutex *m, pthread_t owner)
{
    __atomic_store_n(&m->owner, owner, __ATOMIC_RELAXED);
}

static bool is_mine(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == pthread_self();
}

void mutex_init(struct mutex *m)
{
    int failed = pthread_mutex_init(&m->m, NULL);
    assert(!failed);
    set_owner(m, 0);
}

void mutex_fini(struct mutex *m)
{
    assert(__atomic_load_n(&m->owner, __ATOMIC_RELAXED) == 0);
    int failed = pthread_mutex_destroy(&m->m);
    assert(!failed);
}

void mutex_lock(struct mutex *m)
{
    assert(!is_mine(m));
    int failed = pthread_mutex_lock(&m->m);
    assert(!failed);
    set_owner(m, pthread_self());
}

void mutex_unlock(struct mutex *m)
{
    mutex_assert_held(m);
    set_owner(m, 0);
    int failed = pthread_mutex_unlock(&m->m);
    assert(!failed);
}

void mutex_assert_held(const struct mutex *m)
{
    assert(is_mine(m));
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    int failed = pthread_condattr_init(&attr);
    assert(!failed);
    failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    assert(!failed);
    failed = pthread_cond_init(&c->c, &attr);
    assert(!failed);
    pthread_condattr_destroy(&attr);
}

void cond_fini(struct cond *c)
{
    int failed = pthread_cond_destroy(&c->c);
    assert(!failed);
}

void cond_wait(struct cond *c, struct mutex *m)
{
    mutex_assert_held(m);
    set_owner(m, 0);
    int failed = pthread_cond_wait(&c->c, &m->m);
    assert(!failed);
    set_owner(m, pthread_self());
}

/* The time of the system's monotonic clock in `ms` milliseconds. */
static struct timespec after_ms(int64_t ms)
{
    struct timespec t;
    int failed = clock_gettime(CLOCK_MONOTONIC, &t);
    assert(!failed);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ms)
{
    static const int64_t longest_ms = INT64_C(1000) * 3600 * 24 * 365;
    mutex_assert_held(m);
    int64_t now_ms = clock_mono_ms();
    if (deadline_ms <= now_ms)
        return false;
    /* By what is left rather than by the deadline itself, which under a test's clock means nothing to the system. */
    bool far = deadline_ms > now_ms + longest_ms;
    struct timespec until = after_ms(far ? longest_ms : deadline_ms - now_ms);
    set_owner(m, 0);
    int failed = pthread_cond_timedwait(&c->c, &m->m, &until);
    set_owner(m, pthread_self());
    assert(!failed || failed == ETIMEDOUT);
    return !failed || far;
}

void cond_signal(struct cond *c)
{
    int failed = pthread_cond_signal(&c->c);
    assert(!failed);
}

void cond_broadcast(struct cond *c)
{
    int failed = pthread_cond_broadcast(&c->c);
    assert(!failed);
}

static void *run(void *arg)
{
    struct thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->fn(t->arg);
    return NULL;
}

/* Everything but a thread's own faults: those blocked would end the program without a word from a sanitizer. */
static sigset_t signals_to_block(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&set, faults[i]);
    return set;
}

bool thread_start(struct thread *t, const char *name, size_t stack_bytes, void (*fn)(void *), void *arg)
{
    *t = (struct thread){.fn = fn, .arg = arg};
    snprintf(t->name, sizeof(t->name), "%.15s", name);
    size_t stack = (stack_bytes ? stack_bytes : default_stack) * (SANITIZER_ADDRESS || SANITIZER_THREAD ? 4 : 1);
    long smallest = PTHREAD_STACK_MIN;
    stack = stack > (size_t)smallest ? stack : (size_t)smallest;

    pthread_attr_t attr;
    if (pthread_attr_init(&attr))
        return false;
    bool started = false;
    if (pthread_attr_setstacksize(&attr, stack) == 0) {
        /* Blocked here, not in the new thread, which inherits: there is no moment in which a signal could get it. */
        sigset_t blocked = signals_to_block();
        sigset_t before;
        int failed = pthread_sigmask(SIG_BLOCK, &blocked, &before);
        assert(!failed);
        started = pthread_create(&t->t, &attr, run, t) == 0;
        failed = pthread_sigmask(SIG_SETMASK, &before, NULL);
        assert(!failed);
    }
    pthread_attr_destroy(&attr);
    return started;
}

void thread_join(struct thread *t)
{
    int failed = pthread_join(t->t, NULL);
    assert(!failed);
}
