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

static struct work *take(struct worker_pool *p)
{
    struct work *w = p->head;
    p->head = w->next;
    if (!p->head)
        p->tail = &p->head;
    p->queued--;
    if (w->counted)
        p->counted--;
    return w;
}

/* The next piece of work; NULL if this thread is to end. The lock is held. */
static struct work *wait_for_work(struct worker_pool *p, bool is_extra)
{
    int64_t until = clock_mono_ms() + idle_ms;
    while (!p->stopping) {
        if (p->head)
            return take(p);
        p->idle++;
        bool in_time = true;
        if (is_extra)
            in_time = cond_wait_until(&p->filled, &p->lock, until);
        else
            cond_wait(&p->filled, &p->lock);
        p->idle--;
        if (!in_time && !p->head)
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
        mutex_unlock(&p->lock);
        p->run(p->ctx, w, arena);
        arena_reset(arena);
        mutex_lock(&p->lock);
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

bool worker_pool_start(struct worker_pool *p, const char *name, unsigned threads_min, unsigned threads_max,
                       unsigned queue_max, void (*run)(void *ctx, struct work *w, struct arena *a), void *ctx)
{
    *p = (struct worker_pool){.threads_min = threads_min,
                              .threads_max = threads_max,
                              .queue_max = queue_max,
                              .name = name,
                              .run = run,
                              .ctx = ctx};
    p->tail = &p->head;
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

bool worker_pool_push(struct worker_pool *p, struct work *w, bool bounded)
{
    mutex_lock(&p->lock);
    bool accepted = !p->stopping && !(bounded && p->counted >= p->queue_max);
    if (accepted && p->queued >= p->idle && p->threads < p->threads_max && !start_thread(p)) {
        log_warn("could not start a worker thread", LOG_INT("threads", p->threads));
        accepted = p->threads > 0; /* or nobody would ever come to it */
    }
    if (accepted) {
        w->next = NULL;
        w->counted = bounded;
        *p->tail = w;
        p->tail = &w->next;
        p->queued++;
        p->counted += bounded;
        cond_signal(&p->filled);
    }
    mutex_unlock(&p->lock);
    return accepted;
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
    struct work *rest = p->head;
    p->head = NULL;
    p->tail = &p->head;
    p->queued = 0;
    p->counted = 0;
    mutex_unlock(&p->lock);
    while (rest) {
        struct work *w = rest;
        rest = w->next;
        assert(discard);
        discard(w);
    }
}

void worker_pool_fini(struct worker_pool *p)
{
    cond_fini(&p->filled);
    mutex_fini(&p->lock);
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
