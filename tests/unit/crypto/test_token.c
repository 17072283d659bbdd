/* Tokens and the random strings they are made of. */
#include "crypto/crypto.h"
#include "crypto/token.h"

#include <string.h>

#include "testing.h"

static void test_random_string(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    static const struct str alphabets[] = {STR_INIT("ab"), STR_INIT("abcdefghijklmnopqrstuvwxyz"),
                                           STR_INIT("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")};
    for (size_t i = 0; i < COUNT(alphabets); i++) {
        struct str alphabet = alphabets[i];
        size_t seen[256] = {0};
        struct str s = random_string(a, 10000, alphabet);
        assert_int_equal(s.n, 10000);
        for (size_t k = 0; k < s.n; k++)
            seen[(unsigned char)s.p[k]]++;
        /* Evenly drawn: seven standard deviations around the mean is never left by chance. */
        double mean = 10000.0 / (double)alphabet.n, total = 0;
        for (size_t k = 0; k < alphabet.n; k++) {
            double off = (double)seen[(unsigned char)alphabet.p[k]] - mean;
            assert_true(off * off < 49 * mean);
            total += (double)seen[(unsigned char)alphabet.p[k]];
        }
        assert_true(total > 9999.5);
    }
    assert_int_equal(random_string(a, 0, RANDOM_DIGITS).n, 0);
    uint8_t zero[32] = {0}, drawn[32] = {0};
    random_bytes(drawn, sizeof(drawn));
    assert_memory_not_equal(zero, drawn, sizeof(drawn));
    arena_free(&a);
}

static void test_token_new(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str one = token_new(a, TOKEN_PREFIX_ACCESS), two = token_new(a, TOKEN_PREFIX_ACCESS);
    assert_true(str_starts(one, STR("hs_")));
    assert_int_equal(one.n, 3 + TOKEN_RANDOM_CHARS);
    assert_false(str_eq(one, two));
    uint8_t first[TOKEN_HASH_SIZE], again[TOKEN_HASH_SIZE], other[TOKEN_HASH_SIZE];
    token_hash(one, first);
    token_hash(one, again);
    token_hash(two, other);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
    arena_free(&a);
}

static void test_token_eq(void **state)
{
    (void)state;
    assert_true(token_eq(STR("secret"), STR("secret")));
    assert_true(token_eq(STR(""), (struct str){NULL, 0}));
    assert_false(token_eq(STR("secret"), STR("secreT")));
    assert_false(token_eq(STR("secret"), STR("secre")));
    assert_false(token_eq(STR("secret"), STR("")));
}

int main(void)
{
    crypto_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_string),
        cmocka_unit_test(test_token_new),
        cmocka_unit_test(test_token_eq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
