#include "store/migrations.h"

#include <sqlite3.h>

#include "scratch.h"

static const struct driver *driver(void)
{
    return database_is_postgres() ? &driver_postgres : &driver_sqlite;
}

/* Applies a list to a database as store_open does, and gives the error's text, "" if there was none. */
static struct store_error apply(const char *path, const struct migration *list, size_t count)
{
    struct store_error error = {.text = ""};
    struct store_options options = {.path = database_path(path), .server_name = SCRATCH_SERVER, .create = true};
    struct store store = {.driver = driver()};
    struct store_tx tx = {.store = &store, .driver = driver(), .writing = true};
    struct driver_db *db = driver()->open(&options, &error);
    assert_non_null(db);
    tx.conn = driver()->connect(db, DRIVER_WRITER, &error);
    assert_non_null(tx.conn);
    bool ok = migrations_apply_list(&tx, list, count, &error);
    assert_true(ok == (error.text[0] == '\0'));
    driver()->disconnect(tx.conn);
    driver()->close(db);
    return error;
}

static char *query_postgres(const char *path, const char *sql)
{
    PGconn *pg = PQconnectdb(database_path(path));
    PGresult *r = PQexec(pg, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    char *copy = strdup(PQgetvalue(r, 0, 0));
    PQclear(r);
    PQfinish(pg);
    return copy;
}

static char *query_sqlite(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    char *copy = strdup(text ? text : "");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return copy;
}

static void check_query(const char *path, const char *sql, const char *want)
{
    char *got = database_is_postgres() ? query_postgres(path, sql) : query_sqlite(path, sql);
    assert_string_equal(got, want);
    free(got);
}

#define NUMBERS                                                                                                        \
    (database_is_postgres()                                                                                            \
         ? "SELECT string_agg(number || name, ' ' ORDER BY number) FROM migrations"                                    \
         : "SELECT group_concat(number || name, ' ') FROM (SELECT * FROM migrations ORDER BY number)")
#define BYTE "CAST('0' AS {blob})"

#define FIRST                                                                                                          \
    "-- a comment\nCREATE TABLE a (id {id}, b {blob});\nINSERT INTO a (b) VALUES (" BYTE ");\n"                        \
    "CREATE TABLE c (n BIGINT PRIMARY KEY NOT NULL) {clustered};\n"

static const struct migration one = {1, "one", FIRST};
static const struct migration one_reworded = {1, "one",
                                              "CREATE TABLE   a (id {id},\n\n b {blob}); -- another\n"
                                              "INSERT INTO a (b) VALUES (" BYTE ");\n"
                                              "CREATE TABLE c (n BIGINT PRIMARY KEY NOT NULL) {clustered};"};
static const struct migration one_changed = {1, "one", FIRST "CREATE TABLE d (n BIGINT);"};
static const struct migration two = {2, "two", "INSERT INTO a (b) VALUES (" BYTE ");"};
static const struct migration four = {4, "four",
                                      "{sqlite}INSERT INTO c VALUES (41);\n"
                                      "{postgresql}INSERT INTO c VALUES (42);\n"};
static const struct migration five_fails = {5, "five", "INSERT INTO c VALUES (50);\nINSERT INTO nowhere VALUES (1);"};

static void are_applied_once(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    const struct migration first[] = {one}, later[] = {one_reworded, four}, gap[] = {one, two, four};
    for (int i = 0; i < 2; i++) {
        assert_string_equal(apply(path, first, COUNT_OF(first)).text, "");
        check_query(path, NUMBERS, "1one");
        check_query(path, "SELECT count(*) FROM a", "1");
    }
    assert_string_equal(apply(path, later, COUNT_OF(later)).text, "");
    check_query(path, NUMBERS, "1one 4four");
    check_query(path, "SELECT max(n) FROM c", database_is_postgres() ? "42" : "41");
    assert_string_equal(apply(path, gap, COUNT_OF(gap)).text, "");
    check_query(path, NUMBERS, "1one 2two 4four");
    check_query(path, "SELECT count(*) FROM a", "2");
    free(path);
    scratch_remove(folder);
}

static void are_refused(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    const struct migration all[] = {one, two, four}, older[] = {one, two}, other[] = {one_changed, two, four};
    const struct migration failing[] = {one, two, four, five_fails};
    assert_string_equal(apply(path, all, COUNT_OF(all)).text, "");

    struct store_error error = apply(path, older, COUNT_OF(older));
    assert_non_null(strstr(error.text, "the database is newer than this program: it has schema change 4 (four)"));
    error = apply(path, other, COUNT_OF(other));
    assert_non_null(strstr(error.text, "schema change 1 (one) differs"));
    error = apply(path, failing, COUNT_OF(failing));
    assert_non_null(strstr(error.text, "schema change 5 (five) failed: "));
    assert_non_null(
        strstr(error.text, database_is_postgres() ? "\"nowhere\" does not exist" : "no such table: nowhere"));
    check_query(path, NUMBERS, "1one 2two 4four");
    check_query(path, "SELECT max(n) FROM c", database_is_postgres() ? "42" : "41"); /* nothing of it was kept */
    free(path);
    scratch_remove(folder);
}

/* If the first fails, nothing at all is left. */
static void a_first_that_fails_leaves_nothing(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    const struct migration failing[] = {{1, "one", "INSERT INTO nowhere VALUES (1);"}}, good[] = {one};
    struct store_error error = apply(path, failing, COUNT_OF(failing));
    assert_non_null(strstr(error.text, "schema change 1 (one) failed: "));
    check_query(path,
                database_is_postgres()
                    ? "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
                    : "SELECT count(*) FROM sqlite_schema",
                "0");
    assert_string_equal(apply(path, good, COUNT_OF(good)).text, "");
    free(path);
    scratch_remove(folder);
}

/* Those of the program: all of them apply to a new database, and leave no word unfilled. */
static void the_programs_own(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    for (int i = 0; i < 2; i++) {
        struct store *store = scratch_open_at(path);
        store_close(&store);
    }
    if (database_is_postgres()) /* no text depends on a language */
        check_query(path,
                    "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema()"
                    " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
                    "0");
    else
        check_query(path, "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%{%' OR sql LIKE '%}%'", "0");
    check_query(path, "SELECT CASE WHEN count(*) >= 4 THEN 'enough' END FROM migrations", "enough");
    check_query(path, "SELECT value FROM meta WHERE name = 'server_name'", "hearth.test");
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_applied_once),
        cmocka_unit_test(are_refused),
        cmocka_unit_test(a_first_that_fails_leaves_nothing),
        cmocka_unit_test(the_programs_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
