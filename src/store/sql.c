#include "store/sql.h"

#include "store/tx.h"

#include <assert.h>
#include <stdio.h>

/* What an ended or failed cursor stands on. */
#define NO_STMT NULL

static void fail(struct store_tx *tx)
{
    tx_fail(tx, tx->driver->error(tx->conn));
}

static const struct driver *driver_of(const struct sql_cursor *c)
{
    return c->tx->driver;
}

void sql_query_values(struct store_tx *tx, const struct sql *sql, struct sql_cursor *c, const struct sql_value *values,
                      size_t count)
{
    *c = (struct sql_cursor){tx, NO_STMT};
    if (!tx_begin(tx))
        return;
    c->stmt = tx->driver->start(tx->conn, sql, values, count);
    if (c->stmt)
        tx->cursors++;
    else
        fail(tx);
}

bool sql_next(struct sql_cursor *c)
{
    if (!c->stmt || c->tx->failed)
        return false;
    enum driver_step step = driver_of(c)->step(c->stmt);
    if (step == DRIVER_ERROR)
        fail(c->tx);
    if (step != DRIVER_ROW)
        sql_end(c); /* a statement stepped once more would begin again */
    return step == DRIVER_ROW;
}

void sql_end(struct sql_cursor *c)
{
    if (!c->stmt)
        return;
    driver_of(c)->finish(c->stmt);
    c->stmt = NO_STMT;
    assert(c->tx->cursors > 0);
    c->tx->cursors--;
}

bool sql_is_null(struct sql_cursor *c, int column)
{
    return !c->stmt || driver_of(c)->is_null(c->stmt, column);
}

int64_t sql_int(struct sql_cursor *c, int column)
{
    return c->stmt ? driver_of(c)->integer(c->stmt, column) : 0;
}

struct str sql_peek(struct sql_cursor *c, int column)
{
    return c->stmt ? driver_of(c)->bytes(c->stmt, column) : (struct str){NULL, 0};
}

struct str sql_text(struct sql_cursor *c, int column, struct arena *a)
{
    struct str s = sql_peek(c, column);
    return s.p ? str_copy(a, s) : s;
}

int64_t sql_exec_values(struct store_tx *tx, const struct sql *sql, const struct sql_value *values, size_t count)
{
    if (!tx_begin(tx))
        return 0;
    struct driver_stmt *stmt = tx->driver->start(tx->conn, sql, values, count);
    enum driver_step step = stmt ? tx->driver->step(stmt) : DRIVER_ERROR;
    assert(step != DRIVER_ROW); /* a query: sql_query would see its rows */
    int64_t changes = step == DRIVER_DONE ? tx->driver->changes(stmt) : 0;
    if (step == DRIVER_ERROR)
        fail(tx);
    if (stmt)
        tx->driver->finish(stmt);
    return changes;
}

void sql_push_values(struct store_tx *tx, const struct sql *sql, const struct sql_value *values, size_t count)
{
    if (tx_begin(tx) && !tx->driver->push(tx->conn, sql, values, count))
        fail(tx);
}

int64_t sql_int_of_values(struct store_tx *tx, const struct sql *sql, int64_t otherwise, const struct sql_value *values,
                          size_t count)
{
    struct sql_cursor c;
    sql_query_values(tx, sql, &c, values, count);
    int64_t found = sql_next(&c) && !sql_is_null(&c, 0) ? sql_int(&c, 0) : otherwise;
    sql_end(&c);
    return found;
}

void sql_fail(struct store_tx *tx, const char *reason)
{
    tx_fail(tx, reason);
}
