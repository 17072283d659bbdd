/* Whose turn it is, and what comes of upgrades that are asked for at once. */
#include "service/room_upgrade.h"
#include "service/room_upgrade_turn.h"

#include <unistd.h>

#include "room_fixture.h"

enum { THREADS = 4, ROUNDS = 200 };

struct user {
    struct thread thread;
    struct room_upgrade_turns *turns;
    int64_t room_nid;
    int *under_way; /* of the room; guarded by the turns */
    int wrong;
    _Atomic bool done;
};

static void take_turns(void *arg)
{
    struct user *u = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct room_upgrade_turn turn;
        room_upgrade_turn_begin(u->turns, &turn, u->room_nid);
        u->wrong += (*u->under_way)++ != 0;
        usleep(1);
        u->wrong += --(*u->under_way) != 0;
        room_upgrade_turn_end(u->turns, &turn);
    }
    u->done = true;
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct room_upgrade_turns *turns = room_upgrade_turns_new();
    struct user users[THREADS];
    int under_way[2] = {0};
    for (int i = 0; i < THREADS; i++) {
        users[i] = (struct user){.turns = turns, .room_nid = 7 + i % 2, .under_way = &under_way[i % 2]};
        assert_true(thread_start(&users[i].thread, "user", 0, take_turns, &users[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&users[i].thread);
        assert_int_equal(users[i].wrong, 0);
    }
    assert_int_equal(room_upgrade_turns_count(turns), 0);
    room_upgrade_turns_free(&turns);
    room_upgrade_turns_free(&turns);
}

static void other_rooms_do_not_wait(void **state)
{
    (void)state;
    struct room_upgrade_turns *turns = room_upgrade_turns_new();
    struct room_upgrade_turn held;
    int under_way[2] = {0};
    struct user other = {.turns = turns, .room_nid = 2, .under_way = &under_way[0]};
    struct user same = {.turns = turns, .room_nid = 1, .under_way = &under_way[1]};
    room_upgrade_turn_begin(turns, &held, 1);
    assert_true(thread_start(&other.thread, "other", 0, take_turns, &other));
    assert_true(thread_start(&same.thread, "same", 0, take_turns, &same));
    thread_join(&other.thread);
    while (!same.done && room_upgrade_turns_count(turns) < 2)
        usleep(100);
    assert_false(same.done);
    room_upgrade_turn_end(turns, &held);
    thread_join(&same.thread);
    assert_true(same.done);
    room_upgrade_turns_free(&turns);
}

/* --- upgrades --- */

static int64_t count_rooms(struct fixture *f)
{
    static struct sql count = SQL("SELECT count(*) FROM rooms");
    return scratch_int(f->services.store, &count);
}

enum { AT_ONCE = 6 };

struct upgrader {
    struct thread thread;
    struct fixture *f;
    struct arena *arena;
    struct caller who;
    struct str room, new;
    const char *version;
    const struct json *creators;
    struct fault fault;
};

static void upgrade(void *arg)
{
    struct upgrader *u = arg;
    u->fault = room_upgrade(&u->f->services, u->arena, &u->who, u->room, str_of(u->version), u->creators, &u->new);
}

struct gate {
    struct fixture *f;
    _Atomic bool held, open;
    enum store_result result;
};

static bool hold_the_writer(struct store_tx *tx, void *arg)
{
    struct gate *gate = arg;
    (void)tx;
    gate->held = true;
    while (!gate->open)
        usleep(100);
    return true;
}

static void hold(void *arg)
{
    struct gate *gate = arg;
    gate->result = store_write(gate->f->services.store, hold_the_writer, gate);
}

/* Runs all of them, none of which ends before all are under way. */
static void upgrade_at_once(struct fixture *f, struct upgrader *upgraders, size_t count)
{
    struct gate gate = {.f = f};
    struct thread holder;
    assert_true(thread_start(&holder, "holder", 0, hold, &gate));
    while (!gate.held)
        usleep(100);
    for (size_t i = 0; i < count; i++) {
        upgraders[i].f = f;
        upgraders[i].arena = arena_new();
        assert_true(thread_start(&upgraders[i].thread, "upgrader", 0, upgrade, &upgraders[i]));
    }
    for (int i = 0; i < 20000 && room_upgrade_turns_count(rooms_upgrades(f->services.rooms)) < count; i++)
        usleep(500);
    gate.open = true;
    thread_join(&holder);
    assert_int_equal(gate.result, STORE_OK);
    for (size_t i = 0; i < count; i++) {
        thread_join(&upgraders[i].thread);
        upgraders[i].new = str_copy(f->arena, upgraders[i].new);
        arena_free(&upgraders[i].arena);
    }
    assert_int_equal(room_upgrade_turns_count(rooms_upgrades(f->services.rooms)), 0);
}

/* A double click makes one room; whatever else is asked for meanwhile makes its own, one after the other. */
static void upgrades_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), again = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'room_version':'11','preset':'public_chat'}");
    struct str other = fixture_room(&f, &alice, "{'room_version':'11'}");
    struct upgrader same[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++)
        same[i] = (struct upgrader){.who = i % 2 ? again : alice, .room = room, .version = "12"};
    upgrade_at_once(&f, same, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        check_ok(same[i].fault);
        check_str(same[i].new, same[0].new, "replacement");
    }
    assert_int_equal(count_rooms(&f), 3);

    do_join(&f, &bob, room);
    do_state(&f, &alice, room, "m.room.power_levels", "",
             "{'users':{'@alice:hearth.test':100,'@bob:hearth.test':100}}");
    struct upgrader different[] = {
        {.who = alice, .room = room, .version = "11"},
        {.who = bob, .room = room, .version = "12"},
        {.who = alice, .room = other, .version = "12"},
        {.who = alice, .room = room, .version = "12", .creators = quoted_json(f.arena, "['@bob:hearth.test']")},
    };
    upgrade_at_once(&f, different, COUNT_OF(different));
    for (size_t i = 0; i < COUNT_OF(different); i++) {
        check_ok(different[i].fault);
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(different[i].new, different[k].new));
    }
    assert_int_equal(count_rooms(&f), 3 + (int64_t)COUNT_OF(different));
    replay(&f, room);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_at_a_time), cmocka_unit_test(other_rooms_do_not_wait),
                                       cmocka_unit_test(upgrades_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
