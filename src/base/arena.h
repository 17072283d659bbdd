/*
 * Arenas: memory that lives as long as one request or one job, and is freed at once.
 *
 *     struct arena *a = arena_new();      every allocation of the request comes from here
 *     struct arena_mark m = arena_mark(a);
 *     ... temporaries ...
 *     arena_release(a, m);                gives back what was allocated since the mark
 *     arena_free(&a);                     gives back everything
 *
 * Memory comes zeroed. Allocation never returns NULL: input from strangers is limited before it reaches an arena, so
 * running out of memory is the machine's failure, and the program stops with a message. A pointer into an arena is
 * never stored in anything that outlives it.
 *
 * Under AddressSanitizer each allocation is a malloc of its own, so that reads past one end are seen.
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef HEARTH_BASE_ARENA_H
#define HEARTH_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* A point in an arena's history; the members are arena.c's business. */
struct arena_mark {
    void *chunk;
    size_t used;
    void *block;
};

struct arena *arena_new(void);
/* Accepts NULL; sets *a to NULL. */
void arena_free(struct arena **a);
/* Forgets all allocations and keeps one chunk for reuse. */
void arena_reset(struct arena *a);

/* `size` bytes, zeroed, aligned for any type. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));
/* `count` times `size` bytes, zeroed; the product is checked for overflow. */
void *arena_calloc(struct arena *a, size_t count, size_t size) __attribute__((malloc, returns_nonnull));
#define ARENA_NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_calloc((a), (count), sizeof(type)))
/* A larger copy of an array: `old_size` bytes are kept, the rest is zeroed. The last allocation is enlarged in place,
 * so use the old pointer no more. `new_size` is not below `old_size`; `old` may be NULL if `old_size` is 0. */
void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size) __attribute__((returns_nonnull));

struct arena_mark arena_mark(struct arena *a);
/* Marks are released in reverse order; releasing one also ends those taken after it. */
void arena_release(struct arena *a, struct arena_mark mark);
/* Bytes handed out and not given back, each allocation rounded up to 16. */
size_t arena_used(const struct arena *a);
/* Bytes that the arena itself has taken from the system, used or not. */
size_t arena_held(const struct arena *a);

#endif
