/* Relations as they come, and what is bundled of them: single cases, and random rooms against a scan of all events. */
#include "service/room_receive.h"

#include "remote.h"

#define EVE "@eve:remote.test"
#define BOB "@bob:remote.test"

struct stage {
    struct fixture f;
    struct caller alice;
    struct caller carol;
    struct str room_id;
    struct remote remote;
};

static int64_t now_ms = 1700000000000;

static int64_t test_clock(void)
{
    return now_ms;
}

static void stage_init(struct stage *st)
{
    clock_set_source(test_clock);
    fixture_init(&st->f, NULL);
    st->alice = fixture_user(&st->f, "alice");
    st->carol = fixture_user(&st->f, "carol");
    st->room_id = fixture_room(&st->f, &st->alice, "{'preset':'public_chat'}");
    do_join(&st->f, &st->carol, st->room_id);
    st->remote = remote_init(&st->f, "remote.test", st->room_id);
    remote_join(&st->remote, EVE);
    remote_join(&st->remote, BOB);
}

static const char *text(struct stage *st, struct str s)
{
    return str_cstr(st->f.arena, s);
}

/* m.relations of the event as /event gives it, or NULL. */
static const struct json *relations(struct stage *st, const struct caller *who, struct str event_id)
{
    struct json *event;
    check_ok(room_read_event(&st->f.services, st->f.arena, who, st->room_id, event_id, &event));
    return json_at(event, "unsigned m.relations");
}

static struct fault try_relate(struct stage *st, const struct caller *who, const char *rel_type, struct str parent,
                               const char *more, struct str *event_id_out)
{
    return try_send(&st->f, who, st->room_id, "m.room.message",
                    CSTR(st->f.arena,
                         "{'msgtype':'m.text','body':'r','m.new_content':{'body':'n'},'m.relates_to':{'rel_type':'%s',"
                         "'event_id':'%.*s'%s}}",
                         rel_type, STR_ARG(parent), more),
                    event_id_out);
}

static struct str relate(struct stage *st, const struct caller *who, const char *rel_type, struct str parent)
{
    struct str event_id;
    check_ok(try_relate(st, who, rel_type, parent, "", &event_id));
    return event_id;
}

static void redact(struct stage *st, const struct caller *who, struct str event_id)
{
    struct str redaction;
    check_ok(room_redact(&st->f.services, st->f.arena, who, st->room_id, event_id, fixture_txn(&st->f), NO_REASON,
                         &redaction));
}

static struct str edit_of(const struct json *bundle)
{
    return json_str_at(json_get(bundle, STR("m.replace")), STR("event_id"));
}

static int64_t thread_count(const struct json *bundle)
{
    int64_t count = -1;
    (void)json_int_at(json_get(bundle, STR("m.thread")), STR("count"), &count);
    return count;
}

static struct str thread_latest(const struct json *bundle)
{
    return json_str_at(json_at(bundle, "m.thread latest_event"), STR("event_id"));
}

static uint32_t reference_count(const struct json *bundle)
{
    const struct json *chunk = json_at(bundle, "m.reference chunk");
    return chunk ? chunk->count : 0;
}

/* --- single cases --- */

static void edits_are_bundled_and_redacted(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    assert_null(relations(&st, &st.alice, root));
    struct str first = relate(&st, &st.alice, "m.replace", root);
    relate(&st, &st.carol, "m.replace", root); /* not hers to edit */
    relate(&st, &st.alice, "m.replace", first);
    check_str(edit_of(relations(&st, &st.carol, root)), first, "first");
    assert_null(relations(&st, &st.carol, first));
    now_ms += 1000;
    struct str second = relate(&st, &st.alice, "m.replace", root);
    const struct json *edit = json_get(relations(&st, &st.carol, root), STR("m.replace"));
    check_str(json_str_at(edit, STR("event_id")), second, "second");
    check_str(json_str_at(edit, STR("room_id")), st.room_id, "an event as any other");
    assert_non_null(json_at(edit, "content m.new_content"));
    assert_non_null(json_at(edit, "unsigned age"));
    redact(&st, &st.alice, second);
    check_str(edit_of(relations(&st, &st.alice, root)), first, "the one before again");
    redact(&st, &st.alice, root);
    assert_null(relations(&st, &st.alice, root));
    fixture_fini(&st.f);
}

static void threads_are_summed_up(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    struct str reply = relate(&st, &st.carol, "m.thread", root);
    struct str last = relate(&st, &st.carol, "m.thread", root);
    struct str edit = relate(&st, &st.carol, "m.replace", last);
    const struct json *bundle = relations(&st, &st.alice, root);
    assert_int_equal(thread_count(bundle), 2);
    check_str(thread_latest(bundle), last, "newest");
    check_str(edit_of(json_at(bundle, "m.thread latest_event unsigned m.relations")), edit, "its edit");
    assert_true(json_bool_at(json_get(bundle, STR("m.thread")), STR("current_user_participated"), false));
    struct caller dora = fixture_user(&st.f, "dora");
    do_join(&st.f, &dora, st.room_id);
    bundle = relations(&st, &dora, root);
    assert_false(json_bool_at(json_get(bundle, STR("m.thread")), STR("current_user_participated"), true));
    redact(&st, &st.carol, last);
    bundle = relations(&st, &st.carol, root);
    assert_int_equal(thread_count(bundle), 1);
    check_str(thread_latest(bundle), reply, "the one before");
    /* The thread stays where its root is redacted. */
    redact(&st, &st.alice, root);
    assert_int_equal(thread_count(relations(&st, &st.carol, root)), 1);
    redact(&st, &st.carol, reply);
    assert_null(relations(&st, &st.carol, root));
    fixture_fini(&st.f);
}

static void what_is_no_relation_is_ignored(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    struct str elsewhere = fixture_room(&st.f, &st.alice, "{'preset':'public_chat'}");
    struct str other = do_say(&st.f, &st.alice, elsewhere, "other");
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    relate(&st, &st.alice, "m.reference", other);
    relate(&st, &st.alice, "m.reference", STR("$nothing"));
    relate(&st, &st.alice, "m.annotation", root);
    relate(&st, &st.alice, "org.example", root);
    assert_null(relations(&st, &st.alice, root));
    struct str room_here = st.room_id;
    st.room_id = elsewhere;
    assert_null(relations(&st, &st.alice, other));
    st.room_id = room_here;
    /* No thread at what is in one; nothing at all at state. */
    struct str reply = relate(&st, &st.alice, "m.thread", root);
    struct remote_draft nested = {
        .type = "m.room.message",
        .sender = EVE,
        .content = CSTR(st.f.arena, "{'m.relates_to':{'rel_type':'m.thread','event_id':'%s'}}", text(&st, reply))};
    remote_deliver(&st.remote, remote_event(&st.remote, &nested, NULL), RECEIVE_ACCEPTED, "nested");
    assert_null(relations(&st, &st.alice, reply));
    struct str topic = do_state(&st.f, &st.alice, st.room_id, "m.room.topic", "", "{'topic':'t'}");
    relate(&st, &st.alice, "m.reference", topic);
    assert_null(relations(&st, &st.alice, topic));
    fixture_fini(&st.f);
}

static void what_may_not_be_sent_is_refused(void **state)
{
    (void)state;
    struct stage st;
    struct str id;
    stage_init(&st);
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    struct str reply = relate(&st, &st.alice, "m.thread", root);
    struct fault fault = try_relate(&st, &st.alice, "m.thread", reply, "", &id);
    check_fault(fault, M_UNKNOWN, "a thread in a thread");
    assert_int_equal(fault.status, 400);
    check_ok(try_relate(&st, &st.alice, "m.annotation", reply, ",'key':'+'", &id));
    struct str txn = fixture_txn(&st.f);
    const struct json *reaction = quoted_json(
        st.f.arena,
        CSTR(st.f.arena, "{'m.relates_to':{'rel_type':'m.annotation','event_id':'%s','key':'+'}}", text(&st, root)));
    struct str first, again;
    for (int i = 0; i < 2; i++) /* the same transaction is no second one */
        check_ok(room_send(&st.f.services, st.f.arena, &st.alice, st.room_id, STR("m.reaction"), txn, reaction,
                           i ? &again : &first));
    check_str(again, first, "the same again");
    check_fault(room_send(&st.f.services, st.f.arena, &st.alice, st.room_id, STR("m.reaction"), fixture_txn(&st.f),
                          reaction, &id),
                M_DUPLICATE_ANNOTATION, "twice");
    check_ok(room_send(&st.f.services, st.f.arena, &st.carol, st.room_id, STR("m.reaction"), fixture_txn(&st.f),
                       reaction, &id));
    check_ok(try_relate(&st, &st.alice, "m.annotation", root, ",'key':'+'", &id)); /* of another type */
    redact(&st, &st.alice, first);
    check_ok(room_send(&st.f.services, st.f.arena, &st.alice, st.room_id, STR("m.reaction"), fixture_txn(&st.f),
                       reaction, &id));
    /* Who is not in the room learns nothing of it. */
    struct caller dora = fixture_user(&st.f, "dora");
    check_fault(try_relate(&st, &dora, "m.thread", reply, "", &id), M_FORBIDDEN, "from outside");
    fixture_fini(&st.f);
}

/* However many there are: so many are looked at, and no more. */
static void references_are_bounded(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    struct str first = relate(&st, &st.alice, "m.reference", root);
    for (int i = 0; i < 110; i++)
        relate(&st, &st.alice, "m.reference", root);
    const struct json *bundle = relations(&st, &st.alice, root);
    assert_int_equal(reference_count(bundle), 100);
    check_str(json_str_at(&json_at(bundle, "m.reference chunk")->items[0], STR("event_id")), first, "the first first");
    redact(&st, &st.alice, first);
    assert_int_equal(reference_count(relations(&st, &st.alice, root)), 100);
    fixture_fini(&st.f);
}

static void what_waits_for_one_event_is_bounded(void **state)
{
    (void)state;
    struct stage st;
    struct str root, last = {0};
    stage_init(&st);
    const struct json *pdu =
        remote_event(&st.remote, &(struct remote_draft){.type = "m.room.message", .sender = EVE}, &root);
    for (int i = 0; i < 1005; i++)
        last = relate(&st, &st.alice, "m.thread", root);
    remote_deliver(&st.remote, pdu, RECEIVE_ACCEPTED, "root");
    assert_int_equal(thread_count(relations(&st, &st.alice, root)), 1000);
    redact(&st, &st.alice, last); /* one that was one too many */
    assert_int_equal(thread_count(relations(&st, &st.alice, root)), 1000);
    relate(&st, &st.alice, "m.thread", root);
    assert_int_equal(thread_count(relations(&st, &st.alice, root)), 1001);
    fixture_fini(&st.f);
}

static void a_page_is_not_blown_up_by_what_is_bundled(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    char *body = arena_alloc(st.f.arena, 50001);
    memset(body, 'x', 50000);
    body[50000] = '\0';
    for (int i = 0; i < 40; i++) {
        struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
        do_send(&st.f, &st.alice, st.room_id,
                CSTR(st.f.arena,
                     "{'msgtype':'m.text','body':'%s','m.relates_to':{'rel_type':'m.thread','event_id':'%s'}}", body,
                     text(&st, root)));
    }
    struct messages_query q = {.backwards = true, .limit = 1000};
    const struct json *page;
    check_ok(read_messages(&st.f, &st.alice, st.room_id, &q, &page));
    const struct json *chunk = json_get(page, STR("chunk"));
    size_t bundled = 0;
    for (size_t i = 0; i < chunk->count; i++)
        bundled += json_at(&chunk->items[i], "unsigned m.relations m.thread") != NULL;
    assert_in_range(bundled, 15, 25); /* a megabyte of 50 kB each */
    fixture_fini(&st.f);
}

static void who_has_left_sees_what_was_there(void **state)
{
    (void)state;
    struct stage st;
    stage_init(&st);
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    struct str edit = relate(&st, &st.alice, "m.replace", root);
    struct str reply = relate(&st, &st.alice, "m.thread", root);
    relate(&st, &st.alice, "m.reference", root);
    do_leave(&st.f, &st.carol, st.room_id);
    now_ms += 1000;
    relate(&st, &st.alice, "m.replace", root);
    relate(&st, &st.alice, "m.thread", root);
    relate(&st, &st.alice, "m.thread", root);
    relate(&st, &st.alice, "m.reference", root);
    const struct json *bundle = relations(&st, &st.carol, root);
    check_str(edit_of(bundle), edit, "the edit before");
    check_str(thread_latest(bundle), reply, "the reply before");
    assert_int_equal(thread_count(bundle), 1);
    assert_int_equal(reference_count(bundle), 1);
    bundle = relations(&st, &st.alice, root);
    assert_int_equal(thread_count(bundle), 3);
    assert_int_equal(reference_count(bundle), 2);
    fixture_fini(&st.f);
}

static const struct json *timeline_event(struct stage *st, int64_t since, const char *format, struct str event_id,
                                         struct sync_query *q)
{
    q->since = since;
    check_ok(sync_filter_read(st->f.arena, quoted_json(st->f.arena, format), &q->filter));
    const struct json *answer = do_sync_query(&st->f, &st->alice, q, NULL);
    const struct json *events = json_at(sync_room_section(answer, "join", st->room_id), "timeline events");
    q->since = sync_next(answer);
    for (size_t i = 0; events && i < events->count; i++)
        if (str_eq(json_str_at(&events->items[i], STR("event_id")), event_id))
            return &events->items[i];
    return NULL;
}

static void syncs_bundle_where_events_may_be_left_out(void **state)
{
    (void)state;
    struct stage st;
    struct sync_query q = {0};
    stage_init(&st);
    timeline_event(&st, 0, "{}", STR("$none"), &q);
    int64_t before = q.since;
    struct str reply = {0};
    struct str root = do_say(&st.f, &st.alice, st.room_id, "root");
    for (int i = 0; i < 3; i++)
        reply = relate(&st, &st.carol, "m.thread", root);
    struct str last = do_say(&st.f, &st.alice, st.room_id, "last");
    struct str edit = relate(&st, &st.alice, "m.replace", last);
    /* All of it: the client has the children. */
    const struct json *got = timeline_event(&st, before, "{}", root, &q);
    assert_non_null(got);
    assert_null(json_at(got, "unsigned m.relations"));
    /* Anew, or with a gap. */
    got = timeline_event(&st, 0, "{}", root, &q);
    check_str(thread_latest(json_at(got, "unsigned m.relations")), reply, "anew");
    got = timeline_event(&st, before, "{'room':{'timeline':{'limit':2}}}", last, &q);
    check_str(edit_of(json_at(got, "unsigned m.relations")), edit, "limited");
    /* In the form that the client has asked for. */
    got = timeline_event(&st, 0, "{'event_format':'federation'}", root, &q);
    assert_non_null(json_get(got, STR("auth_events")));
    check_str(thread_latest(json_at(got, "unsigned m.relations")), reply, "federation");
    assert_non_null(json_at(got, "unsigned m.relations m.thread latest_event auth_events"));
    assert_null(json_at(timeline_event(&st, 0, "{'event_format':'federation'}", edit, &q), "unsigned"));
    fixture_fini(&st.f);
}

/* --- random rooms --- */

enum { ROUNDS = 25, EVENTS = 40 };

static uint64_t random_state = 1;

static unsigned dice(unsigned sides)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % sides;
}

struct prepared {
    const struct json *pdu;
    struct str event_id;
    bool redaction;
};

static const char *const rel_types[] = {"m.replace", "m.replace",   "m.replace",    "m.thread",
                                        "m.thread",  "m.reference", "m.annotation", "org.example"};
static const char *const types[] = {"m.room.message", "m.room.message", "m.room.message", "m.room.encrypted"};

/* Often one of a few, so that they have many children. */
static struct str some_target(const struct prepared *events, size_t count)
{
    size_t among = count > 4 && dice(3) ? 4 : count;
    return count && dice(20) ? events[dice((unsigned)among)].event_id : STR("$unknown");
}

/* A message that may relate to one of those before it, or the redaction of one. */
static struct prepared prepare(struct stage *st, const struct prepared *events, size_t count)
{
    struct arena *a = st->f.arena;
    struct prepared p = {.redaction = count > 5 && dice(5) == 0};
    const char *target = text(st, some_target(events, count));
    const char *new_content = dice(6) ? "'m.new_content':{'body':'n'}," : "";
    struct remote_draft d = {.type = p.redaction ? "m.room.redaction" : types[dice(COUNT_OF(types))],
                             .sender = dice(3) ? EVE : BOB,
                             .content = "{'body':'plain'}",
                             .redacts = p.redaction ? target : NULL,
                             .ts = 1000 + dice(2)};
    if (p.redaction)
        d.content = "{}";
    else if (count && dice(5))
        d.content = CSTR(a, "{%s'n':%u,'m.relates_to':{'rel_type':'%s','event_id':'%s'}}", new_content, dice(1000),
                         rel_types[dice(COUNT_OF(rel_types))], target);
    p.pdu = remote_event(&st->remote, &d, &p.event_id);
    return p;
}

/* At the end of the timeline, or as history in front of `anchor`. */
static void deliver(struct stage *st, const struct prepared *p, struct str anchor)
{
    struct received_pdu received = {.pdu = p->pdu};
    struct receive_options options = {.history_before = dice(2) ? anchor : (struct str){0}};
    check_ok(remote_receive(&st->remote, options, &received, 1));
    if (received.outcome != RECEIVE_ACCEPTED && received.outcome != RECEIVE_KNOWN)
        fail_msg("not let in: %.*s", STR_ARG(received.rule));
}

/* One event as the scan sees it. */
struct seen {
    struct str event_id, sender, type, rel_type, parent;
    int64_t ts;
    bool redacted, is_state, has_new_content;
};

static size_t scan(struct stage *st, struct seen **seen_out)
{
    struct event_row *rows;
    struct arena *a = st->f.arena;
    struct room *room = do_open(&st->f, st->room_id);
    struct store_tx *tx = store_read_begin(st->f.services.store);
    size_t count =
        events_between(tx, room->nid, EVENT_PLACE(0), EVENT_PLACE(INT64_MAX), EVENTS_OLDEST_FIRST, 10000, a, &rows);
    assert_true(store_read_end(&tx));
    room_close(&st->f.services, &room);
    struct seen *seen = ARENA_ARRAY(a, count, struct seen);
    for (size_t i = 0; i < count; i++) {
        const struct json *pdu = json_parse(a, rows[i].pdu, JSON_DEPTH_MAX).value;
        const struct json *relates_to = json_at(pdu, "content m.relates_to");
        seen[i] = (struct seen){.event_id = rows[i].event_id,
                                .sender = json_str_at(pdu, STR("sender")),
                                .type = json_str_at(pdu, STR("type")),
                                .rel_type = json_str_at(relates_to, STR("rel_type")),
                                .parent = json_str_at(relates_to, STR("event_id")),
                                .redacted = rows[i].redacted_by_nid != 0,
                                .is_state = json_get(pdu, STR("state_key")) != NULL,
                                .has_new_content = json_at(pdu, "content m.new_content") != NULL};
        assert_true(json_int_at(pdu, STR("origin_server_ts"), &seen[i].ts));
    }
    *seen_out = seen;
    return count;
}

static bool replaces(const struct seen *child, const struct seen *parent)
{
    return str_eq(child->rel_type, STR("m.replace")) && !str_eq(parent->rel_type, STR("m.replace")) &&
           str_eq(child->sender, parent->sender) && str_eq(child->type, parent->type) && !parent->is_state &&
           (child->has_new_content || str_eq(child->type, STR("m.room.encrypted")));
}

/* What the children of an event come to, by looking at all events. */
struct summary {
    struct str edit, latest;
    int64_t edit_ts, count;
    bool participated;
    struct str references[10 * EVENTS];
    uint32_t reference_count;
};

static void sum_up(const struct seen *seen, size_t count, const struct seen *parent, struct str reader,
                   struct summary *s)
{
    *s = (struct summary){.participated = str_eq(parent->sender, reader)};
    for (size_t i = 0; i < count; i++) {
        const struct seen *child = &seen[i];
        if (!str_eq(child->parent, parent->event_id))
            continue;
        if (!parent->redacted && replaces(child, parent) &&
            (!s->edit.n || child->ts > s->edit_ts ||
             (child->ts == s->edit_ts && str_cmp(child->event_id, s->edit) > 0))) {
            s->edit = child->event_id;
            s->edit_ts = child->ts;
        } else if (str_eq(child->rel_type, STR("m.thread")) && !parent->rel_type.n) {
            s->count++;
            s->latest = child->event_id;
            s->participated |= str_eq(child->sender, reader);
        } else if (str_eq(child->rel_type, STR("m.reference"))) {
            s->references[s->reference_count++] = child->event_id;
        }
    }
}

static void compare(struct stage *st, const struct seen *seen, size_t count, const struct seen *parent,
                    const struct json *bundle)
{
    struct summary want;
    const char *name = text(st, parent->event_id);
    sum_up(seen, count, parent, st->alice.user_id, &want);
    if (parent->is_state)
        want = (struct summary){0};
    check_str(edit_of(bundle), want.edit, name);
    assert_int_equal(thread_count(bundle), want.count ? want.count : -1);
    check_str(thread_latest(bundle), want.latest, name);
    if (want.count)
        assert_true(json_bool_at(json_get(bundle, STR("m.thread")), STR("current_user_participated"), false) ==
                    want.participated);
    assert_int_equal(reference_count(bundle), want.reference_count);
    for (uint32_t i = 0; i < want.reference_count; i++)
        check_str(json_str_at(&json_at(bundle, "m.reference chunk")->items[i], STR("event_id")), want.references[i],
                  name);
    assert_true((bundle != NULL) == (want.edit.n || want.count || want.reference_count));
}

/* Returns how many events have something bundled. */
static size_t compare_room(struct stage *st)
{
    struct seen *seen;
    size_t bundled = 0;
    size_t count = scan(st, &seen);
    for (size_t i = 0; i < count; i++) {
        const struct json *bundle = relations(st, &st->alice, seen[i].event_id);
        compare(st, seen, count, &seen[i], bundle);
        bundled += bundle != NULL;
        const struct json *latest = json_at(bundle, "m.thread latest_event");
        struct str edit = edit_of(json_at(latest, "unsigned m.relations"));
        for (size_t k = 0; latest && k < count; k++) {
            struct summary want;
            if (!str_eq(seen[k].event_id, json_str_at(latest, STR("event_id"))))
                continue;
            sum_up(seen, count, &seen[k], st->alice.user_id, &want);
            check_str(edit, want.edit, "edit of the latest event");
        }
    }
    return bundled;
}

static size_t play(uint64_t seed)
{
    struct stage st;
    struct prepared events[EVENTS];
    size_t refused = 0;
    random_state = seed;
    stage_init(&st);
    struct str anchor = do_say(&st.f, &st.alice, st.room_id, "history goes in front of this");
    for (size_t i = 0; i < EVENTS; i++)
        events[i] = prepare(&st, events, i);
    size_t order[EVENTS];
    for (size_t i = 0; i < EVENTS; i++) {
        size_t j = dice((unsigned)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < EVENTS; i++) {
        deliver(&st, &events[order[i]], anchor);
        struct str target = some_target(events, EVENTS), sent;
        if (dice(4) == 0 && try_relate(&st, &st.alice, dice(2) ? "m.thread" : "m.reference", target, "", &sent).code)
            refused++;
    }
    size_t bundled = compare_room(&st);
    assert_true(refused < EVENTS / 4); /* threads in threads */
    fixture_fini(&st.f);
    return bundled;
}

static void random_rooms_equal_a_scan(void **state)
{
    (void)state;
    const char *rounds = getenv("RELATIONS_ROUNDS");
    size_t bundled = 0;
    for (int i = 1; i <= (rounds ? atoi(rounds) : ROUNDS); i++)
        bundled += play((uint64_t)i);
    assert_true(bundled > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_bundled_and_redacted),
        cmocka_unit_test(threads_are_summed_up),
        cmocka_unit_test(what_is_no_relation_is_ignored),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
        cmocka_unit_test(references_are_bounded),
        cmocka_unit_test(what_waits_for_one_event_is_bounded),
        cmocka_unit_test(a_page_is_not_blown_up_by_what_is_bundled),
        cmocka_unit_test(who_has_left_sees_what_was_there),
        cmocka_unit_test(syncs_bundle_where_events_may_be_left_out),
        cmocka_unit_test(random_rooms_equal_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
