/*
 * What is bundled in random rooms, against a scan of all events: edits, replies, references and redactions of another
 * server come in any order, as news and as history.
 *
 * RELATIONS_ROUNDS says how many rooms.
 */
#include "relations_stage.h"

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
        cmocka_unit_test(random_rooms_equal_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
