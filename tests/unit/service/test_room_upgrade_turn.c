/* Whose turn it is, and who is told what another has done. test_room_upgrade.c has the same with upgrades. */
#include "base/thread.h"
#include "service/room_upgrade_turn.h"

#include <unistd.h>

#include "check.h"

struct waiter {
    struct thread thread;
    struct room_upgrade_turns *turns;
    struct room_upgrade_turn turn;
    struct str told; /* of another; else this one had its turn, and ended it without a room */
    bool had_turn;
    _Atomic bool done;
};

static void wait_for_turn(void *arg)
{
    struct waiter *w = arg;
    w->had_turn = room_upgrade_turn_begin(w->turns, &w->turn, &w->told);
    if (w->had_turn)
        room_upgrade_turn_end(w->turns, &w->turn, (struct str){0});
    w->done = true;
}

static const struct json *creators_of(struct arena *a, const char *user_id)
{
    struct json *list = json_array(a);
    json_push(a, list, json_string(str_of(user_id)));
    return list;
}

static void test_turns(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *alone = creators_of(a, "@a:s"), *alone_too = creators_of(a, "@a:s");
    const struct json *another = creators_of(a, "@b:s");
    static const struct {
        bool ends_well, waits, told;
    } wants[] = {{true, true, true},  {false, true, false}, {true, false, false}, {true, true, false},
                 {true, true, false}, {true, true, false},  {true, true, false}};
    const struct room_upgrade_turn first = {.room_nid = 1, .user_nid = 2, .new_version = STR("12"), .creators = alone};
    const struct room_upgrade_turn then[] = {
        {.room_nid = 1, .user_nid = 2, .new_version = STR("12"), .creators = alone_too},
        {.room_nid = 1, .user_nid = 2, .new_version = STR("12"), .creators = alone_too},
        {.room_nid = 3, .user_nid = 2, .new_version = STR("12"), .creators = alone},
        {.room_nid = 1, .user_nid = 4, .new_version = STR("12"), .creators = alone},
        {.room_nid = 1, .user_nid = 2, .new_version = STR("11"), .creators = alone},
        {.room_nid = 1, .user_nid = 2, .new_version = STR("12"), .creators = another},
        {.room_nid = 1, .user_nid = 2, .new_version = STR("12"), .creators = NULL},
    };
    struct room_upgrade_turns *turns = room_upgrade_turns_new();
    for (size_t i = 0; i < sizeof then / sizeof then[0]; i++) {
        struct room_upgrade_turn turn = first;
        struct waiter w = {.turns = turns, .turn = then[i]};
        struct str none;
        assert_true(room_upgrade_turn_begin(turns, &turn, &none));
        assert_int_equal(none.n, 0);
        assert_true(thread_start(&w.thread, "waiter", 0, wait_for_turn, &w));
        if (wants[i].waits) {
            while (!w.done && room_upgrade_turns_count(turns) < 2)
                usleep(100);
            assert_false(w.done);
        } else {
            thread_join(&w.thread);
        }
        room_upgrade_turn_end(turns, &turn, wants[i].ends_well ? STR("!new") : (struct str){0});
        if (wants[i].waits)
            thread_join(&w.thread);
        assert_int_equal(w.had_turn, !wants[i].told);
        check_str(w.told, wants[i].told ? STR("!new") : STR(""), "the room that another has made");
        assert_int_equal(room_upgrade_turns_count(turns), 0);
    }
    room_upgrade_turns_free(&turns);
    room_upgrade_turns_free(&turns);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
