#include "store/signing_keys.h"

#include "scratch.h"

static const struct signing_key_row first = {STR_INIT("ed25519:a_1"), STR_INIT("AAAA")},
                                    second = {STR_INIT("ed25519:a_2"), STR_INIT("BBBB")},
                                    same_id = {STR_INIT("ed25519:a_1"), STR_INIT("CCCC")};
static const struct sql count_old = SQL("SELECT count(*) FROM meta WHERE name LIKE 'old_signing_key %'");
static const struct sql count_old_first = SQL("SELECT CAST(value AS BIGINT) FROM meta"
                                              " WHERE name = 'old_signing_key ed25519:a_1 AAAA'");

static bool take(struct store_tx *tx, void *arg)
{
    return signing_keys_take(tx, arg, false);
}

static bool take_unused(struct store_tx *tx, void *arg)
{
    return signing_keys_take(tx, arg, true);
}

static bool change(struct store_tx *tx, void *arg)
{
    return signing_keys_change(tx, arg, 1234);
}

static enum store_result write_key(struct store *store, bool (*run)(struct store_tx *, void *),
                                   const struct signing_key_row *row)
{
    struct signing_key_row copy = *row;
    return store_write(store, run, &copy);
}

static void check_known(struct store *store, const struct signing_key_row *want)
{
    struct arena *a = arena_new();
    struct store_tx *tx = store_read_begin(store);
    struct signing_key_row row = signing_keys_known(tx, a);
    assert_true(store_read_end(&tx));
    assert_int_equal(row.key_id.p != NULL, want != NULL);
    if (want) {
        check_str(row.key_id, want->key_id, "key id");
        check_str(row.public_key, want->public_key, "public key");
    }
    arena_free(&a);
}

static void one_key_at_a_time(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    check_known(store, NULL);
    assert_int_equal(write_key(store, take, &first), STORE_OK);
    check_known(store, &first);
    assert_int_equal(write_key(store, take, &first), STORE_OK);
    assert_int_equal(write_key(store, take, &second), STORE_ABORTED);
    assert_int_equal(write_key(store, take, &same_id), STORE_ABORTED);
    check_known(store, &first);
    store_close(&store);
}

static void what_has_signed_nothing_is_no_old_key(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(write_key(store, take_unused, &first), STORE_OK);
    assert_int_equal(write_key(store, take_unused, &second), STORE_OK);
    check_known(store, &second);
    assert_int_equal(scratch_int(store, &count_old), 0);
    store_close(&store);
}

static void the_old_key_is_kept(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    assert_int_equal(write_key(store, change, &first), STORE_OK);
    assert_int_equal(scratch_int(store, &count_old), 0);
    assert_int_equal(write_key(store, change, &second), STORE_OK);
    check_known(store, &second);
    assert_int_equal(scratch_int(store, &count_old_first), 1234);
    assert_int_equal(write_key(store, change, &same_id), STORE_OK);
    assert_int_equal(scratch_int(store, &count_old), 2);
    assert_int_equal(write_key(store, change, &same_id), STORE_OK);
    assert_int_equal(scratch_int(store, &count_old), 2);
    assert_int_equal(write_key(store, change, &first), STORE_OK); /* taken up again */
    check_known(store, &first);
    assert_int_equal(scratch_int(store, &count_old), 2);
    assert_int_equal(scratch_int(store, &count_old_first), -1);
    store_close(&store);
}

/* Nothing is changed under another process. */
static void another_process_has_the_key(void **state)
{
    (void)state;
    if (!database_is_postgres())
        return;
    const char *path = database_path(":memory:");
    struct store *store = scratch_open_path(path), *other = scratch_open_path(path);
    assert_int_equal(write_key(store, take_unused, &first), STORE_OK);
    assert_int_equal(write_key(other, take_unused, &first), STORE_OK);
    assert_int_equal(write_key(other, take_unused, &second), STORE_ABORTED);
    assert_int_equal(write_key(other, change, &second), STORE_ABORTED);
    check_known(store, &first);
    store_close(&other);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key_at_a_time),
        cmocka_unit_test(what_has_signed_nothing_is_no_old_key),
        cmocka_unit_test(the_old_key_is_kept),
        cmocka_unit_test(another_process_has_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
