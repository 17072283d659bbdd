#include "store/postgres_conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How long to wait before the next attempt to connect: doubled with each that fails. */
static const int64_t retry_first_ms = 50;
static const int64_t retry_most_ms = 2000;

#define VERSION_LEAST 150000
/* "Hrth", the first half of the name of the lock that writers take; the second is the schema. */
#define LOCK_NAME "1215460456"

/* What the operator may have set otherwise for the role or the database, and this program stands on. */
#define SETUP                                                                                                          \
    "SET client_encoding = 'UTF8'; SET statement_timeout = 0; SET lock_timeout = 0; SET jit = off;"                    \
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
/* A process that was stopped must not keep the others from writing. */
#define WRITER_SETUP                                                                                                   \
    "SET idle_in_transaction_session_timeout = '60s';"                                                                 \
    "SELECT pg_advisory_lock_shared(" STORE_PRESENCE ", quote_ident(current_schema())::regnamespace::oid::int4);"

/* --- errors --- */

void postgres_fail(struct driver_conn *c, const char *why, const char *code, const char *text)
{
    if (c->latched)
        return;
    c->latched = true;
    struct str line = str_trim(str_of(why));
    snprintf(c->error, sizeof c->error, "%.*s%s%s%s%s%s", STR_ARG(line), code ? " (" : "", code ? code : "",
             code ? ")" : "", text ? " in: " : "", text ? text : "");
}

void postgres_fail_conn(struct driver_conn *c)
{
    const char *why = PQerrorMessage(c->pg);
    postgres_fail(c, why && *why ? why : "the connection to the database is lost", NULL, NULL);
}

static void fail_result(struct driver_conn *c, const PGresult *r, const char *text)
{
    const char *why = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    postgres_fail(c, why ? why : PQresultErrorMessage(r), PQresultErrorField(r, PG_DIAG_SQLSTATE), text);
}

/* --- what is to come --- */

bool postgres_lost(struct driver_conn *c)
{
    if (PQstatus(c->pg) == CONNECTION_OK)
        return false;
    postgres_fail_conn(c);
    for (; c->count; c->count--) {
        const struct postgres_slot *s = &c->slots[c->first++ % POSTGRES_SLOTS];
        if (s->kind == SLOT_PREPARE)
            postgres_prepared(s->stmt, false);
        else if (s->kind == SLOT_ROWS && s->stmt)
            postgres_result(s->stmt, NULL);
    }
    c->pushed = 0;
    return true;
}

void postgres_await(struct driver_conn *c, enum postgres_slot_kind kind, struct driver_stmt *stmt)
{
    assert(c->count < POSTGRES_SLOTS);
    c->slots[(c->first + c->count++) % POSTGRES_SLOTS] = (struct postgres_slot){kind, stmt};
    c->pushed += kind == SLOT_PUSHED;
}

/* The slot after this one is for the sync. */
void postgres_make_room(struct driver_conn *c, unsigned slots)
{
    if (c->count + slots + 1 <= POSTGRES_SLOTS)
        return;
    postgres_sync(c);
    postgres_drain(c);
}

void postgres_sync(struct driver_conn *c)
{
    c->round_trips++;
    if (PQpipelineSync(c->pg))
        postgres_await(c, SLOT_SYNC, NULL);
    else
        postgres_fail_conn(c);
}

/* PostgreSQL answers the COMMIT of a failed transaction with "ROLLBACK", and without an error. */
static void take_result(struct driver_conn *c, const struct postgres_slot *s, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_FATAL_ERROR)
        fail_result(c, r, s->stmt ? postgres_text_of(s->stmt) : NULL);
    else if (status == PGRES_PIPELINE_ABORTED)
        postgres_fail(c, "an earlier statement failed", NULL, NULL);
    else if (s->kind == SLOT_COMMIT && strcmp(PQcmdStatus((PGresult *)(uintptr_t)r), "COMMIT") != 0)
        postgres_fail(c, "the transaction had failed before its end", NULL, NULL);
    if (s->kind == SLOT_PREPARE)
        postgres_prepared(s->stmt, status == PGRES_COMMAND_OK);
    else if (s->kind == SLOT_ROWS && s->stmt)
        postgres_result(s->stmt, r);
}

static void pop(struct driver_conn *c)
{
    c->pushed -= c->slots[c->first % POSTGRES_SLOTS].kind == SLOT_PUSHED;
    c->first++;
    c->count--;
}

/* No answer can be trusted any more. */
static void out_of_step(struct driver_conn *c)
{
    postgres_fail(c, "the database answered what it was not asked", NULL, NULL);
    PQfinish(c->pg);
    c->pg = NULL;
    (void)postgres_lost(c);
}

static void take_sync(struct driver_conn *c)
{
    PGresult *r = PQgetResult(c->pg);
    bool sync = PQresultStatus(r) == PGRES_PIPELINE_SYNC;
    PQclear(r);
    if (sync)
        pop(c);
    else if (!postgres_lost(c))
        out_of_step(c);
}

bool postgres_take_some(struct driver_conn *c)
{
    assert(c->count);
    if (postgres_lost(c))
        return false;
    const struct postgres_slot s = c->slots[c->first % POSTGRES_SLOTS];
    if (s.kind == SLOT_SYNC) {
        take_sync(c);
        return false;
    }
    if (s.kind == SLOT_ROWS)
        (void)PQsetSingleRowMode(c->pg); /* unless it is already; even if nobody wants the rows, they may be many */
    PGresult *r = PQgetResult(c->pg);
    bool more = PQresultStatus(r) == PGRES_SINGLE_TUPLE;
    if (r)
        take_result(c, &s, r);
    PQclear(r);
    if (postgres_lost(c))
        return false;
    if (!r) {
        out_of_step(c);
        return false;
    }
    if (!more) {
        (void)PQgetResult(c->pg); /* NULL, now: libpq leaves it out if something is sent before */
        pop(c);
    }
    return more;
}

void postgres_drain(struct driver_conn *c)
{
    while (c->count)
        (void)postgres_take_some(c);
}

/* --- making a connection --- */

static void drop_notice(void *arg, const PGresult *r)
{
    (void)arg;
    log_debug("the database says", LOG_CSTR("notice", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)));
}

static PGconn *dial(const struct driver_db *db)
{
    /* What the URL says comes later, and counts. */
    static const char *const names[] = {
        "connect_timeout",      "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
        "target_session_attrs", "application_name", "dbname",          NULL};
    const char *const values[] = {"10", "30000", "30", "10", "read-write", "hearth", db->url, NULL};
    return PQconnectdbParams(names, values, 1);
}

static bool run_simple(struct driver_conn *c, const char *text)
{
    PGresult *r = PQexec(c->pg, text);
    ExecStatusType status = PQresultStatus(r);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok && PQstatus(c->pg) == CONNECTION_OK)
        fail_result(c, r, NULL);
    else if (!ok)
        postgres_fail_conn(c);
    PQclear(r);
    return ok;
}

/* A table "migrations" of our form; several frameworks have one of another. */
#define OURS                                                                                                           \
    "(SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS m ON m.oid = a.attrelid"                                 \
    " WHERE m.relnamespace = n.oid AND m.relname = 'migrations' AND m.relkind = 'r' AND NOT a.attisdropped"            \
    " AND (a.attname, a.atttypid) IN (('number', 'int8'::regtype), ('name', 'text'::regtype),"                         \
    " ('hash', 'text'::regtype))) = 3"

/* Whether a schema change was noted. A table of ours without any, beside others, is what an older edition left in
 * somebody else's database. */
static bool has_changes(struct driver_conn *c)
{
    PGresult *r = PQexec(c->pg, "SELECT 1 FROM migrations LIMIT 1");
    bool ok = PQresultStatus(r) == PGRES_TUPLES_OK;
    if (!ok)
        fail_result(c, r, NULL);
    ok = ok && PQntuples(r) == 1;
    PQclear(r);
    return ok;
}

/* Leaves schemas alone that hold somebody else's tables. */
static bool look_at_schema(struct driver_conn *c)
{
    static const char query[] =
        "SELECT n.oid::int4, count(c.oid), " OURS
        " FROM pg_namespace AS n LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')"
        " WHERE n.nspname = current_schema() GROUP BY n.oid";
    PGresult *r = PQexec(c->pg, query);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        fail_result(c, r, NULL);
    } else if (PQntuples(r) == 0) {
        postgres_fail(c, "there is no schema to make tables in (search_path)", NULL, NULL);
    } else {
        c->schema = atoi(PQgetvalue(r, 0, 0));
        int tables = atoi(PQgetvalue(r, 0, 1));
        bool ours = *PQgetvalue(r, 0, 2) == 't';
        if (tables > 0 && (!ours || (tables > 1 && c->role == DRIVER_WRITER && !has_changes(c))))
            postgres_fail(c, "it is not a database of Hearth: it has tables already, of something else", NULL, NULL);
        else if (tables == 0 && !c->owner->create)
            postgres_fail(c, "it is empty: start the server once: hearth serve", NULL, NULL);
    }
    PQclear(r);
    return !c->latched;
}

static bool set_up_session(struct driver_conn *c)
{
    return run_simple(c, SETUP) && (c->role == DRIVER_READER || run_simple(c, WRITER_SETUP)) &&
           (!c->owner->only_read || run_simple(c, "SET default_transaction_read_only = on"));
}

static bool set_up(struct driver_conn *c)
{
    const char *encoding = PQparameterStatus(c->pg, "server_encoding");
    PQsetNoticeReceiver(c->pg, drop_notice, NULL);
    if (PQserverVersion(c->pg) < VERSION_LEAST)
        postgres_fail(c, "PostgreSQL 15 or later is needed", PQparameterStatus(c->pg, "server_version"), NULL);
    else if (!encoding || strcmp(encoding, "UTF8") != 0)
        postgres_fail(c, "the database must be made with ENCODING 'UTF8'", encoding, NULL);
    else if (set_up_session(c) && look_at_schema(c) && !PQenterPipelineMode(c->pg))
        postgres_fail_conn(c);
    return !c->latched;
}

/* False while it is known that the database cannot be reached. */
static bool may_try(struct driver_conn *c)
{
    struct driver_db *db = c->owner;
    mutex_lock(&db->lock);
    bool wait = db->failures > 0 && (db->trying || clock_mono_ms() < db->retry_at_ms);
    if (wait)
        postgres_fail(c, db->why, NULL, NULL);
    else
        db->trying = db->failures > 0;
    mutex_unlock(&db->lock);
    return !wait;
}

static void tried(struct driver_conn *c, bool ok)
{
    struct driver_db *db = c->owner;
    mutex_lock(&db->lock);
    if (ok && db->failures)
        log_info("the database can be reached again");
    else if (!ok && !db->failures && db->reached)
        log_error("the database cannot be reached", LOG_CSTR("reason", c->error));
    db->trying = false;
    db->reached |= ok;
    db->failures = ok ? 0 : db->failures + 1;
    int64_t wait = retry_first_ms << (db->failures < 8 ? db->failures : 8);
    db->retry_at_ms = clock_mono_ms() + (wait < retry_most_ms ? wait : retry_most_ms);
    snprintf(db->why, sizeof db->why, "%s", c->error);
    mutex_unlock(&db->lock);
}

/* In the place of what was there. */
static bool reach(struct driver_conn *c)
{
    if (!may_try(c))
        return false;
    postgres_forget_prepared(c);
    PQfinish(c->pg);
    c->pg = dial(c->owner);
    if (!c->pg)
        memory_exhausted(sizeof *c);
    bool ok = PQstatus(c->pg) == CONNECTION_OK;
    if (!ok)
        postgres_fail_conn(c);
    else
        ok = set_up(c);
    if (!ok) {
        PQfinish(c->pg);
        c->pg = NULL;
    }
    tried(c, ok);
    return ok;
}

void postgres_disconnect(struct driver_conn *c)
{
    postgres_free_statements(c);
    map_u64_fini(&c->statements);
    PQfinish(c->pg);
    free(c);
}

struct driver_conn *postgres_connect(struct driver_db *db, enum driver_role role, struct store_error *error)
{
    struct driver_conn *c = memory_calloc(1, sizeof *c);
    c->owner = db;
    c->role = role;
    map_u64_init(&c->statements);
    if (reach(c))
        return c;
    snprintf(error->text, sizeof error->text, "cannot open the database: %s", c->error);
    postgres_disconnect(c);
    return NULL;
}

/* --- transactions --- */

static void command(struct driver_conn *c, const char *text, enum postgres_slot_kind kind)
{
    postgres_make_room(c, 1);
    if (PQsendQueryParams(c->pg, text, 0, NULL, NULL, NULL, NULL, 1))
        postgres_await(c, kind, NULL);
    else
        postgres_fail_conn(c);
}

/* Whether the server has hung up meanwhile, on a connection that is owed no answer. */
static bool hung_up(struct driver_conn *c)
{
    for (int i = 0; i < 8 && PQstatus(c->pg) == CONNECTION_OK; i++) {
        char byte;
        ssize_t n = recv(PQsocket(c->pg), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0)
            return false; /* nothing to read */
        if (n == 0)
            return true;
        (void)PQconsumeInput(c->pg); /* a notice, or why it hangs up */
    }
    return PQstatus(c->pg) != CONNECTION_OK;
}

static bool begin(struct driver_conn *c, enum driver_control what)
{
    if (c->count)
        postgres_drain(c);
    c->latched = false;
    if (hung_up(c) && !reach(c))
        return false;
    if (what == DRIVER_BEGIN_READ) {
        command(c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", SLOT_COMMAND);
    } else {
        char lock[80];
        snprintf(lock, sizeof lock, "SELECT pg_advisory_xact_lock(" LOCK_NAME ", %d)", c->schema);
        command(c, "BEGIN ISOLATION LEVEL READ COMMITTED", SLOT_COMMAND);
        command(c, lock, SLOT_COMMAND);
    }
    c->begun = true;
    return !c->latched;
}

/* Waits for the end of all that was sent, and says what has become of the transaction. */
static void end(struct driver_conn *c)
{
    postgres_sync(c);
    postgres_drain(c);
    c->begun = PQstatus(c->pg) == CONNECTION_OK && PQtransactionStatus(c->pg) != PQTRANS_IDLE;
}

static bool commit(struct driver_conn *c)
{
    command(c, "COMMIT", SLOT_COMMIT);
    if (c->role == DRIVER_WRITER || c->latched) {
        end(c);
        return !c->latched;
    }
    /* Nothing depends on the end of a snapshot. */
    postgres_sync(c);
    c->begun = false;
    return true;
}

/* Errors before it are what it is for. */
static bool rollback(struct driver_conn *c, bool to_savepoint)
{
    postgres_sync(c);
    postgres_drain(c);
    if (PQstatus(c->pg) != CONNECTION_OK) {
        c->begun = false;
        return !to_savepoint;
    }
    c->latched = false;
    if (to_savepoint)
        command(c, "ROLLBACK TO SAVEPOINT job", SLOT_COMMAND);
    command(c, to_savepoint ? "RELEASE SAVEPOINT job" : "ROLLBACK", SLOT_COMMAND);
    end(c);
    return !c->latched;
}

bool postgres_control(struct driver_conn *c, enum driver_control what)
{
    switch (what) {
    case DRIVER_BEGIN_READ:
    case DRIVER_BEGIN_WRITE:
        return begin(c, what);
    case DRIVER_COMMIT:
        return commit(c);
    case DRIVER_ROLLBACK:
        return rollback(c, false);
    case DRIVER_ROLLBACK_TO:
        return rollback(c, true);
    case DRIVER_SAVEPOINT:
        command(c, "SAVEPOINT job", SLOT_COMMAND);
        return !c->latched;
    case DRIVER_RELEASE:
        command(c, "RELEASE SAVEPOINT job", SLOT_COMMAND);
        return !c->latched;
    }
    __builtin_unreachable();
}

/* Several statements in one text are not for pipelines. */
bool postgres_script(struct driver_conn *c, const char *text)
{
    postgres_sync(c);
    postgres_drain(c);
    if (c->latched)
        return false;
    if (!PQexitPipelineMode(c->pg)) {
        postgres_fail_conn(c);
        return false;
    }
    bool ok = run_simple(c, text);
    if (!PQenterPipelineMode(c->pg))
        postgres_fail_conn(c);
    return ok && !c->latched;
}
