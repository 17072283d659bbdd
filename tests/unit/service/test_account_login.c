#include "service/account_limit.h"
#include "service/account_login.h"

#include "world.h"

static void identifiers(void **state)
{
    static const struct {
        const char *name;
        const char *json;
        enum errcode want;
        const char *user;
    } cases[] = {
        {"m.id.user", "{\"identifier\":{\"type\":\"m.id.user\",\"user\":\"a\"}}", ERRCODE_NONE, "a"},
        {"old", "{\"user\":\"a\"}", ERRCODE_NONE, "a"},
        {"both", "{\"user\":\"b\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"a\"}}", ERRCODE_NONE, "a"},
        {"none", "{}", M_MISSING_PARAM, ""},
        {"no user", "{\"identifier\":{\"type\":\"m.id.user\"}}", M_MISSING_PARAM, ""},
        {"e-mail", "{\"identifier\":{\"type\":\"m.id.thirdparty\",\"medium\":\"email\",\"address\":\"a@b\"}}",
         M_FORBIDDEN, ""},
        {"old e-mail", "{\"medium\":\"email\",\"address\":\"a@b\"}", M_FORBIDDEN, ""},
        {"phone", "{\"identifier\":{\"type\":\"m.id.phone\"}}", M_FORBIDDEN, ""},
        {"unknown", "{\"identifier\":{\"type\":\"m.id.other\",\"user\":\"a\"}}", M_UNKNOWN, ""},
        {"no string", "{\"identifier\":{\"type\":\"m.id.user\",\"user\":1}}", M_BAD_JSON, ""},
        {"no object", "{\"identifier\":1}", M_BAD_JSON, ""},
    };
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str user = STR("");
        const struct json *json = json_parse(a, str_of(cases[i].json), 10).value;
        struct fault fault = account_login_identifier(json, &user);
        check_case(fault.code == cases[i].want, cases[i].name);
        check_case(fault.code || str_eq(user, str_of(cases[i].user)), cases[i].name);
    }
    arena_free(&a);
}

static struct fault login(struct world *w, const char *user, struct str password, const char *address)
{
    struct account_info info;
    return account_login_password(&w->services, w->arena, str_of(user), password, str_of(address), &info);
}

static void passwords(void **state)
{
    static const struct {
        const char *user;
        const char *password;
        enum errcode want;
    } cases[] = {
        {"alice", "correct horse", ERRCODE_NONE},      {"@alice:example.org", "correct horse", ERRCODE_NONE},
        {"ALICE", "correct horse", ERRCODE_NONE},      {"@alice:example.com", "correct horse", M_FORBIDDEN},
        {"alice", "wrong horse", M_FORBIDDEN},         {"alice", "", M_FORBIDDEN},
        {"nobody", "correct horse", M_FORBIDDEN},      {"", "correct horse", M_FORBIDDEN},
        {"gone", "correct horse", M_USER_DEACTIVATED},
    };
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("alice"));
    struct account_info gone = world_user(&w, STR("gone"));
    assert_int_equal(account_deactivate(&w.services, &(struct account_deactivation){.user_nid = gone.user_nid,
                                                                                    .user_id = gone.user_id})
                         .code,
                     ERRCODE_NONE);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fault fault = login(&w, cases[i].user, str_of(cases[i].password), "192.0.2.1");
        check_case(fault.code == cases[i].want, cases[i].user);
    }
    /* Who does not exist gets the words of who mistyped. */
    check_str(login(&w, "nobody", WORLD_PASSWORD, "192.0.2.1").message,
              login(&w, "alice", STR("wrong horse"), "192.0.2.1").message, "message");
    world_fini(&w);
}

static void guessing_ends(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("alice"));
    world_user(&w, STR("bob"));
    for (int i = 0; i < 2 * ACCOUNT_LIMIT_BURST; i++) /* good ones do not count */
        assert_int_equal(login(&w, "alice", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    for (int i = 0; i < ACCOUNT_LIMIT_BURST; i++)
        assert_int_equal(login(&w, i % 2 ? "alice" : "ALICE", STR("guess"), "192.0.2.1").code, M_FORBIDDEN);
    assert_int_equal(login(&w, "alice", STR("guess"), "192.0.2.1").code, M_LIMIT_EXCEEDED);
    /* nor for somebody else; but who is elsewhere is not locked out by it */
    assert_int_equal(login(&w, "alice", WORLD_PASSWORD, "192.0.2.2").code, ERRCODE_NONE);
    assert_int_equal(login(&w, "bob", STR("guess"), "192.0.2.1").code, M_LIMIT_EXCEEDED);
    assert_int_equal(login(&w, "bob", WORLD_PASSWORD, "192.0.2.2").code, ERRCODE_NONE);
    *world_clock() += ACCOUNT_LIMIT_REFILL_MS;
    assert_int_equal(login(&w, "alice", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    world_fini(&w);
}

/* Many addresses together do not guess for ever. */
static void guessing_from_everywhere_ends(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("alice"));
    world_user(&w, STR("bob"));
    for (int i = 0; i < ACCOUNT_LIMIT_WIDE; i++) {
        const char *address = str_cstr(w.arena, str_fmt(w.arena, "198.51.100.%d", i));
        assert_int_equal(login(&w, "alice", STR("guess"), address).code, M_FORBIDDEN);
    }
    assert_int_equal(login(&w, "alice", STR("guess"), "192.0.2.1").code, M_LIMIT_EXCEEDED);
    assert_int_equal(login(&w, "bob", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    world_fini(&w);
}

/* Whoever knows a password cannot keep the others from having theirs looked at. */
static void logging_in_for_ever_ends(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("alice"));
    world_user(&w, STR("bob"));
    for (int i = 0; i < ACCOUNT_LIMIT_WIDE; i++)
        assert_int_equal(login(&w, i % 2 ? "alice" : "ALICE", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    struct fault fault = login(&w, "alice", WORLD_PASSWORD, "192.0.2.1");
    assert_int_equal(fault.code, M_LIMIT_EXCEEDED);
    assert_int_equal(fault.retry_after_ms, 1000);
    /* neither at that address nor of that user elsewhere */
    assert_int_equal(login(&w, "bob", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    assert_int_equal(login(&w, "alice", WORLD_PASSWORD, "192.0.2.2").code, ERRCODE_NONE);
    /* and what was refused has cost no attempt at guessing */
    for (int i = 0; i < 2 * ACCOUNT_LIMIT_BURST; i++)
        assert_int_equal(login(&w, "alice", STR("guess"), "192.0.2.1").code, M_LIMIT_EXCEEDED);
    assert_int_equal(login(&w, "bob", STR("guess"), "192.0.2.1").code, M_FORBIDDEN);
    *world_clock() += 1000;
    assert_int_equal(login(&w, "alice", WORLD_PASSWORD, "192.0.2.1").code, ERRCODE_NONE);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers),
        cmocka_unit_test(passwords),
        cmocka_unit_test(guessing_ends),
        cmocka_unit_test(guessing_from_everywhere_ends),
        cmocka_unit_test(logging_in_for_ever_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
