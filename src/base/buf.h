/*
 * Growable byte buffers with a maximum and a sticky error.
 *
 * Every buffer is created with the largest size it may reach. An append beyond it sets `overflow` and appends nothing
 * more: write on, and check once at the end with buf_ok(). The bytes are malloc'ed: take them with buf_take(), or
 * free them with buf_fini().
 *
 * A buffer may have a meter: it is asked before memory is taken, and if it refuses that is an overflow too. A metered
 * buffer that is large grows by a quarter at a time, so that it asks for little more than it needs.
 *
 * Threads: a buffer belongs to one thread at a time.
 */
#ifndef HEARTH_BASE_BUF_H
#define HEARTH_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

/* Stands in the struct of who counts. `take` is told how many bytes the buffer is about to have in all. */
struct buf_meter {
    bool (*take)(struct buf_meter *m, size_t bytes);
};

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool overflow;
    struct buf_meter *meter; /* or NULL */
};

/* An empty buffer that may hold up to `max` bytes; takes no memory until the first append. */
void buf_init(struct buf *b, size_t max);
/* The same with a meter, which lives as long as the buffer; NULL: none. */
void buf_init_metered(struct buf *b, size_t max, struct buf_meter *meter);
void buf_fini(struct buf *b);
static inline bool buf_ok(const struct buf *b)
{
    return !b->overflow;
}
/* What it holds; valid until the next append. */
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}
/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);

/* What is added must not point into the buffer itself. */
void buf_add(struct buf *b, struct str s);
void buf_add_bytes(struct buf *b, const void *p, size_t n);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t v);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for at least `n` more bytes, not yet counted in b->n; NULL on overflow. For writers that fill in place. */
char *buf_reserve(struct buf *b, size_t n);
/* Gives the malloc'ed bytes to the caller (NULL if empty) and leaves an empty buffer. Check buf_ok() first: taking a
 * buffer that has overflowed is a bug. */
char *buf_take(struct buf *b, size_t *size_out);

#endif
