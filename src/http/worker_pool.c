#include "http/worker_pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum slot_state {
    SLOT_FREE,
    SLOT_RUNNING,
    SLOT_ENDED /* to be joined */
};

struct worker_slot {
    struct worker_pool *pool;
    struct thread thread;
    enum slot_state state;
    bool is_extra;
};

/* Handlers parse, query and build on this; only what is touched is taken. */
static const size_t stack_bytes = (size_t)1 << 20;
static const int64_t idle_ms = 10000;

/* The least bound on what one key may have in the queue: a browser asks for dozens of things at once. */
static const unsigned key_queue_least = 16;
static const unsigned spares_max = 64;

struct work_queue {
    uint64_t key;
    struct work *head;
    struct work **tail;
    unsigned queued;
    unsigned counted;
    unsigned running;
    bool in_turn;
    struct work_queue *next; /* in turn, or among the spare */
};

/* --- queues; the lock is held --- */

static struct work_queue *queue_for(struct worker_pool *p, uint64_t key)
{
    struct work_queue *q = map_u64_get(&p->queues, key);
    if (q)
        return q;
    q = p->spare;
    if (q) {
        p->spare = q->next;
        p->spares--;
    } else {
        q = memory_alloc(sizeof *q);
    }
    *q = (struct work_queue){.key = key};
    q->tail = &q->head;
    map_u64_put(&p->queues, key, q);
    return q;
}

static void forget_if_empty(struct worker_pool *p, struct work_queue *q)
{
    if (q->queued > 0 || q->running > 0)
        return;
    assert(!q->in_turn);
    map_u64_remove(&p->queues, q->key);
    if (p->spares == spares_max) {
        free(q);
        return;
    }
    q->next = p->spare;
    p->spare = q;
    p->spares++;
}

static unsigned threads_max_of(const struct worker_pool *p, const struct work_queue *q)
{
    return q->key ? p->key_threads_max : p->threads_max;
}

/* How much of what waits here could run now. */
static unsigned runnable_of(const struct worker_pool *p, const struct work_queue *q)
{
    unsigned most = threads_max_of(p, q);
    unsigned left = q->running < most ? most - q->running : 0;
    return q->queued < left ? q->queued : left;
}

static void take_turn(struct worker_pool *p, struct work_queue *q)
{
    if (q->in_turn || runnable_of(p, q) == 0)
        return;
    q->in_turn = true;
    q->next = NULL;
    if (p->turn)
        p->turn_last->next = q;
    else
        p->turn = q;
    p->turn_last = q;
}

static void add(struct worker_pool *p, struct work_queue *q, struct work *w, bool bounded)
{
    unsigned before = runnable_of(p, q);
    w->next = NULL;
    w->queue = q;
    w->counted = bounded;
    *q->tail = w;
    q->tail = &w->next;
    q->queued++;
    q->counted += bounded;
    p->queued++;
    p->counted += bounded;
    unsigned more = runnable_of(p, q) - before;
    p->runnable += more;
    take_turn(p, q);
    if (more > 0)
        cond_signal(&p->filled);
}

static struct work *remove_first(struct worker_pool *p, struct work_queue *q)
{
    struct work *w = q->head;
    q->head = w->next;
    if (!q->head)
        q->tail = &q->head;
    q->queued--;
    q->counted -= w->counted;
    p->queued--;
    p->counted -= w->counted;
    return w;
}

/* The first piece of whose turn it is. */
static struct work *take(struct worker_pool *p)
{
    struct work_queue *q = p->turn;
    p->turn = q->next;
    q->in_turn = false;
    unsigned before = runnable_of(p, q);
    struct work *w = remove_first(p, q);
    q->running++;
    p->runnable -= before - runnable_of(p, q);
    take_turn(p, q);
    return w;
}

static void end_run(struct worker_pool *p, struct work_queue *q)
{
    unsigned before = runnable_of(p, q);
    q->running--;
    p->runnable += runnable_of(p, q) - before;
    take_turn(p, q);
    forget_if_empty(p, q);
}

/* --- threads --- */

/* The next piece of work; NULL if this thread is to end. The lock is held. */
static struct work *wait_for_work(struct worker_pool *p, bool is_extra)
{
    int64_t until = clock_mono_ms() + idle_ms;
    while (!p->stopping) {
        if (p->turn)
            return take(p);
        p->idle++;
        bool in_time = true;
        if (is_extra)
            in_time = cond_wait_until(&p->filled, &p->lock, until);
        else
            cond_wait(&p->filled, &p->lock);
        p->idle--;
        if (!in_time && !p->turn)
            return NULL;
    }
    return NULL;
}

static void worker_main(void *arg)
{
    struct worker_slot *slot = arg;
    struct worker_pool *p = slot->pool;
    struct arena *arena = arena_new();
    mutex_lock(&p->lock);
    for (struct work *w; (w = wait_for_work(p, slot->is_extra));) {
        struct work_queue *q = w->queue; /* the work itself may be gone when it has been run */
        mutex_unlock(&p->lock);
        p->run(p->ctx, w, arena);
        arena_reset(arena);
        mutex_lock(&p->lock);
        end_run(p, q);
    }
    p->threads--;
    slot->state = SLOT_ENDED;
    mutex_unlock(&p->lock);
    arena_free(&arena);
}

static bool start_thread(struct worker_pool *p)
{
    mutex_assert_held(&p->lock);
    for (unsigned i = 0; i < p->threads_max; i++) {
        struct worker_slot *slot = &p->slots[i];
        if (slot->state == SLOT_RUNNING)
            continue;
        if (slot->state == SLOT_ENDED)
            thread_join(&slot->thread);
        char name[16];
        snprintf(name, sizeof name, "%s-%u", p->name, i);
        slot->state = SLOT_FREE;
        slot->pool = p;
        slot->is_extra = p->threads >= p->threads_min;
        if (!thread_start(&slot->thread, name, stack_bytes, worker_main, slot))
            return false;
        slot->state = SLOT_RUNNING;
        p->threads++;
        return true;
    }
    return true;
}

static unsigned share_of(unsigned all, unsigned parts, unsigned least)
{
    unsigned share = all / parts > least ? all / parts : least;
    return share < all ? share : all;
}

bool worker_pool_start(struct worker_pool *p, const char *name, unsigned threads_min, unsigned threads_max,
                       unsigned queue_max, void (*run)(void *ctx, struct work *w, struct arena *a), void *ctx)
{
    *p = (struct worker_pool){.threads_min = threads_min,
                              .threads_max = threads_max,
                              .queue_max = queue_max,
                              .name = name,
                              .run = run,
                              .ctx = ctx};
    map_u64_init(&p->queues);
    p->key_threads_max = share_of(threads_max, WORKER_POOL_SHARE, 2);
    p->key_queue_max = share_of(queue_max, WORKER_POOL_QUEUE_SHARE, key_queue_least);
    p->slots = memory_calloc(threads_max, sizeof *p->slots);
    mutex_init(&p->lock);
    cond_init(&p->filled);
    bool started = true;
    mutex_lock(&p->lock);
    for (unsigned i = 0; i < threads_min && started; i++)
        started = start_thread(p);
    mutex_unlock(&p->lock);
    if (!started) {
        worker_pool_stop(p, NULL);
        worker_pool_fini(p);
    }
    return started;
}

/* Whether there is a thread that will come to it. */
static bool have_thread_for_one_more(struct worker_pool *p)
{
    if (p->runnable < p->idle || p->threads == p->threads_max || start_thread(p))
        return true;
    log_warn("could not start a worker thread", LOG_INT("threads", p->threads));
    return p->threads > 0; /* or nobody would ever come to it */
}

static enum worker_pool_pushed push(struct worker_pool *p, struct work *w, uint64_t key, bool bounded)
{
    if (p->stopping || (bounded && p->counted >= p->queue_max))
        return WORKER_POOL_FULL;
    struct work_queue *q = queue_for(p, key);
    if (key && bounded && q->counted >= p->key_queue_max)
        return WORKER_POOL_KEY_FULL;
    bool runs = q->queued + q->running < threads_max_of(p, q);
    if (runs && !have_thread_for_one_more(p)) {
        forget_if_empty(p, q);
        return WORKER_POOL_FULL;
    }
    add(p, q, w, bounded);
    return WORKER_POOL_TAKEN;
}

enum worker_pool_pushed worker_pool_push(struct worker_pool *p, struct work *w, uint64_t key, bool bounded)
{
    mutex_lock(&p->lock);
    enum worker_pool_pushed pushed = push(p, w, key, bounded);
    mutex_unlock(&p->lock);
    return pushed;
}

/* What is left when no thread runs any more, as one list. */
static struct work *take_rest(struct worker_pool *p)
{
    struct work *rest = NULL;
    while (p->turn) {
        struct work_queue *q = p->turn;
        p->turn = q->next;
        q->in_turn = false;
        while (q->head) {
            struct work *w = remove_first(p, q);
            w->next = rest;
            rest = w;
        }
        forget_if_empty(p, q);
    }
    p->runnable = 0;
    return rest;
}

void worker_pool_stop(struct worker_pool *p, void (*discard)(struct work *w))
{
    mutex_lock(&p->lock);
    p->stopping = true;
    cond_broadcast(&p->filled);
    mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads_max; i++) {
        mutex_lock(&p->lock);
        bool to_join = p->slots[i].state != SLOT_FREE;
        mutex_unlock(&p->lock);
        if (to_join)
            thread_join(&p->slots[i].thread);
    }
    mutex_lock(&p->lock);
    struct work *rest = take_rest(p);
    mutex_unlock(&p->lock);
    while (rest) {
        struct work *w = rest;
        rest = w->next;
        if (!discard)
            abort(); /* NULL is for a pool that never had any */
        discard(w);
    }
}

void worker_pool_fini(struct worker_pool *p)
{
    cond_fini(&p->filled);
    mutex_fini(&p->lock);
    for (struct work_queue *q; (q = p->spare); free(q))
        p->spare = q->next;
    map_u64_fini(&p->queues);
    free(p->slots);
    p->slots = NULL;
}

void worker_pool_counts(struct worker_pool *p, unsigned *queued_out, unsigned *threads_out)
{
    mutex_lock(&p->lock);
    *queued_out = p->queued;
    *threads_out = p->threads;
    mutex_unlock(&p->lock);
}
