#include "store/sql.h"

#include "scratch.h"

static struct sql make_things =
    SQL("CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, i BIGINT, t TEXT, b BLOB)");
static const struct sql insert = SQL("INSERT INTO things (i, t, b) VALUES ($1, $2, $3) RETURNING id");
static const struct sql insert_null_int = SQL("INSERT INTO things (i) VALUES ($1)");
static const struct sql select_all = SQL("SELECT i, t, b FROM things ORDER BY id");
static const struct sql select_i = SQL("SELECT i FROM things WHERE id = $1");
static const struct sql count = SQL("SELECT count(*) FROM things");
static const struct sql update = SQL("UPDATE things SET i = 7");
static const struct sql delete_all = SQL("DELETE FROM things");

/* In the order in which SQLite meets them: 2, 3, 1, 2. */
static const struct sql out_of_order = SQL("SELECT ($2 - $3) * $1 + $2");

static void run(bool (*fn)(struct store_tx *, void *), enum store_result want)
{
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_things), STORE_OK);
    int calls = 0;
    assert_int_equal(store_write(store, fn, &calls), want);
    assert_int_equal(calls, 1);
    store_close(&store);
}

static bool numbers_parameters(struct store_tx *tx, void *calls)
{
    ++*(int *)calls;
    assert_int_equal(sql_int_of(tx, &out_of_order, -1, SQL_INT(10), SQL_INT(5), SQL_INT(3)), 25);
    return true;
}

static void parameters(void **state)
{
    (void)state;
    run(numbers_parameters, STORE_OK);
}

static const struct {
    const char *name;
    struct sql_value i, t, b;
} rows[] = {
    {"plain", {SQL_TYPE_INT, 42, {0}}, {SQL_TYPE_TEXT, 0, STR_INIT("text")}, {SQL_TYPE_BLOB, 0, STR_INIT("blob")}},
    {"nulls", {.type = SQL_TYPE_NULL}, {.type = SQL_TYPE_NULL}, {.type = SQL_TYPE_NULL}},
    {"empty", {SQL_TYPE_INT, 0, {0}}, {SQL_TYPE_TEXT, 0, STR_INIT("")}, {SQL_TYPE_BLOB, 0, STR_INIT("")}},
    {"empty without bytes", {SQL_TYPE_INT, 0, {0}}, {SQL_TYPE_TEXT, 0, {NULL, 0}}, {SQL_TYPE_BLOB, 0, {NULL, 0}}},
    {"largest",
     {SQL_TYPE_INT, INT64_MAX, {0}},
     {SQL_TYPE_TEXT, 0, STR_INIT("\xf0\x9f\x8f\xa0")},
     {SQL_TYPE_BLOB, 0, STR_INIT("\0\xff\0")}},
    {"smallest", {SQL_TYPE_INT, INT64_MIN, {0}}, {SQL_TYPE_TEXT, 0, STR_INIT("'; --")}, {.type = SQL_TYPE_NULL}},
};

static void check_bytes(struct sql_cursor *c, int column, const struct sql_value *want, const char *name)
{
    struct arena *a = store_tx_arena(c->tx);
    assert_true(sql_is_null(c, column) == (want->type == SQL_TYPE_NULL));
    check_case((sql_peek(c, column).p == NULL) == (want->type == SQL_TYPE_NULL), name);
    check_case((sql_text(c, column, a).p == NULL) == (want->type == SQL_TYPE_NULL), name);
    check_str(sql_peek(c, column), want->s, name);
    check_str(sql_text(c, column, a), want->s, name);
}

static bool goes_in_and_out(struct store_tx *tx, void *calls)
{
    ++*(int *)calls;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(sql_int_of(tx, &insert, 0, rows[i].i, rows[i].t, rows[i].b), i + 1);
    struct sql_cursor c;
    size_t i = 0;
    sql_query0(tx, &select_all, &c);
    for (; sql_next(&c); i++) {
        assert_int_equal(sql_int(&c, 0), rows[i].i.i);
        assert_true(sql_is_null(&c, 0) == (rows[i].i.type == SQL_TYPE_NULL));
        check_bytes(&c, 1, &rows[i].t, rows[i].name);
        check_bytes(&c, 2, &rows[i].b, rows[i].name);
    }
    assert_false(sql_next(&c)); /* and stays so */
    assert_int_equal(sql_int(&c, 0), 0);
    assert_null(sql_peek(&c, 1).p);
    sql_end(&c);
    assert_int_equal(i, COUNT_OF(rows));
    return true;
}

static void values(void **state)
{
    (void)state;
    run(goes_in_and_out, STORE_OK);
}

static bool counts(struct store_tx *tx, void *calls)
{
    ++*(int *)calls;
    for (int i = 0; i < 3; i++)
        assert_int_equal(sql_exec(tx, &insert_null_int, SQL_INT_OR_NULL(i)), 1);
    assert_int_equal(sql_int_of(tx, &select_i, -1, SQL_INT(1)), -1); /* NULL */
    assert_int_equal(sql_int_of(tx, &select_i, -1, SQL_INT(2)), 1);
    assert_int_equal(sql_int_of(tx, &select_i, -1, SQL_INT(9)), -1); /* no row */
    assert_int_equal(sql_exec0(tx, &update), 3);
    assert_int_equal(sql_exec0(tx, &delete_all), 3);
    assert_int_equal(sql_exec0(tx, &delete_all), 0);
    /* A number does not come again. */
    assert_int_equal(sql_int_of(tx, &insert, 0, SQL_NULL, SQL_TEXT_OR_NULL(((struct str){NULL, 0})), SQL_NULL), 4);
    return true;
}

static void changes(void **state)
{
    (void)state;
    run(counts, STORE_OK);
}

static bool goes_on_after_failure(struct store_tx *tx, void *calls)
{
    static const struct sql broken = SQL("SELECT nothing FROM nowhere WHERE n = $1");
    ++*(int *)calls;
    sql_exec(tx, &insert_null_int, SQL_INT(1));
    assert_false(store_tx_failed(tx));
    struct sql_cursor c;
    sql_query(tx, &broken, &c, SQL_INT(1));
    assert_false(sql_next(&c));
    assert_true(sql_is_null(&c, 0));
    sql_end(&c);
    assert_true(store_tx_failed(tx));
    assert_int_equal(sql_exec(tx, &insert_null_int, SQL_INT(1)), 0);
    assert_int_equal(sql_int_of0(tx, &count, -7), -7);
    sql_query0(tx, &select_all, &c);
    assert_false(sql_next(&c));
    sql_end(&c);
    return true; /* the store knows better */
}

static void errors_are_sticky(void **state)
{
    (void)state;
    run(goes_on_after_failure, STORE_FAILED);
}

static bool fails_itself(struct store_tx *tx, void *calls)
{
    ++*(int *)calls;
    sql_fail(tx, "two nodes of one hash");
    assert_true(store_tx_failed(tx));
    return true;
}

static void aggregates_may_fail(void **state)
{
    (void)state;
    run(fails_itself, STORE_FAILED);
}

/* More statements than a connection remembers, one of them in use all the time. */
static bool uses_many(struct store_tx *tx, void *calls)
{
    enum { MANY = 400 };
    static char text[MANY][32];
    static struct sql many[MANY];
    ++*(int *)calls;
    sql_exec(tx, &insert_null_int, SQL_INT(1));
    sql_exec(tx, &insert_null_int, SQL_INT(2));
    struct sql_cursor c;
    sql_query0(tx, &select_all, &c);
    assert_true(sql_next(&c));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) {
            snprintf(text[i], sizeof text[i], "SELECT %d + $1", i);
            many[i].text = text[i];
            assert_int_equal(sql_int_of(tx, &many[i], -1, SQL_INT(1)), i + 1);
        }
    assert_true(sql_next(&c));
    assert_int_equal(sql_int(&c, 0), 2);
    sql_end(&c);
    return true;
}

static void statements_are_forgotten(void **state)
{
    (void)state;
    run(uses_many, STORE_OK);
}

static void query_twice(void *arg)
{
    struct sql_cursor a, b;
    sql_query0(arg, &count, &a);
    sql_query0(arg, &count, &b);
}

static void too_few_values(void *arg)
{
    sql_int_of(arg, &out_of_order, 0, SQL_INT(1));
}

static void end_with_open_cursor(void *arg)
{
    struct store_tx *tx = arg;
    struct sql_cursor c;
    sql_query0(tx, &count, &c);
    (void)!store_read_end(&tx);
}

static void bugs_stop_the_program(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(scratch_exec(store, &make_things), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    assert_true(check_aborts(query_twice, tx));
    assert_true(check_aborts(too_few_values, tx));
    assert_true(check_aborts(end_with_open_cursor, tx));
    assert_int_equal(sql_int_of0(tx, &count, -1), 0);
    assert_true(store_read_end(&tx));
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters),
        cmocka_unit_test(values),
        cmocka_unit_test(changes),
        cmocka_unit_test(errors_are_sticky),
        cmocka_unit_test(aggregates_may_fail),
        cmocka_unit_test(statements_are_forgotten),
        cmocka_unit_test(bugs_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
