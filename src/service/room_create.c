#include "service/room_create.h"

#include "crypto/random.h"
#include "matrix/content_check.h"
#include "matrix/field.h"
#include "matrix/id.h"
#include "service/room_member.h"

#define INITIAL_STATE_MAX 200 /* events a client may ask for at once */
#define INVITES_MAX       100

struct preset {
    struct str name;
    struct str join_rule;
    struct str history_visibility;
    struct str guest_access;
    bool anyone_invites;     /* power to invite is 0, not 50 */
    bool invitees_are_equal; /* invited users get the creator's power */
};

static const struct preset presets[] = {
    {STR_INIT("private_chat"), STR_INIT("invite"), STR_INIT("shared"), STR_INIT("can_join"), true, false},
    {STR_INIT("trusted_private_chat"), STR_INIT("invite"), STR_INIT("shared"), STR_INIT("can_join"), true, true},
    {STR_INIT("public_chat"), STR_INIT("public"), STR_INIT("shared"), STR_INIT("forbidden"), false, false},
};

/* A room that is being put together: the drafts, in the order in which they will be appended. */
struct plan {
    struct services *s;
    struct arena *a;
    const struct caller *caller;
    const struct json *body;
    const struct room_version *version;
    const struct preset *preset;
    struct str alias;
    const struct json *initial_state;
    const struct json *invites;
    bool is_direct;
    struct room_draft *drafts;
    size_t count;
    size_t cap;
};

static void plan_state(struct plan *p, struct str type, struct str state_key, const struct json *content)
{
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        p->drafts = arena_grow(p->a, p->drafts, p->cap * sizeof *p->drafts, cap * sizeof *p->drafts);
        p->cap = cap;
    }
    p->drafts[p->count++] = (struct room_draft){.type = type,
                                                .sender = p->caller->user_id,
                                                .sender_nid = p->caller->user_nid,
                                                .has_state_key = true,
                                                .state_key = state_key,
                                                .content = content};
}

/* A state event of one field. */
static void plan_field(struct plan *p, struct str type, struct str field, struct str value)
{
    struct json *content = json_object(p->a);
    json_set_str(p->a, content, field, value);
    plan_state(p, type, STR(""), content);
}

/* --- reading the request --- */

static struct fault bad_field(struct arena *a, const char *field, const char *what)
{
    return (struct fault){.code = M_BAD_JSON, .message = str_fmt(a, "%s: %s", field, what)};
}

static struct fault read_str(struct plan *p, struct str field, struct str *out)
{
    return field_str(p->a, p->body, field, (struct str){0}, out);
}

static struct fault read_container(struct plan *p, struct str field, enum json_type type, const struct json **out)
{
    return field_container(p->a, p->body, field, type, out);
}

static struct fault read_version(struct plan *p)
{
    struct str name;
    struct fault fault = read_str(p, STR("room_version"), &name);
    if (fault.code)
        return fault;
    if (!name.n)
        name = p->s->options->default_room_version;
    p->version = name.n ? room_version_find(name) : room_version_default();
    return p->version ? FAULT_NONE
                      : FAULT_STATUS(M_UNSUPPORTED_ROOM_VERSION, 400, "room_version: this server does not know it");
}

static struct fault read_preset(struct plan *p)
{
    struct str name;
    struct str visibility;
    struct fault fault = read_str(p, STR("preset"), &name);
    if (!fault.code)
        fault = read_str(p, STR("visibility"), &visibility);
    if (fault.code)
        return fault;
    if (visibility.n && !str_eq(visibility, STR("public")) && !str_eq(visibility, STR("private")))
        return FAULT(M_INVALID_PARAM, "visibility: must be public or private");
    if (!name.n)
        name = str_eq(visibility, STR("public")) ? STR("public_chat") : STR("private_chat");
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (str_eq(presets[i].name, name))
            p->preset = &presets[i];
    return p->preset ? FAULT_NONE : FAULT(M_INVALID_PARAM, "preset: not a preset of the specification");
}

static struct fault read_alias(struct plan *p)
{
    struct str name;
    struct fault fault = read_str(p, STR("room_alias_name"), &name);
    if (fault.code || !name.n)
        return fault;
    bool plain = str_find(name, ':') == name.n && str_find(name, '\0') == name.n;
    p->alias = str_fmt(p->a, "#%.*s:%.*s", STR_ARG(name), STR_ARG(p->s->options->server_name));
    if (!plain || !room_alias_valid(p->alias))
        return FAULT(M_INVALID_PARAM, "room_alias_name: not a valid local part of a room alias");
    return FAULT_NONE;
}

/* What PUT state would refuse, and what the server itself puts into every room. */
static struct fault check_initial_content(struct plan *p, struct str type, const struct json *content)
{
    if (str_eq(type, STR("m.room.create")) || str_eq(type, STR("m.room.member")))
        return FAULT(M_INVALID_PARAM, "initial_state: m.room.create and m.room.member are made by the server");
    struct fault fault = content_check(type, content, NULL);
    if (fault.code || !str_eq(type, STR("m.room.canonical_alias")))
        return fault;
    struct str *aliases;
    size_t count = content_new_aliases(p->a, content, NULL, &aliases);
    for (size_t i = 0; i < count; i++)
        if (!str_eq(aliases[i], p->alias))
            return FAULT(M_BAD_ALIAS, "initial_state: an alias does not lead to this room");
    return FAULT_NONE;
}

static struct fault check_initial_state(struct plan *p)
{
    const struct json *list = p->initial_state;
    if (list && list->count > INITIAL_STATE_MAX)
        return bad_field(p->a, "initial_state", "has too many events");
    for (size_t i = 0; list && i < list->count; i++) {
        const struct json *event = &list->items[i];
        const struct json *state_key = json_get(event, STR("state_key"));
        if (!json_str_at(event, STR("type")).n)
            return bad_field(p->a, "initial_state", "each event needs a type");
        if (state_key && state_key->type != JSON_STRING)
            return bad_field(p->a, "initial_state", "state_key must be a string");
        if (!json_is(json_get(event, STR("content")), JSON_OBJECT))
            return bad_field(p->a, "initial_state", "each event needs an object as content");
        struct fault fault = check_initial_content(p, json_str_at(event, STR("type")), json_get(event, STR("content")));
        if (fault.code)
            return fault;
    }
    return FAULT_NONE;
}

/* The list with each string once, in order; NULL for NULL. What is no string stays, for the rules to refuse. */
static const struct json *unique_strings(struct arena *a, const struct json *list)
{
    struct json *unique = list ? json_array(a) : NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = list->items[i].type == JSON_STRING && json_eq(&list->items[i], &list->items[j]);
        if (!seen)
            json_push(a, unique, list->items[i]);
    }
    return unique;
}

static struct fault check_invites(struct plan *p)
{
    const struct json *list = p->invites;
    if (list && list->count > INVITES_MAX)
        return bad_field(p->a, "invite", "names too many users");
    for (size_t i = 0; list && i < list->count; i++) {
        const struct json *user = &list->items[i];
        if (user->type != JSON_STRING)
            return bad_field(p->a, "invite", "must be a list of user ids");
        if (!user_id_valid(user->s))
            return FAULT(M_INVALID_PARAM, "invite: not a valid user id");
        if (!str_eq(id_server(user->s), p->s->options->server_name))
            return FAULT_STATUS(M_UNKNOWN, 400,
                                "invite: this server does not federate yet; only its own users can be invited");
    }
    const struct json *third_party;
    p->invites = unique_strings(p->a, list);
    struct fault fault = field_bool(p->a, p->body, STR("is_direct"), false, &p->is_direct);
    if (!fault.code)
        fault = read_container(p, STR("invite_3pid"), JSON_ARRAY, &third_party);
    if (!fault.code && third_party && third_party->count)
        fault = FAULT_STATUS(M_UNKNOWN, 400, "invite_3pid: this server has no identity server");
    return fault;
}

static struct fault read_request(struct plan *p)
{
    struct fault fault = read_version(p);
    if (!fault.code)
        fault = read_preset(p);
    if (!fault.code)
        fault = read_alias(p);
    if (!fault.code)
        fault = read_container(p, STR("initial_state"), JSON_ARRAY, &p->initial_state);
    if (!fault.code)
        fault = read_container(p, STR("invite"), JSON_ARRAY, &p->invites);
    if (!fault.code)
        fault = check_initial_state(p);
    if (!fault.code)
        fault = check_invites(p);
    return fault;
}

/* --- planning --- */

static bool initial_state_has(const struct plan *p, struct str type)
{
    for (size_t i = 0; p->initial_state && i < p->initial_state->count; i++) {
        const struct json *event = &p->initial_state->items[i];
        if (str_eq(json_str_at(event, STR("type")), type) && json_str_at(event, STR("state_key")).n == 0)
            return true;
    }
    return false;
}

static struct fault plan_create(struct plan *p)
{
    const struct json *given;
    struct fault fault = read_container(p, STR("creation_content"), JSON_OBJECT, &given);
    if (fault.code)
        return fault;
    struct json *content = given ? json_shallow_copy(p->a, given) : json_object(p->a);
    json_set_str(p->a, content, STR("room_version"), p->version->name);
    json_unset(content, STR("creator"));
    if (p->version->creator_in_content)
        json_set_str(p->a, content, STR("creator"), p->caller->user_id);
    if (!p->s->options->allow_federation)
        json_set(p->a, content, STR("m.federate"), json_bool(false));
    if (p->version->creators_are_privileged && p->preset->invitees_are_equal && p->invites && p->invites->count) {
        const struct json *named = json_get(content, STR("additional_creators"));
        if (named && named->type == JSON_ARRAY && named->count > INVITES_MAX)
            return bad_field(p->a, "creation_content", "additional_creators names too many users");
        struct json *creators = json_is(named, JSON_ARRAY) ? json_shallow_copy(p->a, named) : json_array(p->a);
        for (size_t i = 0; i < p->invites->count; i++)
            json_push(p->a, creators, p->invites->items[i]);
        json_set(p->a, content, STR("additional_creators"), *unique_strings(p->a, creators));
    }
    plan_state(p, STR("m.room.create"), STR(""), content);
    return FAULT_NONE;
}

struct power_default {
    struct str type;
    int64_t level;
};
static const struct power_default power_defaults[] = {
    {STR_INIT("m.room.avatar"), 50},      {STR_INIT("m.room.canonical_alias"), 50},
    {STR_INIT("m.room.encryption"), 100}, {STR_INIT("m.room.history_visibility"), 100},
    {STR_INIT("m.room.name"), 50},        {STR_INIT("m.room.power_levels"), 100},
    {STR_INIT("m.room.server_acl"), 100}, {STR_INIT("m.room.tombstone"), 100},
};

static struct json *default_power_levels(struct plan *p)
{
    struct arena *a = p->a;
    struct json *users = json_object(a);
    struct json *events = json_object(a);
    struct json *notifications = json_object(a);
    struct json *content = json_object(a);
    if (!p->version->creators_are_privileged) {
        json_set_int(a, users, p->caller->user_id, 100);
        for (size_t i = 0; p->preset->invitees_are_equal && p->invites && i < p->invites->count; i++)
            json_set_int(a, users, p->invites->items[i].s, 100);
    }
    for (size_t i = 0; i < sizeof power_defaults / sizeof power_defaults[0]; i++)
        json_set_int(a, events, power_defaults[i].type, power_defaults[i].level);
    /* Where creators stand above all, replacing the room is theirs ("Room version 12"). */
    if (p->version->creators_are_privileged)
        json_set_int(a, events, STR("m.room.tombstone"), 150);
    json_set_int(a, notifications, STR("room"), 50);
    json_set_int(a, content, STR("ban"), 50);
    json_set(a, content, STR("events"), *events);
    json_set_int(a, content, STR("events_default"), 0);
    json_set_int(a, content, STR("invite"), p->preset->anyone_invites ? 0 : 50);
    json_set_int(a, content, STR("kick"), 50);
    json_set(a, content, STR("notifications"), *notifications);
    json_set_int(a, content, STR("redact"), 50);
    json_set_int(a, content, STR("state_default"), 50);
    json_set(a, content, STR("users"), *users);
    json_set_int(a, content, STR("users_default"), 0);
    return content;
}

static struct fault plan_power_levels(struct plan *p)
{
    const struct json *override;
    struct fault fault = read_container(p, STR("power_level_content_override"), JSON_OBJECT, &override);
    if (fault.code || initial_state_has(p, STR("m.room.power_levels")))
        return fault;
    struct json *content = default_power_levels(p);
    for (size_t i = 0; override && i < override->count; i++)
        json_set(p->a, content, override->members[i].key, override->members[i].value);
    /* Also where the version would let strings pass as levels. */
    fault = content_check(STR("m.room.power_levels"), content, NULL);
    if (fault.code)
        return (struct fault){.code = M_INVALID_ROOM_STATE, .status = 400, .message = fault.message};
    plan_state(p, STR("m.room.power_levels"), STR(""), content);
    return FAULT_NONE;
}

static void plan_preset(struct plan *p)
{
    if (!initial_state_has(p, STR("m.room.join_rules")))
        plan_field(p, STR("m.room.join_rules"), STR("join_rule"), p->preset->join_rule);
    if (!initial_state_has(p, STR("m.room.history_visibility")))
        plan_field(p, STR("m.room.history_visibility"), STR("history_visibility"), p->preset->history_visibility);
    if (!initial_state_has(p, STR("m.room.guest_access")))
        plan_field(p, STR("m.room.guest_access"), STR("guest_access"), p->preset->guest_access);
}

static void plan_initial_state(struct plan *p)
{
    for (size_t i = 0; p->initial_state && i < p->initial_state->count; i++) {
        const struct json *event = &p->initial_state->items[i];
        struct str state_key = json_str_at(event, STR("state_key"));
        plan_state(p, json_str_at(event, STR("type")), state_key.p ? state_key : STR(""),
                   json_get(event, STR("content")));
    }
}

/* m.room.topic holds the topic as text and as the block that rich clients read (module "Rich text topics"). */
static void plan_topic(struct plan *p, struct str topic)
{
    struct arena *a = p->a;
    struct json *representation = json_object(a);
    struct json *texts = json_array(a);
    struct json *block = json_object(a);
    struct json *content = json_object(a);
    json_set_str(a, representation, STR("body"), topic);
    json_push(a, texts, *representation);
    json_set(a, block, STR("m.text"), *texts);
    json_set(a, content, STR("m.topic"), *block);
    json_set_str(a, content, STR("topic"), topic);
    plan_state(p, STR("m.room.topic"), STR(""), content);
}

static struct fault plan_name_and_topic(struct plan *p)
{
    struct str name;
    struct str topic;
    struct fault fault = read_str(p, STR("name"), &name);
    if (!fault.code)
        fault = read_str(p, STR("topic"), &topic);
    if (fault.code)
        return fault;
    if (name.p)
        plan_field(p, STR("m.room.name"), STR("name"), name);
    if (topic.p)
        plan_topic(p, topic);
    return FAULT_NONE;
}

static struct fault plan_invites(struct plan *p)
{
    for (size_t i = 0; p->invites && i < p->invites->count; i++) {
        struct str user_id = p->invites->items[i].s;
        struct json *content;
        struct fault fault = room_member_content(p->s, p->a, user_id, STR("invite"), (struct str){0}, &content);
        if (fault.code)
            return fault;
        if (p->is_direct)
            json_set(p->a, content, STR("is_direct"), json_bool(true));
        plan_state(p, STR("m.room.member"), user_id, content);
    }
    return FAULT_NONE;
}

/* The events in the order that the specification gives for /createRoom. */
static struct fault plan_events(struct plan *p)
{
    struct json *own;
    struct fault fault = plan_create(p);
    if (!fault.code)
        fault = room_member_content(p->s, p->a, p->caller->user_id, STR("join"), (struct str){0}, &own);
    if (fault.code)
        return fault;
    plan_state(p, STR("m.room.member"), p->caller->user_id, own);
    fault = plan_power_levels(p);
    if (fault.code)
        return fault;
    if (p->alias.n)
        plan_field(p, STR("m.room.canonical_alias"), STR("alias"), p->alias);
    plan_preset(p);
    plan_initial_state(p);
    fault = plan_name_and_topic(p);
    return fault.code ? fault : plan_invites(p);
}

struct fault room_create(struct services *s, struct arena *a, const struct caller *caller, const struct json *body,
                         struct str *room_id_out)
{
    struct plan plan = {.s = s, .a = a, .caller = caller, .body = body};
    if (!s->options->allow_room_creation && !caller->is_admin)
        return FAULT(M_FORBIDDEN, "This server lets only administrators make rooms");
    struct fault fault = read_request(&plan);
    if (!fault.code)
        fault = plan_events(&plan);
    if (fault.code)
        return fault;
    *room_id_out = (struct str){0};
    if (!plan.version->room_id_is_create_hash)
        *room_id_out =
            str_fmt(a, "!%.*s:%.*s", STR_ARG(random_string(a, 18, RANDOM_BASE62)), STR_ARG(s->options->server_name));
    fault = room_append_new(s, a, plan.version, plan.drafts, plan.count, plan.alias, room_id_out);
    /* What the rules refuse here is what the request asked for, not who asked. */
    if (fault.code == M_FORBIDDEN)
        return (struct fault){.code = M_INVALID_ROOM_STATE, .status = 400, .message = fault.message};
    return fault;
}
