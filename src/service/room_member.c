#include "service/room_member.h"

#include "base/log.h"
#include "matrix/id.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/profiles.h"
#include "store/rooms.h"
#include "store/users.h"

static const struct fault no_room = {.code = M_NOT_FOUND, .message = STR_INIT("This server does not know the room")};

struct fault room_resolve(struct services *s, struct arena *a, struct str room_id_or_alias, struct str *room_id_out)
{
    if (str_starts(room_id_or_alias, STR("!"))) {
        *room_id_out = room_id_or_alias;
        return room_id_valid(room_id_or_alias) ? FAULT_NONE : FAULT(M_INVALID_PARAM, "Not a valid room id");
    }
    if (!room_alias_valid(room_id_or_alias))
        return FAULT(M_INVALID_PARAM, "Not a valid room id or alias");
    if (!str_eq(id_server(room_id_or_alias), s->options->server_name))
        return FAULT(M_NOT_FOUND, "The alias belongs to another server, and this one does not federate yet");
    struct str version;
    int64_t creator_nid;
    struct store_tx *tx = store_read_begin(s->store);
    int64_t room_nid = room_aliases_find(tx, room_id_or_alias, &creator_nid);
    bool found = room_nid && rooms_get(tx, room_nid, a, room_id_out, &version);
    if (!store_read_end(&tx))
        return STORAGE_FAULT;
    return found ? FAULT_NONE : FAULT(M_NOT_FOUND, "There is no such room alias");
}

/* --- content --- */

static void add_profile_field(struct store_tx *tx, struct arena *a, int64_t user_nid, struct str field,
                              struct json *content)
{
    struct str text = profiles_get(tx, user_nid, field, a);
    const struct json *value = text.p ? json_parse(a, text, JSON_DEPTH_MAX).value : NULL;
    if (value && json_is(value, JSON_STRING))
        json_set(a, content, field, *value);
}

struct json *room_member_content(struct services *s, struct arena *a, struct str user_id, struct str membership,
                                 struct str reason)
{
    struct json *content = json_object(a);
    struct store_tx *tx = store_read_begin(s->store);
    int64_t user_nid = users_nid_of(tx, user_id);
    add_profile_field(tx, a, user_nid, STR("avatar_url"), content);
    add_profile_field(tx, a, user_nid, STR("displayname"), content);
    if (!store_read_end(&tx))
        log_warn("room: a profile could not be read");
    json_set_str(a, content, STR("membership"), membership);
    if (reason.n)
        json_set_str(a, content, STR("reason"), reason);
    return content;
}

static struct room_draft member_draft(const struct caller *caller, struct str user_id, const struct json *content)
{
    return (struct room_draft){.type = STR("m.room.member"),
                               .sender = caller->user_id,
                               .sender_nid = caller->user_nid,
                               .has_state_key = true,
                               .state_key = user_id,
                               .content = content};
}

/* The user's membership in the newest state. */
static enum membership membership_now(struct services *s, struct arena *a, struct room *room, struct str user_id)
{
    const struct event *member = room_state_now(s, a, room, STR("m.room.member"), user_id);
    return member ? membership_parse(event_membership(member)) : MEMBERSHIP_NONE;
}

/* --- joining --- */

/* True if the user has joined one of the rooms that the join rule allows people from. */
static bool is_allowed_by_rule(struct services *s, struct arena *a, const struct json *join_rules, int64_t user_nid)
{
    const struct json *allow = json_get(join_rules, STR("allow"));
    bool allowed = false;
    (void)a;
    struct store_tx *tx = store_read_begin(s->store);
    for (size_t i = 0; json_is(allow, JSON_ARRAY) && i < allow->count && !allowed; i++) {
        struct membership_row row;
        if (!str_eq(json_str_at(&allow->items[i], STR("type")), STR("m.room_membership")))
            continue;
        int64_t room_nid = rooms_nid_of(tx, json_str_at(&allow->items[i], STR("room_id")));
        allowed = room_nid && memberships_get(tx, user_nid, room_nid, &row) && row.membership == MEMBERSHIP_JOIN;
    }
    return store_read_end(&tx) && allowed;
}

/* A joined user of this server with the power to invite, or p == NULL. */
static struct str find_authoriser(struct services *s, struct arena *a, struct room *room)
{
    struct power_levels pl = {room_state_now(s, a, room, STR("m.room.create"), STR("")),
                              room_state_now(s, a, room, STR("m.room.power_levels"), STR(""))};
    struct membership_row *rows;
    struct str found = {0};
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_room(tx, room->nid, MEMBERSHIP_JOIN, 100000, a, &rows);
    for (size_t i = 0; pl.create && i < count && !found.p; i++) {
        struct str user_id = users_id_of(tx, rows[i].user_nid, a);
        if (str_eq(id_server(user_id), s->options->server_name) &&
            power_level_of(&pl, user_id) >= power_level_to(&pl, POWER_INVITE))
            found = user_id;
    }
    return store_read_end(&tx) ? found : (struct str){0};
}

/* Adds join_authorised_via_users_server where the room wants it and somebody here can give it. */
static void authorise_join(struct services *s, struct arena *a, struct room *room, const struct caller *caller,
                           struct json *content)
{
    if (!room->version->restricted_join)
        return;
    const struct event *rules = room_state_now(s, a, room, STR("m.room.join_rules"), STR(""));
    struct str rule = rules ? json_str_at(rules->content, STR("join_rule")) : (struct str){0};
    bool restricted =
        str_eq(rule, STR("restricted")) || (room->version->knock_restricted && str_eq(rule, STR("knock_restricted")));
    if (!rules || !restricted)
        return;
    enum membership now = membership_now(s, a, room, caller->user_id);
    if (now == MEMBERSHIP_JOIN || now == MEMBERSHIP_INVITE ||
        !is_allowed_by_rule(s, a, rules->content, caller->user_nid))
        return;
    struct str authoriser = find_authoriser(s, a, room);
    if (authoriser.p)
        json_set_str(a, content, STR("join_authorised_via_users_server"), authoriser);
}

/* --- one way for all of them --- */

/* What the authorisation rules do not ask, because to them leaving is leaving: kicking wants somebody who is there,
 * unbanning somebody who is banned. */
static struct fault check_target(enum membership now, struct str action)
{
    if (str_eq(action, STR("kick")) && now != MEMBERSHIP_JOIN && now != MEMBERSHIP_INVITE && now != MEMBERSHIP_KNOCK)
        return FAULT_STATUS(M_FORBIDDEN, 403, "The user is not in this room");
    if (str_eq(action, STR("unban")) && now != MEMBERSHIP_BAN)
        return FAULT_STATUS(M_BAD_STATE, 403, "The user is not banned from this room");
    if (str_eq(action, STR("invite")) && now == MEMBERSHIP_JOIN)
        return FAULT(M_FORBIDDEN, "The user is in this room already");
    return FAULT_NONE;
}

static struct fault append_member(struct services *s, struct arena *a, const struct caller *caller, struct room *room,
                                  struct str user_id, const struct json *content)
{
    struct room_draft draft = member_draft(caller, user_id, content);
    return room_append(s, a, room, &draft, 1);
}

/* Changes somebody's membership at the caller's wish; `action` is for the checks alone. */
static struct fault change_other(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                 struct str user_id, struct str action, struct str membership, struct str reason)
{
    if (!user_id_valid(user_id))
        return FAULT(M_INVALID_PARAM, "user_id: not a valid user id");
    if (str_eq(action, STR("invite")) && !str_eq(id_server(user_id), s->options->server_name))
        return FAULT_STATUS(M_UNKNOWN, 400,
                            "user_id: this server does not federate yet; only its own users can be invited");
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    /* Who is not in the room learns nothing of who else is. */
    struct fault fault = membership_now(s, a, room, caller->user_id) == MEMBERSHIP_JOIN
                             ? check_target(membership_now(s, a, room, user_id), action)
                             : FAULT(M_FORBIDDEN, "You are not in this room");
    if (!fault.code) {
        /* Profiles are shown with those who come; kicks and bans carry none. */
        struct json *content =
            str_eq(action, STR("invite")) ? room_member_content(s, a, user_id, membership, reason) : json_object(a);
        json_set_str(a, content, STR("membership"), membership);
        if (reason.n)
            json_set_str(a, content, STR("reason"), reason);
        fault = append_member(s, a, caller, room, user_id, content);
    }
    room_close(s, &room);
    return fault;
}

struct fault room_join(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str reason)
{
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    struct fault fault = FAULT_NONE;
    if (membership_now(s, a, room, caller->user_id) != MEMBERSHIP_JOIN) {
        struct json *content = room_member_content(s, a, caller->user_id, STR("join"), reason);
        authorise_join(s, a, room, caller, content);
        fault = append_member(s, a, caller, room, caller->user_id, content);
    }
    room_close(s, &room);
    return fault;
}

struct fault room_knock(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason)
{
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    struct json *content = room_member_content(s, a, caller->user_id, STR("knock"), reason);
    struct fault fault = append_member(s, a, caller, room, caller->user_id, content);
    room_close(s, &room);
    return fault;
}

struct fault room_leave(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason)
{
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    struct fault fault = FAULT_NONE;
    enum membership now = membership_now(s, a, room, caller->user_id);
    if (now == MEMBERSHIP_NONE) {
        fault = FAULT(M_FORBIDDEN, "You are not in this room");
    } else if (now != MEMBERSHIP_LEAVE) {
        struct json *content = json_object(a);
        json_set_str(a, content, STR("membership"), STR("leave"));
        if (reason.n)
            json_set_str(a, content, STR("reason"), reason);
        fault = append_member(s, a, caller, room, caller->user_id, content);
    }
    room_close(s, &room);
    return fault;
}

struct fault room_invite(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str user_id, struct str reason)
{
    return change_other(s, a, caller, room_id, user_id, STR("invite"), STR("invite"), reason);
}

struct fault room_kick(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str user_id, struct str reason)
{
    return change_other(s, a, caller, room_id, user_id, STR("kick"), STR("leave"), reason);
}

struct fault room_ban(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                      struct str user_id, struct str reason)
{
    return change_other(s, a, caller, room_id, user_id, STR("ban"), STR("ban"), reason);
}

struct fault room_unban(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str user_id, struct str reason)
{
    return change_other(s, a, caller, room_id, user_id, STR("unban"), STR("leave"), reason);
}

struct fault room_member_put(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct str user_id, const struct json *content, struct str *event_id_out)
{
    struct str membership = json_str_at(content, STR("membership"));
    bool own = str_eq(user_id, caller->user_id);
    if (!user_id_valid(user_id))
        return FAULT(M_INVALID_PARAM, "stateKey: not a valid user id");
    if (str_eq(membership, STR("invite")) && !str_eq(id_server(user_id), s->options->server_name))
        return FAULT_STATUS(M_UNKNOWN, 400, "This server does not federate yet; only its own users can be invited");
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    struct json *copy = json_shallow_copy(a, content);
    json_unset(copy, STR("join_authorised_via_users_server")); /* the server's to give, never the client's */
    if (own && str_eq(membership, STR("join")))
        authorise_join(s, a, room, caller, copy);
    struct room_draft draft = member_draft(caller, user_id, copy);
    struct fault fault = room_append(s, a, room, &draft, 1);
    *event_id_out = draft.event_id;
    room_close(s, &room);
    return fault;
}

/* --- forgetting --- */

struct forget_job {
    int64_t user_nid;
    int64_t room_nid;
    bool still_there;
};

static bool forget_run(struct store_tx *tx, void *arg)
{
    struct forget_job *job = arg;
    struct membership_row row;
    memberships_get(tx, job->user_nid, job->room_nid, &row);
    job->still_there = row.membership != MEMBERSHIP_LEAVE && row.membership != MEMBERSHIP_BAN;
    if (!job->still_there)
        memberships_forget(tx, job->user_nid, job->room_nid);
    return true;
}

struct fault room_forget(struct services *s, struct arena *a, const struct caller *caller, struct str room_id)
{
    (void)a;
    struct room *room = room_open(s, room_id);
    if (!room)
        return no_room;
    struct forget_job job = {.user_nid = caller->user_nid, .room_nid = room->nid};
    room_close(s, &room);
    if (store_write(s->store, forget_run, &job) != STORE_OK)
        return STORAGE_FAULT;
    return job.still_there ? FAULT_STATUS(M_UNKNOWN, 400, "You must leave the room before you can forget it")
                           : FAULT_NONE;
}

/* --- hooks --- */

struct room_nids {
    int64_t *nids;
    enum membership *memberships;
    size_t count;
};

static struct room_nids rooms_of(struct services *s, struct arena *a, int64_t user_nid)
{
    struct membership_row *rows;
    struct store_tx *tx = store_read_begin(s->store);
    struct room_nids list = {.count = memberships_of_user(tx, user_nid, a, &rows)};
    if (!store_read_end(&tx))
        list.count = 0;
    list.nids = ARENA_ARRAY(a, list.count, int64_t);
    list.memberships = ARENA_ARRAY(a, list.count, enum membership);
    for (size_t i = 0; i < list.count; i++) {
        list.nids[i] = rows[i].room_nid;
        list.memberships[i] = rows[i].membership;
    }
    return list;
}

static void update_profile_in(struct services *s, struct arena *a, const struct caller *caller, int64_t room_nid)
{
    struct room *room = room_open_nid(s, room_nid);
    if (!room)
        return;
    struct json *content = room_member_content(s, a, caller->user_id, STR("join"), (struct str){0});
    struct fault fault = append_member(s, a, caller, room, caller->user_id, content);
    if (fault.code)
        log_info("room: a profile change was refused", LOG_STR("room", room->room_id), LOG_STR("why", fault.message));
    room_close(s, &room);
}

void rooms_profile_changed(struct services *s, struct arena *a, const struct caller *caller)
{
    struct room_nids list = rooms_of(s, a, caller->user_nid);
    for (size_t i = 0; i < list.count; i++) {
        struct arena_mark mark = arena_mark(a);
        if (list.memberships[i] == MEMBERSHIP_JOIN)
            update_profile_in(s, a, caller, list.nids[i]);
        arena_release(a, mark);
    }
}

void rooms_user_deactivated(struct services *s, int64_t user_nid, struct str user_id)
{
    struct arena *a = arena_new();
    struct caller caller = {.user_nid = user_nid, .user_id = user_id};
    struct room_nids list = rooms_of(s, a, user_nid);
    for (size_t i = 0; i < list.count; i++) {
        enum membership m = list.memberships[i];
        if (m != MEMBERSHIP_JOIN && m != MEMBERSHIP_INVITE && m != MEMBERSHIP_KNOCK)
            continue;
        struct room *room = room_open_nid(s, list.nids[i]);
        if (!room)
            continue;
        struct json *content = json_object(a);
        json_set_str(a, content, STR("membership"), STR("leave"));
        struct fault fault = append_member(s, a, &caller, room, user_id, content);
        if (fault.code)
            log_warn("room: a deactivated user could not leave", LOG_STR("room", room->room_id),
                     LOG_STR("why", fault.message));
        room_close(s, &room);
    }
    arena_free(&a);
}
