/* What users keep on the server, and what the server says of itself: profile, account data, filters, push rules,
 * capabilities, versions, well-known. */
#include "api/client.h"
#include "api/routes.h"

static const struct api_route *const routes[] = {
    routes_profile,      routes_account_data, routes_tags,      routes_filters, routes_pushrules,
    routes_capabilities, routes_versions,     routes_wellknown, routes_health,  NULL,
};

static const struct service_options bare = {.server_name = STR_INIT("example.org")};
static const struct service_options full = {
    .server_name = STR_INIT("example.org"),
    .well_known_client = STR_INIT("https://m.example.org"),
    .well_known_server = STR_INIT("m.example.org:443"),
    .support_page = STR_INIT("https://example.org/help"),
    .support_email = STR_INIT("a@example.org"),
    .support_mxid = STR_INIT("@a:example.org"),
};

#define V3    "/_matrix/client/v3"
#define ALICE "%40alice%3Aexample.org"

struct step {
    enum http_method method;
    const char *path;
    const char *body;
    int status;
    const char *want; /* the answer; or the error code */
};

static void play(const struct service_options *options, const struct step *steps, size_t count)
{
    struct client c;
    client_init(&c, routes, options);
    struct account_info alice = world_user(&c.world, STR("alice"));
    world_user(&c.world, STR("bob"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), false);
    const char *token = str_cstr(c.world.arena, session.access_token);
    for (size_t i = 0; i < count; i++) {
        const char *what = str_cstr(c.world.arena, str_fmt(c.world.arena, "step %zu %s", i, steps[i].path));
        int status = client_ask(&c, steps[i].method, steps[i].path, token, steps[i].body);
        check_case(status == steps[i].status, what);
        if (status == 200)
            check_str(c.text, str_of(steps[i].want), what);
        else
            check_str(client_errcode(&c), str_of(steps[i].want), what);
    }
    client_fini(&c);
}

static void profile(void **state)
{
    static const struct step steps[] = {
        {HTTP_GET, V3 "/profile/" ALICE, NULL, 200, "{}"},
        {HTTP_GET, V3 "/profile/" ALICE "/displayname", NULL, 404, "M_NOT_FOUND"},
        {HTTP_PUT, V3 "/profile/" ALICE "/displayname", "{\"displayname\":\"A\"}", 200, "{}"},
        {HTTP_PUT, V3 "/profile/" ALICE "/displayname", "{\"other\":\"A\"}", 400, "M_MISSING_PARAM"},
        {HTTP_PUT, V3 "/profile/" ALICE "/m.tz", "{\"m.tz\":\"Europe/Paris\"}", 200, "{}"},
        {HTTP_PUT, V3 "/profile/%40bob%3Aexample.org/displayname", "{\"displayname\":\"A\"}", 403, "M_FORBIDDEN"},
        {HTTP_DELETE, V3 "/profile/%40bob%3Aexample.org/displayname", "", 403, "M_FORBIDDEN"},
        {HTTP_GET, V3 "/profile/" ALICE "/displayname", NULL, 200, "{\"displayname\":\"A\"}"},
        {HTTP_GET, V3 "/profile/" ALICE, NULL, 200, "{\"displayname\":\"A\",\"m.tz\":\"Europe/Paris\"}"},
        {HTTP_DELETE, V3 "/profile/" ALICE "/displayname", "", 200, "{}"},
        {HTTP_GET, V3 "/profile/" ALICE, NULL, 200, "{\"m.tz\":\"Europe/Paris\"}"},
        {HTTP_GET, V3 "/profile/%40carol%3Aexample.org", NULL, 404, "M_NOT_FOUND"},
        {HTTP_GET, V3 "/profile/" ALICE "/BAD", NULL, 400, "M_INVALID_PARAM"},
    };
    (void)state;
    play(NULL, steps, COUNT_OF(steps));
}

static void account_data(void **state)
{
    static const struct step steps[] = {
        {HTTP_GET, V3 "/user/" ALICE "/account_data/a.b", NULL, 404, "M_NOT_FOUND"},
        {HTTP_PUT, V3 "/user/" ALICE "/account_data/a.b", "{\"k\":1}", 200, "{}"},
        {HTTP_GET, V3 "/user/" ALICE "/account_data/a.b", NULL, 200, "{\"k\":1}"},
        {HTTP_PUT, V3 "/user/" ALICE "/account_data/m.push_rules", "{}", 405, "M_BAD_JSON"},
        {HTTP_PUT, V3 "/user/" ALICE "/account_data/a.b", "[]", 400, "M_BAD_JSON"},
        {HTTP_PUT, V3 "/user/%40bob%3Aexample.org/account_data/a.b", "{}", 403, "M_FORBIDDEN"},
        {HTTP_GET, V3 "/user/%40bob%3Aexample.org/account_data/a.b", NULL, 403, "M_FORBIDDEN"},
        {HTTP_PUT, V3 "/user/" ALICE "/rooms/notaroom/account_data/a.b", "{}", 400, "M_INVALID_PARAM"},
        {HTTP_GET, V3 "/user/" ALICE "/rooms/notaroom/account_data/a.b", NULL, 400, "M_INVALID_PARAM"},
        {HTTP_PUT, V3 "/user/" ALICE "/rooms/%21a%3Ab/tags/u.x", "{}", 404, "M_NOT_FOUND"},
        {HTTP_GET, V3 "/user/" ALICE "/rooms/%21a%3Ab/tags", NULL, 200, "{\"tags\":{}}"},
        {HTTP_GET, V3 "/user/%40bob%3Aexample.org/rooms/%21a%3Ab/tags", NULL, 403, "M_FORBIDDEN"},
    };
    (void)state;
    play(NULL, steps, COUNT_OF(steps));
}

static void filters(void **state)
{
    static const struct step steps[] = {
        {HTTP_POST, V3 "/user/" ALICE "/filter", "{\"event_format\":\"client\"}", 200, "{\"filter_id\":\"1\"}"},
        {HTTP_POST, V3 "/user/" ALICE "/filter", "{\"event_format\":\"client\"}", 200, "{\"filter_id\":\"1\"}"},
        {HTTP_GET, V3 "/user/" ALICE "/filter/1", NULL, 200, "{\"event_format\":\"client\"}"},
        {HTTP_GET, V3 "/user/" ALICE "/filter/2", NULL, 404, "M_NOT_FOUND"},
        {HTTP_POST, V3 "/user/%40bob%3Aexample.org/filter", "{}", 403, "M_FORBIDDEN"},
        {HTTP_GET, V3 "/user/%40bob%3Aexample.org/filter/1", NULL, 403, "M_FORBIDDEN"},
    };
    (void)state;
    play(NULL, steps, COUNT_OF(steps));
}

static void well_known(void **state)
{
    static const struct step nothing[] = {
        {HTTP_GET, "/.well-known/matrix/client", NULL, 404, "M_NOT_FOUND"},
        {HTTP_GET, "/.well-known/matrix/server", NULL, 404, "M_NOT_FOUND"},
        {HTTP_GET, "/.well-known/matrix/support", NULL, 404, "M_NOT_FOUND"},
        {HTTP_GET, "/health", NULL, 200, "OK"},
    };
    static const struct step all[] = {
        {HTTP_GET, "/.well-known/matrix/client", NULL, 200,
         "{\"m.homeserver\":{\"base_url\":\"https://m.example.org\"}}"},
        {HTTP_GET, "/.well-known/matrix/server", NULL, 200, "{\"m.server\":\"m.example.org:443\"}"},
        {HTTP_GET, "/.well-known/matrix/support", NULL, 200,
         "{\"contacts\":[{\"email_address\":\"a@example.org\",\"matrix_id\":\"@a:example.org\",\"role\":"
         "\"m.role.admin\"}],\"support_page\":\"https://example.org/help\"}"},
    };
    (void)state;
    play(&bare, nothing, COUNT_OF(nothing));
    play(&full, all, COUNT_OF(all));
}

static void about_the_server(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), false);
    const char *token = str_cstr(c.world.arena, session.access_token);

    assert_int_equal(client_ask(&c, HTTP_GET, "/_matrix/client/versions", "", NULL), 200);
    const struct json *known = json_get(c.json, STR("versions"));
    assert_true(known->count >= 3);
    check_str(known->items[2].s, STR("v1.1"), "what Element asks for");
    assert_true(json_is(json_get(c.json, STR("unstable_features")), JSON_OBJECT));

    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/capabilities", "", NULL), 401);
    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/capabilities", token, NULL), 200);
    const struct json *all = json_get(c.json, STR("capabilities"));
    assert_true(json_bool_at(json_get(all, STR("m.change_password")), STR("enabled"), false));
    assert_false(json_bool_at(json_get(all, STR("m.3pid_changes")), STR("enabled"), true));
    const struct json *versions = json_get(all, STR("m.room_versions"));
    check_str(json_str_at(versions, STR("default")), STR("12"), "default");
    check_str(json_str_at(json_get(versions, STR("available")), STR("12")), STR("stable"), "available");

    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/pushrules/", token, NULL), 200);
    const struct json *override = json_get(json_get(c.json, STR("global")), STR("override"));
    assert_int_equal(override->count, 10);
    check_str(json_str_at(&override->items[0], STR("rule_id")), STR(".m.rule.master"), "first");
    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/pushrules/global/", token, NULL), 200);
    assert_int_equal(json_get(c.json, STR("underride"))->count, 5);
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile),    cmocka_unit_test(account_data),     cmocka_unit_test(filters),
        cmocka_unit_test(well_known), cmocka_unit_test(about_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
