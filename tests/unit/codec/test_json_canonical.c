#include "codec/json.h"

#include "check.h"

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want; /* NULL: not to be expressed */
    } cases[] = {
        /* Appendices, "Canonical JSON", "Examples", the last one. */
        {"{\n    \"a\": -0,\n    \"b\": 1e10\n}", "{\"a\":0,\"b\":10000000000}"},
        {"-0", "0"},
        {"0.0", "0"},
        {"-0.000e5", "0"},
        {"0e99999999999999999999", "0"},
        {"0e-99999999999999999999", "0"},
        {"1.0", "1"},
        {"-1.50e1", "-15"},
        {"1.5E+1", "15"},
        {"100e-2", "1"},
        {"1000000000000000000000000000000e-30", "1"},
        {"0.000000000000000000000000000001e30", "1"},
        {"10203.0400e2", "1020304"},
        {"9007199254740991.0", "9007199254740991"},
        {"-9007199254740991.0", "-9007199254740991"},
        {"0.9007199254740991e16", "9007199254740991"},
        {"9.007199254740990e15", "9007199254740990"},
        {"9007199254740992", NULL},
        {"-9007199254740992", NULL},
        {"9007199254740992e0", NULL},
        {"1e16", NULL},
        {"1e99999999999999999999", NULL},
        {"18446744073709551617", NULL},
        {"1000000000000000000000000000000000000001", NULL},
        {"0.5", NULL},
        {"1e-1", NULL},
        {"1.01", NULL},
        {"15e-1", NULL},
        {"1e-99999999999999999999", NULL},
        {"[1,{\"a\":[2.0,true],\"b\":\"x\"}]", "[1,{\"a\":[2,true],\"b\":\"x\"}]"},
        {"[1,{\"a\":[2.0,0.1]}]", NULL},
        {"{\"a\":[],\"b\":{},\"c\":1.0}", "{\"a\":[],\"b\":{},\"c\":1}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        struct json_result r = json_parse(a, str_of(cases[i].text), JSON_DEPTH_MAX);
        check_case(r.value != NULL, cases[i].text);
        struct str before = json_text(a, r.value);
        const struct json *v = json_canonical(a, r.value);
        check_case((v != NULL) == (cases[i].want != NULL), cases[i].text);
        if (v) {
            check_str(json_text(a, v), str_of(cases[i].want), cases[i].text);
            assert_true(json_is_canonical(v));
        }
        check_str(json_text(a, r.value), before, "the original stays");
        arena_free(&a);
    }
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, STR("{\"a\":[1,\"1.0\",null]}"), JSON_DEPTH_MAX);
    assert_ptr_equal(json_canonical(a, r.value), r.value);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
