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

/* NULL if it holds nothing. */
static struct response_share *share_of(struct response_memory *m, uint64_t group)
{
    mutex_assert_held(&m->lock);
    return group ? map_u64_get(&m->by_group, group) : NULL;
}

static void count_in(struct response_memory *m, struct response_hold *h, size_t bytes)
{
    struct response_share *share = share_of(m, h->group);
    if (h->group && !share) {
        share = memory_calloc(1, sizeof *share);
        map_u64_put(&m->by_group, h->group, share);
    }
    if (share)
        share->held += bytes;
    m->held += bytes;
    h->bytes += bytes;
}

static void count_out(struct response_memory *m, struct response_hold *h, size_t bytes)
{
    struct response_share *share = share_of(m, h->group);
    assert(m->held >= bytes && h->bytes >= bytes && (!h->group || (share && share->held >= bytes)));
    m->held -= bytes;
    h->bytes -= bytes;
    if (!share)
        return;
    share->held -= bytes;
    if (share->held == 0) {
        map_u64_remove(&m->by_group, h->group);
        free(share);
    }
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
    const struct response_share *share = share_of(m, group);
    size_t own = share ? share->held : 0, left = m->max - (m->held - own);
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

/* For the log, when the lock has been released. */
struct news {
    bool refused;   /* a group that was not refused before */
    size_t cut_off; /* bytes of an answer */
};

static void tell(const struct news *news)
{
    if (news->refused)
        log_info("a client does not read its answers: it gets no more large ones until it does");
    if (news->cut_off > 0)
        log_info("too many bytes of answers are not read: the oldest is cut off", LOG_INT("bytes", news->cut_off));
}

/* Makes the hold one of so many bytes, more than it is. */
static bool grow(struct response_memory *m, uint64_t group, size_t bytes, int fd, struct response_hold **hold,
                 struct news *news)
{
    mutex_assert_held(&m->lock);
    size_t more = bytes - (*hold ? (*hold)->bytes : 0);
    struct response_share *share = share_of(m, group);
    bool at_once = !*hold && share && share->refused;
    if (at_once || !fits(m, group, more)) {
        if (share && share->waiting > 0) {
            news->refused = !share->refused;
            share->refused = true;
        }
        return false;
    }
    if (!*hold) {
        *hold = memory_calloc(1, sizeof **hold);
        **hold = (struct response_hold){.group = group, .fd = fd};
    }
    count_in(m, *hold, more);
    return true;
}

static bool grow_or_cut_off(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                            struct response_hold **hold, struct news *news)
{
    bool grown = grow(m, group, bytes, fd, hold, news);
    if (!grown)
        news->cut_off = shut_down_oldest(m, now_ms);
    return grown;
}

bool response_memory_grow(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold)
{
    if (bytes < RESPONSE_MEMORY_FREE || (*hold && bytes <= (*hold)->bytes))
        return true;
    struct news news = {0};
    mutex_lock(&m->lock);
    bool grown = grow_or_cut_off(m, group, bytes, fd, now_ms, hold, &news);
    mutex_unlock(&m->lock);
    tell(&news);
    return grown;
}

/* From now on it waits to be read. */
static void complete(struct response_memory *m, struct response_hold *h, size_t bytes, int64_t now_ms)
{
    if (h->bytes > bytes)
        count_out(m, h, h->bytes - bytes);
    h->since_ms = now_ms;
    h->complete = true;
    list(m, h);
    struct response_share *share = share_of(m, h->group);
    if (share)
        share->waiting++;
}

bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold)
{
    if (bytes < RESPONSE_MEMORY_FREE) {
        response_memory_give_back(m, hold);
        return true;
    }
    struct news news = {0};
    mutex_lock(&m->lock);
    bool taken = (*hold && bytes <= (*hold)->bytes) || grow_or_cut_off(m, group, bytes, fd, now_ms, hold, &news);
    if (taken)
        complete(m, *hold, bytes, now_ms);
    mutex_unlock(&m->lock);
    tell(&news);
    if (!taken)
        response_memory_give_back(m, hold);
    return taken;
}

void response_memory_give_back(struct response_memory *m, struct response_hold **hold)
{
    struct response_hold *h = *hold;
    if (!h)
        return;
    mutex_lock(&m->lock);
    unlist(m, h);
    struct response_share *share = share_of(m, h->group);
    if (share && h->complete) {
        share->waiting--;
        share->refused = false;
    }
    count_out(m, h, h->bytes);
    mutex_unlock(&m->lock);
    free(h);
    *hold = NULL;
}

size_t response_memory_most(const struct response_memory *m)
{
    return m->max / 2;
}

size_t response_memory_held(struct response_memory *m)
{
    mutex_lock(&m->lock);
    size_t held = m->held;
    mutex_unlock(&m->lock);
    return held;
}
