/* "Room History Visibility", server behaviour: the whole table, and the two events that have a before and an after. */
#include "matrix/history_visibility.h"

#include "testing.h"

static void test_table(void **state)
{
    (void)state;
    /* For each membership at the event: seen, in the order of enum history_visibility; first without a later join. */
    static const struct {
        struct str membership;
        bool never_joined[4], joined_later[4];
    } rows[] = {
        {STR_INIT("join"), {true, true, true, true}, {true, true, true, true}},
        {STR_INIT("invite"), {true, false, true, false}, {true, true, true, false}},
        {STR_INIT("knock"), {true, false, false, false}, {true, true, false, false}},
        {STR_INIT("leave"), {true, false, false, false}, {true, true, false, false}},
        {STR_INIT("ban"), {true, false, false, false}, {true, true, false, false}},
        {STR_INIT(""), {true, false, false, false}, {true, true, false, false}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        for (size_t visibility = 0; visibility < 4; visibility++) {
            struct history_view view = {
                .visibility_before = (enum history_visibility)visibility,
                .visibility_after = (enum history_visibility)visibility,
                .membership_before = rows[r].membership,
                .membership_after = rows[r].membership,
            };
            assert_int_equal(history_visible(&view), rows[r].never_joined[visibility]);
            view.joined_later = true;
            assert_int_equal(history_visible(&view), rows[r].joined_later[visibility]);
        }
    }
}

static void test_before_and_after(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct history_view view;
        bool want;
    } cases[] = {
        {"opening a room", {HISTORY_JOINED, HISTORY_WORLD_READABLE, STR_INIT(""), STR_INIT(""), false}, true},
        {"closing a room", {HISTORY_WORLD_READABLE, HISTORY_JOINED, STR_INIT(""), STR_INIT(""), false}, true},
        {"from joined to shared, joined later",
         {HISTORY_JOINED, HISTORY_SHARED, STR_INIT(""), STR_INIT(""), true},
         true},
        {"from joined to shared, never joined",
         {HISTORY_JOINED, HISTORY_SHARED, STR_INIT(""), STR_INIT(""), false},
         false},
        {"own join", {HISTORY_JOINED, HISTORY_JOINED, STR_INIT("invite"), STR_INIT("join"), false}, true},
        {"own leave", {HISTORY_JOINED, HISTORY_JOINED, STR_INIT("join"), STR_INIT("leave"), false}, true},
        {"own ban", {HISTORY_JOINED, HISTORY_JOINED, STR_INIT("join"), STR_INIT("ban"), false}, true},
        {"own invitation, joined", {HISTORY_JOINED, HISTORY_JOINED, STR_INIT(""), STR_INIT("invite"), false}, false},
        {"own invitation, invited", {HISTORY_INVITED, HISTORY_INVITED, STR_INIT(""), STR_INIT("invite"), false}, true},
        {"own refusal of it", {HISTORY_INVITED, HISTORY_INVITED, STR_INIT("invite"), STR_INIT("leave"), false}, true},
        {"own knock", {HISTORY_INVITED, HISTORY_INVITED, STR_INIT(""), STR_INIT("knock"), false}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (history_visible(&cases[i].view) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        enum history_visibility want;
    } cases[] = {
        {"{\"history_visibility\":\"world_readable\"}", HISTORY_WORLD_READABLE},
        {"{\"history_visibility\":\"shared\"}", HISTORY_SHARED},
        {"{\"history_visibility\":\"invited\"}", HISTORY_INVITED},
        {"{\"history_visibility\":\"joined\"}", HISTORY_JOINED},
        {"{\"history_visibility\":\"JOINED\"}", HISTORY_SHARED},
        {"{\"history_visibility\":\"\"}", HISTORY_SHARED},
        {"{\"history_visibility\":[\"joined\"]}", HISTORY_SHARED},
        {"{\"history_visibility\":null}", HISTORY_SHARED},
        {"{}", HISTORY_SHARED},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct event e = {.content = json_parse(a, str_of(cases[i].content), JSON_DEPTH_MAX).value};
        assert_int_equal(history_visibility_of(&e), cases[i].want);
    }
    assert_int_equal(history_visibility_of(NULL), HISTORY_SHARED);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_before_and_after),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
