/* Relations as they come, and what is bundled of them. */
#include "relations_stage.h"

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

#define IN_THREAD "{'msgtype':'m.text','body':'b','m.relates_to':{'rel_type':'m.thread','event_id':'%.*s'}}"

/* Whoever may not see an event learns nothing of it by relating to it. */
static void unseen_parents_tell_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct str id;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice,
                                   "{'preset':'public_chat','initial_state':[{'type':'m.room.history_visibility',"
                                   "'content':{'history_visibility':'joined'}}]}");
    struct str root = do_say(&f, &alice, room, "root");
    const char *content = CSTR(f.arena, IN_THREAD, STR_ARG(root));
    check_ok(try_send(&f, &alice, room, "m.room.message", content, &id));
    content = CSTR(f.arena, IN_THREAD, STR_ARG(id));
    check_fault(try_send(&f, &alice, room, "m.room.message", content, &id), M_UNKNOWN, "she sees that it is in one");
    do_join(&f, &bob, room);
    check_ok(try_send(&f, &bob, room, "m.room.message", content, &id));
    fixture_fini(&f);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_bundled_and_redacted),
        cmocka_unit_test(threads_are_summed_up),
        cmocka_unit_test(what_is_no_relation_is_ignored),
        cmocka_unit_test(what_may_not_be_sent_is_refused),
        cmocka_unit_test(unseen_parents_tell_nothing),
        cmocka_unit_test(references_are_bounded),
        cmocka_unit_test(what_waits_for_one_event_is_bounded),
        cmocka_unit_test(a_page_is_not_blown_up_by_what_is_bundled),
        cmocka_unit_test(who_has_left_sees_what_was_there),
        cmocka_unit_test(syncs_bundle_where_events_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
