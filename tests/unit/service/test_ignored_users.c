#include "service/account_data.h"
#include "service/ignored_users.h"
#include "service/receipt.h"
#include "service/typing.h"

#include "room_fixture.h"

/* --- the list --- */

static void lists_are_checked(void **state)
{
    static const struct {
        const char *name, *content;
        enum errcode want;
    } cases[] = {
        {"one", "{'ignored_users':{'@bob:hearth.test':{}}}", ERRCODE_NONE},
        {"more to come", "{'ignored_users':{'@bob:hearth.test':{'a':1}},'b':2}", ERRCODE_NONE},
        {"nobody", "{'ignored_users':{}}", ERRCODE_NONE},
        {"cleared", "{}", ERRCODE_NONE},
        {"no list", "{'ignored':{}}", M_BAD_JSON},
        {"an array", "{'ignored_users':['@bob:hearth.test']}", M_BAD_JSON},
        {"null", "{'ignored_users':null}", M_BAD_JSON},
        {"no user id", "{'ignored_users':{'bob':{}}}", M_INVALID_PARAM},
        {"a room id", "{'ignored_users':{'@bob:hearth.test':{},'!bob:hearth.test':{}}}", M_INVALID_PARAM},
        {"no object", "{'ignored_users':{'@bob:hearth.test':true}}", M_BAD_JSON},
    };
    (void)state;
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fault fault = ignored_users_check(a, quoted_json(a, cases[i].content));
        check_case(fault.code == cases[i].want, cases[i].name);
        check_case(!fault.code || str_find_str(fault.message, STR("ignored_users")) == 0, cases[i].name);
    }
    struct json *list = json_object(a), *content = json_object(a);
    for (int i = 0; i <= IGNORED_USERS_MAX; i++) {
        json_set(a, content, STR("ignored_users"), *list);
        if (i == IGNORED_USERS_MAX)
            assert_int_equal(ignored_users_check(a, content).code, ERRCODE_NONE);
        json_set(a, list, str_fmt(a, "@user%d:hearth.test", i), *json_object(a));
    }
    json_set(a, content, STR("ignored_users"), *list);
    assert_int_equal(ignored_users_check(a, content).code, M_TOO_LARGE);
    arena_free(&a);
}

static struct fault try_ignore(struct fixture *f, const struct caller *who, const char *content)
{
    return account_data_put(&f->services, f->arena, who, (struct str){0}, IGNORED_USERS_TYPE,
                            quoted_json(f->arena, content));
}

static const char bob_alone[] = "{'ignored_users':{'@bob:hearth.test':{}}}";

static bool ignores(struct fixture *f, const struct caller *who, const char *user_id)
{
    struct store_tx *tx = store_read_begin(f->services.store);
    const struct json *list = ignored_users_read(tx, f->arena, who->user_nid, who->user_id);
    bool found = ignored_users_has(list, str_of(user_id));
    assert_true(store_read_end(&tx));
    return found;
}

static void lists_are_read(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    assert_false(ignores(&f, &alice, "@bob:hearth.test"));
    check_fault(try_ignore(&f, &alice, "{'ignored_users':1}"), M_BAD_JSON, "no list");
    check_ok(try_ignore(&f, &alice, "{'ignored_users':{'@alice:hearth.test':{},'@bob:hearth.test':{}}}"));
    assert_true(ignores(&f, &alice, "@bob:hearth.test"));
    assert_false(ignores(&f, &alice, "@carol:hearth.test"));
    assert_false(ignores(&f, &alice, "@alice:hearth.test")); /* nobody ignores themselves */
    check_ok(try_ignore(&f, &alice, "{'ignored_users':{'@alice:hearth.test':{}}}"));
    assert_false(ignores(&f, &alice, "@alice:hearth.test"));
    check_ok(try_ignore(&f, &alice, "{}"));
    assert_false(ignores(&f, &alice, "@bob:hearth.test"));
    fixture_fini(&f);
}

/* --- what it leaves out --- */

struct stage {
    struct fixture f;
    struct caller alice, bob, carol;
    struct str room;
};

static void stage_init(struct stage *t)
{
    fixture_init(&t->f, NULL);
    t->alice = fixture_user(&t->f, "alice");
    t->bob = fixture_user(&t->f, "bob");
    t->carol = fixture_user(&t->f, "carol");
    t->room = fixture_room(&t->f, &t->alice, "{'preset':'public_chat'}");
    do_join(&t->f, &t->bob, t->room);
    do_join(&t->f, &t->carol, t->room);
}

static const struct json *sync_room(struct stage *t, int64_t since, bool *empty_out)
{
    struct sync_query q = {.since = since};
    return sync_room_section(do_sync_query(&t->f, &t->alice, &q, empty_out), "join", t->room);
}

static int64_t position(struct stage *t)
{
    struct sync_query q = {0};
    return sync_next(do_sync_query(&t->f, &t->alice, &q, NULL));
}

static void check_unread(struct stage *t, int64_t notify, int64_t highlight, const char *what)
{
    int64_t got_notify = -1, got_highlight = -1;
    const struct json *unread = json_get(sync_room(t, 0, NULL), STR("unread_notifications"));
    check_case(json_int_at(unread, STR("notification_count"), &got_notify), what);
    check_case(json_int_at(unread, STR("highlight_count"), &got_highlight), what);
    if (got_notify != notify || got_highlight != highlight)
        fail_msg("%s: got %d and %d, want %d and %d", what, (int)got_notify, (int)got_highlight, (int)notify,
                 (int)highlight);
}

static void syncs_leave_messages_out(void **state)
{
    (void)state;
    struct stage t;
    bool empty;
    stage_init(&t);
    int64_t since = position(&t);
    check_ok(try_ignore(&t.f, &t.alice, bob_alone));
    since = position(&t);
    do_say(&t.f, &t.bob, t.room, "1");
    (void)sync_room(&t, since, &empty);
    assert_true(empty); /* so that a long poll goes on */
    do_say(&t.f, &t.carol, t.room, "2");
    do_state(&t.f, &t.alice, t.room, "m.room.power_levels", "", "{'users':{'@bob:hearth.test':50}}");
    do_state(&t.f, &t.bob, t.room, "m.room.topic", "", "{'topic':'state stays'}");
    do_say(&t.f, &t.bob, t.room, "3");
    const struct json *timeline = json_at(sync_room(&t, since, NULL), "timeline events");
    assert_int_equal(timeline->count, 3);
    check_str(json_str_at(&timeline->items[2], STR("type")), STR("m.room.topic"), "his state");
    since = position(&t);
    check_ok(try_ignore(&t.f, &t.alice, "{'ignored_users':{}}"));
    assert_null(sync_room(&t, since, NULL)); /* what was missed is not told later */
    do_say(&t.f, &t.bob, t.room, "4");
    assert_int_equal(json_at(sync_room(&t, since, NULL), "timeline events")->count, 1);
    fixture_fini(&t.f);
}

static void unread_counts_leave_them_out(void **state)
{
    static const char mention[] =
        "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@alice:hearth.test','@carol:hearth.test']}}";
    (void)state;
    struct stage t;
    stage_init(&t);
    do_say(&t.f, &t.bob, t.room, "1");
    struct str carols = do_say(&t.f, &t.carol, t.room, "2");
    (void)do_send(&t.f, &t.bob, t.room, mention);
    check_unread(&t, 3, 1, "before");
    check_ok(try_ignore(&t.f, &t.alice, bob_alone));
    check_unread(&t, 1, 0, "his are not counted");
    (void)do_send(&t.f, &t.carol, t.room, mention);
    for (int i = 0; i < 120; i++) /* more than are read at once */
        do_say(&t.f, &t.bob, t.room, "again");
    check_unread(&t, 2, 1, "those of others are");
    check_ok(receipt_set(&t.f.services, t.f.arena, &t.alice, t.room, STR("m.read"), carols, (struct str){0}));
    check_unread(&t, 1, 1, "read on");
    check_ok(try_ignore(&t.f, &t.alice, "{}"));
    check_unread(&t, 122, 2, "and again");
    fixture_fini(&t.f);
}

static void ephemeral_events_leave_them_out(void **state)
{
    (void)state;
    struct stage t;
    stage_init(&t);
    struct str said = do_say(&t.f, &t.alice, t.room, "1");
    check_ok(try_ignore(&t.f, &t.alice, bob_alone));
    int64_t since = position(&t);
    check_ok(typing_set(&t.f.services, t.f.arena, &t.bob, t.room, 10000));
    check_ok(typing_set(&t.f.services, t.f.arena, &t.carol, t.room, 10000));
    check_ok(receipt_set(&t.f.services, t.f.arena, &t.bob, t.room, STR("m.read"), said, (struct str){0}));
    const struct json *events = json_at(sync_room(&t, since, NULL), "ephemeral events");
    assert_int_equal(events->count, 1);
    check_str(json_text(t.f.arena, json_at(&events->items[0], "content user_ids")), STR("[\"@carol:hearth.test\"]"),
              "who types");
    check_ok(receipt_set(&t.f.services, t.f.arena, &t.carol, t.room, STR("m.read"), said, (struct str){0}));
    struct str text = json_text(t.f.arena, sync_room(&t, since, NULL));
    assert_true(str_find_str(text, STR("m.receipt")) < text.n);
    assert_true(str_find_str(text, STR("@bob")) == text.n);
    fixture_fini(&t.f);
}

static void invites_are_not_told(void **state)
{
    (void)state;
    struct stage t;
    stage_init(&t);
    struct str his = fixture_room(&t.f, &t.bob, "{}"), hers = fixture_room(&t.f, &t.carol, "{}");
    check_ok(try_ignore(&t.f, &t.alice, bob_alone));
    struct sync_query q = {.since = position(&t)};
    bool empty;
    do_invite(&t.f, &t.bob, his, &t.alice);
    (void)do_sync_query(&t.f, &t.alice, &q, &empty);
    assert_true(empty);
    do_invite(&t.f, &t.carol, hers, &t.alice);
    assert_non_null(sync_room_section(do_sync_query(&t.f, &t.alice, &q, NULL), "invite", hers));
    check_ok(try_ignore(&t.f, &t.alice, "{}"));
    q.since = 0;
    assert_non_null(sync_room_section(do_sync_query(&t.f, &t.alice, &q, NULL), "invite", his));
    fixture_fini(&t.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_checked),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(syncs_leave_messages_out),
        cmocka_unit_test(unread_counts_leave_them_out),
        cmocka_unit_test(ephemeral_events_leave_them_out),
        cmocka_unit_test(invites_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
