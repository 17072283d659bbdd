/*
 * Slices: the string type of this program.
 *
 * A `struct str` is a pointer and a length, passed by value. It is not NUL-terminated and may hold NUL bytes: JSON
 * from strangers contains "\u0000", and a slice into a request body needs no copy. A slice never owns its bytes; the
 * comment beside it says whose they are (mostly an arena's). NUL-terminated strings exist only at the edge of a
 * library call, made by str_cstr(), which refuses an embedded NUL.
 *
 * Threads: all functions are pure.
 */
#ifndef HEARTH_BASE_STR_H
#define HEARTH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *p;
    size_t n;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same as an initialiser of static data. */
#define STR_INIT(literal)                                                                                              \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

/* The slice of a NUL-terminated string; NULL gives the empty slice. */
struct str str_of(const char *cstr);

bool str_eq(struct str a, struct str b);
/* Equal but for the case of ASCII letters. */
bool str_eq_nocase(struct str a, struct str b);
/* Order by bytes (which is code-point order for UTF-8); <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* The slice from `from` (inclusive) to `to` (exclusive); both are clamped to the length. */
struct str str_slice(struct str s, size_t from, size_t to);
/* Index of the first `c`, or s.n if there is none. */
size_t str_find(struct str s, char c);
/* Index of the first occurrence of `needle`, or s.n. */
size_t str_find_str(struct str s, struct str needle);
/* Cuts at the first `sep`: returns what stands before it and leaves in *rest what follows (empty if there was none). */
struct str str_cut(struct str s, char sep, struct str *rest);
/* Without white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* Decimal integers, whole slice, no sign but a leading '-', no blanks; false if malformed or out of range. */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_u64(struct str s, uint64_t *out);

/* A copy in the arena. */
struct str str_copy(struct arena *a, struct str s);
/* A NUL-terminated copy in the arena; NULL if `s` holds a NUL byte. */
const char *str_cstr(struct arena *a, struct str s);
/* printf into the arena. */
struct str str_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A copy with ASCII letters in lower case. */
struct str str_lower(struct arena *a, struct str s);

/* A well-mixed 64-bit hash, keyed by a secret drawn at process start so that strangers cannot aim collisions. */
uint64_t str_hash(struct str s);
/* SipHash-1-3 under a given key: the same everywhere and always. */
uint64_t str_hash_keyed(const uint64_t key[2], struct str s);

#endif
