#include "base/clock.h"
#include "service/account_limit.h"

#include "check.h"

static int64_t now_ms = 1000000;

static int64_t now(void)
{
    return now_ms;
}

static int take_all(struct account_limits *limits, struct str key)
{
    int taken = 0;
    while (account_limit_take(limits, ACCOUNT_LIMIT_STRICT, key).code == ERRCODE_NONE)
        taken++;
    return taken;
}

static void a_burst_then_slowly(void **state)
{
    struct account_limits *limits = account_limits_new();
    (void)state;
    clock_set_source(now);
    assert_int_equal(take_all(limits, STR("a")), ACCOUNT_LIMIT_BURST);
    assert_int_equal(take_all(limits, STR("b")), ACCOUNT_LIMIT_BURST);
    struct fault fault = account_limit_take(limits, ACCOUNT_LIMIT_STRICT, STR("a"));
    assert_int_equal(fault.code, M_LIMIT_EXCEEDED);
    assert_int_equal(fault.retry_after_ms, ACCOUNT_LIMIT_REFILL_MS);
    now_ms += ACCOUNT_LIMIT_REFILL_MS - 1;
    assert_int_equal(account_limit_take(limits, ACCOUNT_LIMIT_STRICT, STR("a")).retry_after_ms, 1);
    now_ms += 1;
    assert_int_equal(take_all(limits, STR("a")), 1);
    now_ms += 1000 * ACCOUNT_LIMIT_REFILL_MS;
    assert_int_equal(take_all(limits, STR("a")), ACCOUNT_LIMIT_BURST);
    account_limits_free(&limits);
    clock_set_source(NULL);
}

static void good_attempts_do_not_count(void **state)
{
    struct account_limits *limits = account_limits_new();
    (void)state;
    clock_set_source(now);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(account_limit_take(limits, ACCOUNT_LIMIT_STRICT, STR("a")).code, ERRCODE_NONE);
        account_limit_give_back(limits, ACCOUNT_LIMIT_STRICT, STR("a"));
    }
    assert_int_equal(take_all(limits, STR("a")), ACCOUNT_LIMIT_BURST);
    account_limits_free(&limits);
    clock_set_source(NULL);
}

/* Somebody with very many addresses tries to wash out the bucket of the account he is guessing at. While he goes on
 * guessing it stays. */
static void other_keys_do_not_wash_it_out(void **state)
{
    struct account_limits *limits = account_limits_new();
    struct arena *a = arena_new();
    (void)state;
    clock_set_source(now);
    take_all(limits, STR("user @a:b"));
    for (int i = 0; i < 100000; i++) {
        take_all(limits, str_fmt(a, "login %d", i));
        assert_int_equal(account_limit_take(limits, ACCOUNT_LIMIT_STRICT, STR("user @a:b")).code, M_LIMIT_EXCEEDED);
    }
    arena_free(&a);
    account_limits_free(&limits);
    clock_set_source(NULL);
}

/* If he waits until it has gone, the next of its name takes over an empty bucket, and has one attempt. So has everybody
 * else, in a table without a full bucket. */
static void a_washed_out_key_gains_one_attempt(void **state)
{
    struct account_limits *limits = account_limits_new();
    struct arena *a = arena_new();
    (void)state;
    clock_set_source(now);
    take_all(limits, STR("user @a:b"));
    for (int i = 0; i < 200000; i++) /* 48 come to a set of four */
        take_all(limits, str_fmt(a, "login %d", i));
    assert_int_equal(take_all(limits, STR("user @a:b")), 1);
    assert_int_equal(take_all(limits, STR("somebody else")), 1);
    arena_free(&a);
    account_limits_free(&limits);
    clock_set_source(NULL);
}

static void kinds_are_apart(void **state)
{
    static const struct {
        enum account_limit_kind kind;
        int burst;
        int64_t refill_ms;
    } cases[] = {
        {ACCOUNT_LIMIT_STRICT, 10, 6000},    {ACCOUNT_LIMIT_USER, 100, 6000},    {ACCOUNT_LIMIT_ASKING, 100, 1000},
        {ACCOUNT_LIMIT_REGISTER, 100, 6000}, {ACCOUNT_LIMIT_INVITED, 1000, 100},
    };
    struct account_limits *limits = account_limits_new();
    (void)state;
    clock_set_source(now);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int taken = 0; taken < cases[i].burst; taken++)
            assert_int_equal(account_limit_take(limits, cases[i].kind, STR("same")).code, ERRCODE_NONE);
        struct fault fault = account_limit_take(limits, cases[i].kind, STR("same"));
        assert_int_equal(fault.code, M_LIMIT_EXCEEDED);
        assert_int_equal(fault.retry_after_ms, cases[i].refill_ms);
    }
    account_limits_free(&limits);
    clock_set_source(NULL);
}

static void addresses(void **state)
{
    static const struct {
        const char *address;
        const char *want;
    } cases[] = {
        {"192.0.2.1", "login 192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "login 20010db800010002/64"},
        {"2001:db8:1:2::9", "login 20010db800010002/64"},
        {"unix", "login unix"},
    };
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_str(account_limit_address(a, "login", str_of(cases[i].address)), str_of(cases[i].want), cases[i].address);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_slowly),
        cmocka_unit_test(good_attempts_do_not_count),
        cmocka_unit_test(other_keys_do_not_wash_it_out),
        cmocka_unit_test(a_washed_out_key_gains_one_attempt),
        cmocka_unit_test(kinds_are_apart),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
