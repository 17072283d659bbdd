/* Numbers that canonical JSON has not: what is hashed of them, compared with what Python 3 prints. */
#include "matrix/event_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

static const struct json *parse(struct arena *a, struct str text)
{
    struct json_result r = json_parse(a, text, JSON_DEPTH_MAX);
    if (!r.value)
        fail_msg("%s at %zu: %.*s", r.error, r.offset, STR_ARG(text));
    return r.value;
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *written, *want; /* NULL: there is no such double */
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-5", "-5"},
        {"9007199254740991", "9007199254740991"},
        {"9007199254740992", "9007199254740992"},
        {"-9007199254740993", "-9007199254740993"},
        {"18446744073709551616", "18446744073709551616"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"0.0", "0.0"},
        {"-0.0", "-0.0"},
        {"0e5", "0.0"},
        {"-0E-5", "-0.0"},
        {"1.50", "1.5"},
        {"5.0", "5.0"},
        {"1e3", "1000.0"},
        {"1E+3", "1000.0"},
        {"12345678901234567890.0", "1.2345678901234567e+19"},
        {"0.1", "0.1"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"0.3", "0.3"},
        {"0.1000000000000000055511151231257827", "0.1"},
        {"100e-2", "1.0"},
        {"1e-4", "0.0001"},
        {"1.25e-4", "0.000125"},
        {"1e-5", "1e-05"},
        {"1.25e-5", "1.25e-05"},
        {"1e15", "1000000000000000.0"},
        {"1e16", "1e+16"},
        {"1234567890123456.0", "1234567890123456.0"},
        {"12345678901234567.0", "1.2345678901234568e+16"},
        {"9007199254740993.0", "9007199254740992.0"},
        {"999999999999999.9", "999999999999999.9"},
        {"99999999999999999.0", "1e+17"},
        {"1e22", "1e+22"},
        {"1e23", "1e+23"},
        {"1e100", "1e+100"},
        {"-1.7976931348623157e308", "-1.7976931348623157e+308"},
        {"1.7976931348623158e308", "1.7976931348623157e+308"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"2.225073858507201e-308", "2.225073858507201e-308"},
        {"5e-324", "5e-324"},
        {"4.9e-324", "5e-324"},
        {"1e-323", "1e-323"},
        {"1.5e-323", "1.5e-323"},
        {"1e-310", "1e-310"},
        {"1.234567e-310", "1.234567e-310"},
        {"1e-400", "0.0"},
        {"5.684341886080802e-14", "5.684341886080802e-14"}, /* powers of two, whose neighbour below is nearer */
        {"5.6843418860808015e-14", "5.684341886080802e-14"},
        {"9.5367431640625e-07", "9.5367431640625e-07"},
        {"1.1102230246251565e-16", "1.1102230246251565e-16"},
        {"1e309", NULL},
        {"-1e309", NULL},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json *got = event_canonical(a, parse(a, str_of(cases[i].written)));
        assert_int_equal(got != NULL, cases[i].want != NULL);
        if (got && !str_eq(json_text(a, got), str_of(cases[i].want)))
            fail_msg("%s: got %.*s, want %s", cases[i].written, STR_ARG(json_text(a, got)), cases[i].want);
    }
    arena_free(&a);
}

/* Whatever is written is read back as the same double, and no decimal with a digit less is. */
static void test_shortest(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t bits = i % 4 ? random : random & 0xfff0000000000000u; /* of all kinds, and powers of two */
        double x;
        memcpy(&x, &bits, sizeof(x));
        if (!isfinite(x))
            continue;
        struct arena_mark mark = arena_mark(a);
        const char *written = str_cstr(a, str_fmt(a, "%.17e", x));
        const struct json *got = event_canonical(a, parse(a, str_of(written)));
        const char *text = str_cstr(a, json_text(a, got));
        assert_true(strtod(text, NULL) == x);
        int digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++)
            digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
        bool exponent = strchr(text, 'e') != NULL;
        for (int less = digits - 2; exponent && less >= 0; less--) {
            char shorter[64];
            snprintf(shorter, sizeof(shorter), "%.*e", less, x);
            if (strtod(shorter, NULL) == x)
                fail_msg("%s is longer than %s", text, shorter);
        }
        arena_release(a, mark);
    }
    arena_free(&a);
}

static void test_trees(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *plain = parse(a, STR("{\"a\":[1,{\"b\":\"1.50\"}],\"c\":null}"));
    assert_ptr_equal(event_canonical(a, plain), plain);
    const struct json *mixed = parse(a, STR("{\"a\":[1,{\"b\":1.50}],\"c\":{\"d\":[true]},\"e\":-0}"));
    struct str before = json_text(a, mixed);
    const struct json *got = event_canonical(a, mixed);
    assert_true(str_eq(json_text(a, got), STR("{\"a\":[1,{\"b\":1.5}],\"c\":{\"d\":[true]},\"e\":0}")));
    assert_true(str_eq(json_text(a, mixed), before));
    assert_ptr_equal(json_get(got, STR("c"))->members, json_get(mixed, STR("c"))->members);
    assert_null(event_canonical(a, parse(a, STR("{\"a\":[1.5,[{\"b\":1e999}]]}"))));
    arena_free(&a);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        bool is_integer;
        int64_t want;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-7", true, -7},
        {"9007199254740992", true, 9007199254740992},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = 0;
        assert_int_equal(event_integer(parse(a, str_of(cases[i].written)), &got), cases[i].is_integer);
        assert_true(got == cases[i].want);
    }
    int64_t got;
    assert_false(event_integer(NULL, &got));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
