#include "matrix/push_rules_default.h"

#include <assert.h>

/* Stands where a rule names the user whose rules they are. */
#define USER "\"<user>\""

#define RULE(id, enabled, conditions, actions)                                                                         \
    "{\"rule_id\":\"" id "\",\"default\":true,\"enabled\":" enabled ",\"conditions\":[" conditions                     \
    "],\"actions\":[" actions "]}"

#define MATCH(key, pattern)  "{\"kind\":\"event_match\",\"key\":\"" key "\",\"pattern\":" pattern "}"
#define TYPE(type)           MATCH("type", "\"" type "\"")
#define EMPTY_STATE_KEY      MATCH("state_key", "\"\"")
#define PROPERTY(key, value) "{\"kind\":\"event_property_is\",\"key\":\"" key "\",\"value\":" value "}"
#define CONTAINS(key, value) "{\"kind\":\"event_property_contains\",\"key\":\"" key "\",\"value\":" value "}"
#define ONE_TO_ONE           "{\"kind\":\"room_member_count\",\"is\":\"2\"}"
#define MAY_NOTIFY_ROOM      "{\"kind\":\"sender_notification_permission\",\"key\":\"room\"}"
#define NOTIFY               "\"notify\""
#define SOUND(name)          "{\"set_tweak\":\"sound\",\"value\":\"" name "\"}"
#define HIGHLIGHT            "{\"set_tweak\":\"highlight\"}"

/* clang-format off */
static const char rules[] =
    "{\"global\":{\"override\":["
    RULE(".m.rule.master", "false", "", "") ","
    RULE(".m.rule.suppress_notices", "true", MATCH("content.msgtype", "\"m.notice\""), "") ","
    RULE(".m.rule.invite_for_me", "true",
         TYPE("m.room.member") "," MATCH("content.membership", "\"invite\"") "," MATCH("state_key", USER),
         NOTIFY "," SOUND("default")) ","
    RULE(".m.rule.member_event", "true", TYPE("m.room.member"), "") ","
    RULE(".m.rule.is_user_mention", "true", CONTAINS("content.m\\\\.mentions.user_ids", USER),
         NOTIFY "," SOUND("default") "," HIGHLIGHT) ","
    RULE(".m.rule.is_room_mention", "true", PROPERTY("content.m\\\\.mentions.room", "true") "," MAY_NOTIFY_ROOM,
         NOTIFY "," HIGHLIGHT) ","
    RULE(".m.rule.tombstone", "true", TYPE("m.room.tombstone") "," EMPTY_STATE_KEY, NOTIFY "," HIGHLIGHT) ","
    RULE(".m.rule.reaction", "true", TYPE("m.reaction"), "") ","
    RULE(".m.rule.room.server_acl", "true", TYPE("m.room.server_acl") "," EMPTY_STATE_KEY, "") ","
    RULE(".m.rule.suppress_edits", "true", PROPERTY("content.m\\\\.relates_to.rel_type", "\"m.replace\""), "")
    "],\"content\":[],\"room\":[],\"sender\":[],\"underride\":["
    RULE(".m.rule.call", "true", TYPE("m.call.invite"), NOTIFY "," SOUND("ring")) ","
    RULE(".m.rule.encrypted_room_one_to_one", "true", ONE_TO_ONE "," TYPE("m.room.encrypted"),
         NOTIFY "," SOUND("default")) ","
    RULE(".m.rule.room_one_to_one", "true", ONE_TO_ONE "," TYPE("m.room.message"), NOTIFY "," SOUND("default")) ","
    RULE(".m.rule.message", "true", TYPE("m.room.message"), NOTIFY) ","
    RULE(".m.rule.encrypted", "true", TYPE("m.room.encrypted"), NOTIFY)
    "]}}";
/* clang-format on */

const struct json *push_rules_default(struct arena *a, struct str user_id)
{
    struct buf b;
    buf_init(&b, 2 * sizeof rules);
    struct str rest = {rules, sizeof rules - 1};
    struct str marker = STR(USER);
    for (;;) {
        size_t at = str_find_str(rest, marker);
        buf_add(&b, str_slice(rest, 0, at));
        if (at == rest.n)
            break;
        json_write_string(&b, user_id);
        rest = str_slice(rest, at + marker.n, rest.n);
    }
    assert(buf_ok(&b));
    struct json_result parsed = json_parse(a, str_copy(a, buf_str(&b)), JSON_DEPTH_MAX);
    buf_fini(&b);
    assert(parsed.value);
    return parsed.value;
}
