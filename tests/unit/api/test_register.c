#include "api/client.h"
#include "api/routes.h"
#include "service/account_limit.h"
#include "service/registration_token.h"

static const struct api_route *const routes[] = {routes_register, routes_account, NULL};

#define REGISTER  "/_matrix/client/v3/register"
#define AVAILABLE "/_matrix/client/v3/register/available"
#define VALIDITY  "/_matrix/client/v1/register/m.login.registration_token/validity"

static const struct service_options closed = {.server_name = STR_INIT("example.org")};
static const struct service_options by_token = {
    .server_name = STR_INIT("example.org"),
    .allow_registration = true,
    .registration_token = STR_INIT("fixed"),
};
static const struct service_options open_to_all = {
    .server_name = STR_INIT("example.org"),
    .allow_registration = true,
    .open_registration = true,
};

static void closed_to_strangers(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &closed);
    assert_int_equal(client_ask(&c, HTTP_POST, REGISTER, "", "{}"), 403);
    check_str(client_errcode(&c), STR("M_FORBIDDEN"), "register");
    assert_int_equal(client_ask(&c, HTTP_GET, VALIDITY "?token=x", "", NULL), 403);
    client_fini(&c);
}

static void what_is_refused_before_authentication(void **state)
{
    static const struct {
        const char *target;
        const char *body;
        int status;
        const char *errcode;
    } cases[] = {
        {REGISTER, "{\"username\":\"taken\"}", 400, "M_USER_IN_USE"},
        {REGISTER, "{\"username\":\"TAKEN\"}", 400, "M_USER_IN_USE"},
        {REGISTER, "{\"username\":\"a b\"}", 400, "M_INVALID_USERNAME"},
        {REGISTER, "{\"username\":\"\"}", 400, "M_INVALID_USERNAME"},
        {REGISTER, "{\"username\":1}", 400, "M_BAD_JSON"},
        {REGISTER, "{\"password\":\"1234567\"}", 400, "M_WEAK_PASSWORD"},
        {REGISTER "?kind=guest", "{}", 403, "M_GUEST_ACCESS_FORBIDDEN"},
        {REGISTER "?kind=other", "{}", 400, "M_INVALID_PARAM"},
        {REGISTER "?kind=user", "{}", 401, ""},
        {REGISTER, "{}", 401, ""},
        {REGISTER, "{\"username\":\"alice\",\"password\":\"12345678\",\"device_id\":\"X\"}", 401, ""},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, &open_to_all);
    world_user(&c.world, STR("taken"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(client_ask(&c, HTTP_POST, cases[i].target, "", cases[i].body) == cases[i].status, cases[i].body);
        check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].body);
    }
    check_str(json_text(c.world.arena, json_get(c.json, STR("flows"))), STR("[{\"stages\":[\"m.login.dummy\"]}]"),
              "flows");
    client_fini(&c);
}

static void open_registration(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &open_to_all);
    client_ask(&c, HTTP_POST, REGISTER, "", "{\"username\":\"Alice\",\"password\":\"p\xc3\xa4ssw\xc3\xb6rd\"}");
    assert_int_equal(c.status, 401);
    struct str body = str_fmt(c.world.arena,
                              "{\"username\":\"Alice\",\"password\":\"p\xc3\xa4ssw\xc3\xb6rd\",\"device_id\":\"ONE\","
                              "\"auth\":{\"type\":\"m.login.dummy\",\"session\":\"%s\"}}",
                              client_text(&c, "session"));
    assert_int_equal(client_ask_bytes(&c, HTTP_POST, REGISTER, "", body), 200);
    assert_string_equal(client_text(&c, "user_id"), "@alice:example.org");
    assert_string_equal(client_text(&c, "device_id"), "ONE");
    assert_int_equal(
        client_ask(&c, HTTP_GET, "/_matrix/client/v3/account/whoami", client_text(&c, "access_token"), NULL), 200);
    assert_int_equal(client_ask_bytes(&c, HTTP_POST, REGISTER, "", body), 400);
    check_str(client_errcode(&c), STR("M_USER_IN_USE"), "again");
    struct account_info info;
    assert_int_equal(account_find(&c.world.services, c.world.arena, STR("@alice:example.org"), &info).code, 0);
    assert_false(info.is_admin);

    /* No session, no name, no login. */
    client_ask(&c, HTTP_POST, REGISTER, "",
               "{\"password\":\"12345678\",\"inhibit_login\":true,\"auth\":{\"type\":\"m.login.dummy\"}}");
    assert_int_equal(c.status, 200);
    assert_int_equal(json_str_at(c.json, STR("user_id")).n, sizeof "@:example.org" - 1 + 12);
    assert_null(json_get(c.json, STR("access_token")));
    assert_null(json_get(c.json, STR("device_id")));

    client_ask(&c, HTTP_POST, REGISTER, "", "{\"auth\":{\"type\":\"m.login.dummy\"}}");
    check_str(client_errcode(&c), STR("M_MISSING_PARAM"), "no password");
    client_fini(&c);
}

static int register_by(struct client *c, const char *name, const char *token)
{
    struct str body = str_fmt(c->world.arena,
                              "{\"username\":\"%s\",\"password\":\"12345678\","
                              "\"auth\":{\"type\":\"m.login.registration_token\",\"token\":\"%s\"}}",
                              name, token);
    return client_ask_bytes(c, HTTP_POST, REGISTER, "", body);
}

static void registration_by_token(void **state)
{
    struct client c;
    struct str made;
    (void)state;
    client_init(&c, routes, &by_token);
    assert_int_equal(registration_token_create(&c.world.services, c.world.arena, STR("once"), 1, 0, &made).code, 0);
    assert_int_equal(client_ask(&c, HTTP_POST, REGISTER, "", "{\"auth\":{\"type\":\"m.login.dummy\"}}"), 401);
    assert_int_equal(register_by(&c, "alice", "nonsense"), 401);
    check_str(client_errcode(&c), STR("M_FORBIDDEN"), "wrong token");
    assert_int_equal(client_ask(&c, HTTP_GET, VALIDITY "?token=once", "", NULL), 200);
    check_str(c.text, STR("{\"valid\":true}"), "valid");
    assert_int_equal(register_by(&c, "alice", "once"), 200);
    client_ask(&c, HTTP_GET, VALIDITY "?token=once", "", NULL);
    check_str(c.text, STR("{\"valid\":false}"), "used up");
    assert_int_equal(register_by(&c, "bob", "once"), 401);
    assert_int_equal(register_by(&c, "bob", "fixed"), 200);
    assert_int_equal(register_by(&c, "carol", "fixed"), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, VALIDITY, "", NULL), 400);
    client_fini(&c);
}

static int register_openly(struct client *c, int i)
{
    struct str body = str_fmt(c->world.arena,
                              "{\"username\":\"user%d\",\"password\":\"12345678\",\"inhibit_login\":true,"
                              "\"auth\":{\"type\":\"m.login.dummy\"}}",
                              i);
    return client_ask_bytes(c, HTTP_POST, REGISTER, "", body);
}

static void no_address_makes_accounts_without_end(void **state)
{
    struct client c;
    int64_t wait_ms = 0;
    (void)state;
    client_init(&c, routes, &open_to_all);
    for (int i = 0; i < ACCOUNT_LIMIT_WIDE; i++)
        assert_int_equal(register_openly(&c, i), 200);
    assert_int_equal(register_openly(&c, 1000), 429);
    check_str(client_errcode(&c), STR("M_LIMIT_EXCEEDED"), "flood");
    assert_true(json_int_at(c.json, STR("retry_after_ms"), &wait_ms) && wait_ms == 6000);
    check_str(client_header(&c, STR("Retry-After")), STR("10"), "header");
    *world_clock() += 6000;
    assert_int_equal(register_openly(&c, 1000), 200);
    assert_int_equal(register_openly(&c, 1001), 429);

    /* Invited people are not held up by them. */
    struct service_options invited = open_to_all;
    invited.open_registration = false;
    invited.registration_token = STR("fixed");
    c.world.options = invited;
    assert_int_equal(register_by(&c, "bob", "fixed"), 200);
    client_fini(&c);
}

static void availability(void **state)
{
    static const struct {
        const char *target;
        int status;
        const char *errcode;
    } cases[] = {
        {AVAILABLE "?username=free", 200, ""},
        {AVAILABLE "?username=taken", 400, "M_USER_IN_USE"},
        {AVAILABLE "?username=a%20b", 400, "M_INVALID_USERNAME"},
        {AVAILABLE, 400, "M_MISSING_PARAM"},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, &by_token);
    world_user(&c.world, STR("taken"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(client_ask(&c, HTTP_GET, cases[i].target, "", NULL) == cases[i].status, cases[i].target);
        check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].target);
    }
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_to_strangers),
        cmocka_unit_test(what_is_refused_before_authentication),
        cmocka_unit_test(open_registration),
        cmocka_unit_test(registration_by_token),
        cmocka_unit_test(no_address_makes_accounts_without_end),
        cmocka_unit_test(availability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
