/*
 * Statements: what the aggregates of this folder talk to the database with.
 *
 *     static const struct sql select_user = SQL("SELECT user_nid FROM users WHERE user_id = $1");
 *     struct sql_cursor c;
 *     sql_query(tx, &select_user, &c, SQL_TEXT(user_id));
 *     if (sql_next(&c))
 *         nid = sql_int(&c, 0);
 *     sql_end(&c);
 *
 * Each statement is written once, in the common subset of SQLite and PostgreSQL, is prepared once a connection and
 * found again by the address of its struct sql, which therefore is static. $1 is the first value, wherever and however
 * often it stands in the text. Nothing outside src/store includes this file.
 *
 * Errors are sticky in the transaction (store.h): sql_next answers false, values are 0 and empty. A statement that
 * breaks a UNIQUE or CHECK rule fails its transaction like any other failure: where that may happen, write ON CONFLICT.
 *
 * TEXT may hold any bytes, compares byte by byte, and never equals a blob. A sum is 64 bits. Rows come as they are
 * read, on PostgreSQL too, unless another statement of the same transaction is run meanwhile: then the rest of them is
 * kept in memory. What may be many rows is read to its end first, or in parts with LIMIT.
 *
 * Threads: as the transaction.
 */
#ifndef HEARTH_STORE_SQL_H
#define HEARTH_STORE_SQL_H

#include "store/store.h"

struct sql {
    const char *text;
};
#define SQL(statement)                                                                                                 \
    {                                                                                                                  \
        statement                                                                                                      \
    }

enum sql_type { SQL_TYPE_NULL, SQL_TYPE_INT, SQL_TYPE_TEXT, SQL_TYPE_BLOB };

struct sql_value {
    enum sql_type type;
    int64_t i;
    struct str s;
};
#define SQL_INT(v)  ((struct sql_value){.type = SQL_TYPE_INT, .i = (int64_t)(v)})
#define SQL_TEXT(v) ((struct sql_value){.type = SQL_TYPE_TEXT, .s = (v)})
#define SQL_BLOB(v) ((struct sql_value){.type = SQL_TYPE_BLOB, .s = (v)})
#define SQL_NULL    ((struct sql_value){.type = SQL_TYPE_NULL})
/* NULL for a slice whose p is NULL. */
#define SQL_TEXT_OR_NULL(v) sql_text_or_null(v)
static inline struct sql_value sql_text_or_null(struct str s)
{
    return s.p ? SQL_TEXT(s) : SQL_NULL;
}
/* NULL for 0, which no row has as its number. */
#define SQL_INT_OR_NULL(v) sql_int_or_null(v)
static inline struct sql_value sql_int_or_null(int64_t i)
{
    return i ? SQL_INT(i) : SQL_NULL;
}

/* The most values a statement may take. */
#define SQL_MAX_VALUES 32

struct sql_cursor {
    struct store_tx *tx;
    void *stmt;
};

/* Binds the values ($1 is the first; the text must use as many as are given, asserted) and begins. The cursor must be
 * ended; the same statement must not be queried again before that (asserted). Bound bytes must live until sql_end. */
void sql_query_values(struct store_tx *tx, const struct sql *sql, struct sql_cursor *c, const struct sql_value *values,
                      size_t count);
#define sql_query(tx, sql, cursor, ...)                                                                                \
    sql_query_values((tx), (sql), (cursor), (const struct sql_value[]){__VA_ARGS__},                                   \
                     sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define sql_query0(tx, sql, cursor) sql_query_values((tx), (sql), (cursor), NULL, 0)
/* The next row; false after the last one and on failure. A statement that changes rows and returns some (RETURNING) has
 * changed all of them once the first sql_next has returned. */
bool sql_next(struct sql_cursor *c);
void sql_end(struct sql_cursor *c);

/* The values of the row: 0 is the first column. */
bool sql_is_null(struct sql_cursor *c, int column);
/* 0 for NULL. */
int64_t sql_int(struct sql_cursor *c, int column);
/* Text or blob, copied into the arena; p == NULL for NULL only. */
struct str sql_text(struct sql_cursor *c, int column, struct arena *a);
/* Text or blob where it stands, valid until sql_next or sql_end; p == NULL for NULL only. */
struct str sql_peek(struct sql_cursor *c, int column);

/* Runs a statement that returns no rows; returns how many rows it inserted, updated or deleted (0 on failure). */
int64_t sql_exec_values(struct store_tx *tx, const struct sql *sql, const struct sql_value *values, size_t count);
#define sql_exec(tx, sql, ...)                                                                                         \
    sql_exec_values((tx), (sql), (const struct sql_value[]){__VA_ARGS__},                                              \
                    sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define sql_exec0(tx, sql) sql_exec_values((tx), (sql), NULL, 0)

/* The same, for one whose count of changes nobody wants. It is run before the next statement that is answered, and
 * saves a round trip where the database is another process. If it fails, that one does too, or the job at its end. */
void sql_push_values(struct store_tx *tx, const struct sql *sql, const struct sql_value *values, size_t count);
#define sql_push(tx, sql, ...)                                                                                         \
    sql_push_values((tx), (sql), (const struct sql_value[]){__VA_ARGS__},                                              \
                    sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define sql_push0(tx, sql) sql_push_values((tx), (sql), NULL, 0)

/* Runs a query of which only the first column of the first row is wanted; `otherwise` if there is no row, if it is
 * NULL, and on failure. */
int64_t sql_int_of_values(struct store_tx *tx, const struct sql *sql, int64_t otherwise, const struct sql_value *values,
                          size_t count);
#define sql_int_of(tx, sql, otherwise, ...)                                                                            \
    sql_int_of_values((tx), (sql), (otherwise), (const struct sql_value[]){__VA_ARGS__},                               \
                      sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define sql_int_of0(tx, sql, otherwise) sql_int_of_values((tx), (sql), (otherwise), NULL, 0)

/* Marks the transaction as failed, with a reason for the log: for what the aggregates find wrong themselves. A job that
 * fails so ends as STORE_FAILED and moves the epoch; to refuse what a client asked for, return false instead. */
void sql_fail(struct store_tx *tx, const char *reason);

#endif
