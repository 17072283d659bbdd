/*
 * The store: transactions over the database, and nothing about what is stored (that is one file an aggregate).
 *
 *      worker threads                      the writer: one thread at a time
 *      store_write(job) ---- queue ---->   BEGIN; job; job; job; COMMIT (one fsync)
 *           |                                   |
 *           |                                   +---> committed() of each job, in order: change memory
 *           |                                   +---> store_stable_pos() moves
 *           +------ wakes when durable <--------+---> published() of each job, in order: wake others
 *
 * Writing. A write is a job: a function that runs statements in the write transaction. The writer takes all jobs that
 * have queued meanwhile, runs each as if inside a savepoint of its own, and commits them together (group commit).
 * store_wait returns when the job's outcome is on disk. Heavy work (parsing, signatures, authorisation) is done before,
 * never in a job. A job that returns false is rolled back alone. Who waits while nobody writes becomes the writer for
 * one batch; what queues meanwhile is written by a thread of the store.
 *
 * When the database fails, be it one statement (its job fails alone) or the commit (disk full, I/O error: every job of
 * the batch fails), store_epoch() grows: whatever memory had built on uncommitted writes belongs to an older epoch and
 * must be dropped and read again. A job carries the epoch it was built in and is refused in another (0: it builds on
 * nothing in memory). A job that returns false does not move the epoch: it knows that it did, in the writer thread and
 * before any later job runs, so that its owner can mark what was built on it.
 *
 * Reading. store_read_begin gives a snapshot on a pooled connection; readers never wait for writers.
 *
 * Positions. Everything a client can see change gets a position from one stream: store_next_pos() inside a job.
 * store_stable_pos() is the newest position up to which everything is committed, and up to which committed() has put
 * into memory what memory holds: take it first, then begin the read and look at memory. Positions never come twice, not
 * even after a crash (they are reserved in blocks in table meta); after a restart or a failure some never come at all.
 *
 * Several processes may share a PostgreSQL database. Their batches run one after the other, and positions ascend in the
 * order of commits. What a process keeps in memory does not hear of the others' writes by itself: store_others() says
 * that there were some (found out within a second, or with the next batch), and rooms_head_advance() (rooms.h) tells a
 * job whether its room is still what it was built on. Nobody who waits is woken for them.
 *
 * Errors inside a transaction are sticky: statements after the first failure do nothing, and the end says so.
 *
 * Threads: all functions may be called by any thread, except that a transaction belongs to the one that began it, and
 * that jobs and their callbacks must not wait for a job. They run in any thread that waits for one.
 */
#ifndef HEARTH_STORE_STORE_H
#define HEARTH_STORE_STORE_H

#include "base/arena.h"
#include "base/str.h"

struct store;
struct store_tx;

struct store_options {
    const char *path; /* file of an SQLite database, or the postgresql:// URL of one that several processes may share;
                         ":memory:" for tests: a file of its own that is gone after store_close, and is never synced */
    struct str server_name; /* a database of another server_name is refused */
    unsigned readers;       /* connections for reading at most; 0: 32 */
    size_t cache_bytes;     /* for what is remembered of the database in memory; 0: 48 MiB. Half is for nodes of state
                               maps, interned names and users; half for pages of SQLite, on all its connections */
    bool create;            /* make the database if there is none */
    bool only_read;         /* it stays as it is: one that lacks a schema change is refused. No job may write */
};

/* Why something failed, for a person. */
struct store_error {
    char text[512];
    bool busy;    /* another process has the database open: worth another try */
    bool foreign; /* the database is of another server_name or signing key: not worth one before that is mended */
};

enum store_result {
    STORE_OK,
    STORE_ABORTED, /* the job returned false */
    STORE_STALE,   /* the job was built on memory of another epoch, or said so itself: build it again */
    STORE_FAILED /* the database failed; nothing of the job was written, unless PostgreSQL went away during the commit:
                    then it may have been */
};

/* Whether a path is the URL of a PostgreSQL database. */
bool store_is_url(const char *path);
/* What is wrong with such a URL, without a part of it, which may be a password; NULL if it can be tried. */
const char *store_url_complaint(const char *url);

/* Opens or makes the database, applies schema changes unless it is only read. A database newer than the program knows,
 * of another server, or opened by another process is refused. */
bool store_open(const struct store_options *options, struct store **store_out, struct store_error *error_out)
    __attribute__((warn_unused_result));
/* Whether the database, if there is one, may be of this server_name, seen without opening it as a server does: nothing
 * is locked, made or changed. True also where that cannot be told, as with a PostgreSQL database. */
bool store_may_belong(const char *path, struct str server_name, struct store_error *error_out)
    __attribute__((warn_unused_result));
/* Waits for queued jobs, then closes. All reading transactions must have ended (asserted). Accepts NULL. */
void store_close(struct store **store);

/* --- reading --- */

/* Begins to read. The snapshot is that of the first statement, and stays the same until the end. Waits while all
 * connections are taken, so a thread must not begin a second one before it has ended the first. Never NULL: if no
 * connection can be had, the transaction has failed from its start. */
struct store_tx *store_read_begin(struct store *store) __attribute__((returns_nonnull));
/* Ends the snapshot; false if any statement failed (the answers read from it are then worth nothing). Sets *tx NULL. */
bool store_read_end(struct store_tx **tx) __attribute__((warn_unused_result));

/* --- writing --- */

/* Zero what is not set: struct store_job job = {.run = ..., .arg = ...}. The callbacks run in the writer, must be
 * quick, and take no lock that any thread holds while it waits for a job. */
struct store_job {
    bool (*run)(struct store_tx *tx, void *arg);
    void (*committed)(void *arg); /* after the commit, before store_stable_pos() covers it: change memory; or NULL */
    void (*published)(void *arg); /* after store_stable_pos() covers it, before waiters wake: wake others; or NULL */
    void *arg;
    uint64_t epoch; /* store_epoch() when what it builds on was read; 0: any */
    /* private to the store */
    struct store_job *next;
    uint64_t request; /* who submitted it, for the log */
    int state;
    enum store_result result;
};

/* Queues the job, which must stay alive until store_wait has returned. Jobs run in the order in which they queued. */
void store_submit(struct store *store, struct store_job *job);
/* Each submitted job is waited for exactly once, by any thread but the writer's. */
enum store_result store_wait(struct store *store, struct store_job *job) __attribute__((warn_unused_result));
/* Both in one, for a job that builds on nothing in memory. */
enum store_result store_write(struct store *store, bool (*run)(struct store_tx *, void *), void *arg)
    __attribute__((warn_unused_result));

/* Never 0. */
uint64_t store_epoch(const struct store *store);

/* The next position of the stream, above 0; only inside a job. A job may take positions and run no statement (typing):
 * then it costs no fsync. */
int64_t store_next_pos(struct store_tx *tx);
int64_t store_stable_pos(const struct store *store);

/* Grows whenever another process is found to have written to the database, before store_stable_pos() covers what it
 * wrote: what was read into memory before that may be old. 0 for ever on SQLite. */
uint64_t store_others(const struct store *store);

/* Whether other processes may write into the same database. */
bool store_is_shared(const struct store *store);
/* In a job that returns its result: "return store_stale(tx)" undoes the job, which ends as STORE_STALE. */
bool store_stale(struct store_tx *tx) __attribute__((warn_unused_result));

/* An arena that lives as long as the transaction (jobs: as long as run()). */
struct arena *store_tx_arena(struct store_tx *tx) __attribute__((returns_nonnull));
/* Whether a statement has failed so far: for loops that should stop early. */
bool store_tx_failed(const struct store_tx *tx);

#endif
