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
        {TO(10), "{'creator':'@z:s'}", "", "@z:s", 100},
        {TO(10), "{'creator':'@z:s'}", "", "@c:s", 0},
        {TO(10), "{'creator':7}", "", "@c:s", 0},
        {V11, "{'creator':'@z:s'}", "", "@z:s", 0},
        {V11, "{'creator':'@z:s'}", "", "@c:s", 100},
        {ALL, NULL, POWER("{'users':{'@u:s':7}}"), "@u:s", 7},
        {ALL, NULL, POWER("{'users':{'@u:s':7},'users_default':3}"), "@v:s", 3},
        {ALL, NULL, POWER("{'users':{'@u:s':7}}"), "@v:s", 0},
        {FROM(10), NULL, POWER("{'users':{'@u:s':'7'},'users_default':3}"), "@u:s", 3},
        {TO(9), NULL, POWER("{'users':{'@u:s':'7'},'users_default':3}"), "@u:s", 7},
        {FROM(10), NULL, POWER("{'users':[],'users_default':'3'}"), "@u:s", 0},
        {TO(9), NULL, POWER("{'users':[],'users_default':'3'}"), "@u:s", 3},
        {TO(5), NULL, POWER("{'users':{'@u:s':50.57}}"), "@u:s", 50},
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
        int versions;
        const char *state;
        int64_t type, as_state, as_message, room, other, invite, kick, ban, redact;
    } cases[] = {
        {ALL, "", 50, 50, 0, 50, 50, 0, 50, 50, 50},   {ALL, POWER("{}"), 50, 50, 0, 50, 50, 0, 50, 50, 50},
        {ALL, all, 2, 8, 3, 6, 50, 4, 5, 1, 7},        {FROM(10), wrong, 50, 50, 0, 50, 50, 0, 50, 50, 50},
        {TO(9), wrong, 2, 8, 0, 50, 50, 0, 50, 1, 50},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
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

/* How a level is written ("m.room.power_levels events accept values as ..."), as JSON. */
static void test_grammar(void **state)
{
    (void)state;
    static const struct {
        int versions;
        const char *json;
        int64_t want; /* NONE: no level */
    } cases[] = {
#define NONE 123456789
        {ALL, "50", 50},
        {ALL, "-9007199254740991", -9007199254740991},
        {ALL, "null", NONE},
        {ALL, "true", NONE},
        {ALL, "[50]", NONE},
        {ALL, "{}", NONE},
        {FROM(10), "\"100\"", NONE},
        {TO(9), "\"100\"", 100},
        {TO(9), "\"000100\"", 100},
        {TO(9), "\"+100\"", 100},
        {TO(9), "\"-100\"", -100},
        {TO(9), "\" 100 \"", 100},
        {TO(9), "\" 00100 \"", 100},
        {TO(9), "\" +100 \"", 100},
        {TO(9), "\" -100 \"", -100},
        {TO(9), "\"-0\"", 0},
        {TO(9), "\"\\t\\n\\r\\u000b\\f7\\u0085\\u00a0\\u1680\\u2000\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\"", 7},
        {TO(9), "\"7\\u200b\"", NONE}, /* no white space, in spite of its name */
        {TO(9), "\"7\\u0000\"", NONE},
        {TO(9), "\"7\\u2000x\"", NONE},
        {TO(9), "\"\"", NONE},
        {TO(9), "\" \"", NONE},
        {TO(9), "\"-\"", NONE},
        {TO(9), "\"+-1\"", NONE},
        {TO(9), "\"- 1\"", NONE},
        {TO(9), "\"1 0\"", NONE},
        {TO(9), "\"1_0\"", NONE},
        {TO(9), "\"10.0\"", NONE},
        {TO(9), "\"1e2\"", NONE},
        {TO(9), "\"0x10\"", NONE},
        {TO(9), "\"\\u0661\"", NONE}, /* a digit, but not of ours */
        {TO(9), "\"9223372036854775806\"", POWER_LEVEL_MAX},
        {TO(9), "\"9223372036854775807\"", POWER_LEVEL_MAX},
        {TO(9), "\"99999999999999999999999999\"", POWER_LEVEL_MAX},
        {TO(9), "\"-99999999999999999999999999\"", -POWER_LEVEL_MAX},
        {FROM(6), "50.5", NONE},
        {FROM(6), "9007199254740992", NONE},
        {TO(5), "50.57", 50},
        {TO(5), "-50.57", -50},
        {TO(5), "-0.9", 0},
        {TO(5), "-0", 0},
        {TO(5), "5.114698E4", 51146},
        {TO(5), "1e2", 100},
        {TO(5), "9007199254740993", 9007199254740993},
        {TO(5), "-9223372036854775806", -POWER_LEVEL_MAX},
        {TO(5), "9223372036854775807", POWER_LEVEL_MAX},
        {TO(5), "1e300", POWER_LEVEL_MAX},
        {TO(5), "-1e300", -POWER_LEVEL_MAX},
        {TO(5), "1e309", NONE},
        {TO(5), "1e-400", 0},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct json_result r = json_parse(a, str_of(cases[i].json), JSON_DEPTH_MAX);
            assert_non_null(r.value);
            int64_t got = NONE;
            bool is_level = power_level_read(version, r.value, &got);
            if (is_level != (cases[i].want != NONE) || (is_level && got != cases[i].want))
                fail_msg("version %.*s, %s: got %ld", STR_ARG(version->name), cases[i].json, (long)got);
        }
        int64_t got;
        assert_false(power_level_read(version, NULL, &got));
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_needed),
        cmocka_unit_test(test_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
