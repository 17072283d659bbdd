/*
 * A connection to PostgreSQL that stays in libpq's pipeline mode. Private to postgres*.c.
 *
 * What is sent is answered in order, and not waited for until an answer is needed: each thing sent has a slot in the
 * queue of what is to come.
 *
 *     BEGIN | lock | SAVEPOINT | INSERT (pushed) | SELECT | sync        one round trip
 *
 * An error is latched: the first one stands in `error` until the transaction is rolled back. PostgreSQL runs nothing
 * after it up to the next sync, and nothing in the transaction until that is rolled back to a savepoint.
 *
 * A lost connection is made again where a transaction begins. While the database cannot be reached one attempt after
 * the other is made, further and further apart, by whoever wants a connection; in between all fail at once.
 *
 * Threads: a connection belongs to one thread at a time; struct driver_db has a lock.
 */
#ifndef HEARTH_STORE_POSTGRES_CONN_H
#define HEARTH_STORE_POSTGRES_CONN_H

#include "base/map.h"
#include "base/thread.h"
#include "store/driver.h"

#include <libpq-fe.h>

struct driver_db {
    char *url;
    bool create, only_read;
    struct mutex lock; /* guards what follows */
    bool reached;      /* once, by anybody */
    bool trying;       /* somebody tries to connect after a failure */
    int failures;      /* in a row */
    int64_t retry_at_ms;
    char why[400];
};

/* What is to come for one thing sent. */
enum postgres_slot_kind {
    SLOT_COMMAND, /* only whether it went well */
    SLOT_COMMIT,
    SLOT_PUSHED, /* a statement whose outcome is asked for later */
    SLOT_PREPARE,
    SLOT_ROWS,
    SLOT_SYNC,
};

struct postgres_slot {
    enum postgres_slot_kind kind;
    struct driver_stmt *stmt; /* whose it is; SLOT_ROWS: NULL once nobody wants them */
};

enum { POSTGRES_SLOTS = 256 };

struct driver_conn {
    struct driver_db *owner;
    enum driver_role role;
    PGconn *pg;
    bool begun;                /* a transaction, be it only queued */
    bool latched;              /* something failed that was sent in it */
    unsigned pushed;           /* SLOT_PUSHED in the queue */
    int schema;                /* the number of the schema, a part of the lock that writers take */
    struct map_u64 statements; /* by address of struct sql */
    struct driver_stmt *newest, *oldest;
    uint64_t names; /* given to prepared statements so far */
    struct postgres_slot slots[POSTGRES_SLOTS];
    unsigned first, count;
    uint64_t round_trips; /* for measurements */
    char error[400];
};

/* --- postgres_conn.c --- */

struct driver_conn *postgres_connect(struct driver_db *db, enum driver_role role, struct store_error *error_out);
void postgres_disconnect(struct driver_conn *conn);
bool postgres_control(struct driver_conn *conn, enum driver_control what);
bool postgres_script(struct driver_conn *conn, const char *text);

/* Notes that a slot's answer will come. Only after postgres_make_room(). */
void postgres_await(struct driver_conn *conn, enum postgres_slot_kind kind, struct driver_stmt *stmt);
/* Makes sure that `slots` more find place in the queue. */
void postgres_make_room(struct driver_conn *conn, unsigned slots);
/* Sends all that is queued, up to a point behind which errors are no more. */
void postgres_sync(struct driver_conn *conn);
/* Takes a part of the oldest slot's answer; false when there is no more of it, and the slot is gone. */
bool postgres_take_some(struct driver_conn *conn);
/* Takes all answers. */
void postgres_drain(struct driver_conn *conn);
/* Latches an error, if it is the first. */
void postgres_fail(struct driver_conn *conn, const char *why, const char *code, const char *text);
/* The same, of what libpq says of the connection. */
void postgres_fail_conn(struct driver_conn *conn);
/* Whether the connection is gone; then all slots are too. */
bool postgres_lost(struct driver_conn *conn);

/* --- postgres_stmt.c --- */

struct driver_stmt *postgres_start(struct driver_conn *conn, const struct sql *sql, const struct sql_value *values,
                                   size_t count);
bool postgres_push(struct driver_conn *conn, const struct sql *sql, const struct sql_value *values, size_t count);
enum driver_step postgres_step(struct driver_stmt *stmt);
void postgres_finish(struct driver_stmt *stmt);
int64_t postgres_changes(const struct driver_stmt *stmt);
bool postgres_is_null(const struct driver_stmt *stmt, int column);
int64_t postgres_column_integer(const struct driver_stmt *stmt, int column);
struct str postgres_bytes(const struct driver_stmt *stmt, int column);
/* An answer for a statement: what became of preparing it, or some of its rows or its end. */
void postgres_prepared(struct driver_stmt *stmt, bool ok);
void postgres_result(struct driver_stmt *stmt, const PGresult *result);
/* For messages. */
const char *postgres_text_of(const struct driver_stmt *stmt);
/* The connection is a new one, or gone: nothing is prepared. */
void postgres_forget_prepared(struct driver_conn *conn);
void postgres_free_statements(struct driver_conn *conn);

#endif
