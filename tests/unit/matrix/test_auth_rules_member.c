/* Rule 4 (of versions 1 to 5 and 12: rule 5): m.room.member. */
#include "matrix/auth_case.h"

#define MEMBER_EVENT(more) "{'type':'m.room.member'," more "}"
/* A membership with more in content, or with more around it. */
#define WITH(user, target, membership, more)                                                                           \
    MEMBER_EVENT("'sender':'" user "','state_key':'" target "','content':{'membership':'" membership "'," more "}")
#define FIRST(user, target, prev)                                                                                      \
    MEMBER_EVENT("'sender':'" user "','state_key':'" target "','content':{'membership':'join'},'prev_events':" prev)
#define AUTHORISED(user, by)                                                                                           \
    MEMBER_EVENT("'sender':'" user "','state_key':'" user "','content':{'membership':'join',"                          \
                 "'join_authorised_via_users_server':'" by "'},'signatures':{'s':{'ed25519:1':'x'}}")
#define INVITE_AT(level) POWER("{'invite':" level ",'users':{'@m:s':50}}")

static const struct auth_case shape_cases[] = {
    {ALL, "no state_key", NULL, ROOM, MEMBER_EVENT("'sender':'@u:s','content':{'membership':'join'}"), "4.1"},
    {ALL, "empty state_key", NULL, ROOM, MEMBERSHIP("@u:s", "", "join"), "4.1"},
    {ALL, "state_key is no user", NULL, ROOM, MEMBERSHIP("@a:s", "u", "invite"), "4.1"},
    {ALL, "state_key is no user, by ban", NULL, ROOM, MEMBERSHIP("@a:s", "@u", "ban"), "4.1"},
    {ALL, "no membership", NULL, ROOM, MEMBER_EVENT("'sender':'@u:s','state_key':'@u:s','content':{}"), "4.1"},
    {ALL, "membership is null", NULL, ROOM,
     MEMBER_EVENT("'sender':'@u:s','state_key':'@u:s','content':{'membership':null}"), "4.8"},
    {ALL, "membership is a list", NULL, ROOM,
     MEMBER_EVENT("'sender':'@u:s','state_key':'@u:s','content':{'membership':['join']}"), "4.8"},
    {ALL, "membership is a number", NULL, ROOM,
     MEMBER_EVENT("'sender':'@u:s','state_key':'@u:s','content':{'membership':1}"), "4.8"},
    {ALL, "membership is empty", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", ""), "4.8"},
    {ALL, "membership is unknown", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "lurk"), "4.8"},
    {ALL, "membership in another case", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "Join"), "4.8"},
    {ALL, "membership and a NUL", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "join\\u0000"), "4.8"},
    {ALL, "unknown membership by the creator", NULL, PEOPLE, MEMBERSHIP("@c:s", "@c:s", "owner"), "4.8"},

    {FROM(8), "authoriser is a number", NULL, ROOM,
     WITH("@u:s", "@u:s", "join", "'join_authorised_via_users_server':1"), "4.2.1"},
    {FROM(8), "authoriser is null", NULL, ROOM, WITH("@u:s", "@u:s", "join", "'join_authorised_via_users_server':null"),
     "4.2.1"},
    {FROM(8), "authoriser is no user", NULL, ROOM,
     WITH("@u:s", "@u:s", "join", "'join_authorised_via_users_server':'s'"), "4.2.1"},
    {FROM(8), "authoriser has not signed", NULL, ROOM,
     WITH("@u:s", "@u:s", "join", "'join_authorised_via_users_server':'@a:s'"), "4.2.1"},
    {FROM(8), "authoriser has not signed a leave", NULL, ROOM,
     WITH("@u:s", "@u:s", "leave", "'join_authorised_via_users_server':'@a:s'"), "4.2.1"},
    {FROM(8), "authoriser's server has no signature in its list", NULL, ROOM,
     MEMBER_EVENT("'sender':'@u:s','state_key':'@u:s','content':{'membership':'join',"
                  "'join_authorised_via_users_server':'@a:s'},'signatures':{'s':{}}"),
     "4.2.1"},
    {FROM(8), "another server has signed", NULL, ROOM, AUTHORISED("@u:s", "@a:x"), "4.2.1"},
    {ALL, "signed, and a join that needs no authoriser", NULL, ROOM, AUTHORISED("@u:s", "@a:s"), NULL},
    {TO(7), "an authoriser means nothing", NULL, ROOM,
     WITH("@u:s", "@u:s", "join", "'join_authorised_via_users_server':1"), NULL},
};

static const struct auth_case join_cases[] = {
    {ALL, "first: the creator", NULL, "", FIRST("@c:s", "@c:s", "['$create']"), NULL},
    {ALL, "first: another user", NULL, "", FIRST("@u:s", "@u:s", "['$create']"), "4.3.7"},
    {ALL, "first: the creator, after another event", NULL, "", FIRST("@c:s", "@c:s", "['$p']"), "4.3.7"},
    {ALL, "first: the creator, after two events", NULL, "", FIRST("@c:s", "@c:s", "['$create','$p']"), "4.3.7"},
    {ALL, "first: the creator, after nothing", NULL, "", FIRST("@c:s", "@c:s", "[]"), "4.3.7"},
    {ALL, "first: the rule looks at the state_key alone", NULL, "", FIRST("@u:s", "@c:s", "['$create']"), NULL},
    {TO(10), "first: the creator is who content says", "{'creator':'@z:s'}", "", FIRST("@z:s", "@z:s", "['$create']"),
     NULL},
    {TO(10), "first: content says another creator", "{'creator':'@z:s'}", "", FIRST("@c:s", "@c:s", "['$create']"),
     "4.3.7"},
    {TO(10), "first: creator of a wrong type", "{'creator':1}", "", FIRST("@c:s", "@c:s", "['$create']"), "4.3.7"},
    {NEW, "first: content.creator means nothing", "{'creator':'@z:s'}", "", FIRST("@z:s", "@z:s", "['$create']"),
     "4.3.7"},
    {V12, "first: additional creators come later", "{'additional_creators':['@z:s']}", "",
     FIRST("@z:s", "@z:s", "['$create']"), "4.3.7"},

    {ALL, "of another user", NULL, PEOPLE RULE("public"), MEMBERSHIP("@a:s", "@n:s", "join"), "4.3.2"},
    {ALL, "of another user, by the creator", NULL, PEOPLE RULE("public"), MEMBERSHIP("@c:s", "@n:s", "join"), "4.3.2"},
    {ALL, "of an invited user, by another", NULL, ROOM MEMBER("@n:s", "invite"), MEMBERSHIP("@a:s", "@n:s", "join"),
     "4.3.2"},
    {ALL, "banned, public room", NULL, PEOPLE RULE("public") MEMBER("@n:s", "ban"), MEMBERSHIP("@n:s", "@n:s", "join"),
     "4.3.3"},
    {ALL, "banned, restricted room", NULL, ROOM RULE("restricted") MEMBER("@n:s", "ban"), AUTHORISED("@n:s", "@a:s"),
     "4.3.3"},
    {V12, "banned creator", NULL, JOINED("@a:s") RULE("public") MEMBER("@c:s", "ban"),
     MEMBERSHIP("@c:s", "@c:s", "join"), "4.3.3"},

    {ALL, "public", NULL, PEOPLE RULE("public"), MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "public, after leaving", NULL, PEOPLE RULE("public") MEMBER("@n:s", "leave"),
     MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "invite: uninvited", NULL, ROOM, MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {ALL, "invite: invited", NULL, ROOM MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "invite: again", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "join"), NULL},
    {ALL, "invite: left", NULL, ROOM MEMBER("@n:s", "leave"), MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {ALL, "invite: knocking", NULL, ROOM MEMBER("@n:s", "knock"), MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {ALL, "knock: knocking", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "knock"), MEMBERSHIP("@n:s", "@n:s", "join"),
     "4.3.7"},
    {FROM(7), "knock: invited", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"),
     NULL},
    {ALL, "private: invited", NULL, PEOPLE RULE("private") MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"),
     "4.3.7"},
    {ALL, "private: again", NULL, PEOPLE RULE("private"), MEMBERSHIP("@u:s", "@u:s", "join"), "4.3.7"},
    {ALL, "unknown rule: invited", NULL, PEOPLE RULE("x") MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"),
     "4.3.7"},
    {ALL, "no join rules: uninvited", NULL, PEOPLE, MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {ALL, "no join rules: invited", NULL, PEOPLE MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "rule is missing: uninvited", NULL, PEOPLE STATE_OF("m.room.join_rules", "{}"),
     MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {ALL, "rule is missing: invited", NULL, PEOPLE STATE_OF("m.room.join_rules", "{}") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "rule is a list: invited", NULL,
     PEOPLE STATE_OF("m.room.join_rules", "{'join_rule':['public']}") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},

    {FROM(8), "restricted: invited", NULL, PEOPLE RULE("restricted") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {FROM(8), "restricted: again", NULL, PEOPLE RULE("restricted"), MEMBERSHIP("@u:s", "@u:s", "join"), NULL},
    {FROM(8), "restricted: nobody authorises", NULL, PEOPLE RULE("restricted"), MEMBERSHIP("@n:s", "@n:s", "join"),
     "4.3.5.2"},
    {FROM(8), "restricted: authorised", NULL, PEOPLE RULE("restricted"), AUTHORISED("@n:s", "@u:s"), NULL},
    {FROM(8), "restricted: by who has left", NULL, PEOPLE RULE("restricted") MEMBER("@l:s", "leave"),
     AUTHORISED("@n:s", "@l:s"), "4.3.5.2"},
    {FROM(8), "restricted: by who is invited", NULL, PEOPLE RULE("restricted") MEMBER("@l:s", "invite"),
     AUTHORISED("@n:s", "@l:s"), "4.3.5.2"},
    {FROM(8), "restricted: by oneself", NULL, PEOPLE RULE("restricted"), AUTHORISED("@n:s", "@n:s"), "4.3.5.2"},
    {FROM(8), "restricted: by who may not invite", NULL, PEOPLE RULE("restricted") INVITE_AT("50"),
     AUTHORISED("@n:s", "@u:s"), "4.3.5.2"},
    {FROM(8), "restricted: by who may invite", NULL, PEOPLE RULE("restricted") INVITE_AT("50"),
     AUTHORISED("@n:s", "@m:s"), NULL},
    {V12, "restricted: by the creator", NULL, PEOPLE RULE("restricted") INVITE_AT("9007199254740991"),
     AUTHORISED("@n:s", "@c:s"), NULL},
    {FROM(10), "knock_restricted: authorised", NULL, PEOPLE RULE("knock_restricted"), AUTHORISED("@n:s", "@u:s"), NULL},
    {FROM(10), "knock_restricted: nobody authorises", NULL, PEOPLE RULE("knock_restricted") MEMBER("@n:s", "knock"),
     MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.5.2"},
    {FROM(10), "knock_restricted: invited", NULL, PEOPLE RULE("knock_restricted") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), NULL},
    {ALL, "invite: an authoriser does not help", NULL, PEOPLE RULE("invite"), AUTHORISED("@n:s", "@u:s"), "4.3.7"},
    {TO(6), "knock: means nothing yet", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {TO(7), "restricted: means nothing yet, invited", NULL, PEOPLE RULE("restricted") MEMBER("@n:s", "invite"),
     MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {TO(7), "restricted: means nothing yet, authorised", NULL, PEOPLE RULE("restricted"), AUTHORISED("@n:s", "@u:s"),
     "4.3.7"},
    {TO(9), "knock_restricted: means nothing yet, invited", NULL,
     PEOPLE RULE("knock_restricted") MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "join"), "4.3.7"},
    {TO(9), "knock_restricted: means nothing yet, authorised", NULL, PEOPLE RULE("knock_restricted"),
     AUTHORISED("@n:s", "@u:s"), "4.3.7"},
};

static const struct auth_case invite_cases[] = {
    {ALL, "by a user", NULL, ROOM, MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {ALL, "by who is not in the room", NULL, ROOM, MEMBERSHIP("@o:s", "@n:s", "invite"), "4.4.2"},
    {ALL, "by who is invited", NULL, ROOM MEMBER("@o:s", "invite"), MEMBERSHIP("@o:s", "@n:s", "invite"), "4.4.2"},
    {ALL, "of oneself", NULL, ROOM, MEMBERSHIP("@n:s", "@n:s", "invite"), "4.4.2"},
    {ALL, "of a member", NULL, ROOM, MEMBERSHIP("@u:s", "@m:s", "invite"), "4.4.3"},
    {ALL, "of oneself, a member", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "invite"), "4.4.3"},
    {ALL, "of a banned user", NULL, ROOM MEMBER("@n:s", "ban"), MEMBERSHIP("@a:s", "@n:s", "invite"), "4.4.3"},
    {ALL, "of an invited user", NULL, ROOM MEMBER("@n:s", "invite"), MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {ALL, "of a knocking user", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "knock"),
     MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {ALL, "of a user who left", NULL, ROOM MEMBER("@n:s", "leave"), MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {ALL, "below the level", NULL, PEOPLE INVITE_AT("51"), MEMBERSHIP("@m:s", "@n:s", "invite"), "4.4.5"},
    {ALL, "at the level", NULL, PEOPLE INVITE_AT("50"), MEMBERSHIP("@m:s", "@n:s", "invite"), NULL},
    {ALL, "events of the type do not count", NULL, PEOPLE POWER("{'events':{'m.room.member':100}}"),
     MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {OLD, "by the creator without power", NULL, PEOPLE INVITE_AT("1"), MEMBERSHIP("@c:s", "@n:s", "invite"), "4.4.5"},
    {V12, "by the creator", NULL, PEOPLE INVITE_AT("9007199254740991"), MEMBERSHIP("@c:s", "@n:s", "invite"), NULL},
    {FROM(10), "level that is a string counts as none", NULL, PEOPLE INVITE_AT("'50'"),
     MEMBERSHIP("@u:s", "@n:s", "invite"), NULL},
    {TO(9), "level that is a string", NULL, PEOPLE INVITE_AT("'50'"), MEMBERSHIP("@u:s", "@n:s", "invite"), "4.4.5"},
    {TO(9), "level that is a string, reached", NULL, PEOPLE INVITE_AT("' +050'"), MEMBERSHIP("@m:s", "@n:s", "invite"),
     NULL},
    {ALL, "level of a wrong type counts as none", NULL, PEOPLE INVITE_AT("[50]"), MEMBERSHIP("@u:s", "@n:s", "invite"),
     NULL},
};

static const struct auth_case leave_cases[] = {
    {ALL, "oneself", NULL, ROOM, MEMBERSHIP("@u:s", "@u:s", "leave"), NULL},
    {ALL, "oneself, invited", NULL, ROOM MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "leave"), NULL},
    {FROM(7), "oneself, knocking", NULL, ROOM MEMBER("@n:s", "knock"), MEMBERSHIP("@n:s", "@n:s", "leave"), NULL},
    {TO(6), "oneself, knocking means nothing yet", NULL, ROOM MEMBER("@n:s", "knock"),
     MEMBERSHIP("@n:s", "@n:s", "leave"), "4.5.1"},
    {ALL, "oneself, never there", NULL, ROOM, MEMBERSHIP("@n:s", "@n:s", "leave"), "4.5.1"},
    {ALL, "oneself, twice", NULL, ROOM MEMBER("@n:s", "leave"), MEMBERSHIP("@n:s", "@n:s", "leave"), "4.5.1"},
    {ALL, "oneself, banned", NULL, ROOM MEMBER("@n:s", "ban"), MEMBERSHIP("@n:s", "@n:s", "leave"), "4.5.1"},
    {V12, "oneself, banned creator", NULL, JOINED("@a:s") MEMBER("@c:s", "ban"), MEMBERSHIP("@c:s", "@c:s", "leave"),
     "4.5.1"},
    {ALL, "kick", NULL, ROOM, MEMBERSHIP("@m:s", "@u:s", "leave"), NULL},
    {ALL, "kick by who is not in the room", NULL, ROOM MEMBER("@m:s", "leave"), MEMBERSHIP("@m:s", "@u:s", "leave"),
     "4.5.2"},
    {ALL, "kick below the level", NULL, ROOM, MEMBERSHIP("@u:s", "@n:s", "leave"), "4.5.5"},
    {ALL, "kick at another level", NULL, PEOPLE POWER("{'kick':0,'users':{'@u:s':1}}"),
     MEMBERSHIP("@u:s", "@m:s", "leave"), NULL},
    {ALL, "kick of an equal", NULL, PEOPLE POWER("{'users':{'@m:s':50,'@u:s':50}}"),
     MEMBERSHIP("@m:s", "@u:s", "leave"), "4.5.5"},
    {ALL, "kick of a superior", NULL, ROOM, MEMBERSHIP("@m:s", "@a:s", "leave"), "4.5.5"},
    {ALL, "kick of who is above by users_default", NULL, PEOPLE POWER("{'users_default':60,'users':{'@m:s':50}}"),
     MEMBERSHIP("@m:s", "@n:s", "leave"), "4.5.5"},
    {ALL, "invitation withdrawn", NULL, ROOM MEMBER("@n:s", "invite"), MEMBERSHIP("@m:s", "@n:s", "leave"), NULL},
    {ALL, "knock refused", NULL, ROOM MEMBER("@n:s", "knock"), MEMBERSHIP("@m:s", "@n:s", "leave"), NULL},
    {ALL, "unban", NULL, ROOM MEMBER("@n:s", "ban"), MEMBERSHIP("@m:s", "@n:s", "leave"), NULL},
    {ALL, "unban below the ban level", NULL,
     PEOPLE POWER("{'ban':60,'kick':0,'users':{'@m:s':50}}") MEMBER("@n:s", "ban"), MEMBERSHIP("@m:s", "@n:s", "leave"),
     "4.5.3"},
    {ALL, "unban below the kick level", NULL,
     PEOPLE POWER("{'ban':0,'kick':60,'users':{'@m:s':50}}") MEMBER("@n:s", "ban"), MEMBERSHIP("@m:s", "@n:s", "leave"),
     "4.5.5"},
    {OLD, "kick of the creator, who has no power", NULL, ROOM, MEMBERSHIP("@m:s", "@c:s", "leave"), NULL},
    {V12, "kick of the creator", NULL, ROOM, MEMBERSHIP("@a:s", "@c:s", "leave"), "4.5.5"},
    {V12, "kick of the creator by the largest integer", NULL, PEOPLE POWER("{'users':{'@a:s':9007199254740991}}"),
     MEMBERSHIP("@a:s", "@c:s", "leave"), "4.5.5"},
    {V12, "kick by the creator", NULL, PEOPLE POWER("{'users':{'@a:s':9007199254740991}}"),
     MEMBERSHIP("@c:s", "@a:s", "leave"), NULL},
    {V12, "kick of a creator by another", "{'additional_creators':['@a:s']}", PEOPLE,
     MEMBERSHIP("@c:s", "@a:s", "leave"), "4.5.5"},
    {V12, "kick of the creator by an additional one", "{'additional_creators':['@a:s']}", PEOPLE,
     MEMBERSHIP("@a:s", "@c:s", "leave"), "4.5.5"},
    {ALL, "kick without power levels, by the creator", NULL, PEOPLE, MEMBERSHIP("@c:s", "@u:s", "leave"), NULL},
    {ALL, "kick without power levels, by another", NULL, PEOPLE, MEMBERSHIP("@a:s", "@u:s", "leave"), "4.5.5"},
};

static const struct auth_case ban_cases[] = {
    {ALL, "of a user", NULL, ROOM, MEMBERSHIP("@m:s", "@u:s", "ban"), NULL},
    {ALL, "of who was never there", NULL, ROOM, MEMBERSHIP("@m:s", "@n:s", "ban"), NULL},
    {ALL, "of who is banned", NULL, ROOM MEMBER("@n:s", "ban"), MEMBERSHIP("@m:s", "@n:s", "ban"), NULL},
    {ALL, "by who is not in the room", NULL, ROOM MEMBER("@m:s", "leave"), MEMBERSHIP("@m:s", "@u:s", "ban"), "4.6.1"},
    {ALL, "below the level", NULL, ROOM, MEMBERSHIP("@u:s", "@n:s", "ban"), "4.6.3"},
    {ALL, "of an equal", NULL, PEOPLE POWER("{'users':{'@m:s':50,'@u:s':50}}"), MEMBERSHIP("@m:s", "@u:s", "ban"),
     "4.6.3"},
    {ALL, "of a superior", NULL, ROOM, MEMBERSHIP("@m:s", "@a:s", "ban"), "4.6.3"},
    {ALL, "of oneself", NULL, ROOM, MEMBERSHIP("@a:s", "@a:s", "ban"), "4.6.3"},
    {ALL, "at extreme levels", NULL,
     PEOPLE POWER("{'ban':-9007199254740991,'users_default':-9007199254740991,'users':{'@u:s':-9007199254740990}}"),
     MEMBERSHIP("@u:s", "@m:s", "ban"), NULL},
    {ALL, "at extreme levels, of an equal", NULL,
     PEOPLE POWER("{'ban':-9007199254740991,'users_default':9007199254740991}"), MEMBERSHIP("@u:s", "@m:s", "ban"),
     "4.6.3"},
    {V12, "of the creator", NULL, ROOM, MEMBERSHIP("@a:s", "@c:s", "ban"), "4.6.3"},
    {V12, "by the creator", NULL, PEOPLE POWER("{'ban':9007199254740991}"), MEMBERSHIP("@c:s", "@a:s", "ban"), NULL},
};

static const struct auth_case knock_cases[] = {
    {FROM(7), "knock room", NULL, PEOPLE RULE("knock"), MEMBERSHIP("@n:s", "@n:s", "knock"), NULL},
    {FROM(10), "knock_restricted room", NULL, PEOPLE RULE("knock_restricted"), MEMBERSHIP("@n:s", "@n:s", "knock"),
     NULL},
    {FROM(7), "again", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "knock"), MEMBERSHIP("@n:s", "@n:s", "knock"), NULL},
    {FROM(7), "after leaving", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "leave"), MEMBERSHIP("@n:s", "@n:s", "knock"),
     NULL},
    {FROM(7), "invite room", NULL, ROOM, MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.1"},
    {FROM(7), "public room", NULL, PEOPLE RULE("public"), MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.1"},
    {FROM(7), "restricted room", NULL, PEOPLE RULE("restricted"), MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.1"},
    {FROM(7), "no join rules", NULL, PEOPLE, MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.1"},
    {FROM(7), "for another user", NULL, PEOPLE RULE("knock"), MEMBERSHIP("@a:s", "@n:s", "knock"), "4.7.2"},
    {FROM(7), "banned", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "ban"), MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.4"},
    {FROM(7), "invited", NULL, PEOPLE RULE("knock") MEMBER("@n:s", "invite"), MEMBERSHIP("@n:s", "@n:s", "knock"),
     "4.7.4"},
    {FROM(7), "in the room", NULL, PEOPLE RULE("knock"), MEMBERSHIP("@u:s", "@u:s", "knock"), "4.7.4"},
    {FROM(7) & TO(9), "knock_restricted room means nothing yet", NULL, PEOPLE RULE("knock_restricted"),
     MEMBERSHIP("@n:s", "@n:s", "knock"), "4.7.1"},
    {TO(6), "there is no such membership", NULL, PEOPLE RULE("knock"), MEMBERSHIP("@n:s", "@n:s", "knock"), "4.8"},
};

static void test_shape(void **state)
{
    (void)state;
    case_run(shape_cases, COUNT(shape_cases));
}

static void test_join(void **state)
{
    (void)state;
    case_run(join_cases, COUNT(join_cases));
}

static void test_invite(void **state)
{
    (void)state;
    case_run(invite_cases, COUNT(invite_cases));
}

static void test_leave(void **state)
{
    (void)state;
    case_run(leave_cases, COUNT(leave_cases));
}

static void test_ban(void **state)
{
    (void)state;
    case_run(ban_cases, COUNT(ban_cases));
}

static void test_knock(void **state)
{
    (void)state;
    case_run(knock_cases, COUNT(knock_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape), cmocka_unit_test(test_join), cmocka_unit_test(test_invite),
        cmocka_unit_test(test_leave), cmocka_unit_test(test_ban),  cmocka_unit_test(test_knock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
