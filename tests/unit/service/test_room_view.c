/* The client form of events that other servers make as they see fit. */
#include "service/room_receive.h"

#include "remote.h"

#define EVE "@eve:remote.test"

/* Versions up to 5 take numbers that canonical JSON has not. */
static void times_beyond_json_have_no_age(void **state)
{
    (void)state;
    static const struct {
        const char *ts;
        bool has_age;
    } cases[] = {{"9223372036854775807", false},  {"9007199254740992", false},
                 {"-9223372036854775807", false}, {"-1", false},
                 {"9007199254740991", true},      {"1", true}};
    struct fixture f;
    struct event event;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{'preset':'public_chat','room_version':'5'}");
    struct remote remote = remote_init(&f, "remote.test", room_id);
    remote_join(&remote, EVE);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json *got;
        struct json *pdu = remote_unsealed(&remote, &(struct remote_draft){.type = "m.room.message", .sender = EVE});
        json_set(f.arena, pdu, STR("origin_server_ts"), *json_parse(f.arena, str_of(cases[i].ts), 1).value);
        assert_null(event_seal(f.arena, room_version_find(STR("5")), pdu, &remote.key, &event).refused);
        remote_deliver(&remote, pdu, RECEIVE_ACCEPTED, cases[i].ts);
        check_ok(room_read_event(&f.services, f.arena, &alice, room_id, event.event_id, &got));
        check_case((json_at(got, "unsigned age") != NULL) == cases[i].has_age, cases[i].ts);
    }
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_beyond_json_have_no_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
