#include "codec/json.h"

#include <string.h>

#include "check.h"

static const struct json *parsed(struct arena *a, const char *text)
{
    struct json_result r = json_parse(a, str_of(text), JSON_DEPTH_MAX);
    check_case(r.value != NULL, text);
    return r.value;
}

static void test_get(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *v =
        parsed(a, "{\"s\":\"text\",\"empty\":\"\",\"i\":-5,\"f\":2.5,\"t\":true,\"f2\":false,\"n\":null,\"a\":[1]}");
    check_str(json_str_at(v, STR("s")), STR("text"), "a string");
    assert_non_null(json_str_at(v, STR("empty")).p);
    assert_int_equal(json_str_at(v, STR("empty")).n, 0);
    assert_null(json_str_at(v, STR("i")).p);
    assert_null(json_str_at(v, STR("absent")).p);
    int64_t i = 77;
    assert_false(json_int_at(v, STR("f"), &i));
    assert_false(json_int_at(v, STR("absent"), &i));
    assert_int_equal(i, 77);
    assert_true(json_int_at(v, STR("i"), &i));
    assert_int_equal(i, -5);
    assert_true(json_bool_at(v, STR("t"), false));
    assert_false(json_bool_at(v, STR("f2"), true));
    assert_true(json_bool_at(v, STR("s"), true));
    assert_false(json_bool_at(v, STR("absent"), false));
    assert_true(json_is(json_get(v, STR("n")), JSON_NULL));
    double d = 0;
    assert_true(json_number(json_get(v, STR("f")), &d));
    assert_true(d > 2.4 && d < 2.6);
    assert_false(json_number(json_get(v, STR("s")), &d));
    arena_free(&a);
}

static void test_get_from_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *others[] = {NULL, parsed(a, "[\"a\"]"), parsed(a, "\"a\""), parsed(a, "1"), parsed(a, "{}")};
    for (size_t k = 0; k < COUNT_OF(others); k++) {
        int64_t i;
        double d;
        assert_null(json_get(others[k], STR("a")));
        assert_null(json_str_at(others[k], STR("a")).p);
        assert_false(json_int_at(others[k], STR("a"), &i));
        assert_true(json_bool_at(others[k], STR("a"), true));
        assert_int_equal(json_number(others[k], &d), k == 3);
    }
    assert_false(json_is(NULL, JSON_NULL));
    arena_free(&a);
}

/* Objects on both sides of the size from which the lookup halves. */
static void test_get_at_every_size(void **state)
{
    (void)state;
    for (int n = 0; n < 40; n++) {
        struct arena *a = arena_new();
        struct json *o = json_object(a);
        for (int k = 0; k < n; k++)
            json_set_int(a, o, str_fmt(a, "k%02d", (k * 17) % 40), (k * 17) % 40);
        assert_int_equal(o->count, n);
        for (int k = 0; k < n; k++) {
            int64_t i;
            assert_true(json_int_at(o, str_fmt(a, "k%02d", (k * 17) % 40), &i));
            assert_int_equal(i, (k * 17) % 40);
            assert_null(json_get(o, str_fmt(a, "k%02dx", k)));
        }
        assert_null(json_get(o, STR("")));
        assert_null(json_get(o, STR("zzz")));
        arena_free(&a);
    }
}

static void test_eq(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"null", "null", true},
        {"null", "false", false},
        {"true", "true", true},
        {"true", "false", false},
        {"1", "1", true},
        {"1", "2", false},
        {"1", "1.0", false},
        {"1.0", "1.0", true},
        {"1.0", "1.00", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"b\"", false},
        {"[]", "{}", false},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"{\"a\":1,\"b\":{\"c\":[]}}", "{\"b\":{\"c\":[]},\"a\":1}", true},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new();
        const struct json *x = parsed(a, cases[i].a);
        const struct json *y = parsed(a, cases[i].b);
        check_case(json_eq(x, y) == cases[i].equal, cases[i].a);
        check_case(json_eq(y, x) == cases[i].equal, cases[i].b);
        check_case(json_eq(x, x), cases[i].a);
        check_case(!json_eq(x, NULL) && !json_eq(NULL, x), cases[i].a);
        arena_free(&a);
    }
    assert_true(json_eq(NULL, NULL));
}

static void test_build(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json *o = json_object(a);
    json_set_str(a, o, STR("type"), STR("m.room.message"));
    json_set_int(a, o, STR("depth"), 7);
    json_set(a, o, STR("b"), json_bool(true));
    json_set(a, o, STR("n"), json_null());
    struct json *list = json_array(a);
    for (int i = 0; i < 9; i++)
        json_push(a, list, json_int(i));
    json_set(a, o, STR("list"), *list);
    json_set(a, o, STR("o"), *json_object(a));
    json_set_str(a, o, STR("none"), (struct str){NULL, 0});
    check_str(json_text(a, o),
              STR("{\"b\":true,\"depth\":7,\"list\":[0,1,2,3,4,5,6,7,8],\"n\":null,\"none\":\"\",\"o\":{},"
                  "\"type\":\"m.room.message\"}"),
              "built");
    assert_non_null(json_str_at(o, STR("none")).p);
    json_set_int(a, o, STR("depth"), 8);
    json_set_int(a, o, STR("type"), 9);
    json_unset(o, STR("b"));
    json_unset(o, STR("list"));
    json_unset(o, STR("absent"));
    json_unset(o, STR("zzz"));
    check_str(json_text(a, o), STR("{\"depth\":8,\"n\":null,\"none\":\"\",\"o\":{},\"type\":9}"), "changed");
    arena_free(&a);
}

static void test_unset_all(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json *o = json_object(a);
    json_unset(o, STR("a"));
    json_set_int(a, o, STR("a"), 1);
    json_set_int(a, o, STR("b"), 2);
    json_unset(o, STR("b"));
    json_unset(o, STR("a"));
    assert_int_equal(o->count, 0);
    json_set_int(a, o, STR("c"), 3);
    check_str(json_text(a, o), STR("{\"c\":3}"), "filled again");
    arena_free(&a);
}

static void test_shallow_copy(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *v = parsed(a, "{\"a\":[1],\"b\":2}");
    struct json *copy = json_shallow_copy(a, v);
    json_set_int(a, copy, STR("b"), 3);
    json_set_int(a, copy, STR("c"), 4);
    json_unset(copy, STR("a"));
    check_str(json_text(a, copy), STR("{\"b\":3,\"c\":4}"), "the copy");
    check_str(json_text(a, v), STR("{\"a\":[1],\"b\":2}"), "the original");
    struct json *list = json_shallow_copy(a, json_get(v, STR("a")));
    json_push(a, list, json_int(2));
    check_str(json_text(a, list), STR("[1,2]"), "the list");
    check_str(json_text(a, v), STR("{\"a\":[1],\"b\":2}"), "the original after the list");
    struct json *empty = json_shallow_copy(a, parsed(a, "{}"));
    json_set_int(a, empty, STR("x"), 1);
    check_str(json_text(a, empty), STR("{\"x\":1}"), "a copy of nothing");
    arena_free(&a);
}

/* The copy lives on after the original and its text; a sanitizer sees if not. */
static void test_deep_copy(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,\"two\",{\"x\\n\":[],\"y\":2.50}],\"b\":\"\\u00e9\",\"c\":{},\"d\":null}";
    struct arena *a = arena_new();
    struct arena *b = arena_new();
    struct json_result r = json_parse(a, str_copy(a, str_of(text)), JSON_DEPTH_MAX);
    assert_non_null(r.value);
    struct json *copy = json_deep_copy(b, r.value);
    assert_true(json_eq(copy, r.value));
    arena_free(&a);
    check_str(json_text(b, copy),
              STR("{\"a\":[1,\"two\",{\"x\\n\":[],\"y\":2.50}],\"b\":\"\xc3\xa9\",\"c\":{},\"d\":null}"), "the copy");
    arena_free(&b);
}

static void int_too_large(void *arg)
{
    (void)arg;
    (void)json_int(JSON_INT_MAX + 1);
}

static void int_too_small(void *arg)
{
    (void)arg;
    (void)json_int(-JSON_INT_MAX - 1);
}

static void test_int_range(void **state)
{
    (void)state;
    assert_int_equal(json_int(JSON_INT_MAX).i, JSON_INT_MAX);
    assert_int_equal(json_int(-JSON_INT_MAX).i, -JSON_INT_MAX);
    assert_true(check_aborts(int_too_large, NULL));
    assert_true(check_aborts(int_too_small, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_get_from_nothing),
        cmocka_unit_test(test_get_at_every_size),
        cmocka_unit_test(test_eq),
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_unset_all),
        cmocka_unit_test(test_shallow_copy),
        cmocka_unit_test(test_deep_copy),
        cmocka_unit_test(test_int_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
