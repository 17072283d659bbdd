#include "service/account_limit.h"
#include "service/account_register.h"
#include "service/registration_token.h"

#include "world.h"

static bool is_valid(struct world *w, const char *token, bool *counted_out)
{
    bool valid;
    struct fault fault =
        registration_token_check(&w->services, w->arena, str_of(token), STR("192.0.2.1"), &valid, counted_out);
    assert_int_equal(fault.code, ERRCODE_NONE);
    return valid;
}

static enum errcode register_with(struct world *w, const char *name, const char *token)
{
    struct account_registration registration = {.password = WORLD_PASSWORD, .registration_token = str_of(token)};
    struct session session;
    int64_t user_nid;
    assert_int_equal(account_name_free(&w->services, w->arena, str_of(name), &registration.user_id).code, 0);
    return account_register(&w->services, w->arena, &registration, &session, &user_nid).code;
}

static void validity(void **state)
{
    static const struct service_options options = {
        .server_name = STR_INIT("example.org"),
        .allow_registration = true,
        .registration_token = STR_INIT("fixed"),
    };
    struct world w;
    struct str made;
    bool counted;
    (void)state;
    world_init(&w, &options);
    assert_true(is_valid(&w, "fixed", &counted));
    assert_false(counted);
    assert_false(is_valid(&w, "Fixed", &counted));
    assert_int_equal(
        registration_token_create(&w.services, w.arena, STR("timed"), -1, *world_clock() + 1000, &made).code, 0);
    assert_true(is_valid(&w, "timed", &counted));
    assert_true(counted);
    *world_clock() += 1000;
    assert_false(is_valid(&w, "timed", &counted));
    world_fini(&w);
}

static void uses_are_counted(void **state)
{
    struct world w;
    struct str made;
    bool counted;
    struct registration_token_row *rows;
    size_t count;
    (void)state;
    world_init(&w, NULL);
    assert_int_equal(registration_token_create(&w.services, w.arena, STR("twice"), 2, 0, &made).code, ERRCODE_NONE);
    assert_int_equal(register_with(&w, "a", "twice"), ERRCODE_NONE);
    assert_true(is_valid(&w, "twice", &counted));
    assert_int_equal(register_with(&w, "b", "twice"), ERRCODE_NONE);
    assert_false(is_valid(&w, "twice", &counted));
    /* Two that were let through at the same time: the account is not made either. */
    assert_int_equal(register_with(&w, "c", "twice"), M_FORBIDDEN);
    struct account_info info;
    assert_int_equal(account_find(&w.services, w.arena, STR("@c:example.org"), &info).code, M_NOT_FOUND);

    assert_int_equal(registration_token_list(&w.services, w.arena, &rows, &count).code, ERRCODE_NONE);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].completed, 2);
    assert_int_equal(rows[0].uses_allowed, 2);
    assert_int_equal(registration_token_delete(&w.services, STR("twice")).code, ERRCODE_NONE);
    assert_int_equal(registration_token_delete(&w.services, STR("twice")).code, M_NOT_FOUND);
    world_fini(&w);
}

static void making(void **state)
{
    static const struct {
        const char *token;
        enum errcode want;
    } cases[] = {
        {"A-Za.z0_9~", ERRCODE_NONE},
        {"A-Za.z0_9~", M_FORBIDDEN},
        {"a b", M_INVALID_PARAM},
        {"0123456789012345678901234567890123456789012345678901234567890123", ERRCODE_NONE},
        {"01234567890123456789012345678901234567890123456789012345678901234", M_INVALID_PARAM},
    };
    struct world w;
    struct str made;
    bool counted;
    (void)state;
    world_init(&w, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fault fault = registration_token_create(&w.services, w.arena, str_of(cases[i].token), -1, 0, &made);
        check_case(fault.code == cases[i].want, cases[i].token);
    }
    assert_int_equal(registration_token_create(&w.services, w.arena, STR(""), 1, 0, &made).code, ERRCODE_NONE);
    assert_true(is_valid(&w, str_cstr(w.arena, made), &counted));
    world_fini(&w);
}

static void guessing_ends(void **state)
{
    struct world w;
    bool valid;
    bool counted;
    (void)state;
    world_init(&w, NULL);
    for (int i = 0; i < ACCOUNT_LIMIT_BURST; i++)
        assert_false(is_valid(&w, "guess", &counted));
    assert_int_equal(
        registration_token_check(&w.services, w.arena, STR("guess"), STR("192.0.2.1"), &valid, &counted).code,
        M_LIMIT_EXCEEDED);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(validity),
        cmocka_unit_test(uses_are_counted),
        cmocka_unit_test(making),
        cmocka_unit_test(guessing_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
