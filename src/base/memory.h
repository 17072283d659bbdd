/*
 * malloc that does not fail: for what lives longer than a request and so cannot come from an arena.
 *
 * What strangers can make grow has a limit before it gets here, so running out of memory is the machine's failure:
 * these functions say so on standard error and stop the program. Memory is given back with free().
 *
 * Threads: any.
 */
#ifndef HEARTH_BASE_MEMORY_H
#define HEARTH_BASE_MEMORY_H

#include <stddef.h>

/* `size` bytes, not zeroed. A size of 0 gives a valid pointer. */
void *memory_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull, warn_unused_result));
/* `count` times `size` bytes, zeroed; the product is checked for overflow. */
void *memory_calloc(size_t count, size_t size)
    __attribute__((malloc, alloc_size(1, 2), returns_nonnull, warn_unused_result));
/* realloc(): `p` may be NULL, and is gone afterwards. */
void *memory_resize(void *p, size_t size) __attribute__((alloc_size(2), returns_nonnull, warn_unused_result));
/* The message, then the end; for allocators of libraries that report failure themselves. */
void memory_exhausted(size_t size) __attribute__((noreturn, cold));

#endif
