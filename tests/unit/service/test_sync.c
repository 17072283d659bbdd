#include "service/account_data.h"
#include "service/sync.h"

#include "room_fixture.h"

/* --- asking --- */

static const struct json *sync_filtered(struct fixture *f, const struct caller *who, int64_t since, const char *filter,
                                        bool *empty_out)
{
    struct sync_query q = {.since = since, .state_after_name = STR("state_after")};
    check_ok(sync_filter_read(f->arena, filter ? quoted_json(f->arena, filter) : NULL, &q.filter));
    return do_sync_query(f, who, &q, empty_out);
}

static const struct json *sync_since(struct fixture *f, const struct caller *who, int64_t since)
{
    return sync_filtered(f, who, since, NULL, NULL);
}

static int64_t sync_pos(struct fixture *f, const struct caller *who)
{
    return sync_next(sync_since(f, who, 0));
}

/* Types, or for members "membership of X", of a section's events in one line. */
static struct str events_line(struct fixture *f, const struct json *room, const char *section)
{
    const struct json *events = json_at(json_get(room, str_of(section)), "events");
    struct buf b;
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; events && i < events->count; i++) {
        const struct json *e = &events->items[i];
        struct str type = json_str_at(e, STR("type"));
        if (str_starts(type, STR("m.room.")))
            type = str_slice(type, 7, type.n);
        buf_fmt(&b, "%s%.*s", i ? " " : "", STR_ARG(type));
        struct str body = json_str_at(json_get(e, STR("content")), STR("body"));
        struct str key = json_str_at(e, STR("state_key"));
        struct str membership = json_str_at(json_get(e, STR("content")), STR("membership"));
        if (body.p)
            buf_fmt(&b, ":%.*s", STR_ARG(body));
        if (membership.p)
            buf_fmt(&b, ":%.*s:%.*s", STR_ARG(str_slice(key, 1, str_find(key, ':'))), STR_ARG(membership));
    }
    struct str line = str_copy(f->arena, buf_str(&b));
    buf_fini(&b);
    return line;
}

static void check_line(struct fixture *f, const struct json *room, const char *section, const char *want)
{
    check_str(events_line(f, room, section), str_of(want), section);
}

static bool has_type(struct fixture *f, const struct json *room, const char *section, const char *word)
{
    struct str padded = str_fmt(f->arena, " %.*s ", STR_ARG(events_line(f, room, section)));
    struct str needle = str_fmt(f->arena, " %s ", word);
    return str_find_str(padded, needle) < padded.n;
}

/* --- tests --- */

static void initial(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    const struct json *nothing = sync_since(&f, &alice, 0);
    assert_int_equal(json_at(nothing, "rooms join")->count, 0);
    struct str room_id = fixture_room(&f, &alice, "{'name':'N','invite':['@bob:hearth.test']}");
    do_say(&f, &alice, room_id, "1");
    const struct json *room = sync_room_section(sync_since(&f, &alice, 0), "join", room_id);
    check_line(&f, room, "timeline",
               "create member:alice:join power_levels join_rules history_visibility guest_access name "
               "member:bob:invite message:1");
    check_line(&f, room, "state", "");
    assert_false(json_bool_at(json_get(room, STR("timeline")), STR("limited"), true));
    check_str(json_text(f.arena, json_get(room, STR("summary"))),
              STR("{\"m.heroes\":[\"@bob:hearth.test\"],\"m.invited_member_count\":1,\"m.joined_member_count\":1}"),
              "summary");
    for (int i = 2; i <= 12; i++)
        do_say(&f, &alice, room_id, CSTR(f.arena, "%d", i));
    room = sync_room_section(sync_since(&f, &alice, 0), "join", room_id);
    check_line(
        &f, room, "timeline",
        "message:3 message:4 message:5 message:6 message:7 message:8 message:9 message:10 message:11 message:12");
    assert_true(json_bool_at(json_get(room, STR("timeline")), STR("limited"), false));
    assert_int_equal(json_at(room, "state events")->count, 8); /* the state at the start of the timeline */
    /* from prev_batch backwards nothing is missing and nothing comes twice */
    struct messages_query q = {
        .backwards = true, .limit = 100, .from = json_str_at(json_get(room, STR("timeline")), STR("prev_batch"))};
    const struct json *page;
    check_ok(read_messages(&f, &alice, room_id, &q, &page));
    assert_int_equal(json_get(page, STR("chunk"))->count, 8 + 2);
    /* the invited see stripped state alone */
    const struct json *invite = sync_room_section(sync_since(&f, &bob, 0), "invite", room_id);
    check_line(&f, invite, "invite_state", "create name join_rules member:alice:join member:bob:invite");
    assert_null(sync_room_section(sync_since(&f, &bob, 0), "join", room_id));
    const struct json *stripped = json_at(invite, "invite_state events");
    for (uint32_t i = 0; i < stripped->count; i++)
        assert_int_equal(stripped->items[i].count, 4);
    fixture_fini(&f);
}

/* A clock that stands still: `age` is the same twice. */
static int64_t still(void)
{
    return INT64_C(1700000000000);
}

static void incremental(void **state)
{
    (void)state;
    struct fixture f;
    clock_set_source(still);
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct str quiet = fixture_room(&f, &alice, "{}");
    int64_t since = sync_pos(&f, &alice);
    bool empty;
    const struct json *answer = sync_filtered(&f, &alice, since, NULL, &empty);
    assert_true(empty);
    assert_int_equal(sync_next(answer), since);
    do_say(&f, &alice, room_id, "1");
    do_join(&f, &bob, room_id);
    answer = sync_filtered(&f, &alice, since, NULL, &empty);
    assert_false(empty);
    const struct json *room = sync_room_section(answer, "join", room_id);
    assert_null(sync_room_section(answer, "join", quiet));
    check_line(&f, room, "timeline", "message:1 member:bob:join");
    check_line(&f, room, "state", "");
    assert_int_equal(json_at(room, "summary m.joined_member_count")->i, 2);
    /* the same since gives the same again */
    check_str(json_text(f.arena, sync_since(&f, &alice, since)), json_text(f.arena, sync_since(&f, &alice, since)),
              "again");
    /* who has just joined gets the whole room */
    room = sync_room_section(sync_since(&f, &bob, since), "join", room_id);
    check_line(&f, room, "timeline",
               "create member:alice:join power_levels join_rules history_visibility guest_access message:1 "
               "member:bob:join");
    int64_t later = sync_pos(&f, &bob);
    do_say(&f, &alice, room_id, "2");
    room = sync_room_section(sync_since(&f, &bob, later), "join", room_id);
    check_line(&f, room, "timeline", "message:2");
    assert_null(json_get(room, STR("summary")));
    /* a token from before a backup was restored: all from the beginning, and at once */
    struct sync_query q = {.since = sync_pos(&f, &alice) + 1000};
    struct buf out;
    buf_init(&out, 1 << 20);
    check_ok(sync_answer(&f.services, f.arena, &alice, &q, &out, &empty));
    assert_false(empty);
    const struct json *anew = json_parse(f.arena, buf_str(&out), JSON_DEPTH_MAX).value;
    assert_non_null(json_get(json_get(json_get(anew, STR("rooms")), STR("join")), room_id));
    assert_int_equal(q.since, sync_pos(&f, &alice) + 1000);
    buf_fini(&out);
    fixture_fini(&f);
    clock_set_source(NULL);
}

static void limited(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    int64_t since = sync_pos(&f, &alice);
    do_join(&f, &bob, room_id);
    do_state(&f, &alice, room_id, "m.room.name", "", "{'name':'old'}");
    do_state(&f, &alice, room_id, "m.room.name", "", "{'name':'new'}");
    for (int i = 0; i < 3; i++)
        do_say(&f, &alice, room_id, CSTR(f.arena, "%d", i));
    do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'t'}");
    const char *filter = "{'room':{'timeline':{'limit':2}}}";
    const struct json *room = sync_room_section(sync_filtered(&f, &alice, since, filter, NULL), "join", room_id);
    check_line(&f, room, "timeline", "message:2 topic");
    assert_true(json_bool_at(json_get(room, STR("timeline")), STR("limited"), false));
    struct str changes = events_line(&f, room, "state");
    check_case(str_eq(changes, STR("member:bob:join name")) || str_eq(changes, STR("name member:bob:join")), "state");
    const struct json *events = json_at(room, "state events");
    for (uint32_t i = 0; i < events->count; i++)
        if (str_eq(json_str_at(&events->items[i], STR("type")), STR("m.room.name")))
            check_str(json_str_at(json_get(&events->items[i], STR("content")), STR("name")), STR("new"), "name");
    assert_non_null(json_get(room, STR("summary")));
    /* exactly as many as fit are not limited */
    const char *six = "{'room':{'timeline':{'limit':7}}}";
    room = sync_room_section(sync_filtered(&f, &alice, since, six, NULL), "join", room_id);
    assert_false(json_bool_at(json_get(room, STR("timeline")), STR("limited"), true));
    assert_int_equal(json_at(room, "timeline events")->count, 7);
    /* with state_after all changes of the state stand there */
    struct sync_query q = {.since = since, .use_state_after = true, .state_after_name = STR("state_after")};
    check_ok(sync_filter_read(f.arena, quoted_json(f.arena, filter), &q.filter));
    room = sync_room_section(do_sync_query(&f, &alice, &q, NULL), "join", room_id);
    assert_int_equal(json_at(room, "state_after events")->count, 3);
    assert_null(json_get(room, STR("state")));
    fixture_fini(&f);
}

/* full_state gives all state; "the timeline will still be limited by the since parameter". */
static void full_state(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct str left = fixture_room(&f, &bob, "{'preset':'public_chat'}");
    do_join(&f, &alice, left);
    do_leave(&f, &alice, left);
    do_say(&f, &alice, room_id, "1");
    int64_t since = sync_pos(&f, &alice);
    do_say(&f, &alice, room_id, "2");
    struct sync_query q = {.since = since, .full_state = true};
    const struct json *answer = do_sync_query(&f, &alice, &q, NULL);
    const struct json *room = sync_room_section(answer, "join", room_id);
    check_line(&f, room, "timeline", "message:2");
    assert_int_equal(json_at(room, "state events")->count, 6);
    /* rooms left long ago are no rooms that the user is a member of */
    assert_null(sync_room_section(answer, "leave", left));
    fixture_fini(&f);
}

static void leaving(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room_id);
    int64_t since = sync_pos(&f, &bob);
    do_say(&f, &alice, room_id, "1");
    do_kick(&f, &alice, room_id, &bob);
    do_say(&f, &alice, room_id, "not for bob");
    do_state(&f, &alice, room_id, "m.room.name", "", "{'name':'not for bob'}");
    const struct json *answer = sync_since(&f, &bob, since);
    assert_null(sync_room_section(answer, "join", room_id));
    const struct json *room = sync_room_section(answer, "leave", room_id);
    check_line(&f, room, "timeline", "message:1 member:bob:leave");
    check_line(&f, room, "state", "");
    int64_t later = sync_next(answer);
    assert_null(sync_room_section(sync_since(&f, &bob, later), "leave", room_id));
    assert_null(sync_room_section(sync_since(&f, &bob, 0), "leave", room_id));
    const char *include = "{'room':{'include_leave':true,'timeline':{'limit':2}}}";
    room = sync_room_section(sync_filtered(&f, &bob, 0, include, NULL), "leave", room_id);
    check_line(&f, room, "timeline", "message:1 member:bob:leave");
    assert_int_equal(json_at(room, "state events")->count, 7);
    assert_false(has_type(&f, room, "state", "name"));
    /* Forgetting hides it from those who begin, not from a device that has yet to hear of the leaving. */
    check_ok(room_forget(&f.services, &bob, room_id));
    assert_null(sync_room_section(sync_filtered(&f, &bob, 0, include, NULL), "leave", room_id));
    check_line(&f, sync_room_section(sync_since(&f, &bob, since), "leave", room_id), "timeline",
               "message:1 member:bob:leave");
    fixture_fini(&f);
}

/* Who was invited and never came learns how that ended, and nothing else of the room. */
static void invitations_that_end(void **state)
{
    static const char *const ends[] = {"reject", "withdraw", "ban", "reject after a sync"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
        fixture_room(&f, &bob, "{}");
        int64_t since = sync_pos(&f, &bob);
        struct str room_id = fixture_room(&f, &alice,
                                          "{'name':'secret','initial_state':[{'type':'org.example.secret',"
                                          "'content':{}}]}");
        do_say(&f, &alice, room_id, "secret");
        do_invite(&f, &alice, room_id, &bob);
        if (i == 3)
            since = sync_pos(&f, &bob);
        do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'secret'}");
        if (i == 1)
            do_kick(&f, &alice, room_id, &bob);
        else if (i == 2)
            do_ban(&f, &alice, room_id, &bob);
        else
            do_leave(&f, &bob, room_id);
        const char *want = i == 2 ? "member:bob:ban" : "member:bob:leave";
        const struct json *room = sync_room_section(sync_since(&f, &bob, since), "leave", room_id);
        check_line(&f, room, "timeline", want);
        check_str(events_line(&f, room, "state"), STR(""), ends[i]);
        room = sync_room_section(sync_filtered(&f, &bob, 0, "{'room':{'include_leave':true}}", NULL), "leave", room_id);
        check_line(&f, room, "timeline", want);
        check_str(events_line(&f, room, "state"), STR(""), ends[i]);
        struct sync_query q = {.since = since, .use_state_after = true, .state_after_name = STR("state_after")};
        room = sync_room_section(do_sync_query(&f, &bob, &q, NULL), "leave", room_id);
        assert_false(has_type(&f, room, "state_after", "name") || has_type(&f, room, "state_after", "topic"));
        fixture_fini(&f);
    }
}

/* Who left and is banned later learns of the ban, and nothing of what happened in between. */
static void banned_after_leaving(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room_id);
    int64_t joined = sync_pos(&f, &bob);
    do_say(&f, &alice, room_id, "1");
    do_leave(&f, &bob, room_id);
    int64_t left = sync_pos(&f, &bob);
    do_state(&f, &alice, room_id, "m.room.name", "", "{'name':'secret'}");
    do_ban(&f, &alice, room_id, &bob);
    int64_t since[] = {joined, left};
    for (size_t i = 0; i < COUNT_OF(since); i++) {
        const struct json *room = sync_room_section(sync_since(&f, &bob, since[i]), "leave", room_id);
        assert_true(has_type(&f, room, "timeline", "member:bob:ban"));
        assert_false(has_type(&f, room, "timeline", "name") || has_type(&f, room, "state", "name"));
        struct sync_query q = {.since = since[i], .use_state_after = true, .state_after_name = STR("state_after")};
        room = sync_room_section(do_sync_query(&f, &bob, &q, NULL), "leave", room_id);
        assert_false(has_type(&f, room, "state_after", "name"));
    }
    struct json content;
    check_fault(
        room_read_state_event(&f.services, f.arena, &bob, room_id, STR("m.room.name"), STR(""), false, &content),
        M_NOT_FOUND, "name");
    check_ok(
        room_read_state_event(&f.services, f.arena, &bob, room_id, STR("m.room.join_rules"), STR(""), false, &content));
    fixture_fini(&f);
}

/* What changed while the user was away and could not see it reaches them as state when they are back. */
static void changes_behind_a_gap(void **state)
{
    static const int64_t all[] = {0, 1};
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id =
        fixture_room(&f, &alice,
                     "{'preset':'public_chat','initial_state':[{'type':'m.room.history_visibility','content':{"
                     "'history_visibility':'joined'}}]}");
    do_join(&f, &bob, room_id);
    int64_t since = sync_pos(&f, &bob);
    do_say(&f, &alice, room_id, "1");
    do_leave(&f, &bob, room_id);
    do_say(&f, &alice, room_id, "hidden");
    do_state(&f, &alice, room_id, "m.room.name", "", "{'name':'N'}");
    do_join(&f, &bob, room_id);
    do_say(&f, &alice, room_id, "2");
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const struct json *room = sync_room_section(sync_since(&f, &bob, all[i] ? 0 : since), "join", room_id);
        check_line(&f, room, "timeline", "member:bob:join message:2");
        assert_true(json_bool_at(json_get(room, STR("timeline")), STR("limited"), false));
        assert_true(has_type(&f, room, "state", "name"));
    }
    fixture_fini(&f);
}

static void lazy_members(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct caller users[12];
    for (int i = 0; i < 12; i++) {
        users[i] = fixture_user(&f, CSTR(f.arena, "u%02d", i));
        do_join(&f, &users[i], room_id);
    }
    do_say(&f, &users[9], room_id, "1");
    do_say(&f, &users[9], room_id, "2");
    const char *lazy = "{'room':{'state':{'lazy_load_members':true},'timeline':{'limit':2}}}";
    const struct json *answer = sync_filtered(&f, &alice, 0, lazy, NULL);
    const struct json *room = sync_room_section(answer, "join", room_id);
    const char *wanted[] = {"member:alice:join", "member:u09:join", "member:u00:join", "member:u04:join"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        check_case(has_type(&f, room, "state", wanted[i]), wanted[i]);
    assert_false(has_type(&f, room, "state", "member:u07:join"));
    assert_int_equal(json_at(room, "state events")->count, 5 + 1 + 1 + 5); /* other state, oneself, speaker, heroes */
    assert_int_equal(json_at(room, "summary m.heroes")->count, 5);
    assert_int_equal(json_at(room, "summary m.joined_member_count")->i, 13);
    /* a gap names all who came and went in it */
    int64_t since = sync_next(answer);
    do_leave(&f, &users[7], room_id);
    do_say(&f, &users[3], room_id, "3");
    do_say(&f, &users[3], room_id, "4");
    do_say(&f, &users[3], room_id, "5");
    room = sync_room_section(sync_filtered(&f, &alice, since, lazy, NULL), "join", room_id);
    check_line(&f, room, "timeline", "message:4 message:5");
    assert_true(has_type(&f, room, "state", "member:u07:leave"));
    assert_true(has_type(&f, room, "state", "member:u03:join"));
    assert_false(has_type(&f, room, "state", "member:u09:join"));
    assert_int_equal(json_at(room, "summary m.joined_member_count")->i, 12);
    fixture_fini(&f);
}

static void knocks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice,
                                      "{'name':'N','initial_state':[{'type':'m.room.join_rules','content':{"
                                      "'join_rule':'knock'}}]}");
    fixture_room(&f, &bob, "{}");
    int64_t since = sync_pos(&f, &bob);
    check_ok(room_knock(&f.services, f.arena, &bob, room_id, NO_REASON));
    const struct json *answer = sync_since(&f, &bob, since);
    check_line(&f, sync_room_section(answer, "knock", room_id), "knock_state",
               "create name join_rules member:bob:knock");
    assert_null(sync_room_section(sync_since(&f, &bob, sync_next(answer)), "knock", room_id));
    do_leave(&f, &bob, room_id);
    const struct json *room = sync_room_section(sync_since(&f, &bob, since), "leave", room_id);
    check_line(&f, room, "timeline", "member:bob:leave");
    check_line(&f, room, "state", "");
    fixture_fini(&f);
}

/* --- filters --- */

static void filters(void **state)
{
    static const struct {
        const char *filter; /* %s: the room */
        const char *timeline;
        int state;
        bool receipt;
    } cases[] = {
        {"{}", "message:1 org.example topic", 6, true},
        {"{'room':{'timeline':{'types':['m.room.message']}}}", "message:1", 6, true},
        {"{'room':{'timeline':{'not_types':['m.*']}}}", "org.example", 6, true},
        {"{'room':{'timeline':{'not_senders':['@alice:hearth.test']}}}", "", 6, true},
        {"{'room':{'timeline':{'not_rooms':['%s']}}}", "", 6, true},
        {"{'room':{'timeline':{'rooms':[]}}}", "", 6, true},
        {"{'room':{'timeline':{'rooms':['%s']}}}", "message:1 org.example topic", 6, true},
        {"{'room':{'state':{'types':['m.room.create']}}}", "message:1 org.example topic", 1, true},
        {"{'room':{'state':{'not_rooms':['%s']}}}", "message:1 org.example topic", 0, true},
        {"{'room':{'ephemeral':{'not_types':['m.receipt']}}}", "message:1 org.example topic", 6, false},
        {"{'room':{'ephemeral':{'rooms':[]}}}", "message:1 org.example topic", 6, false},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    int64_t since = sync_pos(&f, &alice);
    struct str said = do_say(&f, &alice, room_id, "1");
    struct str none;
    check_ok(try_send(&f, &alice, room_id, "org.example", "{}", &none));
    do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'t'}");
    check_ok(receipt_set(&f.services, f.arena, &alice, room_id, STR("m.read"), said, NO_REASON));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sync_query q = {.since = since, .full_state = true};
        struct str text = str_of(cases[i].filter);
        size_t at = str_find_str(text, STR("%s"));
        const char *filter = at == text.n
                                 ? cases[i].filter
                                 : CSTR(f.arena, "%.*s%.*s%s", (int)at, text.p, STR_ARG(room_id), text.p + at + 2);
        check_ok(sync_filter_read(f.arena, quoted_json(f.arena, filter), &q.filter));
        const struct json *room = sync_room_section(do_sync_query(&f, &alice, &q, NULL), "join", room_id);
        check_str(events_line(&f, room, "timeline"), str_of(cases[i].timeline), filter);
        /* where the timeline starts later, state that changed before its start is in `state` */
        check_case(json_at(room, "state events")->count >= (uint32_t)cases[i].state &&
                       json_at(room, "state events")->count <= (uint32_t)cases[i].state + 1,
                   filter);
        check_case(has_type(&f, room, "ephemeral", "m.receipt") == cases[i].receipt, filter);
    }
    const char *not_this = CSTR(f.arena, "{'room':{'not_rooms':['%.*s']}}", STR_ARG(room_id));
    bool empty;
    assert_null(sync_room_section(sync_filtered(&f, &alice, since, not_this, &empty), "join", room_id));
    assert_true(empty);
    /* formats and fields */
    const char *fields = "{'event_fields':['type','content.body'],'room':{'timeline':{'types':['m.room.message']}}}";
    const struct json *room = sync_room_section(sync_filtered(&f, &alice, since, fields, NULL), "join", room_id);
    check_str(json_text(f.arena, &json_at(room, "timeline events")->items[0]),
              STR("{\"content\":{\"body\":\"1\"},\"type\":\"m.room.message\"}"), "fields");
    room = sync_room_section(sync_filtered(&f, &alice, since, "{'event_format':'federation'}", NULL), "join", room_id);
    assert_non_null(json_get(&json_at(room, "timeline events")->items[0], STR("signatures")));
    fixture_fini(&f);
}

/* --- what events say of the reader --- */

static void what_events_carry(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), phone = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_say(&f, &alice, room_id, "before");
    do_join(&f, &bob, room_id);
    do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'1'}");
    int64_t since = sync_pos(&f, &alice);
    struct str id;
    check_ok(
        room_send(&f.services, f.arena, &alice, room_id, STR("org.example"), STR("TXN"), json_object(f.arena), &id));
    do_state(&f, &alice, room_id, "m.room.topic", "", "{'topic':'2'}");
    const struct caller *readers[] = {&alice, &phone, &bob};
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        const struct json *room = sync_room_section(sync_since(&f, readers[i], since), "join", room_id);
        const struct json *events = json_at(room, "timeline events");
        struct str txn = json_str_at(json_at(&events->items[0], "unsigned"), STR("transaction_id"));
        check_str(txn, i == 0 ? STR("TXN") : STR(""), "transaction_id");
        check_str(json_str_at(json_at(&events->items[0], "unsigned"), STR("membership")), STR("join"), "membership");
        assert_null(json_get(&events->items[0], STR("room_id")));
        check_str(json_str_at(json_at(&events->items[1], "unsigned prev_content"), STR("topic")), STR("1"), "prev");
        assert_non_null(json_at(&events->items[1], "unsigned replaces_state"));
    }
    /* membership: what the reader was at the event, "including any changes caused by the event" */
    const struct json *room = sync_room_section(sync_since(&f, &bob, 0), "join", room_id);
    const struct json *events = json_at(room, "timeline events");
    bool joined = false;
    for (uint32_t i = 0; i < events->count; i++) {
        joined |= str_eq(json_str_at(&events->items[i], STR("state_key")), bob.user_id);
        check_str(json_str_at(json_at(&events->items[i], "unsigned"), STR("membership")),
                  joined ? STR("join") : STR("leave"), "membership");
    }
    struct json own;
    check_ok(room_read_state_event(&f.services, f.arena, &bob, room_id, STR("m.room.member"), bob.user_id, true, &own));
    check_str(json_str_at(json_at(&own, "unsigned"), STR("membership")), STR("join"), "own join");
    fixture_fini(&f);
}

/* --- account data --- */

static void account_data(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room_id);
    int64_t since = sync_pos(&f, &alice);
    check_ok(account_data_put(&f.services, f.arena, &alice, (struct str){0}, STR("org.example"),
                              quoted_json(f.arena, "{'a':1}")));
    check_ok(account_data_put(&f.services, f.arena, &alice, room_id, STR("org.room"), quoted_json(f.arena, "{'b':2}")));
    const struct json *answer = sync_since(&f, &alice, since);
    check_str(json_text(f.arena, json_at(answer, "account_data events")),
              STR("[{\"content\":{\"a\":1},\"type\":\"org.example\"}]"), "account");
    const struct json *room = sync_room_section(answer, "join", room_id);
    check_str(json_text(f.arena, json_at(room, "account_data events")),
              STR("[{\"content\":{\"b\":2},\"type\":\"org.room\"}]"), "room");
    bool empty;
    sync_filtered(&f, &bob, since, NULL, &empty);
    assert_true(empty);
    sync_filtered(&f, &alice, since, "{'account_data':{'types':[]},'room':{'account_data':{'types':[]}}}", &empty);
    assert_true(empty);
    /* from the beginning it is there too, with the push rules */
    answer = sync_since(&f, &alice, 0);
    assert_true(has_type(&f, answer, "account_data", "m.push_rules"));
    assert_true(has_type(&f, answer, "account_data", "org.example"));
    /* and who comes back to a room finds what they kept for it */
    do_leave(&f, &alice, room_id);
    since = sync_pos(&f, &alice);
    do_join(&f, &alice, room_id);
    room = sync_room_section(sync_since(&f, &alice, since), "join", room_id);
    assert_true(has_type(&f, room, "account_data", "org.room"));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial),
        cmocka_unit_test(incremental),
        cmocka_unit_test(limited),
        cmocka_unit_test(full_state),
        cmocka_unit_test(leaving),
        cmocka_unit_test(invitations_that_end),
        cmocka_unit_test(banned_after_leaving),
        cmocka_unit_test(changes_behind_a_gap),
        cmocka_unit_test(lazy_members),
        cmocka_unit_test(knocks),
        cmocka_unit_test(filters),
        cmocka_unit_test(what_events_carry),
        cmocka_unit_test(account_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
