/*
 * Threads that take work from a queue: a fixed number of them, or as many as are needed up to a maximum.
 *
 * Each thread has one arena, which is forgotten after each piece of work. Threads beyond the minimum are started when
 * work waits and none is idle, and end after ten idle seconds.
 *
 * Ownership: a piece of work belongs to the pool from a successful push until `run` or `discard` gets it.
 * Threads: push and the counters from any thread; start and stop from the owner's.
 */
#ifndef HEARTH_HTTP_WORKER_POOL_H
#define HEARTH_HTTP_WORKER_POOL_H

#include "base/arena.h"
#include "base/thread.h"

/* Stands in what is to be worked on. */
struct work {
    struct work *next;
    bool counted; /* among the pushes that are bounded */
};

struct worker_slot;

struct worker_pool {
    struct mutex lock;
    struct cond filled;
    struct work *head;
    struct work **tail;
    unsigned queued;
    unsigned counted; /* of those, the bounded ones */
    unsigned queue_max;
    unsigned idle;
    unsigned threads;
    unsigned threads_min;
    unsigned threads_max;
    bool stopping;
    const char *name;
    struct worker_slot *slots; /* threads_max of them */
    void (*run)(void *ctx, struct work *w, struct arena *a);
    void *ctx;
};

/* Starts `threads_min` threads; false if the system refuses (nothing to stop then). `name` has at most 10 bytes. */
bool worker_pool_start(struct worker_pool *p, const char *name, unsigned threads_min, unsigned threads_max,
                       unsigned queue_max, void (*run)(void *ctx, struct work *w, struct arena *a), void *ctx)
    __attribute__((warn_unused_result));
/* False if the queue is full, the pool stops, or it has no thread and can start none. What has been accepted once
 * (`bounded` false) does not count, and a full queue takes it too. */
bool worker_pool_push(struct worker_pool *p, struct work *w, bool bounded) __attribute__((warn_unused_result));
/* Lets running work end, gives the waiting to `discard` (NULL: there is none), and refuses all pushes from then on. */
void worker_pool_stop(struct worker_pool *p, void (*discard)(struct work *w));
/* Frees a stopped pool. */
void worker_pool_fini(struct worker_pool *p);
void worker_pool_counts(struct worker_pool *p, unsigned *queued_out, unsigned *threads_out);

#endif
