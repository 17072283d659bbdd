#include "api/client.h"
#include "api/login.h"
#include "api/routes.h"

static const struct api_route *const routes[] = {routes_login, routes_account, NULL};

static const struct service_options options = {
    .server_name = STR_INIT("example.org"),
    .well_known_client = STR_INIT("https://matrix.example.org"),
    .access_token_ttl_ms = 60000,
};

#define LOGIN   "/_matrix/client/v3/login"
#define REFRESH "/_matrix/client/v3/refresh"
#define WHOAMI  "/_matrix/client/v3/account/whoami"
#define ALICE   "\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"}"
#define GOOD    "{\"type\":\"m.login.password\"," ALICE ",\"password\":\"correct horse\""

static void refused(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *errcode;
    } cases[] = {
        {"{}", 400, "M_MISSING_PARAM"},
        {"{\"type\":1}", 400, "M_BAD_JSON"},
        {"{\"type\":\"m.login.token\",\"token\":\"x\"}", 400, "M_UNKNOWN"},
        {"{\"type\":\"m.login.password\"}", 400, "M_MISSING_PARAM"},
        {"{\"type\":\"m.login.password\"," ALICE "}", 400, "M_MISSING_PARAM"},
        {"{\"type\":\"m.login.password\"," ALICE ",\"password\":7}", 400, "M_BAD_JSON"},
        {"{\"type\":\"m.login.password\"," ALICE ",\"password\":\"wrong\"}", 403, "M_FORBIDDEN"},
        {"{\"type\":\"m.login.password\",\"user\":\"bob\",\"password\":\"correct horse\"}", 403, "M_FORBIDDEN"},
        {GOOD ",\"device_id\":7}", 400, "M_BAD_JSON"},
        {GOOD ",\"device_id\":\"a\\u0000b\"}", 400, "M_INVALID_PARAM"},
        {GOOD ",\"refresh_token\":\"yes\"}", 400, "M_BAD_JSON"},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, &options);
    world_user(&c.world, STR("alice"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(client_ask(&c, HTTP_POST, LOGIN, "", cases[i].body) == cases[i].status, cases[i].body);
        check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].body);
    }
    client_fini(&c);
}

static void logs_in_and_out(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &options);
    world_user(&c.world, STR("alice"));
    assert_int_equal(client_ask(&c, HTTP_GET, LOGIN, "", NULL), 200);
    check_str(c.text, STR("{\"flows\":[{\"type\":\"m.login.password\"}]}"), "flows");

    assert_int_equal(client_ask(&c, HTTP_POST, LOGIN, "", GOOD ",\"device_id\":\"ONE\"}"), 200);
    assert_string_equal(client_text(&c, "user_id"), "@alice:example.org");
    assert_string_equal(client_text(&c, "device_id"), "ONE");
    assert_string_equal(client_text(&c, "home_server"), "example.org");
    assert_null(json_get(c.json, STR("refresh_token")));
    assert_null(json_get(c.json, STR("expires_in_ms")));
    check_str(json_text(c.world.arena, json_get(c.json, STR("well_known"))),
              STR("{\"m.homeserver\":{\"base_url\":\"https://matrix.example.org\"}}"), "well_known");
    const char *token = client_text(&c, "access_token");

    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, token, NULL), 200);
    check_str(c.text, STR("{\"device_id\":\"ONE\",\"is_guest\":false,\"user_id\":\"@alice:example.org\"}"), "whoami");

    assert_int_equal(client_ask(&c, HTTP_POST, LOGIN, "", GOOD "}"), 200);
    assert_int_equal(json_str_at(c.json, STR("device_id")).n, 10);
    const char *other = client_text(&c, "access_token");
    assert_int_equal(client_ask(&c, HTTP_POST, "/_matrix/client/v3/logout", token, ""), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, token, NULL), 401);
    check_str(client_errcode(&c), STR("M_UNKNOWN_TOKEN"), "logged out");
    assert_false(json_bool_at(c.json, STR("soft_logout"), false));
    assert_int_equal(client_ask(&c, HTTP_POST, "/_matrix/client/v3/logout/all", other, "{}"), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, other, NULL), 401);
    client_fini(&c);
}

static void refreshes(void **state)
{
    struct client c;
    int64_t expires = 0;
    (void)state;
    client_init(&c, routes, &options);
    world_user(&c.world, STR("alice"));
    assert_int_equal(client_ask(&c, HTTP_POST, LOGIN, "", GOOD ",\"refresh_token\":true}"), 200);
    assert_true(json_int_at(c.json, STR("expires_in_ms"), &expires));
    assert_int_equal(expires, 60000);
    const char *token = client_text(&c, "access_token");
    struct str body = str_fmt(c.world.arena, "{\"refresh_token\":\"%s\"}", client_text(&c, "refresh_token"));

    *world_clock() += 60000;
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, token, NULL), 401);
    assert_true(json_bool_at(c.json, STR("soft_logout"), false));
    assert_int_equal(client_ask_bytes(&c, HTTP_POST, REFRESH, "", body), 200);
    assert_true(json_str_at(c.json, STR("refresh_token")).n > 0);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, client_text(&c, "access_token"), NULL), 200);
    assert_int_equal(client_ask_bytes(&c, HTTP_POST, REFRESH, "", body), 401);
    check_str(client_errcode(&c), STR("M_UNKNOWN_TOKEN"), "used");
    assert_int_equal(client_ask(&c, HTTP_POST, REFRESH, "", "{}"), 400);
    client_fini(&c);
}

static void too_many_failures(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &options);
    world_user(&c.world, STR("alice"));
    for (int i = 0; i < 10; i++)
        client_ask(&c, HTTP_POST, LOGIN, "", "{\"type\":\"m.login.password\"," ALICE ",\"password\":\"wrong\"}");
    assert_int_equal(client_ask(&c, HTTP_POST, LOGIN, "", GOOD "}"), 429);
    check_str(client_errcode(&c), STR("M_LIMIT_EXCEEDED"), "errcode");
    check_str(client_header(&c, STR("Retry-After")), STR("10"), "header");
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),
        cmocka_unit_test(logs_in_and_out),
        cmocka_unit_test(refreshes),
        cmocka_unit_test(too_many_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
