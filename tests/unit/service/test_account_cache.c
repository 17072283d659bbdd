#include "service/account_cache.h"

#include <string.h>

#include "check.h"

static struct caller caller_of(int64_t user_nid, int64_t device_nid)
{
    return (struct caller){.user_nid = user_nid,
                           .device_nid = device_nid,
                           .user_id = STR("@a:b"),
                           .device_id = STR("DEVICE"),
                           .is_admin = true};
}

static void hash_of(unsigned n, uint8_t out[TOKEN_HASH_SIZE])
{
    token_hash((struct str){(const char *)&n, sizeof n}, out);
}

static void put(struct account_cache *cache, unsigned n, int64_t user_nid, int64_t device_nid)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    struct caller caller = caller_of(user_nid, device_nid);
    hash_of(n, hash);
    account_cache_put(cache, account_cache_generation(cache), hash, &caller, 7);
}

static bool has(struct account_cache *cache, unsigned n)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    struct arena *a = arena_new();
    struct caller caller;
    int64_t expires_ts;
    hash_of(n, hash);
    bool found = account_cache_get(cache, hash, a, &caller, &expires_ts);
    arena_free(&a);
    return found;
}

static void gives_back_what_was_put(void **state)
{
    struct account_cache *cache = account_cache_new(10);
    struct arena *a = arena_new();
    uint8_t hash[TOKEN_HASH_SIZE];
    struct caller caller;
    int64_t expires_ts;
    (void)state;
    put(cache, 1, 5, 6);
    hash_of(1, hash);
    assert_true(account_cache_get(cache, hash, a, &caller, &expires_ts));
    assert_int_equal(caller.user_nid, 5);
    assert_int_equal(caller.device_nid, 6);
    assert_int_equal(expires_ts, 7);
    check_str(caller.user_id, STR("@a:b"), "user id");
    check_str(caller.device_id, STR("DEVICE"), "device id");
    assert_true(caller.is_admin);
    assert_false(caller.is_guest);
    hash[TOKEN_HASH_SIZE - 1] ^= 1; /* the same key of the map, another token */
    assert_false(account_cache_get(cache, hash, a, &caller, &expires_ts));
    arena_free(&a);
    account_cache_free(&cache);
}

static void drops(void **state)
{
    struct account_cache *cache = account_cache_new(10);
    (void)state;
    put(cache, 1, 5, 6);
    put(cache, 2, 5, 7);
    put(cache, 3, 5, 7);
    put(cache, 4, 8, 9);
    account_cache_drop_device(cache, 7);
    assert_true(has(cache, 1) && !has(cache, 2) && !has(cache, 3) && has(cache, 4));
    account_cache_drop_user(cache, 5);
    assert_true(!has(cache, 1) && has(cache, 4));
    account_cache_free(&cache);
}

static void a_late_reader_puts_nothing(void **state)
{
    struct account_cache *cache = account_cache_new(10);
    uint8_t hash[TOKEN_HASH_SIZE];
    struct caller caller = caller_of(5, 6);
    (void)state;
    uint64_t generation = account_cache_generation(cache);
    account_cache_drop_device(cache, 6);
    hash_of(1, hash);
    account_cache_put(cache, generation, hash, &caller, 0);
    assert_false(has(cache, 1));
    account_cache_free(&cache);
}

static void keeps_what_is_used(void **state)
{
    struct account_cache *cache = account_cache_new(8);
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        put(cache, i, 1, (int64_t)i);
        assert_true(has(cache, 0));
    }
    unsigned left = 0;
    for (unsigned i = 0; i < 1000; i++)
        left += has(cache, i);
    assert_int_equal(left, 8);
    account_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_put),
        cmocka_unit_test(drops),
        cmocka_unit_test(a_late_reader_puts_nothing),
        cmocka_unit_test(keeps_what_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
