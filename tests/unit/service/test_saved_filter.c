#include "service/saved_filter.h"

#include <string.h>

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

/* A filter whose text has this many bytes, most of them in a field nobody knows; other text for another `letter`. */
static const struct json *filter_of(struct world *w, size_t bytes, char letter)
{
    struct json *filter = json_object(w->arena);
    size_t n = bytes - (sizeof "{'x':''}" - 1);
    char *value = arena_alloc(w->arena, n);
    memset(value, letter, n);
    json_set_str(w->arena, filter, STR("x"), (struct str){value, n});
    assert_int_equal(json_text(w->arena, filter).n, bytes);
    return filter;
}

static void there_is_a_bound_of_bytes(void **state)
{
    enum { FIT = SAVED_FILTERS_BYTES_MAX / SAVED_FILTER_MAX };
    struct world w;
    struct str first;
    struct str id;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct account_info bob = world_user(&w, STR("bob"));
    const struct json *large = filter_of(&w, SAVED_FILTER_MAX + 1, 'x');
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, large, &id).code, M_TOO_LARGE);
    for (int i = 0; i <= FIT; i++) {
        const struct json *filter = filter_of(&w, SAVED_FILTER_MAX, (char)('0' + i));
        assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, filter, i ? &id : &first).code,
                         i < FIT ? ERRCODE_NONE : M_TOO_LARGE);
    }
    const struct json *small = filter_of(&w, 100, 'x');
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, small, &id).code, M_TOO_LARGE);
    /* What is there already costs nothing; somebody else has room of their own. */
    const struct json *again = filter_of(&w, SAVED_FILTER_MAX, '0');
    assert_int_equal(saved_filter_add(&w.services, w.arena, alice.user_nid, again, &id).code, ERRCODE_NONE);
    check_str(id, first, "same filter");
    assert_int_equal(saved_filter_add(&w.services, w.arena, bob.user_nid, small, &id).code, ERRCODE_NONE);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saves_and_finds),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(there_is_a_bound_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
