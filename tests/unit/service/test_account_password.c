#include "base/thread.h"
#include "crypto/crypto.h"
#include "service/account_password.h"

#include <sched.h>
#include <stdatomic.h>

#include "check.h"

static void acceptable(void **state)
{
    static const struct {
        const char *name;
        const char *password;
        enum errcode want;
    } cases[] = {
        {"eight", "12345678", ERRCODE_NONE},
        {"seven", "1234567", M_WEAK_PASSWORD},
        {"seven characters, more bytes", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", M_WEAK_PASSWORD},
        {"none", "", M_WEAK_PASSWORD},
    };
    static const char lots[ACCOUNT_PASSWORD_MAX + 1];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(account_password_acceptable(str_of(cases[i].password)).code == cases[i].want, cases[i].name);
    struct str most = {lots, ACCOUNT_PASSWORD_MAX};
    struct str more = {lots, ACCOUNT_PASSWORD_MAX + 1};
    assert_int_equal(account_password_acceptable(most).code, ERRCODE_NONE);
    assert_int_equal(account_password_acceptable(more).code, M_INVALID_PARAM);
}

struct flood {
    struct account_passwords *passwords;
    atomic_bool over;
    atomic_uint done;
    atomic_uint refused;
};

static void keep_registering(void *arg)
{
    struct flood *flood = arg;
    struct arena *a = arena_new();
    struct str hash;
    while (!atomic_load(&flood->over)) {
        struct fault fault = account_password_hash(flood->passwords, a, STR("12345678"), &hash);
        atomic_fetch_add(fault.code ? &flood->refused : &flood->done, 1);
        assert_true(fault.code == ERRCODE_NONE || (fault.code == M_LIMIT_EXCEEDED && fault.retry_after_ms > 0));
        sched_yield();
    }
    arena_free(&a);
}

/* More registrations at once than there are places in the queue: those who log in still find one. */
static void a_flood_of_new_passwords_leaves_logins_in_peace(void **state)
{
    enum { THREADS = 50, LOGINS = 5 };
    struct flood flood = {.passwords = account_passwords_new()};
    struct thread threads[THREADS];
    struct arena *a = arena_new();
    struct str hash;
    bool right;
    (void)state;
    assert_int_equal(account_password_hash(flood.passwords, a, STR("correct horse"), &hash).code, ERRCODE_NONE);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(thread_start(&threads[i], "flood", 0, keep_registering, &flood));
    while (atomic_load(&flood.refused) == 0)
        sched_yield();
    for (int i = 0; i < LOGINS; i++) {
        assert_int_equal(account_password_verify(flood.passwords, hash, STR("correct horse"), &right).code,
                         ERRCODE_NONE);
        assert_true(right);
    }
    atomic_store(&flood.over, true);
    for (size_t i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    assert_true(atomic_load(&flood.done) > 0);
    arena_free(&a);
    account_passwords_free(&flood.passwords);
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptable),
        cmocka_unit_test(a_flood_of_new_passwords_leaves_logins_in_peace),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
