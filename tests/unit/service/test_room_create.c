#include "service/room_create.h"
#include "service/room_plan.h"

#include "room_fixture.h"

/* The contents of a state event, as JSON; "null" if there is none. */
static struct str state_text(struct fixture *f, const struct caller *who, struct str room, const char *type,
                             const char *state_key)
{
    struct json content;
    struct fault fault =
        room_read_state_event(&f->services, f->arena, who, room, str_of(type), str_of(state_key), false, &content);
    if (fault.code == M_NOT_FOUND)
        return STR("null");
    check_ok(fault);
    return json_text(f->arena, &content);
}

static void check_state(struct fixture *f, const struct caller *who, struct str room, const char *type,
                        const char *state_key, const char *want)
{
    check_str(state_text(f, who, room, type, state_key), json_text(f->arena, quoted_json(f->arena, want)), type);
}

static const char *body_of(struct fixture *f, const char *members, const struct room_version *version)
{
    return CSTR(f->arena, "{%s%s'room_version':'%.*s'}", members, *members ? "," : "", STR_ARG(version->name));
}

/* --- presets --- */

static const struct {
    const char *body;
    const char *join_rule, *visibility, *guest_access;
    int invite_level;
    bool equal; /* invited users get what the creator has */
} presets[] = {
    {"'preset':'private_chat'", "invite", "shared", "can_join", 0, false},
    {"'preset':'trusted_private_chat'", "invite", "shared", "can_join", 0, true},
    {"'preset':'public_chat'", "public", "shared", "forbidden", 50, false},
    {"'visibility':'public'", "public", "shared", "forbidden", 50, false},
    {"'visibility':'private'", "invite", "shared", "can_join", 0, false},
    {"", "invite", "shared", "can_join", 0, false},
    {"'visibility':'public','preset':'private_chat'", "invite", "shared", "can_join", 0, false},
};

/* What creators and invited users may do, in the words of the version. */
static void check_power(struct fixture *f, const struct caller *alice, const struct caller *bob, struct str room,
                        const struct room_version *version, size_t p)
{
    struct room *opened = do_open(f, room);
    struct power_levels pl;
    check_ok(room_power_now(&f->services, f->arena, opened, &pl));
    room_close(&f->services, &opened);
    assert_true(pl.create && pl.event);
    int64_t creator = version->creators_are_privileged ? POWER_LEVEL_CREATOR : 100;
    assert_int_equal(power_level_of(&pl, alice->user_id), creator);
    assert_int_equal(power_level_of(&pl, bob->user_id), presets[p].equal ? creator : 0);
    assert_int_equal(power_level_to(&pl, POWER_INVITE), presets[p].invite_level);
    assert_int_equal(power_level_to(&pl, POWER_KICK), 50);
    assert_int_equal(power_level_to(&pl, POWER_BAN), 50);
    assert_int_equal(power_level_to(&pl, POWER_REDACT), 50);
    assert_int_equal(power_level_to_send(&pl, STR("m.room.message"), false), 0);
    assert_int_equal(power_level_to_send(&pl, STR("m.room.topic"), true), 50);
    assert_int_equal(power_level_to_send(&pl, STR("m.room.power_levels"), true), 100);
    assert_true(power_level_to_send(&pl, STR("m.room.tombstone"), true) > 50);
    /* Creators of version 12 stand above all levels, and must not be given one. */
    bool listed = json_get(json_get(pl.event->content, STR("users")), alice->user_id) != NULL;
    assert_int_equal(listed, !version->creators_are_privileged);
    assert_int_equal(json_str_at(pl.create->content, STR("creator")).p != NULL, version->creator_in_content);
    check_str(json_str_at(pl.create->content, STR("room_version")), version->name, "room_version");
}

static void every_preset_in_every_version(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice");
        struct caller bob = fixture_user(&f, "bob");
        for (size_t p = 0; p < COUNT_OF(presets); p++) {
            const char *members = str_fmt(f.arena, "%s%s'invite':['@bob:hearth.test'],'is_direct':true%c",
                                          presets[p].body, *presets[p].body ? "," : "", 0)
                                      .p;
            struct str room = fixture_room(&f, &alice, body_of(&f, members, version));
            check_case(version->room_id_is_create_hash == (str_find(room, ':') == room.n), presets[p].body);
            check_state(&f, &alice, room, "m.room.join_rules", "",
                        CSTR(f.arena, "{'join_rule':'%s'}", presets[p].join_rule));
            check_state(&f, &alice, room, "m.room.history_visibility", "",
                        CSTR(f.arena, "{'history_visibility':'%s'}", presets[p].visibility));
            check_state(&f, &alice, room, "m.room.guest_access", "",
                        CSTR(f.arena, "{'guest_access':'%s'}", presets[p].guest_access));
            check_state(&f, &alice, room, "m.room.member", "@bob:hearth.test",
                        "{'membership':'invite','is_direct':true}");
            check_power(&f, &alice, &bob, room, version, p);
            assert_int_equal(replay(&f, room), 7);
            do_join(&f, &bob, room);
            do_say(&f, &bob, room, "hello");
            assert_int_equal(replay(&f, room), 9);
        }
        fixture_fini(&f);
    }
}

/* --- the order of the specification --- */

static void events_come_in_order(void **state)
{
    static const char *const want[] = {
        "m.room.create",     "m.room.member",       "m.room.power_levels", "m.room.canonical_alias",
        "m.room.join_rules", "m.room.guest_access", "m.room.encryption",   "m.room.history_visibility",
        "m.room.name",       "m.room.topic",        "m.room.member",       "m.room.member",
    };
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice");
        const char *body =
            body_of(&f,
                    "'preset':'public_chat','room_alias_name':'den','name':'N','topic':'T',"
                    "'invite':['@bob:hearth.test','@carol:hearth.test'],"
                    "'initial_state':[{'type':'m.room.encryption','content':{'algorithm':'x'}},"
                    "{'type':'m.room.history_visibility','state_key':'','content':{'history_visibility':'joined'}}]",
                    version);
        struct str room = fixture_room(&f, &alice, body);
        struct room *opened = do_open(&f, room);
        struct store_tx *tx = store_read_begin(f.services.store);
        struct event_row *rows;
        size_t count = events_between(tx, opened->nid, EVENT_PLACE(0), EVENT_PLACE(INT64_MAX), EVENTS_OLDEST_FIRST, 100,
                                      f.arena, &rows);
        assert_true(store_read_end(&tx));
        assert_int_equal(count, COUNT_OF(want));
        for (size_t i = 0; i < count; i++)
            check_str(json_str_at(json_parse(f.arena, rows[i].pdu, 99).value, STR("type")), str_of(want[i]), "type");
        room_close(&f.services, &opened);
        check_state(&f, &alice, room, "m.room.canonical_alias", "", "{'alias':'#den:hearth.test'}");
        check_state(&f, &alice, room, "m.room.name", "", "{'name':'N'}");
        check_state(&f, &alice, room, "m.room.topic", "", "{'topic':'T','m.topic':{'m.text':[{'body':'T'}]}}");
        struct str found;
        check_ok(room_resolve(&f.services, f.arena, STR("#den:hearth.test"), &found));
        check_str(found, room, "alias");
        replay(&f, room);
        fixture_fini(&f);
    }
}

/* --- what the request may say --- */

static void requests(void **state)
{
    static const struct {
        const char *body;
        enum errcode want;
    } cases[] = {
        {"{}", ERRCODE_NONE},
        {"{'room_version':'13'}", M_UNSUPPORTED_ROOM_VERSION},
        {"{'room_version':'org.example'}", M_UNSUPPORTED_ROOM_VERSION},
        {"{'room_version':12}", M_BAD_JSON},
        {"{'room_version':''}", M_UNSUPPORTED_ROOM_VERSION},
        {"{'preset':'chat'}", M_INVALID_PARAM},
        {"{'preset':''}", M_INVALID_PARAM},
        {"{'visibility':''}", M_INVALID_PARAM},
        {"{'visibility':'','preset':'public_chat'}", M_INVALID_PARAM},
        {"{'preset':1}", M_BAD_JSON},
        {"{'visibility':'open'}", M_INVALID_PARAM},
        {"{'room_alias_name':'a:b'}", M_INVALID_PARAM},
        {"{'room_alias_name':'ok'}", ERRCODE_NONE},
        {"{'room_alias_name':'ok'}", M_ROOM_IN_USE},
        {"{'invite':'@bob:hearth.test'}", M_BAD_JSON},
        {"{'invite':['bob']}", M_INVALID_PARAM},
        {"{'invite':['@alice:hearth.test']}", M_INVALID_ROOM_STATE},
        {"{'invite':['@bob:hearth.test','@bob:hearth.test']}", ERRCODE_NONE},
        {"{'initial_state':{}}", M_BAD_JSON},
        {"{'initial_state':[{'type':'a'}]}", M_BAD_JSON},
        {"{'initial_state':[{'content':{}}]}", M_BAD_JSON},
        {"{'initial_state':[{'type':'a','content':{},'state_key':1}]}", M_BAD_JSON},
        {"{'initial_state':[{'type':'a','content':{'x':1.5}}]}", M_BAD_JSON},
        {"{'initial_state':[{'type':'a','content':{},'state_key':'k'}]}", ERRCODE_NONE},
        {"{'initial_state':[{'type':'m.room.create','content':{}}]}", M_INVALID_PARAM},
        {"{'initial_state':[{'type':'m.room.member','content':{'membership':'invite'},'state_key':'@x:y'}]}",
         M_INVALID_PARAM},
        {"{'initial_state':[{'type':'m.room.canonical_alias','content':{'alias':'#other:hearth.test'}}]}", M_BAD_ALIAS},
        {"{'initial_state':[{'type':'a','content':{},'state_key':'@bob:hearth.test'}]}", M_INVALID_ROOM_STATE},
        {"{'name':1}", M_BAD_JSON},
        {"{'topic':[]}", M_BAD_JSON},
        {"{'creation_content':[]}", M_BAD_JSON},
        {"{'creation_content':{'type':'m.space','room_version':'1','creator':'@bob:hearth.test'}}", ERRCODE_NONE},
        {"{'power_level_content_override':{'users_default':'5'}}", M_INVALID_ROOM_STATE},
        {"{'room_version':'9','power_level_content_override':{'users_default':'5'}}", M_INVALID_ROOM_STATE},
        {"{'power_level_content_override':1}", M_BAD_JSON},
        {"{'power_level_content_override':{'events_default':10}}", ERRCODE_NONE},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str room = {0};
        struct fault fault = room_create(&f.services, f.arena, &alice, quoted_json(f.arena, cases[i].body), &room);
        check_fault(fault, cases[i].want, cases[i].body);
        if (!fault.code)
            replay(&f, room);
    }
    /* What was refused has left nothing behind. */
    struct json *rooms;
    size_t good = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        good += cases[i].want == ERRCODE_NONE;
    check_ok(room_read_joined_rooms(&f.services, f.arena, &alice, &rooms));
    assert_int_equal(rooms->count, good);
    static struct sql count_rooms = SQL("SELECT count(*) FROM rooms");
    assert_int_equal(scratch_int(f.services.store, &count_rooms), good);
    fixture_fini(&f);
}

static void creation_content(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str old = fixture_room(&f, &alice,
                                  "{'room_version':'10','creation_content':{'type':'m.space','creator':"
                                  "'@bob:hearth.test','room_version':'1'}}");
    check_state(&f, &alice, old, "m.room.create", "",
                "{'type':'m.space','creator':'@alice:hearth.test','room_version':'10'}");
    struct str new = fixture_room(&f, &alice,
                                  "{'room_version':'12','preset':'trusted_private_chat','invite':["
                                  "'@bob:hearth.test'],'creation_content':{'additional_creators':["
                                  "'@carol:hearth.test'],'m.federate':false}}");
    check_state(&f, &alice, new, "m.room.create", "",
                "{'additional_creators':['@carol:hearth.test','@bob:hearth.test'],'m.federate':false,"
                "'room_version':'12'}");
    replay(&f, old);
    replay(&f, new);
    struct str none;
    check_fault(room_create(&f.services, f.arena, &alice,
                            quoted_json(f.arena, "{'room_version':'12','creation_content':{'additional_creators':["
                                                 "'carol']}}"),
                            &none),
                M_INVALID_ROOM_STATE, "additional_creators");
    struct json *body = json_object(f.arena), *content = json_object(f.arena), *many = json_array(f.arena);
    for (int i = 0; i <= ROOM_PLAN_CREATORS_MAX; i++)
        json_push(f.arena, many, json_string(str_fmt(f.arena, "@u%d:hearth.test", i)));
    json_set(f.arena, content, STR("additional_creators"), *many);
    json_set(f.arena, body, STR("creation_content"), *content);
    json_set_str(f.arena, body, STR("room_version"), STR("12"));
    struct fault fault = room_create(&f.services, f.arena, &alice, body, &none);
    check_fault(fault, M_BAD_JSON, "more than a room may have");
    check_str(fault.message, STR("creation_content.additional_creators: names too many users"), "the field");
    f.options.default_room_version = STR("11");
    struct str chosen = fixture_room(&f, &alice, "{}");
    check_state(&f, &alice, chosen, "m.room.create", "", "{'room_version':'11'}");
    fixture_fini(&f);
}

/* Rooms that are made alike at the same moment are rooms of their own all the same. */
static void twins(void **state)
{
    const struct room_version *version;
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct str rooms[50];
        for (size_t i = 0; i < COUNT_OF(rooms); i++) {
            rooms[i] = fixture_room(&f, &alice, body_of(&f, "", version));
            for (size_t k = 0; k < i; k++)
                assert_false(str_eq(rooms[i], rooms[k]));
        }
    }
    fixture_fini(&f);
}

static void only_administrators(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    f.options.allow_room_creation = false;
    struct caller alice = fixture_user(&f, "alice");
    struct str room;
    check_fault(room_create(&f.services, f.arena, &alice, quoted_json(f.arena, "{}"), &room), M_FORBIDDEN, "user");
    alice.is_admin = true;
    replay(&f, fixture_room(&f, &alice, "{}"));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_in_every_version),
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(requests),
        cmocka_unit_test(creation_content),
        cmocka_unit_test(twins),
        cmocka_unit_test(only_administrators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
