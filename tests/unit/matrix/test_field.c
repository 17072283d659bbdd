#include "matrix/field.h"

#include "../check.h"

static const char text[] =
    "{\"s\":\"x\",\"e\":\"\",\"b\":true,\"i\":7,\"f\":1.5,\"a\":[1],\"o\":{},\"null\":null,\"n\":-3}";

/* One row a member; which readers accept it, and whether it counts as there. */
static void types(void **state)
{
    static const struct {
        const char *key;
        bool there, is_str, is_bool, is_int, is_array, is_object;
    } cases[] = {
        {"s", true, true, false, false, false, false},  {"e", true, true, false, false, false, false},
        {"b", true, false, true, false, false, false},  {"i", true, false, false, true, false, false},
        {"f", true, false, false, false, false, false}, {"a", true, false, false, false, true, false},
        {"o", true, false, false, false, false, true},  {"n", true, false, false, true, false, false},
        {"null", false, true, true, true, true, true},  {"absent", false, true, true, true, true, true},
    };
    struct arena *a = arena_new();
    (void)state;
    const struct json *o = json_parse(a, str_of(text), JSON_DEPTH_MAX).value;
    assert_non_null(o);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str key = str_of(cases[i].key), s = {0};
        const struct json *v = NULL;
        bool b = false;
        int64_t n = 0;
        check_case((field_get(o, key) != NULL) == cases[i].there, cases[i].key);
        struct fault fault = field_str(a, o, key, STR("or"), &s);
        check_case(fault.code == (cases[i].is_str ? ERRCODE_NONE : M_BAD_JSON), cases[i].key);
        check_case(fault.code || cases[i].there || str_eq(s, STR("or")), cases[i].key);
        fault = field_bool(a, o, key, true, &b);
        check_case(fault.code == (cases[i].is_bool ? ERRCODE_NONE : M_BAD_JSON), cases[i].key);
        check_case(fault.code || b, cases[i].key);
        fault = field_int(a, o, key, 9, &n);
        check_case(fault.code == (cases[i].is_int ? ERRCODE_NONE : M_BAD_JSON), cases[i].key);
        check_case(fault.code || n == (cases[i].there ? json_get(o, key)->i : 9), cases[i].key);
        fault = field_container(a, o, key, JSON_ARRAY, &v);
        check_case(fault.code == (cases[i].is_array ? ERRCODE_NONE : M_BAD_JSON), cases[i].key);
        check_case(fault.code || (v != NULL) == cases[i].there, cases[i].key);
        fault = field_container(a, o, key, JSON_OBJECT, &v);
        check_case(fault.code == (cases[i].is_object ? ERRCODE_NONE : M_BAD_JSON), cases[i].key);
        if (fault.code)
            check_str(fault.message, str_fmt(a, "'%s' must be an object", cases[i].key), "message");
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
