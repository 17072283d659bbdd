#include "store/row_cache.h"

#include "base/map.h"
#include "base/memory.h"
#include "store/tx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 8 };

struct row {
    struct row *newer, *older; /* in order of use */
    size_t key_n, value_n;
    char bytes[]; /* the key, then the value */
};

/* A slot of the map, at its usual fill, and what malloc adds. */
static const size_t row_overhead = sizeof(struct row) + 2 * sizeof(struct map_str_slot) + 16;

struct part {
    struct mutex lock;
    struct map_str rows;
    struct row *newest, *oldest;
    size_t used;
};

struct row_cache {
    struct part parts[PARTS];
    size_t part_max;
    int64_t top; /* atomic: the highest number that was seen committed */
};

/* A row that waits for its commit. */
struct later {
    struct row_cache *cache;
    int64_t nid;
    size_t key_n, value_n;
    char bytes[];
};

struct row_cache *row_cache_new(size_t max_bytes)
{
    struct row_cache *c = memory_calloc(1, sizeof *c);
    c->part_max = max_bytes / PARTS;
    for (int i = 0; i < PARTS; i++) {
        mutex_init(&c->parts[i].lock);
        map_str_init(&c->parts[i].rows);
    }
    return c;
}

static void unlink_row(struct part *p, struct row *r)
{
    *(r->newer ? &r->newer->older : &p->newest) = r->older;
    *(r->older ? &r->older->newer : &p->oldest) = r->newer;
}

static void link_newest(struct part *p, struct row *r)
{
    r->newer = NULL;
    r->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = r;
    p->newest = r;
}

static struct str key_of(const struct row *r)
{
    return (struct str){r->bytes, r->key_n};
}

static size_t size_of(const struct row *r)
{
    return row_overhead + r->key_n + r->value_n;
}

static void drop(struct part *p, struct row *r)
{
    unlink_row(p, r);
    void *removed = map_str_remove(&p->rows, key_of(r));
    assert(removed == r);
    p->used -= size_of(r);
    free(r);
}

void row_cache_free(struct row_cache **cache)
{
    struct row_cache *c = *cache;
    if (!c)
        return;
    for (int i = 0; i < PARTS; i++) {
        struct part *p = &c->parts[i];
        while (p->oldest)
            drop(p, p->oldest);
        map_str_fini(&p->rows);
        mutex_fini(&p->lock);
    }
    free(c);
    *cache = NULL;
}

static struct part *part_of(struct row_cache *c, struct str key)
{
    return &c->parts[(str_hash(key) >> 48) % PARTS]; /* the maps use the low bits */
}

bool row_cache_get(struct row_cache *c, struct str key, struct row_cache_bytes *value)
{
    struct part *p = part_of(c, key);
    mutex_lock(&p->lock);
    struct row *r = map_str_get(&p->rows, key);
    if (r) {
        value->n = r->value_n;
        memcpy(value->p, r->bytes + r->key_n, r->value_n);
        unlink_row(p, r);
        link_newest(p, r);
    }
    mutex_unlock(&p->lock);
    return r != NULL;
}

static void raise_top(struct row_cache *c, int64_t nid)
{
    int64_t top = __atomic_load_n(&c->top, __ATOMIC_ACQUIRE);
    while (nid > top && !__atomic_compare_exchange_n(&c->top, &top, nid, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
}

static void put_now(struct row_cache *c, struct str key, struct str value)
{
    struct row *r = memory_alloc(sizeof *r + key.n + value.n);
    r->key_n = key.n;
    r->value_n = value.n;
    memcpy(r->bytes, key.p, key.n);
    memcpy(r->bytes + key.n, value.p, value.n);

    struct part *p = part_of(c, key);
    mutex_lock(&p->lock);
    struct row *old = map_str_get(&p->rows, key);
    if (old)
        drop(p, old); /* the same, since rows do not change */
    map_str_put(&p->rows, key_of(r), r);
    link_newest(p, r);
    p->used += size_of(r);
    while (p->used > c->part_max && p->oldest)
        drop(p, p->oldest);
    mutex_unlock(&p->lock);
}

static void put_committed(struct store *store, void *entry)
{
    (void)store;
    struct later *l = entry;
    raise_top(l->cache, l->nid);
    put_now(l->cache, (struct str){l->bytes, l->key_n}, (struct str){l->bytes + l->key_n, l->value_n});
}

static void put_later(struct row_cache *c, struct store_tx *tx, int64_t nid, struct str key, struct str value)
{
    struct later *l = memory_alloc(sizeof *l + key.n + value.n);
    *l = (struct later){.cache = c, .nid = nid, .key_n = key.n, .value_n = value.n};
    memcpy(l->bytes, key.p, key.n);
    memcpy(l->bytes + key.n, value.p, value.n);
    tx_after_commit(tx, put_committed, l);
}

void row_cache_put(struct row_cache *c, struct store_tx *tx, int64_t nid, struct str key, struct str value)
{
    if (tx->failed || key.n > ROW_CACHE_BYTES_MAX || value.n > ROW_CACHE_BYTES_MAX)
        return;
    if (!tx->writing)
        raise_top(c, nid);
    /* Numbers are given out in ascending order: one below a committed one is no other transaction's to take back. */
    if (!tx->writing || nid <= __atomic_load_n(&c->top, __ATOMIC_ACQUIRE))
        put_now(c, key, value);
    else
        put_later(c, tx, nid, key, value);
}

size_t row_cache_used(struct row_cache *c)
{
    size_t used = 0;
    for (int i = 0; i < PARTS; i++) {
        mutex_lock(&c->parts[i].lock);
        used += c->parts[i].used;
        mutex_unlock(&c->parts[i].lock);
    }
    return used;
}
