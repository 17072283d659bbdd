/*
 * TOML, for the configuration file: text in, a tree in the arena out.
 *
 * A thin wall before a C++ library, which is seen nowhere else. Every value knows its line, so that whoever reads the
 * tree can say where a mistake stands. Dates and times, which no option wants, are TOML_OTHER.
 *
 * The file is the operator's own. Its limits (1 MiB, 32 nested values, 16 parts in a dotted key) are there so that
 * the wrong file gives an error and not a crash.
 *
 * Threads: any; a tree may be read by any.
 */
#ifndef HEARTH_CODEC_TOML_H
#define HEARTH_CODEC_TOML_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TOML_SIZE_MAX ((size_t)1 << 20)

enum toml_type { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_OTHER };

struct toml_member;

struct toml_value {
    enum toml_type type;
    unsigned line; /* from 1, as columns; where the value begins */
    unsigned column;
    size_t count; /* of items or members */
    union {
        struct str s; /* may hold NUL bytes */
        int64_t i;
        double f; /* may be an infinity or not a number */
        bool b;
        struct toml_value *items;
        struct toml_member *members; /* in the order of their keys' bytes */
    };
};

struct toml_member {
    struct str key;
    unsigned line; /* of the key */
    struct toml_value value;
};

struct toml_result {
    const struct toml_value *table; /* NULL on error */
    struct str error;               /* what is wrong, in the arena; empty on success */
    unsigned line;                  /* where, from 1; 0 if the text as a whole is wrong */
};

/* Nothing of the tree points into `text`. */
struct toml_result toml_parse(struct arena *a, struct str text);

/* The member's value, or NULL if absent or if `table` is NULL or no table. */
const struct toml_value *toml_get(const struct toml_value *table, struct str key);
/* "table", "array", "string" ... for messages. */
const char *toml_type_name(enum toml_type type);

#ifdef __cplusplus
}
#endif

#endif
