/*
 * What a client is told when the database cannot be read: that the server failed, never that a token, a password or
 * what was asked for is not there. Clients throw away sessions and data on such answers.
 */
#include "api/client.h"
#include "api/routes.h"
#include "service/registration_token.h"
#include "service/saved_filter.h"
#include "store/sql.h"

static const struct api_route *const routes[] = {routes_account,  routes_login,        routes_devices,
                                                 routes_register, routes_account_data, routes_tags,
                                                 routes_filters,  routes_profile,      NULL};

static const struct service_options by_token = {
    .server_name = STR_INIT("example.org"),
    .allow_registration = true,
    .registration_token = STR_INIT("fixed"),
    .access_token_ttl_ms = 60000,
};

#define V3       "/_matrix/client/v3"
#define USER     V3 "/user/@alice:example.org"
#define PASSWORD "\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"},\"password\":\"correct horse\""
#define AUTH     "\"auth\":{\"type\":\"m.login.password\"," PASSWORD "}"

/* "%s" stands for a refresh token. */
static const struct {
    enum http_method method;
    const char *target;
    const char *body;
    bool anonymous;
} cases[] = {
    {HTTP_POST, V3 "/login", "{\"type\":\"m.login.password\"," PASSWORD "}", true},
    {HTTP_POST, V3 "/refresh", "{\"refresh_token\":\"%s\"}", true},
    {HTTP_POST, V3 "/register",
     "{\"username\":\"bob\",\"password\":\"12345678\",\"auth\":{\"type\":\"m.login.registration_token\","
     "\"token\":\"fixed\"}}",
     true},
    {HTTP_GET, V3 "/register/available?username=bob", NULL, true},
    {HTTP_GET, "/_matrix/client/v1/register/m.login.registration_token/validity?token=x", NULL, true},
    {HTTP_POST, V3 "/account/password", "{\"new_password\":\"12345678\"," AUTH "}", true},
    {HTTP_POST, V3 "/account/deactivate", "{" AUTH "}", true},
    {HTTP_GET, V3 "/profile/@alice:example.org", NULL, true},
    {HTTP_GET, V3 "/profile/@alice:example.org/displayname", NULL, true},
    {HTTP_POST, V3 "/logout", NULL, false},
    {HTTP_POST, V3 "/logout/all", NULL, false},
    {HTTP_GET, V3 "/devices", NULL, false},
    {HTTP_GET, V3 "/devices/ONE", NULL, false},
    {HTTP_PUT, V3 "/devices/ONE", "{\"display_name\":\"x\"}", false},
    {HTTP_PUT, V3 "/devices/ONE", "{}", false},
    {HTTP_DELETE, V3 "/devices/ONE", "{" AUTH "}", false},
    {HTTP_POST, V3 "/delete_devices", "{\"devices\":[\"ONE\"]," AUTH "}", false},
    {HTTP_POST, V3 "/account/password", "{\"new_password\":\"12345678\"," AUTH "}", false},
    {HTTP_POST, V3 "/account/deactivate", "{" AUTH "}", false},
    {HTTP_PUT, USER "/account_data/org.example", "{}", false},
    {HTTP_GET, USER "/account_data/org.example", NULL, false},
    {HTTP_GET, USER "/rooms/!room:example.org/account_data/org.example", NULL, false},
    {HTTP_GET, USER "/rooms/!room:example.org/tags", NULL, false},
    {HTTP_PUT, USER "/rooms/!room:example.org/tags/u.x", "{}", false},
    {HTTP_DELETE, USER "/rooms/!room:example.org/tags/u.x", NULL, false},
    {HTTP_POST, USER "/filter", "{}", false},
    {HTTP_GET, USER "/filter/1", NULL, false},
    {HTTP_PUT, V3 "/profile/@alice:example.org/displayname", "{\"displayname\":\"x\"}", false},
};

static bool run_break(struct store_tx *tx, void *arg)
{
    static const struct sql all[] = {
        SQL("DROP TABLE accounts"),       SQL("DROP TABLE devices"),      SQL("DROP TABLE tokens"),
        SQL("DROP TABLE profile_fields"), SQL("DROP TABLE account_data"), SQL("DROP TABLE filters"),
        SQL("DROP TABLE rooms"),          SQL("DROP TABLE users"),        SQL("DROP TABLE registration_tokens"),
    };
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        sql_exec0(tx, &all[i]);
    return true;
}

static void break_store(struct client *c)
{
    assert_int_equal(store_write(c->world.services.store, run_break, NULL), STORE_OK);
}

static void a_failure_is_told_as_one(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &by_token);
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), true);
    const char *token = str_cstr(c.world.arena, session.access_token);
    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/account/whoami", token, NULL), 200); /* and is in memory now */
    break_store(&c);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str body = str_of(cases[i].body ? cases[i].body : "");
        if (str_find_str(body, STR("%s")) < body.n)
            body = str_fmt(c.world.arena, "{\"refresh_token\":\"%.*s\"}", STR_ARG(session.refresh_token));
        client_ask_bytes(&c, cases[i].method, cases[i].target, cases[i].anonymous ? "" : token, body);
        if (c.status != 500)
            print_error("%s: %d %.*s\n", cases[i].target, c.status, STR_ARG(c.text));
        check_case(c.status == 500, cases[i].target);
        check_str(client_errcode(&c), STR("M_UNKNOWN"), cases[i].target);
    }
    client_fini(&c);
}

/* A token that is not in memory has to be looked up. */
static void a_token_that_cannot_be_looked_up_is_not_unknown(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, &by_token);
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), false);
    const char *token = str_cstr(c.world.arena, session.access_token);
    break_store(&c);
    assert_int_equal(client_ask(&c, HTTP_GET, V3 "/account/whoami", token, NULL), 500);
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_told_as_one),
        cmocka_unit_test(a_token_that_cannot_be_looked_up_is_not_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
