#include "crypto/crypto.h"
#include "crypto/password.h"

#include <string.h>

#include "testing.h"

static void test_hash_and_verify(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const struct str passwords[] = {STR_INIT("correct horse battery staple"), STR_INIT(""), STR_INIT("a\0b"),
                                           STR_INIT("p\xc3\xa4ssw\xc3\xb6rd")};
    for (size_t i = 0; i < COUNT(passwords); i++) {
        struct str hash = password_hash(a, passwords[i]);
        assert_non_null(hash.p);
        assert_true(str_starts(hash, STR("$argon2id$v=19$m=19456,t=2,p=1$")));
        assert_true(password_verify(hash, passwords[i]));
        assert_false(password_verify(hash, STR("wrong")));
        assert_false(password_verify(hash, STR("a")));
        assert_false(password_needs_rehash(hash));
    }
    struct str first = password_hash(a, STR("x")), second = password_hash(a, STR("x"));
    assert_false(str_eq(first, second));
    arena_free(&a);
}

static void test_other_hashes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str hash;
        bool verifies;
    } cases[] = {
        {"argon2id at another cost",
         STR_INIT("$argon2id$v=19$m=8192,t=3,p=1$qBqAH/qgd8Vd4tBcWeyiyQ$P"
                  "mCEhT6Q2WP5M2GMrYsuuRQiPZrMVKPIOLlCNP1B/Oc"),
         true},
        {"argon2id cut short", STR_INIT("$argon2id$v=19$m=19456,t=2,p=1$"), false},
        {"bcrypt", STR_INIT("$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"), false},
        {"empty", STR_INIT(""), false},
        {"NUL inside", STR_INIT("$argon2id$v=19$m=19456\0,t=2,p=1$"), false},
        {"plain text", STR_INIT("password"), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(password_verify(cases[i].hash, STR("password")), cases[i].verifies);
        assert_true(password_needs_rehash(cases[i].hash));
    }
    char longer[PASSWORD_HASH_MAX + 1];
    memset(longer, 'x', sizeof(longer));
    memcpy(longer, "$argon2id$", 10);
    assert_false(password_verify((struct str){longer, sizeof(longer)}, STR("password")));
    assert_true(password_needs_rehash((struct str){longer, sizeof(longer)}));
    assert_false(password_verify((struct str){NULL, 0}, STR("")));
}

static void test_decoy(void **state)
{
    struct arena *a = arena_new();
    struct str decoy = password_decoy(a);
    (void)state;
    assert_false(password_needs_rehash(decoy));
    assert_false(password_verify(decoy, STR("")));
    assert_false(password_verify(decoy, decoy));
    assert_false(str_eq(decoy, password_decoy(a)));
    arena_free(&a);
}

int main(void)
{
    crypto_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_and_verify),
        cmocka_unit_test(test_other_hashes),
        cmocka_unit_test(test_decoy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
