#include "service/room_upgrade.h"

#include "base/clock.h"
#include "base/log.h"
#include "matrix/id.h"
#include "matrix/power_upgrade.h"
#include "service/account_data.h"
#include "service/room_upgrade_state.h"
#include "service/room_upgrade_turn.h"

/* For so long an upgrade that was asked for again is the same one. */
#define MOMENT_MS 10000

/* One upgrade. */
struct upgrade {
    struct room_plan plan; /* the new room */
    struct room *old;
    const struct json *creators; /* of the new room; NULL where they are not privileged */
    struct room_upgrade_state state;
    struct str replacement;
};

/* --- checks --- */

/* additional_creators is read only for versions that have them: for others it "is ignored and has no effect". */
static struct fault read_creators(struct upgrade *u, const struct json *additional)
{
    struct json *all = json_array(u->plan.a);
    if (!u->plan.version->creators_are_privileged)
        return FAULT_NONE;
    if (additional && additional->type != JSON_ARRAY)
        return FAULT(M_BAD_JSON, "additional_creators: must be a list of user ids");
    if (additional && additional->count > ROOM_PLAN_CREATORS_MAX)
        return FAULT(M_BAD_JSON, "additional_creators: names too many users");
    json_push(u->plan.a, all, json_string(u->plan.caller->user_id));
    for (size_t i = 0; additional && i < additional->count; i++) {
        if (additional->items[i].type != JSON_STRING)
            return FAULT(M_BAD_JSON, "additional_creators: must be a list of user ids");
        if (!user_id_valid(additional->items[i].s))
            return FAULT(M_INVALID_PARAM, "additional_creators: not a valid user id");
        json_push(u->plan.a, all, additional->items[i]);
    }
    u->creators = room_plan_unique(u->plan.a, all);
    return FAULT_NONE;
}

static struct fault check_power(struct upgrade *u)
{
    struct power_levels pl;
    struct str user_id = u->plan.caller->user_id;
    struct fault fault = room_check_joined(u->plan.s, u->plan.a, u->old, user_id);
    if (!fault.code)
        fault = room_power_now(u->plan.s, u->plan.a, u->old, &pl);
    if (fault.code)
        return fault;
    return power_level_of(&pl, user_id) >= power_level_to_send(&pl, STR("m.room.tombstone"), true)
               ? FAULT_NONE
               : FAULT(M_FORBIDDEN, "You may not upgrade this room");
}

/* --- the new room --- */

/* What m.room.create has as additional_creators; NULL: it has none. */
static struct json *additional_creators_of(const struct upgrade *u)
{
    if (!u->creators || u->creators->count < 2)
        return NULL;
    struct json *additional = json_array(u->plan.a);
    for (size_t i = 1; i < u->creators->count; i++)
        json_push(u->plan.a, additional, u->creators->items[i]);
    return additional;
}

static void plan_create(struct upgrade *u)
{
    struct arena *a = u->plan.a;
    const struct json *old = u->state.create->content;
    struct str type = json_str_at(old, STR("type"));
    struct json *predecessor = json_object(a);
    struct json *content = json_object(a);
    json_set_str(a, predecessor, STR("room_id"), u->old->room_id);
    /* Deprecated, but "SHOULD still be populated" (m.room.create): matrix-nio takes no m.room.create without it. */
    json_set_str(a, predecessor, STR("event_id"), u->state.last_event_id);
    json_set(a, content, STR("predecessor"), *predecessor);
    if (type.p)
        json_set_str(a, content, STR("type"), type);
    if (!json_bool_at(old, STR("m.federate"), true))
        json_set(a, content, STR("m.federate"), json_bool(false));
    const struct json *additional = additional_creators_of(u);
    if (additional)
        json_set(a, content, STR("additional_creators"), *additional);
    room_plan_create(&u->plan, content);
}

/* Last, so that all before it is sent with the power that a creator has without it. */
static void plan_power_levels(struct upgrade *u)
{
    const struct json *content = u->state.power_levels;
    if (!content)
        content = room_plan_power_levels(&u->plan, NULL, 0);
    content = power_upgrade_carry(u->plan.a, u->state.create, content, u->plan.version, u->creators);
    room_plan_state(&u->plan, STR("m.room.power_levels"), STR(""), content);
}

static struct fault make_replacement(struct upgrade *u)
{
    struct fault fault = room_upgrade_state_read(&u->plan, u->old, u->creators, &u->state);
    if (fault.code)
        return fault;
    plan_create(u);
    fault = room_plan_join(&u->plan);
    if (fault.code)
        return fault;
    for (size_t i = 0; i < u->state.carried.count; i++) {
        const struct room_draft *d = &u->state.carried.drafts[i];
        room_plan_state(&u->plan, d->type, d->state_key, d->content);
    }
    plan_power_levels(u);
    return room_plan_make(&u->plan, (struct str){0}, &u->replacement);
}

/* --- the old room --- */

/* Adds m.room.power_levels that silence it, as it is now: making the new room took its time. Where it has none, its
 * creator alone could come here. */
static struct fault plan_silence(struct upgrade *u, struct room_plan *end)
{
    struct arena *a = u->plan.a;
    const struct event *event;
    struct fault fault = room_state_now(end->s, a, u->old, STR("m.room.power_levels"), STR(""), &event);
    if (fault.code)
        return fault;
    const struct json *now = event ? event->content : NULL;
    if (!now && !u->old->version->creators_are_privileged) {
        struct json *users = json_object(a);
        struct json *made = json_object(a);
        json_set_int(a, users, u->plan.caller->user_id, 100);
        json_set(a, made, STR("users"), *users);
        now = made;
    }
    const struct json *silent = power_upgrade_close(a, u->old->version, now);
    if (!event || !json_eq(silent, event->content))
        room_plan_state(end, STR("m.room.power_levels"), STR(""), silent);
    return FAULT_NONE;
}

/* Tombstone, levels and aliases together; without the levels where the caller may not change them so: "if possible". */
static struct fault close_old(struct upgrade *u, struct room *new)
{
    struct room_plan end = {.s = u->plan.s, .a = u->plan.a, .caller = u->plan.caller};
    struct json *content = json_object(end.a);
    json_set_str(end.a, content, STR("body"), STR("This room has been replaced"));
    json_set_str(end.a, content, STR("replacement_room"), u->replacement);
    room_plan_state(&end, STR("m.room.tombstone"), STR(""), content);
    end.drafts[0].aliases_to_nid = new->nid;
    struct fault fault = plan_silence(u, &end);
    if (!fault.code)
        fault = room_append(end.s, end.a, u->old, end.drafts, end.count);
    if (fault.code && end.count > 1 && fault.status < 500)
        fault = room_append(end.s, end.a, u->old, end.drafts, 1);
    return fault;
}

static struct fault replace(struct upgrade *u)
{
    struct room *new;
    struct fault fault = make_replacement(u);
    if (!fault.code)
        fault = room_open(u->plan.s, u->replacement, ROOM_UNKNOWN, &new);
    if (fault.code)
        return fault;
    fault = close_old(u, new);
    if (!fault.code)
        room_upgrade_joined(u->plan.s, u->plan.a, u->plan.caller, new);
    else
        log_warn("room: an upgrade ended half-way, with a room that nothing leads to", LOG_STR("room", u->old->room_id),
                 LOG_STR("replacement", u->replacement), LOG_STR("why", fault.message));
    room_close(u->plan.s, &new);
    return fault;
}

/* --- once --- */

static bool is_what_is_asked_for(const struct upgrade *u, const struct room *new, const struct event *create)
{
    struct str old_id = json_str_at(json_get(create->content, STR("predecessor")), STR("room_id"));
    return new->version == u->plan.version &&str_eq(create->sender, u->plan.caller->user_id) &&
           str_eq(old_id, u->old->room_id) &&
           json_eq(json_get(create->content, STR("additional_creators")), additional_creators_of(u));
}

/* The replacement that the caller has made a moment ago by asking for the same, if that is what the room leads to: a
 * double click, an answer that got lost. */
static struct fault find_recent(struct upgrade *u)
{
    struct services *s = u->plan.s;
    const struct event *tombstone, *create = NULL;
    struct room *new;
    struct fault fault = room_state_now(s, u->plan.a, u->old, STR("m.room.tombstone"), STR(""), &tombstone);
    if (fault.code || !tombstone || !str_eq(tombstone->sender, u->plan.caller->user_id))
        return fault;
    int64_t now_ms = clock_now_ms();
    if (tombstone->origin_server_ts > now_ms || tombstone->origin_server_ts <= now_ms - MOMENT_MS)
        return FAULT_NONE;
    struct str room_id = json_str_at(tombstone->content, STR("replacement_room"));
    if (!room_id_valid(room_id))
        return FAULT_NONE;
    fault = room_open(s, room_id, ROOM_UNKNOWN, &new);
    if (fault.code)
        return fault.code == M_NOT_FOUND ? FAULT_NONE : fault;
    fault = room_state_now(s, u->plan.a, new, STR("m.room.create"), STR(""), &create);
    if (!fault.code && create && is_what_is_asked_for(u, new, create))
        u->replacement = room_id;
    room_close(s, &new);
    return fault;
}

static struct fault replace_in_turn(struct upgrade *u)
{
    struct room_upgrade_turns *turns = rooms_upgrades(u->plan.s->rooms);
    struct room_upgrade_turn turn;
    room_upgrade_turn_begin(turns, &turn, u->old->nid);
    /* Again: somebody may have taken it away while this one waited. */
    struct fault fault = check_power(u);
    if (!fault.code)
        fault = find_recent(u);
    if (!fault.code && !u->replacement.n) {
        fault = replace(u);
        room_upgrade_state_fini(&u->state);
    }
    room_upgrade_turn_end(turns, &turn);
    return fault;
}

struct fault room_upgrade(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                          struct str new_version, const struct json *additional_creators, struct str *replacement_out)
{
    struct upgrade u = {.plan = {.s = s, .a = a, .caller = caller, .version = room_version_find(new_version)}};
    if (!u.plan.version)
        return FAULT_STATUS(M_UNSUPPORTED_ROOM_VERSION, 400, "new_version: this server does not know it");
    struct fault fault = room_plan_check(s, caller);
    if (!fault.code)
        fault = room_open(s, room_id, ROOM_NOT_JOINED, &u.old);
    if (fault.code)
        return fault;
    fault = check_power(&u);
    if (!fault.code)
        fault = read_creators(&u, additional_creators);
    if (!fault.code)
        fault = replace_in_turn(&u);
    room_close(s, &u.old);
    *replacement_out = u.replacement;
    return fault;
}

/* --- those who follow --- */

/* The room that this one replaces, if it is known here and its tombstone leads here: what a room says of itself alone
 * would let anybody pass for the successor of a room. p == NULL: none. */
static struct fault find_predecessor(struct services *s, struct arena *a, struct room *room, struct str *room_id_out)
{
    const struct event *create;
    const struct event *tombstone = NULL;
    struct room *old = NULL;
    *room_id_out = (struct str){0};
    struct fault fault = room_state_now(s, a, room, STR("m.room.create"), STR(""), &create);
    if (fault.code || !create)
        return fault;
    struct str old_id = json_str_at(json_get(create->content, STR("predecessor")), STR("room_id"));
    if (!room_id_valid(old_id))
        return FAULT_NONE;
    fault = room_open(s, old_id, ROOM_UNKNOWN, &old);
    if (fault.code)
        return fault.code == M_NOT_FOUND ? FAULT_NONE : fault;
    fault = room_state_now(s, a, old, STR("m.room.tombstone"), STR(""), &tombstone);
    room_close(s, &old);
    if (!fault.code && tombstone && str_eq(json_str_at(tombstone->content, STR("replacement_room")), room->room_id))
        *room_id_out = old_id;
    return fault;
}

void room_upgrade_joined(struct services *s, struct arena *a, const struct caller *caller, struct room *room)
{
    struct str old_id;
    struct fault fault = find_predecessor(s, a, room, &old_id);
    if (!fault.code && old_id.p)
        fault = account_data_follow(s, caller, old_id, room->room_id);
    if (fault.code)
        log_warn("room: personal settings did not follow to a new room", LOG_STR("user", caller->user_id),
                 LOG_STR("room", room->room_id), LOG_STR("why", fault.message));
}
