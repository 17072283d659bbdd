/* Authorisation rules but those on members (test_auth_rules_member.c) and power levels (test_auth_rules_power.c). */
#include "matrix/auth_case.h"

#define CREATE(more)     "{'type':'m.room.create','sender':'@c:s','state_key':''" more "}"
#define CREATED(content) CREATE(",'content':" content)

#define REDACTION(user, event_id, target)                                                                              \
    "{'type':'m.room.redaction','sender':'" user "','event_id':'" event_id "','redacts':'" target "','content':{}}"

#define SENT(user, event_id) "{'type':'m.room.message','sender':'" user "','event_id':'" event_id "','content':{}}"

static const struct auth_case create_cases[] = {
    {TO(10), "create", NULL, "", CREATED("{'creator':'@c:s','room_version':'10'}"), NULL},
    {NEW, "create", NULL, "", CREATED("{'room_version':'12'}"), NULL},
    {NEW, "create: no creator is needed", NULL, "", CREATED("{}"), NULL},
    {ALL, "create: has prev_events", NULL, "", CREATE(",'content':{'creator':'@c:s'},'prev_events':['$x']"), "1.1"},
    {OLD, "create: room of another server", NULL, "", CREATE(",'room_id':'!r:x','content':{'creator':'@c:s'}"), "1.2"},
    {OLD, "create: room of another port", NULL, "", CREATE(",'room_id':'!r:s:1','content':{'creator':'@c:s'}"), "1.2"},
    {OLD, "create: room without a server", NULL, "",
     CREATE(",'room_id':'!Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg','content':{'creator':'@c:s'}"), "1.2"},
    {V12, "create: has a room_id", NULL, "", CREATE(",'room_id':'!r:s','content':{}"), "1.2"},
    {V12, "create: has a room_id of the new form", NULL, "",
     CREATE(",'room_id':'!Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg','content':{}"), "1.2"},
    {V12, "create: has an empty room_id", NULL, "", CREATE(",'room_id':'','content':{}"), "1.2"},
    {ALL, "create: unknown version", NULL, "", CREATED("{'creator':'@c:s','room_version':'999'}"), "1.3"},
    {ALL, "create: version is a number", NULL, "", CREATED("{'creator':'@c:s','room_version':12}"), "1.3"},
    {ALL, "create: version is null", NULL, "", CREATED("{'creator':'@c:s','room_version':null}"), "1.3"},
    {ALL, "create: version is empty", NULL, "", CREATED("{'creator':'@c:s','room_version':''}"), "1.3"},
    {TO(10), "create: no creator", NULL, "", CREATED("{}"), "1.4"},
    {TO(10), "create: creator of any type is one", NULL, "", CREATED("{'creator':null}"), NULL},
    {V12, "create: no additional creators", NULL, "", CREATED("{'additional_creators':[]}"), NULL},
    {V12, "create: additional creators", NULL, "", CREATED("{'additional_creators':['@a:s','@B x:[::1]:80']}"), NULL},
    {V12, "create: additional_creators is null", NULL, "", CREATED("{'additional_creators':null}"), "1.4"},
    {V12, "create: additional_creators is a string", NULL, "", CREATED("{'additional_creators':'@a:s'}"), "1.4"},
    {V12, "create: additional_creators is an object", NULL, "", CREATED("{'additional_creators':{'@a:s':1}}"), "1.4"},
    {V12, "create: additional creator is a number", NULL, "", CREATED("{'additional_creators':[1]}"), "1.4"},
    {V12, "create: additional creator is a list", NULL, "", CREATED("{'additional_creators':[['@a:s']]}"), "1.4"},
    {V12, "create: additional creator is no user", NULL, "", CREATED("{'additional_creators':['@a:s','a']}"), "1.4"},
    {V12, "create: additional creator without server", NULL, "", CREATED("{'additional_creators':['@a']}"), "1.4"},
    {OLD, "create: additional_creators mean nothing", NULL, "", CREATED("{'creator':'@c:s','additional_creators':5}"),
     NULL},
};

static const struct auth_case room_cases[] = {
    {OLD, "event of another room", NULL, ROOM, "{'type':'x','sender':'@u:s','room_id':'!q:s','content':{}}", "2.5"},
    {ALL, "not federated: other server", "{'m.federate':false}", ROOM JOINED("@x:x"), MESSAGE("@x:x"), "3"},
    {ALL, "not federated: join from other server", "{'m.federate':false}", PEOPLE RULE("public"),
     MEMBERSHIP("@x:x", "@x:x", "join"), "3"},
    {ALL, "not federated: same server", "{'m.federate':false}", ROOM, MESSAGE("@u:s"), NULL},
    {ALL, "federated in words: other server", "{'m.federate':true}", ROOM JOINED("@x:x"), MESSAGE("@x:x"), NULL},
    {ALL, "m.federate is no boolean", "{'m.federate':'false'}", ROOM JOINED("@x:x"), MESSAGE("@x:x"), NULL},
    {ALL, "m.federate is 0", "{'m.federate':0}", ROOM JOINED("@x:x"), MESSAGE("@x:x"), NULL},
    {ALL, "not federated: other port", "{'m.federate':false}", ROOM JOINED("@x:s:80"), MESSAGE("@x:s:80"), "3"},
};

static const struct auth_case other_cases[] = {
    {ALL, "message", NULL, ROOM, MESSAGE("@u:s"), NULL},
    {ALL, "message: never there", NULL, ROOM, MESSAGE("@n:s"), "5"},
    {ALL, "message: left", NULL, ROOM MEMBER("@n:s", "leave"), MESSAGE("@n:s"), "5"},
    {ALL, "message: invited", NULL, ROOM MEMBER("@n:s", "invite"), MESSAGE("@n:s"), "5"},
    {ALL, "message: knocking", NULL, ROOM MEMBER("@n:s", "knock"), MESSAGE("@n:s"), "5"},
    {ALL, "message: banned", NULL, ROOM MEMBER("@n:s", "ban"), MESSAGE("@n:s"), "5"},
    {ALL, "message: creator who is not in the room", NULL, JOINED("@a:s"), MESSAGE("@c:s"), "5"},
    {ALL, "message: membership is a list", NULL,
     "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':['join']}}", MESSAGE("@u:s"),
     "5"},

    {ALL, "third-party invite: by anyone where nothing is said", NULL, ROOM,
     STATE("m.room.third_party_invite", "@u:s", "token"), NULL},
    {ALL, "third-party invite: below the level", NULL, PEOPLE POWER("{'invite':50}"),
     STATE("m.room.third_party_invite", "@u:s", "token"), "6.1"},
    {ALL, "third-party invite: at the level", NULL, PEOPLE POWER("{'invite':50,'users':{'@u:s':50}}"),
     STATE("m.room.third_party_invite", "@u:s", "token"), NULL},
    {ALL, "third-party invite: the level of the type does not count", NULL,
     PEOPLE POWER("{'events':{'m.room.third_party_invite':100}}"), STATE("m.room.third_party_invite", "@u:s", "@token"),
     NULL},
    {ALL, "third-party invite: not in the room", NULL, ROOM, STATE("m.room.third_party_invite", "@n:s", "t"), "5"},

    {ALL, "level: messages", NULL, PEOPLE POWER("{'events_default':1}"), MESSAGE("@u:s"), "7"},
    {ALL, "level: messages, by users_default", NULL, PEOPLE POWER("{'events_default':1,'users_default':1}"),
     MESSAGE("@u:s"), NULL},
    {ALL, "level: users_default does not lift who is listed", NULL,
     PEOPLE POWER("{'events_default':1,'users_default':1,'users':{'@u:s':0}}"), MESSAGE("@u:s"), "7"},
    {ALL, "level: one type", NULL, PEOPLE POWER("{'events':{'m.room.message':10}}"), MESSAGE("@u:s"), "7"},
    {ALL, "level: another type", NULL, PEOPLE POWER("{'events':{'m.room.name':10}}"), MESSAGE("@u:s"), NULL},
    {ALL, "level: a type below the default", NULL, PEOPLE POWER("{'events':{'m.room.name':0}}"),
     STATE("m.room.name", "@u:s", ""), NULL},
    {ALL, "level: state is at 50", NULL, ROOM, STATE("m.room.name", "@u:s", ""), "7"},
    {ALL, "level: state by who has 50", NULL, ROOM, STATE("m.room.name", "@m:s", ""), NULL},
    {ALL, "level: state_default", NULL, PEOPLE POWER("{'state_default':0}"), STATE("m.room.name", "@u:s", ""), NULL},
    {ALL, "level: state_default does not hold for messages", NULL, PEOPLE POWER("{'state_default':99}"),
     MESSAGE("@u:s"), NULL},
    {ALL, "level: state is at 50 without power levels", NULL, PEOPLE, STATE("m.room.name", "@u:s", ""), "7"},
    {ALL, "level: the creator has power without power levels", NULL, PEOPLE, STATE("m.room.name", "@c:s", ""), NULL},
    {TO(10), "level: the creator is who content says", "{'creator':'@z:s'}", JOINED("@c:s"),
     STATE("m.room.name", "@c:s", ""), "7"},
    {OLD, "level: the creator has none of his own with power levels", NULL, ROOM, STATE("m.room.name", "@c:s", ""),
     "7"},
    {V12, "level: the creator has all", NULL, PEOPLE POWER("{'state_default':9007199254740991}"),
     STATE("m.room.name", "@c:s", ""), NULL},
    {V12, "level: additional creators have all", "{'additional_creators':['@u:s']}",
     PEOPLE POWER("{'state_default':9007199254740991}"), STATE("m.room.name", "@u:s", ""), NULL},
    {OLD, "level: additional creators have none", "{'additional_creators':['@u:s']}", ROOM,
     STATE("m.room.name", "@u:s", ""), "7"},
    {ALL, "level: largest integer is reached", NULL,
     PEOPLE POWER("{'events_default':9007199254740991,'users':{'@u:s':9007199254740991}}"), MESSAGE("@u:s"), NULL},
    {ALL, "level: smallest integers", NULL,
     PEOPLE POWER("{'events_default':-9007199254740990,'users':{'@u:s':-9007199254740991}}"), MESSAGE("@u:s"), "7"},
    {FROM(3), "level: redactions have no level of their own", NULL, PEOPLE POWER("{'redact':100}"),
     "{'type':'m.room.redaction','sender':'@u:s','content':{}}", NULL},
    {ALL, "level: redactions as a type", NULL, PEOPLE POWER("{'events':{'m.room.redaction':1}}"),
     "{'type':'m.room.redaction','sender':'@u:s','content':{}}", "7"},
    {FROM(10), "level: wrong types in the state count as nothing said", NULL,
     PEOPLE POWER("{'events':[],'users':7,'state_default':'0','users_default':{},'events_default':null}"),
     STATE("m.room.name", "@u:s", ""), "7"},

    {ALL, "state_key: another user", NULL, ROOM, STATE("m.beacon_info", "@a:s", "@u:s"), "8"},
    {ALL, "state_key: oneself", NULL, PEOPLE POWER("{'state_default':0}"), STATE("m.beacon_info", "@u:s", "@u:s"),
     NULL},
    {ALL, "state_key: an @ alone", NULL, ROOM, STATE("m.beacon_info", "@a:s", "@"), "8"},
    {ALL, "state_key: oneself and more", NULL, ROOM, STATE("m.beacon_info", "@a:s", "@a:s_x"), "8"},
    {ALL, "state_key: an @ elsewhere", NULL, ROOM, STATE("m.beacon_info", "@a:s", "_@u:s"), NULL},
    {ALL, "state_key: another user, by the creator", NULL, PEOPLE, STATE("m.beacon_info", "@c:s", "@u:s"), "8"},

    {TO(9), "level: strings in the state are levels", NULL,
     PEOPLE POWER("{'events':[],'users':7,'state_default':'0','users_default':{},'events_default':null}"),
     STATE("m.room.name", "@u:s", ""), NULL},
    {TO(5), "level: fractions in the state are levels", NULL, PEOPLE POWER("{'state_default':1.9,'users_default':1.1}"),
     STATE("m.room.name", "@u:s", ""), NULL},

    {TO(5), "aliases: of the own server", NULL, ROOM, STATE("m.room.aliases", "@u:s", "s"), NULL},
    {TO(5), "aliases: by who is not in the room", NULL, ROOM, STATE("m.room.aliases", "@n:s", "s"), NULL},
    {TO(5), "aliases: by who is banned", NULL, ROOM MEMBER("@n:s", "ban"), STATE("m.room.aliases", "@n:s", "s"), NULL},
    {TO(5), "aliases: below the level of the type", NULL, PEOPLE POWER("{'events':{'m.room.aliases':100}}"),
     STATE("m.room.aliases", "@u:s", "s"), NULL},
    {TO(5), "aliases: of another server", NULL, ROOM, STATE("m.room.aliases", "@a:s", "x"), "4.2!"},
    {TO(5), "aliases: of another port", NULL, ROOM, STATE("m.room.aliases", "@a:s", "s:80"), "4.2!"},
    {TO(5), "aliases: of no server", NULL, ROOM, STATE("m.room.aliases", "@a:s", ""), "4.2!"},
    {TO(5), "aliases: no state_key", NULL, ROOM, "{'type':'m.room.aliases','sender':'@a:s','content':{}}", "4.1!"},
    {TO(5), "aliases: not federated", "{'m.federate':false}", ROOM, STATE("m.room.aliases", "@n:x", "x"), "3"},
    {FROM(6), "aliases: a type like all, below the level", NULL, ROOM, STATE("m.room.aliases", "@u:s", "s"), "7"},
    {FROM(6), "aliases: a type like all, not in the room", NULL, ROOM, STATE("m.room.aliases", "@n:s", "s"), "5"},
    {FROM(6), "aliases: a type like all, another server", NULL, ROOM, STATE("m.room.aliases", "@a:s", "x"), NULL},
    {FROM(6), "aliases: a type like all, no state", NULL, ROOM,
     "{'type':'m.room.aliases','sender':'@u:s','content':{}}", NULL},

    {TO(2), "redaction: own server's", NULL, ROOM, REDACTION("@u:s", "$e:s", "$f:s"), NULL},
    {TO(2), "redaction: another server's", NULL, ROOM, REDACTION("@u:s", "$e:s", "$f:x"), "11.3!"},
    {TO(2), "redaction: the servers of the ids count, not the senders'", NULL, ROOM, REDACTION("@u:s", "$e:x", "$f:x"),
     NULL},
    {TO(2), "redaction: another port", NULL, ROOM, REDACTION("@u:s", "$e:s", "$f:s:80"), "11.3!"},
    {TO(2), "redaction: by power", NULL, ROOM, REDACTION("@m:s", "$e:s", "$f:x"), NULL},
    {TO(2), "redaction: by power, raised", NULL, PEOPLE POWER("{'redact':51,'users':{'@m:s':50}}"),
     REDACTION("@m:s", "$e:s", "$f:x"), "11.3!"},
    {TO(2), "redaction: by power, a string", NULL, PEOPLE POWER("{'redact':'0'}"), REDACTION("@u:s", "$e:s", "$f:x"),
     NULL},
    {TO(2), "redaction: without a target", NULL, ROOM,
     "{'type':'m.room.redaction','sender':'@u:s','event_id':'$e:s','content':{}}", "11.3!"},
    {TO(2), "redaction: the level of the type comes first", NULL, PEOPLE POWER("{'events':{'m.room.redaction':1}}"),
     REDACTION("@u:s", "$e:s", "$f:s"), "7"},
    {TO(2), "redaction: not in the room", NULL, ROOM, REDACTION("@n:s", "$e:s", "$f:s"), "5"},
};

static void test_create(void **state)
{
    (void)state;
    case_run(create_cases, COUNT(create_cases));
}

static void test_room(void **state)
{
    (void)state;
    case_run(room_cases, COUNT(room_cases));
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct arena *a = arena_new();
        struct case_room room = case_room(a, version, NULL, ROOM);
        struct case_room other = case_room(a, version, "{'x':1}", ROOM);
        struct event event = case_event(&room, case_json(a, MESSAGE("@u:s")));
        /* A state without m.room.create, and a room_id of another room. */
        bool v12 = version->room_id_is_create_hash;
        struct case_room empty = {.a = a, .version = version};
        struct event_verdict verdict = auth_check(a, &event, case_state(&empty));
        assert_non_null(strstr(verdict.refused, v12 ? "auth rule 2: " : "auth rule 2.4: "));
        if (v12) {
            verdict = auth_check(a, &event, case_state(&other));
            assert_non_null(strstr(verdict.refused, "auth rule 2: "));
        }
        arena_free(&a);
    }
}

static void test_other(void **state)
{
    (void)state;
    case_run(other_cases, COUNT(other_cases));
}

/* Selection: what an event should cite. */
static void test_selection(void **state)
{
    (void)state;
    static const struct {
        int versions;
        const char *event, *want; /* type=state_key, separated by blanks; without m.room.create */
    } cases[] = {
        {ALL, MESSAGE("@u:s"), "m.room.power_levels= m.room.member=@u:s"},
        {ALL, STATE("m.room.name", "@u:s", "@x:s"), "m.room.power_levels= m.room.member=@u:s"},
        {ALL, MEMBERSHIP("@u:s", "@u:s", "join"), "m.room.power_levels= m.room.member=@u:s m.room.join_rules="},
        {ALL, MEMBERSHIP("@u:s", "@x:s", "invite"),
         "m.room.power_levels= m.room.member=@u:s m.room.member=@x:s m.room.join_rules="},
        {ALL, MEMBERSHIP("@u:s", "@u:s", "knock"), "m.room.power_levels= m.room.member=@u:s m.room.join_rules="},
        {ALL, MEMBERSHIP("@u:s", "@x:s", "ban"), "m.room.power_levels= m.room.member=@u:s m.room.member=@x:s"},
        {ALL, MEMBERSHIP("@u:s", "@u:s", "leave"), "m.room.power_levels= m.room.member=@u:s"},
        {ALL, "{'type':'m.room.member','sender':'@u:s','content':{'membership':'join'}}",
         "m.room.power_levels= m.room.member=@u:s"},
        {ALL,
         "{'type':'m.room.member','sender':'@u:s','state_key':'@x:s','content':{'membership':'invite',"
         "'third_party_invite':{'signed':{'token':'t'}}}}",
         "m.room.power_levels= m.room.member=@u:s m.room.member=@x:s m.room.join_rules= m.room.third_party_invite=t"},
        {ALL,
         "{'type':'m.room.member','sender':'@u:s','state_key':'@x:s','content':{'membership':'invite',"
         "'third_party_invite':{'signed':{'token':1}}}}",
         "m.room.power_levels= m.room.member=@u:s m.room.member=@x:s m.room.join_rules="},
        {TO(7),
         "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join',"
         "'join_authorised_via_users_server':'@a:s'}}",
         "m.room.power_levels= m.room.member=@u:s m.room.join_rules="},
        {FROM(8),
         "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join',"
         "'join_authorised_via_users_server':'@a:s'}}",
         "m.room.power_levels= m.room.member=@u:s m.room.join_rules= m.room.member=@a:s"},
        {ALL,
         "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join',"
         "'join_authorised_via_users_server':'@u:s'}}",
         "m.room.power_levels= m.room.member=@u:s m.room.join_rules="},
        {ALL,
         "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'leave',"
         "'join_authorised_via_users_server':'@a:s'}}",
         "m.room.power_levels= m.room.member=@u:s"},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct case_room room = case_room(a, version, NULL, "");
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct event e = case_event(&room, case_json(a, cases[i].event));
            struct auth_key keys[AUTH_KEYS_MAX];
            size_t n = auth_keys_select(version, e.type, e.sender, e.has_state_key, e.state_key, e.content, keys);
            struct buf got;
            buf_init(&got, 1024);
            for (size_t k = 0; k < n; k++)
                buf_fmt(&got, "%s%.*s=%.*s", k ? " " : "", STR_ARG(keys[k].type), STR_ARG(keys[k].state_key));
            struct str want =
                str_fmt(a, "%s%s", version->create_in_auth_events ? "m.room.create= " : "", cases[i].want);
            if (!str_eq(buf_str(&got), want))
                fail_msg("version %.*s: got %.*s, want %.*s", STR_ARG(version->name), STR_ARG(buf_str(&got)),
                         STR_ARG(want));
            buf_fini(&got);
        }
        struct auth_key keys[AUTH_KEYS_MAX];
        assert_int_equal(auth_keys_select(version, STR("m.room.create"), STR("@c:s"), true, STR(""), NULL, keys), 0);
    }
    arena_free(&a);
}

/* Rule 2, for a message of @u:s: which events of the room it cites, by their place in ROOM (0 is m.room.create). */
static void test_auth_events(void **state)
{
    (void)state;
    enum { CREATION, CREATOR, ADMIN, MODERATOR, USER, LEVEL, JOIN_RULE, END = -1 };
    static const struct {
        int versions;
        const char *name, *refused;
        int cites[5];
    } cases[] = {
        {OLD, "all", NULL, {CREATION, LEVEL, USER, END}},
        {V12, "all", NULL, {LEVEL, USER, END}},
        {OLD, "only create", NULL, {CREATION, END}},
        {V12, "none", NULL, {END}},
        {V12, "create is not to be cited", "2.2", {CREATION, LEVEL, USER, END}},
        {OLD, "create is missing", "2.4", {LEVEL, USER, END}},
        {OLD, "none", "2.4", {END}},
        {OLD, "one twice", "2.1", {CREATION, USER, USER, END}},
        {V12, "one twice", "2.1", {USER, LEVEL, USER, END}},
        {OLD, "another member", "2.2", {CREATION, ADMIN, END}},
        {V12, "another member", "2.2", {LEVEL, MODERATOR, END}},
        {ALL, "join rules for a message", "2.2", {JOIN_RULE, END}},
        {ALL, "the creator's membership", "2.2", {CREATOR, END}},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct case_room room = case_room(a, version, NULL, ROOM);
        struct case_room other = case_room(a, version, "{'x':1}", ROOM);
        struct event event = case_event(&room, case_json(a, MESSAGE("@u:s")));
        const struct event *cited[5];
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            size_t n = 0;
            for (; cases[i].cites[n] != END; n++)
                cited[n] = &room.events[cases[i].cites[n]];
            case_assert(version, cases[i].name, cases[i].refused, auth_check_auth_events(&event, cited, n));
        }
        struct event elsewhere = other.events[USER];
        elsewhere.room_id = STR("!other:s");
        cited[0] = &room.events[version->create_in_auth_events ? CREATION : LEVEL];
        cited[1] = &elsewhere;
        case_assert(version, "another room", "2.5", auth_check_auth_events(&event, cited, 2));
        /* Of the right type and key, but no state event. */
        struct event no_state = room.events[USER];
        no_state.has_state_key = false;
        cited[1] = &no_state;
        case_assert(version, "no state event", "2.2", auth_check_auth_events(&event, cited, 2));
        case_assert(version, "create", NULL, auth_check_auth_events(&room.events[0], cited, 2));
    }
    arena_free(&a);
}

/* Handling redactions: power, or the same server. */
static void test_may_redact(void **state)
{
    (void)state;
    static const struct {
        int versions;
        const char *state, *redacts, *target;
        bool want;
    } cases[] = {
        {ALL, ROOM, MESSAGE("@u:s"), MESSAGE("@u:s"), true},
        {ALL, ROOM, MESSAGE("@u:s"), MESSAGE("@m:s"), true},
        {FROM(3), ROOM, MESSAGE("@u:s"), MESSAGE("@x:x"), false},
        {FROM(3), ROOM, MESSAGE("@u:s:80"), MESSAGE("@m:s"), false},
        {TO(2), ROOM, REDACTION("@u:s", "$e:s", "$f:x"), SENT("@x:x", "$f:x"), false},
        {TO(2), ROOM, REDACTION("@u:s", "$e:s", "$f:s"), SENT("@x:x", "$f:s"), true},
        {TO(2), ROOM, REDACTION("@u:s", "$e:s", "$f:x"), SENT("@u:s", "$f:x"), false},
        {TO(2), ROOM, REDACTION("@m:s", "$e:s", "$f:x"), SENT("@u:s", "$f:x"), true},
        {ALL, ROOM, MESSAGE("@m:s"), MESSAGE("@x:x"), true},
        {FROM(3), PEOPLE POWER("{'redact':51,'users':{'@m:s':50}}"), MESSAGE("@m:s"), MESSAGE("@x:x"), false},
        {ALL, PEOPLE POWER("{'redact':0}"), MESSAGE("@u:s"), MESSAGE("@x:x"), true},
        {ALL, PEOPLE, MESSAGE("@c:s"), MESSAGE("@x:x"), true},
        {FROM(3), PEOPLE, MESSAGE("@u:s"), MESSAGE("@x:x"), false},
        {FROM(3) & OLD, ROOM, MESSAGE("@c:s"), MESSAGE("@x:x"), false},
        {V12, ROOM, MESSAGE("@c:s"), MESSAGE("@x:x"), true},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct case_room room = case_room(a, version, NULL, cases[i].state);
            struct event redaction = case_event(&room, case_json(a, cases[i].redacts));
            struct event target = case_event(&room, case_json(a, cases[i].target));
            if (auth_may_redact(&redaction, &target, case_state(&room)) != cases[i].want)
                fail_msg("version %.*s, case %zu", STR_ARG(version->name), i);
        }
    }
    arena_free(&a);
}

/* The numbers as the pages give them, a few for each place where they move; the cases above follow from a formula. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *state, *event;
        const char *numbers[12]; /* by version; NULL: allowed */
    } rules[] = {
        {PEOPLE RULE("public"),
         MEMBERSHIP("@a:s", "@n:s", "join"),
         {"5.2.2", "5.2.2", "5.2.2", "5.2.2", "5.2.2", "4.2.2", "4.2.2", "4.3.2", "4.3.2", "4.3.2", "4.3.2", "5.3.2"}},
        {PEOPLE RULE("invite"),
         MEMBERSHIP("@n:s", "@n:s", "join"),
         {"5.2.6", "5.2.6", "5.2.6", "5.2.6", "5.2.6", "4.2.6", "4.2.6", "4.3.7", "4.3.7", "4.3.7", "4.3.7", "5.3.7"}},
        {PEOPLE RULE("restricted"),
         MEMBERSHIP("@n:s", "@n:s", "join"),
         {"5.2.6", "5.2.6", "5.2.6", "5.2.6", "5.2.6", "4.2.6", "4.2.6", "4.3.5.2", "4.3.5.2", "4.3.5.2", "4.3.5.2",
          "5.3.5.2"}},
        {ROOM,
         MEMBERSHIP("@u:s", "@m:s", "ban"),
         {"5.5.3", "5.5.3", "5.5.3", "5.5.3", "5.5.3", "4.5.3", "4.5.3", "4.6.3", "4.6.3", "4.6.3", "4.6.3", "5.6.3"}},
        {ROOM,
         MEMBERSHIP("@n:s", "@n:s", "knock"),
         {"5.6", "5.6", "5.6", "5.6", "5.6", "4.6", "4.6.1", "4.7.1", "4.7.1", "4.7.1", "4.7.1", "5.7.1"}},
        {ROOM,
         MEMBERSHIP("@n:s", "@n:s", "lurk"),
         {"5.6", "5.6", "5.6", "5.6", "5.6", "4.6", "4.7", "4.8", "4.8", "4.8", "4.8", "5.8"}},
        {ROOM, MESSAGE("@n:s"), {"6", "6", "6", "6", "6", "5", "5", "5", "5", "5", "5", "6"}},
        {ROOM, STATE("m.room.name", "@u:s", ""), {"8", "8", "8", "8", "8", "7", "7", "7", "7", "7", "7", "8"}},
        {ROOM, STATE("m.x", "@a:s", "@u:s"), {"9", "9", "9", "9", "9", "8", "8", "8", "8", "8", "8", "9"}},
        {ROOM,
         SET_POWER("@a:s", "{'users':{'x':1}}"),
         {"10.1", "10.1", "10.1", "10.1", "10.1", "9.1", "9.1", "9.1", "9.1", "9.3", "9.3", "10.3"}},
        {ROOM,
         SET_POWER("@a:s", "{'ban':101,'users':{'@a:s':100,'@m:s':50}}"),
         {"10.3.2", "10.3.2", "10.3.2", "10.3.2", "10.3.2", "9.3.2", "9.3.2", "9.3.2", "9.3.2", "9.5.2", "9.5.2",
          "10.6.2"}},
        {ROOM,
         SET_POWER("@a:s", "{'notifications':{'room':101},'users':{'@a:s':100,'@m:s':50}}"),
         {NULL, NULL, NULL, NULL, NULL, "9.5.1", "9.5.1", "9.5.1", "9.5.1", "9.7.1", "9.7.1", "10.8.1"}},
        {ROOM,
         SET_POWER("@m:s", "{'users':{'@m:s':50}}"),
         {"10.6.1", "10.6.1", "10.6.1", "10.6.1", "10.6.1", "9.6.1", "9.6.1", "9.6.1", "9.6.1", "9.8.1", "9.8.1",
          "10.9.1"}},
        {ROOM,
         SET_POWER("@a:s", "{'users':{'@a:s':101,'@m:s':50}}"),
         {"10.7.1", "10.7.1", "10.7.1", "10.7.1", "10.7.1", "9.7.1", "9.7.1", "9.7.1", "9.7.1", "9.9.1", "9.9.1",
          "10.10.1"}},
    };
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(rules); i++) {
            struct arena *a = arena_new();
            struct case_room room = case_room(a, version, NULL, rules[i].state);
            struct event event = case_event(&room, case_json(a, rules[i].event));
            const char *got = auth_check(a, &event, case_state(&room)).refused;
            struct str want = rules[i].numbers[v] ? str_fmt(a, "auth rule %s: ", rules[i].numbers[v]) : STR("");
            if ((got != NULL) != (rules[i].numbers[v] != NULL) || (got && !str_starts(str_of(got), want)))
                fail_msg("version %.*s, rule %zu: got %s, want %.*s", STR_ARG(version->name), i, got ? got : "allowed",
                         STR_ARG(want));
            arena_free(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),    cmocka_unit_test(test_room),        cmocka_unit_test(test_other),
        cmocka_unit_test(test_selection), cmocka_unit_test(test_auth_events), cmocka_unit_test(test_may_redact),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
