#include "http/response_memory.h"

#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

void response_memory_init(struct response_memory *m, size_t max)
{
    *m = (struct response_memory){.max = max};
    mutex_init(&m->lock);
    map_u64_init(&m->by_group);
}

void response_memory_fini(struct response_memory *m)
{
    assert(m->held == 0);
    map_u64_fini(&m->by_group);
    mutex_fini(&m->lock);
}

/* The map's values are the numbers themselves. */
static size_t held_by(struct response_memory *m, uint64_t group)
{
    mutex_assert_held(&m->lock);
    void *held = group ? map_u64_get(&m->by_group, group) : NULL;
    return (uintptr_t)held;
}

static void set_held_by(struct response_memory *m, uint64_t group, uintptr_t held)
{
    if (held > 0)
        map_u64_put(&m->by_group, group, (void *)held);
    else
        map_u64_remove(&m->by_group, group);
}

static void list(struct response_memory *m, struct response_hold *h)
{
    h->listed = true;
    h->previous = m->last;
    if (m->last)
        m->last->next = h;
    else
        m->first = h;
    m->last = h;
}

static void unlist(struct response_memory *m, struct response_hold *h)
{
    if (!h->listed)
        return;
    h->listed = false;
    if (h->previous)
        h->previous->next = h->next;
    else
        m->first = h->next;
    if (h->next)
        h->next->previous = h->previous;
    else
        m->last = h->previous;
}

static bool fits(struct response_memory *m, uint64_t group, size_t bytes)
{
    size_t own = held_by(m, group), left = m->max - (m->held - own);
    size_t most = group ? left / 2 : left;
    return own <= most && bytes <= most - own;
}

/* It gives back what it holds when libmicrohttpd finds it closed. Returns how much that is. */
static size_t shut_down_oldest(struct response_memory *m, int64_t now_ms)
{
    struct response_hold *h = m->first;
    if (!h || m->held <= m->max / 2 || now_ms - h->since_ms <= RESPONSE_MEMORY_PATIENCE_MS)
        return 0;
    unlist(m, h);
    shutdown(h->fd, SHUT_RDWR);
    return h->bytes;
}

bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold_out)
{
    *hold_out = NULL;
    if (bytes < RESPONSE_MEMORY_FREE)
        return true;
    size_t cut_off = 0;
    mutex_lock(&m->lock);
    bool taken = fits(m, group, bytes);
    if (taken) {
        struct response_hold *h = memory_calloc(1, sizeof *h);
        *h = (struct response_hold){.group = group, .bytes = bytes, .since_ms = now_ms, .fd = fd};
        list(m, h);
        m->held += bytes;
        if (group)
            set_held_by(m, group, held_by(m, group) + bytes);
        *hold_out = h;
    } else {
        cut_off = shut_down_oldest(m, now_ms);
    }
    mutex_unlock(&m->lock);
    if (cut_off > 0)
        log_info("too many bytes of answers are not read: the oldest is cut off", LOG_INT("bytes", cut_off));
    return taken;
}

void response_memory_give_back(struct response_memory *m, struct response_hold **hold)
{
    struct response_hold *h = *hold;
    if (!h)
        return;
    mutex_lock(&m->lock);
    unlist(m, h);
    assert(m->held >= h->bytes && (!h->group || held_by(m, h->group) >= h->bytes));
    m->held -= h->bytes;
    if (h->group)
        set_held_by(m, h->group, held_by(m, h->group) - h->bytes);
    mutex_unlock(&m->lock);
    free(h);
    *hold = NULL;
}

size_t response_memory_held(struct response_memory *m)
{
    mutex_lock(&m->lock);
    size_t held = m->held;
    mutex_unlock(&m->lock);
    return held;
}
