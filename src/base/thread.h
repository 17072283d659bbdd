/*
 * Threads, locks, conditions: thin over pthreads, with the checks that pthreads leaves out.
 *
 * A failure of a lock operation is a bug and stops the program. mutex_assert_held() lets a function that wants a lock
 * held say so. The order in which locks may be taken stands in ARCHITECTURE.md.
 */
#ifndef HEARTH_BASE_THREAD_H
#define HEARTH_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mutex {
    pthread_mutex_t m;
    pthread_t owner; /* 0: nobody; accessed atomically, so that any thread may ask whether it is itself */
};

void mutex_init(struct mutex *m);
void mutex_fini(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* Asserts that the calling thread holds the lock. */
void mutex_assert_held(const struct mutex *m);

/* A condition that waits on a struct mutex; deadlines are of clock_mono_ms(). */
struct cond {
    pthread_cond_t c;
};

void cond_init(struct cond *c);
void cond_fini(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
/* Waits until signalled (or for no reason: check the condition in a loop) or until `deadline_ms` of the monotonic
 * clock; false when the time is up. */
bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ms);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* A thread that runs fn(arg), with all signals blocked but those of the thread's own faults, a name for debuggers (cut
 * to 15 bytes), and a stack of `stack_bytes` (0: 256 KiB; four times that under a sanitizer). False if the system
 * refuses. *t stays where it is until thread_join() has returned. */
struct thread {
    pthread_t t;
    void (*fn)(void *);
    void *arg;
    char name[16];
};

bool thread_start(struct thread *t, const char *name, size_t stack_bytes, void (*fn)(void *), void *arg)
    __attribute__((warn_unused_result));
void thread_join(struct thread *t);

#endif
