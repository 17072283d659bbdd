#include "api/client.h"
#include "api/routes.h"
#include "service/device.h"

static const struct api_route *const routes[] = {routes_account, routes_login, routes_devices, NULL};

#define PASSWORD   "/_matrix/client/v3/account/password"
#define DEACTIVATE "/_matrix/client/v3/account/deactivate"
#define WHOAMI     "/_matrix/client/v3/account/whoami"
#define DEVICES    "/_matrix/client/v3/devices"

#define AUTH(user, password)                                                                                           \
    "\"auth\":{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"" user                  \
    "\"},\"password\":\"" password "\"}"

static const char *login(struct client *c, const char *localpart, const char *device_id)
{
    struct account_info info;
    struct str user_id = account_user_id(&c->world.services, c->world.arena, str_of(localpart));
    assert_int_equal(account_find(&c->world.services, c->world.arena, user_id, &info).code, ERRCODE_NONE);
    return str_cstr(c->world.arena, world_login(&c->world, info.user_nid, str_of(device_id), false).access_token);
}

static void changes_the_password(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    world_user(&c.world, STR("alice"));
    world_user(&c.world, STR("bob"));
    const char *mine = login(&c, "alice", "MINE");
    const char *other = login(&c, "alice", "OTHER");
    assert_int_equal(client_ask(&c, HTTP_POST, PASSWORD, mine, "{}"), 400);
    check_str(client_errcode(&c), STR("M_MISSING_PARAM"), "none");
    assert_int_equal(client_ask(&c, HTTP_POST, PASSWORD, mine, "{\"new_password\":\"short\"}"), 400);
    check_str(client_errcode(&c), STR("M_WEAK_PASSWORD"), "short");
    assert_int_equal(client_ask(&c, HTTP_POST, PASSWORD, mine, "{\"new_password\":\"12345678\"}"), 401);
    check_str(json_text(c.world.arena, json_get(c.json, STR("flows"))), STR("[{\"stages\":[\"m.login.password\"]}]"),
              "flows");
    client_ask(&c, HTTP_POST, PASSWORD, mine, "{\"new_password\":\"12345678\"," AUTH("alice", "wrong") "}");
    assert_int_equal(c.status, 401);
    client_ask(&c, HTTP_POST, PASSWORD, mine, "{\"new_password\":\"12345678\"," AUTH("bob", "correct horse") "}");
    assert_int_equal(c.status, 401);

    client_ask(&c, HTTP_POST, PASSWORD, mine,
               "{\"new_password\":\"12345678\",\"logout_devices\":false," AUTH("alice", "correct horse") "}");
    assert_int_equal(c.status, 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, other, NULL), 200);
    client_ask(&c, HTTP_POST, PASSWORD, mine, "{\"new_password\":\"87654321\"," AUTH("alice", "12345678") "}");
    assert_int_equal(c.status, 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, mine, NULL), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, other, NULL), 401);

    /* Without a token the password says who it is; then no device is kept. */
    client_ask(&c, HTTP_POST, PASSWORD, "", "{\"new_password\":\"12345678\"," AUTH("alice", "87654321") "}");
    assert_int_equal(c.status, 200);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, mine, NULL), 401);
    client_fini(&c);
}

static void deactivates(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    world_user(&c.world, STR("alice"));
    const char *token = login(&c, "alice", "ONE");
    assert_int_equal(client_ask(&c, HTTP_GET, "/_matrix/client/v3/account/3pid", token, NULL), 200);
    check_str(c.text, STR("{\"threepids\":[]}"), "3pid");
    assert_int_equal(client_ask(&c, HTTP_POST, DEACTIVATE, token, "{\"erase\":1}"), 400);
    assert_int_equal(client_ask(&c, HTTP_POST, DEACTIVATE, token, "{}"), 401);
    assert_int_equal(client_ask(&c, HTTP_POST, DEACTIVATE, token, "{" AUTH("alice", "wrong") "}"), 401);
    check_str(client_errcode(&c), STR("M_FORBIDDEN"), "wrong");
    assert_int_equal(client_ask(&c, HTTP_POST, DEACTIVATE, token, "{" AUTH("alice", "correct horse") "}"), 200);
    assert_string_equal(client_text(&c, "id_server_unbind_result"), "success");
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, token, NULL), 401);
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/login", "",
               "{\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct horse\"}");
    assert_int_equal(c.status, 403);
    check_str(client_errcode(&c), STR("M_USER_DEACTIVATED"), "login");
    client_fini(&c);
}

static void deletes_devices(void **state)
{
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    world_user(&c.world, STR("alice"));
    world_user(&c.world, STR("bob"));
    const char *token = login(&c, "alice", "ONE");
    const char *bobs = login(&c, "bob", "BOBS");
    login(&c, "alice", "TWO");
    login(&c, "alice", "THREE");
    assert_int_equal(client_ask(&c, HTTP_DELETE, DEVICES "/TWO", token, ""), 401);
    struct str auth = str_fmt(c.world.arena,
                              "{\"auth\":{\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct "
                              "horse\",\"session\":\"%s\"}}",
                              client_text(&c, "session"));
    /* The session was given for another device. */
    assert_int_equal(client_ask_bytes(&c, HTTP_DELETE, DEVICES "/THREE", token, auth), 401);
    assert_int_equal(client_ask_bytes(&c, HTTP_DELETE, DEVICES "/TWO", token, auth), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, DEVICES "/TWO", token, NULL), 404);
    assert_int_equal(client_ask(&c, HTTP_DELETE, DEVICES "/TWO", token, "{" AUTH("alice", "correct horse") "}"), 200);
    assert_int_equal(client_ask(&c, HTTP_DELETE, DEVICES "/ONE", token, "{" AUTH("bob", "correct horse") "}"), 401);

    assert_int_equal(client_ask(&c, HTTP_POST, "/_matrix/client/v3/delete_devices", token, "{}"), 400);
    assert_int_equal(client_ask(&c, HTTP_POST, "/_matrix/client/v3/delete_devices", token, "{\"devices\":[1]}"), 400);
    /* More than anybody has would only keep the writer busy. */
    struct buf lots;
    buf_init(&lots, (size_t)1 << 20);
    buf_add(&lots, STR("{\"devices\":[\"0\""));
    for (int i = 0; i < DEVICES_MAX; i++)
        buf_add(&lots, STR(",\"0\""));
    buf_add(&lots, STR("]}"));
    client_ask_bytes(&c, HTTP_POST, "/_matrix/client/v3/delete_devices", token, buf_str(&lots));
    check_str(client_errcode(&c), STR("M_TOO_LARGE"), "too many");
    buf_fini(&lots);
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/delete_devices", token,
               "{\"devices\":[\"THREE\",\"BOBS\"]," AUTH("alice", "correct horse") "}");
    assert_int_equal(c.status, 200);
    assert_int_equal(client_ask(&c, HTTP_GET, DEVICES, token, NULL), 200);
    assert_int_equal(json_get(c.json, STR("devices"))->count, 1);
    assert_int_equal(client_ask(&c, HTTP_GET, WHOAMI, bobs, NULL), 200);
    assert_int_equal(client_ask(&c, HTTP_PUT, DEVICES "/ONE", token, "{\"display_name\":\"x\"}"), 200);
    assert_int_equal(client_ask(&c, HTTP_PUT, DEVICES "/TWO", token, "{\"display_name\":\"x\"}"), 404);
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_the_password),
        cmocka_unit_test(deactivates),
        cmocka_unit_test(deletes_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
