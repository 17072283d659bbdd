#include "store/tx.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/writer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long one reason is not said again. */
static const int64_t same_reason_ms = 1000;

/* While a database cannot be reached all fails for one reason, which need not fill the log. */
static bool was_just_said(struct store *store, const char *reason)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&store->lock);
    bool same = *store->said && (strstr(store->said, reason) || strstr(reason, store->said));
    bool said = same && now < store->said_ms + same_reason_ms;
    if (!said) {
        snprintf(store->said, sizeof store->said, "%s", reason);
        store->said_ms = now;
    }
    mutex_unlock(&store->lock);
    return said;
}

void tx_fail(struct store_tx *tx, const char *reason)
{
    if (tx->failed)
        return;
    tx->failed = true;
    snprintf(tx->reason, sizeof tx->reason, "%s", reason);
    if (!was_just_said(tx->store, tx->reason))
        log_error("a transaction of the database failed", LOG_CSTR("reason", reason));
}

void tx_say(const struct store_tx *tx, const char *what, struct store_error *error)
{
    struct str reason = str_of(tx->reason);
    reason = str_slice(reason, 0, str_find_str(reason, STR(" in: "))); /* as the drivers put it */
    snprintf(error->text, sizeof error->text, "%s: %.*s", what, STR_ARG(reason));
}

/* Each has a writer, who holds this lock (postgres_conn.c). */
static const struct sql count_sharers =
    SQL("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = " STORE_PRESENCE
        " AND objid = quote_ident(current_schema())::regnamespace::oid AND pid <> pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");

static bool control(struct store_tx *tx, enum driver_control what)
{
    if (tx->driver->control(tx->conn, what))
        return true;
    tx_fail(tx, tx->driver->error(tx->conn));
    return false;
}

bool tx_begin(struct store_tx *tx)
{
    if (tx->failed)
        return false;
    if (!tx->begun) {
        if (!control(tx, tx->writing ? DRIVER_BEGIN_WRITE : DRIVER_BEGIN_READ))
            return false;
        tx->begun = true;
        if (tx->writer && tx->driver->shared)
            writer_look(tx->writer);
    }
    if (tx->want_savepoint && !tx->savepoint)
        tx->savepoint = control(tx, DRIVER_SAVEPOINT);
    return !tx->failed;
}

static void drop_pending(struct tx_pending **list)
{
    while (*list) {
        struct tx_pending *p = *list;
        *list = p->next;
        free(p->entry);
        free(p);
    }
}

/* Back to what it was before tx_begin. */
static void leave(struct store_tx *tx)
{
    drop_pending(&tx->job_pending);
    drop_pending(&tx->pending);
    tx->begun = tx->failed = tx->savepoint = tx->want_savepoint = false;
}

void tx_rollback(struct store_tx *tx)
{
    assert(tx->cursors == 0);
    /* If it cannot be rolled back the connection is beyond use: the next BEGIN fails, and says why. */
    if (tx->begun && tx->driver->in_transaction(tx->conn) && !tx->driver->control(tx->conn, DRIVER_ROLLBACK))
        log_error("cannot roll back", LOG_CSTR("reason", tx->driver->error(tx->conn)));
    leave(tx);
}

bool tx_commit(struct store_tx *tx)
{
    assert(tx->cursors == 0);
    if (tx->failed || (tx->begun && !control(tx, DRIVER_COMMIT))) {
        tx_rollback(tx);
        return false;
    }
    for (struct tx_pending *p = tx->pending; p; p = p->next)
        p->apply(tx->store, p->entry);
    leave(tx);
    return true;
}

int64_t tx_sharers(struct store_tx *tx)
{
    return tx->driver->shared ? sql_int_of0(tx, &count_sharers, 1) : 0;
}

void tx_flush(struct store_tx *tx)
{
    if (tx->begun && !tx->failed && !tx->driver->flush(tx->conn))
        tx_fail(tx, tx->driver->error(tx->conn));
}

void tx_job_begin(struct store_tx *tx)
{
    assert(!tx->failed && !tx->savepoint && !tx->job_pending);
    tx->want_savepoint = tx->begun;
}

static void keep_pending(struct store_tx *tx)
{
    struct tx_pending **end = &tx->job_pending;
    while (*end)
        end = &(*end)->next;
    *end = tx->pending;
    tx->pending = tx->job_pending;
    tx->job_pending = NULL;
}

bool tx_job_end(struct store_tx *tx, bool keep)
{
    assert(tx->cursors == 0);
    bool lost = tx->begun && !tx->driver->in_transaction(tx->conn);
    if (lost || (!keep && !tx->want_savepoint)) {
        bool nothing_before = !tx->want_savepoint; /* then only this job's work is gone */
        tx_rollback(tx);
        return nothing_before;
    }
    if (keep)
        keep_pending(tx);
    drop_pending(&tx->job_pending);
    tx->failed = false;
    if (tx->savepoint && !control(tx, keep ? DRIVER_RELEASE : DRIVER_ROLLBACK_TO)) {
        tx_rollback(tx);
        return false;
    }
    tx->savepoint = tx->want_savepoint = false;
    return true;
}

void tx_after_commit(struct store_tx *tx, void (*apply)(struct store *store, void *entry), void *entry)
{
    assert(tx->writing);
    struct tx_pending *p = memory_alloc(sizeof *p);
    *p = (struct tx_pending){tx->job_pending, apply, entry};
    tx->job_pending = p;
}
