#include "base/buf.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t first_cap = 64;
static const size_t metered_large = (size_t)1 << 20;

void buf_init(struct buf *b, size_t max)
{
    /* So that no sum of a length and a small number can overflow. */
    *b = (struct buf){.max = max < PTRDIFF_MAX / 4 ? max : PTRDIFF_MAX / 4};
}

void buf_init_metered(struct buf *b, size_t max, struct buf_meter *meter)
{
    buf_init(b, max);
    b->meter = meter;
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->overflow = false;
}

static bool enlarge(struct buf *b, size_t need)
{
    bool careful = b->meter && b->cap >= metered_large;
    size_t cap = b->cap + (careful ? b->cap / 4 : b->cap);
    cap = cap > first_cap ? cap : first_cap;
    cap = cap < b->max ? cap : b->max;
    cap = cap > need ? cap : need;
    if (b->meter && !b->meter->take(b->meter, cap))
        return false;
    b->p = memory_resize(b->p, cap);
    b->cap = cap;
    return true;
}

/* Room for `n` bytes of content and `slack` bytes that will not count. */
static bool make_room(struct buf *b, size_t n, size_t slack)
{
    if (b->overflow || n > b->max - b->n) {
        b->overflow = true;
        return false;
    }
    if (n + slack > b->cap - b->n && !enlarge(b, b->n + n + slack)) {
        b->overflow = true;
        return false;
    }
    return true;
}

void buf_add_bytes(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !make_room(b, n, 0))
        return;
    assert((uintptr_t)p + n <= (uintptr_t)b->p || (uintptr_t)p >= (uintptr_t)b->p + b->cap);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
    buf_add_bytes(b, s.p, s.n);
}

void buf_add_char(struct buf *b, char c)
{
    if (make_room(b, 1, 0))
        b->p[b->n++] = c;
}

static void add_number(struct buf *b, bool negative, uint64_t magnitude)
{
    char text[20]; /* UINT64_MAX, or a sign and 19 digits */
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative)
        text[--at] = '-';
    buf_add_bytes(b, text + at, sizeof(text) - at);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    add_number(b, false, v);
}

void buf_add_i64(struct buf *b, int64_t v)
{
    add_number(b, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vfmt(b, fmt, ap);
    va_end(ap);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
    va_list measured;
    va_copy(measured, ap);
    int n = vsnprintf(NULL, 0, fmt, measured);
    va_end(measured);
    assert(n >= 0);
    /* vsnprintf ends with a NUL, which is not content. */
    if (!make_room(b, (size_t)n, 1))
        return;
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    b->n += (size_t)n;
}

char *buf_reserve(struct buf *b, size_t n)
{
    /* One byte of slack, so that a reservation of nothing gives a pointer too. */
    return make_room(b, n, 1) ? b->p + b->n : NULL;
}

char *buf_take(struct buf *b, size_t *size_out)
{
    assert(!b->overflow);
    char *p = b->p;
    *size_out = b->n;
    if (b->n == 0) {
        free(p);
        p = NULL;
    }
    *b = (struct buf){.max = b->max};
    return p;
}
