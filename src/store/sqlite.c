/*
 * The driver for SQLite (driver.h): write-ahead log, every commit synced, one writer, many readers.
 *
 * Checkpoints copy the log back into the database. A checkpoint in the writer would hold up every commit behind some
 * thousand random writes, so a thread of its own does it (passive: it takes no lock a writer wants). Only the tail that
 * was written meanwhile is left to the writer, between two batches, which lets the log start over from its beginning.
 */
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/driver.h"
#include "store/sqlite_file.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prepared statements a connection remembers: some KiB each. */
static const size_t statements_max = 128;
/* With fewer pages, what a statement needs at once is read twice. */
static const size_t pages_least_kib = 64;
/* A checkpoint is due when the log has grown by so many pages (16 MiB). */
static const int checkpoint_pages = 4096;
/* How long a commit may be held up for readers that keep the log from starting over. */
static const int restart_wait_ms = 20;
/* How long to wait for a lock of another process (the sqlite3 shell). */
static const int busy_ms = 10000;

/* SQLITE_FILE_MARK as a number. */
#define APPLICATION_ID "1215460456"

#define READER_SETUP "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;"
/* secure_delete: what was redacted or deleted is overwritten where that costs no further write. */
#define WRITER_SETUP "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST;"

struct checkpointer {
    struct thread thread;
    struct mutex lock; /* guards what follows */
    struct cond wake;
    bool wanted;
    bool done; /* the thread has finished what was wanted */
    bool stop;
    struct driver_conn *conn; /* of the thread, made when first needed */
};

struct driver_db {
    struct sqlite_file file;
    bool only_read;
    size_t reader_kib, writer_kib; /* pages that a connection may remember */
    struct checkpointer checkpointer;
};

struct driver_stmt {
    struct driver_conn *conn;
    const struct sql *sql;
    sqlite3_stmt *stmt;
    struct driver_stmt *newer, *older; /* in order of use */
    int values;                        /* how many it takes */
    bool in_use;
    unsigned char value_of[SQL_MAX_VALUES]; /* which value SQLite's n-th parameter is */
};

struct driver_conn {
    struct driver_db *owner;
    sqlite3 *db;
    struct map_u64 statements; /* by address of struct sql */
    struct driver_stmt *newest, *oldest;
    int wal_pages;     /* in the log after the last commit */
    int checkpoint_at; /* so many pages make the next checkpoint due */
    char error[400];   /* of the last call that failed */
};

/* --- connections --- */

static bool fail(struct driver_conn *c, const char *text)
{
    snprintf(c->error, sizeof c->error, "%s (%d)%s%s", sqlite3_errmsg(c->db), sqlite3_extended_errcode(c->db),
             text ? " in: " : "", text ? text : "");
    return false;
}

static bool run_script(struct driver_conn *c, const char *text)
{
    return sqlite3_exec(c->db, text, NULL, NULL, NULL) == SQLITE_OK || fail(c, NULL);
}

static int remember_wal_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct driver_conn *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static int pragma_int(struct driver_conn *c, const char *query)
{
    sqlite3_stmt *stmt = NULL;
    int found = -1;
    if (sqlite3_prepare_v2(c->db, query, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        found = sqlite3_column_int(stmt, 0);
    else
        fail(c, NULL);
    sqlite3_finalize(stmt);
    return found;
}

/* Marks a new file as ours, and leaves the databases of others alone. */
static bool claim(struct driver_conn *c)
{
    int id = pragma_int(c, "PRAGMA application_id");
    int tables = pragma_int(c, "SELECT count(*) FROM sqlite_schema");
    if (id < 0 || tables < 0)
        return false;
    if (tables == 0 && c->owner->only_read) {
        snprintf(c->error, sizeof c->error, "it is empty");
        return false;
    }
    if (id == 0 && tables == 0)
        return run_script(c, "PRAGMA application_id = " APPLICATION_ID);
    if (id == atoi(APPLICATION_ID))
        return true;
    snprintf(c->error, sizeof c->error, "it is not a database of Hearth");
    return false;
}

/* SQLite answers with the mode it keeps: where there is no shared memory (some network file systems) that is another
 * one, in which readers and the writer wait for each other. */
static bool use_wal(struct driver_conn *c)
{
    static const char query[] = "PRAGMA journal_mode = WAL";
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(c->db, query, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW) {
        fail(c, NULL);
        sqlite3_finalize(stmt);
        return false;
    }
    const char *mode = (const char *)sqlite3_column_text(stmt, 0);
    bool wal = mode && strcmp(mode, "wal") == 0;
    if (!wal)
        snprintf(c->error, sizeof c->error, "the file system of its folder does not support WAL (it is \"%s\")",
                 mode ? mode : "");
    sqlite3_finalize(stmt);
    return wal;
}

static bool remember_pages(struct driver_conn *c, size_t kib)
{
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA cache_size = -%zu", kib);
    return run_script(c, pragma);
}

static bool set_up(struct driver_conn *c, enum driver_role role)
{
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, busy_ms);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    /* Readers sync too: one of them makes the checkpoints. */
    if (!run_script(c, c->owner->file.folder ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL"))
        return false;
    if (!remember_pages(c, role == DRIVER_READER ? c->owner->reader_kib : c->owner->writer_kib))
        return false;
    if (role == DRIVER_READER)
        return run_script(c, READER_SETUP);
    sqlite3_wal_hook(c->db, remember_wal_pages, c);
    if (c->owner->only_read) /* in whatever mode its file is */
        return claim(c) && run_script(c, READER_SETUP);
    return claim(c) && use_wal(c) && run_script(c, WRITER_SETUP);
}

static void sqlite_disconnect(struct driver_conn *c)
{
    while (c->newest) {
        struct driver_stmt *s = c->newest;
        assert(!s->in_use);
        c->newest = s->older;
        sqlite3_finalize(s->stmt);
        free(s);
    }
    map_u64_fini(&c->statements);
    int rc = sqlite3_close(c->db);
    assert(rc == SQLITE_OK);
    free(c);
}

static struct driver_conn *sqlite_connect(struct driver_db *db, enum driver_role role, struct store_error *error)
{
    struct driver_conn *c = memory_calloc(1, sizeof *c);
    c->owner = db;
    c->checkpoint_at = checkpoint_pages;
    map_u64_init(&c->statements);
    int rc = sqlite3_open_v2(db->file.path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!c->db)
        memory_exhausted(sizeof *c);
    if ((rc == SQLITE_OK || fail(c, NULL)) && set_up(c, role))
        return c;
    snprintf(error->text, sizeof error->text, "cannot open the database %s: %s", db->file.path, c->error);
    sqlite_disconnect(c);
    return NULL;
}

static void sqlite_shrink(struct driver_conn *c)
{
    (void)sqlite3_db_release_memory(c->db);
}

/* --- checkpoints --- */

/* Copies what no reader's snapshot forbids. Another one at work is no failure. */
static bool checkpoint(struct driver_conn *c, int mode, bool *complete_out)
{
    int in_log = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, mode, &in_log, &copied);
    *complete_out = rc == SQLITE_OK && copied == in_log;
    return rc == SQLITE_OK || rc == SQLITE_BUSY || fail(c, "checkpoint");
}

/* SQLite syncs the database only when it has copied the whole log, which is the writer's tail: sync before that, or the
 * tail waits for what all the rest has left to be written. If it fails, the tail fails too. */
static void sync_database(struct driver_conn *c)
{
    sqlite3_file *file = NULL;
    if (!c->owner->file.folder && sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
        file)
        (void)file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* Twice: the second round is short, and leaves less to the writer. */
static bool copy_most(struct driver_conn *c)
{
    for (int round = 0; round < 2; round++) {
        bool complete; /* as far as the log reached at the start */
        if (!checkpoint(c, SQLITE_CHECKPOINT_PASSIVE, &complete))
            return false;
        sync_database(c);
    }
    return true;
}

static void copy_back(struct driver_db *db)
{
    struct checkpointer *cp = &db->checkpointer;
    struct store_error error = {.text = ""};
    if (!cp->conn)
        cp->conn = sqlite_connect(db, DRIVER_READER, &error);
    /* A connection knows of the log once it has read something; before that it finds nothing to copy. */
    if (cp->conn && (!run_script(cp->conn, "SELECT count(*) FROM sqlite_schema") || !copy_most(cp->conn)))
        snprintf(error.text, sizeof error.text, "%s", cp->conn->error);
    if (*error.text)
        log_warn("the database's log cannot be copied back; it grows until it can", LOG_CSTR("reason", error.text));
}

static void checkpoint_thread(void *arg)
{
    struct driver_db *db = arg;
    struct checkpointer *cp = &db->checkpointer;
    mutex_lock(&cp->lock);
    while (!cp->stop) {
        if (!cp->wanted) {
            cond_wait(&cp->wake, &cp->lock);
            continue;
        }
        mutex_unlock(&cp->lock);
        copy_back(db);
        mutex_lock(&cp->lock);
        cp->wanted = false;
        cp->done = true;
    }
    mutex_unlock(&cp->lock);
    if (cp->conn)
        sqlite_disconnect(cp->conn);
}

/* Between two batches: asks for a checkpoint when one is due, and finishes the one that was asked for. */
static void sqlite_settle(struct driver_conn *c)
{
    if (c->wal_pages < c->checkpoint_at)
        return;
    struct checkpointer *cp = &c->owner->checkpointer;
    mutex_lock(&cp->lock);
    bool finish = cp->done;
    cp->done = false;
    if (!finish && !cp->wanted) {
        cp->wanted = true;
        cond_signal(&cp->wake);
    }
    mutex_unlock(&cp->lock);
    if (!finish)
        return;
    bool complete = false;
    /* The log starts over only at a moment when nobody reads from it, which under load never comes by itself. Who
     * begins to read once all is copied reads from the database, so those who began before are waited for. */
    sqlite3_busy_timeout(c->db, restart_wait_ms);
    if (!checkpoint(c, SQLITE_CHECKPOINT_RESTART, &complete))
        log_warn("the database's log cannot be copied back", LOG_CSTR("reason", c->error));
    sqlite3_busy_timeout(c->db, busy_ms);
    /* A reader that takes longer keeps the log from starting over: try again when it has grown further. */
    c->checkpoint_at = checkpoint_pages + (complete ? 0 : c->wal_pages);
    c->wal_pages = 0;
}

static bool checkpointer_start(struct driver_db *db, struct store_error *error)
{
    struct checkpointer *cp = &db->checkpointer;
    mutex_init(&cp->lock);
    cond_init(&cp->wake);
    if (thread_start(&cp->thread, "db-checkpoint", 0, checkpoint_thread, db))
        return true;
    snprintf(error->text, sizeof error->text, "cannot start the thread that copies the database's log back");
    cond_fini(&cp->wake);
    mutex_fini(&cp->lock);
    return false;
}

static void checkpointer_stop(struct checkpointer *cp)
{
    mutex_lock(&cp->lock);
    cp->stop = true;
    cond_signal(&cp->wake);
    mutex_unlock(&cp->lock);
    thread_join(&cp->thread);
    cond_fini(&cp->wake);
    mutex_fini(&cp->lock);
}

/* --- the database --- */

static void configure_library(void)
{
    /* Counting every allocation under one lock costs more than the count is worth. Too late if a test was first. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Half of the memory for what is remembered is for pages: a quarter of that for the writer, which touches every index,
 * and the rest for the readers and the thread that makes checkpoints. */
static void share_memory(struct driver_db *db, const struct store_options *options)
{
    size_t kib = options->cache_bytes / 2 / 1024;
    db->writer_kib = kib / 4 > pages_least_kib ? kib / 4 : pages_least_kib;
    db->reader_kib = kib / 4 * 3 / (options->readers + 1);
    if (db->reader_kib < pages_least_kib)
        db->reader_kib = pages_least_kib;
}

static struct driver_db *sqlite_open(const struct store_options *options, struct store_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure_library);

    struct driver_db *db = memory_calloc(1, sizeof *db);
    db->only_read = options->only_read;
    share_memory(db, options);
    if (sqlite_file_take(options, &db->file, error)) {
        if (checkpointer_start(db, error))
            return db;
        sqlite_file_release(&db->file);
    }
    free(db);
    return NULL;
}

static void sqlite_close(struct driver_db *db)
{
    checkpointer_stop(&db->checkpointer);
    sqlite_file_release(&db->file);
    free(db);
}

/* --- statements --- */

static void unlink_stmt(struct driver_stmt *s)
{
    struct driver_conn *c = s->conn;
    *(s->newer ? &s->newer->older : &c->newest) = s->older;
    *(s->older ? &s->older->newer : &c->oldest) = s->newer;
}

static void link_newest(struct driver_stmt *s)
{
    struct driver_conn *c = s->conn;
    s->newer = NULL;
    s->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = s;
    c->newest = s;
}

static void drop_oldest(struct driver_conn *c)
{
    struct driver_stmt *s = c->oldest;
    while (s && s->in_use)
        s = s->newer;
    if (!s)
        return;
    unlink_stmt(s);
    map_u64_remove(&c->statements, (uint64_t)(uintptr_t)s->sql);
    sqlite3_finalize(s->stmt);
    free(s);
}

/* SQLite takes $2 for a name and numbers parameters as it meets them. */
static void number_parameters(struct driver_stmt *s)
{
    int n = sqlite3_bind_parameter_count(s->stmt);
    assert(n <= SQL_MAX_VALUES);
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i + 1);
        assert(name && *name == '$');
        int value = atoi(name + 1);
        assert(value >= 1 && value <= SQL_MAX_VALUES);
        s->value_of[i] = (unsigned char)(value - 1);
        if (s->values < value)
            s->values = value;
    }
    assert(s->values == n); /* none left out */
}

static struct driver_stmt *prepare(struct driver_conn *c, const struct sql *sql)
{
    struct driver_stmt *s = memory_calloc(1, sizeof *s);
    int rc = sqlite3_prepare_v3(c->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    if (rc != SQLITE_OK) {
        fail(c, sql->text);
        free(s);
        return NULL;
    }
    s->conn = c;
    s->sql = sql;
    number_parameters(s);
    if (c->statements.count >= statements_max)
        drop_oldest(c);
    map_u64_put(&c->statements, (uint64_t)(uintptr_t)sql, s);
    link_newest(s);
    return s;
}

static int bind(sqlite3_stmt *stmt, int index, const struct sql_value *v)
{
    const char *p = v->s.p ? v->s.p : ""; /* a NULL pointer would bind NULL */
    switch (v->type) {
    case SQL_TYPE_NULL:
        return sqlite3_bind_null(stmt, index);
    case SQL_TYPE_INT:
        return sqlite3_bind_int64(stmt, index, v->i);
    case SQL_TYPE_TEXT:
        return sqlite3_bind_text64(stmt, index, p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_TYPE_BLOB:
        return sqlite3_bind_blob64(stmt, index, p, v->s.n, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static struct driver_stmt *sqlite_start(struct driver_conn *c, const struct sql *sql, const struct sql_value *values,
                                        size_t count)
{
    struct driver_stmt *s = map_u64_get(&c->statements, (uint64_t)(uintptr_t)sql);
    if (s) {
        unlink_stmt(s);
        link_newest(s);
    } else if (!(s = prepare(c, sql))) {
        return NULL;
    }
    assert(!s->in_use);
    assert((size_t)s->values == count);
    for (int i = 0; i < s->values; i++)
        if (bind(s->stmt, i + 1, &values[s->value_of[i]]) != SQLITE_OK) {
            fail(c, sql->text);
            return NULL;
        }
    s->in_use = true;
    return s;
}

static enum driver_step sqlite_step(struct driver_stmt *s)
{
    int rc = sqlite3_step(s->stmt);
    if (rc == SQLITE_ROW)
        return DRIVER_ROW;
    if (rc == SQLITE_DONE)
        return DRIVER_DONE;
    fail(s->conn, s->sql->text);
    return DRIVER_ERROR;
}

static void sqlite_finish(struct driver_stmt *s)
{
    (void)sqlite3_reset(s->stmt); /* repeats the error of the last step */
    s->in_use = false;
}

static bool sqlite_push(struct driver_conn *c, const struct sql *sql, const struct sql_value *values, size_t count)
{
    struct driver_stmt *s = sqlite_start(c, sql, values, count);
    if (!s)
        return false;
    bool ok = sqlite_step(s) == DRIVER_DONE;
    sqlite_finish(s);
    return ok;
}

static bool sqlite_flush(struct driver_conn *c)
{
    (void)c;
    return true;
}

static int64_t sqlite_changes(const struct driver_stmt *s)
{
    return sqlite3_stmt_readonly(s->stmt) ? 0 : sqlite3_changes64(s->conn->db);
}

static bool sqlite_is_null(const struct driver_stmt *s, int column)
{
    return sqlite3_column_type(s->stmt, column) == SQLITE_NULL;
}

static int64_t sqlite_integer(const struct driver_stmt *s, int column)
{
    return sqlite3_column_int64(s->stmt, column);
}

static struct str sqlite_bytes(const struct driver_stmt *s, int column)
{
    if (sqlite_is_null(s, column))
        return (struct str){NULL, 0};
    const char *p = sqlite3_column_blob(s->stmt, column);
    return (struct str){p ? p : "", (size_t)sqlite3_column_bytes(s->stmt, column)};
}

/* --- transactions --- */

static bool sqlite_control(struct driver_conn *c, enum driver_control what)
{
    static const struct sql statements[] = {
        [DRIVER_BEGIN_READ] = SQL("BEGIN"),
        [DRIVER_BEGIN_WRITE] = SQL("BEGIN IMMEDIATE"),
        [DRIVER_COMMIT] = SQL("COMMIT"),
        [DRIVER_ROLLBACK] = SQL("ROLLBACK"),
        [DRIVER_SAVEPOINT] = SQL("SAVEPOINT job"),
        [DRIVER_RELEASE] = SQL("RELEASE job"),
        [DRIVER_ROLLBACK_TO] = SQL("ROLLBACK TO job"),
    };
    if (what == DRIVER_BEGIN_WRITE && c->owner->only_read)
        what = DRIVER_BEGIN_READ; /* there will be nothing to write */
    struct driver_stmt *s = sqlite_start(c, &statements[what], NULL, 0);
    if (!s)
        return false;
    bool ok = sqlite_step(s) == DRIVER_DONE;
    sqlite_finish(s);
    return ok && (what != DRIVER_ROLLBACK_TO || sqlite_control(c, DRIVER_RELEASE));
}

static bool sqlite_in_transaction(const struct driver_conn *c)
{
    return !sqlite3_get_autocommit(c->db);
}

static const char *sqlite_error(const struct driver_conn *c)
{
    return c->error;
}

const struct driver driver_sqlite = {
    .name = "sqlite",
    .text = "TEXT",
    .id = "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL",
    .clustered = "WITHOUT ROWID",
    .blob = "BLOB",
    .compact = "PRAGMA query_only = OFF; PRAGMA temp_store = FILE; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
    .open = sqlite_open,
    .close = sqlite_close,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .shrink = sqlite_shrink,
    .settle = sqlite_settle,
    .control = sqlite_control,
    .in_transaction = sqlite_in_transaction,
    .error = sqlite_error,
    .script = run_script,
    .start = sqlite_start,
    .push = sqlite_push,
    .flush = sqlite_flush,
    .step = sqlite_step,
    .finish = sqlite_finish,
    .changes = sqlite_changes,
    .is_null = sqlite_is_null,
    .integer = sqlite_integer,
    .bytes = sqlite_bytes,
};
