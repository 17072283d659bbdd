#include "service/room_plan.h"

#include "crypto/random.h"
#include "service/room_member.h"

struct fault room_plan_check(const struct services *s, const struct caller *caller)
{
    return s->options->allow_room_creation || caller->is_admin
               ? FAULT_NONE
               : FAULT(M_FORBIDDEN, "This server lets only administrators make rooms");
}

void room_plan_state(struct room_plan *p, struct str type, struct str state_key, const struct json *content)
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

void room_plan_field(struct room_plan *p, struct str type, struct str field, struct str value)
{
    struct json *content = json_object(p->a);
    json_set_str(p->a, content, field, value);
    room_plan_state(p, type, STR(""), content);
}

void room_plan_create(struct room_plan *p, struct json *content)
{
    json_set_str(p->a, content, STR("room_version"), p->version->name);
    json_unset(content, STR("creator"));
    if (p->version->creator_in_content)
        json_set_str(p->a, content, STR("creator"), p->caller->user_id);
    if (!p->s->options->allow_federation)
        json_set(p->a, content, STR("m.federate"), json_bool(false));
    room_plan_state(p, STR("m.room.create"), STR(""), content);
}

struct fault room_plan_join(struct room_plan *p)
{
    struct json *content;
    struct fault fault = room_member_content(p->s, p->a, p->caller->user_id, STR("join"), (struct str){0}, &content);
    if (!fault.code)
        room_plan_state(p, STR("m.room.member"), p->caller->user_id, content);
    return fault;
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

struct json *room_plan_power_levels(struct room_plan *p, const struct json *equals, int64_t invite_level)
{
    struct arena *a = p->a;
    struct json *users = json_object(a);
    struct json *events = json_object(a);
    struct json *notifications = json_object(a);
    struct json *content = json_object(a);
    if (!p->version->creators_are_privileged) {
        json_set_int(a, users, p->caller->user_id, 100);
        for (size_t i = 0; equals && i < equals->count; i++)
            json_set_int(a, users, equals->items[i].s, 100);
    }
    for (size_t i = 0; i < sizeof power_defaults / sizeof power_defaults[0]; i++)
        json_set_int(a, events, power_defaults[i].type, power_defaults[i].level);
    /* Where creators stand above all, replacing the room is theirs ("Room version 12"). */
    if (p->version->creators_are_privileged)
        json_set_int(a, events, STR("m.room.tombstone"), POWER_LEVEL_TOMBSTONE);
    json_set_int(a, notifications, STR("room"), 50);
    json_set_int(a, content, STR("ban"), 50);
    json_set(a, content, STR("events"), *events);
    json_set_int(a, content, STR("events_default"), 0);
    json_set_int(a, content, STR("invite"), invite_level);
    json_set_int(a, content, STR("kick"), 50);
    json_set(a, content, STR("notifications"), *notifications);
    json_set_int(a, content, STR("redact"), 50);
    json_set_int(a, content, STR("state_default"), 50);
    json_set(a, content, STR("users"), *users);
    json_set_int(a, content, STR("users_default"), 0);
    return content;
}

const struct json *room_plan_unique(struct arena *a, const struct json *list)
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

/* --- making --- */

static size_t step_at(const struct room_plan *p, size_t done)
{
    size_t left = p->count - done;
    return left < ROOM_PLAN_STEP ? left : ROOM_PLAN_STEP;
}

/* What did not fit into the transaction that made the room. */
static struct fault append_rest(struct room_plan *p, struct str room_id, size_t done)
{
    struct room *room;
    struct fault fault = room_open(p->s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    while (!fault.code && done < p->count) {
        size_t step = step_at(p, done);
        struct arena_mark mark = arena_mark(p->a);
        fault = room_append(p->s, p->a, room, p->drafts + done, step);
        /* A fault may have its text in the arena. */
        if (!fault.code)
            arena_release(p->a, mark);
        done += step;
    }
    room_close(p->s, &room);
    return fault;
}

struct fault room_plan_make(struct room_plan *p, struct str alias, struct str *room_id_out)
{
    *room_id_out = (struct str){0};
    if (!p->version->room_id_is_create_hash)
        *room_id_out = str_fmt(p->a, "!%.*s:%.*s", STR_ARG(random_string(p->a, 18, RANDOM_BASE62)),
                               STR_ARG(p->s->options->server_name));
    size_t step = step_at(p, 0);
    struct fault fault = room_append_new(p->s, p->a, p->version, p->drafts, step, alias, room_id_out);
    if (!fault.code && step < p->count)
        fault = append_rest(p, *room_id_out, step);
    if (fault.code == M_FORBIDDEN)
        return (struct fault){.code = M_INVALID_ROOM_STATE, .status = 400, .message = fault.message};
    return fault;
}
