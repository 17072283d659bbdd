#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

void memory_exhausted(size_t size)
{
    fprintf(stderr, "hearth: out of memory: the system refused %zu bytes\n", size);
    abort();
}

void *memory_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        memory_exhausted(size);
    return p;
}

void *memory_calloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) {
        size_t bytes;
        memory_exhausted(__builtin_mul_overflow(count, size, &bytes) ? (size_t)-1 : bytes);
    }
    return p;
}

void *memory_resize(void *p, size_t size)
{
    void *moved = realloc(p, size ? size : 1);
    if (!moved)
        memory_exhausted(size);
    return moved;
}
