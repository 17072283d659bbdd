#include "store/copy.h"

#include "base/buf.h"
#include "store/sql.h"
#include "store/tx.h"
#include "store/writer.h"

#include <stdio.h>
#include <string.h>

enum { TABLES_MAX = 200, COLUMNS_MAX = SQL_MAX_VALUES, PROGRESS_ROWS = 1000 };
static const size_t statement_max = 8192;

struct column {
    struct str name;
    enum sql_type type;
    int64_t key; /* place in the primary key, from 1; 0: not in it */
};

struct table {
    struct str name;
    struct column columns[COLUMNS_MAX];
    size_t count;
    int64_t last_number; /* given out by the engine; 0: none, or not by it */
    struct sql select, insert, count_rows, any_row;
};

struct copy {
    struct store_tx *from;
    struct arena *a;
    struct table *tables;
    size_t count;
    const struct copy_progress *progress;
    struct copy_result *result;
    int64_t total;
    struct store_error *error;
};

/* What stands where is the one thing that each engine has words of its own for. */
struct catalog {
    struct sql tables, columns, last_number;
};

static const struct catalog sqlite = {
    .tables = SQL("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"),
    .columns = SQL("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid"),
    .last_number = SQL("SELECT seq FROM sqlite_sequence WHERE name = $1 AND $2 <> ''"),
};

static const struct catalog postgres = {
    .tables = SQL("SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                  " WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY c.relname"),
    .columns = SQL("SELECT a.attname, t.typname, coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1"
                   " FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid"
                   " LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary"
                   " WHERE a.attrelid = quote_ident($1)::regclass AND a.attnum > 0 AND NOT a.attisdropped"
                   " ORDER BY a.attnum"),
    .last_number = SQL("SELECT pg_sequence_last_value(pg_get_serial_sequence(quote_ident($1), $2)::regclass)"),
};

static const struct sql update_number_sqlite = SQL("UPDATE sqlite_sequence SET seq = $2 WHERE name = $1 AND seq < $2");
static const struct sql insert_number_sqlite = SQL("INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2"
                                                   " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)");
static const struct sql set_number_postgres =
    SQL("SELECT setval(pg_get_serial_sequence(quote_ident($1), $2)::regclass, $3)");
static const struct sql select_reserved = SQL("SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'pos_reserved'");
static const struct sql delete_meta = SQL("DELETE FROM meta");

static bool refuse(struct copy *c, const char *why, struct str what)
{
    if (!*c->error->text)
        snprintf(c->error->text, sizeof c->error->text, "%s%.*s", why, STR_ARG(what));
    return false;
}

/* --- what there is to copy --- */

static const struct catalog *catalog_of(const struct store_tx *tx)
{
    return strcmp(tx->driver->name, "sqlite") == 0 ? &sqlite : &postgres;
}

static bool type_of(struct str name, enum sql_type *out)
{
    static const struct {
        struct str name;
        enum sql_type type;
    } types[] = {{STR_INIT("BIGINT"), SQL_TYPE_INT}, {STR_INIT("INTEGER"), SQL_TYPE_INT},
                 {STR_INIT("TEXT"), SQL_TYPE_TEXT},  {STR_INIT("BLOB"), SQL_TYPE_BLOB},
                 {STR_INIT("int8"), SQL_TYPE_INT},   {STR_INIT("text"), SQL_TYPE_TEXT},
                 {STR_INIT("bytea"), SQL_TYPE_BLOB}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(name, types[i].name)) {
            *out = types[i].type;
            return true;
        }
    return false;
}

static bool read_columns(struct copy *c, struct table *t)
{
    struct sql_cursor cursor;
    bool ok = true;
    sql_query(c->from, &catalog_of(c->from)->columns, &cursor, SQL_TEXT(t->name));
    while (ok && sql_next(&cursor)) {
        struct column *column = &t->columns[t->count++];
        column->name = sql_text(&cursor, 0, c->a);
        column->key = sql_int(&cursor, 2);
        ok = t->count < COLUMNS_MAX && type_of(sql_peek(&cursor, 1), &column->type);
    }
    sql_end(&cursor);
    return (ok && t->count > 0) || refuse(c, "cannot copy a table of this form: ", t->name);
}

static const char *names_of(struct copy *c, const struct table *t, bool key_only)
{
    struct buf b;
    buf_init(&b, statement_max);
    for (int64_t place = 1; key_only && place <= (int64_t)t->count; place++)
        for (size_t i = 0; i < t->count; i++)
            if (t->columns[i].key == place)
                buf_fmt(&b, "%s%.*s", b.n ? ", " : "", STR_ARG(t->columns[i].name));
    for (size_t i = 0; !key_only && i < t->count; i++)
        buf_fmt(&b, "%s%.*s", i ? ", " : "", STR_ARG(t->columns[i].name));
    if (key_only && b.n == 0) {
        buf_fini(&b);
        return names_of(c, t, false);
    }
    const char *names = str_fmt(c->a, "%.*s", STR_ARG(buf_str(&b))).p;
    buf_fini(&b);
    return names;
}

/* Names are those of this program's schema, and need no quotes. */
static void write_statements(struct copy *c, struct table *t)
{
    struct str values = STR("");
    const char *name = str_cstr(c->a, t->name), *columns = names_of(c, t, false);
    for (size_t i = 0; i < t->count; i++)
        values = str_fmt(c->a, "%.*s%s$%zu", STR_ARG(values), i ? ", " : "", i + 1);
    t->select.text = str_fmt(c->a, "SELECT %s FROM %s ORDER BY %s", columns, name, names_of(c, t, true)).p;
    t->insert.text = str_fmt(c->a, "INSERT INTO %s (%s) VALUES (%.*s)", name, columns, STR_ARG(values)).p;
    t->count_rows.text = str_fmt(c->a, "SELECT count(*) FROM %s", name).p;
    t->any_row.text = str_fmt(c->a, "SELECT 1 FROM %s LIMIT 1", name).p;
}

/* Of a table whose only key numbers itself. */
static int64_t last_number(struct copy *c, const struct table *t)
{
    const struct column *key = &t->columns[0];
    if (key->key != 1 || key->type != SQL_TYPE_INT)
        return 0;
    return sql_int_of(c->from, &catalog_of(c->from)->last_number, 0, SQL_TEXT(t->name), SQL_TEXT(key->name));
}

static bool read_tables(struct copy *c)
{
    struct sql_cursor cursor;
    c->tables = ARENA_ARRAY(c->a, TABLES_MAX, struct table);
    sql_query0(c->from, &catalog_of(c->from)->tables, &cursor);
    while (c->count < TABLES_MAX && sql_next(&cursor)) {
        struct table *t = &c->tables[c->count];
        t->name = sql_text(&cursor, 0, c->a);
        c->count += !str_eq(t->name, STR("migrations")); /* the target has its own */
    }
    sql_end(&cursor);
    bool ok = c->count < TABLES_MAX;
    for (size_t i = 0; ok && i < c->count; i++) {
        struct table *t = &c->tables[i];
        ok = read_columns(c, t);
        if (!ok)
            break;
        write_statements(c, t);
        t->last_number = last_number(c, t);
        c->total += sql_int_of0(c->from, &t->count_rows, 0);
    }
    return ok && !store_tx_failed(c->from);
}

/* --- copying --- */

static bool is_empty(struct copy *c, struct store_tx *to)
{
    for (size_t i = 0; i < c->count; i++)
        if (!str_eq(c->tables[i].name, STR("meta")) && sql_int_of0(to, &c->tables[i].any_row, 0) != 0)
            return refuse(c, "the target is not empty: it has rows in table ", c->tables[i].name);
    return !store_tx_failed(to);
}

static struct sql_value value_at(struct sql_cursor *cursor, int i, enum sql_type type)
{
    if (sql_is_null(cursor, i))
        return SQL_NULL;
    return type == SQL_TYPE_INT    ? SQL_INT(sql_int(cursor, i))
           : type == SQL_TYPE_TEXT ? SQL_TEXT(sql_peek(cursor, i))
                                   : SQL_BLOB(sql_peek(cursor, i));
}

static void copy_rows(struct copy *c, struct store_tx *to, const struct table *t)
{
    struct sql_cursor cursor;
    struct sql_value values[COLUMNS_MAX];
    sql_query0(c->from, &t->select, &cursor);
    while (!store_tx_failed(to) && sql_next(&cursor)) {
        for (size_t i = 0; i < t->count; i++)
            values[i] = value_at(&cursor, (int)i, t->columns[i].type);
        sql_push_values(to, &t->insert, values, t->count);
        if (++c->result->rows % PROGRESS_ROWS == 0 && c->progress && c->progress->fn)
            c->progress->fn(c->progress->ctx, c->result->rows, c->total);
    }
    sql_end(&cursor);
}

static void set_number(struct store_tx *to, const struct table *t)
{
    struct sql_value name = SQL_TEXT(t->name), number = SQL_INT(t->last_number);
    if (t->last_number <= 0)
        return;
    if (catalog_of(to) == &sqlite) {
        sql_exec(to, &update_number_sqlite, name, number);
        sql_exec(to, &insert_number_sqlite, name, number);
    } else {
        (void)sql_int_of(to, &set_number_postgres, 0, name, SQL_TEXT(t->columns[0].name), number);
    }
}

static bool copy_all(struct store_tx *to, void *arg)
{
    struct copy *c = arg;
    if (tx_sharers(to) > 0)
        return refuse(c, "another process has the target open", STR(""));
    if (!is_empty(c, to))
        return false;
    sql_exec0(to, &delete_meta);
    for (size_t i = 0; i < c->count && !store_tx_failed(to); i++) {
        copy_rows(c, to, &c->tables[i]);
        set_number(to, &c->tables[i]);
        c->result->tables++;
    }
    writer_go_on_behind(to->writer, sql_int_of0(to, &select_reserved, 1)); /* the batch may write it anew */
    return !store_tx_failed(c->from) || refuse(c, "the source cannot be read", STR(""));
}

static bool is_alone(struct store_tx *tx, void *arg)
{
    (void)arg;
    return tx_sharers(tx) == 0;
}

bool copy_run(struct store *from, struct store *to, const struct copy_progress *progress, struct copy_result *out,
              struct store_error *error)
{
    *out = (struct copy_result){0};
    *error = (struct store_error){.text = ""};
    struct copy c = {
        .from = store_read_begin(from), .a = arena_new(), .progress = progress, .result = out, .error = error};
    bool ok = store_write(from, is_alone, NULL) == STORE_OK && read_tables(&c);
    if (!ok)
        (void)refuse(&c, "the source cannot be read, or another process has it open (is a server running?)", STR(""));
    enum store_result result = ok ? store_write(to, copy_all, &c) : STORE_ABORTED;
    if (!store_read_end(&c.from) && !*error->text)
        snprintf(error->text, sizeof error->text, "the source cannot be read");
    if (result == STORE_FAILED && !*error->text)
        snprintf(error->text, sizeof error->text, "the target cannot be written");
    arena_free(&c.a);
    return result == STORE_OK && !*error->text;
}
