#include "matrix/push_default.h"

#include "auth_case.h"
#include "check.h"

#define MESSAGE_OF(content) "{'type':'m.room.message','sender':'@u:s','content':" content "}"
#define MENTIONS(who)       "'m.mentions':{'user_ids':[" who "]}"
#define BY(type)            "{'type':'" type "','sender':'@u:s','content':{'body':'b'}}"

/* The predefined rules in their order ("Default Override Rules", "Default Underride Rules"). */
static const struct {
    const char *name;
    const char *event;
    bool notify, highlight;
    unsigned mentioned; /* how many users are raised to a highlight */
} cases[] = {
    {"message", MESSAGE_OF("{'msgtype':'m.text','body':'b'}"), true, false, 0},
    {"message without msgtype", MESSAGE_OF("{}"), true, false, 0},
    {"encrypted", BY("m.room.encrypted"), true, false, 0},
    {"call", BY("m.call.invite"), true, false, 0},
    {"answered call", BY("m.call.answer"), false, false, 0},
    {"unknown type", BY("org.example.thing"), false, false, 0},
    {"redaction", "{'type':'m.room.redaction','sender':'@u:s','content':{'redacts':'$x'},'redacts':'$x'}", false, false,
     0},
    {"topic", "{'type':'m.room.topic','sender':'@u:s','state_key':'','content':{'topic':'t'}}", false, false, 0},
    {"notice", MESSAGE_OF("{'msgtype':'m.notice','body':'b'}"), false, false, 0},
    {"notice of any type", "{'type':'m.call.invite','sender':'@u:s','content':{'msgtype':'m.notice'}}", false, false,
     0},
    {"notice that mentions", MESSAGE_OF("{'msgtype':'m.notice'," MENTIONS("'@m:s'") "}"), false, false, 0},
    {"notice that mentions the room",
     "{'type':'m.room.message','sender':'@m:s','content':{'msgtype':'m.notice','m.mentions':{'room':true}}}", false,
     false, 0},
    {"member", "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join'}}", false,
     false, 0},
    {"member that mentions",
     "{'type':'m.room.member','sender':'@u:s','state_key':'@u:s','content':{'membership':'join'," MENTIONS(
         "'@m:s'") "}}",
     false, false, 0},
    {"mention", MESSAGE_OF("{" MENTIONS("'@m:s'") "}"), true, false, 1},
    {"two mentions", MESSAGE_OF("{" MENTIONS("'@m:s','@a:s'") "}"), true, false, 2},
    {"no mention", MESSAGE_OF("{" MENTIONS("") "}"), true, false, 0},
    {"mentions of a wrong type", MESSAGE_OF("{'m.mentions':{'user_ids':'@m:s'}}"), true, false, 0},
    {"mentions that are no object", MESSAGE_OF("{'m.mentions':[]}"), true, false, 0},
    {"mention in an unknown type", "{'type':'org.example','sender':'@u:s','content':{" MENTIONS("'@m:s'") "}}", false,
     false, 1},
    {"room mention without power", MESSAGE_OF("{'m.mentions':{'room':true}}"), true, false, 0},
    {"room mention with power", "{'type':'m.room.message','sender':'@m:s','content':{'m.mentions':{'room':true}}}",
     true, true, 0},
    {"room mention of a wrong type",
     "{'type':'m.room.message','sender':'@m:s','content':{'m.mentions':{'room':'true'}}}", true, false, 0},
    {"room mention that is not meant",
     "{'type':'m.room.message','sender':'@m:s','content':{'m.mentions':{'room':false}}}", true, false, 0},
    {"room mention in an unknown type", "{'type':'org.example','sender':'@m:s','content':{'m.mentions':{'room':true}}}",
     true, true, 0},
    {"tombstone", "{'type':'m.room.tombstone','sender':'@a:s','state_key':'','content':{}}", true, true, 0},
    {"tombstone of another key", "{'type':'m.room.tombstone','sender':'@a:s','state_key':'x','content':{}}", false,
     false, 0},
    {"tombstone that is no state", BY("m.room.tombstone"), false, false, 0},
    {"reaction", "{'type':'m.reaction','sender':'@u:s','content':{'m.relates_to':{'rel_type':'m.annotation'}}}", false,
     false, 0},
    {"reaction that mentions", "{'type':'m.reaction','sender':'@u:s','content':{" MENTIONS("'@m:s'") "}}", false, false,
     1},
    {"server_acl", "{'type':'m.room.server_acl','sender':'@a:s','state_key':'','content':{}}", false, false, 0},
    {"edit", MESSAGE_OF("{'m.relates_to':{'rel_type':'m.replace','event_id':'$x'}}"), false, false, 0},
    {"edit that mentions", MESSAGE_OF("{'m.relates_to':{'rel_type':'m.replace'}," MENTIONS("'@m:s'") "}"), false, false,
     1},
    {"reply", MESSAGE_OF("{'m.relates_to':{'m.in_reply_to':{'event_id':'$x'}}}"), true, false, 0},
    {"thread", MESSAGE_OF("{'m.relates_to':{'rel_type':'m.thread','event_id':'$x'}}"), true, false, 0},
};

static void outcomes(void **state)
{
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct arena *a = arena_new();
            struct case_room room = case_room(a, version, NULL, ROOM);
            struct event event = case_event(&room, case_json(a, cases[i].event));
            struct power_levels pl = {case_get(&room, STR("m.room.create"), STR("")),
                                      case_get(&room, STR("m.room.power_levels"), STR(""))};
            struct push_outcome got = push_default_outcome(&event, &pl);
            check_case(got.notify == cases[i].notify, cases[i].name);
            check_case(got.highlight == cases[i].highlight, cases[i].name);
            check_case((got.mentioned ? got.mentioned->count : 0) == cases[i].mentioned, cases[i].name);
            arena_free(&a);
        }
    }
}

/* notifications.room says who may mention everybody; creators of version 12 always may. */
static void power_to_notify_the_room(void **state)
{
    static const struct {
        const char *levels;
        const char *sender;
        bool old, v12;
    } powers[] = {
        {"{}", "@c:s", false, true},
        {"{'users':{'@m:s':49}}", "@m:s", false, false},
        {"{'users':{'@m:s':50}}", "@m:s", true, true},
        {"{'users':{'@m:s':50},'notifications':{'room':51}}", "@m:s", false, false},
        {"{'notifications':{'room':0}}", "@u:s", true, true},
        {"{'users_default':50}", "@u:s", true, true},
    };
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT_OF(powers); i++) {
            struct arena *a = arena_new();
            struct case_room room = case_room(a, version, NULL, PEOPLE);
            char text[256];
            snprintf(text, sizeof text, "{'type':'m.room.power_levels','sender':'@c:s','state_key':'','content':%s}",
                     powers[i].levels);
            struct event levels = case_event(&room, case_json(a, text));
            snprintf(text, sizeof text,
                     "{'type':'m.room.message','sender':'%s','content':{'m.mentions':{'room':true}}}",
                     powers[i].sender);
            struct event event = case_event(&room, case_json(a, text));
            struct power_levels pl = {&room.events[0], &levels};
            bool want = version->creators_are_privileged ? powers[i].v12 : powers[i].old;
            check_case(push_default_outcome(&event, &pl).highlight == want, powers[i].levels);
            arena_free(&a);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes),
        cmocka_unit_test(power_to_notify_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
