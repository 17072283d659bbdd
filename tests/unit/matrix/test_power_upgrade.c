/* Levels of a room that is upgraded: those of the new room, and those of the old one. */
#include "matrix/auth_case.h"
#include "matrix/power_upgrade.h"

#include "check.h"

static void check_json(struct arena *a, const struct json *got, const char *want, const char *what)
{
    check_str(json_text(a, got), json_text(a, case_json(a, want)), what);
}

static void test_carry(void **state)
{
    static const struct {
        int from;
        const char *create; /* NULL: of @c:s alone */
        const char *content;
        int to;
        const char *creators, *want;
    } cases[] = {
        {11, NULL, "{}", 10, NULL, "{}"},
        {11, NULL, "{'x':{'y':1},'ban':60}", 10, NULL, "{'x':{'y':1},'ban':60}"},
        /* Every level is an integer, whatever the old version read as one. */
        {9, NULL, "{'ban':'60','kick':' +7 ','redact':'x','users':{'@u:s':'5','@v:s':[],'w':5}}", 11, NULL,
         "{'ban':60,'kick':7,'users':{'@u:s':5}}"},
        {5, NULL, "{'ban':60.9,'invite':1e300,'kick':-1e300,'events':{'a':-0.5}}", 6, NULL,
         "{'ban':60,'invite':9007199254740991,'kick':-9007199254740991,'events':{'a':0}}"},
        {10, NULL, "{'ban':'60','events':[],'notifications':7,'users':'x'}", 9, NULL,
         "{'events':{},'notifications':{},'users':{}}"},
        /* Into privileged creators. */
        {11, NULL, "{'users':{'@c:s':100,'@u:s':100,'@v:s':1}}", 12, "['@c:s','@v:s']",
         "{'events':{'m.room.tombstone':150},'users':{'@u:s':100}}"},
        {11, NULL, "{'events':{'m.room.tombstone':100},'state_default':200}", 12, "['@c:s']",
         "{'events':{'m.room.tombstone':201},'state_default':200,'users':{}}"},
        {11, NULL, "{'events':{'m.room.tombstone':300}}", 12, "['@c:s']",
         "{'events':{'m.room.tombstone':300},'users':{}}"},
        {11, NULL, "{'state_default':9007199254740991}", 12, "['@c:s']",
         "{'events':{'m.room.tombstone':9007199254740991},'state_default':9007199254740991,'users':{}}"},
        {12, "{'additional_creators':['@u:s']}", "{'events':{'m.room.tombstone':150}}", 12, "['@c:s']",
         "{'events':{'m.room.tombstone':150},'users':{'@u:s':150}}"},
        /* Who was a creator and is none has a number that is enough for all that has one. */
        {12, NULL, "{}", 12, "['@u:s']", "{'events':{'m.room.tombstone':150},'users':{'@c:s':150}}"},
        {12, "{'additional_creators':['@u:s','@v:s','@v:s']}", "{'users':{'@w:s':170,'@x:s':1}}", 12, "['@u:s','@x:s']",
         "{'events':{'m.room.tombstone':150},'users':{'@c:s':170,'@v:s':170,'@w:s':170}}"},
        {12, NULL, "{'state_default':200}", 12, "['@u:s']",
         "{'events':{'m.room.tombstone':201},'state_default':200,'users':{'@c:s':201}}"},
        {12, NULL, "{'events':{'m.room.tombstone':150}}", 12, "['@c:s','@u:s']",
         "{'events':{'m.room.tombstone':150},'users':{}}"},
        /* And out of them. */
        {12, "{'additional_creators':['@u:s']}", "{}", 11, NULL, "{'users':{'@c:s':100,'@u:s':100}}"},
        {12, NULL, "{'events':{'m.room.tombstone':150},'users':{'@u:s':120}}", 1, NULL,
         "{'events':{'m.room.tombstone':150},'users':{'@c:s':150,'@u:s':120}}"},
        {12, NULL, "{'users':{'@u:s':170}}", 1, NULL, "{'users':{'@c:s':170,'@u:s':170}}"},
        {12, NULL, "{'ban':180}", 1, NULL, "{'ban':180,'users':{'@c:s':180}}"},
        {11, "{'additional_creators':['@u:s']}", "{}", 10, NULL, "{}"},
    };
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct case_room room = case_room(a, room_version_at((size_t)cases[i].from - 1), cases[i].create, "");
        const struct json *given = case_json(a, cases[i].content);
        struct str before = json_text(a, given);
        struct json *got = power_upgrade_carry(a, &room.events[0], given, room_version_at((size_t)cases[i].to - 1),
                                               cases[i].creators ? case_json(a, cases[i].creators) : NULL);
        check_json(a, got, cases[i].want, cases[i].content);
        check_str(json_text(a, given), before, "what was given is as it was");
    }
    arena_free(&a);
}

static void test_close(void **state)
{
    static const struct {
        int version;
        const char *content; /* NULL: the room has no such event */
        const char *want;
    } cases[] = {
        {12, NULL, "{'events':{},'events_default':50,'invite':50}"},
        {11, "{}", "{'events':{},'events_default':50,'invite':50}"},
        {11, "{'users_default':50}",
         "{'events':{},'events_default':51,'invite':51,'state_default':51,'users_default':50}"},
        {11, "{'users_default':49,'invite':100,'events_default':-5}",
         "{'events':{},'events_default':50,'invite':100,'users_default':49}"},
        {11, "{'users_default':9007199254740991}",
         "{'events':{},'events_default':9007199254740991,'invite':9007199254740991,'state_default':9007199254740991,"
         "'users_default':9007199254740991}"},
        /* What was let through by its type is not any more. */
        {11, "{'events':{'m.reaction':0,'m.room.name':100},'state_default':0}",
         "{'events':{'m.reaction':50,'m.room.name':100},'events_default':50,'invite':50,'state_default':50}"},
        {9, "{'users_default':'60','events':{'a':'10'},'users':{'@u:s':'100'}}",
         "{'events':{'a':61},'events_default':61,'invite':61,'state_default':61,'users':{'@u:s':100},"
         "'users_default':60}"},
    };
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct json *given = cases[i].content ? case_json(a, cases[i].content) : NULL;
        const struct room_version *version = room_version_at((size_t)cases[i].version - 1);
        struct json *got = power_upgrade_close(a, version, given);
        check_json(a, got, cases[i].want, cases[i].want);
        assert_true(json_eq(power_upgrade_close(a, version, got), got));
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carry),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
