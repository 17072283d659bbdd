/*
 * Schema changes: numbered .sql files (src/store/migrations/NNNN_name.sql), compiled in, applied in order at start.
 *
 * They are written for both engines; what differs is filled in here:
 *
 *     {id}         the type of a primary key that numbers itself; a number never comes twice, not even after its row
 *                  was deleted
 *     TEXT         text that is compared byte by byte
 *     {clustered}  behind a table: rows are kept in the order of the primary key, where the engine can
 *     {blob}       the type of a column of bytes
 *     {sqlite}     at the start of a line: the line is for SQLite only; so {postgresql}
 *
 * Each is applied in a transaction of its own, and noted in table migrations with a hash of its text (without comments
 * and blanks, which may be mended). A database that holds a change this program does not know, or holds another one
 * under the same number, is refused.
 *
 * Threads: at start only.
 */
#ifndef HEARTH_STORE_MIGRATIONS_H
#define HEARTH_STORE_MIGRATIONS_H

#include "store/tx.h"

struct migration {
    int number;
    const char *name;
    const char *text;
};

/* Applies what is missing. */
bool migrations_apply(struct store_tx *tx, struct store_error *error_out) __attribute__((warn_unused_result));
/* Changes nothing: refuses a database that lacks any. */
bool migrations_check(struct store_tx *tx, struct store_error *error_out) __attribute__((warn_unused_result));
/* The same as migrations_apply() with a list of one's own, in ascending order; for tests. */
bool migrations_apply_list(struct store_tx *tx, const struct migration *list, size_t count,
                           struct store_error *error_out) __attribute__((warn_unused_result));

#endif
