#include "service/saved_filter.h"

#include "world.h"

static void saves_and_finds(void **state)
{
    struct world w;
    struct str one;
    struct str same;
    struct str other;
    const struct json *filter = NULL;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct account_info bob = world_user(&w, STR("bob"));
    const struct json *a = json_parse(w.arena, STR("{\"room\":{\"timeline\":{\"limit\":10}}}"), 10).value;
    const struct json *b = json_parse(w.arena, STR("{\"room\":{\"timeline\":{\"limit\":20}}}"), 10).value;
    const struct json *wrong = json_parse(w.arena, STR("{\"room\":[]}"), 10).value;
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, a, &one).code, ERRCODE_NONE);
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, a, &same).code, ERRCODE_NONE);
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, b, &other).code, ERRCODE_NONE);
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, wrong, &other).code, M_BAD_JSON);
    check_str(same, one, "same filter");
    assert_int_equal(saved_filter_get(&w.services, w.arena, alice.user_nid, one, &filter).code, ERRCODE_NONE);
    assert_true(json_eq(filter, a));

    assert_int_equal(saved_filter_get(&w.services, w.arena, bob.user_nid, one, &filter).code, M_NOT_FOUND);
    assert_int_equal(saved_filter_get(&w.services, w.arena, alice.user_nid, STR("999"), &filter).code, M_NOT_FOUND);
    assert_int_equal(saved_filter_get(&w.services, w.arena, alice.user_nid, STR("{}"), &filter).code, M_NOT_FOUND);
    world_fini(&w);
}

static void there_is_a_bound(void **state)
{
    struct world w;
    struct str id;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    for (int i = 0; i <= SAVED_FILTERS_MAX; i++) {
        struct json *timeline = json_object(w.arena);
        struct json *room = json_object(w.arena);
        struct json *filter = json_object(w.arena);
        json_set_int(w.arena, timeline, STR("limit"), i + 1);
        json_set(w.arena, room, STR("timeline"), *timeline);
        json_set(w.arena, filter, STR("room"), *room);
        assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, filter, &id).code,
                         i < SAVED_FILTERS_MAX ? ERRCODE_NONE : M_FORBIDDEN);
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saves_and_finds),
        cmocka_unit_test(there_is_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
