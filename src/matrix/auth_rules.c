#include "matrix/auth_rules.h"

#include "matrix/auth_rules_check.h"
#include "matrix/id.h"

static const struct str type_create = STR_INIT("m.room.create");
static const struct str type_member = STR_INIT("m.room.member");
static const struct str type_power_levels = STR_INIT("m.room.power_levels");
static const struct str type_third_party_invite = STR_INIT("m.room.third_party_invite");
static const struct str type_aliases = STR_INIT("m.room.aliases");
static const struct str type_redaction = STR_INIT("m.room.redaction");

struct str auth_rules_membership(const struct auth_rules_check *check, struct str user_id)
{
    return event_membership(check->state.get(check->state.ctx, type_member, user_id));
}

bool auth_rules_joined(const struct auth_rules_check *check, struct str user_id)
{
    return str_eq(auth_rules_membership(check, user_id), STR("join"));
}

/* --- auth events --- */

static size_t add_key(struct auth_key keys[AUTH_KEYS_MAX], size_t count, struct str type, struct str state_key)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(keys[i].type, type) && str_eq(keys[i].state_key, state_key))
            return count;
    }
    keys[count] = (struct auth_key){type, state_key};
    return count + 1;
}

static size_t add_member_keys(const struct room_version *version, struct str target, const struct json *content,
                              struct auth_key keys[AUTH_KEYS_MAX], size_t count)
{
    struct str membership = json_str_at(content, STR("membership"));
    bool join = str_eq(membership, STR("join"));
    bool invite = str_eq(membership, STR("invite"));
    count = add_key(keys, count, type_member, target);
    if (join || invite || str_eq(membership, STR("knock")))
        count = add_key(keys, count, STR("m.room.join_rules"), STR(""));
    if (invite) {
        const struct json *signed_part = json_get(json_get(content, STR("third_party_invite")), STR("signed"));
        struct str token = json_str_at(signed_part, STR("token"));
        if (token.p)
            count = add_key(keys, count, type_third_party_invite, token);
    }
    if (join && version->restricted_join) {
        struct str authoriser = json_str_at(content, STR("join_authorised_via_users_server"));
        if (authoriser.p)
            count = add_key(keys, count, type_member, authoriser);
    }
    return count;
}

size_t auth_keys_select(const struct room_version *version, struct str type, struct str sender, bool has_state_key,
                        struct str state_key, const struct json *content, struct auth_key keys[AUTH_KEYS_MAX])
{
    size_t count = 0;
    if (str_eq(type, type_create))
        return 0;
    if (version->create_in_auth_events)
        count = add_key(keys, count, type_create, STR(""));
    count = add_key(keys, count, type_power_levels, STR(""));
    count = add_key(keys, count, type_member, sender);
    if (has_state_key && str_eq(type, type_member))
        count = add_member_keys(version, state_key, content, keys, count);
    return count;
}

/* Index of the key that an auth event has, or `count`. */
static size_t key_index(const struct auth_key *keys, size_t count, const struct event *auth_event)
{
    size_t i = 0;
    while (i < count && !event_is_state(auth_event, keys[i].type, keys[i].state_key))
        i++;
    return i;
}

struct event_verdict auth_check_auth_events(const struct event *event, const struct event *const *auth_events,
                                            size_t count)
{
    if (str_eq(event->type, type_create))
        return AUTH_ALLOW;
    struct auth_key keys[AUTH_KEYS_MAX];
    bool seen[AUTH_KEYS_MAX] = {false};
    size_t key_count = auth_keys_select(event->version, event->type, event->sender, event->has_state_key,
                                        event->state_key, event->content, keys);
    bool has_create = false;
    for (size_t i = 0; i < count; i++) {
        size_t k = key_index(keys, key_count, auth_events[i]);
        if (k == key_count)
            return AUTH_REFUSE_FIRST(event, "2.2", "3.2", "auth_events hold an event that is not of the selection");
        if (seen[k])
            return AUTH_REFUSE_FIRST(event, "2.1", "3.1", "auth_events hold two events of one type and state_key");
        seen[k] = true;
        if (!str_eq(auth_events[i]->room_id, event->room_id))
            return AUTH_REFUSE_FIRST(event, "2.5", "3.5", "auth_events hold an event of another room");
        has_create = has_create || str_eq(auth_events[i]->type, type_create);
    }
    if (event->version->create_in_auth_events && !has_create)
        return AUTH_REFUSE_FIRST(event, "2.4", "3.4", "auth_events hold no m.room.create");
    return AUTH_ALLOW;
}

/* --- rule 1: m.room.create --- */

static struct event_verdict check_additional_creators(const struct event *event)
{
    const struct json *creators = json_get(event->content, STR("additional_creators"));
    if (!creators)
        return AUTH_ALLOW;
    if (creators->type != JSON_ARRAY)
        return AUTH_REFUSE_FIRST(event, "1.4", "1.4", "m.room.create: additional_creators is no array");
    for (uint32_t i = 0; i < creators->count; i++) {
        if (creators->items[i].type != JSON_STRING || !user_id_valid(creators->items[i].s))
            return AUTH_REFUSE_FIRST(event, "1.4", "1.4",
                                     "m.room.create: additional_creators holds what is no user ID");
    }
    return AUTH_ALLOW;
}

static struct event_verdict check_create(const struct event *event)
{
    const struct room_version *version = event->version;
    if (event->prev_events_count > 0) /* 1.1 */
        return AUTH_REFUSE_FIRST(event, "1.1", "1.1", "m.room.create: has prev_events");
    if (version->room_id_is_create_hash) { /* 1.2 */
        if (json_get(event->json, STR("room_id")))
            return AUTH_REFUSE_FIRST(event, "1.2", "1.2", "m.room.create: has a room_id");
    } else if (!str_eq(id_server(event->room_id), id_server(event->sender))) {
        return AUTH_REFUSE_FIRST(event, "1.2", "1.2", "m.room.create: room_id is of another server than the sender");
    }
    const struct json *name = json_get(event->content, STR("room_version"));
    if (name && (name->type != JSON_STRING || !room_version_find(name->s))) /* 1.3 */
        return AUTH_REFUSE_FIRST(event, "1.3", "1.3", "m.room.create: room_version is not recognised");
    if (version->creator_in_content && !json_get(event->content, STR("creator"))) /* 1.4 up to version 10 */
        return AUTH_REFUSE_FIRST(event, "1.4", "1.4", "m.room.create: content has no creator");
    if (version->creators_are_privileged) /* 1.4 of version 12 */
        return check_additional_creators(event);
    return AUTH_ALLOW; /* 1.5 */
}

/* --- rules 2 to 10 --- */

/* Rule 2 of version 12; in the others, what 2.4 and 2.5 ask of auth_events holds for every state. */
static struct event_verdict check_room(const struct event *event, const struct event *create)
{
    if (!create)
        return AUTH_REFUSE_FIRST(event, "2.4", "2", "the room has no accepted m.room.create");
    if (!str_eq(create->room_id, event->room_id))
        return AUTH_REFUSE_FIRST(event, "2.5", "2", "room_id is not that of the room's m.room.create");
    return AUTH_ALLOW;
}

static bool is_federated(const struct event *create)
{
    return json_bool_at(create->content, STR("m.federate"), true);
}

/* Rule 4 of versions 1 to 5: servers say in the room which aliases they have for it, whoever speaks for them. */
static struct event_verdict check_aliases(const struct event *event)
{
    if (!event->has_state_key)
        return AUTH_REFUSE_AS(event, "4.1", "-", "-", "-", "-", "-", "m.room.aliases: there is no state_key");
    if (!str_eq(id_server(event->sender), event->state_key))
        return AUTH_REFUSE_AS(event, "4.2", "-", "-", "-", "-", "-",
                              "m.room.aliases: state_key is another server than the sender's");
    return AUTH_ALLOW;
}

/* Rule 11 of versions 1 and 2. */
static struct event_verdict check_redaction(const struct auth_rules_check *check, int64_t power)
{
    const struct event *event = check->event;
    if (power >= power_level_to(&check->power, POWER_REDACT)) /* 11.1 */
        return AUTH_ALLOW;
    if (event->redacts.n > 0 && str_eq(id_server(event->redacts), id_server(event->event_id))) /* 11.2 */
        return AUTH_ALLOW;
    return AUTH_REFUSE_AS(event, "11.3", "-", "-", "-", "-", "-",
                          "m.room.redaction: the sender may not redact what other servers sent");
}

/* Rules 5 to 10: everything but m.room.create and m.room.member. */
static struct event_verdict check_other(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    if (!auth_rules_joined(check, event->sender)) /* 5 */
        return AUTH_REFUSE_LATER(event, "5", "6", "the sender is not in the room");

    int64_t power = power_level_of(&check->power, event->sender);
    if (str_eq(event->type, type_third_party_invite)) { /* 6.1 */
        if (power < power_level_to(&check->power, POWER_INVITE))
            return AUTH_REFUSE_LATER(event, "6.1", "7.1", "m.room.third_party_invite: the sender may not invite");
        return AUTH_ALLOW;
    }
    if (power_level_to_send(&check->power, event->type, event->has_state_key) > power) /* 7 */
        return AUTH_REFUSE_LATER(event, "7", "8", "the sender's power level is below that of the event's type");
    if (event->has_state_key && str_starts(event->state_key, STR("@")) &&
        !str_eq(event->state_key, event->sender)) /* 8 */
        return AUTH_REFUSE_LATER(event, "8", "9", "state_key is another user than the sender");
    if (str_eq(event->type, type_power_levels)) /* 9 */
        return auth_rules_power(check);
    if (event->version->redaction_auth_rule && str_eq(event->type, type_redaction))
        return check_redaction(check, power);
    return AUTH_ALLOW; /* 10 */
}

struct event_verdict auth_check(struct arena *a, const struct event *event, struct auth_state state)
{
    if (str_eq(event->type, type_create)) /* 1 */
        return check_create(event);

    const struct event *create = state.get(state.ctx, type_create, STR(""));
    struct event_verdict v = check_room(event, create); /* 2 */
    if (v.refused)
        return v;
    if (!is_federated(create) && !str_eq(id_server(event->sender), id_server(create->sender))) /* 3 */
        return AUTH_REFUSE_FIRST(event, "3", "4", "the room is not federated, and the sender is of another server");
    if (event->version->aliases_auth_rule && str_eq(event->type, type_aliases))
        return check_aliases(event);

    struct auth_rules_check check = {
        .arena = a,
        .event = event,
        .state = state,
        .power = {.create = create, .event = state.get(state.ctx, type_power_levels, STR(""))},
    };
    if (str_eq(event->type, type_member)) /* 4 */
        return auth_rules_member(&check);
    return check_other(&check);
}

bool auth_may_redact(const struct event *redaction, const struct event *target, struct auth_state state)
{
    bool by_event_ids = redaction->version->redaction_auth_rule;
    struct str from = id_server(by_event_ids ? redaction->event_id : redaction->sender);
    if (str_eq(from, id_server(by_event_ids ? target->event_id : target->sender)))
        return true;
    struct power_levels power = {
        .create = state.get(state.ctx, type_create, STR("")),
        .event = state.get(state.ctx, type_power_levels, STR("")),
    };
    return power.create && power_level_of(&power, redaction->sender) >= power_level_to(&power, POWER_REDACT);
}
