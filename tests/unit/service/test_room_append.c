#include "room_fixture.h"

/* --- transactions --- */

static void same_transaction_same_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct caller phone = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str other_room = fixture_room(&f, &alice, "{}");
    const struct {
        const struct caller *who;
        struct str room;
        const char *type, *txn_id, *content;
        size_t same_as; /* the earlier row whose event this gives again */
    } sends[] = {
        {&alice, room, "m.room.message", "1", "{'msgtype':'m.text','body':'a'}", 0},
        {&alice, room, "m.room.message", "1", "{'msgtype':'m.text','body':'a'}", 0},
        {&alice, room, "m.room.message", "1", "{'msgtype':'m.text','body':'other'}", 0},
        {&alice, room, "m.room.message", "2", "{'msgtype':'m.text','body':'a'}", 3},
        {&phone, room, "m.room.message", "1", "{'msgtype':'m.text','body':'a'}", 4},
        {&alice, room, "org.example", "1", "{}", 5},
        {&alice, other_room, "m.room.message", "1", "{'msgtype':'m.text','body':'a'}", 6},
        {&alice, room, "org.example", "1", "{'x':1}", 5},
    };
    struct str ids[COUNT_OF(sends)];
    for (int restarted = 0; restarted < 2; restarted++) {
        for (size_t i = 0; i < COUNT_OF(sends); i++) {
            struct str id;
            check_ok(room_send(&f.services, f.arena, sends[i].who, sends[i].room, str_of(sends[i].type),
                               str_of(sends[i].txn_id), quoted_json(f.arena, sends[i].content), &id));
            if (!restarted)
                ids[i] = id;
            for (size_t k = 0; k < (restarted ? COUNT_OF(sends) : i); k++)
                check_case(str_eq(id, ids[k]) == (sends[i].same_as == sends[k].same_as), sends[i].content);
        }
        fixture_forget(&f);
    }
    assert_int_equal(replay(&f, room), 6 + 4);
    assert_int_equal(replay(&f, other_room), 6 + 1);
    fixture_fini(&f);
}

/* --- threads --- */

enum { THREADS = 8 };

struct racer {
    struct thread thread;
    struct fixture *f;
    struct caller who;
    struct str room;
    struct str txn_id;
    int number;
    int count;
    _Atomic bool *go;
    struct str *ids; /* of what was acknowledged */
    struct fault fault;
    struct arena *arena;
};

static void wait_for(_Atomic bool *go)
{
    while (!*go)
        sched_yield();
}

static void send_same(void *arg)
{
    struct racer *r = arg;
    wait_for(r->go);
    r->fault = room_send(&r->f->services, r->arena, &r->who, r->room, STR("m.room.message"), r->txn_id,
                         quoted_json(r->arena, "{'msgtype':'m.text','body':'b'}"), &r->ids[0]);
}

static void start(struct racer *r, void (*fn)(void *))
{
    r->arena = arena_new();
    r->ids = ARENA_ARRAY(r->arena, (size_t)r->count, struct str);
    assert_true(thread_start(&r->thread, "racer", 0, fn, r));
}

static void eight_threads_one_transaction(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path); /* on disk, so that commits take their time */
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    enum { ROUNDS = 60 };
    for (int round = 0; round < ROUNDS; round++) {
        struct racer racers[THREADS];
        _Atomic bool go = false;
        for (int i = 0; i < THREADS; i++) {
            racers[i] = (struct racer){
                .f = &f, .who = alice, .room = room, .count = 1, .go = &go, .txn_id = str_fmt(f.arena, "r%d", round)};
            start(&racers[i], send_same);
        }
        go = true;
        for (int i = 0; i < THREADS; i++) {
            thread_join(&racers[i].thread);
            check_ok(racers[i].fault);
            check_str(racers[i].ids[0], racers[0].ids[0], "event");
        }
        for (int i = 0; i < THREADS; i++)
            arena_free(&racers[i].arena);
    }
    assert_int_equal(replay(&f, room), 6 + ROUNDS);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

static void send_many(void *arg)
{
    struct racer *r = arg;
    wait_for(r->go);
    for (int i = 0; i < r->count && !r->fault.code; i++)
        r->fault = room_send(&r->f->services, r->arena, &r->who, r->room, STR("m.room.message"),
                             str_fmt(r->arena, "%d.%d", r->number, i),
                             quoted_json(r->arena, "{'msgtype':'m.text','body':'b'}"), &r->ids[i]);
}

static void change_state(void *arg)
{
    struct racer *r = arg;
    wait_for(r->go);
    for (int i = 0; i < r->count && !r->fault.code; i++)
        r->fault = room_put_state(&r->f->services, r->arena, &r->who, r->room, STR("m.room.topic"), STR(""),
                                  quoted_json(r->arena, CSTR(r->arena, "{'topic':'%d.%d'}", r->number, i)), &r->ids[i]);
}

/* Comes and goes; who comes and goes cannot be refused for what others do. */
static void come_and_go(void *arg)
{
    struct racer *r = arg;
    wait_for(r->go);
    for (int i = 0; i < r->count && !r->fault.code; i++) {
        r->fault = room_join(&r->f->services, r->arena, &r->who, r->room, NO_REASON);
        if (!r->fault.code)
            r->fault = room_leave(&r->f->services, r->arena, &r->who, r->room, NO_REASON);
    }
}

/* Each event that was acknowledged is in the room, once. */
static void check_ids(struct fixture *f, struct str room, const struct racer *r)
{
    struct arena *a = arena_new();
    struct store_tx *tx = store_read_begin(f->services.store);
    int64_t last = 0;
    for (int i = 0; i < r->count; i++) {
        struct event_row row;
        assert_true(events_by_id(tx, r->ids[i], a, &row));
        assert_int_equal(row.room_nid, rooms_nid_of(tx, room));
        assert_true(row.pos > last); /* in the order in which they were sent */
        last = row.pos;
    }
    assert_true(store_read_end(&tx));
    arena_free(&a);
}

static void many_threads_one_room(void **state)
{
    enum { MESSAGES = 200, CHANGES = 40, VISITS = 20 };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_state(&f, &alice, room, "m.room.power_levels", "", "{'state_default':0,'events':{'m.room.topic':0}}");
    struct racer racers[THREADS + 4] = {0};
    _Atomic bool go = false;
    for (int i = 0; i < (int)COUNT_OF(racers); i++) {
        struct racer *r = &racers[i];
        *r = (struct racer){.f = &f, .room = room, .number = i, .go = &go};
        r->who = fixture_user(&f, CSTR(f.arena, "u%d", i));
        r->count = i < THREADS ? MESSAGES : i < THREADS + 2 ? CHANGES : VISITS;
        if (i < THREADS + 2)
            do_join(&f, &r->who, room);
        start(r, i < THREADS ? send_many : i < THREADS + 2 ? change_state : come_and_go);
    }
    go = true;
    for (size_t i = 0; i < COUNT_OF(racers); i++) {
        thread_join(&racers[i].thread);
        check_ok(racers[i].fault);
        if (i < THREADS + 2)
            check_ids(&f, room, &racers[i]);
    }
    size_t count = replay(&f, room);
    assert_int_equal(count, 6 + 1 + (THREADS + 2) + THREADS * MESSAGES + 2 * CHANGES + 2 * 2 * VISITS);
    fixture_forget(&f);
    assert_int_equal(replay(&f, room), count);
    for (size_t i = 0; i < COUNT_OF(racers); i++)
        arena_free(&racers[i].arena);
    fixture_fini(&f);
}

/* --- drafts --- */

static struct room_draft draft_of(const struct caller *who, const char *type, const char *state_key,
                                  const struct json *content)
{
    return (struct room_draft){.type = str_of(type),
                               .sender = who->user_id,
                               .sender_nid = who->user_nid,
                               .has_state_key = state_key != NULL,
                               .state_key = str_of(state_key),
                               .content = content};
}

/* All or none: a draft that is refused takes those before it along, and the room goes on from where it was. */
static void all_or_none(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{}");
    struct room *room = do_open(&f, room_id);
    const struct json *empty = json_object(f.arena);
    for (int round = 0; round < 2; round++) {
        struct room_draft drafts[] = {
            draft_of(&alice, "m.room.topic", "", quoted_json(f.arena, "{'topic':'t'}")),
            draft_of(&alice, "org.example", NULL, empty),
            draft_of(&alice, "org.example", "@bob:hearth.test", empty), /* rule 8 */
        };
        struct fault fault = room_append(&f.services, f.arena, room, drafts, round ? 2 : 3);
        check_fault(fault, round ? ERRCODE_NONE : M_FORBIDDEN, "drafts");
        assert_int_equal(replay(&f, room_id), round ? 8 : 6);
        if (round)
            assert_true(drafts[0].pos > 0 && drafts[1].pos > drafts[0].pos && drafts[1].event_id.n == 44);
    }
    room_close(&f.services, &room);
    fixture_fini(&f);
}

/* State that says already what it is to say is not sent again, unless the draft asks for it. */
static void repeated_state(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct caller bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room_id);
    do_state(&f, &alice, room_id, "m.room.power_levels", "", "{'state_default':0,'events':{'m.room.topic':0}}");
    struct str first = do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'t'}");
    check_str(do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'t'}"), first, "same");
    struct str others = do_state(&f, &bob, room_id, "m.room.topic", "", "{'topic':'t'}");
    assert_false(str_eq(others, first));
    struct room *room = do_open(&f, room_id);
    const struct json *content = quoted_json(f.arena, "{'topic':'t'}");
    struct room_draft draft = draft_of(&bob, "m.room.topic", "", content);
    check_ok(room_append(&f.services, f.arena, room, &draft, 1));
    check_str(draft.event_id, others, "same");
    assert_int_equal(draft.pos, 0);
    draft.repeat = true;
    check_ok(room_append(&f.services, f.arena, room, &draft, 1));
    assert_true(draft.pos > 0 && !str_eq(draft.event_id, others));
    room_close(&f.services, &room);
    replay(&f, room_id);
    fixture_fini(&f);
}

/* Whoever may not send it is told so, also if the state says the same already. */
static void repeated_state_by_who_may_not(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct caller bob = fixture_user(&f, "bob");
    struct caller carol = fixture_user(&f, "carol");
    struct str room = fixture_room(&f, &alice, "{'power_level_content_override':{'state_default':0,'events':{}}}");
    struct str none;
    do_invite(&f, &alice, room, &bob);
    do_join(&f, &bob, room);
    do_state(&f, &bob, room, "m.room.topic", "", "{'topic':'t'}");
    do_invite(&f, &bob, room, &carol);
    do_state(&f, &alice, room, "m.room.power_levels", "", "{'state_default':50}");
    check_fault(try_state(&f, &bob, room, "m.room.topic", "", "{'topic':'t'}", &none), M_FORBIDDEN, "no power");
    do_state(&f, &alice, room, "m.room.power_levels", "", "{'state_default':0}");
    do_state(&f, &bob, room, "m.room.topic", "", "{'topic':'t'}");
    do_leave(&f, &bob, room);
    check_fault(try_state(&f, &bob, room, "m.room.topic", "", "{'topic':'t'}", &none), M_FORBIDDEN, "left");
    check_fault(room_invite(&f.services, f.arena, &bob, room, carol.user_id, NO_REASON), M_FORBIDDEN, "invite");
    replay(&f, room);
    fixture_fini(&f);
}

/* Events at and over the size limit, and content that events cannot hold. */
static void what_is_no_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str id;
    char *big = arena_alloc(f.arena, 70000);
    memset(big, 'x', 66000);
    struct json *content = json_object(f.arena);
    json_set_str(f.arena, content, STR("x"), (struct str){big, 66000});
    check_fault(room_send(&f.services, f.arena, &alice, room, STR("org.example"), STR("1"), content, &id), M_TOO_LARGE,
                "66000");
    json_set_str(f.arena, content, STR("x"), (struct str){big, 60000});
    check_ok(room_send(&f.services, f.arena, &alice, room, STR("org.example"), STR("1"), content, &id));
    check_fault(try_send(&f, &alice, room, "org.example", "{'x':1.5}", &id), M_BAD_JSON, "float");
    check_fault(try_send(&f, &alice, room, "org.example", "{'x':9007199254740992}", &id), M_BAD_JSON, "2^53");
    check_ok(try_send(&f, &alice, room, "org.example", "{'x':9007199254740991}", &id));
    check_fault(try_state(&f, &alice, room, "org.example", CSTR(f.arena, "%.256s", big), "{}", &id), M_BAD_JSON,
                "state_key of 256 bytes");
    check_ok(try_state(&f, &alice, room, "org.example", CSTR(f.arena, "%.255s", big), "{}", &id));
    check_fault(try_send(&f, &alice, room, CSTR(f.arena, "%.256s", big), "{}", &id), M_BAD_JSON, "type of 256 bytes");
    check_fault(room_send(&f.services, f.arena, &alice, room, STR("a"), STR(""), content, &id), M_INVALID_PARAM, "txn");
    check_fault(room_send(&f.services, f.arena, &alice, room, STR("a"), (struct str){big, 256}, content, &id),
                M_INVALID_PARAM, "txn of 256 bytes");
    assert_int_equal(replay(&f, room), 6 + 3);
    fixture_fini(&f);
}

/* A room so busy that its head outgrows its memory is read again, and goes on where it was. */
static void long_life(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    for (int i = 0; i < 200; i++)
        do_state(&f, &alice, room, "org.example", CSTR(f.arena, "%d", i),
                 CSTR(f.arena, "{'x':'%05000d'}", i)); /* a megabyte of state */
    assert_int_equal(replay(&f, room), 6 + 200);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_transaction_same_event),
        cmocka_unit_test(eight_threads_one_transaction),
        cmocka_unit_test(many_threads_one_room),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(repeated_state),
        cmocka_unit_test(repeated_state_by_who_may_not),
        cmocka_unit_test(what_is_no_event),
        cmocka_unit_test(long_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
