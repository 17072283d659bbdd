#include "http/request.h"

#include <string.h>

#include "../check.h"

static void splits_before_decoding(void **state)
{
    static const struct {
        const char *path;
        size_t count;
        const char *segments[6];
    } cases[] = {
        {"/", 1, {""}},        {"/a", 1, {"a"}},
        {"/a/", 2, {"a", ""}}, {"/a//b", 3, {"a", "", "b"}},
        {"//", 2, {"", ""}},   {"/a%2Fb/c", 2, {"a%2Fb", "c"}},
        {"", 0, {NULL}},       {"*", 0, {NULL}},
        {"a/b", 0, {NULL}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str segments[6];
        size_t count = http_path_split(str_of(cases[i].path), segments, 6);
        check_case(count == cases[i].count, cases[i].path);
        for (size_t k = 0; k < count; k++)
            check_str(segments[k], str_of(cases[i].segments[k]), cases[i].path);
    }
}

static void splits_no_more_than_asked(void **state)
{
    struct str segments[3];
    (void)state;
    assert_int_equal(http_path_split(STR("/a/b/c"), segments, 3), 3);
    assert_int_equal(http_path_split(STR("/a/b/c/"), segments, 3), 4);
    assert_int_equal(http_path_split(STR("/a/b/c/d/e/f/g"), segments, 3), 4);
}

static void parses_queries(void **state)
{
    static const struct {
        const char *query;
        size_t count;
        const char *pairs[6];
    } cases[] = {
        {"", 0, {NULL}},
        {"a=b", 1, {"a", "b"}},
        {"a", 1, {"a", ""}},
        {"a=", 1, {"a", ""}},
        {"=b", 1, {"", "b"}},
        {"&&a=1&&b=2&", 2, {"a", "1", "b", "2"}},
        {"a=b=c", 1, {"a", "b=c"}},
        {"via=a%20b+c&x%3Dy=%2B", 2, {"via", "a b c", "x=y", "+"}},
        {"bad=%zz%4&ok=%41", 2, {"bad", "%zz%4", "ok", "A"}},
        {"a=1&a=2&a=3", 3, {"a", "1", "a", "2", "a", "3"}},
    };
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct http_pair *pairs;
        size_t count = http_query_parse(a, str_of(cases[i].query), &pairs);
        check_case(count == cases[i].count, cases[i].query);
        for (size_t k = 0; k < count; k++) {
            check_str(pairs[k].name, str_of(cases[i].pairs[2 * k]), cases[i].query);
            check_str(pairs[k].value, str_of(cases[i].pairs[2 * k + 1]), cases[i].query);
        }
    }
    arena_free(&a);
}

static void parses_a_bounded_number_of_pairs(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char query[4 * HTTP_MAX_QUERY + 1];
    for (size_t i = 0; i < sizeof query - 1; i += 2)
        memcpy(query + i, "a&", 2);
    const struct http_pair *pairs;
    assert_int_equal(http_query_parse(a, (struct str){query, sizeof query - 1}, &pairs), HTTP_MAX_QUERY);
    arena_free(&a);
}

static void finds_the_first(void **state)
{
    static const struct http_pair headers[] = {
        {STR_INIT("Host"), STR_INIT("h")}, {STR_INIT("X-A"), STR_INIT("1")}, {STR_INIT("x-a"), STR_INIT("2")}};
    static const struct http_pair query[] = {{STR_INIT("q"), STR_INIT("1")}, {STR_INIT("q"), STR_INIT("2")}};
    const struct http_request r = {.headers = headers, .header_count = 3, .query = query, .query_count = 2};
    (void)state;
    check_str(http_header(&r, STR("x-A")), STR("1"), "header in any case");
    assert_null(http_header(&r, STR("X")).p);
    check_str(http_query(&r, STR("q")), STR("1"), "query");
    assert_null(http_query(&r, STR("Q")).p);
}

static void names_methods(void **state)
{
    (void)state;
    for (unsigned m = 0; m < HTTP_OTHER; m++)
        assert_int_equal(http_method_parse(http_method_name((enum http_method)m)), m);
    assert_int_equal(http_method_parse(STR("HEAD")), HTTP_GET);
    assert_int_equal(http_method_parse(STR("get")), HTTP_OTHER);
    assert_int_equal(http_method_parse(STR("")), HTTP_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_before_decoding), cmocka_unit_test(splits_no_more_than_asked),
        cmocka_unit_test(parses_queries),         cmocka_unit_test(parses_a_bounded_number_of_pairs),
        cmocka_unit_test(finds_the_first),        cmocka_unit_test(names_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
