/* What a client may not send, each with its error code. */
#include "matrix/auth_case.h"
#include "matrix/content_check.h"

#include "check.h"

static void test_contents(void **state)
{
    (void)state;
    static const struct {
        const char *type, *content, *before;
        enum errcode want;
    } cases[] = {
        {"m.room.name", "{}", NULL, ERRCODE_NONE},
        {"m.room.name", "{'name':5}", NULL, ERRCODE_NONE},
        {"m.room.name", "[]", NULL, M_BAD_JSON},
        {"m.room.name", "null", NULL, M_BAD_JSON},
        {"m.room.name", "{'x':{'y':[1.5]}}", NULL, ERRCODE_NONE}, /* as the room version says */

        {"m.room.message", "{'msgtype':'m.text','body':'hi'}", NULL, ERRCODE_NONE},
        {"m.room.message", "{'msgtype':'','body':''}", NULL, ERRCODE_NONE},
        {"m.room.message", "{'body':'hi'}", NULL, M_BAD_JSON},
        {"m.room.message", "{'msgtype':'m.text'}", NULL, M_BAD_JSON},
        {"m.room.message", "{'msgtype':'m.text','body':5}", NULL, M_BAD_JSON},
        {"m.room.message", "{'msgtype':null,'body':'hi'}", NULL, M_BAD_JSON},
        {"m.room.message", "{}", NULL, M_BAD_JSON},

        {"m.room.power_levels", "{}", NULL, ERRCODE_NONE},
        {"m.room.power_levels", LEVELS, NULL, ERRCODE_NONE},
        {"m.room.power_levels", "{'ban':'50'}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'users_default':null}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'users':{'@a:s':'100'}}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'users':[]}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'users':{'nobody':100}}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'events':{'nobody':100}}", NULL, ERRCODE_NONE},
        {"m.room.power_levels", "{'events':{'x':true}}", NULL, M_BAD_JSON},
        {"m.room.power_levels", "{'notifications':{'room':'50'}}", NULL, M_BAD_JSON},

        {"m.room.canonical_alias", "{}", NULL, ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alias':null}", NULL, ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alias':''}", NULL, ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alias':'#r:s','alt_aliases':['#q:s']}", NULL, ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alias':'r'}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alias':'!r:s'}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alias':5}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alt_aliases':null}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alt_aliases':['#r:s','']}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alt_aliases':['#r:s',5]}", NULL, M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alias':'old'}", "{'alias':'old'}", ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alias':'old'}", "{'alt_aliases':['x','old']}", ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alt_aliases':['old','#r:s']}", "{'alias':'old'}", ERRCODE_NONE},
        {"m.room.canonical_alias", "{'alt_aliases':['old','new']}", "{'alias':'old'}", M_INVALID_PARAM},
        {"m.room.canonical_alias", "{'alias':'old'}", "{'alias':['old'],'alt_aliases':{'old':1}}", M_INVALID_PARAM},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct json *before = cases[i].before ? case_json(a, cases[i].before) : NULL;
        struct fault fault = content_check(a, str_of(cases[i].type), case_json(a, cases[i].content), before);
        if (fault.code != cases[i].want)
            fail_msg("case %zu, %s: %s gives %d", i, cases[i].type, cases[i].content, (int)fault.code);
        assert_int_equal(fault.code == ERRCODE_NONE, fault.message.n == 0);
    }
    arena_free(&a);
}

/* Which of many levels it is. */
static void test_levels_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *content, *want;
    } cases[] = {
        {"{'ban':'50','kick':'50'}", "m.room.power_levels: ban: must be an integer"},
        {"{'ban':50,'users_default':1.5}", "m.room.power_levels: users_default: must be an integer"},
        {"{'events':7}", "m.room.power_levels: events: must be an object of integers"},
        {"{'events':{'m.room.name':50,'m.room.topic':null}}",
         "m.room.power_levels: events.m.room.topic: must be an integer"},
        {"{'notifications':{'room':'50'}}", "m.room.power_levels: notifications.room: must be an integer"},
        {"{'users':{'@a:s':1,'@b:s':'1'}}", "m.room.power_levels: users.@b:s: must be an integer"},
        {"{'users':{'@a:s':1,'b':1}}", "m.room.power_levels: users.b: not a valid user id"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fault fault = content_check(a, STR("m.room.power_levels"), case_json(a, cases[i].content), NULL);
        check_str(fault.message, str_of(cases[i].want), cases[i].content);
    }
    /* A key may be as long as a request. */
    struct json *content = json_object(a), *users = json_object(a);
    char *key = arena_alloc(a, 60000);
    memset(key, 'x', 60000);
    json_set_int(a, users, (struct str){key, 60000}, 1);
    json_set(a, content, STR("users"), *users);
    struct fault fault = content_check(a, STR("m.room.power_levels"), content, NULL);
    check_str(fault.message, STR("m.room.power_levels: users: not a valid user id"), "a long key");
    arena_free(&a);
}

static void test_new_aliases(void **state)
{
    (void)state;
    static const struct {
        const char *content, *before;
        size_t want;
        const char *holds; /* one that is among them */
    } cases[] = {
        {"{}", NULL, 0, NULL},
        {"{'alias':'#r:s'}", NULL, 1, "#r:s"},
        {"{'alias':'','alt_aliases':['#q:s']}", NULL, 1, "#q:s"},
        {"{'alias':'#r:s','alt_aliases':['#r:s','#q:s','#q:s']}", NULL, 2, "#q:s"},
        {"{'alias':'#r:s','alt_aliases':['#q:s']}", "{'alias':'#r:s'}", 1, "#q:s"},
        {"{'alias':'#r:s'}", "{'alt_aliases':['#r:s']}", 0, NULL},
        {"{'alias':null}", "{'alias':'#r:s'}", 0, NULL},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str *aliases;
        const struct json *before = cases[i].before ? case_json(a, cases[i].before) : NULL;
        size_t count = content_new_aliases(a, case_json(a, cases[i].content), before, &aliases);
        assert_int_equal(count, cases[i].want);
        bool found = !cases[i].holds;
        for (size_t k = 0; k < count; k++)
            found = found || str_eq(aliases[k], str_of(cases[i].holds));
        assert_true(found);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_levels_are_named),
        cmocka_unit_test(test_new_aliases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
