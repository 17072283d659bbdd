#include "base/arena.h"

#include "base/memory.h"
#include "base/sanitizer.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const size_t chunk_first = (size_t)16 << 10;
static const size_t chunk_largest = (size_t)1 << 20;
static const size_t alignment = alignof(max_align_t);

/* Small allocations are cut from the top chunk of a stack of chunks. */
struct chunk {
    struct chunk *below;
    size_t base; /* bytes in use in the chunks below */
    size_t cap;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

/* Large ones (all of them under AddressSanitizer) are blocks of their own, newest first. */
struct block {
    struct block *older;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *top;
    struct chunk *spare; /* the largest chunk given back: a mark in a loop must not cost a malloc a round */
    struct block *blocks;
    size_t block_bytes;
};

struct arena *arena_new(void)
{
    return memory_calloc(1, sizeof(struct arena));
}

static size_t next_cap(const struct arena *a)
{
    if (!a->top)
        return chunk_first;
    return a->top->cap < chunk_largest ? a->top->cap * 2 : chunk_largest;
}

static void push_chunk(struct arena *a, size_t size)
{
    struct chunk *c = a->spare;
    if (c && c->cap >= size) {
        a->spare = NULL;
    } else {
        size_t cap = next_cap(a);
        c = memory_alloc(sizeof(*c) + cap);
        c->cap = cap;
    }
    c->base = a->top ? a->top->base + a->top->used : 0;
    c->used = 0;
    c->below = a->top;
    a->top = c;
}

static void pop_chunk(struct arena *a)
{
    struct chunk *c = a->top;
    a->top = c->below;
    if (a->spare && a->spare->cap >= c->cap) {
        free(c);
    } else {
        free(a->spare);
        a->spare = c;
    }
}

static void pop_block(struct arena *a)
{
    struct block *b = a->blocks;
    a->blocks = b->older;
    a->block_bytes -= b->size;
    free(b);
}

/* Rounded up so that the next allocation is aligned too; never 0, so that pointers differ. */
static size_t rounded(size_t size)
{
    if (size > PTRDIFF_MAX - chunk_largest)
        memory_exhausted(size);
    return size ? (size + alignment - 1) & ~(alignment - 1) : alignment;
}

static void *alloc_block(struct arena *a, size_t size)
{
    /* The exact size, not the rounded one: AddressSanitizer then sees a read of the first byte past the end. */
    struct block *b = memory_calloc(1, sizeof(*b) + size);
    b->size = rounded(size);
    b->older = a->blocks;
    a->blocks = b;
    a->block_bytes += b->size;
    return b->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t need = rounded(size);
    if (SANITIZER_ADDRESS)
        return alloc_block(a, size);
    if (!a->top || need > a->top->cap - a->top->used) {
        /* At most a quarter of a chunk is left unused when the next one starts. */
        if (need > next_cap(a) / 4)
            return alloc_block(a, size);
        push_chunk(a, need);
    }
    void *p = a->top->bytes + a->top->used;
    a->top->used += need;
    return memset(p, 0, need);
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        memory_exhausted(SIZE_MAX);
    return arena_alloc(a, bytes);
}

/* Enlarges the newest allocation of the top chunk where it stands; NULL if `old` is not that or there is no room. */
static void *grow_in_place(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    struct chunk *c = a->top;
    size_t held = rounded(old_size);
    if (!c || !old || c->used < held || c->bytes + (c->used - held) != old)
        return NULL;
    size_t offset = c->used - held;
    if (rounded(new_size) > c->cap - offset)
        return NULL;
    c->used = offset + rounded(new_size);
    memset(c->bytes + offset + old_size, 0, c->used - offset - old_size);
    return c->bytes + offset;
}

void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    assert(new_size >= old_size);
    void *p = grow_in_place(a, old, old_size, new_size);
    if (p)
        return p;
    p = arena_alloc(a, new_size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

struct arena_mark arena_mark(struct arena *a)
{
    return (struct arena_mark){.chunk = a->top, .used = a->top ? a->top->used : 0, .block = a->blocks};
}

void arena_release(struct arena *a, struct arena_mark mark)
{
    while (a->blocks != mark.block) {
        assert(a->blocks);
        pop_block(a);
    }
    while (a->top != mark.chunk) {
        assert(a->top);
        pop_chunk(a);
    }
    if (a->top) {
        assert(mark.used <= a->top->used);
        a->top->used = mark.used;
    }
}

void arena_reset(struct arena *a)
{
    arena_release(a, (struct arena_mark){.chunk = NULL});
}

void arena_free(struct arena **a)
{
    if (!*a)
        return;
    arena_reset(*a);
    free((*a)->spare);
    free(*a);
    *a = NULL;
}

size_t arena_held(const struct arena *a)
{
    size_t held = sizeof(*a) + a->block_bytes + (a->spare ? sizeof(*a->spare) + a->spare->cap : 0);
    for (const struct chunk *c = a->top; c; c = c->below)
        held += sizeof(*c) + c->cap;
    return held;
}

size_t arena_used(const struct arena *a)
{
    return (a->top ? a->top->base + a->top->used : 0) + a->block_bytes;
}
