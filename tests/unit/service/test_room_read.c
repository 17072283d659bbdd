#include "service/room_read.h"

#include "room_fixture.h"

/* --- history visibility --- */

/* Bob's way through a room, with one message said at each of his steps; who sees which of them in the end. */
enum { BEFORE, INVITED, JOINED, LEFT, BACK, PHASES };

static const struct {
    const char *visibility;
    const char *final;    /* where bob stands when he asks */
    const char *sees;     /* the phases, in order: 1 visible */
    const char *stranger; /* what carol sees, who was never there; NULL: nothing at all */
} table[] = {
    /* "Room History Visibility", server behaviour, rules 1 to 5 */
    {"world_readable", "join", "11111", "11111"},
    {"shared", "join", "11111", NULL},
    {"invited", "join", "01101", NULL},
    {"joined", "join", "00101", NULL},
    {"nonsense", "join", "11111", NULL},
    {"shared", "leave", "11111", NULL},
    {"invited", "leave", "01101", NULL},
    {"joined", "leave", "00101", NULL},
    {"shared", "ban", "11111", NULL},
    {"joined", "ban", "00101", NULL},
};

static const struct json *page_of(struct fixture *f, const struct caller *who, struct str room)
{
    struct messages_query q = {.backwards = true, .limit = 100};
    const struct json *page;
    check_ok(read_messages(f, who, room, &q, &page));
    return page;
}

/* Messages one by one, the page, and the context agree on what is visible. */
static void check_sees(struct fixture *f, const struct caller *who, struct str room, const struct str said[PHASES],
                       const char *sees, const char *what)
{
    struct event_filter any = {0};
    for (int i = 0; sees && i < PHASES; i++) {
        struct json *event;
        const struct json *context;
        enum errcode want = sees[i] == '1' ? ERRCODE_NONE : M_NOT_FOUND;
        const char *which = CSTR(f->arena, "%s, message %d", what, i);
        check_fault(room_read_event(&f->services, f->arena, who, room, said[i], &event), want, which);
        check_fault(read_context(f, who, room, said[i], 0, &any, &context), want, which);
        const struct json *chunk = json_get(page_of(f, who, room), STR("chunk"));
        bool found = false;
        for (uint32_t k = 0; k < chunk->count; k++)
            found |= str_eq(json_str_at(&chunk->items[k], STR("event_id")), said[i]);
        check_case(found == (sees[i] == '1'), which);
    }
    if (sees)
        return;
    const struct json *none;
    struct json *event;
    struct messages_query q = {.limit = 10};
    check_fault(read_messages(f, who, room, &q, &none), M_FORBIDDEN, what);
    check_fault(read_state(f, who, room, &none), M_FORBIDDEN, what);
    check_fault(room_read_event(&f->services, f->arena, who, room, said[0], &event), M_NOT_FOUND, what);
    check_fault(read_context(f, who, room, said[0], 0, &any, &none), M_FORBIDDEN, what);
}

static void history(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"),
                      carol = fixture_user(&f, "carol");
        struct str room = fixture_room(&f, &alice,
                                       CSTR(f.arena,
                                            "{'initial_state':[{'type':'m.room.history_visibility','content':{"
                                            "'history_visibility':'%s'}}]}",
                                            table[i].visibility));
        struct str said[PHASES];
        said[BEFORE] = do_say(&f, &alice, room, "before");
        do_invite(&f, &alice, room, &bob);
        said[INVITED] = do_say(&f, &alice, room, "invited");
        do_join(&f, &bob, room);
        said[JOINED] = do_say(&f, &alice, room, "joined");
        do_leave(&f, &bob, room);
        said[LEFT] = do_say(&f, &alice, room, "left");
        do_invite(&f, &alice, room, &bob);
        do_join(&f, &bob, room);
        said[BACK] = do_say(&f, &alice, room, "back");
        if (strcmp(table[i].final, "leave") == 0)
            do_leave(&f, &bob, room);
        if (strcmp(table[i].final, "ban") == 0)
            do_ban(&f, &alice, room, &bob);
        struct str after = do_say(&f, &alice, room, "after");
        const char *what = CSTR(f.arena, "%s, %s", table[i].visibility, table[i].final);
        check_sees(&f, &bob, room, said, table[i].sees, what);
        check_sees(&f, &carol, room, said, table[i].stranger, what);
        struct json *event;
        check_fault(room_read_event(&f.services, f.arena, &bob, room, after, &event),
                    strcmp(table[i].final, "join") == 0 ? ERRCODE_NONE : M_NOT_FOUND, what);
        fixture_fini(&f);
    }
}

/* The visibility that counts is the one at the event, not the one of today. */
static void visibility_at_the_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct str said[4], changes[4];
    static const char *const names[] = {"joined", "shared", "invited", "world_readable"};
    static const bool sees[] = {false, true, false, true};
    for (int i = 0; i < 4; i++) {
        changes[i] = do_state(&f, &alice, room, "m.room.history_visibility", "",
                              CSTR(f.arena, "{'history_visibility':'%s'}", names[i]));
        said[i] = do_say(&f, &alice, room, names[i]);
    }
    do_state(&f, &alice, room, "m.room.history_visibility", "", "{'history_visibility':'joined'}");
    do_join(&f, &bob, room);
    struct json *event;
    for (int i = 0; i < 4; i++)
        check_fault(room_read_event(&f.services, f.arena, &bob, room, said[i], &event),
                    sees[i] ? ERRCODE_NONE : M_NOT_FOUND, names[i]);
    /* the change itself is seen by what it was before or what it is after; all of these by one of the two */
    for (int i = 0; i < 4; i++)
        check_fault(room_read_event(&f.services, f.arena, &bob, room, changes[i], &event), ERRCODE_NONE, names[i]);
    fixture_fini(&f);
}

/* --- pages --- */

static const struct json *page(struct fixture *f, const struct caller *who, struct str room, struct messages_query *q)
{
    const struct json *out;
    check_ok(read_messages(f, who, room, q, &out));
    return out;
}

/* Pages of every size in both directions give each event once, in order. */
static void paging(void **state)
{
    enum { SAID = 30 };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    fixture_room(&f, &alice, "{}");
    for (int i = 0; i < SAID; i++)
        do_say(&f, &alice, room, CSTR(f.arena, "%d", i));
    for (int backwards = 0; backwards < 2; backwards++)
        for (int limit = 1; limit < 80; limit += limit < 5 ? 1 : 13) {
            struct messages_query q = {.backwards = backwards, .limit = limit};
            int next = backwards ? SAID - 1 : 0;
            uint32_t total = 0;
            for (int pages = 0; pages < 100; pages++) {
                const struct json *got = page(&f, &alice, room, &q);
                const struct json *chunk = json_get(got, STR("chunk"));
                assert_true(chunk->count <= (uint32_t)limit);
                total += chunk->count;
                for (uint32_t i = 0; i < chunk->count; i++) {
                    struct str body = json_str_at(json_get(&chunk->items[i], STR("content")), STR("body"));
                    if (body.p)
                        check_str(body, str_fmt(f.arena, "%d", backwards ? next-- : next++), "body");
                }
                q.from = json_str_at(got, STR("end"));
                if (!q.from.p)
                    break;
            }
            assert_int_equal(next, backwards ? -1 : SAID);
            assert_int_equal(total, 6 + SAID);
        }
    /* between two tokens, from either side */
    struct messages_query first = {.limit = 10};
    struct str middle = json_str_at(page(&f, &alice, room, &first), STR("end"));
    struct messages_query rest = {.limit = 100, .from = middle};
    assert_int_equal(json_get(page(&f, &alice, room, &rest), STR("chunk"))->count, 26);
    struct messages_query back = {.backwards = true, .limit = 100, .to = middle};
    assert_int_equal(json_get(page(&f, &alice, room, &back), STR("chunk"))->count, 26);
    struct messages_query old = {.backwards = true, .limit = 100, .from = middle};
    assert_int_equal(json_get(page(&f, &alice, room, &old), STR("chunk"))->count, 10);
    /* "Clients should continue to paginate until no end property is returned": not for ever */
    for (int backwards = 0; backwards < 2; backwards++) {
        struct messages_query none = {.limit = 0, .from = middle, .backwards = backwards};
        const struct json *nothing = page(&f, &alice, room, &none);
        assert_int_equal(json_get(nothing, STR("chunk"))->count, 0);
        assert_null(json_get(nothing, STR("end")));
    }
    const struct json *out;
    struct messages_query bad = {.limit = 1, .from = STR("t1")};
    check_fault(read_messages(&f, &alice, room, &bad, &out), M_INVALID_PARAM, "from");
    fixture_fini(&f);
}

static void filtered_pages(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    for (int i = 0; i < 200; i++)
        do_say(&f, &alice, room, "a");
    do_say(&f, &bob, room, "b");
    struct messages_query q = {.limit = 5};
    check_ok(event_filter_read(f.arena,
                               quoted_json(f.arena, "{'senders':['@bob:hearth.test'],'types':['m.room.message'"
                                                    "],'lazy_load_members':true}"),
                               &q.filter));
    const struct json *got = page(&f, &alice, room, &q);
    assert_int_equal(json_get(got, STR("chunk"))->count, 1);
    assert_null(json_get(got, STR("end")));
    assert_int_equal(json_get(got, STR("state"))->count, 1);
    check_str(json_str_at(&json_get(got, STR("state"))->items[0], STR("state_key")), bob.user_id, "lazy member");
    check_ok(event_filter_read(f.arena, quoted_json(f.arena, "{'rooms':[]}"), &q.filter));
    got = page(&f, &alice, room, &q);
    assert_int_equal(json_get(got, STR("chunk"))->count, 0);
    fixture_fini(&f);
}

static void context(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str said[10];
    struct event_filter any = {0};
    for (int i = 0; i < 10; i++)
        said[i] = do_say(&f, &alice, room, CSTR(f.arena, "%d", i));
    do_state(&f, &alice, room, "m.room.topic", "", "{'topic':'later'}");
    for (int64_t limit = 0; limit < 8; limit++) {
        const struct json *got;
        check_ok(read_context(&f, &alice, room, said[5], limit, &any, &got));
        check_str(json_str_at(json_get(got, STR("event")), STR("event_id")), said[5], "event");
        const struct json *before = json_get(got, STR("events_before")), *after = json_get(got, STR("events_after"));
        assert_int_equal(before->count + after->count, limit);
        for (uint32_t i = 0; i < before->count; i++)
            check_str(json_str_at(&before->items[i], STR("event_id")), said[4 - i], "before");
        for (uint32_t i = 0; i < after->count && i < 4; i++)
            check_str(json_str_at(&after->items[i], STR("event_id")), said[6 + i], "after");
        assert_int_equal(json_get(got, STR("state"))->count, 6); /* as it was then: no topic */
        struct messages_query q = {.backwards = true, .limit = 100, .from = json_str_at(got, STR("start"))};
        const struct json *older = json_get(page(&f, &alice, room, &q), STR("chunk"));
        assert_int_equal(older->count, 6 + 5 - before->count);
        q = (struct messages_query){.limit = 100, .from = json_str_at(got, STR("end"))};
        const struct json *newer = json_get(page(&f, &alice, room, &q), STR("chunk"));
        assert_int_equal(newer->count, 5 - after->count);
    }
    fixture_fini(&f);
}

/* --- state and members --- */

static void members(void **state)
{
    static const struct {
        const char *membership, *not_membership;
        int want;
    } cases[] = {{"", "", 4}, {"join", "", 2}, {"", "join", 2}, {"ban", "", 1}, {"join", "ban", 3}, {"knock", "", 0}};
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), carol = fixture_user(&f, "carol");
    struct caller dave = fixture_user(&f, "dave");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct sync_query sync = {0};
    struct str early = json_str_at(do_sync_query(&f, &alice, &sync, NULL), STR("next_batch"));
    do_join(&f, &bob, room);
    do_invite(&f, &alice, room, &carol);
    do_ban(&f, &alice, room, &dave);
    const struct json *got;
    struct json *ids;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct members_query q = {.membership = str_of(cases[i].membership),
                                  .not_membership = str_of(cases[i].not_membership)};
        check_ok(read_members(&f, &bob, room, &q, &got));
        assert_int_equal(got->count, cases[i].want);
    }
    struct members_query then = {.at = early};
    check_ok(read_members(&f, &bob, room, &then, &got));
    assert_int_equal(got->count, 1);
    then.at = STR("x");
    check_fault(read_members(&f, &bob, room, &then, &got), M_INVALID_PARAM, "at");
    check_ok(read_joined_members(&f, &bob, room, &got));
    check_str(json_text(f.arena, got), STR("{\"@alice:hearth.test\":{},\"@bob:hearth.test\":{}}"), "joined");
    const struct caller *outsiders[] = {&carol, &dave};
    for (size_t i = 0; i < COUNT_OF(outsiders); i++) {
        struct members_query all = {0};
        check_fault(read_members(&f, outsiders[i], room, &all, &got), M_FORBIDDEN, "outside");
        check_fault(read_joined_members(&f, outsiders[i], room, &got), M_FORBIDDEN, "outside");
    }
    do_leave(&f, &bob, room);
    check_fault(read_joined_members(&f, &bob, room, &got), M_FORBIDDEN, "left");
    do_join(&f, &carol, room);
    do_state(&f, &alice, room, "m.room.name", "", "{'name':'later'}");
    struct members_query all = {.membership = STR("join")};
    check_ok(read_members(&f, &bob, room, &all, &got));
    assert_int_equal(got->count, 1); /* as it was when bob left */
    struct json content;
    check_fault(room_read_state_event(&f.services, f.arena, &bob, room, STR("m.room.name"), STR(""), false, &content),
                M_NOT_FOUND, "later");
    check_ok(room_read_state_event(&f.services, f.arena, &alice, room, STR("m.room.name"), STR(""), true, &content));
    check_str(json_str_at(&content, STR("type")), STR("m.room.name"), "whole event");
    check_str(json_str_at(&content, STR("room_id")), room, "whole event");
    check_ok(room_read_joined_rooms(&f.services, f.arena, &bob, &ids));
    assert_int_equal(ids->count, 0);
    check_ok(room_read_joined_rooms(&f.services, f.arena, &carol, &ids));
    check_str(ids->items[0].s, room, "joined");
    fixture_fini(&f);
}

/* "The filter is only applied to events_before, events_after, and state." */
static void filtered_context(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), carol = fixture_user(&f, "carol");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    do_join(&f, &carol, room);
    struct str said = do_say(&f, &bob, room, "1");
    do_state(&f, &alice, room, "m.room.topic", "", "{'topic':'t'}");
    do_say(&f, &alice, room, "2");
    const struct json *got;
    struct event_filter filter;
    check_ok(event_filter_read(f.arena, quoted_json(f.arena, "{'types':['m.room.topic','m.room.name']}"), &filter));
    check_ok(read_context(&f, &alice, room, said, 10, &filter, &got));
    check_str(json_str_at(json_get(got, STR("event")), STR("event_id")), said, "the event itself");
    assert_int_equal(json_get(got, STR("events_before"))->count, 0);
    assert_int_equal(json_get(got, STR("events_after"))->count, 1);
    assert_int_equal(json_get(got, STR("state"))->count, 1);
    /* lazily: of the members those alone who speak */
    check_ok(event_filter_read(f.arena, quoted_json(f.arena, "{'lazy_load_members':true}"), &filter));
    check_ok(read_context(&f, &carol, room, said, 0, &filter, &got));
    const struct json *all = json_get(got, STR("state"));
    uint32_t members = 0;
    for (uint32_t i = 0; i < all->count; i++)
        if (str_eq(json_str_at(&all->items[i], STR("type")), STR("m.room.member"))) {
            check_str(json_str_at(&all->items[i], STR("state_key")), bob.user_id, "who speaks");
            members++;
        }
    assert_int_equal(members, 1);
    assert_true(all->count > 4);
    fixture_fini(&f);
}

/* An answer that grows with the room ends at what its buffer holds, whatever the room is filled with. */
static void too_large(void **state)
{
    enum { MAX = 20000 };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{}");
    struct str said = do_say(&f, &alice, room, "1");
    struct members_query all = {0};
    struct messages_query page_query = {.limit = 1000};
    struct event_filter any = {0};
    for (int round = 0; round < 2; round++) {
        struct buf out[5];
        for (size_t i = 0; i < COUNT_OF(out); i++)
            buf_init(&out[i], MAX);
        enum errcode want = round ? M_TOO_LARGE : ERRCODE_NONE;
        struct services *s = &f.services;
        check_fault(room_read_state(s, f.arena, &alice, room, &out[0]), want, "state");
        check_fault(room_read_messages(s, f.arena, &alice, room, &page_query, &out[1]), want, "messages");
        check_fault(room_read_context(s, f.arena, &alice, room, said, 100, &any, &out[2]), want, "context");
        check_ok(room_read_members(s, f.arena, &alice, room, &all, &out[3]));
        check_ok(room_read_joined_members(s, f.arena, &alice, room, &out[4]));
        for (size_t i = 0; i < COUNT_OF(out); i++)
            buf_fini(&out[i]);
        for (int i = 0; i < 100; i++)
            do_state(&f, &alice, room, "org.pile", CSTR(f.arena, "%d", i), "{'text':'one of many events of state'}");
    }
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history),          cmocka_unit_test(visibility_at_the_event),
        cmocka_unit_test(paging),           cmocka_unit_test(filtered_pages),
        cmocka_unit_test(context),          cmocka_unit_test(members),
        cmocka_unit_test(filtered_context), cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
