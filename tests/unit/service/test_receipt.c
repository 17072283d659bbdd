#include "service/receipt.h"

#include "room_fixture.h"

static const struct json *room_news_since(struct fixture *f, const struct caller *who, struct str room, int64_t since,
                                          bool *empty_out)
{
    struct sync_query q = {.since = since};
    return sync_room_section(do_sync_query(f, who, &q, empty_out), "join", room);
}

static int64_t position(struct fixture *f, const struct caller *who)
{
    struct sync_query q = {0};
    return sync_next(do_sync_query(f, who, &q, NULL));
}

static void check_unread(struct fixture *f, const struct caller *who, struct str room, int64_t notify,
                         int64_t highlight, const char *what)
{
    const struct json *unread = json_get(room_news_since(f, who, room, 0, NULL), STR("unread_notifications"));
    int64_t got_notify = -1, got_highlight = -1;
    check_case(json_int_at(unread, STR("notification_count"), &got_notify), what);
    check_case(json_int_at(unread, STR("highlight_count"), &got_highlight), what);
    if (got_notify != notify || got_highlight != highlight)
        fail_msg("%s: got %d and %d, want %d and %d", what, (int)got_notify, (int)got_highlight, (int)notify,
                 (int)highlight);
}

static struct fault read_to(struct fixture *f, const struct caller *who, struct str room, const char *type,
                            struct str event_id, const char *thread)
{
    return receipt_set(&f->services, f->arena, who, room, str_of(type), event_id, str_of(thread));
}

static struct fault mark(struct fixture *f, const struct caller *who, struct str room, struct str fully_read,
                         struct str read, struct str read_private)
{
    struct receipt_markers markers = {fully_read, read, read_private};
    return receipt_set_markers(&f->services, f->arena, who, room, &markers);
}

/* --- unread counts --- */

/* What each event adds for @bob and @carol, by the predefined push rules. */
static void unread_counts(void **state)
{
    static const struct {
        const char *name, *sender, *type, *content;
        int64_t bob_notify, bob_highlight, carol_notify, carol_highlight;
    } cases[] = {
        {"message", "alice", "m.room.message", "{'msgtype':'m.text','body':'b'}", 1, 0, 1, 0},
        {"notice", "alice", "m.room.message", "{'msgtype':'m.notice','body':'b'}", 0, 0, 0, 0},
        {"encrypted", "alice", "m.room.encrypted", "{}", 1, 0, 1, 0},
        {"other", "alice", "org.example", "{}", 0, 0, 0, 0},
        {"mention", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@bob:hearth.test']}}", 1, 1, 1, 0},
        {"mention twice", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@bob:hearth.test','@bob:hearth.test']}}", 1, 1, 1,
         0},
        {"mention of a stranger", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@stranger:hearth.test','@x:y',1]}}", 1, 0, 1, 0},
        {"mention of both", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@bob:hearth.test','@carol:hearth.test']}}", 1, 1, 1,
         1},
        {"mention in a notice", "alice", "m.room.message",
         "{'msgtype':'m.notice','body':'b','m.mentions':{'user_ids':['@bob:hearth.test']}}", 0, 0, 0, 0},
        {"mention in an unknown type", "alice", "org.example", "{'m.mentions':{'user_ids':['@bob:hearth.test']}}", 1, 1,
         0, 0},
        {"room mention with power", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'room':true}}", 1, 1, 1, 1},
        {"room mention without", "dave", "m.room.message", "{'msgtype':'m.text','body':'b','m.mentions':{'room':true}}",
         1, 0, 1, 0},
        {"room and user", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.mentions':{'room':true,'user_ids':['@bob:hearth.test']}}", 1, 1, 1, 1},
        {"reaction", "alice", "m.reaction", "{'m.relates_to':{'rel_type':'m.annotation','event_id':'$x','key':'y'}}", 0,
         0, 0, 0},
        {"edit", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.relates_to':{'rel_type':'m.replace','event_id':'$x'}}", 0, 0, 0, 0},
        {"edit that mentions", "alice", "m.room.message",
         "{'msgtype':'m.text','body':'b','m.relates_to':{'rel_type':'m.replace','event_id':'$x'},'m.mentions':{"
         "'user_ids':['@bob:hearth.test']}}",
         1, 1, 0, 0},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), carol = fixture_user(&f, "carol");
    struct caller dave = fixture_user(&f, "dave");
    fixture_user(&f, "stranger");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    do_join(&f, &carol, room);
    do_join(&f, &dave, room);
    int64_t bob_notify = 0, bob_highlight = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str id;
        const struct caller *sender = cases[i].sender[0] == 'a' ? &alice : &dave;
        check_unread(&f, &carol, room, 0, 0, cases[i].name);
        check_ok(try_send(&f, sender, room, cases[i].type, cases[i].content, &id));
        check_unread(&f, &carol, room, cases[i].carol_notify, cases[i].carol_highlight, cases[i].name);
        check_unread(&f, sender, room, 0, 0, "one's own");
        check_ok(read_to(&f, &carol, room, "m.read", id, NULL)); /* carol reads, bob does not */
        bob_notify += cases[i].bob_notify;
        bob_highlight += cases[i].bob_highlight;
        check_unread(&f, &bob, room, bob_notify, bob_highlight, cases[i].name);
    }
    do_say(&f, &bob, room, "who speaks has read");
    check_unread(&f, &bob, room, 0, 0, "spoken");
    replay(&f, room);
    fixture_fini(&f);
}

/* Reading a part, joining late, coming back, and private receipts: the one further on counts. */
static void reading_on(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct str said[8];
    do_say(&f, &alice, room, "before");
    do_join(&f, &bob, room);
    check_unread(&f, &bob, room, 0, 0, "joined");
    for (int i = 0; i < 8; i++)
        said[i] = do_send(&f, &alice, room,
                          i % 2 ? "{'msgtype':'m.text','body':'b'}"
                                : "{'msgtype':'m.text','body':'b','m.mentions':{'user_ids':['@bob:hearth.test']}}");
    check_unread(&f, &bob, room, 8, 4, "all");
    check_ok(read_to(&f, &bob, room, "m.read", said[1], NULL));
    check_unread(&f, &bob, room, 6, 3, "two read");
    check_ok(read_to(&f, &bob, room, "m.read", said[0], NULL));
    check_unread(&f, &bob, room, 6, 3, "backwards");
    check_ok(read_to(&f, &bob, room, "m.read.private", said[4], NULL));
    check_unread(&f, &bob, room, 3, 1, "privately");
    check_ok(read_to(&f, &bob, room, "m.read", said[2], NULL));
    check_unread(&f, &bob, room, 3, 1, "the private one is further");
    check_ok(read_to(&f, &bob, room, "m.read", said[6], CSTR(f.arena, "%.*s", STR_ARG(said[0]))));
    check_unread(&f, &bob, room, 3, 1, "in a thread");
    check_ok(read_to(&f, &bob, room, "m.read", said[5], "main"));
    check_unread(&f, &bob, room, 2, 1, "main");
    fixture_forget(&f);
    check_unread(&f, &bob, room, 2, 1, "after a restart");
    do_state(&f, &bob, room, "m.room.member", "@bob:hearth.test", "{'membership':'join','displayname':'B'}");
    check_unread(&f, &bob, room, 0, 0, "an event of one's own");
    do_say(&f, &alice, room, "more");
    do_leave(&f, &bob, room);
    do_say(&f, &alice, room, "while away");
    do_join(&f, &bob, room);
    check_unread(&f, &bob, room, 0, 0, "back again");
    do_say(&f, &alice, room, "more");
    check_unread(&f, &bob, room, 1, 0, "more");
    replay(&f, room);
    fixture_fini(&f);
}

/* --- receipts --- */

static void who_may_set_what(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str other = fixture_room(&f, &alice, "{}");
    struct str said = do_say(&f, &alice, room, "1");
    check_ok(read_to(&f, &alice, room, "m.read", said, NULL));
    check_fault(read_to(&f, &bob, room, "m.read", said, NULL), M_FORBIDDEN, "stranger");
    check_fault(read_to(&f, &alice, other, "m.read", said, NULL), M_NOT_FOUND, "another room's");
    check_fault(read_to(&f, &alice, room, "m.read", STR("$none"), NULL), M_NOT_FOUND, "unknown");
    check_fault(read_to(&f, &alice, STR("!none:x"), "m.read", said, NULL), M_FORBIDDEN, "unknown room");
    check_fault(mark(&f, &bob, room, said, said, said), M_FORBIDDEN, "stranger");
    check_fault(mark(&f, &alice, room, STR("$none"), (struct str){0}, (struct str){0}), M_NOT_FOUND, "unknown");
    fixture_fini(&f);
}

/* The content of the first m.receipt that says something of the event. */
static const struct json *receipts_in(const struct json *room, struct str event_id)
{
    const struct json *events = json_at(room, "ephemeral events");
    for (uint32_t i = 0; events && i < events->count; i++) {
        const struct json *content = json_get(&events->items[i], STR("content"));
        if (str_eq(json_str_at(&events->items[i], STR("type")), STR("m.receipt")) && json_get(content, event_id))
            return content;
    }
    return NULL;
}

static void others_see_them(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    struct str said = do_say(&f, &alice, room, "1");
    struct str more = do_say(&f, &alice, room, "2");
    int64_t since = position(&f, &alice);
    check_ok(read_to(&f, &bob, room, "m.read", said, NULL));
    check_ok(read_to(&f, &bob, room, "m.read", said, "main"));
    const struct json *seen = receipts_in(room_news_since(&f, &alice, room, since, NULL), said);
    const struct json *by_bob = json_get(json_get(json_get(seen, said), STR("m.read")), bob.user_id);
    int64_t ts;
    assert_true(json_int_at(by_bob, STR("ts"), &ts));
    since = position(&f, &alice);
    check_ok(read_to(&f, &bob, room, "m.read", more, "main"));
    seen = receipts_in(room_news_since(&f, &alice, room, since, NULL), more);
    by_bob = json_get(json_get(json_get(seen, more), STR("m.read")), bob.user_id);
    check_str(json_str_at(by_bob, STR("thread_id")), STR("main"), "thread_id");
    /* who begins sees all of them */
    assert_non_null(receipts_in(room_news_since(&f, &alice, room, 0, NULL), said));
    assert_non_null(receipts_in(room_news_since(&f, &alice, room, 0, NULL), more));
    fixture_fini(&f);
}

/* m.read.private "never leaves the user": nobody can tell that there was one, not even by an answer without news. */
static void private_receipts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    struct str said = do_say(&f, &alice, room, "1");
    int64_t since = position(&f, &alice);
    bool empty;
    check_ok(read_to(&f, &bob, room, "m.read.private", said, NULL));
    assert_null(room_news_since(&f, &alice, room, since, &empty));
    assert_true(empty);
    assert_null(receipts_in(room_news_since(&f, &alice, room, 0, NULL), said));
    const struct json *own = room_news_since(&f, &bob, room, since, &empty);
    assert_false(empty);
    assert_non_null(json_get(json_get(json_get(receipts_in(own, said), said), STR("m.read.private")), bob.user_id));
    check_str(json_text(f.arena, json_get(own, STR("unread_notifications"))),
              STR("{\"highlight_count\":0,\"notification_count\":0}"), "counts");
    fixture_fini(&f);
}

/* An own receipt brings new counts also to a client that wants no receipts. */
static void counts_without_receipts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    struct str said = do_say(&f, &alice, room, "1");
    struct sync_query q = {.since = position(&f, &bob)};
    check_ok(sync_filter_read(f.arena, quoted_json(f.arena, "{'room':{'ephemeral':{'types':[]}}}"), &q.filter));
    check_ok(read_to(&f, &bob, room, "m.read", said, NULL));
    const struct json *news = sync_room_section(do_sync_query(&f, &bob, &q, NULL), "join", room);
    check_str(json_text(f.arena, json_get(news, STR("unread_notifications"))),
              STR("{\"highlight_count\":0,\"notification_count\":0}"), "counts");
    bool empty;
    do_sync_query(&f, &alice, &q, &empty);
    assert_true(empty);
    fixture_fini(&f);
}

static void fully_read(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str said = do_say(&f, &alice, room, "1");
    int64_t since = position(&f, &alice);
    check_ok(mark(&f, &alice, room, said, (struct str){0}, (struct str){0}));
    const struct json *data = json_at(room_news_since(&f, &alice, room, since, NULL), "account_data events");
    assert_int_equal(data->count, 1);
    check_str(json_text(f.arena, &data->items[0]),
              str_fmt(f.arena, "{\"content\":{\"event_id\":\"%.*s\"},\"type\":\"m.fully_read\"}", STR_ARG(said)),
              "marker");
    fixture_fini(&f);
}

/* /read_markers sets all that it names, or nothing. */
static void all_markers_or_none(void **state)
{
    (void)state;
    struct fixture f;
    bool empty;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    struct str said = do_say(&f, &alice, room, "1");
    int64_t since = position(&f, &bob);
    for (int bad = 0; bad < 3; bad++) {
        struct str ids[3] = {said, said, said};
        ids[bad] = STR("$none");
        check_fault(mark(&f, &bob, room, ids[0], ids[1], ids[2]), M_NOT_FOUND, "one is unknown");
        check_unread(&f, &bob, room, 1, 0, "nothing is read");
        (void)room_news_since(&f, &bob, room, since, &empty);
        assert_true(empty);
    }
    check_ok(mark(&f, &bob, room, said, said, said));
    check_unread(&f, &bob, room, 0, 0, "all is read");
    const struct json *news = room_news_since(&f, &bob, room, since, &empty);
    assert_int_equal(json_at(news, "ephemeral events")->count, 1);
    assert_int_equal(json_at(news, "account_data events")->count, 1);
    since = position(&f, &bob);
    check_ok(mark(&f, &bob, room, (struct str){0}, (struct str){0}, (struct str){0}));
    (void)room_news_since(&f, &bob, room, since, &empty);
    assert_true(empty);
    fixture_fini(&f);
}

/* Where the history visibility keeps events from who joins later, ids cannot be tried out with receipts. */
static void unseen_events(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice,
                                   "{'preset':'public_chat','initial_state':[{'type':'m.room.history_visibility',"
                                   "'content':{'history_visibility':'joined'}}]}");
    struct str unseen = do_say(&f, &alice, room, "before");
    do_join(&f, &bob, room);
    struct str seen = do_say(&f, &alice, room, "after");
    struct fault none = read_to(&f, &bob, room, "m.read", STR("$none"), NULL);
    struct fault fault = read_to(&f, &bob, room, "m.read", unseen, NULL);
    check_fault(fault, M_NOT_FOUND, "an event he may not see");
    check_str(fault.message, none.message, "as of one that is not there");
    check_fault(mark(&f, &bob, room, unseen, (struct str){0}, (struct str){0}), M_NOT_FOUND, "fully read");
    check_fault(mark(&f, &bob, room, (struct str){0}, (struct str){0}, unseen), M_NOT_FOUND, "private");
    check_fault(read_to(&f, &bob, room, "m.read", seen, CSTR(f.arena, "%.*s", STR_ARG(unseen))), M_INVALID_PARAM,
                "a thread he may not see");
    check_ok(read_to(&f, &alice, room, "m.read", unseen, NULL));
    check_ok(read_to(&f, &bob, room, "m.read", seen, NULL));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unread_counts),    cmocka_unit_test(reading_on),
        cmocka_unit_test(who_may_set_what), cmocka_unit_test(others_see_them),
        cmocka_unit_test(private_receipts), cmocka_unit_test(counts_without_receipts),
        cmocka_unit_test(fully_read),       cmocka_unit_test(all_markers_or_none),
        cmocka_unit_test(unseen_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
