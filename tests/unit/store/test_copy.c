#include "base/buf.h"
#include "store/copy.h"
#include "store/users.h"

#include <sqlite3.h>

#include "scratch.h"

enum { ROWS = 300 };

static sqlite3 *open_file(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

/* Calls fn with each table but those that every database begins with. */
static void each_table(sqlite3 *db, void (*fn)(sqlite3 *, const char *, struct buf *), struct buf *out)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                        " AND name NOT IN ('migrations', 'sqlite_sequence') ORDER BY name",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        fn(db, (const char *)sqlite3_column_text(stmt, 0), out);
    sqlite3_finalize(stmt);
}

/* Rows of all types, with NULL where it may stand, and with text of any bytes. */
static void fill(sqlite3 *db, const char *table, struct buf *unused)
{
    char query[200];
    struct buf sql;
    sqlite3_stmt *stmt;
    (void)unused;
    if (strcmp(table, "meta") == 0)
        return;
    buf_init(&sql, 10000);
    buf_fmt(&sql,
            "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < %d) INSERT INTO %s SELECT ",
            ROWS, table);
    snprintf(query, sizeof query, "SELECT type, \"notnull\" OR pk, cid FROM pragma_table_info('%s') ORDER BY cid",
             table);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(stmt, 0);
        const char *value = strcmp(type, "TEXT") == 0   ? "CAST(x'c3a90001ff' || i AS TEXT)"
                            : strcmp(type, "BLOB") == 0 ? "CAST(x'00ff01' || i AS BLOB)"
                                                        : "i * 1000003";
        bool nullable = !sqlite3_column_int(stmt, 1);
        buf_fmt(&sql, "%s%s%s%s", sqlite3_column_int(stmt, 2) ? ", " : "", nullable ? "CASE WHEN i % 3 THEN " : "",
                value, nullable ? " END" : "");
    }
    sqlite3_finalize(stmt);
    buf_add(&sql, STR(" FROM r"));
    buf_add_char(&sql, '\0');
    if (sqlite3_exec(db, sql.p, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql.p, sqlite3_errmsg(db));
    buf_fini(&sql);
}

/* Every row, byte for byte. */
static void dump(sqlite3 *db, const char *table, struct buf *out)
{
    char query[100];
    sqlite3_stmt *stmt;
    bool meta = strcmp(table, "meta") == 0; /* a position is only to be no lower */
    snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY 1, 2%s",
             meta ? "(SELECT * FROM meta WHERE name <> 'pos_reserved')" : table, meta ? "" : ", 3");
    buf_fmt(out, "%s\n", table);
    if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK) {
        snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY 1, 2", table);
        if (sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK) {
            snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY 1", table);
            assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
        }
    }
    int rows = 0;
    for (; sqlite3_step(stmt) == SQLITE_ROW; rows++)
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            buf_fmt(out, "%d:", sqlite3_column_type(stmt, i));
            const void *bytes = sqlite3_column_blob(stmt, i);
            buf_add(out, (struct str){bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, i)});
            buf_add_char(out, '\n');
        }
    sqlite3_finalize(stmt);
    assert_true(rows >= (strcmp(table, "meta") == 0 ? 1 : ROWS));
}

static struct copy_result copy(const char *from, const char *to, const char *refused)
{
    struct store *source = scratch_open_path(from), *target = scratch_open_path(to);
    struct copy_result result;
    struct store_error error;
    bool ok = copy_run(source, target, NULL, &result, &error);
    if (ok != !refused || (refused && !strstr(error.text, refused)))
        fail_msg("copied: %d, %s", ok, error.text);
    store_close(&source);
    store_close(&target);
    return result;
}

static bool meet(struct store_tx *tx, void *nid_out)
{
    *(int64_t *)nid_out = users_intern(tx, STR("@new:hearth.test"));
    for (int i = 0; i < 20; i++)
        (void)store_next_pos(tx);
    return true;
}

static bool forget_newest(struct store_tx *tx, void *arg)
{
    static const struct sql delete = SQL("DELETE FROM users WHERE user_nid = $1");
    assert_int_equal(sql_exec(tx, &delete, SQL_INT(*(int64_t *)arg)), 1);
    return true;
}

/* From a file over the engine under test to another file: nothing is missing, and nothing different. */
static void there_and_back(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *others = scratch_folder(), *third = scratch_folder();
    char *first = scratch_path(folder, "db"), *middle = scratch_path(others, "db"), *last = scratch_path(third, "db");
    struct buf before, after;
    int64_t nid = 0, next = 0, position;
    struct store *store = scratch_open_path(first);
    store_close(&store);
    sqlite3 *db = open_file(first);
    each_table(db, fill, NULL);
    sqlite3_close(db);
    store = scratch_open_path(first); /* the highest number was given out, and is not there any more */
    assert_int_equal(store_write(store, meet, &nid), STORE_OK);
    assert_int_equal(store_write(store, forget_newest, &nid), STORE_OK);
    position = store_stable_pos(store);
    store_close(&store);

    const char *between = database_path(middle);
    struct copy_result result = copy(first, between, NULL);
    assert_true(result.tables > 20 && result.rows >= (result.tables - 1) * ROWS);
    copy(between, last, NULL);
    buf_init(&before, 1 << 26);
    buf_init(&after, 1 << 26);
    db = open_file(first);
    each_table(db, dump, &before);
    sqlite3_close(db);
    db = open_file(last);
    each_table(db, dump, &after);
    sqlite3_close(db);
    assert_true(buf_ok(&before) && buf_ok(&after));
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_fini(&before);
    buf_fini(&after);

    const char *const copies[] = {between, last};
    for (size_t i = 0; i < COUNT_OF(copies); i++) {
        store = scratch_open_path(copies[i]);
        assert_true(store_stable_pos(store) >= position);
        assert_int_equal(store_write(store, meet, &next), STORE_OK);
        assert_true(next > nid);
        store_close(&store);
    }
    copy(first, last, "the target is not empty");
    copy(last, between, "the target is not empty");
    free(first), free(middle), free(last);
    scratch_remove(folder), scratch_remove(others), scratch_remove(third);
}

/* What fails at its end has left nothing behind. */
static void cut_short(void **state)
{
    (void)state;
    static struct sql spoil = SQL("ALTER TABLE users RENAME COLUMN user_id TO other"),
                      count = SQL("SELECT count(*) FROM meta WHERE name = 'server_name'");
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *source = scratch_open_path(path), *target = scratch_open();
    struct copy_result result;
    struct store_error error;
    int64_t nid;
    assert_int_equal(store_write(source, meet, &nid), STORE_OK);
    assert_int_equal(scratch_exec(target, &spoil), STORE_OK);
    assert_false(copy_run(source, target, NULL, &result, &error));
    assert_true(*error.text);
    assert_true(result.tables > 10);
    assert_int_equal(scratch_int(target, &count), 1);
    store_close(&source);
    store_close(&target);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
