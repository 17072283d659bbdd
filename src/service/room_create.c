#include "service/room_create.h"

#include "matrix/content_check.h"
#include "matrix/field.h"
#include "matrix/id.h"
#include "service/room_member.h"
#include "service/room_plan.h"

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

/* A room that is being put together, as the request has it. */
struct plan {
    struct room_plan room;
    const struct json *body;
    const struct preset *preset;
    struct str alias;
    const struct json *initial_state;
    const struct json *invites;
    bool is_direct;
};

/* --- reading the request --- */

static struct fault bad_field(struct arena *a, const char *field, const char *what)
{
    return (struct fault){.code = M_BAD_JSON, .message = str_fmt(a, "%s: %s", field, what)};
}

static struct fault read_str(struct plan *p, struct str field, struct str *out)
{
    return field_str(p->room.a, p->body, field, (struct str){0}, out);
}

static struct fault read_container(struct plan *p, struct str field, enum json_type type, const struct json **out)
{
    return field_container(p->room.a, p->body, field, type, out);
}

static struct fault read_version(struct plan *p)
{
    struct str name;
    struct fault fault = read_str(p, STR("room_version"), &name);
    if (fault.code)
        return fault;
    bool given = name.p != NULL;
    if (!given)
        name = p->room.s->options->default_room_version;
    p->room.version = given || name.n ? room_version_find(name) : room_version_default();
    return p->room.version
               ? FAULT_NONE
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
    if (visibility.p && !str_eq(visibility, STR("public")) && !str_eq(visibility, STR("private")))
        return FAULT(M_INVALID_PARAM, "visibility: must be public or private");
    if (!name.p)
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
    p->alias = str_fmt(p->room.a, "#%.*s:%.*s", STR_ARG(name), STR_ARG(p->room.s->options->server_name));
    if (!plain || !room_alias_valid(p->alias))
        return FAULT(M_INVALID_PARAM, "room_alias_name: not a valid local part of a room alias");
    return FAULT_NONE;
}

/* What PUT state would refuse, and what the server itself puts into every room. */
static struct fault check_initial_content(struct plan *p, struct str type, const struct json *content)
{
    if (str_eq(type, STR("m.room.create")) || str_eq(type, STR("m.room.member")))
        return FAULT(M_INVALID_PARAM, "initial_state: m.room.create and m.room.member are made by the server");
    struct fault fault = content_check(p->room.a, type, content, NULL);
    if (fault.code || !str_eq(type, STR("m.room.canonical_alias")))
        return fault;
    struct str *aliases;
    size_t count = content_new_aliases(p->room.a, content, NULL, &aliases);
    for (size_t i = 0; i < count; i++)
        if (!str_eq(aliases[i], p->alias))
            return FAULT(M_BAD_ALIAS, "initial_state: an alias does not lead to this room");
    return FAULT_NONE;
}

static struct fault check_initial_state(struct plan *p)
{
    const struct json *list = p->initial_state;
    if (list && list->count > INITIAL_STATE_MAX)
        return bad_field(p->room.a, "initial_state", "has too many events");
    for (size_t i = 0; list && i < list->count; i++) {
        const struct json *event = &list->items[i];
        const struct json *state_key = json_get(event, STR("state_key"));
        if (!json_str_at(event, STR("type")).n)
            return bad_field(p->room.a, "initial_state", "each event needs a type");
        if (state_key && state_key->type != JSON_STRING)
            return bad_field(p->room.a, "initial_state", "state_key must be a string");
        if (!json_is(json_get(event, STR("content")), JSON_OBJECT))
            return bad_field(p->room.a, "initial_state", "each event needs an object as content");
        struct fault fault = check_initial_content(p, json_str_at(event, STR("type")), json_get(event, STR("content")));
        if (fault.code)
            return fault;
    }
    return FAULT_NONE;
}

static struct fault check_invites(struct plan *p)
{
    const struct json *list = p->invites;
    if (list && list->count > INVITES_MAX)
        return bad_field(p->room.a, "invite", "names too many users");
    for (size_t i = 0; list && i < list->count; i++) {
        const struct json *user = &list->items[i];
        if (user->type != JSON_STRING)
            return bad_field(p->room.a, "invite", "must be a list of user ids");
        if (!user_id_valid(user->s))
            return FAULT(M_INVALID_PARAM, "invite: not a valid user id");
        if (!str_eq(id_server(user->s), p->room.s->options->server_name))
            return FAULT_STATUS(M_UNKNOWN, 400,
                                "invite: this server does not federate yet; only its own users can be invited");
    }
    const struct json *third_party;
    p->invites = room_plan_unique(p->room.a, list);
    struct fault fault = field_bool(p->room.a, p->body, STR("is_direct"), false, &p->is_direct);
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
    struct json *content = given ? json_shallow_copy(p->room.a, given) : json_object(p->room.a);
    const struct json *named = json_get(content, STR("additional_creators"));
    if (p->room.version->creators_are_privileged && json_is(named, JSON_ARRAY) && named->count > ROOM_PLAN_CREATORS_MAX)
        return bad_field(p->room.a, "creation_content.additional_creators", "names too many users");
    if (p->room.version->creators_are_privileged && p->preset->invitees_are_equal && p->invites && p->invites->count) {
        struct json *creators =
            json_is(named, JSON_ARRAY) ? json_shallow_copy(p->room.a, named) : json_array(p->room.a);
        for (size_t i = 0; i < p->invites->count; i++)
            json_push(p->room.a, creators, p->invites->items[i]);
        json_set(p->room.a, content, STR("additional_creators"), *room_plan_unique(p->room.a, creators));
    }
    room_plan_create(&p->room, content);
    return FAULT_NONE;
}

static struct fault plan_power_levels(struct plan *p)
{
    const struct json *override;
    struct fault fault = read_container(p, STR("power_level_content_override"), JSON_OBJECT, &override);
    if (fault.code || initial_state_has(p, STR("m.room.power_levels")))
        return fault;
    struct json *content = room_plan_power_levels(&p->room, p->preset->invitees_are_equal ? p->invites : NULL,
                                                  p->preset->anyone_invites ? 0 : 50);
    for (size_t i = 0; override && i < override->count; i++)
        json_set(p->room.a, content, override->members[i].key, override->members[i].value);
    /* Also where the version would let strings pass as levels. */
    fault = content_check(p->room.a, STR("m.room.power_levels"), content, NULL);
    if (fault.code)
        return (struct fault){.code = M_INVALID_ROOM_STATE, .status = 400, .message = fault.message};
    room_plan_state(&p->room, STR("m.room.power_levels"), STR(""), content);
    return FAULT_NONE;
}

static void plan_preset(struct plan *p)
{
    if (!initial_state_has(p, STR("m.room.join_rules")))
        room_plan_field(&p->room, STR("m.room.join_rules"), STR("join_rule"), p->preset->join_rule);
    if (!initial_state_has(p, STR("m.room.history_visibility")))
        room_plan_field(&p->room, STR("m.room.history_visibility"), STR("history_visibility"),
                        p->preset->history_visibility);
    if (!initial_state_has(p, STR("m.room.guest_access")))
        room_plan_field(&p->room, STR("m.room.guest_access"), STR("guest_access"), p->preset->guest_access);
}

static void plan_initial_state(struct plan *p)
{
    for (size_t i = 0; p->initial_state && i < p->initial_state->count; i++) {
        const struct json *event = &p->initial_state->items[i];
        struct str state_key = json_str_at(event, STR("state_key"));
        room_plan_state(&p->room, json_str_at(event, STR("type")), state_key.p ? state_key : STR(""),
                        json_get(event, STR("content")));
    }
}

/* m.room.topic holds the topic as text and as the block that rich clients read (module "Rich text topics"). */
static void plan_topic(struct plan *p, struct str topic)
{
    struct arena *a = p->room.a;
    struct json *representation = json_object(a);
    struct json *texts = json_array(a);
    struct json *block = json_object(a);
    struct json *content = json_object(a);
    json_set_str(a, representation, STR("body"), topic);
    json_push(a, texts, *representation);
    json_set(a, block, STR("m.text"), *texts);
    json_set(a, content, STR("m.topic"), *block);
    json_set_str(a, content, STR("topic"), topic);
    room_plan_state(&p->room, STR("m.room.topic"), STR(""), content);
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
        room_plan_field(&p->room, STR("m.room.name"), STR("name"), name);
    if (topic.p)
        plan_topic(p, topic);
    return FAULT_NONE;
}

static struct fault plan_invites(struct plan *p)
{
    for (size_t i = 0; p->invites && i < p->invites->count; i++) {
        struct str user_id = p->invites->items[i].s;
        struct json *content;
        struct fault fault =
            room_member_content(p->room.s, p->room.a, user_id, STR("invite"), (struct str){0}, &content);
        if (fault.code)
            return fault;
        if (p->is_direct)
            json_set(p->room.a, content, STR("is_direct"), json_bool(true));
        room_plan_state(&p->room, STR("m.room.member"), user_id, content);
    }
    return FAULT_NONE;
}

/* The events in the order that the specification gives for /createRoom. */
static struct fault plan_events(struct plan *p)
{
    struct fault fault = plan_create(p);
    if (!fault.code)
        fault = room_plan_join(&p->room);
    if (!fault.code)
        fault = plan_power_levels(p);
    if (fault.code)
        return fault;
    if (p->alias.n)
        room_plan_field(&p->room, STR("m.room.canonical_alias"), STR("alias"), p->alias);
    plan_preset(p);
    plan_initial_state(p);
    fault = plan_name_and_topic(p);
    return fault.code ? fault : plan_invites(p);
}

struct fault room_create(struct services *s, struct arena *a, const struct caller *caller, const struct json *body,
                         struct str *room_id_out)
{
    struct plan plan = {.room = {.s = s, .a = a, .caller = caller}, .body = body};
    struct fault fault = room_plan_check(s, caller);
    if (!fault.code)
        fault = read_request(&plan);
    if (!fault.code)
        fault = plan_events(&plan);
    return fault.code ? fault : room_plan_make(&plan.room, plan.alias, room_id_out);
}
