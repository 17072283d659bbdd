/* Levels by content, default and version. */
#include "matrix/auth_case.h"

static struct power_levels levels_of(struct case_room *room)
{
    return (struct power_levels){.create = &room->events[0],
                                 .event = case_get(room, STR("m.room.power_levels"), STR(""))};
}

static void test_users(void **state)
{
    (void)state;
    static const struct {
        int versions;
        const char *create, *state, *user;
        int64_t want;
    } cases[] = {
        {OLD, NULL, "", "@c:s", 100},
        {ALL, NULL, "", "@u:s", 0},
        {V10, "{'creator':'@z:s'}", "", "@z:s", 100},
        {V10, "{'creator':'@z:s'}", "", "@c:s", 0},
        {V10, "{'creator':7}", "", "@c:s", 0},
        {V11, "{'creator':'@z:s'}", "", "@z:s", 0},
        {V11, "{'creator':'@z:s'}", "", "@c:s", 100},
        {ALL, NULL, POWER("{'users':{'@u:s':7}}"), "@u:s", 7},
        {ALL, NULL, POWER("{'users':{'@u:s':7},'users_default':3}"), "@v:s", 3},
        {ALL, NULL, POWER("{'users':{'@u:s':7}}"), "@v:s", 0},
        {ALL, NULL, POWER("{'users':{'@u:s':'7'},'users_default':3}"), "@u:s", 3},
        {ALL, NULL, POWER("{'users':[],'users_default':'3'}"), "@u:s", 0},
        {ALL, NULL, POWER("{'users':{'@u:s':-9007199254740991}}"), "@u:s", -9007199254740991},
        {OLD, NULL, POWER("{}"), "@c:s", 0},
        {V12, NULL, "", "@c:s", POWER_LEVEL_CREATOR},
        {V12, NULL, POWER("{'users':{'@c:s':1}}"), "@c:s", POWER_LEVEL_CREATOR},
        {V12, "{'additional_creators':['@u:s',7,'@v:s']}", POWER("{'users':{'@v:s':1}}"), "@v:s", POWER_LEVEL_CREATOR},
        {V12, "{'additional_creators':'@u:s'}", "", "@u:s", 0},
        {OLD, "{'additional_creators':['@u:s']}", "", "@u:s", 0},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct case_room room = case_room(a, version, cases[i].create, cases[i].state);
            struct power_levels pl = levels_of(&room);
            int64_t got = power_level_of(&pl, str_of(cases[i].user));
            if (got != cases[i].want)
                fail_msg("version %.*s, case %zu: got %ld", STR_ARG(version->name), i, (long)got);
        }
    }
    arena_free(&a);
}

static void test_needed(void **state)
{
    (void)state;
    static const char all[] = POWER("{'ban':1,'events':{'t':2},'events_default':3,'invite':4,'kick':5,"
                                    "'notifications':{'room':6},'redact':7,'state_default':8}");
    static const char wrong[] = POWER("{'ban':'1','events':{'t':'2'},'events_default':null,'invite':[],'kick':{},"
                                      "'notifications':{'room':true},'redact':'','state_default':'8'}");
    /* In this order: a type, state, messages, notifications.room and .other, then the four actions. */
    static const struct {
        const char *state;
        int64_t type, as_state, as_message, room, other, invite, kick, ban, redact;
    } cases[] = {
        {"", 50, 50, 0, 50, 50, 0, 50, 50, 50},
        {POWER("{}"), 50, 50, 0, 50, 50, 0, 50, 50, 50},
        {all, 2, 8, 3, 6, 50, 4, 5, 1, 7},
        {wrong, 50, 50, 0, 50, 50, 0, 50, 50, 50},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct case_room room = case_room(a, version, NULL, cases[i].state);
            struct power_levels pl = levels_of(&room);
            assert_int_equal(power_level_to_send(&pl, STR("t"), true), cases[i].type);
            assert_int_equal(power_level_to_send(&pl, STR("u"), true), cases[i].as_state);
            assert_int_equal(power_level_to_send(&pl, STR("u"), false), cases[i].as_message);
            assert_int_equal(power_level_to_notify(&pl, STR("room")), cases[i].room);
            assert_int_equal(power_level_to_notify(&pl, STR("other")), cases[i].other);
            assert_int_equal(power_level_to(&pl, POWER_INVITE), cases[i].invite);
            assert_int_equal(power_level_to(&pl, POWER_KICK), cases[i].kick);
            assert_int_equal(power_level_to(&pl, POWER_BAN), cases[i].ban);
            assert_int_equal(power_level_to(&pl, POWER_REDACT), cases[i].redact);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
