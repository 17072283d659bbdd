#include "base/map.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

static const size_t first_cap = 8;

/* At three quarters full the next entry moves to a table of twice the size. */
static bool is_full(size_t count, size_t cap)
{
    return count + 1 > cap / 4 * 3;
}

/*
 * Deletion without tombstones: the entry at `at`, whose hash leads to `home`, may move back into the hole at `hole`
 * unless its home lies between them (cyclically), in which case searches for it start behind the hole.
 */
static bool may_fill(size_t hole, size_t at, size_t home, size_t mask)
{
    return ((at - home) & mask) >= ((at - hole) & mask);
}

/* The finalizer of MurmurHash3: keys are our own numbers, mostly consecutive, and need spreading but no secret. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

void map_u64_init(struct map_u64 *m)
{
    *m = (struct map_u64){.slots = NULL};
}

void map_u64_fini(struct map_u64 *m)
{
    free(m->slots);
    map_u64_init(m);
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_u64_slot *find_u64(const struct map_u64 *m, uint64_t key)
{
    size_t i = mix(key) & (m->cap - 1);
    while (m->slots[i].value && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static void grow_u64(struct map_u64 *m)
{
    struct map_u64 larger = {.cap = m->cap ? m->cap * 2 : first_cap, .count = m->count};
    larger.slots = memory_calloc(larger.cap, sizeof(*larger.slots));
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value)
            *find_u64(&larger, m->slots[i].key) = m->slots[i];
    }
    free(m->slots);
    *m = larger;
}

void *map_u64_get(const struct map_u64 *m, uint64_t key)
{
    return m->count ? find_u64(m, key)->value : NULL;
}

void *map_u64_put(struct map_u64 *m, uint64_t key, void *value)
{
    assert(value);
    struct map_u64_slot *slot = m->cap ? find_u64(m, key) : NULL;
    if (slot && slot->value) {
        void *before = slot->value;
        slot->value = value;
        return before;
    }
    if (is_full(m->count, m->cap)) {
        grow_u64(m);
        slot = find_u64(m, key);
    }
    assert(slot);
    *slot = (struct map_u64_slot){.key = key, .value = value};
    m->count++;
    return NULL;
}

void *map_u64_remove(struct map_u64 *m, uint64_t key)
{
    struct map_u64_slot *found = m->count ? find_u64(m, key) : NULL;
    if (!found || !found->value)
        return NULL;
    void *value = found->value;
    size_t mask = m->cap - 1;
    size_t hole = (size_t)(found - m->slots);
    for (size_t at = (hole + 1) & mask; m->slots[at].value; at = (at + 1) & mask) {
        if (may_fill(hole, at, mix(m->slots[at].key) & mask, mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_u64_slot){.value = NULL};
    m->count--;
    return value;
}

void *map_u64_next(const struct map_u64 *m, size_t *index)
{
    while (*index < m->cap) {
        void *value = m->slots[(*index)++].value;
        if (value)
            return value;
    }
    return NULL;
}

void map_str_init(struct map_str *m)
{
    *m = (struct map_str){.slots = NULL};
}

void map_str_fini(struct map_str *m)
{
    free(m->slots);
    map_str_init(m);
}

static struct map_str_slot *find_str(const struct map_str *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].value && !(m->slots[i].hash == hash && str_eq(m->slots[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static void grow_str(struct map_str *m)
{
    struct map_str larger = {.cap = m->cap ? m->cap * 2 : first_cap, .count = m->count};
    larger.slots = memory_calloc(larger.cap, sizeof(*larger.slots));
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value)
            *find_str(&larger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    }
    free(m->slots);
    *m = larger;
}

void *map_str_get(const struct map_str *m, struct str key)
{
    return m->count ? find_str(m, key, str_hash(key))->value : NULL;
}

void *map_str_put(struct map_str *m, struct str key, void *value)
{
    assert(value);
    uint64_t hash = str_hash(key);
    struct map_str_slot *slot = m->cap ? find_str(m, key, hash) : NULL;
    void *before = slot ? slot->value : NULL;
    if (!before) {
        if (is_full(m->count, m->cap)) {
            grow_str(m);
            slot = find_str(m, key, hash);
        }
        m->count++;
    }
    assert(slot);
    /* The key too: the bytes of the old one may go with the old value. */
    *slot = (struct map_str_slot){.key = key, .hash = hash, .value = value};
    return before;
}

void *map_str_remove(struct map_str *m, struct str key)
{
    struct map_str_slot *found = m->count ? find_str(m, key, str_hash(key)) : NULL;
    if (!found || !found->value)
        return NULL;
    void *value = found->value;
    size_t mask = m->cap - 1;
    size_t hole = (size_t)(found - m->slots);
    for (size_t at = (hole + 1) & mask; m->slots[at].value; at = (at + 1) & mask) {
        if (may_fill(hole, at, m->slots[at].hash & mask, mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_str_slot){.value = NULL};
    m->count--;
    return value;
}

void *map_str_next(const struct map_str *m, size_t *index)
{
    while (*index < m->cap) {
        void *value = m->slots[(*index)++].value;
        if (value)
            return value;
    }
    return NULL;
}
