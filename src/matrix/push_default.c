#include "matrix/push_default.h"

static bool is_edit(const struct event *event)
{
    const struct json *relation = json_get(event->content, STR("m.relates_to"));
    return str_eq(json_str_at(relation, STR("rel_type")), STR("m.replace"));
}

/* .m.rule.is_room_mention: asked for, and the sender may notify the room. */
static bool mentions_room(const struct event *event, const struct json *mentions, const struct power_levels *pl)
{
    return json_bool_at(mentions, STR("room"), false) &&
           power_level_of(pl, event->sender) >= power_level_to_notify(pl, STR("room"));
}

/* The underride rules that notify: calls, encrypted events and messages, in rooms of any size. */
static bool notifies_by_type(const struct event *event)
{
    return str_eq(event->type, STR("m.room.message")) || str_eq(event->type, STR("m.room.encrypted")) ||
           str_eq(event->type, STR("m.call.invite"));
}

struct push_outcome push_default_outcome(const struct event *event, const struct power_levels *pl)
{
    struct push_outcome none = {0};
    /* In the order of the override rules: the first that matches decides. */
    if (str_eq(json_str_at(event->content, STR("msgtype")), STR("m.notice")))
        return none; /* .m.rule.suppress_notices */
    if (str_eq(event->type, STR("m.room.member")))
        return none; /* .m.rule.member_event; .m.rule.invite_for_me concerns somebody who is not in the room yet */

    const struct json *mentions = json_get(event->content, STR("m.mentions"));
    const struct json *users = json_get(mentions, STR("user_ids"));
    struct push_outcome outcome = {.mentioned = json_is(users, JSON_ARRAY) && users->count ? users : NULL};
    if (mentions_room(event, mentions, pl) || event_is_state(event, STR("m.room.tombstone"), STR("")))
        outcome.notify = outcome.highlight = true;
    else if (str_eq(event->type, STR("m.reaction")) || event_is_state(event, STR("m.room.server_acl"), STR("")) ||
             is_edit(event))
        outcome.notify = false; /* .m.rule.reaction, .m.rule.room.server_acl, .m.rule.suppress_edits */
    else
        outcome.notify = notifies_by_type(event);
    return outcome;
}
