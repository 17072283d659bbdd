#include "service/profile_rooms.h"
#include "store/profile_updates.h"
#include "store/profiles.h"

#include "faulty_disk.h"
#include "room_fixture.h"

struct naming {
    int64_t user_nid;
    struct str name; /* JSON; p == NULL: none */
};

static bool run_naming(struct store_tx *tx, void *arg)
{
    const struct naming *n = arg;
    if (n->name.p)
        profiles_set(tx, n->user_nid, STR("displayname"), n->name);
    else
        profiles_delete(tx, n->user_nid, STR("displayname"));
    profile_updates_add(tx, n->user_nid);
    return true;
}

/* As profile_set stores it; the rooms do not know yet. */
static void set_name(struct fixture *f, const struct caller *who, const char *json)
{
    struct naming n = {who->user_nid, json ? str_of(json) : (struct str){0}};
    assert_int_equal(store_write(f->services.store, run_naming, &n), STORE_OK);
}

static struct json member_of(struct fixture *f, const struct caller *who, struct str room)
{
    struct json member;
    check_ok(
        room_read_state_event(&f->services, f->arena, who, room, STR("m.room.member"), who->user_id, false, &member));
    return member;
}

static void check_name(struct fixture *f, const struct caller *who, struct str room, struct str want)
{
    struct json member = member_of(f, who, room);
    check_str(json_str_at(&member, STR("displayname")), want, "displayname");
}

static bool is_noted(struct fixture *f, const struct caller *who)
{
    struct profile_update update;
    struct store_tx *tx = store_read_begin(f->services.store);
    bool noted = profile_updates_get(tx, who->user_nid, &update);
    assert_true(store_read_end(&tx));
    return noted;
}

/* The name goes to the rooms the user is joined to, and no others; what clients have put into the event stays. */
static void content_is_kept(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str rooms[4];
    struct str id;
    for (int i = 0; i < 4; i++)
        rooms[i] = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    check_ok(room_join(&f.services, f.arena, &bob, rooms[0], STR("to see")));
    do_join(&f, &bob, rooms[1]);
    check_ok(try_state(&f, &bob, rooms[1], "m.room.member", "@bob:hearth.test",
                       "{'membership':'join','org.example.colour':'red','displayname':'Robert'}", &id));
    do_invite(&f, &alice, rooms[2], &bob);
    do_join(&f, &bob, rooms[3]);
    do_leave(&f, &bob, rooms[3]);

    set_name(&f, &bob, "\"Bob\"");
    profile_rooms_changed(&f.services, f.arena, &bob);
    assert_false(is_noted(&f, &bob));
    struct json member = member_of(&f, &bob, rooms[0]);
    assert_true(json_eq(&member, quoted_json(f.arena, "{'membership':'join','displayname':'Bob'}")));
    member = member_of(&f, &bob, rooms[1]);
    assert_true(
        json_eq(&member, quoted_json(f.arena, "{'membership':'join','displayname':'Bob','org.example.colour':'red'}")));
    for (int i = 2; i < 4; i++) {
        check_ok(room_read_state_event(&f.services, f.arena, &alice, rooms[i], STR("m.room.member"), bob.user_id, false,
                                       &member));
        assert_null(json_get(&member, STR("displayname")));
    }
    size_t count = replay(&f, rooms[0]);
    set_name(&f, &bob, "\"Bob\"");
    profile_rooms_changed(&f.services, f.arena, &bob); /* nothing new */
    profile_rooms_tick(&f.services);
    assert_int_equal(replay(&f, rooms[0]), count);
    set_name(&f, &bob, NULL);
    profile_rooms_changed(&f.services, f.arena, &bob);
    member = member_of(&f, &bob, rooms[1]);
    assert_true(json_eq(&member, quoted_json(f.arena, "{'membership':'join','org.example.colour':'red'}")));
    for (int i = 0; i < 4; i++)
        replay(&f, rooms[i]);
    fixture_fini(&f);
}

/* Who authorised a join does not stand behind what comes later. */
static void no_authoriser(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        struct json member;
        if (!version->restricted_join)
            continue;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
        struct str hall = fixture_room(&f, &alice, "{'preset':'public_chat'}");
        struct str room = fixture_room(
            &f, &alice,
            CSTR(f.arena,
                 "{'room_version':'%.*s','initial_state':[{'type':'m.room.join_rules','content':{'join_rule':"
                 "'restricted','allow':[{'type':'m.room_membership','room_id':'%.*s'}]}}]}",
                 STR_ARG(version->name), STR_ARG(hall)));
        do_join(&f, &bob, hall);
        do_join(&f, &bob, room);
        member = member_of(&f, &bob, room);
        assert_non_null(json_get(&member, STR("join_authorised_via_users_server")));
        set_name(&f, &bob, "\"Bob\"");
        profile_rooms_changed(&f.services, f.arena, &bob);
        member = member_of(&f, &bob, room);
        assert_null(json_get(&member, STR("join_authorised_via_users_server")));
        check_str(json_str_at(&member, STR("displayname")), STR("Bob"), "displayname");
        replay(&f, room);
        fixture_fini(&f);
    }
}

static int64_t now_ms;

static int64_t clock_now(void)
{
    return now_ms;
}

static size_t count_named(struct fixture *f, const struct caller *who, const struct str *rooms, size_t count,
                          struct str name)
{
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        struct json member = member_of(f, who, rooms[i]);
        named += str_eq(json_str_at(&member, STR("displayname")), name);
    }
    return named;
}

/* A user in many rooms: some are told at once, the rest over ticks and a restart; others have their turn between; a
 * second change begins again. */
static void many_rooms(void **state)
{
    enum { ROOMS = 3 * PROFILE_ROOMS_AT_ONCE };
    (void)state;
    struct fixture f;
    struct str rooms[ROOMS];
    now_ms = INT64_C(1700000000000);
    clock_set_source(clock_now);
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    for (int i = 0; i < ROOMS; i++)
        rooms[i] = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, rooms[0]);
    set_name(&f, &alice, "\"A\"");
    profile_rooms_changed(&f.services, f.arena, &alice);
    assert_int_equal(count_named(&f, &alice, rooms, ROOMS, STR("A")), PROFILE_ROOMS_AT_ONCE);
    assert_true(is_noted(&f, &alice));
    set_name(&f, &bob, "\"Bob\""); /* and then the program ended, so to say */
    fixture_forget(&f);
    profile_rooms_tick(&f.services);
    check_name(&f, &bob, rooms[0], STR("Bob"));
    assert_int_equal(count_named(&f, &alice, rooms, ROOMS, STR("A")), 2 * PROFILE_ROOMS_AT_ONCE);

    set_name(&f, &alice, "\"B\"");
    profile_rooms_tick(&f.services);
    assert_int_equal(count_named(&f, &alice, rooms, ROOMS, STR("B")), PROFILE_ROOMS_AT_ONCE);
    check_name(&f, &alice, rooms[0], STR("B"));
    profile_rooms_tick(&f.services);
    assert_true(is_noted(&f, &alice));
    profile_rooms_tick(&f.services);
    assert_int_equal(count_named(&f, &alice, rooms, ROOMS, STR("B")), ROOMS);
    assert_false(is_noted(&f, &alice));
    profile_rooms_tick(&f.services);
    for (int i = 0; i < ROOMS; i++)
        replay(&f, rooms[i]);
    fixture_fini(&f);
    clock_set_source(NULL);
}

/* While the disk fails nothing is lost: the note stays, and later the rooms are told. */
static void a_failing_disk(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    set_name(&f, &alice, "\"A\"");
    faulty_disk_break(WRITE_FULL, 0, false);
    profile_rooms_changed(&f.services, f.arena, &alice);
    profile_rooms_tick(&f.services);
    faulty_disk_mend();
    check_name(&f, &alice, room, STR(""));
    assert_true(is_noted(&f, &alice));
    profile_rooms_tick(&f.services);
    check_name(&f, &alice, room, STR("A"));
    assert_false(is_noted(&f, &alice));
    replay(&f, room);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_kept),
        cmocka_unit_test(no_authoriser),
        cmocka_unit_test(many_rooms),
        cmocka_unit_test(a_failing_disk),
    };
    return cmocka_run_group_tests(tests, faulty_disk_install, NULL);
}
