/* The table against the room version pages. */
#include "matrix/room_version.h"

#include "testing.h"

/* What each version has that the one before had not, or has no more. */
static void test_columns(void **state)
{
    (void)state;
    static const struct {
        struct str name;
        enum event_format event_format;
        enum redaction_rules redaction;
        enum state_resolution state_resolution;
        enum auth_numbers auth_numbers;
    } rows[] = {
        {STR_INIT("1"), EVENT_FORMAT_V1, REDACTION_V1, STATE_RESOLUTION_V1, AUTH_NUMBERS_V1},
        {STR_INIT("2"), EVENT_FORMAT_V1, REDACTION_V1, STATE_RESOLUTION_V2, AUTH_NUMBERS_V1},
        {STR_INIT("3"), EVENT_FORMAT_V3, REDACTION_V1, STATE_RESOLUTION_V2, AUTH_NUMBERS_V1},
        {STR_INIT("4"), EVENT_FORMAT_V4, REDACTION_V1, STATE_RESOLUTION_V2, AUTH_NUMBERS_V1},
        {STR_INIT("5"), EVENT_FORMAT_V4, REDACTION_V1, STATE_RESOLUTION_V2, AUTH_NUMBERS_V1},
        {STR_INIT("6"), EVENT_FORMAT_V4, REDACTION_V6, STATE_RESOLUTION_V2, AUTH_NUMBERS_V6},
        {STR_INIT("7"), EVENT_FORMAT_V4, REDACTION_V6, STATE_RESOLUTION_V2, AUTH_NUMBERS_V7},
        {STR_INIT("8"), EVENT_FORMAT_V4, REDACTION_V8, STATE_RESOLUTION_V2, AUTH_NUMBERS_V8},
        {STR_INIT("9"), EVENT_FORMAT_V4, REDACTION_V9, STATE_RESOLUTION_V2, AUTH_NUMBERS_V8},
        {STR_INIT("10"), EVENT_FORMAT_V4, REDACTION_V9, STATE_RESOLUTION_V2, AUTH_NUMBERS_V10},
        {STR_INIT("11"), EVENT_FORMAT_V4, REDACTION_V11, STATE_RESOLUTION_V2, AUTH_NUMBERS_V10},
        {STR_INIT("12"), EVENT_FORMAT_V4, REDACTION_V11, STATE_RESOLUTION_V2_1, AUTH_NUMBERS_V12},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct room_version *v = room_version_find(rows[i].name);
        assert_non_null(v);
        assert_ptr_equal(v, room_version_at(i));
        assert_int_equal(v->event_format, rows[i].event_format);
        assert_int_equal(v->redaction, rows[i].redaction);
        assert_int_equal(v->state_resolution, rows[i].state_resolution);
        assert_int_equal(v->auth_numbers, rows[i].auth_numbers);
        size_t number = i + 1;
        assert_int_equal(v->redaction_auth_rule, number <= 2);
        assert_int_equal(v->aliases_auth_rule, number <= 5);
        assert_int_equal(v->key_validity_enforced, number >= 5);
        assert_int_equal(v->strict_json, number >= 6);
        assert_int_equal(v->notifications_guarded, number >= 6);
        assert_int_equal(v->knock, number >= 7);
        assert_int_equal(v->restricted_join, number >= 8);
        assert_int_equal(v->knock_restricted, number >= 10);
        assert_int_equal(v->integer_power_levels_only, number >= 10);
        assert_int_equal(v->creator_in_content, number <= 10);
        assert_int_equal(v->redacts_in_content, number >= 11);
        assert_int_equal(v->create_in_auth_events, number <= 11);
        assert_int_equal(v->room_id_is_create_hash, number >= 12);
        assert_int_equal(v->creators_are_privileged, number >= 12);
    }
    assert_null(room_version_at(COUNT(rows)));
}

static void test_unknown_names(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT(""),
                                       STR_INIT("0"),
                                       STR_INIT("010"),
                                       STR_INIT("12 "),
                                       STR_INIT("13"),
                                       STR_INIT("12\0"),
                                       STR_INIT("org.example.version")};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_null(room_version_find(names[i]));
    assert_null(room_version_find((struct str){NULL, 0}));
    assert_true(str_eq(room_version_default()->name, STR("12")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
