/*
 * Rooms that replace rooms: every version by every other, what is carried over, who may, and what is left when the disk
 * fails half-way.
 */
#include "service/account_data.h"
#include "service/room_alias.h"
#include "service/room_plan.h"
#include "service/room_upgrade.h"

#include "faulty_disk.h"
#include "room_fixture.h"

/* --- tools --- */

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

static const struct json *state_of(struct fixture *f, const struct caller *who, struct str room, const char *type)
{
    return json_parse(f->arena, state_text(f, who, room, type, ""), JSON_DEPTH_MAX).value;
}

static void check_state(struct fixture *f, const struct caller *who, struct str room, const char *type,
                        const char *state_key, const char *want)
{
    struct str text =
        str_eq(str_of(want), STR("null")) ? STR("null") : json_text(f->arena, quoted_json(f->arena, want));
    check_str(state_text(f, who, room, type, state_key), text, type);
}

static struct fault try_upgrade(struct fixture *f, const struct caller *who, struct str room, const char *version,
                                const char *creators, struct str *new_out)
{
    const struct json *list = creators ? quoted_json(f->arena, creators) : NULL;
    *new_out = (struct str){0};
    return room_upgrade(&f->services, f->arena, who, room, str_of(version), list, new_out);
}

static struct str do_upgrade(struct fixture *f, const struct caller *who, struct str room, const char *version)
{
    struct str new;
    check_ok(try_upgrade(f, who, room, version, NULL, &new));
    return new;
}

static struct power_levels powers(struct fixture *f, struct str room)
{
    struct power_levels pl;
    struct room *opened = do_open(f, room);
    check_ok(room_power_now(&f->services, f->arena, opened, &pl));
    room_close(&f->services, &opened);
    return pl;
}

static const char *cstr(struct fixture *f, struct str s)
{
    return str_cstr(f->arena, s);
}

static struct str resolve(struct fixture *f, const char *alias)
{
    struct str room;
    check_ok(room_resolve(&f->services, f->arena, str_of(alias), &room));
    return room;
}

static int64_t count_rooms(struct fixture *f)
{
    static struct sql count = SQL("SELECT count(*) FROM rooms");
    return scratch_int(f->services.store, &count);
}

/* --- every version by every version --- */

static struct str furnished_room(struct fixture *f, const struct caller *alice, const struct room_version *version)
{
    struct str room = fixture_room(
        f, alice,
        CSTR(f->arena,
             "{'room_version':'%.*s','preset':'public_chat','name':'N','topic':'T','room_alias_name':'den',"
             "'initial_state':[{'type':'m.room.avatar','content':{'url':'mxc://x/y'}},"
             "{'type':'m.room.encryption','content':{'algorithm':'m.megolm.v1.aes-sha2'}},"
             "{'type':'m.room.server_acl','content':{'allow':['*'],'deny':['evil.example']}},"
             "{'type':'m.room.history_visibility','content':{'history_visibility':'invited'}},"
             "{'type':'m.room.guest_access','content':{'guest_access':'can_join'}},"
             "{'type':'org.example.own','content':{'x':1}}]}",
             STR_ARG(version->name)));
    check_ok(room_alias_set(&f->services, f->arena, alice, STR("#cave:hearth.test"), room));
    do_state(f, alice, room, "m.room.canonical_alias", "",
             "{'alias':'#den:hearth.test','alt_aliases':['#cave:hearth.test']}");
    return room;
}

/* Bob speaks before, and not after; he stands where he stood in the new room. */
static void check_pair(const struct room_version *from, const struct room_version *to)
{
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), eve = fixture_user(&f, "eve");
    struct caller mod = fixture_user(&f, "mod");
    struct str old = furnished_room(&f, &alice, from), refused;
    do_join(&f, &bob, old);
    do_join(&f, &mod, old);
    check_ok(room_ban(&f.services, f.arena, &alice, old, eve.user_id, STR("spam")));
    struct json *levels = json_shallow_copy(f.arena, state_of(&f, &alice, old, "m.room.power_levels"));
    struct json *users = json_shallow_copy(f.arena, json_get(levels, STR("users")));
    json_set_int(f.arena, users, mod.user_id, 50);
    json_set(f.arena, levels, STR("users"), *users);
    json_set_int(f.arena, levels, STR("org.example.kept"), 3);
    struct str id;
    check_ok(room_put_state(&f.services, f.arena, &alice, old, STR("m.room.power_levels"), STR(""), levels, &id));
    struct str last = do_say(&f, &bob, old, "before");

    struct str new = do_upgrade(&f, &alice, old, cstr(&f, to->name));

    assert_int_equal(to->room_id_is_create_hash, str_find(new, ':') == new.n);
    const struct json *create = state_of(&f, &alice, new, "m.room.create");
    check_str(json_str_at(create, STR("room_version")), to->name, "room_version");
    check_str(json_str_at(json_get(create, STR("predecessor")), STR("room_id")), old, "predecessor");
    struct str event_id = json_str_at(json_get(create, STR("predecessor")), STR("event_id"));
    check_str(event_id, last, "predecessor's event_id");
    assert_null(json_get(create, STR("type")));
    check_state(&f, &alice, old, "m.room.tombstone", "",
                CSTR(f.arena, "{'body':'This room has been replaced','replacement_room':'%.*s'}", STR_ARG(new)));
    static const char *const same[] = {"m.room.avatar",     "m.room.encryption",   "m.room.server_acl",
                                       "m.room.name",       "m.room.topic",        "m.room.history_visibility",
                                       "m.room.join_rules", "m.room.guest_access", "m.room.canonical_alias"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        check_str(state_text(&f, &alice, new, same[i], ""), state_text(&f, &alice, old, same[i], ""), same[i]);
    check_state(&f, &alice, new, "org.example.own", "", "null");
    check_state(&f, &alice, new, "m.room.member", "@bob:hearth.test", "null");
    check_state(&f, &alice, new, "m.room.member", "@eve:hearth.test", "{'membership':'ban','reason':'spam'}");
    check_fault(room_join(&f.services, f.arena, &eve, new, NO_REASON), M_FORBIDDEN, "banned");
    check_str(resolve(&f, "#den:hearth.test"), new, "alias");
    check_str(resolve(&f, "#cave:hearth.test"), new, "alias");

    /* The old room is silent, but for those above it. */
    check_fault(try_send(&f, &bob, old, "m.room.message", "{'msgtype':'m.text','body':'x'}", &refused), M_FORBIDDEN,
                "bob in the old room");
    check_fault(room_invite(&f.services, f.arena, &bob, old, STR("@carol:hearth.test"), NO_REASON), M_FORBIDDEN,
                "bob invites");
    do_say(&f, &mod, old, "still here");

    /* In the new one everybody has what they had. */
    do_join(&f, &bob, new);
    do_say(&f, &bob, new, "after");
    struct power_levels pl = powers(&f, new);
    bool to_creators = to->creators_are_privileged;
    int64_t creator = to_creators ? POWER_LEVEL_CREATOR : from->creators_are_privileged ? 150 : 100;
    assert_int_equal(power_level_of(&pl, alice.user_id), creator);
    assert_int_equal(power_level_of(&pl, mod.user_id), 50);
    assert_int_equal(power_level_of(&pl, bob.user_id), 0);
    assert_int_equal(power_level_to_send(&pl, STR("m.room.message"), false), 0);
    assert_int_equal(power_level_to_send(&pl, STR("m.room.tombstone"), true),
                     to_creators || from->creators_are_privileged ? 150 : 100);
    assert_int_equal(json_get(json_get(pl.event->content, STR("users")), alice.user_id) == NULL, to_creators);
    int64_t kept = 0;
    assert_true(json_int_at(pl.event->content, STR("org.example.kept"), &kept) && kept == 3);
    do_state(&f, &alice, new, "m.room.power_levels", "", cstr(&f, json_text(f.arena, pl.event->content)));
    replay(&f, old);
    replay(&f, new);
    fixture_fini(&f);
}

static void every_version_by_every_version(void **state)
{
    const struct room_version *from, *to;
    (void)state;
    for (size_t i = 0; (from = room_version_at(i)) != NULL; i++)
        for (size_t k = 0; (to = room_version_at(k)) != NULL; k++)
            check_pair(from, to);
}

/* --- who may, and what the request says --- */

static void requests(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), eve = fixture_user(&f, "eve");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat','room_version':'11'}"), new;
    do_join(&f, &bob, room);
    const struct {
        const struct caller *who;
        struct str room;
        const char *version, *creators;
        enum errcode want;
    } cases[] = {
        {&alice, room, "13", NULL, M_UNSUPPORTED_ROOM_VERSION},
        {&alice, room, "", NULL, M_UNSUPPORTED_ROOM_VERSION},
        {&eve, room, "13", NULL, M_UNSUPPORTED_ROOM_VERSION},
        {&bob, room, "12", NULL, M_FORBIDDEN},
        {&eve, room, "12", NULL, M_FORBIDDEN},
        {&alice, STR("!none:hearth.test"), "12", NULL, M_FORBIDDEN},
        {&alice, STR("nonsense"), "12", NULL, M_FORBIDDEN},
        {&alice, room, "12", "{}", M_BAD_JSON},
        {&alice, room, "12", "[1]", M_BAD_JSON},
        {&alice, room, "12", "['bob']", M_INVALID_PARAM},
        {&alice, room, "12", "['@bob']", M_INVALID_PARAM},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_fault(try_upgrade(&f, cases[i].who, cases[i].room, cases[i].version, cases[i].creators, &new),
                    cases[i].want, CSTR(f.arena, "case %d", (int)i));
    /* A long list is not looked at, and no list at all of somebody who may not. */
    struct json *many = json_array(f.arena);
    for (int i = 0; i <= ROOM_PLAN_CREATORS_MAX; i++)
        json_push(f.arena, many, json_string(str_fmt(f.arena, "@u%d:hearth.test", i)));
    struct fault fault = room_upgrade(&f.services, f.arena, &alice, room, STR("12"), many, &new);
    check_fault(fault, M_BAD_JSON, "more than a room may have");
    check_str(fault.message, STR("additional_creators: names too many users"), "the field");
    check_fault(room_upgrade(&f.services, f.arena, &eve, room, STR("12"), many, &new), M_FORBIDDEN, "stranger");
    check_fault(try_upgrade(&f, &eve, room, "12", "[1]", &new), M_FORBIDDEN, "stranger");
    check_fault(try_upgrade(&f, &bob, room, "12", "[1]", &new), M_FORBIDDEN, "member");
    check_fault(try_upgrade(&f, &alice, STR("!none:hearth.test"), "12", "[1]", &new), M_FORBIDDEN, "no room");
    f.options.allow_room_creation = false;
    check_fault(try_upgrade(&f, &alice, room, "12", NULL, &new), M_FORBIDDEN, "rooms are made by administrators");
    f.options.allow_room_creation = true;
    /* Nothing was made, and nothing was said. */
    assert_int_equal(count_rooms(&f), 1);
    check_state(&f, &alice, room, "m.room.tombstone", "", "null");
    /* Who has left has no say, creator or not. */
    do_leave(&f, &alice, room);
    check_fault(try_upgrade(&f, &alice, room, "12", NULL, &new), M_FORBIDDEN, "left");
    fixture_fini(&f);
}

static void creators(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), eve = fixture_user(&f, "eve");
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat','room_version':'11'}"), first, second, plain;
    check_ok(room_ban(&f.services, f.arena, &alice, old, bob.user_id, NO_REASON));
    /* Named twice, and one of them banned: a creator cannot be. */
    check_ok(
        try_upgrade(&f, &alice, old, "12", "['@bob:hearth.test','@alice:hearth.test','@bob:hearth.test']", &first));
    assert_true(json_eq(json_get(state_of(&f, &alice, first, "m.room.create"), STR("additional_creators")),
                        quoted_json(f.arena, "['@bob:hearth.test']")));
    check_state(&f, &alice, first, "m.room.member", "@bob:hearth.test", "null");
    do_join(&f, &bob, first);
    do_join(&f, &eve, first);
    /* They are not carried over as such, but have to be named: without that the founder has a number. */
    second = do_upgrade(&f, &bob, first, "12");
    assert_null(json_get(state_of(&f, &bob, second, "m.room.create"), STR("additional_creators")));
    struct power_levels pl = powers(&f, second);
    assert_int_equal(power_level_of(&pl, bob.user_id), POWER_LEVEL_CREATOR);
    assert_int_equal(power_level_of(&pl, alice.user_id), 150);
    assert_int_equal(power_level_of(&pl, eve.user_id), 0);
    do_join(&f, &alice, second);
    do_state(&f, &alice, second, "m.room.tombstone", "", "{}");
    /* Where there are no such creators, all of them have the highest number, and additional_creators is not looked at.
     */
    check_ok(try_upgrade(&f, &bob, first, "11", "['@eve:hearth.test',7]", &plain));
    assert_null(json_get(state_of(&f, &bob, plain, "m.room.create"), STR("additional_creators")));
    pl = powers(&f, plain);
    assert_int_equal(power_level_of(&pl, bob.user_id), 150);
    assert_int_equal(power_level_of(&pl, alice.user_id), 150);
    assert_int_equal(power_level_of(&pl, eve.user_id), 0);
    struct str rooms[] = {old, first, second, plain};
    for (size_t i = 0; i < COUNT_OF(rooms); i++)
        replay(&f, rooms[i]);
    fixture_fini(&f);
}

/* Who may send the tombstone may not always change the levels, nor have much power in the new room. */
static void without_much_power(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
        struct str old = fixture_room(
            &f, &alice,
            CSTR(f.arena,
                 "{'room_version':'%.*s','preset':'public_chat','name':'N','power_level_content_override':{"
                 "'events':{'m.room.tombstone':0,'m.room.power_levels':100,'m.room.name':90,'m.room.server_acl':100}}}",
                 STR_ARG(version->name)));
        do_state(&f, &alice, old, "m.room.server_acl", "", "{'allow':['*']}");
        do_join(&f, &bob, old);
        struct str before = state_text(&f, &bob, old, "m.room.power_levels", "");
        struct str new = do_upgrade(&f, &bob, old, "11");
        check_str(state_text(&f, &bob, old, "m.room.power_levels", ""), before, "levels of the old room");
        check_state(&f, &bob, new, "m.room.name", "", "{'name':'N'}");
        check_state(&f, &bob, new, "m.room.server_acl", "", "{'allow':['*']}");
        struct power_levels pl = powers(&f, new);
        assert_int_equal(power_level_of(&pl, bob.user_id), 0);
        assert_int_equal(power_level_of(&pl, alice.user_id), 100);
        replay(&f, old);
        replay(&f, new);
        fixture_fini(&f);
    }
}

/* A room of another server's making may have none. */
static void without_power_levels(void **state)
{
    const struct room_version *version;
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct room_plan plan = {.s = &f.services, .a = f.arena, .caller = &alice, .version = version};
        struct str old, refused;
        room_plan_create(&plan, json_object(f.arena));
        check_ok(room_plan_join(&plan));
        room_plan_field(&plan, STR("m.room.join_rules"), STR("join_rule"), STR("public"));
        check_ok(room_plan_make(&plan, (struct str){0}, &old));
        do_join(&f, &bob, old);
        do_say(&f, &bob, old, "before");
        check_fault(try_upgrade(&f, &bob, old, "11", NULL, &refused), M_FORBIDDEN, "not the creator");
        struct str new = do_upgrade(&f, &alice, old, "11");
        check_fault(try_send(&f, &bob, old, "m.room.message", "{'msgtype':'m.text','body':'x'}", &refused), M_FORBIDDEN,
                    "bob in the old room");
        do_say(&f, &alice, old, "the creator still may");
        struct power_levels pl = powers(&f, new);
        assert_int_equal(power_level_of(&pl, alice.user_id), 100);
        assert_int_equal(power_level_of(&pl, bob.user_id), 0);
        do_state(&f, &alice, new, "m.room.tombstone", "", "{}");
        do_join(&f, &bob, new);
        do_say(&f, &bob, new, "after");
        replay(&f, old);
        replay(&f, new);
    }
    fixture_fini(&f);
}

/* --- what is carried over --- */

static void join_rules(void **state)
{
    static const struct {
        const char *from, *rule, *to, *want;
        bool allow; /* is kept */
    } cases[] = {
        {"11", "public", "1", "public", true},
        {"11", "invite", "12", "invite", true},
        {"7", "knock", "12", "knock", true},
        {"11", "knock", "6", "invite", false},
        {"8", "restricted", "12", "restricted", true},
        {"12", "restricted", "7", "invite", false},
        {"10", "knock_restricted", "12", "knock_restricted", true},
        {"12", "knock_restricted", "9", "restricted", true},
        {"12", "knock_restricted", "7", "knock", false},
        {"12", "knock_restricted", "1", "invite", false},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str old = fixture_room(&f, &alice, CSTR(f.arena, "{'room_version':'%s'}", cases[i].from));
        const char *allow = ",'allow':[{'room_id':'!club:hearth.test','type':'m.room_membership'}]";
        do_state(&f, &alice, old, "m.room.join_rules", "", CSTR(f.arena, "{'join_rule':'%s'%s}", cases[i].rule, allow));
        struct str new = do_upgrade(&f, &alice, old, cases[i].to);
        check_state(&f, &alice, new, "m.room.join_rules", "",
                    CSTR(f.arena, "{'join_rule':'%s'%s}", cases[i].want, cases[i].allow ? allow : ""));
        replay(&f, new);
    }
    fixture_fini(&f);
}

static void spaces(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str space = fixture_room(&f, &alice, "{'creation_content':{'type':'m.space','m.federate':false}}");
    struct str plain = fixture_room(&f, &alice, "{'creation_content':{'m.federate':false}}");
    for (int i = 0; i < 2; i++) {
        struct str old = i ? plain : space;
        do_state(&f, &alice, old, "m.space.child", "!a:hearth.test", "{'via':['hearth.test'],'order':'1'}");
        do_state(&f, &alice, old, "m.space.child", "!b:hearth.test", "{}");
        do_state(&f, &alice, old, "m.space.child", "!c:hearth.test", "{'via':[]}");
        struct str new = do_upgrade(&f, &alice, old, "11");
        const struct json *create = state_of(&f, &alice, new, "m.room.create");
        check_str(json_str_at(create, STR("type")), i ? (struct str){0} : STR("m.space"), "type");
        assert_false(json_bool_at(create, STR("m.federate"), true));
        check_state(&f, &alice, new, "m.space.child", "!a:hearth.test",
                    i ? "null" : "{'via':['hearth.test'],'order':'1'}");
        check_state(&f, &alice, new, "m.space.child", "!b:hearth.test", "null");
        check_state(&f, &alice, new, "m.space.child", "!c:hearth.test", "null");
        replay(&f, new);
    }
    fixture_fini(&f);
}

/* More than fits in one transaction. */
static void many_bans(void **state)
{
    (void)state;
    enum { BANS = ROOM_PLAN_STEP + 100 };
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat','name':'N'}");
    for (int i = 0; i < BANS; i++)
        check_ok(room_ban(&f.services, f.arena, &alice, old, str_fmt(f.arena, "@b%d:elsewhere", i), NO_REASON));
    struct str new = do_upgrade(&f, &alice, old, "11");
    struct room *opened = do_open(&f, new);
    struct store_tx *tx = store_read_begin(f.services.store);
    assert_int_equal(memberships_count(tx, opened->nid, MEMBERSHIP_BAN), BANS);
    assert_true(store_read_end(&tx));
    room_close(&f.services, &opened);
    assert_int_equal(powers(&f, new).event->depth, replay(&f, new));
    fixture_fini(&f);
}

/* Numbers that a later version cannot have: what equals an integer becomes one, and what does not stays behind. */
static void numbers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str old = fixture_room(&f, &alice, "{'room_version':'5'}");
    do_state(&f, &alice, old, "m.room.avatar", "", "{'url':'mxc://x/y','info':{'w':1e2}}");
    do_state(&f, &alice, old, "m.room.topic", "", "{'topic':'T','x':1.5}");
    struct str same = do_upgrade(&f, &alice, old, "4"), strict = do_upgrade(&f, &alice, old, "6");
    check_state(&f, &alice, same, "m.room.topic", "", "{'topic':'T','x':1.5}");
    check_state(&f, &alice, strict, "m.room.topic", "", "null");
    check_state(&f, &alice, strict, "m.room.avatar", "", "{'url':'mxc://x/y','info':{'w':100}}");
    replay(&f, same);
    replay(&f, strict);
    fixture_fini(&f);
}

/* --- again --- */

static int64_t clock_ms;

static int64_t test_clock(void)
{
    return clock_ms;
}

static void second_upgrade(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str old = furnished_room(&f, &alice, room_version_find(STR("11")));
    struct str levels = state_text(&f, &alice, old, "m.room.power_levels", "");
    struct str rooms[4];
    clock_ms = clock_now_ms();
    clock_set_source(test_clock);
    for (size_t i = 0; i < 3; i++) {
        rooms[i] = do_upgrade(&f, &alice, old, "11");
        clock_ms += 9999;
        check_str(do_upgrade(&f, &alice, old, "11"), rooms[i], "the same, within a moment");
        clock_ms += 1;
        check_str(json_str_at(state_of(&f, &alice, old, "m.room.tombstone"), STR("replacement_room")), rooms[i],
                  "replacement_room");
        check_str(state_text(&f, &alice, rooms[i], "m.room.power_levels", ""), levels, "levels as they were");
        do_join(&f, &bob, rooms[i]);
        do_say(&f, &bob, rooms[i], "hello");
    }
    check_str(resolve(&f, "#den:hearth.test"), rooms[0], "the aliases have gone with the first");
    check_state(&f, &alice, rooms[1], "m.room.canonical_alias", "", "null");
    /* Levels that somebody has set since are theirs. */
    do_state(&f, &alice, old, "m.room.power_levels", "", "{'users':{'@alice:hearth.test':100},'events_default':7}");
    rooms[3] = do_upgrade(&f, &alice, old, "11");
    check_state(&f, &alice, rooms[3], "m.room.power_levels", "",
                "{'users':{'@alice:hearth.test':100},'events_default':7}");
    for (size_t i = 0; i < 4; i++)
        replay(&f, rooms[i]);
    replay(&f, old);
    clock_set_source(NULL);
    fixture_fini(&f);
}

/* Asked for again at once, it is the same upgrade only if it comes to the same. */
static void at_once_again(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat','room_version':'11'}"), rooms[7], same;
    do_join(&f, &bob, old);
    do_state(&f, &alice, old, "m.room.power_levels", "", "{'users':{'@alice:hearth.test':100,'@bob:hearth.test':100}}");
    const struct {
        const struct caller *who;
        const char *version, *creators;
    } cases[COUNT_OF(rooms)] = {
        {&alice, "11", NULL},
        {&alice, "12", NULL},
        {&alice, "12", "['@bob:hearth.test']"},
        {&bob, "12", NULL},
        {&alice, "12", "['@carol:hearth.test']"},
        {&alice, "12", "['@alice:hearth.test']"},
        {&alice, "11", "['@bob:hearth.test']"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int round = 0; round < 2; round++) {
            check_ok(
                try_upgrade(&f, cases[i].who, old, cases[i].version, cases[i].creators, round ? &same : &rooms[i]));
            assert_int_equal(count_rooms(&f), i + 2);
        }
        check_str(same, rooms[i], "the same");
    }
    /* What the tombstone leads to otherwise is no answer. */
    const char *elsewhere[] = {"{}", "{'replacement_room':7}", "{'replacement_room':'nonsense'}",
                               "{'replacement_room':'!none:x'}",
                               CSTR(f.arena, "{'replacement_room':'%.*s'}", STR_ARG(old))};
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        do_state(&f, &alice, old, "m.room.tombstone", "", elsewhere[i]);
        do_upgrade(&f, &alice, old, "11");
        assert_int_equal(count_rooms(&f), COUNT_OF(cases) + i + 2);
    }
    replay(&f, old);
    fixture_fini(&f);
}

/* --- those who follow --- */

static struct str data_of(struct fixture *f, const struct caller *who, struct str room, const char *type)
{
    const struct json *content;
    struct fault fault = account_data_read(&f->services, f->arena, who, room, str_of(type), &content);
    if (fault.code == M_NOT_FOUND)
        return STR("null");
    check_ok(fault);
    return json_text(f->arena, content);
}

static void set_data(struct fixture *f, const struct caller *who, struct str room, const char *type, const char *text)
{
    check_ok(account_data_put(&f->services, f->arena, who, room, str_of(type), quoted_json(f->arena, text)));
}

static void settings_follow(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), eve = fixture_user(&f, "eve");
    const struct str account = {0};
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, old);
    do_join(&f, &eve, old);
    const char *tags = "{'tags':{'m.favourite':{'order':0.5},'u.work':{}}}";
    const char *direct = CSTR(f.arena, "{'@a:x':['%.*s','!other:x'],'@b:x':['!other:x'],'@c:x':7}", STR_ARG(old));
    const struct caller *users[] = {&alice, &bob, &eve};
    for (size_t i = 0; i < COUNT_OF(users); i++) {
        set_data(&f, users[i], old, "m.tag", tags);
        set_data(&f, users[i], old, "org.example", "{'x':1}");
        set_data(&f, users[i], account, "m.direct", direct);
    }
    struct str new = do_upgrade(&f, &alice, old, "12");
    struct str tags_text = json_text(f.arena, quoted_json(f.arena, tags));
    struct str now = json_text(
        f.arena, quoted_json(f.arena, CSTR(f.arena, "{'@a:x':['%.*s','!other:x','%.*s'],'@b:x':['!other:x'],'@c:x':7}",
                                           STR_ARG(old), STR_ARG(new))));
    check_str(data_of(&f, &alice, new, "m.tag"), tags_text, "alice made it");
    check_str(data_of(&f, &alice, account, "m.direct"), now, "alice made it");
    check_str(data_of(&f, &bob, new, "m.tag"), STR("null"), "bob is not there yet");
    do_join(&f, &bob, new);
    check_str(data_of(&f, &bob, new, "m.tag"), tags_text, "bob has joined");
    check_str(data_of(&f, &bob, account, "m.direct"), now, "bob has joined");
    check_str(data_of(&f, &bob, new, "org.example"), STR("null"), "what is between clients");
    check_str(data_of(&f, &bob, old, "m.tag"), tags_text, "the old room keeps them");
    /* What was there already stays, and nothing is listed twice. */
    set_data(&f, &eve, new, "m.tag", "{'tags':{}}");
    do_state(&f, &eve, new, "m.room.member", "@eve:hearth.test", "{'membership':'join'}");
    check_str(data_of(&f, &eve, new, "m.tag"), STR("{\"tags\":{}}"), "eve's own");
    check_str(data_of(&f, &eve, account, "m.direct"), now, "eve has joined");
    do_leave(&f, &bob, new);
    do_join(&f, &bob, new);
    check_str(data_of(&f, &bob, account, "m.direct"), now, "bob has joined again");
    fixture_fini(&f);
}

/* No room for more: whoever upgrades or joins does so all the same, without them. */
static void settings_that_are_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct json *large = json_object(f.arena);
    char *text = arena_alloc(f.arena, ACCOUNT_DATA_BYTES_MAX - 30);
    memset(text, 'x', ACCOUNT_DATA_BYTES_MAX - 30);
    json_set_str(f.arena, large, STR("x"), (struct str){text, ACCOUNT_DATA_BYTES_MAX - 30});
    do_join(&f, &bob, old);
    const struct caller *users[] = {&alice, &bob};
    for (size_t i = 0; i < COUNT_OF(users); i++) {
        set_data(&f, users[i], old, "m.tag", "{'tags':{'u.x':{}}}");
        check_ok(account_data_put(&f.services, f.arena, users[i], (struct str){0}, STR("org.example"), large));
    }
    struct str new = do_upgrade(&f, &alice, old, "12");
    do_join(&f, &bob, new);
    for (size_t i = 0; i < COUNT_OF(users); i++)
        check_str(data_of(&f, users[i], new, "m.tag"), STR("null"), "tags");
    do_say(&f, &bob, new, "hello");
    fixture_fini(&f);
}

/* A room that only claims to replace another gets nothing. */
static void false_successors(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), eve = fixture_user(&f, "eve");
    struct str old = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    set_data(&f, &alice, old, "m.tag", "{'tags':{'m.favourite':{}}}");
    const char *predecessors[] = {CSTR(f.arena, "{'room_id':'%.*s'}", STR_ARG(old)), "{'room_id':'!none:x'}",
                                  "{'room_id':7}", "[]", "{'room_id':'nonsense'}"};
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT_OF(predecessors); i++) {
            struct str false_one = fixture_room(
                &f, &eve,
                CSTR(f.arena, "{'preset':'public_chat','creation_content':{'predecessor':%s}}", predecessors[i]));
            do_join(&f, &alice, false_one);
            check_str(data_of(&f, &alice, false_one, "m.tag"), STR("null"), predecessors[i]);
        }
        do_upgrade(&f, &alice, old, "12"); /* once more, with a tombstone that leads elsewhere */
    }
    fixture_fini(&f);
}

/* --- the disk fails --- */

/* Wherever it fails: no tombstone leads to a room that is not there, aliases lead where the tombstone does, and the
 * same request works later. */
static void failing_disk(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct fixture f;
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    int failed = 0, halves = 0;
    for (int countdown = 0; countdown < 12; countdown++) {
        char alias[32];
        snprintf(alias, sizeof alias, "#a%d:hearth.test", countdown);
        struct str new,
            old = fixture_room(&f, &alice,
                               CSTR(f.arena, "{'room_version':'11','room_alias_name':'a%d','name':'N'}", countdown));
        int64_t before = count_rooms(&f);
        faulty_disk_break(SYNC_FAILS, countdown, false);
        struct fault fault = try_upgrade(&f, &alice, old, "12", NULL, &new);
        faulty_disk_mend();
        failed += fault.code != ERRCODE_NONE;
        halves += fault.code && count_rooms(&f) > before;
        fixture_forget(&f);
        struct str tombstone = state_text(&f, &alice, old, "m.room.tombstone", "");
        assert_int_equal(fault.code != ERRCODE_NONE, str_eq(tombstone, STR("null")));
        check_str(resolve(&f, alias), fault.code ? old : new, "alias");
        if (fault.code)
            new = do_upgrade(&f, &alice, old, "12");
        check_str(resolve(&f, alias), new, "alias in the end");
        replay(&f, old);
        replay(&f, new);
    }
    assert_true(failed > 0 && halves > 0);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_by_every_version),
        cmocka_unit_test(requests),
        cmocka_unit_test(creators),
        cmocka_unit_test(without_much_power),
        cmocka_unit_test(without_power_levels),
        cmocka_unit_test(join_rules),
        cmocka_unit_test(spaces),
        cmocka_unit_test(many_bans),
        cmocka_unit_test(numbers),
        cmocka_unit_test(second_upgrade),
        cmocka_unit_test(at_once_again),
        cmocka_unit_test(settings_follow),
        cmocka_unit_test(settings_that_are_full),
        cmocka_unit_test(false_successors),
        cmocka_unit_test(failing_disk),
    };
    return cmocka_run_group_tests(tests, faulty_disk_install, NULL);
}
