#include "service/room_joined.h"

#include "room_fixture.h"

static void check_list(const struct room_joined *list, uint64_t members)
{
    size_t count = 0;
    for (int64_t nid = 0; nid < 64; nid++) {
        bool in = members >> nid & 1;
        assert_int_equal(room_joined_has(list, nid), in);
        if (in)
            assert_int_equal(list->user_nids[count++], nid); /* sorted */
    }
    assert_int_equal(list->count, count);
}

/* A list goes through all its sizes and back, in a wild order; each step leaves the one before as it was. */
static void with_and_without(void **state)
{
    (void)state;
    struct room_joined *list = room_joined_new(NULL, 0);
    uint64_t members = 0;
    for (int i = 0; i < 128; i++) {
        int64_t nid = i * 37 % 64;
        uint64_t bit = UINT64_C(1) << nid;
        struct room_joined *next = members & bit ? room_joined_without(list, nid) : room_joined_with(list, nid);
        check_list(list, members);
        members ^= bit;
        check_list(next, members);
        room_joined_unref(&list);
        assert_null(list);
        list = next;
    }
    assert_int_equal(members, 0);
    struct room_joined *again = room_joined_ref(list);
    room_joined_unref(&list);
    check_list(again, 0);
    room_joined_unref(&again);
    room_joined_unref(&again);
}

static void sorts(void **state)
{
    static const int64_t nids[] = {9, 3, 40, 1, 7};
    (void)state;
    struct room_joined *list = room_joined_new(nids, COUNT_OF(nids));
    check_list(list, UINT64_C(1) << 9 | 1 << 3 | UINT64_C(1) << 40 | 1 << 1 | 1 << 7);
    room_joined_unref(&list);
}

static void take_out_a_stranger(void *list)
{
    (void)room_joined_without(list, 5);
}

static void bugs(void **state)
{
    static const int64_t nids[] = {1};
    (void)state;
    struct room_joined *list = room_joined_new(nids, 1);
    assert_true(check_aborts(take_out_a_stranger, list));
    room_joined_unref(&list);
}

static void note_key(void *ctx, uint64_t key)
{
    *(uint64_t *)ctx |= UINT64_C(1) << key;
}

/* Who is joined is woken by what happens, and so is who it happens to. */
static void wakes(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t woken = 0;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), carol = fixture_user(&f, "carol");
    uint64_t alice_bit = UINT64_C(1) << alice.user_nid, bob_bit = UINT64_C(1) << bob.user_nid;
    uint64_t carol_bit = UINT64_C(1) << carol.user_nid;
    f.wake = (struct wake){note_key, &woken};
    struct str room_id = fixture_room(&f, &alice, "{'invite':['@carol:hearth.test']}");
    assert_int_equal(woken, alice_bit | carol_bit);
    woken = 0;
    do_invite(&f, &alice, room_id, &bob);
    assert_int_equal(woken, alice_bit | bob_bit);
    woken = 0;
    do_join(&f, &bob, room_id);
    assert_int_equal(woken, alice_bit | bob_bit);
    woken = 0;
    struct str said = do_say(&f, &alice, room_id, "1");
    assert_int_equal(woken, alice_bit | bob_bit);
    woken = 0;
    check_ok(receipt_set(&f.services, f.arena, &bob, room_id, STR("m.read.private"), said, NO_REASON));
    assert_int_equal(woken, bob_bit);
    check_ok(receipt_set(&f.services, f.arena, &bob, room_id, STR("m.read"), said, NO_REASON));
    assert_int_equal(woken, alice_bit | bob_bit);
    woken = 0;
    do_kick(&f, &alice, room_id, &bob);
    assert_int_equal(woken, alice_bit | bob_bit);
    woken = 0;
    do_say(&f, &alice, room_id, "2");
    assert_int_equal(woken, alice_bit);
    fixture_forget(&f);
    woken = 0;
    struct room *room = do_open(&f, room_id);
    room_wake_joined(&f.services, room);
    assert_int_equal(woken, alice_bit);
    room_close(&f.services, &room);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_and_without),
        cmocka_unit_test(sorts),
        cmocka_unit_test(bugs),
        cmocka_unit_test(wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
