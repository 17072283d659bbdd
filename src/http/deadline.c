#include "http/deadline.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

static const int64_t grace_max_ms = 30000;
/* Looking at 10,000 connections takes a fraction of a millisecond, and nobody needs this to the moment. */
static const int64_t look_every_ms = 1000;

void deadlines_init(struct deadlines *all, int64_t idle_ms)
{
    *all = (struct deadlines){.idle_ms = idle_ms, .grace_ms = idle_ms < grace_max_ms ? idle_ms : grace_max_ms};
    mutex_init(&all->lock);
}

void deadlines_fini(struct deadlines *all)
{
    assert(!all->first);
    mutex_fini(&all->lock);
}

struct deadline *deadline_new(struct deadlines *all, int fd)
{
    struct deadline *d = memory_calloc(1, sizeof *d);
    d->all = all;
    d->fd = fd;
    deadline_await_head(d, clock_mono_ms());
    mutex_lock(&all->lock);
    d->next = all->first;
    if (d->next)
        d->next->previous = d;
    all->first = d;
    mutex_unlock(&all->lock);
    return d;
}

void deadline_free(struct deadline **deadline)
{
    struct deadline *d = *deadline;
    if (!d)
        return;
    mutex_lock(&d->all->lock);
    if (d->previous)
        d->previous->next = d->next;
    else
        d->all->first = d->next;
    if (d->next)
        d->next->previous = d->previous;
    mutex_unlock(&d->all->lock);
    free(d);
    *deadline = NULL;
}

void deadline_await_head(struct deadline *d, int64_t now_ms)
{
    atomic_store(&d->at_ms, now_ms + d->all->idle_ms + d->all->grace_ms);
}

void deadline_begin_head(struct deadline *d, int64_t now_ms)
{
    int64_t at_ms = now_ms + d->all->grace_ms;
    if (at_ms < atomic_load(&d->at_ms))
        atomic_store(&d->at_ms, at_ms);
}

void deadline_transfer(struct deadline *d, int64_t since_ms, uint64_t bytes)
{
    atomic_store(&d->at_ms, since_ms + d->all->grace_ms + (int64_t)(bytes / 1024 * 1000));
}

void deadline_clear(struct deadline *d)
{
    atomic_store(&d->at_ms, INT64_MAX);
}

int64_t deadlines_enforce(struct deadlines *all, int64_t now_ms)
{
    if (now_ms < all->look_ms)
        return all->look_ms;
    /* What is set after this look is at least a grace away. */
    int64_t next_ms = now_ms + all->grace_ms;
    unsigned late = 0;
    mutex_lock(&all->lock);
    for (struct deadline *d = all->first; d; d = d->next) {
        int64_t at_ms = atomic_load(&d->at_ms);
        if (at_ms <= now_ms && atomic_compare_exchange_strong(&d->at_ms, &at_ms, INT64_MAX)) {
            shutdown(d->fd, SHUT_RDWR);
            late++;
        } else if (at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    mutex_unlock(&all->lock);
    if (late > 0)
        log_debug("connections were too slow", LOG_INT("closed", late));
    all->look_ms = next_ms < now_ms + look_every_ms ? now_ms + look_every_ms : next_ms;
    return all->look_ms;
}
