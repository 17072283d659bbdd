#include "store/accounts.h"
#include "store/devices.h"
#include "store/tokens.h"

#include "scratch.h"

/* Steps in one write transaction; `nid` numbers what was inserted. */
struct world {
    int64_t user_nid;
    int64_t device_nid;
    int64_t first;
    int64_t second;
    int64_t third;
};

static int64_t insert(struct store_tx *tx, const struct world *w, const char *access, const char *refresh,
                      int64_t replaces)
{
    return tokens_insert(tx, &(struct token_row){
                                 .user_nid = w->user_nid,
                                 .device_nid = w->device_nid,
                                 .access_hash = str_of(access),
                                 .refresh_hash = refresh ? str_of(refresh) : (struct str){0},
                                 .expires_ts = 77,
                                 .replaces_nid = replaces,
                             });
}

static bool begin(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    struct account_row account = {.user_id = STR("@a:hearth.test"), .is_admin = true, .created_ts = 1};
    if (!accounts_insert(tx, &account))
        return false;
    w->user_nid = account.user_nid;
    w->device_nid =
        devices_insert(tx, &(struct device_row){.user_nid = w->user_nid, .device_id = STR("D"), .created_ts = 1});
    w->first = insert(tx, w, "a1", "r1", 0);
    return true;
}

static bool has(struct store *store, const char *access, struct token_owner *owner)
{
    struct store_tx *tx = store_read_begin(store);
    bool found = tokens_find_access(tx, str_of(access), store_tx_arena(tx), owner);
    assert_true(store_read_end(&tx));
    return found;
}

static bool refresh_twice(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    w->second = insert(tx, w, "a2", "r2", w->first);
    tokens_delete_replacing(tx, w->first);
    w->third = insert(tx, w, "a3", "r3", w->first);
    return true;
}

static bool use_third(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    tokens_first_use(tx, w->third);
    return true;
}

static bool delete_device(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    tokens_delete_of_device(tx, w->device_nid);
    return true;
}

static void rotation(void **state)
{
    struct store *store = scratch_open();
    struct world w = {0};
    struct token_owner owner;
    (void)state;
    assert_int_equal(store_write(store, begin, &w), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    assert_true(tokens_find_refresh(tx, STR("r1"), store_tx_arena(tx), &owner));
    assert_int_equal(owner.token.token_nid, w.first);
    assert_int_equal(owner.token.expires_ts, 77);
    assert_int_equal(owner.token.replaces_nid, 0);
    check_str(owner.user_id, STR("@a:hearth.test"), "user id");
    check_str(owner.device_id, STR("D"), "device id");
    assert_true(owner.is_admin);
    assert_false(owner.is_guest);
    assert_false(tokens_find_refresh(tx, STR("a1"), store_tx_arena(tx), &owner));
    assert_true(store_read_end(&tx));

    assert_int_equal(store_write(store, refresh_twice, &w), STORE_OK);
    assert_true(has(store, "a1", &owner) && !has(store, "a2", &owner) && has(store, "a3", &owner));
    assert_int_equal(owner.token.replaces_nid, w.first);
    assert_int_equal(store_write(store, use_third, &w), STORE_OK);
    assert_true(!has(store, "a1", &owner) && has(store, "a3", &owner));
    assert_int_equal(owner.token.replaces_nid, 0);
    assert_int_equal(store_write(store, delete_device, &w), STORE_OK);
    assert_false(has(store, "a3", &owner));
    store_close(&store);
}

static bool insert_same(struct store_tx *tx, void *arg)
{
    return insert(tx, arg, "a1", NULL, 0) != 0;
}

static void a_token_is_there_once(void **state)
{
    struct store *store = scratch_open();
    struct world w = {0};
    (void)state;
    assert_int_equal(store_write(store, begin, &w), STORE_OK);
    assert_int_not_equal(store_write(store, insert_same, &w), STORE_OK);
    store_close(&store);
}

static bool deactivate_and_insert(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    accounts_deactivate(tx, w->user_nid, 1, false);
    return insert(tx, w, "a2", "r2", 0) != 0;
}

static void none_of_a_deactivated_account(void **state)
{
    struct store *store = scratch_open();
    struct world w = {0};
    struct token_owner owner;
    (void)state;
    assert_int_equal(store_write(store, begin, &w), STORE_OK);
    assert_int_equal(store_write(store, deactivate_and_insert, &w), STORE_OK);
    assert_false(has(store, "a1", &owner) || has(store, "a2", &owner));
    struct store_tx *tx = store_read_begin(store);
    assert_false(tokens_find_refresh(tx, STR("r2"), store_tx_arena(tx), &owner));
    assert_true(store_read_end(&tx));
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation),
        cmocka_unit_test(a_token_is_there_once),
        cmocka_unit_test(none_of_a_deactivated_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
