#include "codec/json.h"
#include "service/control.h"
#include "service/registration_token.h"

#include "world.h"

/* One command as JSON text, its result as JSON text; a fault is its code. */
static struct str run(struct world *w, const char *command, const char *args)
{
    const struct json *result = NULL;
    struct json_result parsed = json_parse(w->arena, str_of(args), JSON_DEPTH_MAX);

    assert_non_null(parsed.value);
    struct fault fault = control_run(&w->services, w->arena, str_of(command), parsed.value, &result);
    if (fault.code) {
        assert_true(fault.message.n > 0);
        return errcode_name(fault.code);
    }
    assert_true(json_is(result, JSON_OBJECT));
    return json_text(w->arena, result);
}

/* In this order, in one server whose clock stands still. */
static const struct {
    const char *command, *args, *want;
} steps[] = {
    {"user launch", "{}", "M_UNRECOGNIZED"},
    {"user create", "{}", "M_MISSING_PARAM"},
    {"user create", "{\"name\":\"alice\"}", "M_MISSING_PARAM"},
    {"user create", "{\"name\":7,\"password\":\"correct horse\"}", "M_MISSING_PARAM"},
    {"user create", "{\"name\":\"B@d\",\"password\":\"correct horse\"}", "M_INVALID_USERNAME"},
    {"user create", "{\"name\":\"@alice:elsewhere\",\"password\":\"correct horse\"}", "M_INVALID_USERNAME"},
    {"user create", "{\"name\":\"alice\",\"password\":\"\"}", "M_WEAK_PASSWORD"},
    {"user list", "{}", "{\"more\":false,\"users\":[]}"},
    {"user create", "{\"name\":\"alice\",\"password\":\"correct horse\",\"admin\":true}",
     "{\"admin\":true,\"user_id\":\"@alice:example.org\"}"},
    {"user create", "{\"name\":\"@bob:example.org\",\"password\":\"correct horse\"}",
     "{\"admin\":false,\"user_id\":\"@bob:example.org\"}"},
    {"user create", "{\"name\":\"alice\",\"password\":\"correct horse\"}", "M_USER_IN_USE"},
    {"user admin", "{\"user\":\"bob\"}", "{\"admin\":true,\"user_id\":\"@bob:example.org\"}"},
    {"user admin", "{\"user\":\"@alice:example.org\",\"admin\":false}",
     "{\"admin\":false,\"user_id\":\"@alice:example.org\"}"},
    {"user admin", "{\"user\":\"carol\"}", "M_NOT_FOUND"},
    {"user admin", "{\"user\":\"@bob:elsewhere\"}", "M_INVALID_PARAM"},
    {"user password", "{\"user\":\"bob\",\"password\":\"another horse\"}", "{\"user_id\":\"@bob:example.org\"}"},
    {"user password", "{\"user\":\"bob\"}", "M_MISSING_PARAM"},
    {"user list", "{\"limit\":1}",
     "{\"more\":true,\"users\":[{\"admin\":false,\"created_ts\":1700000000000,\"deactivated\":false,\"guest\":false,"
     "\"user_id\":\"@alice:example.org\"}]}"},
    {"user list", "{\"limit\":0}", "M_BAD_JSON"},
    {"user list", "{\"limit\":\"1\"}", "M_BAD_JSON"},
    {"user deactivate", "{\"user\":\"alice\"}", "{\"user_id\":\"@alice:example.org\"}"},
    {"user password", "{\"user\":\"alice\",\"password\":\"another horse\"}", "M_USER_DEACTIVATED"},
    {"user admin", "{\"user\":\"alice\"}", "M_USER_DEACTIVATED"},
    {"user list", "{\"after\":\"@alice:example.org\"}",
     "{\"more\":false,\"users\":[{\"admin\":true,\"created_ts\":1700000000000,\"deactivated\":false,\"guest\":false,"
     "\"user_id\":\"@bob:example.org\"}]}"},
    {"token list", "{}", "{\"tokens\":[]}"},
    {"token create", "{\"token\":\"abc\",\"uses\":3,\"expires_in_ms\":1000}",
     "{\"expires_ts\":1700000001000,\"token\":\"abc\",\"uses_allowed\":3}"},
    {"token create", "{\"token\":\"abc\"}", "M_FORBIDDEN"},
    {"token create", "{\"token\":\"a b\"}", "M_INVALID_PARAM"},
    {"token create", "{\"token\":\"\"}", "M_INVALID_PARAM"},
    {"token create", "{\"uses\":0}", "M_BAD_JSON"},
    {"token create", "{\"expires_in_ms\":-1}", "M_BAD_JSON"},
    {"token create", "{\"expires_in_ms\":9007199254740991}", "M_BAD_JSON"},
    {"token create", "{\"expires_in_ms\":3153600000001}", "M_BAD_JSON"},
    {"token create", "{\"token\":\"century\",\"expires_in_ms\":3153600000000}",
     "{\"expires_ts\":4853600000000,\"token\":\"century\",\"uses_allowed\":null}"},
    {"token revoke", "{\"token\":\"century\"}", "{\"token\":\"century\"}"},
    {"token create", "{\"token\":\"often\",\"uses\":9007199254740991}",
     "{\"expires_ts\":null,\"token\":\"often\",\"uses_allowed\":9007199254740991}"},
    {"token revoke", "{\"token\":\"often\"}", "{\"token\":\"often\"}"},
    {"user list", "{\"after\":\"@z\",\"limit\":9007199254740991}", "{\"more\":false,\"users\":[]}"},
    {"token create", "{\"token\":\"forever\"}", "{\"expires_ts\":null,\"token\":\"forever\",\"uses_allowed\":null}"},
    {"token revoke", "{\"token\":\"forever\"}", "{\"token\":\"forever\"}"},
    {"token revoke", "{\"token\":\"forever\"}", "M_NOT_FOUND"},
    {"token revoke", "{}", "M_MISSING_PARAM"},
    {"token list", "{}",
     "{\"tokens\":[{\"completed\":0,\"created_ts\":1700000000000,\"expires_ts\":1700000001000,\"token\":\"abc\","
     "\"uses_allowed\":3}]}"},
};

static void test_steps(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, NULL);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char name[120];
        snprintf(name, sizeof(name), "%zu: %s %s", i, steps[i].command, steps[i].args);
        check_str(run(&w, steps[i].command, steps[i].args), str_of(steps[i].want), name);
    }
    world_fini(&w);
}

/* What could be stored before there was a limit. */
static void test_times_beyond_json(void **state)
{
    struct world w;
    struct str token;

    (void)state;
    world_init(&w, NULL);
    assert_int_equal(registration_token_create(&w.services, w.arena, STR("abc"), 1, INT64_MAX, &token).code, 0);
    check_str(run(&w, "token list", "{}"),
              STR("{\"tokens\":[{\"completed\":0,\"created_ts\":1700000000000,\"expires_ts\":9007199254740991,"
                  "\"token\":\"abc\",\"uses_allowed\":1}]}"),
              "list");
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_times_beyond_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
