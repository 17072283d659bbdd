/*
 * Rooms while the disk fails: writes, syncs or reads. Whatever fails, an answer that was good is in the room, one that
 * was a fault may be sent again, and the room is sound.
 */
#include "service/room_alias.h"

#include "faulty_disk.h"
#include "room_fixture.h"

/* A server is started more than once on the same file; this is the room's id beyond its first run. */
static struct str keep_id(struct str room, char kept[64])
{
    assert_true(room.n <= 64);
    memcpy(kept, room.p, room.n);
    return (struct str){kept, room.n};
}

/* --- one room, one user, one fault after the other --- */

static struct str event_known(struct fixture *f, struct str event_id)
{
    struct event_row row = {0};
    struct store_tx *tx = store_read_begin(f->services.store);
    bool found = events_by_id(tx, event_id, f->arena, &row);
    assert_true(store_read_end(&tx));
    return found ? row.event_id : (struct str){0};
}

/* What a request is to leave behind: an id that is in the room, or a fault of the database. */
static bool check_answer(struct fixture *f, struct fault fault, struct str event_id)
{
    if (fault.code) {
        assert_int_equal(fault.code, M_UNKNOWN);
        assert_int_equal(fault.status, 500);
        return false;
    }
    check_str(event_known(f, event_id), event_id, "acknowledged event");
    return true;
}

static struct fault act(struct fixture *f, const struct caller *alice, struct str room, int kind, int n,
                        struct str *id_out)
{
    struct services *s = &f->services;
    struct arena *a = f->arena;
    switch (kind) {
    case 0:
        return room_send(s, a, alice, room, STR("org.example"), str_fmt(a, "n%d", n), json_object(a), id_out);
    case 1:
        return room_put_state(s, a, alice, room, STR("org.example"), str_fmt(a, "k%d", n % 5),
                              quoted_json(a, CSTR(a, "{'n':%d}", n)), id_out);
    default:
        return room_redact(s, a, alice, room, *id_out, str_fmt(a, "n%d", n), NO_REASON, id_out);
    }
}

static void each_fault_in_turn(void **state)
{
    static const enum disk_fault faults[] = {WRITE_FULL, SYNC_FAILS};
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(fixture_room(&f, &alice, "{}"), kept);
    struct str last = do_say(&f, &alice, room, "first");
    size_t stored = 7;
    int failed = 0;
    int n = 0;
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        for (int countdown = 0; countdown < 6; countdown++)
            for (int kind = 0; kind < 3; kind++) {
                struct str id = last;
                faulty_disk_break(faults[i], countdown, false);
                struct fault fault = act(&f, &alice, room, kind, n, &id);
                faulty_disk_mend();
                bool good = check_answer(&f, fault, id);
                failed += !good;
                /* The same again: the same event if it was good, else one that now is. */
                struct str again = last;
                check_ok(act(&f, &alice, room, kind, n, &again));
                assert_true(!good || str_eq(id, again));
                stored++;
                n++;
                assert_int_equal(replay(&f, room), stored);
                last = kind == 0 ? again : do_say(&f, &alice, room, "next");
                stored += kind != 0;
            }
    assert_true(failed > 5);
    fixture_fini(&f);

    fixture_init(&f, path); /* and so it is on disk */
    assert_int_equal(replay(&f, room), stored);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

/* A new room is there with all its events, or not at all. */
static void rooms_are_made_whole(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    const struct json *body = quoted_json(f.arena, "{'room_alias_name':'den'}");
    struct str room;
    struct json *rooms;
    for (int i = 0; i < 2; i++) {
        faulty_disk_break(i ? SYNC_FAILS : WRITE_FULL, 0, false);
        check_fault(room_create(&f.services, f.arena, &alice, body, &room), M_UNKNOWN, "create");
        faulty_disk_mend();
        check_ok(room_read_joined_rooms(&f.services, f.arena, &alice, &rooms));
        assert_int_equal(rooms->count, 0);
    }
    check_ok(room_create(&f.services, f.arena, &alice, body, &room));
    replay(&f, room);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

/* --- reads that fail --- */

/* The head must not remember "no such state" of a read that failed, nor stand on an event that was not written. */
static void failing_reads(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct fixture f;
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(fixture_room(&f, &alice, "{}"), kept);
    for (int i = 0; i < 400; i++) /* more than the caches of a connection hold */
        do_state(&f, &alice, room, "org.example", CSTR(f.arena, "%d", i), CSTR(f.arena, "{'x':'%02000d'}", i));
    size_t stored = 6 + 400;
    fixture_fini(&f);
    int failed = 0;
    for (int countdown = 0; countdown < 60; countdown += 2) {
        fixture_init(&f, path);
        alice = fixture_user(&f, "alice");
        struct str id;
        for (int n = 0; n < 2; n++) {
            faulty_disk_break(READ_FAILS, countdown, false);
            struct fault fault =
                n ? try_state(&f, &alice, room, "org.example", CSTR(f.arena, "%d", 37 * countdown % 400),
                              CSTR(f.arena, "{'n':%d}", countdown), &id)
                  : try_send(&f, &alice, room, "org.example", "{}", &id);
            faulty_disk_mend();
            failed += fault.code != ERRCODE_NONE;
            stored += fault.code == ERRCODE_NONE;
            check_answer(&f, fault, id);
            check_ok(try_send(&f, &alice, room, "org.example", "{}", &id));
            stored++;
        }
        if (countdown % 10 == 0)
            assert_int_equal(replay(&f, room), stored);
        fixture_fini(&f);
    }
    assert_true(failed > 5);
    free(path);
    scratch_remove(folder);
}

/* Nothing that cannot be read is taken for something that is not there: all but what needs no reading is a 500. */
static struct fault ask(struct fixture *f, const struct caller *alice, const struct caller *bob, struct str room,
                        int what)
{
    struct services *s = &f->services;
    struct arena *a = f->arena;
    const struct json *state;
    struct json *json;
    struct str id;
    switch (what) {
    case 0:
        return try_send(f, alice, room, "org.example", "{}", &id);
    case 1:
        return try_state(f, alice, room, "org.example", "", "{'n':1}", &id);
    case 2:
        return room_alias_set(s, a, alice, STR("#den:hearth.test"), room);
    case 3:
        return room_alias_list(s, a, alice, room, &json);
    case 4:
        return typing_set(s, a, alice, room, 1000);
    case 5:
        return room_kick(s, a, alice, room, bob->user_id, NO_REASON);
    case 6:
        return room_join(s, a, bob, room, NO_REASON);
    case 7:
        return room_leave(s, a, bob, room, NO_REASON);
    case 8:
        return room_forget(s, bob, room);
    case 9:
        return read_state(f, alice, room, &state);
    default:
        return room_put_state(s, a, alice, room, STR("m.room.member"), alice->user_id,
                              quoted_json(a, "{'membership':'join','x':1}"), &id);
    }
}

/* The alias is free, and bob is in the room or has left it; then everything is read from the disk again. */
static void set_scene(const char *path, struct str room, bool bob_leaves)
{
    struct fixture f;
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct fault fault = room_alias_delete(&f.services, f.arena, &alice, STR("#den:hearth.test"));
    assert_true(!fault.code || fault.code == M_NOT_FOUND);
    do_join(&f, &bob, room);
    if (bob_leaves)
        do_leave(&f, &bob, room);
    fixture_fini(&f);
}

static void unreadable_is_not_absent(void **state)
{
    enum { REQUESTS = 11 };
    (void)state;
    int failed = 0;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct fixture f;
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    char kept[64];
    struct str room = keep_id(fixture_room(&f, &alice, "{'preset':'public_chat'}"), kept);
    do_join(&f, &bob, room);
    fixture_fini(&f);
    for (int what = 0; what < REQUESTS; what++)
        for (int countdown = 0; countdown < 24; countdown += countdown < 8 ? 1 : 4) {
            set_scene(path, room, what == 8);
            fixture_init(&f, path);
            alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
            faulty_disk_break(READ_FAILS, countdown, false);
            struct fault fault = ask(&f, &alice, &bob, room, what);
            faulty_disk_mend();
            failed += fault.code != ERRCODE_NONE;
            if (fault.code && (fault.code != M_UNKNOWN || fault.status != 500))
                fail_msg("request %d, %d good reads: %.*s", what, countdown, STR_ARG(fault.message));
            fixture_fini(&f);
        }
    assert_true(failed > 3 * REQUESTS);
    free(path);
    scratch_remove(folder);
}

/* --- many at once --- */

enum { THREADS = 8, SENDS = 60 };

struct sender {
    struct thread thread;
    struct fixture *f;
    struct caller who;
    struct str room;
    struct arena *arena;
    int number;
    int failed;
    struct str ids[SENDS];
    _Atomic bool *done;
};

/* Sends until each message is acknowledged. */
static void send_until_good(void *arg)
{
    struct sender *x = arg;
    struct arena *a = x->arena;
    for (int i = 0; i < SENDS;) {
        struct fault fault;
        if (x->number % 4 == 0 && i % 5 == 0)
            fault = room_put_state(&x->f->services, a, &x->who, x->room, STR("org.example"),
                                   str_fmt(a, "%d", x->number), quoted_json(a, CSTR(a, "{'n':%d}", i)), &x->ids[i]);
        else
            fault = room_send(&x->f->services, a, &x->who, x->room, STR("org.example"),
                              str_fmt(a, "%d.%d", x->number, i), json_object(a), &x->ids[i]);
        if (fault.code)
            x->failed++;
        else
            i++;
    }
}

static void break_now_and_then(void *arg)
{
    _Atomic bool *done = arg;
    for (int i = 0; !*done; i++) {
        faulty_disk_break(i % 2 ? WRITE_FULL : SYNC_FAILS, i % 7, false);
        usleep(2000);
        faulty_disk_mend();
        usleep(6000);
    }
}

static void many_threads_and_a_bad_disk(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(
        fixture_room(&f, &alice, "{'preset':'public_chat','power_level_content_override':{'state_default':0}}"), kept);
    struct sender senders[THREADS] = {0};
    _Atomic bool done = false;
    struct thread breaker;
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.f = &f, .room = room, .number = i, .arena = arena_new()};
        senders[i].who = fixture_user(&f, CSTR(f.arena, "u%d", i));
        do_join(&f, &senders[i].who, room);
    }
    assert_true(thread_start(&breaker, "breaker", 0, break_now_and_then, &done));
    for (int i = 0; i < THREADS; i++)
        assert_true(thread_start(&senders[i].thread, "sender", 0, send_until_good, &senders[i]));
    int failed = 0;
    for (int i = 0; i < THREADS; i++) {
        thread_join(&senders[i].thread);
        failed += senders[i].failed;
    }
    done = true;
    thread_join(&breaker);
    faulty_disk_mend();
    for (int i = 0; i < THREADS; i++)
        for (int n = 0; n < SENDS; n++)
            check_str(event_known(&f, senders[i].ids[n]), senders[i].ids[n], "acknowledged event");
    /* Each was stored once: what was sent again had not been stored, or was found. */
    assert_int_equal(replay(&f, room), 6 + THREADS + THREADS * SENDS);
    assert_true(failed > 0);
    do_say(&f, &alice, room, "after all");
    fixture_fini(&f);
    fixture_init(&f, path);
    assert_int_equal(replay(&f, room), 6 + THREADS + THREADS * SENDS + 1);
    fixture_fini(&f);
    for (int i = 0; i < THREADS; i++)
        arena_free(&senders[i].arena);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_in_turn),
        cmocka_unit_test(rooms_are_made_whole),
        cmocka_unit_test(failing_reads),
        cmocka_unit_test(unreadable_is_not_absent),
        cmocka_unit_test(many_threads_and_a_bad_disk),
    };
    return cmocka_run_group_tests(tests, faulty_disk_install, NULL);
}
