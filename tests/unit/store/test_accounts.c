#include "store/accounts.h"
#include "store/devices.h"
#include "store/users.h"

#include "scratch.h"

struct numbers {
    int64_t account;
    int64_t remote;
    int64_t again;
    int64_t device;
};

static bool insert(struct store_tx *tx, void *arg)
{
    struct numbers *n = arg;
    struct account_row row = {
        .user_id = STR("@a:hearth.test"), .password_hash = STR("hash"), .is_guest = true, .created_ts = 5};
    n->remote = users_intern(tx, STR("@b:elsewhere"));
    n->again = users_intern(tx, STR("@b:elsewhere"));
    bool made = accounts_insert(tx, &row);
    n->account = row.user_nid;
    return made;
}

static bool insert_again(struct store_tx *tx, void *arg)
{
    struct account_row row = {.user_id = STR("@a:hearth.test"), .created_ts = 6};
    (void)arg;
    return accounts_insert(tx, &row);
}

static bool change(struct store_tx *tx, void *arg)
{
    struct numbers *n = arg;
    if (!accounts_set_password(tx, n->account, STR("other")))
        return false;
    accounts_set_admin(tx, n->account, true);
    return true;
}

static bool deactivate_erasing(struct store_tx *tx, void *arg)
{
    struct numbers *n = arg;
    accounts_deactivate(tx, n->account, 100, true);
    accounts_deactivate(tx, n->account, 200, false); /* keeps the first time, and the wish to erase */
    return !accounts_set_password(tx, n->account, STR("third"));
}

static struct account_row find(struct store *store, struct arena *a)
{
    struct account_row row = {0};
    struct store_tx *tx = store_read_begin(store);
    assert_true(accounts_find(tx, STR("@a:hearth.test"), a, &row));
    assert_false(accounts_find(tx, STR("@b:elsewhere"), a, &row));
    assert_true(store_read_end(&tx));
    return row;
}

static void a_life(void **state)
{
    struct store *store = scratch_open();
    struct arena *a = arena_new();
    struct numbers n = {0};
    (void)state;
    assert_int_equal(store_write(store, insert, &n), STORE_OK);
    assert_true(n.remote != 0 && n.remote == n.again && n.remote != n.account);
    assert_int_equal(store_write(store, insert_again, &n), STORE_ABORTED);
    struct account_row row = find(store, a);
    assert_int_equal(row.user_nid, n.account);
    check_str(row.password_hash, STR("hash"), "password");
    assert_true(row.is_guest && !row.is_admin && !row.erased);
    assert_int_equal(row.created_ts, 5);
    assert_int_equal(row.deactivated_ts, 0);

    assert_int_equal(store_write(store, change, &n), STORE_OK);
    row = find(store, a);
    check_str(row.password_hash, STR("other"), "changed password");
    assert_true(row.is_admin);

    assert_int_equal(store_write(store, deactivate_erasing, &n), STORE_OK);
    row = find(store, a);
    assert_null(row.password_hash.p);
    assert_int_equal(row.deactivated_ts, 100);
    assert_true(row.erased);

    struct store_tx *tx = store_read_begin(store);
    assert_true(accounts_get(tx, n.account, a, &row));
    check_str(row.user_id, STR("@a:hearth.test"), "user id by number");
    assert_false(accounts_get(tx, n.remote, a, &row));
    assert_int_equal(users_nid_of(tx, STR("@b:elsewhere")), n.remote);
    assert_int_equal(users_nid_of(tx, STR("@c:elsewhere")), 0);
    check_str(users_id_of(tx, n.remote, a), STR("@b:elsewhere"), "user id");
    assert_null(users_id_of(tx, 999, a).p);
    assert_true(store_read_end(&tx));
    arena_free(&a);
    store_close(&store);
}

static bool devices_come_and_go(struct store_tx *tx, void *arg)
{
    struct numbers *n = arg;
    struct device_row row = {.user_nid = n->account, .device_id = STR("D"), .created_ts = 9};
    int64_t first = devices_insert(tx, &row);
    devices_delete(tx, first);
    n->device = devices_insert(tx, &row);
    devices_seen(tx, n->device, 50, STR("192.0.2.1"));
    return n->device > first && devices_rename(tx, n->account, STR("D"), STR("name")) &&
           !devices_rename(tx, n->account, STR("E"), STR("name")) && devices_count(tx, n->account) == 1;
}

static void device_numbers_come_once(void **state)
{
    struct store *store = scratch_open();
    struct arena *a = arena_new();
    struct numbers n = {0};
    struct device_row row;
    (void)state;
    assert_int_equal(store_write(store, insert, &n), STORE_OK);
    assert_int_equal(store_write(store, devices_come_and_go, &n), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    assert_true(devices_find(tx, n.account, STR("D"), a, &row));
    assert_false(devices_find(tx, n.remote, STR("D"), a, &row));
    assert_true(store_read_end(&tx));
    assert_int_equal(row.device_nid, n.device);
    check_str(row.display_name, STR("name"), "name");
    check_str(row.last_seen_ip, STR("192.0.2.1"), "address");
    assert_int_equal(row.last_seen_ts, 50);
    arena_free(&a);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_life), cmocka_unit_test(device_numbers_come_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
