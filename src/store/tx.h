/*
 * What a transaction and a store are made of. Private to the files that make them (store.c, writer.c, tx.c, sql.c,
 * migrations.c) and to the caches of this folder; aggregates include sql.h only.
 *
 * A transaction begins at its first statement. One that writes is the batch of the writer thread: jobs run in it one
 * after the other, and a savepoint is set at a job's first statement if something would be lost by rolling all back.
 *
 * Threads: a transaction belongs to one thread. What struct store holds says itself how it is guarded.
 */
#ifndef HEARTH_STORE_TX_H
#define HEARTH_STORE_TX_H

#include "base/thread.h"
#include "store/driver.h"

struct row_cache;
struct writer;

/* Something to be done once the current batch is committed; dropped if its job or the batch is rolled back. */
struct tx_pending {
    struct tx_pending *next;
    void (*apply)(struct store *store, void *entry);
    void *entry; /* malloc'ed; freed after apply, or instead of it */
};

struct store_tx {
    struct store *store;
    const struct driver *driver;
    struct driver_conn *conn; /* NULL: none could be had */
    struct arena *arena;      /* made when first asked for */
    struct store_tx *next;    /* in the pool of idle readers */
    int64_t idle_since_ms;
    bool writing;
    bool begun;
    bool failed;
    bool stale;       /* the job that runs says so */
    unsigned cursors; /* open ones */
    char reason[400]; /* of the first failure */

    /* the writer's */
    struct writer *writer;          /* NULL while the store is being opened */
    bool want_savepoint;            /* what the batch did before this job must survive the job's failure */
    bool savepoint;                 /* and the savepoint is set */
    struct tx_pending *pending;     /* of the jobs that the batch keeps, newest first */
    struct tx_pending *job_pending; /* of the job that runs, newest first */
};

struct store {
    const struct driver *driver;
    struct driver_db *db;
    bool only_read;

    struct mutex lock; /* guards the pool, and the next two */
    char said[400];    /* why a transaction has failed, as the log has it */
    int64_t said_ms;
    struct cond returned;
    struct store_tx *idle; /* newest first */
    unsigned open;         /* connections, idle or not */
    unsigned readers;

    struct writer *writer;

    struct row_cache *state_nodes; /* state_map.c */
    struct row_cache *state_keys;  /* state_keys.c */
    struct row_cache *users;       /* users.c */
};

/* Makes sure that the transaction has begun; false if it has failed. */
bool tx_begin(struct store_tx *tx) __attribute__((warn_unused_result));
/* Ends it. After a failed commit nothing of it is left. All cursors must have ended (asserted). */
bool tx_commit(struct store_tx *tx) __attribute__((warn_unused_result));
void tx_rollback(struct store_tx *tx);
/* Marks it as failed because of `reason`, and logs that. */
void tx_fail(struct store_tx *tx, const char *reason);
/* Why the last one failed, for people; the log has the statement too. */
void tx_say(const struct store_tx *tx, const char *what, struct store_error *error_out);

/* How many other processes have the database open. Writing transactions only. */
int64_t tx_sharers(struct store_tx *tx);
/* Waits for what was pushed (sql_push); the transaction has failed if that did. */
void tx_flush(struct store_tx *tx);

/* The bounds of a job in the batch. The end keeps or undoes what the job did; false if the whole batch was lost. */
void tx_job_begin(struct store_tx *tx);
bool tx_job_end(struct store_tx *tx, bool keep) __attribute__((warn_unused_result));

/* Has `apply` called by the writer thread once this job is committed. Takes `entry`. */
void tx_after_commit(struct store_tx *tx, void (*apply)(struct store *store, void *entry), void *entry);

/* Gives back memory and connections that have not been used for a while; called by the writer thread when idle. */
void store_trim(struct store *store);

#endif
