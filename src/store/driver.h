/*
 * The seam between the store and a database engine: what an engine has to offer, as a table of functions.
 *
 *     store.c, writer.c, migrations.c, sql.c   know the table only
 *     sqlite.c, sqlite_file.c                  driver_sqlite
 *     postgres*.c                              driver_postgres
 *
 * A driver knows nothing of jobs, positions or sticky errors: a function that fails says so once, and error() tells the
 * reason. Statements are prepared when first started on a connection and are remembered there by the address of their
 * struct sql.
 *
 * A driver need not do at once what it is told: BEGIN, SAVEPOINT, RELEASE and pushed statements may travel with the
 * next statement whose answer is wanted. What fails of them is reported by that one, or by flush or COMMIT.
 *
 * Threads: a connection and its statements belong to one thread at a time; open, close and connect may be called by
 * any.
 */
#ifndef HEARTH_STORE_DRIVER_H
#define HEARTH_STORE_DRIVER_H

#include "store/sql.h"

/* Half the name of a lock that each process holds, beside others, while it has a shared database open to write; the
 * other half is the schema's number. */
#define STORE_PRESENCE "1215460457"

/* Of the engine. */
struct driver_db;
struct driver_conn;
struct driver_stmt;

enum driver_role { DRIVER_READER, DRIVER_WRITER };
enum driver_step { DRIVER_ROW, DRIVER_DONE, DRIVER_ERROR };

/* What happens to a transaction. The savepoint is the only one, and does not nest. */
enum driver_control {
    DRIVER_BEGIN_READ,
    DRIVER_BEGIN_WRITE,
    DRIVER_COMMIT,
    DRIVER_ROLLBACK,
    DRIVER_SAVEPOINT,
    DRIVER_RELEASE,     /* keeps what was done since the savepoint, and forgets the savepoint */
    DRIVER_ROLLBACK_TO, /* undoes what was done since the savepoint, and forgets it */
};

struct driver {
    /* What stands in the schema changes: lines for this engine only, and its words for TEXT, {id}, {clustered}, {blob}.
     */
    const char *name;
    const char *text;
    const char *id;
    const char *clustered;
    const char *blob;
    /* Gives the space of deleted rows back to the file system: a script for a reader, outside of transactions. */
    const char *compact;
    /* Other processes may write to the database, between any two of our writing transactions. */
    bool shared;

    /* Takes the database; for this process alone, unless it is shared. Options have their defaults filled in. */
    struct driver_db *(*open)(const struct store_options *options, struct store_error *error_out);
    void (*close)(struct driver_db *db);

    /* NULL on failure. At most one writer in this process at a time. A connection that is lost is made again when the
     * next transaction begins. */
    struct driver_conn *(*connect)(struct driver_db *db, enum driver_role role, struct store_error *error_out);
    void (*disconnect)(struct driver_conn *conn);
    /* Gives back memory that only makes the connection faster. */
    void (*shrink)(struct driver_conn *conn);
    /* Housekeeping of the writer, between two batches: their waiters are awake, but for one that ran the batch itself.
     */
    void (*settle)(struct driver_conn *conn);

    /* DRIVER_BEGIN_WRITE waits until nobody writes, in any process. After a COMMIT that has failed nothing of the
     * transaction is there, unless the connection was lost meanwhile: then all of it may be. */
    bool (*control)(struct driver_conn *conn, enum driver_control what);
    /* False when the engine itself has rolled the transaction back (disk full, I/O error, connection lost). */
    bool (*in_transaction)(const struct driver_conn *conn);
    /* Why the last call on this connection failed; valid until the next. */
    const char *(*error)(const struct driver_conn *conn);

    /* Runs several statements, separated by ';', without values. */
    bool (*script)(struct driver_conn *conn, const char *text);

    /* NULL on failure; else the statement is ready for its first step and must be finished. */
    struct driver_stmt *(*start)(struct driver_conn *conn, const struct sql *sql, const struct sql_value *values,
                                 size_t count);
    /* Runs a statement that returns no rows, and whose count of changes nobody wants. False only if it cannot even be
     * sent. */
    bool (*push)(struct driver_conn *conn, const struct sql *sql, const struct sql_value *values, size_t count);
    /* False if something that was pushed has failed. */
    bool (*flush)(struct driver_conn *conn);
    enum driver_step (*step)(struct driver_stmt *stmt);
    void (*finish)(struct driver_stmt *stmt);
    /* After DRIVER_DONE: rows inserted, updated or deleted. */
    int64_t (*changes)(const struct driver_stmt *stmt);
    /* Of the row that step found. Bytes are valid until the next step. */
    bool (*is_null)(const struct driver_stmt *stmt, int column);
    int64_t (*integer)(const struct driver_stmt *stmt, int column);
    struct str (*bytes)(const struct driver_stmt *stmt, int column);
};

extern const struct driver driver_sqlite;
extern const struct driver driver_postgres;

#endif
