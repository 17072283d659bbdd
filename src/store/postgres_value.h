/*
 * Values on their way to and from PostgreSQL, in its binary format.
 *
 * PostgreSQL takes valid UTF-8 without NUL as TEXT, and this program's strings are any bytes: JSON of strangers may
 * hold U+0000, and so may a percent-decoded path. So that no aggregate has to think of it, TEXT is escaped on the way
 * in and unescaped on the way out:
 *
 *     NUL                      01 01
 *     01                       01 02
 *     a byte of no character   01 1x 1y   with x and y its two halves
 *
 * All other text, which is nearly all there is, stands as it is. Equal stays equal, and the order of bytes stays the
 * order of bytes, but for text that is no UTF-8.
 *
 * Threads: all functions are pure.
 */
#ifndef HEARTH_STORE_POSTGRES_VALUE_H
#define HEARTH_STORE_POSTGRES_VALUE_H

#include "base/str.h"

/* The escaped text, malloc'ed; p == NULL if the text can stand as it is. */
struct str postgres_text_escape(struct str text);
/* Unescapes in place; the new length. */
size_t postgres_text_unescape(char *p, size_t n);

void postgres_put_i64(int64_t value, char out[8]);

/* Types of columns, by the numbers that pg_type has for them. */
enum postgres_type {
    POSTGRES_BOOL = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_INT2 = 21,
    POSTGRES_INT4 = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_NUMERIC = 1700, /* what sum() of int8 is */
};

/* The whole part of a number; false if the type is none of the above, or the number is out of range. */
bool postgres_integer(unsigned type, struct str cell, int64_t *out) __attribute__((warn_unused_result));

#endif
