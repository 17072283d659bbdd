/* Rule 4: m.room.member. */
#include "matrix/auth_rules_check.h"
#include "matrix/id.h"

static bool one_of(struct str s, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(s, list[i]))
            return true;
    }
    return false;
}
#define ONE_OF(s, ...)                                                                                                 \
    one_of((s), (const struct str[]){__VA_ARGS__}, sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))

/* Rooms without a join rule are for invited people. */
static struct str join_rule(const struct auth_rules_check *check)
{
    const struct event *event = check->state.get(check->state.ctx, STR("m.room.join_rules"), STR(""));
    const struct json *rule = event ? json_get(event->content, STR("join_rule")) : NULL;
    if (!rule)
        return STR("invite");
    return rule->type == JSON_STRING ? rule->s : STR("");
}

static bool rule_allows_invited(const struct room_version *version, struct str rule)
{
    return str_eq(rule, STR("invite")) || (version->knock && str_eq(rule, STR("knock")));
}

static bool rule_is_restricted(const struct room_version *version, struct str rule)
{
    return (version->restricted_join && str_eq(rule, STR("restricted"))) ||
           (version->knock_restricted && str_eq(rule, STR("knock_restricted")));
}

static bool rule_allows_knocks(const struct room_version *version, struct str rule)
{
    return str_eq(rule, STR("knock")) || (version->knock_restricted && str_eq(rule, STR("knock_restricted")));
}

/* 4.3.1: nobody but the creator comes right after m.room.create. */
static bool is_first_join(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    const struct event *create = check->power.create;
    struct str creator =
        create->version->creator_in_content ? json_str_at(create->content, STR("creator")) : create->sender;
    return event->prev_events_count == 1 && str_eq(event->prev_events[0], create->event_id) && creator.p &&
           str_eq(creator, event->state_key);
}

static struct event_verdict check_restricted_join(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    struct str authoriser = json_str_at(event->content, STR("join_authorised_via_users_server"));
    if (!authoriser.p)
        return AUTH_REFUSE_AS(event, "-", "-", "-", "4.3.5.2", "4.3.5.2", "5.3.5.2",
                              "restricted join: nobody is named who authorised it");
    if (!auth_rules_joined(check, authoriser))
        return AUTH_REFUSE_AS(event, "-", "-", "-", "4.3.5.2", "4.3.5.2", "5.3.5.2",
                              "restricted join: who authorised it is not in the room");
    if (power_level_of(&check->power, authoriser) < power_level_to(&check->power, POWER_INVITE))
        return AUTH_REFUSE_AS(event, "-", "-", "-", "4.3.5.2", "4.3.5.2", "5.3.5.2",
                              "restricted join: who authorised it may not invite");
    return AUTH_ALLOW; /* 4.3.5.3 */
}

static struct event_verdict check_join(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    if (is_first_join(check)) /* 4.3.1 */
        return AUTH_ALLOW;
    if (!str_eq(event->sender, event->state_key)) /* 4.3.2 */
        return AUTH_REFUSE_MEMBER(event, "2.2", "3.2", "join: the sender is not the state_key");
    struct str current = auth_rules_membership(check, event->sender);
    if (str_eq(current, STR("ban"))) /* 4.3.3 */
        return AUTH_REFUSE_MEMBER(event, "2.3", "3.3", "join: the sender is banned");

    struct str rule = join_rule(check);
    bool known = ONE_OF(current, STR("invite"), STR("join"));
    if (rule_allows_invited(event->version, rule) && known) /* 4.3.4 */
        return AUTH_ALLOW;
    if (rule_is_restricted(event->version, rule)) /* 4.3.5 */
        return known ? AUTH_ALLOW : check_restricted_join(check);
    if (str_eq(rule, STR("public"))) /* 4.3.6 */
        return AUTH_ALLOW;
    return AUTH_REFUSE_MEMBER(event, "2.6", "3.7", "join: the join rule does not let the sender in"); /* 4.3.7 */
}

static struct event_verdict check_invite(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    if (json_get(event->content, STR("third_party_invite"))) /* 4.4.1 */
        return auth_rules_invite_third_party(check);
    if (!auth_rules_joined(check, event->sender)) /* 4.4.2 */
        return AUTH_REFUSE_MEMBER(event, "3.2", "4.2", "invite: the sender is not in the room");
    struct str target = auth_rules_membership(check, event->state_key);
    if (ONE_OF(target, STR("join"), STR("ban"))) /* 4.4.3 */
        return AUTH_REFUSE_MEMBER(event, "3.3", "4.3", "invite: the invited user is in the room or banned");
    if (power_level_of(&check->power, event->sender) >= power_level_to(&check->power, POWER_INVITE)) /* 4.4.4 */
        return AUTH_ALLOW;
    return AUTH_REFUSE_MEMBER(event, "3.5", "4.5", "invite: the sender may not invite"); /* 4.4.5 */
}

static struct event_verdict check_leave(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    const struct power_levels *power = &check->power;
    struct str target = auth_rules_membership(check, event->state_key);
    if (str_eq(event->sender, event->state_key)) { /* 4.5.1 */
        if (ONE_OF(target, STR("invite"), STR("join")) || (event->version->knock && str_eq(target, STR("knock"))))
            return AUTH_ALLOW;
        return AUTH_REFUSE_MEMBER(event, "4.1", "5.1", "leave: the sender is not in the room, invited or knocking");
    }
    if (!auth_rules_joined(check, event->sender)) /* 4.5.2 */
        return AUTH_REFUSE_MEMBER(event, "4.2", "5.2", "kick: the sender is not in the room");
    int64_t sender_power = power_level_of(power, event->sender);
    if (str_eq(target, STR("ban")) && sender_power < power_level_to(power, POWER_BAN)) /* 4.5.3 */
        return AUTH_REFUSE_MEMBER(event, "4.3", "5.3", "unban: the sender may not ban");
    if (sender_power >= power_level_to(power, POWER_KICK) &&
        power_level_of(power, event->state_key) < sender_power) /* 4.5.4 */
        return AUTH_ALLOW;
    return AUTH_REFUSE_MEMBER(event, "4.5", "5.5",
                              "kick: the sender may not kick, or the user is as powerful"); /* 4.5.5 */
}

static struct event_verdict check_ban(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    const struct power_levels *power = &check->power;
    if (!auth_rules_joined(check, event->sender)) /* 4.6.1 */
        return AUTH_REFUSE_MEMBER(event, "5.1", "6.1", "ban: the sender is not in the room");
    int64_t sender_power = power_level_of(power, event->sender);
    if (sender_power >= power_level_to(power, POWER_BAN) &&
        power_level_of(power, event->state_key) < sender_power) /* 4.6.2 */
        return AUTH_ALLOW;
    return AUTH_REFUSE_MEMBER(event, "5.3", "6.3",
                              "ban: the sender may not ban, or the user is as powerful"); /* 4.6.3 */
}

static struct event_verdict check_knock(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    if (!rule_allows_knocks(event->version, join_rule(check))) /* 4.7.1 */
        return AUTH_REFUSE_AS(event, "-", "-", "4.6.1", "4.7.1", "4.7.1", "5.7.1",
                              "knock: the join rule allows no knocks");
    if (!str_eq(event->sender, event->state_key)) /* 4.7.2 */
        return AUTH_REFUSE_AS(event, "-", "-", "4.6.2", "4.7.2", "4.7.2", "5.7.2",
                              "knock: the sender is not the state_key");
    struct str current = auth_rules_membership(check, event->sender);
    if (ONE_OF(current, STR("ban"), STR("invite"), STR("join"))) /* 4.7.4 */
        return AUTH_REFUSE_AS(event, "-", "-", "4.6.4", "4.7.4", "4.7.4", "5.7.4",
                              "knock: the sender is banned, invited or in the room");
    return AUTH_ALLOW; /* 4.7.3 */
}

/* 4.2. Whether the signature is good was found out before; here only whether there is one. */
static struct event_verdict check_authoriser_signed(const struct event *event)
{
    const struct json *authoriser = json_get(event->content, STR("join_authorised_via_users_server"));
    if (!authoriser || !event->version->restricted_join)
        return AUTH_ALLOW;
    if (authoriser->type != JSON_STRING || !user_id_valid(authoriser->s))
        return AUTH_REFUSE_AS(event, "-", "-", "-", "4.2.1", "4.2.1", "5.2.1",
                              "join_authorised_via_users_server is no user ID");
    const struct json *signatures = json_get(json_get(event->json, STR("signatures")), id_server(authoriser->s));
    if (!json_is(signatures, JSON_OBJECT) || signatures->count == 0)
        return AUTH_REFUSE_AS(event, "-", "-", "-", "4.2.1", "4.2.1", "5.2.1",
                              "not signed by the server of the user in join_authorised_via_users_server");
    return AUTH_ALLOW;
}

struct event_verdict auth_rules_member(const struct auth_rules_check *check)
{
    static const struct {
        struct str membership;
        struct event_verdict (*rule)(const struct auth_rules_check *);
    } rules[] = {
        {STR_INIT("join"), check_join}, {STR_INIT("invite"), check_invite}, {STR_INIT("leave"), check_leave},
        {STR_INIT("ban"), check_ban},   {STR_INIT("knock"), check_knock},
    };
    const struct event *event = check->event;
    if (!event->has_state_key) /* 4.1 */
        return AUTH_REFUSE_MEMBER(event, "1", "1", "m.room.member: there is no state_key");
    /* The specification does not say so here, but no rule below means anything for a state_key that is no user, and
     * other servers refuse it too. */
    if (!user_id_valid(event->state_key))
        return AUTH_REFUSE_MEMBER(event, "1", "1", "m.room.member: state_key is no user ID");
    if (!json_get(event->content, STR("membership")))
        return AUTH_REFUSE_MEMBER(event, "1", "1", "m.room.member: content has no membership");
    struct event_verdict v = check_authoriser_signed(event); /* 4.2 */
    if (v.refused)
        return v;
    struct str membership = event_membership(event);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        bool known = event->version->knock || rules[i].rule != check_knock;
        if (known && str_eq(membership, rules[i].membership))
            return rules[i].rule(check);
    }
    return AUTH_REFUSE_AS(event, "5.6", "4.6", "4.7", "4.8", "4.8", "5.8",
                          "m.room.member: the membership is unknown"); /* 4.8 */
}
