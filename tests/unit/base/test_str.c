#include "base/arena.h"
#include "base/str.h"

#include <string.h>

#include "check.h"

static const struct str none = {NULL, 0};

static void test_of(void **state)
{
    (void)state;
    check_str(str_of("abc"), STR("abc"), "a text");
    check_str(str_of(""), STR(""), "an empty text");
    assert_null(str_of(NULL).p);
    assert_int_equal(str_of(NULL).n, 0);
    assert_int_equal(STR("a\0b").n, 3);
}

static void test_compare(void **state)
{
    (void)state;
    static const struct {
        struct str a, b;
        int order;
        bool equal_nocase;
    } cases[] = {
        {STR_INIT(""), STR_INIT(""), 0, true},
        {{NULL, 0}, STR_INIT(""), 0, true},
        {{NULL, 0}, STR_INIT("a"), -1, false},
        {STR_INIT("a"), STR_INIT("b"), -1, false},
        {STR_INIT("a"), STR_INIT("A"), 1, true},
        {STR_INIT("ab"), STR_INIT("abc"), -1, false},
        {STR_INIT("b"), STR_INIT("abc"), 1, false},
        {STR_INIT("a\0b"), STR_INIT("a\0c"), -1, false},
        {STR_INIT("a\0B"), STR_INIT("a\0b"), -1, true},
        {STR_INIT("z"), STR_INIT("\xc3\xa9"), -1, false}, /* bytes are unsigned */
        {STR_INIT("\xc3\x89"), STR_INIT("\xc3\xa9"), -1, false},
        {STR_INIT("[@"), STR_INIT("{`"), -1, false}, /* 32 apart, but no letters */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int order = str_cmp(cases[i].a, cases[i].b);
        int reverse = str_cmp(cases[i].b, cases[i].a);
        assert_int_equal((order > 0) - (order < 0), cases[i].order);
        assert_int_equal((reverse < 0) - (reverse > 0), cases[i].order);
        assert_int_equal(str_eq(cases[i].a, cases[i].b), cases[i].order == 0);
        assert_int_equal(str_eq_nocase(cases[i].a, cases[i].b), cases[i].equal_nocase);
    }
}

static void test_starts_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_true(str_starts(none, none));
    assert_false(str_starts(STR("abc"), STR("b")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR("abc"), none));
    assert_false(str_ends(STR("abc"), STR("b")));
    assert_false(str_ends(STR("bc"), STR("abc")));
}

static void test_slice(void **state)
{
    (void)state;
    static const struct {
        size_t from, to;
        struct str want;
    } cases[] = {
        {0, 5, STR_INIT("hello")},          {1, 3, STR_INIT("el")}, {2, SIZE_MAX, STR_INIT("llo")},
        {SIZE_MAX, SIZE_MAX, STR_INIT("")}, {3, 1, STR_INIT("")},   {5, 5, STR_INIT("")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_str(str_slice(STR("hello"), cases[i].from, cases[i].to), cases[i].want, "slice");
    assert_int_equal(str_slice(none, 1, 2).n, 0);
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a:b:c"), ':'), 1);
    assert_int_equal(str_find(STR("abc"), ':'), 3);
    assert_int_equal(str_find(STR("ab\0"), '\0'), 2);
    assert_int_equal(str_find(none, ':'), 0);
    assert_int_equal(str_find_str(STR("aabaac"), STR("aac")), 3);
    assert_int_equal(str_find_str(STR("abc"), STR("abcd")), 3);
    assert_int_equal(str_find_str(STR("abc"), STR("x")), 3);
    assert_int_equal(str_find_str(STR("abc"), STR("")), 0);
    assert_int_equal(str_find_str(none, STR("x")), 0);
    assert_int_equal(str_find_str(none, none), 0);
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        struct str input, first, rest;
    } cases[] = {
        {STR_INIT("a:b:c"), STR_INIT("a"), STR_INIT("b:c")},
        {STR_INIT("abc"), STR_INIT("abc"), STR_INIT("")},
        {STR_INIT("abc:"), STR_INIT("abc"), STR_INIT("")},
        {STR_INIT(":abc"), STR_INIT(""), STR_INIT("abc")},
        {{NULL, 0}, STR_INIT(""), STR_INIT("")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str rest;
        check_str(str_cut(cases[i].input, ':', &rest), cases[i].first, "first");
        check_str(rest, cases[i].rest, "rest");
    }
    /* The slice itself may be where the rest goes. */
    struct str s = STR("a/b");
    check_str(str_cut(s, '/', &s), STR("a"), "in a loop");
    check_str(s, STR("b"), "what is left");
}

static void test_trim(void **state)
{
    (void)state;
    check_str(str_trim(STR(" \t a b\r\n")), STR("a b"), "both ends");
    check_str(str_trim(STR(" \n ")), STR(""), "only blanks");
    check_str(str_trim(STR("\va\f")), STR("\va\f"), "other white space stays");
    assert_int_equal(str_trim(none).n, 0);
}

static void test_to_i64(void **state)
{
    (void)state;
    static const struct {
        struct str input;
        bool ok;
        int64_t want;
    } cases[] = {
        {STR_INIT("0"), true, 0},
        {STR_INIT("-0"), true, 0},
        {STR_INIT("007"), true, 7},
        {STR_INIT("-12"), true, -12},
        {STR_INIT("9223372036854775807"), true, INT64_MAX},
        {STR_INIT("-9223372036854775808"), true, INT64_MIN},
        {STR_INIT("9223372036854775808"), false, 0},
        {STR_INIT("-9223372036854775809"), false, 0},
        {STR_INIT("99999999999999999999999"), false, 0},
        {STR_INIT(""), false, 0},
        {STR_INIT("-"), false, 0},
        {STR_INIT("+1"), false, 0},
        {STR_INIT("--1"), false, 0},
        {STR_INIT(" 1"), false, 0},
        {STR_INIT("1 "), false, 0},
        {STR_INIT("1.0"), false, 0},
        {STR_INIT("0x1"), false, 0},
        {STR_INIT("1\0"), false, 0},
        {{NULL, 0}, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t got = 55;
        assert_int_equal(str_to_i64(cases[i].input, &got), cases[i].ok);
        assert_int_equal(got, cases[i].ok ? cases[i].want : 55);
    }
}

static void test_to_u64(void **state)
{
    (void)state;
    uint64_t got = 55;
    assert_false(str_to_u64(STR("-1"), &got));
    assert_false(str_to_u64(STR("18446744073709551616"), &got));
    assert_false(str_to_u64(STR("184467440737095516150"), &got));
    assert_false(str_to_u64(none, &got));
    assert_int_equal(got, 55);
    assert_true(str_to_u64(STR("18446744073709551615"), &got));
    assert_true(got == UINT64_MAX);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str source = STR("a\0B");
    struct str copy = str_copy(a, source);
    check_str(copy, source, "copy");
    assert_ptr_not_equal(copy.p, source.p);
    assert_int_equal(str_copy(a, none).n, 0);
    check_str(str_lower(a, STR("ABC-xyz\xc3\x89[\0Z")), STR("abc-xyz\xc3\x89[\0z"), "only ASCII letters");
    assert_int_equal(str_lower(a, none).n, 0);
    arena_free(&a);
}

static void test_cstr(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(str_cstr(a, str_slice(STR("abcd"), 1, 3)), "bc");
    assert_string_equal(str_cstr(a, none), "");
    assert_null(str_cstr(a, STR("a\0b")));
    assert_null(str_cstr(a, STR("ab\0")));
    arena_free(&a);
}

static void test_fmt(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    check_str(str_fmt(a, "%d %.*s", 42, STR_ARG(STR("xy"))), STR("42 xy"), "fields");
    check_str(str_fmt(a, "%s", ""), STR(""), "nothing");
    struct str wide = str_fmt(a, "%100000d", 1);
    assert_int_equal(wide.n, 100000);
    assert_int_equal(wide.p[99999], '1');
    arena_free(&a);
}

/* The values come from CPython 3.11, whose hash() of bytes is SipHash-1-3: PYTHONHASHSEED 0 and 42. */
static void test_hash_is_siphash_1_3(void **state)
{
    (void)state;
    static const uint64_t keys[2][2] = {{0, 0}, {UINT64_C(0xdc504fd368cd90af), UINT64_C(0xb920bb9ffe99e9c1)}};
    static const struct {
        struct str input;
        uint64_t want[2];
    } cases[] = {
        {STR_INIT("a"), {UINT64_C(0x407448d2b89b1813), UINT64_C(0xfe4a47335692551e)}},
        {STR_INIT("1234567"), {UINT64_C(0xa33d651594fdae81), UINT64_C(0xf426c87f0d9890ae)}},
        {STR_INIT("12345678"), {UINT64_C(0x3489982430560a87), UINT64_C(0x84eb586ab30cc7f5)}},
        {STR_INIT("123456789"), {UINT64_C(0x0fbc0f0007965fcf), UINT64_C(0x2cc2cece25c33444)}},
        {STR_INIT("m.room.member"), {UINT64_C(0x8fb453b372b19fb2), UINT64_C(0x7b563ba0c8b1029c)}},
        {STR_INIT("\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff"
                  "\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80\xff\x80"),
         {UINT64_C(0x643df55551bc796e), UINT64_C(0x32ca913cbb6e8505)}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t k = 0; k < 2; k++)
            assert_true(str_hash_keyed(keys[k], cases[i].input) == cases[i].want[k]);
    }
}

static void test_hash(void **state)
{
    (void)state;
    static const uint64_t zero[2] = {0, 0};
    assert_true(str_hash(STR("abc")) == str_hash(str_of("abc")));
    assert_true(str_hash(none) == str_hash(STR("")));
    assert_true(str_hash(STR("abc")) != str_hash(STR("abd")));
    assert_true(str_hash(STR("\0")) != str_hash(STR("\0\0")));
    assert_true(str_hash(STR("abc")) != str_hash_keyed(zero, STR("abc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_starts_ends),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_to_i64),
        cmocka_unit_test(test_to_u64),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_cstr),
        cmocka_unit_test(test_fmt),
        cmocka_unit_test(test_hash_is_siphash_1_3),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
