#include "service/lazy_members.h"

#include "room_fixture.h"

/* --- the memory itself --- */

static struct lazy_answer answer_at(struct lazy_members *m, int64_t device, int64_t since)
{
    return (struct lazy_answer){.memory = m, .device_nid = device, .filter = 1, .since = since};
}

/* An answer from `since` to `next` that tells of these members of room 1, up to a 0. */
static void tell(struct lazy_members *m, int64_t device, int64_t since, int64_t next, const int64_t *keys)
{
    struct lazy_answer answer = answer_at(m, device, since);
    for (; *keys; keys++)
        lazy_members_tell(&answer, 1, *keys);
    lazy_members_end(&answer, next);
    lazy_members_drop(&answer);
}
#define TELL(m, device, since, next, ...) tell((m), (device), (since), (next), (const int64_t[]){__VA_ARGS__})

static bool knows(struct lazy_members *m, int64_t device, int64_t since, int64_t key)
{
    struct lazy_answer answer = answer_at(m, device, since);
    return lazy_members_knows(&answer, 1, key);
}

static void positions(void **state)
{
    (void)state;
    struct lazy_members *m = lazy_members_new();
    TELL(m, 1, 0, 10, 7, 8, 0);
    assert_true(knows(m, 1, 10, 7) && knows(m, 1, 10, 8));
    assert_false(knows(m, 1, 10, 9) || knows(m, 2, 10, 7));
    assert_false(knows(m, 1, 9, 7) || knows(m, 1, 11, 7) || knows(m, 1, 0, 7));
    struct lazy_answer other = answer_at(m, 1, 10);
    assert_false(lazy_members_knows(&other, 2, 7)); /* another room */
    other.filter = 2;
    assert_false(lazy_members_knows(&other, 1, 7));
    /* answers that tell nobody new: the client may be anywhere between */
    TELL(m, 1, 10, 20, 0);
    TELL(m, 1, 10, 25, 7, 0);
    assert_true(knows(m, 1, 10, 7) && knows(m, 1, 20, 7) && knows(m, 1, 25, 8));
    /* one that does: who asks from before it has not got it */
    TELL(m, 1, 25, 30, 9, 0);
    assert_true(knows(m, 1, 30, 7) && knows(m, 1, 30, 9));
    assert_false(knows(m, 1, 25, 7) || knows(m, 1, 25, 9));
    /* a position of another time: all that was remembered is gone */
    TELL(m, 1, 12, 40, 5, 0);
    assert_true(knows(m, 1, 40, 5));
    assert_false(knows(m, 1, 40, 7) || knows(m, 1, 30, 7));
    lazy_members_free(&m);
    assert_null(m);
    lazy_members_free(&m);
}

static void bounds(void **state)
{
    enum { DEVICES = 400, EACH = 1000 };
    (void)state;
    struct lazy_members *m = lazy_members_new();
    for (int64_t device = 1; device <= DEVICES; device++) {
        struct lazy_answer answer = answer_at(m, device, 0);
        for (int64_t key = 1; key <= EACH; key++)
            lazy_members_tell(&answer, 1, key);
        lazy_members_end(&answer, 10);
        lazy_members_drop(&answer);
        TELL(m, 1, 10, 10, 0); /* one that goes on asking */
    }
    assert_true(knows(m, 1, 10, 1));
    assert_false(knows(m, 2, 10, 1));
    assert_true(knows(m, DEVICES, 10, EACH));
    /* one answer, and one device, remember so many and no more */
    struct lazy_answer answer = answer_at(m, 1, 0);
    for (int64_t key = 1; key <= 20000; key++)
        lazy_members_tell(&answer, 1, key);
    lazy_members_end(&answer, 20);
    lazy_members_drop(&answer);
    assert_true(knows(m, 1, 20, 1) && !knows(m, 1, 20, 20000));
    TELL(m, 1, 20, 30, 20000, 0);
    assert_true(knows(m, 1, 30, 20000) && !knows(m, 1, 30, 1));
    /* numbers that do not fit are not remembered */
    TELL(m, 1, 30, 40, INT64_C(1) << 40, 0);
    assert_false(knows(m, 1, 40, INT64_C(1) << 40));
    lazy_members_free(&m);
}

/* --- in answers --- */

static const struct json *ask(struct fixture *f, const struct caller *who, int64_t *since, bool redundant)
{
    struct sync_query q = {.since = *since};
    check_ok(sync_filter_read(f->arena,
                              quoted_json(f->arena, CSTR(f->arena,
                                                         "{'room':{'state':{'lazy_load_members':true,"
                                                         "'include_redundant_members':%s}}}",
                                                         redundant ? "true" : "false")),
                              &q.filter));
    const struct json *answer = do_sync_query(f, who, &q, NULL);
    *since = sync_next(answer);
    return answer;
}

/* Whether the state of the room in the answer names the member. */
static bool tells(const struct json *answer, struct str room, const struct caller *member)
{
    const struct json *events = json_at(sync_room_section(answer, "join", room), "state events");
    for (uint32_t i = 0; events && i < events->count; i++)
        if (str_eq(json_str_at(&events->items[i], STR("type")), STR("m.room.member")) &&
            str_eq(json_str_at(&events->items[i], STR("state_key")), member->user_id))
            return true;
    return false;
}

static void told_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    f.services.lazy_members = lazy_members_new();
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct caller phone = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct caller others[8];
    for (size_t i = 0; i < COUNT_OF(others); i++) { /* so that bob names no room */
        others[i] = fixture_user(&f, CSTR(f.arena, "other%d", (int)i));
        do_join(&f, &others[i], room);
    }
    do_join(&f, &bob, room);
    for (int i = 0; i < 12; i++)
        do_say(&f, &alice, room, "1");
    int64_t since = 0, since_phone = 0;
    assert_false(tells(ask(&f, &alice, &since, false), room, &bob));
    ask(&f, &phone, &since_phone, false);
    do_say(&f, &bob, room, "2");
    int64_t before = since;
    assert_true(tells(ask(&f, &alice, &since, false), room, &bob));
    assert_true(tells(ask(&f, &phone, &since_phone, false), room, &bob)); /* each device for itself */
    do_say(&f, &bob, room, "3");
    assert_false(tells(ask(&f, &alice, &since, false), room, &bob));
    /* an answer that got lost, and one that wants them all */
    int64_t again = before;
    assert_true(tells(ask(&f, &alice, &again, false), room, &bob));
    again = before;
    assert_true(tells(ask(&f, &alice, &again, true), room, &bob));
    /* a change in a gap is told, though the member is known */
    do_say(&f, &bob, room, "4");
    since = before;
    ask(&f, &alice, &since, false);
    do_state(&f, &bob, room, "m.room.member", "@bob:hearth.test", "{'membership':'join','displayname':'Robert'}");
    for (int i = 0; i < 12; i++)
        do_say(&f, &alice, room, "5");
    assert_true(tells(ask(&f, &alice, &since, false), room, &bob));
    /* who comes back to a room begins anew with it */
    do_leave(&f, &alice, room);
    ask(&f, &alice, &since, false);
    do_join(&f, &alice, room);
    do_say(&f, &bob, room, "6");
    assert_true(tells(ask(&f, &alice, &since, false), room, &bob));
    lazy_members_free(&f.services.lazy_members);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions),
        cmocka_unit_test(bounds),
        cmocka_unit_test(told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
