/*
 * A job that holds the writer until it is told to go on, so that a test decides which jobs share a batch: all that are
 * submitted between gate_close and gate_open.
 */
#ifndef HEARTH_TESTS_STORE_GATE_H
#define HEARTH_TESTS_STORE_GATE_H

#include "base/thread.h"
#include "store/store.h"

#include "testing.h"

struct gate {
    struct store_job job;
    struct mutex lock;
    struct cond moved;
    bool reached, open;
    struct store *store;
    struct thread waiter; /* a job runs when somebody waits for it */
    enum store_result result;
};

static inline bool gate_run(struct store_tx *tx, void *arg)
{
    struct gate *g = arg;
    (void)tx;
    mutex_lock(&g->lock);
    g->reached = true;
    cond_signal(&g->moved);
    while (!g->open)
        cond_wait(&g->moved, &g->lock);
    mutex_unlock(&g->lock);
    return true;
}

static inline void gate_wait(void *arg)
{
    struct gate *g = arg;
    g->result = store_wait(g->store, &g->job);
}

/* Returns when the writer stands at the gate. */
static inline void gate_close(struct gate *g, struct store *store)
{
    *g = (struct gate){.job = {.run = gate_run, .arg = g}, .store = store};
    mutex_init(&g->lock);
    cond_init(&g->moved);
    store_submit(store, &g->job);
    assert_true(thread_start(&g->waiter, "gate", 0, gate_wait, g));
    mutex_lock(&g->lock);
    while (!g->reached)
        cond_wait(&g->moved, &g->lock);
    mutex_unlock(&g->lock);
}

/* Returns when the batch is done, with the gate's own result. */
static inline enum store_result gate_open(struct gate *g)
{
    mutex_lock(&g->lock);
    g->open = true;
    cond_signal(&g->moved);
    mutex_unlock(&g->lock);
    thread_join(&g->waiter);
    cond_fini(&g->moved);
    mutex_fini(&g->lock);
    return g->result;
}

#endif
