#include "api/client.h"
#include "api/dispatch.h"
#include "store/accounts.h"

static struct http_reply echo(struct api_request *r)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("user"), r->caller.user_id);
    json_set(r->arena, answer, STR("body"), *r->body);
    return reply_json(answer);
}

static struct http_reply echo_param(struct api_request *r)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("param"), r->params[0]);
    return reply_json(answer);
}

static struct http_reply limited(struct api_request *r)
{
    (void)r;
    struct fault fault = FAULT(M_LIMIT_EXCEEDED, "slow down");
    fault.retry_after_ms = 4200;
    return reply_fault(fault);
}

static const struct api_route first[] = {
    {HTTP_GET, "/_matrix/client/v3/none", AUTH_NONE, BODY_NONE, .handler = echo},
    {HTTP_GET, "/_matrix/client/v3/optional", AUTH_OPTIONAL, BODY_NONE, .handler = echo},
    {HTTP_GET, "/_matrix/client/v3/user", AUTH_USER, BODY_NONE, .handler = echo},
    {HTTP_GET, "/_matrix/client/v3/guest", AUTH_GUEST, BODY_NONE, .handler = echo},
    {HTTP_GET, "/_matrix/client/v1/param/{p}", AUTH_NONE, BODY_NONE, .handler = echo_param},
    {0},
};

static const struct api_route second[] = {
    {HTTP_PUT, "/_matrix/client/v3/none", AUTH_NONE, BODY_OBJECT, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/maybe", AUTH_NONE, BODY_MAYBE, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/ignored", AUTH_NONE, BODY_NONE, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/either", AUTH_OPTIONAL, BODY_OBJECT, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/big", AUTH_USER, BODY_OBJECT, .body_max = BODY_MAX_REQUEST, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/small", AUTH_USER, BODY_OBJECT, .body_max = 100, .slow = true, .handler = echo},
    {HTTP_POST, "/_matrix/client/v3/limited", AUTH_NONE, BODY_NONE, .handler = limited},
    {HTTP_POST, "/_hearth/control", AUTH_CONTROL, BODY_OBJECT, .handler = echo},
    {0},
};

static const struct api_route *const routes[] = {first, second, NULL};

#define SIXTEEN    "/%zz/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static void finds_routes(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        unsigned listener;
        int status;
        const char *errcode;
    } cases[] = {
        {HTTP_GET, "/_matrix/client/v3/none", 1, 200, ""},
        {HTTP_GET, "/_matrix/client/r0/none", 1, 200, ""},
        {HTTP_GET, "/_matrix/client/v1/none", 1, 404, "M_UNRECOGNIZED"},
        {HTTP_GET, "/_matrix/client/r0/param/x", 1, 404, "M_UNRECOGNIZED"},
        {HTTP_GET, "/_matrix/client/v3/none/", 1, 404, "M_UNRECOGNIZED"},
        {HTTP_GET, "/", 1, 404, "M_UNRECOGNIZED"},
        {HTTP_POST, "/_matrix/client/v3/none", 1, 405, "M_UNRECOGNIZED"},
        {HTTP_OTHER, "/_matrix/client/v3/none", 1, 405, "M_UNRECOGNIZED"},
        {HTTP_GET, "/_matrix/client/v1/param/%zz", 1, 400, "M_INVALID_PARAM"},
        {HTTP_GET, "/_matrix/client/v1/param/%ff", 1, 400, "M_INVALID_PARAM"},
        {HTTP_GET, "/_matrix/client/v1/param/a%00b", 1, 400, "M_INVALID_PARAM"},
        {HTTP_GET, "/_matrix/client/v3/none?x=%ff", 1, 400, "M_INVALID_PARAM"},
        {HTTP_GET, "/_matrix/client/v1/param" SIXTY_FOUR, 1, 404, "M_UNRECOGNIZED"},
        {HTTP_OPTIONS, "/_matrix/client/v1/param" SIXTY_FOUR, 1, 204, ""},
        {HTTP_OPTIONS, "/_matrix/client/v3/user", 1, 204, ""},
        {HTTP_OPTIONS, "/nowhere", 1, 204, ""},
        {HTTP_POST, "/_hearth/control", 1, 404, "M_UNRECOGNIZED"},
        {HTTP_POST, "/_hearth/control", 9, 400, "M_NOT_JSON"},
        {HTTP_GET, "/_matrix/client/v3/none", 9, 404, "M_UNRECOGNIZED"},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        c.listener = cases[i].listener;
        check_case(client_ask(&c, cases[i].method, cases[i].path, "", NULL) == cases[i].status, cases[i].path);
        check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].path);
    }
    c.listener = 1;
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/none", "", NULL);
    assert_true(client_header(&c, STR("Allow")).n > 0);
    client_ask(&c, HTTP_GET, "/_matrix/client/v1/param/a%2Fb%C3%A9", "", NULL);
    assert_string_equal(client_text(&c, "param"), "a/b\xc3\xa9");
    client_fini(&c);
}

static void reads_bodies(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        const char *body;
        int status;
        const char *errcode;
        const char *got;
    } cases[] = {
        {HTTP_PUT, "/_matrix/client/v3/none", "{\"b\":1}", 200, "", "{\"b\":1}"},
        {HTTP_PUT, "/_matrix/client/v3/none", "", 400, "M_NOT_JSON", ""},
        {HTTP_PUT, "/_matrix/client/v3/none", "{", 400, "M_NOT_JSON", ""},
        {HTTP_PUT, "/_matrix/client/v3/none", "{} x", 400, "M_NOT_JSON", ""},
        {HTTP_PUT, "/_matrix/client/v3/none", "\xff", 400, "M_NOT_JSON", ""},
        {HTTP_PUT, "/_matrix/client/v3/none", "[]", 400, "M_BAD_JSON", ""},
        {HTTP_PUT, "/_matrix/client/v3/none", "null", 400, "M_BAD_JSON", ""},
        {HTTP_POST, "/_matrix/client/v3/maybe", "", 200, "", "{}"},
        {HTTP_POST, "/_matrix/client/v3/maybe", "{\"a\":2}", 200, "", "{\"a\":2}"},
        {HTTP_POST, "/_matrix/client/v3/maybe", "[]", 400, "M_BAD_JSON", ""},
        {HTTP_POST, "/_matrix/client/v3/ignored", "no json", 200, "", "{}"},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_case(client_ask(&c, cases[i].method, cases[i].path, "", cases[i].body) == cases[i].status, cases[i].body);
        check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].body);
        if (cases[i].status == 200)
            check_str(json_text(c.world.arena, json_get(c.json, STR("body"))), str_of(cases[i].got), cases[i].body);
    }
    client_fini(&c);
}

static void limits_bodies(void **state)
{
    static const struct {
        const char *path;
        size_t body_max;
        bool slow;
    } cases[] = {
        {"/_matrix/client/v3/maybe", (size_t)64 << 10, false},
        {"/_matrix/client/v3/ignored", 4 << 10, false},
        {"/_matrix/client/v3/user", 4 << 10, false}, /* not with this method */
        {"/_matrix/client/v3/either", (size_t)256 << 10, false},
        {"/_matrix/client/v3/big", (size_t)20 << 20, false},
        {"/_matrix/client/v3/small", 100, true},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), true);
    const char *token = str_cstr(c.world.arena, session.access_token);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        client_ask(&c, HTTP_POST, cases[i].path, token, "{}");
        check_case(c.verdict.body_max == cases[i].body_max && c.verdict.slow == cases[i].slow, cases[i].path);
    }
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/either", "", "{}");
    assert_int_equal(c.verdict.body_max, 64 << 10);
    c.listener = 9;
    client_ask(&c, HTTP_POST, "/_hearth/control", "", "{}");
    assert_int_equal(c.verdict.body_max, 256 << 10);
    assert_true(c.verdict.known);
    client_fini(&c);
}

/* Without a token no body is taken where one is wanted, and one that nobody has seen does not make a known client. */
static void looks_at_tokens_before_the_body(void **state)
{
    static const struct {
        const char *path;
        const char *token;
        const char *errcode; /* of the answer to the head alone; "" if it is let pass */
    } cases[] = {
        {"big", "", "M_MISSING_TOKEN"},
        {"big?access_token=", "", "M_MISSING_TOKEN"},
        {"big?x=%zz", "", "M_MISSING_TOKEN"},
        {"big", "nonsense", "M_UNKNOWN_TOKEN"},
        {"big?access_token=nonsense", "", "M_UNKNOWN_TOKEN"},
        {"big", "hs_0123456789abcdefghijklmnopqrstu", "M_UNKNOWN_TOKEN"},
        {"big", "hs_0123456789abcdefghijklmnopqrstuvw", "M_UNKNOWN_TOKEN"},
        {"big", "hs_0123456789abcdefghijklmnopqrst-v", "M_UNKNOWN_TOKEN"},
        {"big", "hr_0123456789abcdefghijklmnopqrstuv", "M_UNKNOWN_TOKEN"},
        {"big", "hs_0123456789abcdefghijklmnopqrstuv", ""},
        {"big?access_token=hs_0123456789abcdefghijklmnopqrstuv", "", ""},
        {"big?a=b&access_token=%68s%5F0123456789abcdefghijklmnopqrstuv", "", ""},
        {"either", "", ""},
        {"either", "nonsense", "M_UNKNOWN_TOKEN"},
        {"maybe", "nonsense", ""},
        {"maybe", "", ""},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str path = str_fmt(c.world.arena, "/_matrix/client/v3/%s", cases[i].path);
        client_ask(&c, HTTP_POST, str_cstr(c.world.arena, path), cases[i].token, "{}");
        bool refused = cases[i].errcode[0];
        check_case(c.verdict.answered == refused && !c.verdict.known, cases[i].path);
        check_case(!refused || c.status == 401, cases[i].path);
        if (refused)
            check_str(client_errcode(&c), str_of(cases[i].errcode), cases[i].path);
    }
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), true);
    const char *token = str_cstr(c.world.arena, session.access_token);
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/big", token, "{}");
    client_ask(&c, HTTP_POST, "/_matrix/client/v3/big", token, "{}");
    assert_true(c.verdict.known && !c.verdict.answered && c.status == 200);
    client_fini(&c);
}

/* Turns and shares: one client a user, on whatever devices; before the token has been seen that is left to the address.
 */
static void tells_clients_apart(void **state)
{
    struct client c;
    uint64_t of[3];
    (void)state;
    client_init(&c, routes, NULL);
    struct account_info alice = world_user(&c.world, STR("alice")), bob = world_user(&c.world, STR("bob"));
    const int64_t users[3] = {alice.user_nid, alice.user_nid, bob.user_nid};
    static const struct str devices[3] = {STR_INIT("ONE"), STR_INIT("TWO"), STR_INIT("THREE")};
    for (size_t i = 0; i < 3; i++) {
        struct session session = world_login(&c.world, users[i], devices[i], true);
        const char *token = str_cstr(c.world.arena, session.access_token);
        client_ask(&c, HTTP_POST, "/_matrix/client/v3/big", token, "{}");
        assert_true(c.verdict.client == 0);
        client_ask(&c, HTTP_POST, "/_matrix/client/v3/big", token, "{}");
        of[i] = c.verdict.client;
    }
    assert_true(of[0] != 0 && of[0] == of[1] && of[2] != 0 && of[0] != of[2]);
    client_fini(&c);
}

static bool make_guest(struct store_tx *tx, void *arg)
{
    struct account_row row = {.user_id = STR("@guest:example.org"), .is_guest = true, .created_ts = 1};
    bool made = accounts_insert(tx, &row);
    *(int64_t *)arg = row.user_nid;
    return made;
}

static void checks_tokens(void **state)
{
    static const struct {
        const char *path;
        int without;
        const char *without_errcode;
        int guest;
    } cases[] = {
        {"/_matrix/client/v3/none", 200, "", 200},
        {"/_matrix/client/v3/optional", 200, "", 200},
        {"/_matrix/client/v3/user", 401, "M_MISSING_TOKEN", 403},
        {"/_matrix/client/v3/guest", 401, "M_MISSING_TOKEN", 200},
    };
    struct client c;
    (void)state;
    client_init(&c, routes, NULL);
    struct account_info alice = world_user(&c.world, STR("alice"));
    struct session session = world_login(&c.world, alice.user_nid, STR("ONE"), true);
    int64_t guest_nid = 0;
    assert_int_equal(store_write(c.world.services.store, make_guest, &guest_nid), STORE_OK);
    struct session guest = world_login(&c.world, guest_nid, STR("G"), false);
    const char *token = str_cstr(c.world.arena, session.access_token);
    const char *guest_token = str_cstr(c.world.arena, guest.access_token);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *path = cases[i].path;
        bool looks = i > 0;
        check_case(client_ask(&c, HTTP_GET, path, "", NULL) == cases[i].without, path);
        check_str(client_errcode(&c), str_of(cases[i].without_errcode), path);
        check_case(client_ask(&c, HTTP_GET, path, token, NULL) == 200, path);
        assert_string_equal(client_text(&c, "user"), looks ? "@alice:example.org" : "");
        check_case(client_ask(&c, HTTP_GET, path, "nonsense", NULL) == (looks ? 401 : 200), path);
        check_str(client_errcode(&c), looks ? STR("M_UNKNOWN_TOKEN") : STR(""), path);
        check_case(client_ask(&c, HTTP_GET, path, guest_token, NULL) == cases[i].guest, path);
    }
    check_case(client_ask(&c, HTTP_GET, "/_matrix/client/v3/user", guest_token, NULL) == 403, "guest");
    check_str(client_errcode(&c), STR("M_GUEST_ACCESS_FORBIDDEN"), "guest");

    /* The old place of the token; the header wins. */
    const char *in_query =
        str_cstr(c.world.arena, str_fmt(c.world.arena, "/_matrix/client/v3/user?access_token=%s", token));
    assert_int_equal(client_ask(&c, HTTP_GET, in_query, "", NULL), 200);
    assert_int_equal(client_ask(&c, HTTP_GET, in_query, "nonsense", NULL), 401);
    assert_int_equal(client_ask(&c, HTTP_GET, "/_matrix/client/v3/user?access_token=", "", NULL), 401);
    check_str(client_errcode(&c), STR("M_MISSING_TOKEN"), "empty");

    *world_clock() += 60000;
    assert_int_equal(client_ask(&c, HTTP_GET, "/_matrix/client/v3/user", token, NULL), 401);
    assert_true(json_bool_at(c.json, STR("soft_logout"), false));
    client_fini(&c);
}

static void says_when_to_ask_again(void **state)
{
    struct client c;
    int64_t ms = 0;
    (void)state;
    client_init(&c, routes, NULL);
    assert_int_equal(client_ask(&c, HTTP_POST, "/_matrix/client/v3/limited", "", NULL), 429);
    check_str(client_header(&c, STR("Retry-After")), STR("5"), "rounded up");
    assert_true(json_int_at(c.json, STR("retry_after_ms"), &ms));
    assert_int_equal(ms, 4200);
    client_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_routes),           cmocka_unit_test(reads_bodies),
        cmocka_unit_test(limits_bodies),          cmocka_unit_test(looks_at_tokens_before_the_body),
        cmocka_unit_test(tells_clients_apart),    cmocka_unit_test(checks_tokens),
        cmocka_unit_test(says_when_to_ask_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
