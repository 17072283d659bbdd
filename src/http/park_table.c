#include "http/park_table.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* A group of so many keys more than are parked is still woken key by key, which tells nobody else. */
static const size_t group_slack = 1024;

void park_table_init(struct park_table *t)
{
    *t = (struct park_table){.stripes = memory_calloc(PARK_TABLE_STRIPES, sizeof *t->stripes)};
    mutex_init(&t->lock);
    map_u64_init(&t->by_id);
    /* So that the number of the last wake of a stripe, 0 at first, is never later than what was read. */
    atomic_init(&t->seq, 1);
}

void park_table_fini(struct park_table *t)
{
    assert(t->heap_count == 0);
    map_u64_fini(&t->by_id);
    free(t->heap);
    free(t->parked);
    free(t->stripes);
    mutex_fini(&t->lock);
}

/* Keys are small consecutive numbers (users) or hashes; neighbours go to different stripes either way. */
static struct park_stripe *stripe_of(struct park_table *t, uint64_t key)
{
    return &t->stripes[(key * 0x9e3779b97f4a7c15u) >> 52];
}
_Static_assert(PARK_TABLE_STRIPES == 1 << (64 - 52), "stripe_of() takes the top 12 bits");

/* --- the heap of deadlines: t->heap[0] is the earliest --- */

static void heap_set(struct park_table *t, size_t at, struct park_entry *e)
{
    t->heap[at] = e;
    e->heap_index = (unsigned)at;
}

static void heap_up(struct park_table *t, size_t at)
{
    struct park_entry *e = t->heap[at];
    while (at > 0 && t->heap[(at - 1) / 2]->deadline_ms > e->deadline_ms) {
        heap_set(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(t, at, e);
}

static void heap_down(struct park_table *t, size_t at)
{
    struct park_entry *e = t->heap[at];
    for (size_t child; (child = 2 * at + 1) < t->heap_count; at = child) {
        if (child + 1 < t->heap_count && t->heap[child + 1]->deadline_ms < t->heap[child]->deadline_ms)
            child++;
        if (t->heap[child]->deadline_ms >= e->deadline_ms)
            break;
        heap_set(t, at, t->heap[child]);
    }
    heap_set(t, at, e);
}

static void heap_add(struct park_table *t, struct park_entry *e)
{
    if (t->heap_count == t->heap_cap) {
        t->heap_cap = t->heap_cap ? t->heap_cap * 2 : 64;
        t->heap = memory_resize(t->heap, t->heap_cap * sizeof(struct park_entry *));
    }
    t->heap[t->heap_count++] = e;
    heap_up(t, t->heap_count - 1);
}

static void heap_remove(struct park_table *t, struct park_entry *e)
{
    size_t at = e->heap_index;
    assert(at < t->heap_count && t->heap[at] == e);
    struct park_entry *last = t->heap[--t->heap_count];
    if (last == e)
        return;
    heap_set(t, at, last);
    heap_up(t, at);
    heap_down(t, last->heap_index);
}

/* --- in and out --- */

static void link_in(struct park_table *t, struct park_link *link)
{
    struct park_stripe *s = stripe_of(t, link->key);
    link->next = s->links;
    link->prev = &s->links;
    if (link->next)
        link->next->prev = &link->next;
    s->links = link;
    if (t->parked_count == t->parked_cap) {
        t->parked_cap = t->parked_cap ? t->parked_cap * 2 : 64;
        t->parked = memory_resize(t->parked, t->parked_cap * sizeof *t->parked);
    }
    link->index = t->parked_count;
    t->parked[t->parked_count++] = (struct park_parked){link->key, link};
}

static void link_out(struct park_table *t, struct park_link *link)
{
    *link->prev = link->next;
    if (link->next)
        link->next->prev = link->prev;
    struct park_parked last = t->parked[--t->parked_count];
    t->parked[link->index] = last;
    last.link->index = link->index;
}

static void take_out(struct park_table *t, struct park_entry *e)
{
    mutex_assert_held(&t->lock);
    for (unsigned i = 0; i < e->link_count; i++)
        link_out(t, &e->links[i]);
    heap_remove(t, e);
    void *removed = map_u64_remove(&t->by_id, e->id);
    assert(removed == e);
}

uint64_t park_table_seq(const struct park_table *t)
{
    return atomic_load_explicit(&t->seq, memory_order_acquire);
}

static bool has_moved(struct park_table *t, const struct http_park *park)
{
    if (park->key_count && t->woken_all > park->seen)
        return true;
    for (unsigned i = 0; i < park->key_count; i++) {
        if (stripe_of(t, park->keys[i])->woken > park->seen)
            return true;
    }
    return false;
}

static enum park_result add_locked(struct park_table *t, struct park_entry *e, const struct http_park *park)
{
    if (t->closed)
        return PARK_CLOSED;
    if (has_moved(t, park))
        return PARK_MOVED;
    for (unsigned i = 0; i < park->key_count; i++) {
        e->links[i] = (struct park_link){.entry = e, .key = park->keys[i]};
        link_in(t, &e->links[i]);
    }
    heap_add(t, e);
    void *other = map_u64_put(&t->by_id, e->id, e);
    assert(!other);
    return t->heap[0] == e ? PARK_DONE_EARLIEST : PARK_DONE;
}

enum park_result park_table_add(struct park_table *t, struct park_entry *e, uint64_t id, const struct http_park *park)
{
    assert(id && park->key_count <= HTTP_PARK_MAX_KEYS);
    e->link_count = park->key_count;
    e->deadline_ms = park->deadline_ms;
    e->id = id;
    mutex_lock(&t->lock);
    enum park_result result = add_locked(t, e, park);
    mutex_unlock(&t->lock);
    return result;
}

static uint64_t next_seq(struct park_table *t)
{
    mutex_assert_held(&t->lock);
    return atomic_fetch_add_explicit(&t->seq, 1, memory_order_acq_rel) + 1;
}

/* Takes out what is parked on the key, in front of the list. */
static struct park_entry *wake_key(struct park_table *t, uint64_t key, uint64_t seq, struct park_entry *woken)
{
    struct park_stripe *s = stripe_of(t, key);
    s->woken = seq;
    for (struct park_link *link = s->links, *next; link; link = next) {
        next = link->next;
        if (link->key != key)
            continue;
        /* An entry may have more than one link here: `next` must not be one that goes with it. */
        while (next && next->entry == link->entry)
            next = next->next;
        take_out(t, link->entry);
        link->entry->next = woken;
        woken = link->entry;
    }
    return woken;
}

struct park_entry *park_table_wake(struct park_table *t, uint64_t key)
{
    mutex_lock(&t->lock);
    struct park_entry *woken = wake_key(t, key, next_seq(t), NULL);
    mutex_unlock(&t->lock);
    return woken;
}

/* Along the keys of the group. */
static struct park_entry *wake_each(struct park_table *t, const struct wake_group *group, uint64_t seq)
{
    struct park_entry *woken = NULL;
    struct wake_cursor cursor = {0};
    uint64_t key;
    while (group->next(group->set, &cursor, &key))
        woken = wake_key(t, key, seq, woken);
    return woken;
}

/* Along the keys that are parked. */
static struct park_entry *wake_parked(struct park_table *t, const struct wake_group *group, uint64_t seq)
{
    struct park_entry *woken = NULL;
    t->woken_all = seq;
    /* From the end: the places of an entry that goes are filled with what has been looked at, or goes with it. */
    for (size_t i = t->parked_count; i > 0;) {
        if (i > t->parked_count) {
            i = t->parked_count;
            continue;
        }
        struct park_parked *p = &t->parked[--i];
        if (!group->has(group->set, p->key))
            continue;
        struct park_entry *e = p->link->entry;
        take_out(t, e);
        e->next = woken;
        woken = e;
    }
    return woken;
}

struct park_entry *park_table_wake_group(struct park_table *t, const struct wake_group *group)
{
    mutex_lock(&t->lock);
    uint64_t seq = next_seq(t);
    bool each = group->count <= t->parked_count + group_slack;
    struct park_entry *woken = each ? wake_each(t, group, seq) : wake_parked(t, group, seq);
    mutex_unlock(&t->lock);
    return woken;
}

struct park_entry *park_table_expired(struct park_table *t, int64_t now_ms)
{
    struct park_entry *expired = NULL;
    mutex_lock(&t->lock);
    while (t->heap_count > 0 && t->heap[0]->deadline_ms <= now_ms) {
        struct park_entry *e = t->heap[0];
        take_out(t, e);
        e->next = expired;
        expired = e;
    }
    mutex_unlock(&t->lock);
    return expired;
}

struct park_entry *park_table_take(struct park_table *t, uint64_t id)
{
    mutex_lock(&t->lock);
    struct park_entry *e = map_u64_get(&t->by_id, id);
    if (e) {
        take_out(t, e);
        e->next = NULL;
    }
    mutex_unlock(&t->lock);
    return e;
}

struct park_entry *park_table_close(struct park_table *t)
{
    mutex_lock(&t->lock);
    t->closed = true;
    mutex_unlock(&t->lock);
    return park_table_expired(t, INT64_MAX);
}

int64_t park_table_next_deadline(struct park_table *t)
{
    mutex_lock(&t->lock);
    int64_t deadline_ms = t->heap_count > 0 ? t->heap[0]->deadline_ms : INT64_MAX;
    mutex_unlock(&t->lock);
    return deadline_ms;
}

size_t park_table_count(struct park_table *t)
{
    mutex_lock(&t->lock);
    size_t count = t->heap_count;
    mutex_unlock(&t->lock);
    return count;
}
