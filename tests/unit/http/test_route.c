#include "http/route.h"

#include <string.h>

#include "../check.h"

static const struct router_row rows[] = {
    {HTTP_GET, "/", "root"},
    {HTTP_GET, "/a/b", "get-ab"},
    {HTTP_PUT, "/a/b", "put-ab"},
    {HTTP_GET, "/a/{x}/c", "get-axc"},
    {HTTP_GET, "/a/b/d", "get-abd"},
    {HTTP_DELETE, "/a/{x}", "delete-ax"},
    {HTTP_GET, "/push/", "push-slash"},
    {HTTP_POST, "/push", "push"},
    {HTTP_PUT, "/rooms/{roomId}/send/{eventType}/{txnId}", "send"},
    {HTTP_GET, "/rooms/{roomId}/state/{eventType}/", "state-empty"},
    {HTTP_GET, "/rooms/{roomId}/state/{eventType}/{stateKey}", "state"},
    {HTTP_OPTIONS, "/{any}", "options"},
};

#define BIT(m) (1u << (m))

static void matches(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        enum router_result result;
        const char *row;
        const char *params[3];
        unsigned methods; /* looked at for ROUTER_METHOD */
    } cases[] = {
        {HTTP_GET, "/", ROUTER_FOUND, "root", {NULL}, 0},
        {HTTP_GET, "/a/b", ROUTER_FOUND, "get-ab", {NULL}, 0},
        {HTTP_PUT, "/a/b", ROUTER_FOUND, "put-ab", {NULL}, 0},
        /* the literal has no DELETE, the parameter has */
        {HTTP_DELETE, "/a/b", ROUTER_FOUND, "delete-ax", {"b"}, 0},
        {HTTP_POST, "/a/b", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_GET) | BIT(HTTP_PUT) | BIT(HTTP_DELETE)},
        {HTTP_GET, "/a/q", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_DELETE)},
        /* the literal leads nowhere */
        {HTTP_GET, "/a/b/c", ROUTER_FOUND, "get-axc", {"b"}, 0},
        {HTTP_GET, "/a/b/d", ROUTER_FOUND, "get-abd", {NULL}, 0},
        {HTTP_GET, "/a/x/d", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        {HTTP_GET, "/a", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_OPTIONS)},
        {HTTP_GET, "/a/", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        {HTTP_GET, "//", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        /* the empty last segment counts */
        {HTTP_GET, "/push/", ROUTER_FOUND, "push-slash", {NULL}, 0},
        {HTTP_POST, "/push", ROUTER_FOUND, "push", {NULL}, 0},
        {HTTP_POST, "/push/", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_GET)},
        {HTTP_GET, "/push//", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        /* parameters are decoded after the cut */
        {HTTP_PUT,
         "/rooms/%21r%3Ah%2Fx/send/m.room.message/a+b",
         ROUTER_FOUND,
         "send",
         {"!r:h/x", "m.room.message", "a+b"},
         0},
        {HTTP_PUT, "/rooms/!r:h/send/m.room.message/", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        {HTTP_PUT, "/rooms//send/t/1", ROUTER_UNKNOWN, NULL, {NULL}, 0},
        {HTTP_GET, "/rooms/r/state/m.name/", ROUTER_FOUND, "state-empty", {"r", "m.name"}, 0},
        {HTTP_GET, "/rooms/r/state/m.name/k", ROUTER_FOUND, "state", {"r", "m.name", "k"}, 0},
        /* an escaped literal is the same literal */
        {HTTP_GET, "/%61/%62", ROUTER_FOUND, "get-ab", {NULL}, 0},
        {HTTP_GET, "/a%2Fb", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_OPTIONS)},
        {HTTP_GET, "/%61/%6", ROUTER_MALFORMED, NULL, {NULL}, 0},
        {HTTP_GET, "/nothing/%", ROUTER_MALFORMED, NULL, {NULL}, 0},
        {HTTP_PUT, "/rooms/%zz/send/t/1", ROUTER_MALFORMED, NULL, {NULL}, 0},
        {HTTP_OTHER, "/a/b", ROUTER_METHOD, NULL, {NULL}, BIT(HTTP_GET) | BIT(HTTP_PUT) | BIT(HTTP_DELETE)},
        {HTTP_OPTIONS, "*", ROUTER_UNKNOWN, NULL, {NULL}, 0},
    };
    (void)state;
    struct router *router = router_new(rows, COUNT_OF(rows));
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *path = cases[i].path;
        struct str segments[HTTP_MAX_SEGMENTS];
        size_t count = http_path_split(str_of(path), segments, HTTP_MAX_SEGMENTS);
        struct router_match m = router_match(router, cases[i].method, segments, count, a);
        check_case(m.result == cases[i].result, path);
        if (m.result == ROUTER_METHOD)
            check_case(m.methods == cases[i].methods, path);
        if (m.result != ROUTER_FOUND)
            continue;
        check_str(str_of(m.row), str_of(cases[i].row), path);
        for (size_t k = 0; k < m.param_count; k++)
            check_str(m.params[k], str_of(cases[i].params[k]), path);
        check_case(m.param_count == 3 || cases[i].params[m.param_count] == NULL, path);
    }
    arena_free(&a);
    router_free(&router);
    assert_null(router);
    router_free(&router);
}

static void allocates_nothing_without_an_arena(void **state)
{
    (void)state;
    struct router *router = router_new(rows, COUNT_OF(rows));
    struct str segments[] = {STR("rooms"), STR("%21r"), STR("send"), STR("t"), STR("1")};
    struct router_match m = router_match(router, HTTP_PUT, segments, 5, NULL);
    assert_int_equal(m.result, ROUTER_FOUND);
    assert_ptr_equal(m.params[0].p, segments[1].p);
    struct arena *a = arena_new();
    segments[1] = STR("!r");
    m = router_match(router, HTTP_PUT, segments, 5, a);
    assert_ptr_equal(m.params[0].p, segments[1].p);
    assert_int_equal(arena_used(a), 0);
    arena_free(&a);
    router_free(&router);
}

static void an_overlong_literal_matches_nothing(void **state)
{
    (void)state;
    struct router *router = router_new(rows, COUNT_OF(rows));
    char text[3000];
    for (size_t i = 0; i + 3 <= sizeof text; i += 3)
        memcpy(text + i, "%61", 3);
    struct str segments[] = {{text, sizeof text}, STR("b")};
    assert_int_equal(router_match(router, HTTP_GET, segments, 2, NULL).result, ROUTER_UNKNOWN);
    router_free(&router);
}

static void writes_allow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    check_str(router_allow(a, BIT(HTTP_GET) | BIT(HTTP_PUT) | BIT(HTTP_OPTIONS)), STR("GET, HEAD, PUT, OPTIONS"),
              "three");
    check_str(router_allow(a, 0), STR(""), "none");
    arena_free(&a);
}

static void build(void *arg)
{
    const struct router_row twice[] = {{HTTP_GET, "/x", "x"}, {HTTP_GET, arg, "y"}};
    struct router *router = router_new(twice, 2);
    router_free(&router);
}

static void refuses_bad_tables(void **state)
{
    char twice[] = "/x", relative[] = "x", half[] = "/a/{b", inner[] = "/a/b{c}",
         many[] = "/{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}";
    char good[] = "/a/{b}/";
    (void)state;
    assert_true(check_aborts(build, twice));
    assert_true(check_aborts(build, relative));
    assert_true(check_aborts(build, half));
    assert_true(check_aborts(build, inner));
    assert_true(check_aborts(build, many));
    assert_false(check_aborts(build, good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(allocates_nothing_without_an_arena),
        cmocka_unit_test(an_overlong_literal_matches_nothing),
        cmocka_unit_test(writes_allow),
        cmocka_unit_test(refuses_bad_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
