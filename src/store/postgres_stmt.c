/*
 * Statements and their rows (driver.h), over postgres_conn.h.
 *
 * Rows come one at a time while nothing else is asked. What was not yet read of a result when another statement needs
 * its answer, which stands behind it on the connection, is read into memory, up to a limit.
 */
#include "base/memory.h"
#include "store/postgres_conn.h"
#include "store/postgres_value.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prepared statements a connection remembers; each takes some ten KiB of the server. */
static const size_t statements_max = 256;
/* Of a result that is kept because another statement needs the connection. */
static const size_t kept_max = (size_t)64 << 20;
enum { COLUMNS_MAX = 64 };

struct cell {
    const char *p; /* NULL: no value */
    size_t n;
};

struct row {
    struct row *next;
    size_t size;
    struct cell cells[];
};

struct driver_stmt {
    struct driver_conn *conn;
    const struct sql *sql;
    struct driver_stmt *newer, *older; /* in order of use */
    char name[24];
    unsigned values;
    Oid types[SQL_MAX_VALUES]; /* as it was prepared; 0: the server may guess */
    bool prepared;             /* or sent to be */
    bool in_use;

    bool done, failed; /* no more rows will come */
    int64_t changes;
    struct row *current, *kept, *last_kept;
    size_t kept_size;
    int columns;
    Oid column_types[COLUMNS_MAX];
};

/* --- rows --- */

static bool is_text(Oid type)
{
    return type != POSTGRES_BYTEA && type != POSTGRES_BOOL && type != POSTGRES_NUMERIC && type != POSTGRES_INT2 &&
           type != POSTGRES_INT4 && type != POSTGRES_INT8;
}

static struct row *copy_row(const struct driver_stmt *s, const PGresult *r)
{
    size_t head = sizeof(struct row) + (size_t)s->columns * sizeof(struct cell), size = head;
    for (int i = 0; i < s->columns; i++)
        size += (size_t)PQgetlength(r, 0, i);
    struct row *row = memory_alloc(size);
    char *p = (char *)row + head;
    row->next = NULL;
    row->size = size;
    for (int i = 0; i < s->columns; i++) {
        size_t n = (size_t)PQgetlength(r, 0, i);
        memcpy(p, PQgetvalue(r, 0, i), n);
        row->cells[i] = (struct cell){PQgetisnull(r, 0, i) ? NULL : p, n};
        if (is_text(s->column_types[i]))
            row->cells[i].n = postgres_text_unescape(p, n);
        p += n;
    }
    return row;
}

static void drop_rows(struct driver_stmt *s)
{
    free(s->current);
    s->current = NULL;
    while (s->kept) {
        struct row *row = s->kept;
        s->kept = row->next;
        free(row);
    }
    s->last_kept = NULL;
    s->kept_size = 0;
}

static void keep_row(struct driver_stmt *s, const PGresult *r)
{
    if (s->failed)
        return;
    if (s->columns == 0) {
        s->columns = PQnfields(r);
        assert(s->columns <= COLUMNS_MAX);
        for (int i = 0; i < s->columns; i++)
            s->column_types[i] = PQftype(r, i);
    }
    struct row *row = copy_row(s, r);
    *(s->last_kept ? &s->last_kept->next : &s->kept) = row;
    s->last_kept = row;
    s->kept_size += row->size;
    if (s->kept_size > kept_max) {
        postgres_fail(s->conn, "a large result cannot be kept while another statement runs", NULL, s->sql->text);
        drop_rows(s);
        s->failed = s->done = true;
    }
}

/* The changes of a query are none. */
static int64_t count_changes(const PGresult *r)
{
    PGresult *mutable = (PGresult *)(uintptr_t)r; /* libpq knows no const here */
    return strncmp(PQcmdStatus(mutable), "SELECT", 6) == 0 ? 0 : atoll(PQcmdTuples(mutable));
}

void postgres_result(struct driver_stmt *s, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_SINGLE_TUPLE) {
        keep_row(s, r);
        return;
    }
    s->done = true;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        s->changes = count_changes(r);
    else
        s->failed = true;
}

const char *postgres_text_of(const struct driver_stmt *s)
{
    return s->sql->text;
}

/* --- preparing --- */

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

void postgres_prepared(struct driver_stmt *s, bool ok)
{
    s->prepared = ok;
}

void postgres_forget_prepared(struct driver_conn *c)
{
    for (struct driver_stmt *s = c->newest; s; s = s->older)
        s->prepared = false;
}

void postgres_free_statements(struct driver_conn *c)
{
    while (c->newest) {
        struct driver_stmt *s = c->newest;
        assert(!s->in_use);
        c->newest = s->older;
        drop_rows(s);
        free(s);
    }
}

static void deallocate(struct driver_stmt *s)
{
    struct driver_conn *c = s->conn;
    char text[48];
    snprintf(text, sizeof text, "DEALLOCATE %s", s->name);
    postgres_make_room(c, 1);
    if (PQsendQueryParams(c->pg, text, 0, NULL, NULL, NULL, NULL, 1))
        postgres_await(c, SLOT_COMMAND, NULL);
    else
        postgres_fail_conn(c);
    s->prepared = false;
}

static void drop_oldest(struct driver_conn *c)
{
    struct driver_stmt *s = c->oldest;
    while (s && s->in_use)
        s = s->newer;
    if (!s)
        return;
    postgres_sync(c); /* a slot may point to it */
    postgres_drain(c);
    if (s->prepared)
        deallocate(s);
    unlink_stmt(s);
    map_u64_remove(&c->statements, (uint64_t)(uintptr_t)s->sql);
    free(s);
}

/* The highest n of all $n in the text. */
static unsigned count_values(const char *text)
{
    int most = 0;
    for (const char *p = text; (p = strchr(p, '$')); p++) {
        int n = atoi(p + 1);
        most = n > most ? n : most;
    }
    assert(most <= SQL_MAX_VALUES);
    return (unsigned)most;
}

static struct driver_stmt *find(struct driver_conn *c, const struct sql *sql)
{
    struct driver_stmt *s = map_u64_get(&c->statements, (uint64_t)(uintptr_t)sql);
    if (s) {
        unlink_stmt(s);
        link_newest(s);
        return s;
    }
    if (c->statements.count >= statements_max)
        drop_oldest(c);
    s = memory_calloc(1, sizeof *s);
    s->conn = c;
    s->sql = sql;
    s->values = count_values(sql->text);
    map_u64_put(&c->statements, (uint64_t)(uintptr_t)sql, s);
    link_newest(s);
    return s;
}

static Oid type_of(const struct sql_value *v)
{
    static const Oid types[] = {
        [SQL_TYPE_NULL] = 0,
        [SQL_TYPE_INT] = POSTGRES_INT8,
        [SQL_TYPE_TEXT] = POSTGRES_TEXT,
        [SQL_TYPE_BLOB] = POSTGRES_BYTEA,
    };
    return types[v->type];
}

/* A NULL says nothing of its type, so what was prepared with one may have to be prepared again. */
static void prepare(struct driver_stmt *s, const struct sql_value *values)
{
    struct driver_conn *c = s->conn;
    bool same = true;
    for (unsigned i = 0; i < s->values; i++) {
        Oid type = type_of(&values[i]);
        same &= type == 0 || type == s->types[i];
        if (type)
            s->types[i] = type;
    }
    if (s->prepared && same)
        return;
    if (s->prepared)
        deallocate(s);
    snprintf(s->name, sizeof s->name, "s%llu", (unsigned long long)++c->names);
    postgres_make_room(c, 1);
    if (PQsendPrepare(c->pg, s->name, s->sql->text, (int)s->values, s->types)) {
        postgres_await(c, SLOT_PREPARE, s);
        s->prepared = true;
    } else {
        postgres_fail_conn(c);
    }
}

/* --- running --- */

struct bound {
    const char *p[SQL_MAX_VALUES];
    int n[SQL_MAX_VALUES];
    int formats[SQL_MAX_VALUES];
    char numbers[SQL_MAX_VALUES][8];
    char *escaped[SQL_MAX_VALUES];
};

static void bind(struct bound *b, unsigned i, const struct sql_value *v)
{
    struct str s = v->s;
    b->escaped[i] = NULL;
    b->formats[i] = 1;
    if (v->type == SQL_TYPE_INT) {
        postgres_put_i64(v->i, b->numbers[i]);
        s = (struct str){b->numbers[i], 8};
    } else if (v->type == SQL_TYPE_TEXT) {
        struct str escaped = postgres_text_escape(s);
        b->escaped[i] = (char *)(uintptr_t)escaped.p;
        s = escaped.p ? escaped : s;
    }
    assert(s.n <= INT_MAX);
    b->p[i] = v->type == SQL_TYPE_NULL ? NULL : s.p ? s.p : ""; /* a NULL pointer would bind NULL */
    b->n[i] = (int)s.n;
}

static struct driver_stmt *send(struct driver_conn *c, const struct sql *sql, const struct sql_value *values,
                                size_t count, enum postgres_slot_kind kind)
{
    if (c->latched || postgres_lost(c))
        return NULL;
    struct driver_stmt *s = find(c, sql);
    assert(!s->in_use);
    assert(s->values == count);
    prepare(s, values);
    postgres_make_room(c, 1);
    if (c->latched)
        return NULL;
    struct bound b;
    for (unsigned i = 0; i < s->values; i++)
        bind(&b, i, &values[i]);
    bool sent = PQsendQueryPrepared(c->pg, s->name, (int)s->values, b.p, b.n, b.formats, 1);
    for (unsigned i = 0; i < s->values; i++)
        free(b.escaped[i]);
    if (!sent) {
        postgres_fail_conn(c);
        return NULL;
    }
    postgres_await(c, kind, s);
    return s;
}

struct driver_stmt *postgres_start(struct driver_conn *c, const struct sql *sql, const struct sql_value *values,
                                   size_t count)
{
    struct driver_stmt *s = send(c, sql, values, count, SLOT_ROWS);
    if (!s)
        return NULL;
    s->in_use = true;
    s->done = s->failed = false;
    s->changes = 0;
    s->columns = 0;
    postgres_sync(c);
    return s;
}

bool postgres_push(struct driver_conn *c, const struct sql *sql, const struct sql_value *values, size_t count)
{
    return send(c, sql, values, count, SLOT_PUSHED) != NULL;
}

enum driver_step postgres_step(struct driver_stmt *s)
{
    free(s->current);
    s->current = NULL;
    while (!s->done && !s->kept && s->conn->count) /* what was sent before it is answered before it */
        (void)postgres_take_some(s->conn);
    if (s->kept) {
        s->current = s->kept;
        s->kept = s->current->next;
        s->last_kept = s->kept ? s->last_kept : NULL;
        s->kept_size -= s->current->size;
        return DRIVER_ROW;
    }
    return s->failed || !s->done ? DRIVER_ERROR : DRIVER_DONE;
}

void postgres_finish(struct driver_stmt *s)
{
    struct driver_conn *c = s->conn;
    for (unsigned i = 0; i < c->count; i++) {
        struct postgres_slot *slot = &c->slots[(c->first + i) % POSTGRES_SLOTS];
        if (slot->stmt == s && slot->kind == SLOT_ROWS)
            slot->stmt = NULL;
    }
    drop_rows(s);
    s->in_use = false;
}

int64_t postgres_changes(const struct driver_stmt *s)
{
    return s->changes;
}

/* --- the row --- */

static const struct cell *cell_at(const struct driver_stmt *s, int column)
{
    static const struct cell none;
    return s->current && column >= 0 && column < s->columns ? &s->current->cells[column] : &none;
}

bool postgres_is_null(const struct driver_stmt *s, int column)
{
    return !cell_at(s, column)->p;
}

int64_t postgres_column_integer(const struct driver_stmt *s, int column)
{
    const struct cell *cell = cell_at(s, column);
    int64_t v = 0;
    bool is_number = !cell->p || postgres_integer(s->column_types[column], (struct str){cell->p, cell->n}, &v);
    assert(is_number);
    return v;
}

struct str postgres_bytes(const struct driver_stmt *s, int column)
{
    const struct cell *cell = cell_at(s, column);
    return (struct str){cell->p, cell->n};
}
