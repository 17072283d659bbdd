#include "service/account_limit.h"
#include "service/registration_token.h"
#include "service/uia.h"
#include "service/uia_session.h"

#include "world.h"

static const struct uia_flow dummy = {.stages = {UIA_DUMMY}, .count = 1};
static const struct uia_flow token_then_dummy = {.stages = {UIA_REGISTRATION_TOKEN, UIA_DUMMY}, .count = 2};
static const struct uia_flow either[] = {
    {.stages = {UIA_REGISTRATION_TOKEN}, .count = 1},
    {.stages = {UIA_DUMMY, UIA_PASSWORD}, .count = 2},
};

static struct uia_ask ask_of(const struct uia_flow *flows, size_t count)
{
    return (struct uia_ask){
        .flows = flows, .flow_count = count, .operation = STR("POST /x"), .address = STR("192.0.2.1")};
}

static struct uia_result check(struct world *w, const struct uia_ask *ask, const char *auth)
{
    struct json_result parsed = {0};
    if (auth) {
        parsed = json_parse(w->arena, str_copy(w->arena, str_of(auth)), 10);
        assert_non_null(parsed.value);
    }
    return uia_check(&w->services, w->arena, ask, parsed.value);
}

/* The auth object with a session put into it. */
static const char *with(struct world *w, const char *format, struct str session)
{
    struct str text = str_fmt(w->arena, "{\"session\":\"%.*s\"%s}", STR_ARG(session), format);
    return str_cstr(w->arena, text);
}

static struct str session_of(const struct uia_result *result)
{
    assert_int_equal(result->outcome, UIA_CHALLENGED);
    return json_str_at(result->challenge, STR("session"));
}

static struct str text_of(struct world *w, const struct json *object, struct str key)
{
    const struct json *v = json_get(object, key);
    return v ? json_text(w->arena, v) : STR("absent");
}

static void even_dummy_is_challenged_first(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(&dummy, 1);
    struct uia_result first = check(&w, &ask, NULL);
    check_str(text_of(&w, first.challenge, STR("flows")), STR("[{\"stages\":[\"m.login.dummy\"]}]"), "flows");
    check_str(text_of(&w, first.challenge, STR("params")), STR("{}"), "params");
    check_str(text_of(&w, first.challenge, STR("completed")), STR("absent"), "completed");
    check_str(text_of(&w, first.challenge, STR("errcode")), STR("absent"), "errcode");
    struct str session = session_of(&first);

    /* The session alone completes nothing. */
    struct uia_result again = check(&w, &ask, with(&w, "", session));
    check_str(session_of(&again), session, "session");

    const char *auth = with(&w, ",\"type\":\"m.login.dummy\"", session);
    struct uia_result second = check(&w, &ask, auth);
    assert_int_equal(second.outcome, UIA_PASSED);
    /* Until the operation has succeeded it can be tried again, and then not. */
    assert_int_equal(check(&w, &ask, auth).outcome, UIA_PASSED);
    uia_finish(&w.services, &second);
    struct uia_result third = check(&w, &ask, auth);
    assert_false(str_eq(session_of(&third), session));
    check_str(json_str_at(third.challenge, STR("errcode")), STR("M_FORBIDDEN"), "used session");
    world_fini(&w);
}

static void a_stage_without_session(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(&dummy, 1);
    assert_int_equal(check(&w, &ask, "{\"type\":\"m.login.dummy\"}").outcome, UIA_PASSED);
    assert_int_equal(check(&w, &ask, "{}").outcome, UIA_CHALLENGED);
    assert_int_equal(check(&w, &ask, "\"x\"").fault.code, M_BAD_JSON);
    world_fini(&w);
}

static void stages_come_in_order(void **state)
{
    struct world w;
    struct str token;
    (void)state;
    world_init(&w, NULL);
    assert_int_equal(registration_token_create(&w.services, w.arena, STR("let-me-in"), -1, 0, &token).code, 0);
    struct uia_ask ask = ask_of(&token_then_dummy, 1);
    struct uia_result r = check(&w, &ask, NULL);
    struct str session = session_of(&r);
    r = check(&w, &ask, with(&w, ",\"type\":\"m.login.dummy\"", session));
    check_str(session_of(&r), session, "session");
    check_str(json_str_at(r.challenge, STR("errcode")), STR("M_UNRECOGNIZED"), "out of order");
    r = check(&w, &ask, with(&w, ",\"type\":\"m.login.registration_token\",\"token\":\"nonsense\"", session));
    check_str(json_str_at(r.challenge, STR("errcode")), STR("M_FORBIDDEN"), "wrong token");
    r = check(&w, &ask, with(&w, ",\"type\":\"m.login.registration_token\",\"token\":\"let-me-in\"", session));
    check_str(text_of(&w, r.challenge, STR("completed")), STR("[\"m.login.registration_token\"]"), "completed");
    check_str(text_of(&w, r.challenge, STR("errcode")), STR("absent"), "errcode");
    /* A completed stage can not be tried again, not even wrongly. */
    r = check(&w, &ask, with(&w, ",\"type\":\"m.login.registration_token\",\"token\":\"nonsense\"", session));
    check_str(text_of(&w, r.challenge, STR("errcode")), STR("absent"), "retried");
    r = check(&w, &ask, with(&w, ",\"type\":\"m.login.dummy\"", session));
    assert_int_equal(r.outcome, UIA_PASSED);
    check_str(r.registration_token, STR("let-me-in"), "token");
    world_fini(&w);
}

static void one_of_two_flows(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct uia_ask ask = ask_of(either, 2);
    struct uia_result r = check(&w, &ask, "{\"type\":\"m.login.dummy\"}");
    struct str session = session_of(&r);
    r = check(&w, &ask,
              with(&w, ",\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct horse\"", session));
    assert_int_equal(r.outcome, UIA_PASSED);
    assert_int_equal(r.user_nid, alice.user_nid);
    check_str(r.user_id, alice.user_id, "user id");
    assert_null(r.registration_token.p);
    world_fini(&w);
}

static void an_old_password_is_forgotten(void **state)
{
    static const struct uia_flow flow = {.stages = {UIA_PASSWORD, UIA_DUMMY}, .count = 2};
    const char *old = ",\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct horse\"";
    const char *new = ",\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"another horse\"";
    const char *last = ",\"type\":\"m.login.dummy\"";
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct uia_ask ask = ask_of(&flow, 1);
    struct uia_result r = check(&w, &ask, NULL);
    struct str session = session_of(&r);
    r = check(&w, &ask, with(&w, old, session));
    check_str(text_of(&w, r.challenge, STR("completed")), STR("[\"m.login.password\"]"), "completed");
    struct account_password_change change = {.user_nid = alice.user_nid, .password = STR("another horse")};
    assert_int_equal(account_set_password(&w.services, w.arena, &change).code, ERRCODE_NONE);
    r = check(&w, &ask, with(&w, last, session));
    check_str(session_of(&r), session, "session");
    check_str(text_of(&w, r.challenge, STR("completed")), STR("absent"), "completed");
    r = check(&w, &ask, with(&w, new, session));
    r = check(&w, &ask, with(&w, last, session));
    assert_int_equal(r.outcome, UIA_PASSED);
    assert_true(r.password_hash.n > 0);
    /* Passed, but the operation failed: the session is as good as its password. */
    assert_int_equal(account_deactivate(&w.services, &(struct account_deactivation){.user_nid = alice.user_nid,
                                                                                    .user_id = alice.user_id})
                         .code,
                     ERRCODE_NONE);
    assert_int_equal(check(&w, &ask, with(&w, "", session)).outcome, UIA_CHALLENGED);
    world_fini(&w);
}

static void the_password_must_be_the_callers(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    world_user(&w, STR("bob"));
    struct uia_ask ask = ask_of(&uia_flow_password, 1);
    ask.user_nid = alice.user_nid;
    struct uia_result r = check(&w, &ask,
                                "{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\",\"user\":"
                                "\"bob\"},\"password\":\"correct "
                                "horse\"}");
    check_str(json_str_at(r.challenge, STR("errcode")), STR("M_FORBIDDEN"), "bob's");
    r = check(&w, &ask, "{\"type\":\"m.login.password\",\"user\":\"alice\"}");
    check_str(json_str_at(r.challenge, STR("errcode")), STR("M_MISSING_PARAM"), "none");
    r = check(&w, &ask, "{\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct horse\"}");
    assert_int_equal(r.outcome, UIA_PASSED);
    for (int i = 0; i < 20 && r.outcome != UIA_FAULT; i++)
        r = check(&w, &ask, "{\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"guess\"}");
    assert_int_equal(r.fault.code, M_LIMIT_EXCEEDED);
    world_fini(&w);
}

static void a_session_is_for_one_thing(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(&dummy, 1);
    struct uia_result r = check(&w, &ask, NULL);
    const char *auth = with(&w, ",\"type\":\"m.login.dummy\"", session_of(&r));

    struct uia_ask other_operation = ask;
    other_operation.operation = STR("POST /y");
    assert_int_equal(check(&w, &other_operation, auth).outcome, UIA_CHALLENGED);
    struct uia_ask other_user = ask;
    other_user.user_nid = 77;
    assert_int_equal(check(&w, &other_user, auth).outcome, UIA_CHALLENGED);
    assert_int_equal(check(&w, &ask, auth).outcome, UIA_PASSED);

    *world_clock() += UIA_SESSION_TTL_MS;
    assert_int_equal(check(&w, &ask, auth).outcome, UIA_CHALLENGED);
    world_fini(&w);
}

/* A stranger with many addresses opens sessions. */
static void open_many(struct world *w, struct uia_ask ask, int count)
{
    for (int i = 0; i < count; i++) {
        ask.address = str_fmt(w->arena, "10.0.%d.%d", i / 256, i % 256);
        assert_int_equal(check(w, &ask, NULL).outcome, UIA_CHALLENGED);
    }
}

static void there_is_a_bound(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(&dummy, 1);
    struct uia_result oldest = check(&w, &ask, NULL);
    struct uia_result second = check(&w, &ask, NULL);
    open_many(&w, ask, UIA_SESSIONS_MAX - 1);
    const char *stage = ",\"type\":\"m.login.dummy\"";
    assert_int_equal(check(&w, &ask, with(&w, stage, session_of(&second))).outcome, UIA_PASSED);
    assert_int_equal(check(&w, &ask, with(&w, stage, session_of(&oldest))).outcome, UIA_CHALLENGED);
    world_fini(&w);
}

static void what_has_been_begun_stays(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("alice"));
    struct uia_ask ask = ask_of(either, 2);
    struct uia_result begun = check(&w, &ask, "{\"type\":\"m.login.dummy\"}");
    open_many(&w, ask, UIA_SESSIONS_MAX + 1);
    const char *stage = ",\"type\":\"m.login.password\",\"user\":\"alice\",\"password\":\"correct horse\"";
    assert_int_equal(check(&w, &ask, with(&w, stage, session_of(&begun))).outcome, UIA_PASSED);
    world_fini(&w);
}

/* And yet who has just come is not the next to go: those begun take half of the room. */
static void begun_ones_leave_room(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(either, 2);
    struct uia_ask strange = ask;
    for (int i = 0; i < UIA_SESSIONS_MAX; i++) {
        strange.address = str_fmt(w.arena, "10.1.%d.%d", i / 256, i % 256);
        assert_int_equal(check(&w, &strange, "{\"type\":\"m.login.dummy\"}").outcome, UIA_CHALLENGED);
    }
    struct uia_result mine = check(&w, &ask, NULL);
    open_many(&w, ask, 1000);
    struct uia_result r = check(&w, &ask, with(&w, ",\"type\":\"m.login.dummy\"", session_of(&mine)));
    check_str(session_of(&r), session_of(&mine), "session");
    world_fini(&w);
}

static void an_address_opens_so_many(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct uia_ask ask = ask_of(&dummy, 1);
    struct uia_result first = check(&w, &ask, NULL);
    const char *openings[] = {NULL, "{\"type\":\"m.login.dummy\"}", "{\"session\":\"nonsense\"}"};
    for (size_t i = 1; i < ACCOUNT_LIMIT_WIDE; i++)
        assert_int_not_equal(check(&w, &ask, openings[i % 3]).outcome, UIA_FAULT);
    for (size_t i = 0; i < COUNT_OF(openings); i++)
        assert_int_equal(check(&w, &ask, openings[i]).fault.code, M_LIMIT_EXCEEDED);
    *world_clock() += 1000;
    assert_int_equal(check(&w, &ask, NULL).outcome, UIA_CHALLENGED);
    assert_int_equal(check(&w, &ask, NULL).fault.code, M_LIMIT_EXCEEDED);

    /* One that comes to something does not count. */
    struct uia_result r = check(&w, &ask, with(&w, ",\"type\":\"m.login.dummy\"", session_of(&first)));
    assert_int_equal(r.outcome, UIA_PASSED);
    for (int i = 0; i < 2 * ACCOUNT_LIMIT_WIDE; i++) {
        uia_finish(&w.services, &r);
        r = check(&w, &ask, "{\"type\":\"m.login.dummy\"}");
        assert_int_equal(r.outcome, UIA_PASSED);
    }
    assert_int_equal(check(&w, &ask, NULL).fault.code, M_LIMIT_EXCEEDED);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_dummy_is_challenged_first), cmocka_unit_test(a_stage_without_session),
        cmocka_unit_test(stages_come_in_order),           cmocka_unit_test(one_of_two_flows),
        cmocka_unit_test(an_old_password_is_forgotten),   cmocka_unit_test(the_password_must_be_the_callers),
        cmocka_unit_test(a_session_is_for_one_thing),     cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(what_has_been_begun_stays),      cmocka_unit_test(begun_ones_leave_room),
        cmocka_unit_test(an_address_opens_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
