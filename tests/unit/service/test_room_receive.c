/* What becomes of events of other servers. */
#include "matrix/event_sign.h"
#include "service/room_merge.h"
#include "service/room_receive.h"
#include "store/event_graph.h"

#include "remote.h"

#define EVE "@eve:remote.test"
#define BOB "@bob:remote.test"

struct stage {
    struct fixture f;
    struct caller alice;
    struct str room_id;
    struct remote remote;
};

static void stage_init(struct stage *st, const char *room)
{
    fixture_init(&st->f, NULL);
    st->alice = fixture_user(&st->f, "alice");
    st->room_id = fixture_room(&st->f, &st->alice, room);
    st->remote = remote_init(&st->f, "remote.test", st->room_id);
}

static void stage_init_in(struct stage *st, const char *version)
{
    char room[64];
    snprintf(room, sizeof room, "{'preset':'public_chat','room_version':'%s'}", version);
    stage_init(st, room);
}

static void stage_fini(struct stage *st)
{
    fixture_fini(&st->f);
}

static const char *text(struct stage *st, struct str s)
{
    return str_cstr(st->f.arena, s);
}

static const struct json *sync_from(struct stage *st, int64_t since)
{
    struct sync_query q = {.since = since};
    check_ok(sync_filter_read(st->f.arena, NULL, &q.filter));
    return do_sync_query(&st->f, &st->alice, &q, NULL);
}

static struct event_row row_of(struct stage *st, struct str event_id)
{
    struct event_row row = {0};
    struct store_tx *tx = store_read_begin(st->f.services.store);
    assert_true(events_by_id(tx, event_id, st->f.arena, &row));
    assert_true(store_read_end(&tx));
    return row;
}

static size_t extremities(struct stage *st)
{
    struct room *room = do_open(&st->f, st->room_id);
    int64_t *nids;
    struct store_tx *tx = store_read_begin(st->f.services.store);
    size_t count = forward_extremities_of(tx, room->nid, st->f.arena, &nids);
    assert_true(store_read_end(&tx));
    room_close(&st->f.services, &room);
    return count;
}

static const struct event *state_now(struct stage *st, const char *type, const char *state_key)
{
    const struct event *event;
    struct room *room = do_open(&st->f, st->room_id);
    check_ok(room_state_now(&st->f.services, st->f.arena, room, str_of(type), str_of(state_key), &event));
    room_close(&st->f.services, &room);
    return event;
}

static struct str membership_now(struct stage *st, const char *user_id)
{
    return event_membership(state_now(st, "m.room.member", user_id));
}

/* --- what is let in --- */

static void others_join_and_talk(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    const struct json *first = sync_from(&st, 0);
    struct str joined = remote_join(&st.remote, EVE);
    check_str(membership_now(&st, EVE), STR("join"), "eve");
    struct str said = remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .content = "{'body':'hi'}");
    const struct json *pdu =
        remote_event(&st.remote, &(struct remote_draft){.type = "m.room.message", .sender = EVE, .ts = 5}, NULL);
    remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "once");
    remote_deliver(&st.remote, pdu, RECEIVE_KNOWN, "twice");

    const struct json *next = sync_from(&st, sync_next(first));
    const struct json *timeline = json_at(sync_room_section(next, "join", st.room_id), "timeline events");
    assert_int_equal(timeline->count, 3);
    check_str(json_str_at(&timeline->items[0], STR("event_id")), joined, "the join");
    check_str(json_str_at(&timeline->items[1], STR("event_id")), said, "the message");
    /* One line, as if all had happened here. */
    assert_int_equal(extremities(&st), 1);
    do_say(&st.f, &st.alice, st.room_id, "hello");
    assert_int_equal(extremities(&st), 1);
    stage_fini(&st);
}

static void forks_are_joined_by_the_next_event(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    struct str base = remote_join(&st.remote, EVE);
    for (int i = 0; i < 5; i++)
        remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 100 + i);
    assert_int_equal(extremities(&st), 5);
    struct str mine = do_say(&st.f, &st.alice, st.room_id, "one for all");
    assert_int_equal(extremities(&st), 1);
    struct event_row row = row_of(&st, mine);
    struct json_result pdu = json_parse(st.f.arena, row.pdu, JSON_DEPTH_MAX);
    assert_int_equal(json_get(pdu.value, STR("prev_events"))->count, 5);
    fixture_forget(&st.f);
    do_say(&st.f, &st.alice, st.room_id, "and on");
    stage_fini(&st);
}

static void more_forks_than_an_event_may_follow_are_followed_in_turn(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    struct str base = remote_join(&st.remote, EVE);
    for (int i = 0; i < 50; i++)
        remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 100 + i);
    /* Whenever there are too many, alice's server joins them. */
    assert_true(extremities(&st) <= ROOM_MERGE_ABOVE);
    do_leave(&st.f, &st.alice, st.room_id);
    while (extremities(&st) < FORWARD_EXTREMITIES_MAX) /* nobody is there who could */
        remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 1000 + st.f.devices++);
    /* None is dropped for a later one: what the oldest says, that she left, holds on. */
    for (int i = 0; i < 10; i++)
        remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 5000 + i);
    assert_true(extremities(&st) <= FORWARD_EXTREMITIES_MAX);
    check_str(membership_now(&st, "@alice:hearth.test"), STR("leave"), "alice");
    const struct json *timeline = json_at(sync_room_section(sync_from(&st, 0), "join", st.room_id), "timeline events");
    for (uint32_t i = 0; timeline && i < timeline->count; i++)
        assert_false(str_eq(json_str_at(&timeline->items[i], STR("type")), STR("org.matrix.dummy_event")));
    size_t before = extremities(&st);
    do_join(&st.f, &st.alice, st.room_id);
    assert_int_equal(extremities(&st), before - 19);
    fixture_forget(&st.f);
    check_str(membership_now(&st, "@alice:hearth.test"), STR("join"), "alice");
    do_say(&st.f, &st.alice, st.room_id, "1");
    do_say(&st.f, &st.alice, st.room_id, "2");
    assert_int_equal(extremities(&st), 1);
    timeline = json_at(sync_room_section(sync_from(&st, 0), "join", st.room_id), "timeline events");
    for (uint32_t i = 0; i < timeline->count; i++)
        assert_false(str_eq(json_str_at(&timeline->items[i], STR("type")), STR("org.matrix.dummy_event")));
    do_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'t'}");
    stage_fini(&st);
}

static void forks_of_state_are_resolved(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat','power_level_content_override':{'users_default':0,'state_default':50}}");
    struct str base = remote_join(&st.remote, EVE);
    /* While eve's server has not heard of it, alice bans bob, who joins there. */
    struct remote_draft bob = {
        .type = "m.room.member", .sender = BOB, .state_key = BOB, .content = "{'membership':'join'}", .prev = {base}};
    const struct json *join = remote_event(&st.remote, &bob, NULL);
    struct caller bob_here = {.user_id = STR(BOB)};
    do_ban(&st.f, &st.alice, st.room_id, &bob_here);
    /* It was right where it happened, but is not let in now. */
    remote_deliver(&st.remote, join, RECEIVE_SOFT_FAILED, "join of a banned user");
    check_str(membership_now(&st, BOB), STR("ban"), "bob");
    assert_int_equal(extremities(&st), 1);

    /* Two topics at once: both are let in, and the later one stands. */
    do_state(&st.f, &st.alice, st.room_id, "m.room.power_levels", "",
             "{'users':{'@eve:remote.test':60},'state_default':50}");
    struct str levels = state_now(&st, "m.room.power_levels", "")->event_id;
    struct remote_draft topic = {.type = "m.room.topic",
                                 .sender = EVE,
                                 .state_key = "",
                                 .content = "{'topic':'later'}",
                                 .prev = {levels},
                                 .ts = clock_now_ms() + 60000};
    const struct json *later = remote_event(&st.remote, &topic, NULL);
    topic.content = "{'topic':'earlier'}";
    topic.ts = 1000;
    const struct json *earlier = remote_event(&st.remote, &topic, NULL);
    do_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'here'}");
    remote_deliver(&st.remote, earlier, RECEIVE_ACCEPTED, "earlier");
    check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("here"), "topic");
    remote_deliver(&st.remote, later, RECEIVE_ACCEPTED, "later");
    check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("later"), "topic");
    assert_int_equal(extremities(&st), 3);
    fixture_forget(&st.f);
    check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("later"), "topic");
    do_say(&st.f, &st.alice, st.room_id, "well");
    check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("later"), "topic");
    stage_fini(&st);
}

/* What a client makes of an answer of /sync: the topic that state and timeline leave behind. */
static struct str fold_topic(struct stage *st, const struct json *answer, struct str topic)
{
    static const char *const sections[] = {"state events", "timeline events"};
    const struct json *room = sync_room_section(answer, "join", st->room_id);
    for (size_t k = 0; k < COUNT_OF(sections); k++) {
        const struct json *events = json_at(room, sections[k]);
        for (uint32_t i = 0; events && i < events->count; i++)
            if (str_eq(json_str_at(&events->items[i], STR("type")), STR("m.room.topic")))
                topic = json_str_at(json_get(&events->items[i], STR("content")), STR("topic"));
    }
    return topic;
}

static void a_batch_is_no_line(void **state)
{
    (void)state;
    struct stage st;
    struct caller bob_here = {.user_id = STR(BOB)};
    stage_init(&st, "{'preset':'public_chat'}");
    struct str base = remote_join(&st.remote, BOB);
    base = remote_join(&st.remote, EVE);
    do_ban(&st.f, &st.alice, st.room_id, &bob_here);
    /* In one call: something on top, and something from before the ban. */
    struct remote_draft on_top = {.type = "m.room.message", .sender = EVE, .ts = 1};
    struct remote_draft before = {.type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 2};
    struct received_pdu both[2] = {{.pdu = remote_event(&st.remote, &on_top, NULL)},
                                   {.pdu = remote_event(&st.remote, &before, NULL)}};
    check_ok(remote_receive(&st.remote, (struct receive_options){0}, both, 2));
    assert_int_equal(both[0].outcome, RECEIVE_ACCEPTED);
    assert_int_equal(both[1].outcome, RECEIVE_ACCEPTED);
    assert_int_equal(extremities(&st), 2);
    check_str(membership_now(&st, BOB), STR("ban"), "bob");

    /* A line with a hidden event in it ends as a line. */
    do_say(&st.f, &st.alice, st.room_id, "one branch");
    struct str ids[3];
    struct remote_draft line[3] = {{.type = "m.room.message", .sender = EVE},
                                   {.type = "m.room.redaction", .sender = EVE, .redacts = "$nobody_has_it"},
                                   {.type = "m.room.message", .sender = EVE}};
    struct received_pdu three[3] = {{0}, {0}, {0}};
    for (int i = 0; i < 3; i++) {
        line[i].ts = 10 + i;
        if (i > 0)
            line[i].prev[0] = ids[i - 1];
        three[i].pdu = remote_event(&st.remote, &line[i], &ids[i]);
    }
    check_ok(remote_receive(&st.remote, (struct receive_options){0}, three, 3));
    assert_int_equal(extremities(&st), 1);
    struct str mine = do_say(&st.f, &st.alice, st.room_id, "next");
    struct json_result pdu = json_parse(st.f.arena, row_of(&st, mine).pdu, JSON_DEPTH_MAX);
    check_str(json_get(pdu.value, STR("prev_events"))->items[0].s, ids[2], "follows the newest");
    stage_fini(&st);
}

static void what_is_followed_already_is_no_extremity(void **state)
{
    (void)state;
    struct stage st;
    struct str first, second;
    stage_init(&st, "{'preset':'public_chat'}");
    struct str joined = remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .prev = {joined}};
    const struct json *one = remote_event(&st.remote, &d, &first);
    d.prev[0] = first;
    struct received_pdu two = {.pdu = remote_event(&st.remote, &d, &second)};
    const struct str state_ids[] = {state_now(&st, "m.room.create", "")->event_id,
                                    state_now(&st, "m.room.power_levels", "")->event_id,
                                    state_now(&st, "m.room.join_rules", "")->event_id, joined};
    struct receive_options options = {.state = state_ids, .state_count = COUNT_OF(state_ids)};
    check_ok(remote_receive(&st.remote, options, &two, 1));
    assert_int_equal(two.outcome, RECEIVE_ACCEPTED);
    assert_int_equal(extremities(&st), 2); /* what lies between is not known */
    remote_deliver(&st.remote, one, RECEIVE_ACCEPTED, "the missing one");
    assert_int_equal(extremities(&st), 1);
    assert_false(row_of(&st, second).gap);
    stage_fini(&st);
}

static void clients_learn_what_was_resolved(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    do_state(&st.f, &st.alice, st.room_id, "m.room.power_levels", "",
             "{'users':{'@eve:remote.test':60},'state_default':50}");
    struct str levels = state_now(&st, "m.room.power_levels", "")->event_id;
    struct str topic_id, leave_id;
    /* On her side eve sets a topic and leaves; here she is demoted before, so that the topic is resolved away, and what
     * stands for it is known by no event of the timeline. */
    struct remote_draft topic = {
        .type = "m.room.topic", .sender = EVE, .state_key = "", .content = "{'topic':'hers'}", .prev = {levels}};
    topic.ts = clock_now_ms() + 60000;
    const struct json *hers = remote_event(&st.remote, &topic, &topic_id);
    do_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'ours'}");
    const struct json *first = sync_from(&st, 0);
    struct str known = fold_topic(&st, first, (struct str){0});
    check_str(known, STR("ours"), "before");
    remote_deliver(&st.remote, hers, RECEIVE_ACCEPTED, "her topic");
    check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("hers"), "resolved");
    const struct json *second = sync_from(&st, sync_next(first));
    known = fold_topic(&st, second, known);
    check_str(known, STR("hers"), "after her topic");
    /* A second branch from before, whose topic is older: it comes as an event, but what stands is hers. */
    topic.ts = 1000;
    topic.content = "{'topic':'old'}";
    remote_deliver(&st.remote, remote_event(&st.remote, &topic, NULL), RECEIVE_ACCEPTED, "an older one");
    const struct json *third = sync_from(&st, sync_next(second));
    known = fold_topic(&st, third, known);
    check_str(known, STR("hers"), "an event that lost");
    assert_true(json_bool_at(json_at(sync_room_section(third, "join", st.room_id), "timeline"), STR("limited"), false));
    struct remote_draft name = {
        .type = "m.room.name", .sender = EVE, .state_key = "", .content = "{'name':'n'}", .prev = {topic_id}};
    remote_deliver(&st.remote, remote_event(&st.remote, &name, &leave_id), RECEIVE_ACCEPTED, "a name");
    do_say(&st.f, &st.alice, st.room_id, "merged");
    const struct event *now = state_now(&st, "m.room.topic", "");
    check_str(json_str_at(now->content, STR("topic")), STR("hers"), "in the end");
    /* Who begins now is told the state before the timeline, and what the timeline leaves. */
    struct sync_query q = {.since = 0, .use_state_after = true, .state_after_name = STR("state_after")};
    check_ok(sync_filter_read(st.f.arena, quoted_json(st.f.arena, "{'room':{'timeline':{'limit':2}}}"), &q.filter));
    const struct json *room = sync_room_section(do_sync_query(&st.f, &st.alice, &q, NULL), "join", st.room_id);
    const struct json *after = json_at(room, "state_after events");
    bool found = false;
    for (uint32_t i = 0; i < after->count; i++)
        found |= str_eq(json_str_at(&after->items[i], STR("event_id")), now->event_id);
    assert_true(found);
    q.use_state_after = false;
    known = fold_topic(&st, do_sync_query(&st.f, &st.alice, &q, NULL), (struct str){0});
    check_str(known, STR("hers"), "a client that begins");
    stage_fini(&st);
}

/* --- what is not --- */

static void bad_format_and_signatures_are_dropped(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    struct arena *a = st.f.arena;
    remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'x'}"};
    struct json *pdu;

    remote_deliver(&st.remote, quoted_json(a, "[]"), RECEIVE_DROPPED, "an array");
    remote_deliver(&st.remote, quoted_json(a, "{}"), RECEIVE_DROPPED, "empty");

    pdu = remote_event(&st.remote, &d, NULL);
    json_set(a, pdu, STR("sender"), json_int(5));
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "sender of a wrong type");

    pdu = remote_event(&st.remote, &d, NULL);
    json_set(a, pdu, STR("content"), *quoted_json(a, "{'n':1.5}"));
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "a float");

    pdu = remote_event(&st.remote, &d, NULL);
    char *big = arena_alloc(a, EVENT_SIZE_MAX);
    memset(big, 'x', EVENT_SIZE_MAX);
    json_set_str(a, json_edit(pdu, STR("content")), STR("body"), (struct str){big, EVENT_SIZE_MAX});
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "too large");

    pdu = remote_event(&st.remote, &d, NULL);
    struct json *many = json_array(a);
    for (int i = 0; i < 10000; i++)
        json_push(a, many, json_string(str_fmt(a, "$%043d", i)));
    json_set(a, pdu, STR("prev_events"), *many);
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "10,000 prev_events");

    pdu = remote_event(&st.remote, &d, NULL);
    json_set_int(a, pdu, STR("depth"), -1);
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "depth below 0");

    pdu = remote_event(&st.remote, &d, NULL);
    json_set_str(a, pdu, STR("room_id"), STR("!other:remote.test"));
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "another room");

    pdu = remote_event(&st.remote, &d, NULL);
    json_unset(pdu, STR("signatures"));
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "no signature");

    pdu = remote_event(&st.remote, &d, NULL);
    json_set_int(a, pdu, STR("origin_server_ts"), 77); /* signed are others */
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "a signature over something else");

    d.sender = "@alice:hearth.test";
    pdu = remote_event(&st.remote, &d, NULL);
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "signed by a server that is not the sender's");

    d.sender = EVE;
    d.ts = clock_now_ms();
    pdu = remote_event(&st.remote, &d, NULL);
    st.remote.valid_until_ms = d.ts - 1;
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "a key that had expired");
    st.remote.valid_until_ms = d.ts;
    remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "a key that expired later");
    stage_fini(&st);
}

/* In versions 1 and 2 the id is the sender's to choose, and its server signs as well. */
static void the_server_in_an_event_id_signs(void **state)
{
    static const char *const versions[] = {"1", "2"};
    (void)state;
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct stage st;
        stage_init_in(&st, versions[v]);
        struct arena *a = st.f.arena;
        struct str joined = remote_join(&st.remote, EVE);
        check_str(joined, STR("$1:remote.test"), "id");
        struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'x'}"};
        d.event_id = "$x:hearth.test";
        struct json *pdu = remote_event(&st.remote, &d, NULL);
        struct received_pdu received =
            remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "not signed by the id's server");
        assert_true(str_starts(received.rule, STR("check 2: ")));
        assert_true(event_cosign(a, room_version_find(str_of(versions[v])), pdu, st.f.services.signing_key));
        remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "signed by it");

        d.event_id = "$y";
        pdu = remote_unsealed(&st.remote, &d);
        remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "an id without a server");
        d.event_id = "$y:remote.test";
        pdu = remote_event(&st.remote, &d, NULL);
        json_unset(pdu, STR("event_id"));
        remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "no id");
        /* An id that is known already is that event, whatever comes under it. */
        d.event_id = "$z:remote.test";
        d.prev[0] = joined;
        struct str known;
        remote_deliver(&st.remote, remote_event(&st.remote, &d, &known), RECEIVE_ACCEPTED, "the first of an id");
        d.content = "{'body':'other'}";
        remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_KNOWN, "another event under a known id");
        const struct json *kept = json_parse(a, row_of(&st, known).pdu, JSON_DEPTH_MAX).value;
        check_str(json_str_at(json_get(kept, STR("content")), STR("body")), STR("x"), "what came first stays");
        do_say(&st.f, &st.alice, st.room_id, "and on");
        stage_fini(&st);
    }
}

/* Rule 4.2 (5.2 in version 12): whose server is said to have let somebody in has signed it. */
static void the_server_of_who_authorised_a_join_signs(void **state)
{
    static const char *const versions[] = {"7", "8", "11", "12"};
    (void)state;
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct stage st;
        const struct room_version *version = room_version_find(str_of(versions[v]));
        stage_init_in(&st, versions[v]);
        struct arena *a = st.f.arena;
        remote_join(&st.remote, EVE);
        struct remote_draft d = {
            .type = "m.room.member",
            .sender = EVE,
            .state_key = EVE,
            .content = "{'membership':'join','join_authorised_via_users_server':'@alice:hearth.test'}",
        };
        struct json *pdu = remote_event(&st.remote, &d, NULL);
        if (!version->restricted_join) {
            remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "it means nothing yet");
            stage_fini(&st);
            continue;
        }
        const char *rule = version->creators_are_privileged ? "auth rule 5.2.1: " : "auth rule 4.2.1: ";
        struct received_pdu received = remote_deliver(&st.remote, pdu, RECEIVE_REJECTED, "not signed");
        assert_true(str_starts(received.rule, str_of(rule)));
        assert_int_equal(row_of(&st, received.event_id).status, EVENT_REJECTED);

        d.ts = 1000;
        pdu = remote_event(&st.remote, &d, NULL);
        struct json *signatures = json_shallow_copy(a, json_get(pdu, STR("signatures")));
        struct json *forged = json_object(a);
        json_set_str(a, forged, st.f.services.signing_key->key_id, STR("AAAA"));
        json_set(a, signatures, STR("hearth.test"), *forged);
        json_set(a, pdu, STR("signatures"), *signatures);
        received = remote_deliver(&st.remote, pdu, RECEIVE_REJECTED, "a signature that does not hold");
        assert_true(str_starts(received.rule, str_of(rule)));

        d.ts = 2000;
        pdu = remote_event(&st.remote, &d, NULL);
        assert_true(event_cosign(a, version, pdu, st.f.services.signing_key));
        remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "signed");
        stage_fini(&st);
    }
}

static void a_wrong_content_hash_leaves_what_a_redaction_leaves(void **state)
{
    (void)state;
    struct stage st;
    struct str event_id;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'x'}"};
    struct json *pdu = remote_event(&st.remote, &d, &event_id);
    json_set_str(st.f.arena, json_edit(pdu, STR("content")), STR("body"), STR("forged"));
    struct received_pdu received = remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "forged content");
    check_str(received.event_id, event_id, "the id is over what is signed");
    struct json_result stored = json_parse(st.f.arena, row_of(&st, event_id).pdu, JSON_DEPTH_MAX);
    assert_int_equal(json_get(stored.value, STR("content"))->count, 0);
    stage_fini(&st);
}

static void what_is_not_here_is_told(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    struct str first, second;
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'1'}"};
    const struct json *one = remote_event(&st.remote, &d, &first);
    d.prev[0] = first;
    const struct json *two = remote_event(&st.remote, &d, &second);
    struct received_pdu received = remote_deliver(&st.remote, two, RECEIVE_MISSING, "before what it follows");
    assert_int_equal(received.missing_prev_count, 1);
    assert_int_equal(received.missing_auth_count, 0);
    check_str(received.missing_prev[0], first, "missing");

    /* In one call, in order. */
    struct received_pdu both[2] = {{.pdu = one}, {.pdu = two}};
    check_ok(remote_receive(&st.remote, (struct receive_options){0}, both, 2));
    assert_int_equal(both[0].outcome, RECEIVE_ACCEPTED);
    assert_int_equal(both[1].outcome, RECEIVE_ACCEPTED);

    struct remote_draft odd = d;
    odd.prev[0] = second;
    odd.auth[0] = STR("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    received = remote_deliver(&st.remote, remote_event(&st.remote, &odd, NULL), RECEIVE_MISSING, "auth event");
    assert_int_equal(received.missing_auth_count, 1);
    stage_fini(&st);
}

static void what_the_rules_refuse_is_rejected_and_kept(void **state)
{
    (void)state;
    struct stage st;
    struct str event_id;
    stage_init(&st, "{'preset':'public_chat'}");
    struct str eve = remote_join(&st.remote, EVE);
    struct str levels = state_now(&st, "m.room.power_levels", "")->event_id;

    /* Check 4: nobody of the auth events says that bob is in the room. */
    const struct json *pdu =
        remote_event(&st.remote, &(struct remote_draft){.type = "m.room.message", .sender = BOB}, &event_id);
    struct received_pdu received = remote_deliver(&st.remote, pdu, RECEIVE_REJECTED, "a stranger");
    assert_true(received.rule.n > 0);
    struct event_row row = row_of(&st, event_id);
    assert_int_equal(row.status, EVENT_REJECTED);
    check_str(row.reason, received.rule, "reason");
    assert_true(row.pos < 0);
    assert_int_equal(row.state_after, row.state_before);
    remote_deliver(&st.remote, pdu, RECEIVE_KNOWN, "again");
    assert_int_equal(extremities(&st), 1);

    /* What cites it is rejected with it. */
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .auth = {eve, levels, event_id}};
    remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_REJECTED, "auth events with a rejected one");
    /* What only follows it is not. */
    d = (struct remote_draft){.type = "m.room.message", .sender = EVE, .prev = {event_id}};
    remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_ACCEPTED, "after a rejected one");

    /* Check 5: the auth events allow it, but they were not the state any more. */
    struct caller eve_here = {.user_id = STR(EVE)};
    do_kick(&st.f, &st.alice, st.room_id, &eve_here);
    d = (struct remote_draft){.type = "m.room.message", .sender = EVE, .auth = {eve, levels}};
    remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_REJECTED, "old auth events");
    /* Check 6: neither is it rejected nor followed where the state before it allows it. */
    d.prev[0] = eve;
    remote_deliver(&st.remote, remote_event(&st.remote, &d, &event_id), RECEIVE_SOFT_FAILED, "a late word");
    assert_int_equal(row_of(&st, event_id).status, EVENT_SOFT_FAILED);
    stage_fini(&st);
}

static void auth_chains_do_not_lead_into_other_rooms(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat','room_version':'11'}");
    struct str elsewhere = fixture_room(&st.f, &st.alice, "{'preset':'public_chat','room_version':'11'}");
    struct remote there = remote_init(&st.f, "remote.test", elsewhere);
    struct str member = remote_join(&there, EVE);
    struct str create = state_now(&st, "m.room.create", "")->event_id;
    struct str levels = state_now(&st, "m.room.power_levels", "")->event_id;
    remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .auth = {create, levels, member}};
    struct received_pdu received =
        remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_REJECTED, "a member of another room");
    assert_non_null(strstr(text(&st, received.rule), "another room"));
    stage_fini(&st);
}

static void events_that_wait_for_one_another_wait_for_ever(void **state)
{
    (void)state;
    struct stage st;
    struct str unused;
    stage_init(&st, "{'preset':'public_chat','room_version':'1'}");
    remote_join(&st.remote, EVE);
    /* Ids are chosen by the sender in this version, so two events can come before one another. */
    struct str ids[2] = {STR("$one:remote.test"), STR("$two:remote.test")};
    struct received_pdu both[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        struct remote_draft d = {.type = "m.room.message", .sender = EVE, .prev = {ids[1 - i]}};
        struct json *pdu = remote_unsealed(&st.remote, &d);
        struct event event;
        json_set_str(st.f.arena, pdu, STR("event_id"), ids[i]);
        assert_null(event_seal(st.f.arena, room_version_find(STR("1")), pdu, &st.remote.key, &event).refused);
        both[i].pdu = pdu;
    }
    check_ok(remote_receive(&st.remote, (struct receive_options){0}, both, 2));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i].outcome, RECEIVE_MISSING);
        check_str(both[i].missing_prev[0], ids[1 - i], "missing");
    }
    /* Nor does one that comes before itself. */
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .prev = {ids[0]}};
    struct json *pdu = remote_event(&st.remote, &d, &unused);
    json_set_str(st.f.arena, pdu, STR("event_id"), ids[0]);
    remote_deliver(&st.remote, pdu, RECEIVE_DROPPED, "itself");
    assert_int_equal(extremities(&st), 1);
    do_say(&st.f, &st.alice, st.room_id, "on");
    stage_fini(&st);
}

static bool run_unknown_version(struct store_tx *tx, void *arg)
{
    (void)arg;
    return rooms_insert(tx, STR("!new:remote.test"), STR("99")) != 0;
}

static void rooms_of_unknown_versions_are_unknown(void **state)
{
    (void)state;
    struct stage st;
    struct room *room;
    stage_init(&st, "{}");
    assert_int_equal(store_write(st.f.services.store, run_unknown_version, NULL), STORE_OK);
    check_fault(room_open(&st.f.services, STR("!new:remote.test"), ROOM_UNKNOWN, &room), M_NOT_FOUND, "version 99");
    assert_null(room);
    stage_fini(&st);
}

static void what_is_too_deep_is_no_json(void **state)
{
    (void)state;
    struct stage st;
    struct buf b;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    /* As deep as the parser goes, and signed: an event like others. */
    struct remote_draft d = {.type = "m.room.message", .sender = EVE};
    struct json *pdu = remote_unsealed(&st.remote, &d);
    struct event event;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < JSON_DEPTH_MAX - 2; i++)
        buf_add(&b, STR("["));
    for (unsigned i = 0; i < JSON_DEPTH_MAX - 2; i++)
        buf_add(&b, STR("]"));
    struct json_result deep = json_parse(st.f.arena, buf_str(&b), JSON_DEPTH_MAX);
    assert_non_null(deep.value);
    json_set(st.f.arena, json_edit(pdu, STR("content")), STR("deep"), *deep.value);
    assert_null(event_seal(st.f.arena, room_version_default(), pdu, &st.remote.key, &event).refused);
    remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "as deep as may be");
    struct str text_of_it = json_text(st.f.arena, pdu);
    assert_non_null(json_parse(st.f.arena, text_of_it, JSON_DEPTH_MAX).value);
    assert_null(json_parse(st.f.arena, text_of_it, JSON_DEPTH_MAX - 1).value);
    buf_fini(&b);
    stage_fini(&st);
}

static void prev_events_do_not_lead_into_other_rooms(void **state)
{
    (void)state;
    static const char *const versions[] = {"1", "6", "11", "12"};
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct stage st;
        fixture_init(&st.f, NULL);
        st.alice = fixture_user(&st.f, "alice");
        struct caller mallory = fixture_user(&st.f, "mallory");
        const char *body = CSTR(st.f.arena, "{'preset':'public_chat','room_version':'%s'}", versions[v]);
        struct str other = fixture_room(&st.f, &mallory, body);
        struct str theirs = do_say(&st.f, &mallory, other, "there");
        st.room_id = fixture_room(&st.f, &st.alice, body);
        st.remote = remote_init(&st.f, "remote.test", st.room_id);
        struct str joined = remote_join(&st.remote, EVE);
        for (int order = 0; order < 2; order++) {
            struct remote_draft d = {.type = "m.room.message",
                                     .sender = EVE,
                                     .prev = {order ? joined : theirs, order ? theirs : joined},
                                     .ts = 10 + order};
            remote_deliver(&st.remote, remote_event(&st.remote, &d, NULL), RECEIVE_DROPPED, versions[v]);
        }
        assert_null(state_now(&st, "m.room.member", "@mallory:hearth.test"));
        assert_int_equal(extremities(&st), 1);
        stage_fini(&st);
    }
}

static void rejected_outliers_get_their_place_too(void **state)
{
    (void)state;
    struct stage st;
    struct str event_id;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.name", .sender = EVE, .state_key = "", .content = "{'name':'n'}"};
    const struct json *pdu = remote_event(&st.remote, &d, &event_id);
    struct received_pdu received = {.pdu = pdu};
    check_ok(remote_receive(&st.remote, (struct receive_options){.outliers = true}, &received, 1));
    assert_int_equal(received.outcome, RECEIVE_REJECTED);
    struct remote_draft child = {.type = "m.room.message", .sender = EVE, .prev = {event_id}};
    const struct json *after = remote_event(&st.remote, &child, NULL);
    remote_deliver(&st.remote, after, RECEIVE_MISSING, "before its place is known");
    remote_deliver(&st.remote, pdu, RECEIVE_REJECTED, "in its place");
    remote_deliver(&st.remote, after, RECEIVE_ACCEPTED, "then");
    stage_fini(&st);
}

static void members_at_a_time_are_those_of_the_room_then(void **state)
{
    (void)state;
    struct stage st;
    struct caller bob_here = {.user_id = STR(BOB)};
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, BOB);
    struct str base = remote_join(&st.remote, EVE);
    do_ban(&st.f, &st.alice, st.room_id, &bob_here);
    remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .prev = {base});
    struct members_query query = {.at = json_str_at(sync_from(&st, 0), STR("next_batch")), .membership = STR("join")};
    do_say(&st.f, &st.alice, st.room_id, "later");
    const struct json *members;
    check_ok(read_members(&st.f, &st.alice, st.room_id, &query, &members));
    for (uint32_t i = 0; i < members->count; i++)
        assert_false(str_eq(json_str_at(&members->items[i], STR("state_key")), STR(BOB)));
    assert_int_equal(members->count, 2);
    stage_fini(&st);
}

/* The current state of what no event of the timeline tells. */
static void hidden_events_move_the_state_of_the_room(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat','room_version':'11'}");
    remote_join(&st.remote, BOB);
    remote_join(&st.remote, EVE);
    do_state(&st.f, &st.alice, st.room_id, "m.room.power_levels", "",
             "{'users':{'@alice:hearth.test':100,'@eve:remote.test':50}}");
    struct str levels = state_now(&st, "m.room.power_levels", "")->event_id;
    struct str topic, kick, redaction;
    struct remote_draft d = {.type = "m.room.topic",
                             .sender = EVE,
                             .state_key = "",
                             .content = "{'topic':'fork'}",
                             .prev = {levels},
                             .ts = 50};
    struct received_pdu before[2] = {{.pdu = remote_event(&st.remote, &d, &topic)}, {0}};
    d = (struct remote_draft){.type = "m.room.member",
                              .sender = EVE,
                              .state_key = BOB,
                              .content = "{'membership':'leave'}",
                              .prev = {topic},
                              .ts = 51};
    before[1].pdu = remote_event(&st.remote, &d, &kick);
    d = (struct remote_draft){
        .type = "m.room.redaction", .sender = EVE, .redacts = "$from_before", .prev = {kick}, .ts = 52};
    struct received_pdu hidden = {.pdu = remote_event(&st.remote, &d, &redaction)};
    check_ok(remote_receive(&st.remote, (struct receive_options){.outliers = true}, before, 2));
    const struct json *first = sync_from(&st, 0);
    const struct str state_ids[] = {state_now(&st, "m.room.create", "")->event_id,
                                    levels,
                                    state_now(&st, "m.room.join_rules", "")->event_id,
                                    state_now(&st, "m.room.history_visibility", "")->event_id,
                                    state_now(&st, "m.room.member", "@alice:hearth.test")->event_id,
                                    state_now(&st, "m.room.member", EVE)->event_id,
                                    kick,
                                    topic};
    struct receive_options options = {.state = state_ids, .state_count = COUNT_OF(state_ids)};
    check_ok(remote_receive(&st.remote, options, &hidden, 1));
    assert_int_equal(hidden.outcome, RECEIVE_ACCEPTED);
    assert_true(row_of(&st, redaction).pos < 0);
    for (int i = 0; i < 2; i++) {
        check_str(membership_now(&st, BOB), STR("leave"), i ? "after a word of alice's" : "at once");
        check_str(json_str_at(state_now(&st, "m.room.topic", "")->content, STR("topic")), STR("fork"), "topic");
        fixture_forget(&st.f);
        check_str(membership_now(&st, BOB), STR("leave"), "after a restart");
        if (i == 0) {
            const struct json *next = sync_from(&st, sync_next(first));
            check_str(fold_topic(&st, next, (struct str){0}), STR("fork"), "told to clients");
            do_say(&st.f, &st.alice, st.room_id, "next");
        }
    }
    struct remote_draft said = {.type = "m.room.message", .sender = BOB, .ts = 60};
    remote_deliver(&st.remote, remote_event(&st.remote, &said, NULL), RECEIVE_REJECTED, "bob has gone");
    stage_fini(&st);
}

static void nobody_silences_a_room_by_forking_it(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st, "{'preset':'public_chat','room_version':'11'}");
    struct remote honest = remote_init(&st.f, "honest.test", st.room_id);
    remote_join(&honest, "@mod:honest.test");
    remote_join(&st.remote, EVE);
    do_state(
        &st.f, &st.alice, st.room_id, "m.room.power_levels", "",
        "{'users':{'@mod:honest.test':100,'@alice:hearth.test':0},'events_default':50,'state_default':50,'ban':50}");
    struct str base = remote_send(&honest, .type = "m.room.message", .sender = "@mod:honest.test");
    struct str ban;
    struct remote_draft d = {.type = "m.room.member",
                             .sender = "@mod:honest.test",
                             .state_key = EVE,
                             .content = "{'membership':'ban'}",
                             .prev = {base},
                             .ts = 77};
    const struct json *banned = remote_event(&honest, &d, &ban);
    d = (struct remote_draft){.type = "m.room.message", .sender = "@mod:honest.test", .prev = {ban}, .ts = 78};
    const struct json *next = remote_event(&honest, &d, NULL);
    /* Nobody of ours may merge them. */
    for (int i = 0; i < 60; i++)
        remote_send(&st.remote, .type = "m.room.member", .sender = EVE, .state_key = EVE, .prev = {base},
                    .ts = 1000 + i, .content = CSTR(st.f.arena, "{'membership':'join','displayname':'%d'}", i));
    remote_deliver(&honest, banned, RECEIVE_ACCEPTED, "the ban");
    check_str(membership_now(&st, EVE), STR("ban"), "eve");
    remote_deliver(&honest, next, RECEIVE_ACCEPTED, "what the moderator says next");
    for (int i = 0; i < 60; i++) {
        struct remote_draft more = {.type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 2000 + i};
        struct received_pdu late = {.pdu = remote_event(&st.remote, &more, NULL)};
        check_ok(remote_receive(&st.remote, (struct receive_options){0}, &late, 1));
    }
    check_str(membership_now(&st, EVE), STR("ban"), "eve");
    fixture_forget(&st.f);
    check_str(membership_now(&st, EVE), STR("ban"), "eve");
    stage_fini(&st);
}

static void history_in_several_batches_keeps_its_totals(void **state)
{
    (void)state;
    enum { N = 120 };
    struct stage st;
    struct str ids[N];
    struct received_pdu between[N - 2];
    stage_init(&st, "{'preset':'public_chat'}");
    ids[0] = remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'x','msgtype':'m.text'}"};
    const struct json *last = NULL;
    for (int i = 1; i < N; i++) {
        d.prev[0] = ids[i - 1];
        d.ts = 5000 + i;
        last = remote_event(&st.remote, &d, &ids[i]);
        if (i < N - 1)
            between[i - 1] = (struct received_pdu){.pdu = last};
    }
    const struct str state_ids[] = {state_now(&st, "m.room.create", "")->event_id,
                                    state_now(&st, "m.room.power_levels", "")->event_id,
                                    state_now(&st, "m.room.join_rules", "")->event_id, ids[0]};
    struct received_pdu received = {.pdu = last};
    struct receive_options options = {.state = state_ids, .state_count = COUNT_OF(state_ids)};
    check_ok(remote_receive(&st.remote, options, &received, 1));
    int64_t notify = row_of(&st, ids[N - 1]).notify_count;
    for (int i = 0; i < 7; i++)
        remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .ts = 9000 + i,
                    .content = "{'body':'later','msgtype':'m.text'}");
    options = (struct receive_options){.history_before = ids[N - 1]};
    check_ok(remote_receive(&st.remote, options, between, COUNT_OF(between)));
    int64_t sub = row_of(&st, ids[1]).sub;
    for (int i = 1; i < N - 1; i++) {
        struct event_row row = row_of(&st, ids[i]);
        assert_int_equal(row.notify_count, notify);
        assert_int_equal(row.sub, sub + i - 1);
    }
    stage_fini(&st);
}

static void gaps_close_whatever_becomes_of_what_was_missing(void **state)
{
    (void)state;
    struct stage st;
    struct str refused, after;
    stage_init(&st, "{'preset':'public_chat'}");
    struct str joined = remote_join(&st.remote, EVE);
    struct remote_draft d = {
        .type = "m.room.topic", .sender = EVE, .state_key = "", .content = "{'topic':'no power'}", .prev = {joined}};
    const struct json *first = remote_event(&st.remote, &d, &refused);
    d = (struct remote_draft){.type = "m.room.message", .sender = EVE, .prev = {refused}};
    struct received_pdu second = {.pdu = remote_event(&st.remote, &d, &after)};
    const struct str state_ids[] = {state_now(&st, "m.room.create", "")->event_id,
                                    state_now(&st, "m.room.power_levels", "")->event_id,
                                    state_now(&st, "m.room.join_rules", "")->event_id, joined};
    struct receive_options options = {.state = state_ids, .state_count = COUNT_OF(state_ids)};
    check_ok(remote_receive(&st.remote, options, &second, 1));
    assert_true(row_of(&st, after).gap);
    remote_deliver(&st.remote, first, RECEIVE_REJECTED, "what was missing");
    assert_false(row_of(&st, after).gap);
    stage_fini(&st);
}

static void events_are_authorised_by_what_they_follow(void **state)
{
    (void)state;
    struct stage st;
    struct str topic_id;
    stage_init(&st, "{'preset':'public_chat','room_version':'11'}");
    struct remote honest = remote_init(&st.f, "honest.test", st.room_id);
    remote_join(&honest, "@mod:honest.test");
    remote_join(&st.remote, EVE);
    do_state(&st.f, &st.alice, st.room_id, "m.room.power_levels", "",
             "{'users':{'@mod:honest.test':100,'@alice:hearth.test':0},'events':{'org.matrix.dummy_event':100}}");
    struct str base = remote_send(&honest, .type = "m.room.message", .sender = "@mod:honest.test");
    const struct json *forks[30];
    for (int i = 0; i < 30; i++) {
        struct remote_draft d = {.type = "m.room.message", .sender = EVE, .prev = {base}, .ts = 1000 + i};
        forks[i] = remote_event(&st.remote, &d, NULL);
    }
    /* Alice is promoted on the oldest branch, and the newest twenty, which her next event follows, do not know of it.
     */
    remote_send(&honest, .type = "m.room.power_levels", .sender = "@mod:honest.test", .state_key = "", .prev = {base},
                .content = "{'users':{'@mod:honest.test':100,'@alice:hearth.test':50},"
                           "'events':{'org.matrix.dummy_event':100}}");
    for (int i = 0; i < 30; i++)
        remote_deliver(&st.remote, forks[i], RECEIVE_ACCEPTED, "fork");
    check_fault(try_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'t'}", &topic_id), M_FORBIDDEN,
                "before the branches are joined");
    do_say(&st.f, &st.alice, st.room_id, "1");
    do_say(&st.f, &st.alice, st.room_id, "2");
    do_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'t'}");
    stage_fini(&st);
}

/* --- redactions --- */

static void redactions_without_power_crowd_out_none(void **state)
{
    (void)state;
    struct stage st;
    struct str target, redaction;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    struct remote honest = remote_init(&st.f, "honest.test", st.room_id);
    remote_join(&honest, "@mod:honest.test");
    struct remote_draft d = {.type = "m.room.message", .sender = "@mod:honest.test", .content = "{'body':'secret'}"};
    const struct json *message = remote_event(&honest, &d, &target);
    const char *id = text(&st, target);
    for (int i = 0; i < 1100; i++) {
        struct remote_draft r = {.type = "m.room.redaction", .sender = EVE, .redacts = id, .ts = 100 + i};
        struct received_pdu p = {.pdu = remote_event(&st.remote, &r, NULL)};
        check_ok(remote_receive(&st.remote, (struct receive_options){0}, &p, 1));
    }
    struct remote_draft r = {.type = "m.room.redaction", .sender = "@mod:honest.test", .redacts = id, .ts = 9999};
    remote_deliver(&honest, remote_event(&honest, &r, &redaction), RECEIVE_ACCEPTED, "the author's own");
    remote_deliver(&honest, message, RECEIVE_ACCEPTED, "target");
    assert_int_equal(row_of(&st, target).redacted_by_nid, row_of(&st, redaction).event_nid);
    stage_fini(&st);
}

static void redactions_find_their_target_whichever_comes_first(void **state)
{
    (void)state;
    struct stage st;
    struct str target, redaction, other;
    stage_init(&st, "{'preset':'public_chat'}");
    remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE, .content = "{'body':'x'}"};
    const struct json *message = remote_event(&st.remote, &d, &target);
    d = (struct remote_draft){
        .type = "m.room.redaction", .sender = EVE, .redacts = str_cstr(st.f.arena, target), .ts = 99};
    const struct json *redacts = remote_event(&st.remote, &d, &redaction);
    /* First the redaction, which nobody sees yet. */
    remote_deliver(&st.remote, redacts, RECEIVE_ACCEPTED, "the redaction");
    assert_true(row_of(&st, redaction).pos < 0);
    remote_deliver(&st.remote, message, RECEIVE_ACCEPTED, "its target");
    struct event_row row = row_of(&st, target);
    assert_int_equal(row.redacted_by_nid, row_of(&st, redaction).event_nid);
    assert_null(strstr(text(&st, row.pdu), "body"));

    /* Then in order. */
    other = remote_send(&st.remote, .type = "m.room.message", .sender = EVE, .content = "{'body':'y'}");
    d.redacts = str_cstr(st.f.arena, other);
    d.ts = 100;
    redaction = (struct str){0};
    remote_deliver(&st.remote, remote_event(&st.remote, &d, &redaction), RECEIVE_ACCEPTED, "in order");
    assert_int_equal(row_of(&st, other).redacted_by_nid, row_of(&st, redaction).event_nid);
    assert_true(row_of(&st, redaction).pos > 0);

    /* Who has no power redacts nothing, and nobody sees the attempt. */
    struct str mine = do_say(&st.f, &st.alice, st.room_id, "mine");
    d.redacts = str_cstr(st.f.arena, mine);
    d.ts = 101;
    remote_deliver(&st.remote, remote_event(&st.remote, &d, &redaction), RECEIVE_ACCEPTED, "without power");
    assert_int_equal(row_of(&st, mine).redacted_by_nid, 0);
    assert_true(row_of(&st, redaction).pos < 0);
    do_say(&st.f, &st.alice, st.room_id, "after a hidden one");
    assert_int_equal(extremities(&st), 1);
    stage_fini(&st);
}

/* --- what comes late --- */

static void gaps_are_noted_and_history_goes_in_front(void **state)
{
    (void)state;
    struct stage st;
    struct str ids[5];
    const struct json *pdus[5];
    stage_init(&st, "{'preset':'public_chat'}");
    ids[0] = remote_join(&st.remote, EVE);
    struct remote_draft d = {.type = "m.room.message", .sender = EVE};
    for (int i = 1; i < 5; i++) {
        d.prev[0] = ids[i - 1];
        pdus[i] = remote_event(&st.remote, &d, &ids[i]);
    }
    /* The last one comes alone, with the state before it. */
    const struct str state_ids[] = {state_now(&st, "m.room.create", "")->event_id,
                                    state_now(&st, "m.room.power_levels", "")->event_id,
                                    state_now(&st, "m.room.join_rules", "")->event_id, ids[0]};
    struct receive_options options = {.state = state_ids, .state_count = COUNT_OF(state_ids)};
    struct received_pdu received = {.pdu = pdus[4]};
    check_ok(remote_receive(&st.remote, options, &received, 1));
    assert_int_equal(received.outcome, RECEIVE_ACCEPTED);
    assert_true(row_of(&st, ids[4]).gap);
    struct str *missing;
    struct store_tx *tx = store_read_begin(st.f.services.store);
    assert_int_equal(awaited_events_before(tx, row_of(&st, ids[4]).event_nid, 10, st.f.arena, &missing), 1);
    check_str(missing[0], ids[3], "missing");
    assert_true(store_read_end(&tx));

    /* A client sees that something is missing, and where to look for it. */
    const struct json *timeline = json_at(sync_room_section(sync_from(&st, 0), "join", st.room_id), "timeline");
    assert_int_equal(json_get(timeline, STR("events"))->count, 1);
    assert_true(json_bool_at(timeline, STR("limited"), false));
    struct messages_query before_gap = {
        .backwards = true, .limit = 4, .from = json_str_at(timeline, STR("prev_batch"))};

    /* Then what was between. */
    struct received_pdu between[3] = {{.pdu = pdus[1]}, {.pdu = pdus[2]}, {.pdu = pdus[3]}};
    options = (struct receive_options){.history_before = ids[4]};
    check_ok(remote_receive(&st.remote, options, between, 3));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(between[i].outcome, RECEIVE_ACCEPTED);
    struct event_row *rows;
    struct room *room = do_open(&st.f, st.room_id);
    tx = store_read_begin(st.f.services.store);
    size_t count = events_between(tx, room->nid, EVENT_PLACE(row_of(&st, ids[0]).pos - 1), EVENT_PLACE(INT64_MAX),
                                  EVENTS_OLDEST_FIRST, 100, st.f.arena, &rows);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++)
        check_str(rows[i].event_id, ids[i], "in order");
    assert_false(rows[4].gap);
    assert_true(store_read_end(&tx));
    room_close(&st.f.services, &room);
    /* The same token leads to it now. */
    const struct json *page;
    check_ok(read_messages(&st.f, &st.alice, st.room_id, &before_gap, &page));
    const struct json *chunk = json_get(page, STR("chunk"));
    assert_int_equal(chunk->count, 4);
    for (size_t i = 0; i < 4; i++)
        check_str(json_str_at(&chunk->items[i], STR("event_id")), ids[3 - i], "backwards");
    /* One by one, and forwards again. */
    struct messages_query one = {.backwards = true, .limit = 1, .from = before_gap.from};
    for (size_t i = 0; i < 3; i++) {
        check_ok(read_messages(&st.f, &st.alice, st.room_id, &one, &page));
        check_str(json_str_at(&json_get(page, STR("chunk"))->items[0], STR("event_id")), ids[3 - i], "one by one");
        one.from = json_str_at(page, STR("end"));
    }
    one.backwards = false;
    for (size_t i = 1; i < 5; i++) {
        check_ok(read_messages(&st.f, &st.alice, st.room_id, &one, &page));
        check_str(json_str_at(&json_get(page, STR("chunk"))->items[0], STR("event_id")), ids[i], "forwards");
        one.from = json_str_at(page, STR("end"));
    }
    do_say(&st.f, &st.alice, st.room_id, "on top");

    options.history_before = STR("$nothing");
    check_fault(remote_receive(&st.remote, options, between, 1), M_NOT_FOUND, "history before nothing");
    stage_fini(&st);
}

static void outliers_take_their_place_when_it_is_known(void **state)
{
    (void)state;
    struct stage st;
    struct str event_id;
    stage_init(&st, "{'preset':'public_chat'}");
    struct remote_draft join = {
        .type = "m.room.member", .sender = EVE, .state_key = EVE, .content = "{'membership':'join'}"};
    const struct json *pdu = remote_event(&st.remote, &join, &event_id);
    struct received_pdu received = {.pdu = pdu};
    check_ok(remote_receive(&st.remote, (struct receive_options){.outliers = true}, &received, 1));
    assert_int_equal(received.outcome, RECEIVE_ACCEPTED);
    struct event_row before = row_of(&st, event_id);
    assert_int_equal(before.status, EVENT_OUTLIER);
    assert_true(before.pos < 0);
    assert_null(state_now(&st, "m.room.member", EVE));

    remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "as an event of the room");
    struct event_row after = row_of(&st, event_id);
    assert_int_equal(after.event_nid, before.event_nid);
    assert_int_equal(after.status, EVENT_ACCEPTED);
    assert_true(after.pos > 0);
    check_str(membership_now(&st, EVE), STR("join"), "eve");
    stage_fini(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_join_and_talk),
        cmocka_unit_test(forks_are_joined_by_the_next_event),
        cmocka_unit_test(more_forks_than_an_event_may_follow_are_followed_in_turn),
        cmocka_unit_test(forks_of_state_are_resolved),
        cmocka_unit_test(clients_learn_what_was_resolved),
        cmocka_unit_test(bad_format_and_signatures_are_dropped),
        cmocka_unit_test(the_server_in_an_event_id_signs),
        cmocka_unit_test(the_server_of_who_authorised_a_join_signs),
        cmocka_unit_test(a_wrong_content_hash_leaves_what_a_redaction_leaves),
        cmocka_unit_test(what_is_not_here_is_told),
        cmocka_unit_test(what_the_rules_refuse_is_rejected_and_kept),
        cmocka_unit_test(auth_chains_do_not_lead_into_other_rooms),
        cmocka_unit_test(events_that_wait_for_one_another_wait_for_ever),
        cmocka_unit_test(rooms_of_unknown_versions_are_unknown),
        cmocka_unit_test(what_is_too_deep_is_no_json),
        cmocka_unit_test(a_batch_is_no_line),
        cmocka_unit_test(what_is_followed_already_is_no_extremity),
        cmocka_unit_test(prev_events_do_not_lead_into_other_rooms),
        cmocka_unit_test(rejected_outliers_get_their_place_too),
        cmocka_unit_test(members_at_a_time_are_those_of_the_room_then),
        cmocka_unit_test(hidden_events_move_the_state_of_the_room),
        cmocka_unit_test(nobody_silences_a_room_by_forking_it),
        cmocka_unit_test(history_in_several_batches_keeps_its_totals),
        cmocka_unit_test(gaps_close_whatever_becomes_of_what_was_missing),
        cmocka_unit_test(events_are_authorised_by_what_they_follow),
        cmocka_unit_test(redactions_without_power_crowd_out_none),
        cmocka_unit_test(redactions_find_their_target_whichever_comes_first),
        cmocka_unit_test(gaps_are_noted_and_history_goes_in_front),
        cmocka_unit_test(outliers_take_their_place_when_it_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
