#include "api/api.h"

#include "check.h"

struct request {
    struct arena *arena;
    struct http_request http;
    struct api_request api;
};

static void begin(struct request *r, const char *query, const char *body)
{
    *r = (struct request){.arena = arena_new()};
    r->http.arena = r->arena;
    r->http.query_count = http_query_parse(r->arena, str_of(query), &r->http.query);
    r->api = (struct api_request){.http = &r->http, .arena = r->arena};
    r->api.body = json_parse(r->arena, str_of(body), 10).value;
    assert_non_null(r->api.body);
}

#define BODY "{\"s\":\"x\",\"empty\":\"\",\"b\":true,\"i\":-5,\"f\":1.5,\"o\":{},\"a\":[],\"n\":null}"

static void body_members(void **state)
{
    /* What each reader says of the member. */
    static const struct {
        const char *key;
        enum errcode str, str_opt, b, i, object, array;
    } cases[] = {
        {"s", 0, 0, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON},
        {"empty", 0, 0, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON},
        {"b", M_BAD_JSON, M_BAD_JSON, 0, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON},
        {"i", M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, 0, M_BAD_JSON, M_BAD_JSON},
        {"f", M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON},
        {"o", M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, 0, M_BAD_JSON},
        {"a", M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, M_BAD_JSON, 0},
        {"n", M_MISSING_PARAM, 0, 0, 0, 0, 0},
        {"absent", M_MISSING_PARAM, 0, 0, 0, 0, 0},
    };
    struct request r;
    struct str s;
    bool b;
    int64_t i64;
    const struct json *container;
    (void)state;
    begin(&r, "", BODY);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str key = str_of(cases[i].key);
        check_case(body_str(&r.api, key, &s).code == cases[i].str, cases[i].key);
        check_case(body_str_opt(&r.api, key, STR("else"), &s).code == cases[i].str_opt, cases[i].key);
        check_case(body_bool_opt(&r.api, key, false, &b).code == cases[i].b, cases[i].key);
        check_case(body_int_opt(&r.api, key, 7, &i64).code == cases[i].i, cases[i].key);
        check_case(body_container_opt(&r.api, key, JSON_OBJECT, &container).code == cases[i].object, cases[i].key);
        check_case(body_container_opt(&r.api, key, JSON_ARRAY, &container).code == cases[i].array, cases[i].key);
    }
    arena_free(&r.arena);
}

static void body_values(void **state)
{
    struct request r;
    struct str s;
    bool b;
    int64_t i;
    const struct json *container;
    (void)state;
    begin(&r, "", BODY);
    assert_int_equal(body_str(&r.api, STR("s"), &s).code, 0);
    check_str(s, STR("x"), "string");
    assert_int_equal(body_str_opt(&r.api, STR("n"), STR("else"), &s).code, 0);
    check_str(s, STR("else"), "null is absent");
    assert_int_equal(body_bool_opt(&r.api, STR("b"), false, &b).code, 0);
    assert_true(b);
    assert_int_equal(body_bool_opt(&r.api, STR("x"), true, &b).code, 0);
    assert_true(b);
    assert_int_equal(body_int_opt(&r.api, STR("i"), 7, &i).code, 0);
    assert_int_equal(i, -5);
    assert_int_equal(body_int_opt(&r.api, STR("x"), 7, &i).code, 0);
    assert_int_equal(i, 7);
    assert_int_equal(body_container_opt(&r.api, STR("x"), JSON_ARRAY, &container).code, 0);
    assert_null(container);
    check_str(body_str(&r.api, STR("i"), &s).message, STR("'i' must be a string"), "message names the field");
    arena_free(&r.arena);
}

static void queries(void **state)
{
    struct request r;
    struct str *all;
    int64_t i;
    bool b;
    (void)state;
    begin(&r, "via=a&limit=20&via=b&yes=true&no=false&odd=1&empty=&big=99999999999999999999", "{}");
    check_str(query_str(&r.api, STR("via")), STR("a"), "the first");
    assert_null(query_str(&r.api, STR("absent")).p);
    assert_int_equal(query_all(&r.api, STR("via"), &all), 2);
    check_str(all[1], STR("b"), "the second");
    assert_int_equal(query_all(&r.api, STR("absent"), &all), 0);

    assert_int_equal(query_int_opt(&r.api, STR("limit"), 1, 100, 10, &i).code, 0);
    assert_int_equal(i, 20);
    assert_int_equal(query_int_opt(&r.api, STR("absent"), 1, 100, 10, &i).code, 0);
    assert_int_equal(i, 10);
    assert_int_equal(query_int_opt(&r.api, STR("limit"), 1, 19, 10, &i).code, M_INVALID_PARAM);
    assert_int_equal(query_int_opt(&r.api, STR("limit"), 21, 100, 10, &i).code, M_INVALID_PARAM);
    assert_int_equal(query_int_opt(&r.api, STR("big"), 1, INT64_MAX, 10, &i).code, M_INVALID_PARAM);
    assert_int_equal(query_int_opt(&r.api, STR("empty"), 1, 100, 10, &i).code, M_INVALID_PARAM);
    assert_int_equal(query_bool_opt(&r.api, STR("yes"), false, &b).code, 0);
    assert_true(b);
    assert_int_equal(query_bool_opt(&r.api, STR("no"), true, &b).code, 0);
    assert_false(b);
    assert_int_equal(query_bool_opt(&r.api, STR("absent"), true, &b).code, 0);
    assert_true(b);
    assert_int_equal(query_bool_opt(&r.api, STR("odd"), true, &b).code, M_INVALID_PARAM);
    arena_free(&r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_members),
        cmocka_unit_test(body_values),
        cmocka_unit_test(queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
