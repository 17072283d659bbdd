/* Rule 9 (of versions 1 to 5 and 12: rule 10): m.room.power_levels. In version 12 the creator is above all levels, so
 * that @a:s (100) is the sender mostly.
 */
#include "matrix/auth_case.h"

#define MAX "9007199254740991"
#define MIN "-9007199254740991"
/* What @a:s sends into a room with LEVELS. */
#define SETS(content) SET_POWER("@a:s", content)
#define USERS(users)  "{'users':{'@a:s':100,'@m:s':50," users "}}"

static const struct auth_case shape_cases[] = {
    {ALL, "the same again", NULL, ROOM, SETS(LEVELS), NULL},
    {ALL, "nothing at all, by who has no power to lose", NULL, PEOPLE, SET_POWER("@c:s", "{}"), NULL},
    {ALL, "every scalar", NULL, ROOM,
     SETS("{'ban':1,'events_default':2,'invite':3,'kick':4,'redact':5,'state_default':6,'users_default':7,"
          "'users':{'@a:s':100,'@m:s':50}}"),
     NULL},
    {FROM(10), "ban is a string", NULL, ROOM, SETS("{'ban':'50'}"), "9.1"},
    {FROM(10), "events_default is null", NULL, ROOM, SETS("{'events_default':null}"), "9.1"},
    {FROM(10), "invite is true", NULL, ROOM, SETS("{'invite':true}"), "9.1"},
    {FROM(10), "kick is a list", NULL, ROOM, SETS("{'kick':[50]}"), "9.1"},
    {FROM(10), "redact is an object", NULL, ROOM, SETS("{'redact':{}}"), "9.1"},
    {FROM(10), "state_default is empty", NULL, ROOM, SETS("{'state_default':''}"), "9.1"},
    {FROM(10), "users_default is a string", NULL, ROOM, SETS("{'users_default':'0'}"), "9.1"},
    {ALL, "an unknown member is anything", NULL, ROOM, SETS("{'users':{'@a:s':100,'@m:s':50},'x':'1'}"), NULL},
    {FROM(10), "events is a list", NULL, ROOM, SETS("{'events':[]}"), "9.2"},
    {FROM(10), "events is null", NULL, ROOM, SETS("{'events':null}"), "9.2"},
    {FROM(10), "events has a string", NULL, ROOM, SETS("{'events':{'m.room.name':'50'}}"), "9.2"},
    {FROM(10), "events has null", NULL, ROOM, SETS("{'events':{'m.room.name':null}}"), "9.2"},
    {FROM(10), "notifications is a number", NULL, ROOM, SETS("{'notifications':50}"), "9.2"},
    {FROM(10), "notifications has a string", NULL, ROOM, SETS("{'notifications':{'room':'50'}}"), "9.2"},
    {FROM(10), "notifications has an object", NULL, ROOM, SETS("{'notifications':{'room':{}}}"), "9.2"},
    {ALL, "users is a list", NULL, ROOM, SETS("{'users':['@a:s']}"), "9.3"},
    {ALL, "users is null", NULL, ROOM, SETS("{'users':null}"), "9.3"},
    {FROM(10), "users has a string", NULL, ROOM, SETS("{'users':{'@a:s':'100'}}"), "9.3"},
    {ALL, "users has true", NULL, ROOM, SETS("{'users':{'@a:s':true}}"), "9.3"},
    {ALL, "users has no user", NULL, ROOM, SETS(USERS("'x':1")), "9.3"},
    {ALL, "users has an empty key", NULL, ROOM, SETS(USERS("'':1")), "9.3"},
    {ALL, "users has a user without server", NULL, ROOM, SETS(USERS("'@x':1")), "9.3"},
    {ALL, "users has a room", NULL, ROOM, SETS(USERS("'#x:s':1")), "9.3"},
    {FROM(10), "the first has to be in shape too", NULL, PEOPLE, SET_POWER("@c:s", "{'ban':'50'}"), "9.1"},
    {ALL, "the first names no user", NULL, PEOPLE, SET_POWER("@c:s", "{'users':{'x':1}}"), "9.3"},
    {ALL, "a state_key is no matter", NULL, ROOM,
     "{'type':'m.room.power_levels','sender':'@a:s','state_key':'x','content':" LEVELS "}", NULL},

    {OLD, "the creator is listed", NULL, PEOPLE, SET_POWER("@c:s", "{'users':{'@c:s':100}}"), NULL},
    {V12, "the creator is listed", NULL, PEOPLE, SET_POWER("@c:s", "{'users':{'@c:s':100}}"), "9.4"},
    {V12, "the creator is listed at 0", NULL, ROOM, SETS(USERS("'@c:s':0")), "9.4"},
    {V12, "an additional creator is listed", "{'additional_creators':['@u:s']}", ROOM, SETS(USERS("'@u:s':1")), "9.4"},
    {OLD, "an additional creator is listed", "{'additional_creators':['@u:s']}", ROOM, SETS(USERS("'@u:s':1")), NULL},
    {V12, "content.creator is no creator", "{'creator':'@u:s'}", ROOM, SETS(USERS("'@u:s':1")), NULL},
    {ALL, "the first says anything", NULL, PEOPLE,
     SET_POWER("@c:s", "{'ban':" MAX ",'users':{'@a:s':" MAX "},'events':{'x':" MAX "}}"), NULL},

    {TO(9), "scalars of wrong types are no matter", NULL, ROOM,
     SETS("{'ban':[],'kick':null,'redact':'x','users':{'@a:s':100,'@m:s':50}}"), NULL},
    {TO(9), "maps of wrong types are no matter", NULL, ROOM,
     SETS("{'events':[],'notifications':7,'users':{'@a:s':100,'@m:s':50}}"), NULL},
    {TO(9), "users has strings", NULL, ROOM, SETS("{'users':{'@a:s':'100','@m:s':' +050 '}}"), NULL},
    {TO(9), "users has a word", NULL, ROOM, SETS(USERS("'@x:s':'many'")), "9.3"},
    {TO(9), "users has an empty string", NULL, ROOM, SETS(USERS("'@x:s':''")), "9.3"},
    {TO(9), "users has a fraction in a string", NULL, ROOM, SETS(USERS("'@x:s':'1.5'")), "9.3"},
    {TO(9), "users has null", NULL, ROOM, SETS(USERS("'@x:s':null")), "9.3"},
    {TO(5), "users has fractions", NULL, ROOM, SETS("{'users':{'@a:s':100.9,'@m:s':5e1,'@x:s':-0.5}}"), NULL},
};

static const struct auth_case scalar_cases[] = {
    {ALL, "up to the own level", NULL, ROOM, SETS("{'ban':100,'users':{'@a:s':100,'@m:s':50}}"), NULL},
    {ALL, "above the own level", NULL, ROOM, SETS("{'ban':101,'users':{'@a:s':100,'@m:s':50}}"), "9.5.2"},
    {ALL, "above, added events_default", NULL, ROOM, SETS("{'events_default':101,'users':{'@a:s':100,'@m:s':50}}"),
     "9.5.2"},
    {ALL, "above, added users_default", NULL, ROOM, SETS("{'users_default':" MAX ",'users':{'@a:s':100,'@m:s':50}}"),
     "9.5.2"},
    {ALL, "above, unchanged", NULL, PEOPLE POWER("{'ban':" MAX ",'users':{'@a:s':100}}"),
     SETS("{'ban':" MAX ",'kick':1,'users':{'@a:s':100}}"), NULL},
    {ALL, "above, lowered", NULL, PEOPLE POWER("{'ban':101,'users':{'@a:s':100}}"),
     SETS("{'ban':1,'users':{'@a:s':100}}"), "9.5.1"},
    {ALL, "above, removed", NULL, PEOPLE POWER("{'redact':101,'users':{'@a:s':100}}"), SETS("{'users':{'@a:s':100}}"),
     "9.5.1"},
    {ALL, "at the own level, removed", NULL, PEOPLE POWER("{'redact':100,'users':{'@a:s':100}}"),
     SETS("{'users':{'@a:s':100}}"), NULL},
    {ALL, "to the smallest integer", NULL, ROOM, SETS("{'ban':" MIN ",'users':{'@a:s':100,'@m:s':50}}"), NULL},
    {ALL, "invite raised by a moderator", NULL, PEOPLE POWER("{'state_default':0,'users':{'@m:s':50}}"),
     SET_POWER("@m:s", "{'invite':51,'state_default':0,'users':{'@m:s':50}}"), "9.5.2"},
    {ALL, "the type is above the sender", NULL, ROOM, SET_POWER("@u:s", LEVELS), "7"},
    {V12, "the creator, to the largest integer", NULL, ROOM,
     SET_POWER("@c:s", "{'ban':" MAX ",'kick':" MAX ",'users':{'@a:s':" MAX "}}"), NULL},
    {V12, "the creator, from the largest integer", NULL, PEOPLE POWER("{'ban':" MAX ",'users':{'@a:s':" MAX "}}"),
     SET_POWER("@c:s", "{}"), NULL},
    {FROM(10), "the old level is a string, which is no level", NULL, PEOPLE POWER("{'ban':'101','users':{'@a:s':100}}"),
     SETS("{'ban':1,'users':{'@a:s':100}}"), NULL},
    {TO(9), "the old level is a string above", NULL, PEOPLE POWER("{'ban':'101','users':{'@a:s':100}}"),
     SETS("{'ban':1,'users':{'@a:s':100}}"), "9.5.1"},
    {TO(9), "the new level is a string above", NULL, ROOM, SETS("{'ban':' 101','users':{'@a:s':100,'@m:s':50}}"),
     "9.5.2"},
    {TO(9), "above, only written in another way", NULL, PEOPLE POWER("{'ban':'0101','users':{'@a:s':'100'}}"),
     SETS("{'ban':101,'users':{'@a:s':100}}"), NULL},
    {TO(9), "above, a wrong type instead", NULL, PEOPLE POWER("{'ban':'101','users':{'@a:s':'100'}}"),
     SETS("{'ban':[101],'users':{'@a:s':100}}"), "9.5.1"},
    {TO(5), "a fraction above the own level cut to it", NULL, ROOM,
     SETS("{'ban':100.99,'users':{'@a:s':100,'@m:s':50}}"), NULL},
    {TO(5), "a fraction above", NULL, ROOM, SETS("{'ban':1.01e2,'users':{'@a:s':100,'@m:s':50}}"), "9.5.2"},
    {TO(5), "larger than all integers", NULL, ROOM, SETS("{'ban':1e300,'users':{'@a:s':100,'@m:s':50}}"), "9.5.2"},
};

static const struct auth_case map_cases[] = {
    {ALL, "events: added at the own level", NULL, ROOM, SETS("{'events':{'x':100},'users':{'@a:s':100,'@m:s':50}}"),
     NULL},
    {ALL, "events: added above", NULL, ROOM, SETS("{'events':{'x':101},'users':{'@a:s':100,'@m:s':50}}"), "9.7.1"},
    {ALL, "events: raised above", NULL, PEOPLE POWER("{'events':{'x':1},'users':{'@a:s':100}}"),
     SETS("{'events':{'x':101},'users':{'@a:s':100}}"), "9.7.1"},
    {ALL, "events: lowered from above", NULL, PEOPLE POWER("{'events':{'x':101},'users':{'@a:s':100}}"),
     SETS("{'events':{'x':1},'users':{'@a:s':100}}"), "9.6.1"},
    {ALL, "events: removed from above", NULL, PEOPLE POWER("{'events':{'x':101},'users':{'@a:s':100}}"),
     SETS("{'events':{},'users':{'@a:s':100}}"), "9.6.1"},
    {ALL, "events: all removed with one above", NULL, PEOPLE POWER("{'events':{'a':1,'x':101},'users':{'@a:s':100}}"),
     SETS("{'users':{'@a:s':100}}"), "9.6.1"},
    {ALL, "events: above, unchanged", NULL, PEOPLE POWER("{'events':{'x':101},'users':{'@a:s':100}}"),
     SETS("{'events':{'a':1,'x':101,'z':1},'users':{'@a:s':100}}"), NULL},
    {ALL, "events: equal, removed", NULL, PEOPLE POWER("{'events':{'x':100},'users':{'@a:s':100}}"),
     SETS("{'users':{'@a:s':100}}"), NULL},
    {ALL, "events: one among many", NULL, PEOPLE POWER("{'events':{'a':1,'c':1,'e':1},'users':{'@a:s':100}}"),
     SETS("{'events':{'b':1,'c':1,'d':101,'e':1},'users':{'@a:s':100}}"), "9.7.1"},
    {FROM(6), "notifications: added above", NULL, ROOM,
     SETS("{'notifications':{'room':101},'users':{'@a:s':100,'@m:s':50}}"), "9.7.1"},
    {FROM(6), "notifications: removed from above", NULL,
     PEOPLE POWER("{'notifications':{'room':101},'users':{'@a:s':100}}"), SETS("{'users':{'@a:s':100}}"), "9.6.1"},
    {ALL, "notifications: added", NULL, ROOM, SETS("{'notifications':{'room':1},'users':{'@a:s':100,'@m:s':50}}"),
     NULL},
    {V12, "events: the creator, above all", NULL, PEOPLE POWER("{'events':{'x':" MAX "}}"),
     SET_POWER("@c:s", "{'events':{'y':" MAX "}}"), NULL},
    {TO(5), "notifications: nobody guards them, added above", NULL, ROOM,
     SETS("{'notifications':{'room':101},'users':{'@a:s':100,'@m:s':50}}"), NULL},
    {TO(5), "notifications: nobody guards them, removed from above", NULL,
     PEOPLE POWER("{'notifications':{'room':101},'users':{'@a:s':100}}"), SETS("{'users':{'@a:s':100}}"), NULL},
    {TO(9), "events: a string above", NULL, ROOM, SETS("{'events':{'x':'101'},'users':{'@a:s':100,'@m:s':50}}"),
     "9.7.1"},
    {TO(9), "events: above, only written in another way", NULL,
     PEOPLE POWER("{'events':{'x':101},'users':{'@a:s':100}}"), SETS("{'events':{'x':'101'},'users':{'@a:s':100}}"),
     NULL},
};

static const struct auth_case user_cases[] = {
    {ALL, "a new user", NULL, ROOM, SETS(USERS("'@u:s':1")), NULL},
    {ALL, "a new user as powerful", NULL, ROOM, SETS(USERS("'@u:s':100")), NULL},
    {ALL, "a new user above", NULL, ROOM, SETS(USERS("'@u:s':101")), "9.9.1"},
    {ALL, "a new user at the largest integer", NULL, ROOM, SETS(USERS("'@u:s':" MAX)), "9.9.1"},
    {ALL, "a new user at the smallest integer", NULL, ROOM, SETS(USERS("'@u:s':" MIN)), NULL},
    {ALL, "oneself promoted", NULL, ROOM, SETS("{'users':{'@a:s':101,'@m:s':50}}"), "9.9.1"},
    {ALL, "oneself demoted", NULL, ROOM, SETS("{'users':{'@a:s':99,'@m:s':50}}"), NULL},
    {ALL, "oneself removed", NULL, ROOM, SETS("{'users':{'@m:s':50}}"), NULL},
    {ALL, "a moderator promotes himself", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@a:s':100,'@m:s':100}}"), "9.9.1"},
    {ALL, "a moderator promotes another", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@a:s':100,'@m:s':50,'@u:s':51}}"),
     "9.9.1"},
    {ALL, "a moderator makes another", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@a:s':100,'@m:s':50,'@u:s':50}}"),
     NULL},
    {ALL, "a moderator demotes the administrator", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@a:s':0,'@m:s':50}}"),
     "9.8.1"},
    {ALL, "a moderator removes the administrator", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@m:s':50}}"), "9.8.1"},
    {ALL, "a moderator promotes the administrator", NULL, ROOM, SET_POWER("@m:s", "{'users':{'@a:s':101,'@m:s':50}}"),
     "9.8.1"},
    {ALL, "an inferior demoted", NULL, ROOM, SETS("{'users':{'@a:s':100,'@m:s':0}}"), NULL},
    {ALL, "an inferior removed", NULL, ROOM, SETS("{'users':{'@a:s':100}}"), NULL},
    {ALL, "an equal demoted", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':100}}"),
     SETS("{'users':{'@a:s':100,'@b:s':99}}"), "9.8.1"},
    {ALL, "an equal removed", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':100}}"), SETS("{'users':{'@a:s':100}}"),
     "9.8.1"},
    {ALL, "an equal unchanged", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':100}}"),
     SETS("{'ban':1,'users':{'@a:s':100,'@b:s':100}}"), NULL},
    {ALL, "all removed", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':100}}"), SETS("{}"), "9.8.1"},
    {ALL, "power by users_default: an equal entry", NULL, PEOPLE POWER("{'users_default':100,'users':{'@b:s':100}}"),
     SETS("{'users_default':100}"), "9.8.1"},
    {ALL, "power by users_default: own entry above", NULL, PEOPLE POWER("{'users_default':100}"),
     SETS("{'users_default':100,'users':{'@a:s':101}}"), "9.9.1"},
    {ALL, "power by users_default, which is lowered", NULL, PEOPLE POWER("{'users_default':100}"), SETS("{}"), NULL},
    {V12, "the creator demotes an administrator", NULL, PEOPLE POWER("{'users':{'@a:s':" MAX "}}"),
     SET_POWER("@c:s", "{'users':{'@a:s':0}}"), NULL},
    {V12, "an additional creator does", "{'additional_creators':['@u:s']}", PEOPLE POWER("{'users':{'@a:s':" MAX "}}"),
     SET_POWER("@u:s", "{}"), NULL},
    {OLD, "the creator is a user like all with power levels", NULL, PEOPLE POWER("{'users':{'@a:s':100}}"),
     SET_POWER("@c:s", "{}"), "7"},
    {ALL, "two changes, one of them wrong", NULL, ROOM, SETS("{'users':{'@a:s':100,'@m:s':0,'@u:s':200}}"), "9.9.1"},
    {TO(9), "an equal, only written in another way", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':100}}"),
     SETS("{'users':{'@a:s':100,'@b:s':'100'}}"), NULL},
    {TO(9), "an equal demoted in a string", NULL, PEOPLE POWER("{'users':{'@a:s':100,'@b:s':'100'}}"),
     SETS("{'users':{'@a:s':100,'@b:s':'99'}}"), "9.8.1"},
    {TO(9), "a new user above, in a string", NULL, ROOM, SETS(USERS("'@u:s':'101'")), "9.9.1"},
};

static void test_shape(void **state)
{
    (void)state;
    case_run(shape_cases, COUNT(shape_cases));
}

static void test_scalars(void **state)
{
    (void)state;
    case_run(scalar_cases, COUNT(scalar_cases));
}

static void test_maps(void **state)
{
    (void)state;
    case_run(map_cases, COUNT(map_cases));
}

static void test_users(void **state)
{
    (void)state;
    case_run(user_cases, COUNT(user_cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
