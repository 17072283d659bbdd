#include "matrix/event_stored.h"

#include "auth_case.h"
#include "check.h"

static void check_same(const struct event *got, const struct event *want, const char *what)
{
    check_case(got->version == want->version, what);
    check_str(got->event_id, want->event_id, what);
    check_str(got->room_id, want->room_id, what);
    check_str(got->type, want->type, what);
    check_str(got->sender, want->sender, what);
    check_case(got->has_state_key == want->has_state_key, what);
    check_str(got->state_key, want->state_key, what);
    check_str(got->redacts, want->redacts, what);
    check_case(json_eq(got->content, want->content) && json_eq(got->json, want->json), what);
    check_case(got->depth == want->depth && got->origin_server_ts == want->origin_server_ts, what);
    check_case(got->prev_events_count == want->prev_events_count, what);
    check_case(got->auth_events_count == want->auth_events_count, what);
    for (size_t i = 0; i < want->prev_events_count; i++)
        check_str(got->prev_events[i], want->prev_events[i], what);
    for (size_t i = 0; i < want->auth_events_count; i++)
        check_str(got->auth_events[i], want->auth_events[i], what);
}

/* What was stored reads back as event_parse() read it when it came, in every version. */
static void reads_what_was_parsed(void **state)
{
    static const char *const events[] = {
        ("{'type':'m.room.message','sender':'@u:s','content':{'body':'\\u0000 \\u00e4'},'depth':7,"
         "'origin_server_ts':-5,'prev_events':['$a','$b'],'auth_events':['$c','$d','$e']}"),
        "{'type':'m.room.topic','sender':'@u:s','state_key':'','content':{}}",
        "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join'}}",
        "{'type':'m.room.redaction','sender':'@u:s','content':{'redacts':'$new'},'redacts':'$old'}",
        "{'type':'org.example','sender':'@u:s','state_key':'k','content':{},'redacts':1}",
    };
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct arena *a = arena_new();
        struct case_room room = case_room(a, version, NULL, ROOM);
        for (size_t i = 0; i <= COUNT_OF(events); i++) {
            struct event want = i ? case_event(&room, case_json(a, events[i - 1])) : room.events[0];
            struct event got;
            struct str pdu = json_text(a, want.json);
            assert_true(event_read_stored(a, version, want.event_id, pdu, &got));
            check_same(&got, &want, i ? events[i - 1] : "create");
        }
        arena_free(&a);
    }
}

/* What a redaction leaves is read too; the id is that of the event as it was sent. */
static void reads_redacted(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct arena *a = arena_new();
        struct case_room room = case_room(a, version, NULL, ROOM);
        struct event event = case_event(&room, case_json(a, MESSAGE("@u:s")));
        struct event got;
        struct str pdu = json_text(a, event_redact(a, version, event.json));
        assert_true(event_read_stored(a, version, event.event_id, pdu, &got));
        check_str(got.event_id, event_reference_id(a, version, got.json), "id");
        assert_int_equal(got.content->count, 0);
        arena_free(&a);
    }
}

static void damaged(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "1", "null", "{\"a\":1,\"a\":2}", "{} {}", "\"x\""};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct arena *a = arena_new();
        struct event event;
        check_case(!event_read_stored(a, room_version_default(), STR("$e"), str_of(texts[i]), &event), texts[i]);
        arena_free(&a);
    }
}

static void room_ids(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    check_str(room_id_of_create(a, STR("$abc-_")), STR("!abc-_"), "room id");
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_parsed),
        cmocka_unit_test(reads_redacted),
        cmocka_unit_test(damaged),
        cmocka_unit_test(room_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
