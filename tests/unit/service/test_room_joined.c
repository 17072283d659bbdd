#include "service/room_joined.h"

#include "room_fixture.h"

static void check_set(struct room_joined *set, const bool *members, int64_t count)
{
    size_t want = 0;
    for (int64_t nid = 1; nid < count; nid++) {
        assert_int_equal(room_joined_has(set, nid), members[nid]);
        want += members[nid];
    }
    assert_int_equal(room_joined_count(set), want);
}

static void strike_out(void *ctx, uint64_t key)
{
    bool *members = ctx;
    assert_true(members[key]); /* each once */
    members[key] = false;
}

/* Users come and go in a wild order, and waking reaches those who are there. */
static void members_come_and_go(void **state)
{
    enum { USERS = 5000 };
    static const int64_t first[] = {3, 512, 511, 4999, 64, 63};
    static bool members[USERS], left[USERS];
    unsigned seed = 1;
    (void)state;
    struct room_joined *set = room_joined_new(first, COUNT_OF(first));
    for (size_t i = 0; i < COUNT_OF(first); i++)
        members[first[i]] = true;
    for (int round = 0; round < 40; round++) {
        check_set(set, members, USERS);
        memcpy(left, members, sizeof left);
        struct wake wake = {.fn = strike_out, .ctx = left};
        room_joined_wake(&(struct services){.wake = &wake}, set);
        for (int nid = 1; nid < USERS; nid++)
            assert_false(left[nid]);
        for (int i = 0; i < 200; i++) {
            seed = seed * 1103515245 + 12345;
            /* pages fill, and get empty again */
            int64_t nid = 1 + (seed >> 8) % (round < 20 ? 700 : USERS - 1);
            bool joined = round % 10 < 5 && seed >> 30;
            room_joined_put(set, nid, joined);
            room_joined_put(set, nid, joined);
            members[nid] = joined;
        }
    }
    for (int64_t nid = 1; nid < USERS; nid++)
        room_joined_put(set, nid, members[nid] = false);
    check_set(set, members, USERS);
    struct room_joined *again = room_joined_ref(set);
    room_joined_unref(&set);
    assert_null(set);
    check_set(again, members, USERS);
    room_joined_unref(&again);
    room_joined_unref(&again);
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
    f.wake = (struct wake){.fn = note_key, .ctx = &woken};
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
        cmocka_unit_test(members_come_and_go),
        cmocka_unit_test(wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
