/* The table against the room version pages. */
#include "matrix/room_version.h"

#include "testing.h"

static void test_columns(void **state)
{
    (void)state;
    static const struct {
        struct str name;
        enum redaction_rules redaction;
        enum state_resolution state_resolution;
        enum auth_numbers auth_numbers;
        bool creator_in_content, redacts_in_content, room_id_is_create_hash, create_in_auth_events, privileged;
    } rows[] = {
        {STR_INIT("10"), REDACTION_V9, STATE_RESOLUTION_V2, AUTH_NUMBERS_V10, true, false, false, true, false},
        {STR_INIT("11"), REDACTION_V11, STATE_RESOLUTION_V2, AUTH_NUMBERS_V10, false, true, false, true, false},
        {STR_INIT("12"), REDACTION_V11, STATE_RESOLUTION_V2_1, AUTH_NUMBERS_V12, false, true, true, false, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct room_version *v = room_version_find(rows[i].name);
        assert_non_null(v);
        assert_ptr_equal(v, room_version_at(i));
        assert_int_equal(v->redaction, rows[i].redaction);
        assert_int_equal(v->state_resolution, rows[i].state_resolution);
        assert_int_equal(v->auth_numbers, rows[i].auth_numbers);
        assert_int_equal(v->creator_in_content, rows[i].creator_in_content);
        assert_int_equal(v->redacts_in_content, rows[i].redacts_in_content);
        assert_int_equal(v->room_id_is_create_hash, rows[i].room_id_is_create_hash);
        assert_int_equal(v->create_in_auth_events, rows[i].create_in_auth_events);
        assert_int_equal(v->creators_are_privileged, rows[i].privileged);
        assert_true(v->knock && v->restricted_join && v->knock_restricted && v->integer_power_levels_only);
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
                                       STR_INIT("1"),
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
