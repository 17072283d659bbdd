#include "service/profile.h"

#include <string.h>

#include "world.h"

static unsigned changes;

static void count_change(struct services *s, struct arena *a, const struct caller *caller)
{
    (void)s;
    (void)a;
    assert_true(caller->user_nid != 0);
    changes++;
}

static struct str profile_text(struct world *w, const char *user_id)
{
    const struct json *profile = NULL;
    struct fault fault = profile_read(&w->services, w->arena, str_of(user_id), &profile);
    return fault.code ? errcode_name(fault.code) : json_text(w->arena, profile);
}

static void fields(void **state)
{
    static const struct {
        const char *key;
        const char *value; /* NULL: delete */
        enum errcode want;
        unsigned changes;
        const char *profile;
    } steps[] = {
        {"displayname", "\"Alice\"", ERRCODE_NONE, 1, "{\"displayname\":\"Alice\"}"},
        {"displayname", "\"Alice\"", ERRCODE_NONE, 0, "{\"displayname\":\"Alice\"}"},
        {"displayname", "7", M_BAD_JSON, 0, "{\"displayname\":\"Alice\"}"},
        {"displayname", "null", M_BAD_JSON, 0, "{\"displayname\":\"Alice\"}"},
        {"displayname", "\"\"", ERRCODE_NONE, 1, "{}"},
        {"displayname", NULL, ERRCODE_NONE, 0, "{}"},
        {"avatar_url", "\"https://example.org/a.png\"", M_INVALID_PARAM, 0, "{}"},
        {"avatar_url", "\"mxc://example.org/a\"", ERRCODE_NONE, 1, "{\"avatar_url\":\"mxc://example.org/a\"}"},
        {"avatar_url", NULL, ERRCODE_NONE, 1, "{}"},
        {"m.tz", "\"Europe/London\"", ERRCODE_NONE, 0, "{\"m.tz\":\"Europe/London\"}"},
        {"m.tz", "1", M_BAD_JSON, 0, "{\"m.tz\":\"Europe/London\"}"},
        {"m.tz", NULL, ERRCODE_NONE, 0, "{}"},
        {"org.example.job", "{\"a\":[1.5,null]}", ERRCODE_NONE, 0, "{\"org.example.job\":{\"a\":[1.5,null]}}"},
        {"org.example.job", "null", ERRCODE_NONE, 0, "{\"org.example.job\":null}"},
        {"org.example.job", NULL, ERRCODE_NONE, 0, "{}"},
        {"job", "1", M_INVALID_PARAM, 0, "{}"},
        {"Org.example", "1", M_INVALID_PARAM, 0, "{}"},
        {".example", "1", M_INVALID_PARAM, 0, "{}"},
        {"", "1", M_INVALID_PARAM, 0, "{}"},
        {"", NULL, M_INVALID_PARAM, 0, "{}"},
    };
    struct world w;
    (void)state;
    world_init(&w, NULL);
    w.services.accounts->hooks.profile_changed = count_change;
    struct account_info alice = world_user(&w, STR("alice"));
    struct caller caller = {.user_nid = alice.user_nid, .user_id = alice.user_id};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct str key = str_of(steps[i].key);
        const char *what = str_cstr(w.arena, str_fmt(w.arena, "step %zu, %s", i, steps[i].key));
        changes = 0;
        struct fault fault = steps[i].value ? profile_set(&w.services, w.arena, &caller, key,
                                                          json_parse(w.arena, str_of(steps[i].value), 10).value)
                                            : profile_delete(&w.services, w.arena, &caller, key);
        check_case(fault.code == steps[i].want, what);
        check_case(changes == steps[i].changes, what);
        check_str(profile_text(&w, "@alice:example.org"), str_of(steps[i].profile), what);
    }
    world_fini(&w);
}

static void sizes(void **state)
{
    struct world w;
    static char big[PROFILE_MAX];
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct caller caller = {.user_nid = alice.user_nid, .user_id = alice.user_id};
    memset(big, 'a', sizeof big);
    struct json value = json_string((struct str){big, 40000});
    assert_int_equal(profile_set(&w.services, w.arena, &caller, STR("org.a"), &value).code, ERRCODE_NONE);
    assert_int_equal(profile_set(&w.services, w.arena, &caller, STR("org.b"), &value).code, M_PROFILE_TOO_LARGE);
    assert_int_equal(profile_set(&w.services, w.arena, &caller, STR("org.a"), &value).code, ERRCODE_NONE);
    value = json_string((struct str){big, PROFILE_MAX - 1});
    assert_int_equal(profile_set(&w.services, w.arena, &caller, STR("org.a"), &value).code, M_PROFILE_TOO_LARGE);

    big[1] = '.';
    value = json_int(1);
    struct str longest = {big, PROFILE_KEY_MAX};
    struct str too_long = {big, PROFILE_KEY_MAX + 1};
    assert_int_equal(profile_set(&w.services, w.arena, &caller, longest, &value).code, ERRCODE_NONE);
    assert_int_equal(profile_set(&w.services, w.arena, &caller, too_long, &value).code, M_KEY_TOO_LARGE);
    world_fini(&w);
}

static void reading(void **state)
{
    struct world w;
    const struct json *field = NULL;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct caller caller = {.user_nid = alice.user_nid, .user_id = alice.user_id};
    struct json value = json_string(STR("A\"b\nc"));
    check_str(profile_text(&w, "@bob:example.org"), STR("M_NOT_FOUND"), "nobody");
    check_str(profile_text(&w, "@alice:example.com"), STR("M_NOT_FOUND"), "elsewhere");
    check_str(profile_text(&w, "nonsense"), STR("M_NOT_FOUND"), "no user id");
    check_str(profile_text(&w, "@alice:example.org"), STR("{}"), "nothing set");
    assert_int_equal(profile_set(&w.services, w.arena, &caller, STR("displayname"), &value).code, ERRCODE_NONE);
    assert_int_equal(profile_read_field(&w.services, w.arena, alice.user_id, STR("displayname"), &field).code, 0);
    check_str(json_text(w.arena, field), STR("{\"displayname\":\"A\\\"b\\nc\"}"), "one field");
    assert_int_equal(profile_read_field(&w.services, w.arena, alice.user_id, STR("avatar_url"), &field).code,
                     M_NOT_FOUND);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(sizes),
        cmocka_unit_test(reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
