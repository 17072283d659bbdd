#include "store/row_cache.h"
#include "store/state_keys.h"
#include "store/tx.h"
#include "store/users.h"

#include "scratch.h"

static char long_name[2000];

static const struct {
    struct str type, state_key;
} pairs[] = {
    {STR_INIT("m.room.create"), STR_INIT("")},
    {STR_INIT("m.room.member"), STR_INIT("@alice:hearth.test")},
    {STR_INIT("m.room.member"), STR_INIT("@bob:hearth.test")},
    {STR_INIT("m.room.membe"), STR_INIT("r@bob:hearth.test")},
    {STR_INIT(""), STR_INIT("")},
    {STR_INIT(""), STR_INIT("m.room.create")},
    {STR_INIT("nul\0byte"), STR_INIT("\0")},
    {STR_INIT("nul"), STR_INIT("\0byte\0")},
    {STR_INIT("n\1\0\0\0\0\0\0\0"), STR_INIT("")},
    {STR_INIT(""), STR_INIT("n\2\0\0\0\0\0\0\0")},
    {STR_INIT("\4\0\0\0"), STR_INIT("\0\0\0\0")},
    {STR_INIT("long"), {long_name, sizeof long_name}},
};

struct numbers {
    int64_t nids[COUNT_OF(pairs)];
    bool keep;
};

static bool intern_all(struct store_tx *tx, void *arg)
{
    struct numbers *n = arg;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_int_equal(state_keys_find(tx, pairs[i].type, pairs[i].state_key), 0);
        n->nids[i] = state_keys_intern(tx, pairs[i].type, pairs[i].state_key);
        assert_true(n->nids[i] > 0);
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_int_equal(state_keys_intern(tx, pairs[i].type, pairs[i].state_key), n->nids[i]);
    return n->keep;
}

static void check_all(struct store *store, const struct numbers *want)
{
    struct store_tx *tx = store_read_begin(store);
    struct arena *a = store_tx_arena(tx);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct str type, state_key;
        assert_int_equal(state_keys_find(tx, pairs[i].type, pairs[i].state_key), want->nids[i]);
        assert_true(state_keys_get(tx, want->nids[i], a, &type, &state_key));
        check_str(type, pairs[i].type, "type");
        check_str(state_key, pairs[i].state_key, "state_key");
    }
    struct str type, state_key;
    assert_false(state_keys_get(tx, 1000, a, &type, &state_key));
    assert_false(state_keys_get(tx, 0, a, &type, &state_key));
    assert_true(store_read_end(&tx));
}

static void pairs_have_numbers(void **state)
{
    (void)state;
    memset(long_name, 'x', sizeof long_name);
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    struct numbers dropped = {.keep = false}, kept = {.keep = true};
    assert_int_equal(store_write(store, intern_all, &dropped), STORE_ABORTED);
    assert_int_equal(row_cache_used(store->state_keys), 0);
    assert_int_equal(store_write(store, intern_all, &kept), STORE_OK);
    check_all(store, &kept); /* from the cache */
    store_close(&store);
    store = scratch_open_at(path);
    check_all(store, &kept); /* from the database */
    check_all(store, &kept);
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

static bool intern_users(struct store_tx *tx, void *arg)
{
    int64_t *nids = arg;
    assert_int_equal(users_nid_of(tx, STR("@a:x")), 0);
    nids[0] = users_intern(tx, STR("@a:x"));
    nids[1] = users_intern(tx, STR("@b:x"));
    assert_int_equal(users_intern(tx, STR("@a:x")), nids[0]);
    assert_int_not_equal(nids[0], nids[1]);
    return nids[2] != 0;
}

static void users_have_numbers(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    int64_t dropped[3] = {0}, kept[3] = {0, 0, 1};
    assert_int_equal(store_write(store, intern_users, dropped), STORE_ABORTED);
    assert_int_equal(row_cache_used(store->users), 0);
    assert_int_equal(store_write(store, intern_users, kept), STORE_OK);
    assert_true(row_cache_used(store->users) > 0);
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(users_nid_of(tx, STR("@b:x")), kept[1]);
    check_str(users_id_of(tx, kept[0], store_tx_arena(tx)), STR("@a:x"), "id");
    assert_null(users_id_of(tx, 99, store_tx_arena(tx)).p);
    assert_int_equal(users_nid_of(tx, STR("#\1\0\0\0\0\0\0\0")), 0);
    assert_true(store_read_end(&tx));
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_have_numbers),
        cmocka_unit_test(users_have_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
