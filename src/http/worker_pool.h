/*
 * Threads that take work from queues: a fixed number of them, or as many as are needed up to a maximum.
 *
 * Each piece of work belongs to somebody, its key. Every key has a queue of its own, the keys take turns, and one key
 * has at most a quarter of the threads at once (WORKER_POOL_SHARE, but two if there are so many): whoever asks for a
 * thousand things waits for them behind one another, and everybody else's next one comes after at most one of each. A
 * key of 0 is nobody in particular, and has a turn like the others, but no such limits.
 *
 * Each thread has one arena, which is forgotten after each piece of work. Threads beyond the minimum are started when
 * work waits that may run and none is idle, and end after ten idle seconds.
 *
 * Ownership: a piece of work belongs to the pool from a successful push until `run` or `discard` gets it.
 * Threads: push and the counters from any thread; start and stop from the owner's.
 */
#ifndef HEARTH_HTTP_WORKER_POOL_H
#define HEARTH_HTTP_WORKER_POOL_H

#include "base/arena.h"
#include "base/map.h"
#include "base/thread.h"

/* Of the threads, for one key at once; and of the bounded pushes, for one key in the queue. */
#define WORKER_POOL_SHARE       4
#define WORKER_POOL_QUEUE_SHARE 8

struct work_queue;
struct worker_slot;

/* Stands in what is to be worked on. */
struct work {
    struct work *next;
    struct work_queue *queue;
    bool counted; /* among the pushes that are bounded */
};

struct worker_pool {
    struct mutex lock;
    struct cond filled;
    struct map_u64 queues;               /* by key; of those that have work, waiting or running */
    struct work_queue *turn, *turn_last; /* the queues with work that may run, in the order of their turns */
    struct work_queue *spare;            /* some that are not used, so that a lone piece of work allocates nothing */
    unsigned spares;
    unsigned queued;
    unsigned runnable; /* of those, the ones that a thread could take */
    unsigned counted;  /* of those queued, the bounded ones */
    unsigned queue_max;
    unsigned key_queue_max;
    unsigned key_threads_max;
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
enum worker_pool_pushed {
    WORKER_POOL_TAKEN,
    WORKER_POOL_FULL,    /* or it has no thread and can start none */
    WORKER_POOL_KEY_FULL /* of this key too much waits already */
};
/* What has been accepted once (`bounded` false) does not count, and a full queue takes it too. */
enum worker_pool_pushed worker_pool_push(struct worker_pool *p, struct work *w, uint64_t key, bool bounded)
    __attribute__((warn_unused_result));
/* Lets running work end, gives the waiting to `discard` (NULL: there can be none), and refuses all pushes from then on.
 */
void worker_pool_stop(struct worker_pool *p, void (*discard)(struct work *w));
/* Frees a stopped pool. */
void worker_pool_fini(struct worker_pool *p);
void worker_pool_counts(struct worker_pool *p, unsigned *queued_out, unsigned *threads_out);

#endif
