#include "service/room_send.h"

#include "room_fixture.h"

/* The stored event as its sender sees it. */
static const struct json *look(struct fixture *f, const struct caller *who, struct str room, struct str event_id)
{
    struct json *event;
    check_ok(room_read_event(&f->services, f->arena, who, room, event_id, &event));
    return event;
}

static struct fault redact(struct fixture *f, const struct caller *who, struct str room, struct str target,
                           struct str *id_out)
{
    return room_redact(&f->services, f->arena, who, room, target, fixture_txn(f), STR("spam"), id_out);
}

static bool is_redacted(struct fixture *f, const struct caller *who, struct str room, struct str event_id,
                        struct str by)
{
    const struct json *event = look(f, who, room, event_id);
    const struct json *because = json_at(event, "unsigned redacted_because");
    if (!because)
        return false;
    check_str(json_str_at(because, STR("event_id")), by, "redacted_because");
    check_str(json_str_at(because, STR("type")), STR("m.room.redaction"), "type");
    check_str(json_str_at(json_get(because, STR("content")), STR("reason")), STR("spam"), "reason");
    /* the target stands at both places for clients */
    check_str(json_str_at(because, STR("redacts")), event_id, "redacts");
    check_str(json_str_at(json_get(because, STR("content")), STR("redacts")), event_id, "content.redacts");
    return true;
}

/* Who may not see the redaction is told that there is one, and not what was written into it. */
static void redactions_out_of_sight(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
        struct str room = fixture_room(
            &f, &alice, CSTR(f.arena, "{'preset':'public_chat','room_version':'%.*s'}", STR_ARG(version->name)));
        struct str name = do_state(&f, &alice, room, "m.room.name", "", "{'name':'n'}");
        do_join(&f, &bob, room);
        struct str said = do_say(&f, &alice, room, "x"), by, name_by;
        do_leave(&f, &bob, room);
        check_ok(redact(&f, &alice, room, said, &by));
        check_ok(redact(&f, &alice, room, name, &name_by));

        struct json *event;
        check_fault(room_read_event(&f.services, f.arena, &bob, room, by, &event), M_NOT_FOUND, "the redaction");
        const struct {
            struct str id, by;
        } cases[] = {{said, by}, {name, name_by}};
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            const struct json *seen = look(&f, &bob, room, cases[i].id);
            const struct json *because = json_at(seen, "unsigned redacted_because");
            check_str(json_text(f.arena, json_get(seen, STR("content"))), STR("{}"), "content");
            check_str(json_str_at(because, STR("event_id")), cases[i].by, "event_id");
            check_str(json_str_at(because, STR("sender")), alice.user_id, "sender");
            check_str(json_str_at(because, STR("redacts")), cases[i].id, "redacts");
            check_str(json_text(f.arena, json_get(because, STR("content"))),
                      str_fmt(f.arena, "{\"redacts\":\"%.*s\"}", STR_ARG(cases[i].id)), "content of the redaction");
            assert_true(is_redacted(&f, &alice, room, cases[i].id, cases[i].by));
        }
        /* History is shared with those who are back. */
        do_join(&f, &bob, room);
        assert_true(is_redacted(&f, &bob, room, said, by));
        fixture_fini(&f);
    }
}

/* Who may redact what, in every version ("Redactions", server behaviour). */
static void redactions(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), mod = fixture_user(&f, "mod");
        struct str room = fixture_room(
            &f, &alice, CSTR(f.arena, "{'preset':'public_chat','room_version':'%.*s'}", STR_ARG(version->name)));
        struct str elsewhere = fixture_room(&f, &alice, "{'preset':'public_chat'}");
        do_join(&f, &bob, room);
        do_join(&f, &mod, room);
        do_state(&f, &alice, room, "m.room.power_levels", "",
                 version->creators_are_privileged ? "{'users':{'@mod:hearth.test':50}}"
                                                  : "{'users':{'@alice:hearth.test':100,'@mod:hearth.test':50}}");
        struct str topic = do_state(&f, &alice, room, "m.room.topic", "", "{'topic':'t'}");
        struct room *opened = do_open(&f, room);
        const struct event *create_event;
        check_ok(room_state_now(&f.services, f.arena, opened, STR("m.room.create"), STR(""), &create_event));
        struct str create = create_event->event_id;
        room_close(&f.services, &opened);
        const struct {
            const char *name;
            const struct caller *who;
            struct str target;
            enum errcode want;
        } cases[] = {
            {"own", &bob, do_say(&f, &bob, room, "a"), ERRCODE_NONE},
            {"somebody else's", &bob, do_say(&f, &alice, room, "a"), M_FORBIDDEN},
            {"by power", &mod, do_say(&f, &bob, room, "a"), ERRCODE_NONE},
            {"of somebody higher", &mod, do_say(&f, &alice, room, "a"), ERRCODE_NONE},
            {"state", &mod, topic, ERRCODE_NONE},
            {"create", &alice, create, M_FORBIDDEN},
            {"unknown", &alice, STR("$nothing"), M_NOT_FOUND},
            {"of another room", &alice, do_say(&f, &alice, elsewhere, "a"), M_NOT_FOUND},
            {"no event id", &alice, STR("nothing"), M_INVALID_PARAM},
        };
        size_t stored = replay(&f, room);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct str by;
            check_fault(redact(&f, cases[i].who, room, cases[i].target, &by), cases[i].want, cases[i].name);
            if (cases[i].want != ERRCODE_NONE)
                continue;
            check_case(is_redacted(&f, &bob, room, cases[i].target, by), cases[i].name);
            check_case(json_at(look(&f, &bob, room, cases[i].target), "content")->count == 0, cases[i].name);
            /* in the PDU it stands where the version puts it */
            struct event_row row;
            struct store_tx *tx = store_read_begin(f.services.store);
            assert_true(events_by_id(tx, by, f.arena, &row));
            assert_true(store_read_end(&tx));
            const struct json *pdu = json_parse(f.arena, row.pdu, 99).value;
            const struct json *place = version->redacts_in_content ? json_get(pdu, STR("content")) : pdu;
            const struct json *other = version->redacts_in_content ? pdu : json_get(pdu, STR("content"));
            check_str(json_str_at(place, STR("redacts")), cases[i].target, cases[i].name);
            check_case(json_get(other, STR("redacts")) == NULL, cases[i].name);
            stored++;
        }
        check_case(!is_redacted(&f, &alice, room, cases[1].target, (struct str){0}), cases[1].name);
        /* the state of the room is the redacted event */
        struct json content;
        check_ok(
            room_read_state_event(&f.services, f.arena, &bob, room, STR("m.room.topic"), STR(""), false, &content));
        assert_int_equal(content.count, 0);
        assert_int_equal(replay(&f, room), stored);
        /* redacting once more is allowed, and so is redacting a redaction */
        struct str by, by_again;
        check_ok(redact(&f, &bob, room, cases[0].target, &by));
        check_ok(redact(&f, &bob, room, by, &by_again));
        assert_int_equal(replay(&f, room), stored + 2);
        fixture_fini(&f);
    }
}

/* m.room.redaction through /send, with its target in the content, in every version. */
static void redactions_through_send(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice");
        struct str room = fixture_room(&f, &alice, CSTR(f.arena, "{'room_version':'%.*s'}", STR_ARG(version->name)));
        struct str said = do_say(&f, &alice, room, "a");
        struct str by;
        check_ok(try_send(&f, &alice, room, "m.room.redaction",
                          CSTR(f.arena, "{'redacts':'%.*s','reason':'spam'}", STR_ARG(said)), &by));
        assert_true(is_redacted(&f, &alice, room, said, by));
        check_fault(try_send(&f, &alice, room, "m.room.redaction", "{}", &by), M_BAD_JSON, "no target");
        check_fault(try_send(&f, &alice, room, "m.room.redaction", "{'redacts':1}", &by), M_BAD_JSON, "no string");
        replay(&f, room);
        fixture_fini(&f);
    }
}

/* What the redaction took from the state is gone for who asks next: here the power to invite, which versions 10 drops.
 */
static void redacted_power_levels(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), carol = fixture_user(&f, "carol");
    struct str room = fixture_room(&f, &alice, "{'room_version':'10','preset':'public_chat'}");
    struct str by;
    do_join(&f, &bob, room);
    check_fault(room_invite(&f.services, f.arena, &bob, room, carol.user_id, NO_REASON), M_FORBIDDEN, "before");
    struct str levels =
        do_state(&f, &alice, room, "m.room.power_levels", "", "{'users':{'@alice:hearth.test':100},'invite':50}");
    check_ok(redact(&f, &alice, room, levels, &by));
    do_invite(&f, &bob, room, &carol);
    replay(&f, room);
    fixture_fini(&f);
}

static void put_state(void **state)
{
    static const struct {
        const char *who, *type, *state_key, *content;
        enum errcode want;
    } cases[] = {
        {"alice", "m.room.topic", "", "{'topic':'t'}", ERRCODE_NONE},
        {"bob", "m.room.topic", "", "{'topic':'t'}", M_FORBIDDEN},
        {"carol", "m.room.topic", "", "{'topic':'t'}", M_FORBIDDEN},
        {"bob", "org.example.open", "", "{}", ERRCODE_NONE},
        {"bob", "org.example.open", "@bob:hearth.test", "{}", ERRCODE_NONE},
        {"bob", "org.example.open", "@alice:hearth.test", "{}", M_FORBIDDEN},
        {"alice", "m.room.create", "", "{}", M_FORBIDDEN},
        {"alice", "m.room.power_levels", "", "{'users':{'@bob:hearth.test':'50'}}", M_BAD_JSON},
        {"alice", "m.room.canonical_alias", "", "{'alias':'#none:hearth.test'}", M_BAD_ALIAS},
        {"alice", "m.room.canonical_alias", "", "{'alt_aliases':['#none:hearth.test']}", M_BAD_ALIAS},
        {"alice", "m.room.canonical_alias", "", "{'alias':'#den:hearth.test'}", ERRCODE_NONE},
        {"alice", "m.room.canonical_alias", "", "{'alias':'#other:hearth.test'}", M_BAD_ALIAS},
        {"alice", "m.room.canonical_alias", "", "{}", ERRCODE_NONE},
        {"bob", "m.room.member", "@bob:hearth.test", "{'membership':'join','displayname':'B'}", ERRCODE_NONE},
        {"bob", "m.room.member", "@carol:hearth.test", "{'membership':'invite'}", M_FORBIDDEN},
        {"alice", "m.room.member", "@carol:hearth.test", "{'membership':'invite'}", ERRCODE_NONE},
        {"alice", "m.room.member", "@dave:elsewhere", "{'membership':'invite'}", M_UNKNOWN},
        {"alice", "m.room.member", "no user", "{'membership':'ban'}", M_INVALID_PARAM},
        {"bob", "m.room.member", "@carol:hearth.test", "{'membership':'join'}", M_FORBIDDEN},
        {"carol", "m.room.member", "@carol:hearth.test", "{'membership':'join'}", ERRCODE_NONE},
        {"carol", "m.room.member", "@carol:hearth.test", "{'membership':'sleep'}", M_FORBIDDEN},
        {"carol", "m.room.member", "@carol:hearth.test", "{}", M_FORBIDDEN},
        {"alice", "m.room.member", "@carol:hearth.test", "{'membership':'ban'}", ERRCODE_NONE},
        {"carol", "m.room.member", "@carol:hearth.test", "{'membership':'join'}", M_FORBIDDEN},
        {"carol", "m.room.member", "@carol:hearth.test", "{'membership':'leave'}", M_FORBIDDEN},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    fixture_room(&f, &alice, "{'room_alias_name':'other'}");
    struct str room = fixture_room(&f, &alice, "{'room_alias_name':'den','preset':'public_chat'}");
    do_join(&f, &bob, room);
    do_state(&f, &alice, room, "m.room.power_levels", "", "{'invite':50,'events':{'org.example.open':0}}");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str id = {0};
        struct caller who = fixture_user(&f, cases[i].who);
        check_fault(try_state(&f, &who, room, cases[i].type, cases[i].state_key, cases[i].content, &id), cases[i].want,
                    CSTR(f.arena, "%d %s %s", (int)i, cases[i].type, cases[i].content));
        replay(&f, room);
    }
    struct str none;
    check_fault(try_state(&f, &alice, STR("!none:hearth.test"), "a", "", "{}", &none), M_FORBIDDEN, "unknown room");
    check_fault(try_send(&f, &alice, STR("!none:hearth.test"), "a", "{}", &none), M_FORBIDDEN, "unknown room");
    fixture_fini(&f);
}

/* Messages by who is in the room and by whom they are kept from it. */
static void who_may_send(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'power_level_content_override':{'events':{'org.example':10}}}");
    struct str id;
    check_fault(try_send(&f, &bob, room, "a", "{}", &id), M_FORBIDDEN, "stranger");
    do_invite(&f, &alice, room, &bob);
    check_fault(try_send(&f, &bob, room, "a", "{}", &id), M_FORBIDDEN, "invited");
    do_join(&f, &bob, room);
    check_ok(try_send(&f, &bob, room, "a", "{}", &id));
    check_fault(try_send(&f, &bob, room, "org.example", "{}", &id), M_FORBIDDEN, "no power");
    check_fault(try_send(&f, &bob, room, "m.room.message", "{}", &id), M_BAD_JSON, "no msgtype");
    do_kick(&f, &alice, room, &bob);
    check_fault(try_send(&f, &bob, room, "a", "{}", &id), M_FORBIDDEN, "kicked");
    replay(&f, room);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redactions),
        cmocka_unit_test(redactions_out_of_sight),
        cmocka_unit_test(redactions_through_send),
        cmocka_unit_test(redacted_power_levels),
        cmocka_unit_test(put_state),
        cmocka_unit_test(who_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
