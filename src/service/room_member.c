#include "service/room_member.h"

#include "base/log.h"
#include "matrix/id.h"
#include "service/room_upgrade.h"
#include "service/storage.h"
#include "store/profiles.h"
#include "store/rooms.h"
#include "store/users.h"

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

static void add_membership(struct arena *a, struct json *content, struct str membership, struct str reason)
{
    json_set_str(a, content, STR("membership"), membership);
    if (reason.n)
        json_set_str(a, content, STR("reason"), reason);
}

static void add_profile_field(struct store_tx *tx, struct arena *a, int64_t user_nid, struct str field,
                              struct json *content)
{
    struct str text = profiles_get(tx, user_nid, field, a);
    const struct json *value = text.p ? json_parse(a, text, JSON_DEPTH_MAX).value : NULL;
    if (value && json_is(value, JSON_STRING))
        json_set(a, content, field, *value);
}

struct fault room_member_content(struct services *s, struct arena *a, struct str user_id, struct str membership,
                                 struct str reason, struct json **content_out)
{
    struct json *content = *content_out = json_object(a);
    struct store_tx *tx = store_read_begin(s->store);
    int64_t user_nid = users_nid_of(tx, user_id);
    add_profile_field(tx, a, user_nid, STR("avatar_url"), content);
    add_profile_field(tx, a, user_nid, STR("displayname"), content);
    add_membership(a, content, membership, reason);
    return storage_read_end(&tx);
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

/* --- joining --- */

/* Whether the user has joined one of the rooms that the join rule allows people from. */
static struct fault check_allowed_by_rule(struct services *s, const struct json *join_rules, int64_t user_nid,
                                          bool *allowed_out)
{
    const struct json *allow = json_get(join_rules, STR("allow"));
    bool allowed = false;
    struct store_tx *tx = store_read_begin(s->store);
    for (size_t i = 0; json_is(allow, JSON_ARRAY) && i < allow->count && !allowed; i++) {
        struct membership_row row;
        if (!str_eq(json_str_at(&allow->items[i], STR("type")), STR("m.room_membership")))
            continue;
        int64_t room_nid = rooms_nid_of(tx, json_str_at(&allow->items[i], STR("room_id")));
        allowed = room_nid && memberships_get(tx, user_nid, room_nid, &row) && row.membership == MEMBERSHIP_JOIN;
    }
    *allowed_out = allowed;
    return storage_read_end(&tx);
}

/* A joined user of this server with the power to invite, or p == NULL. */
static struct fault find_authoriser(struct services *s, struct arena *a, struct room *room, struct str *user_id_out)
{
    struct power_levels pl;
    struct membership_row *rows;
    struct str found = {0};
    struct fault fault = room_power_now(s, a, room, &pl);
    if (fault.code)
        return fault;
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_room(tx, room->nid, MEMBERSHIP_JOIN, 100000, a, &rows);
    for (size_t i = 0; pl.create && i < count && !found.p; i++) {
        struct str user_id = users_id_of(tx, rows[i].user_nid, a);
        if (str_eq(id_server(user_id), s->options->server_name) &&
            power_level_of(&pl, user_id) >= power_level_to(&pl, POWER_INVITE))
            found = user_id;
    }
    *user_id_out = found;
    return storage_read_end(&tx);
}

/* Adds join_authorised_via_users_server where the room wants it and somebody here can give it. */
static struct fault authorise_join(struct services *s, struct arena *a, struct room *room, const struct caller *caller,
                                   struct json *content)
{
    const struct event *rules;
    if (!room->version->restricted_join)
        return FAULT_NONE;
    struct fault fault = room_state_now(s, a, room, STR("m.room.join_rules"), STR(""), &rules);
    if (fault.code || !rules)
        return fault;
    struct str rule = json_str_at(rules->content, STR("join_rule"));
    if (!str_eq(rule, STR("restricted")) && !(room->version->knock_restricted && str_eq(rule, STR("knock_restricted"))))
        return FAULT_NONE;
    enum membership now;
    bool allowed = false;
    struct str authoriser = {0};
    fault = room_membership_now(s, a, room, caller->user_id, &now);
    if (fault.code || now == MEMBERSHIP_JOIN || now == MEMBERSHIP_INVITE)
        return fault;
    fault = check_allowed_by_rule(s, rules->content, caller->user_nid, &allowed);
    if (!fault.code && allowed)
        fault = find_authoriser(s, a, room, &authoriser);
    if (!fault.code && authoriser.p)
        json_set_str(a, content, STR("join_authorised_via_users_server"), authoriser);
    return fault;
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

/* Who is not in the room learns nothing of who else is. */
static struct fault check_other(struct services *s, struct arena *a, const struct caller *caller, struct room *room,
                                struct str user_id, struct str action)
{
    enum membership now = MEMBERSHIP_NONE;
    struct fault fault = room_check_joined(s, a, room, caller->user_id);
    if (!fault.code)
        fault = room_membership_now(s, a, room, user_id, &now);
    return fault.code ? fault : check_target(now, action);
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
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    fault = check_other(s, a, caller, room, user_id, action);
    /* Profiles are shown with those who come; kicks and bans carry none. */
    struct json *content = json_object(a);
    if (!fault.code && str_eq(action, STR("invite")))
        fault = room_member_content(s, a, user_id, membership, reason, &content);
    else
        add_membership(a, content, membership, reason);
    if (!fault.code)
        fault = append_member(s, a, caller, room, user_id, content);
    room_close(s, &room);
    return fault;
}

struct fault room_join(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str reason)
{
    struct room *room;
    enum membership now;
    struct json *content;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    fault = room_membership_now(s, a, room, caller->user_id, &now);
    if (!fault.code && now != MEMBERSHIP_JOIN) {
        fault = room_member_content(s, a, caller->user_id, STR("join"), reason, &content);
        if (!fault.code)
            fault = authorise_join(s, a, room, caller, content);
        if (!fault.code)
            fault = append_member(s, a, caller, room, caller->user_id, content);
        if (!fault.code)
            room_upgrade_joined(s, a, caller, room);
    }
    room_close(s, &room);
    return fault;
}

struct fault room_knock(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason)
{
    struct room *room;
    struct json *content;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    fault = room_member_content(s, a, caller->user_id, STR("knock"), reason, &content);
    if (!fault.code)
        fault = append_member(s, a, caller, room, caller->user_id, content);
    room_close(s, &room);
    return fault;
}

struct fault room_leave(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason)
{
    struct room *room;
    enum membership now;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    fault = room_membership_now(s, a, room, caller->user_id, &now);
    if (!fault.code && now == MEMBERSHIP_NONE)
        fault = ROOM_NOT_JOINED;
    if (!fault.code && now != MEMBERSHIP_LEAVE) {
        struct json *content = json_object(a);
        add_membership(a, content, STR("leave"), reason);
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
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
    struct json *copy = json_shallow_copy(a, content);
    json_unset(copy, STR("join_authorised_via_users_server")); /* the server's to give, never the client's */
    if (own && str_eq(membership, STR("join")))
        fault = authorise_join(s, a, room, caller, copy);
    struct room_draft draft = member_draft(caller, user_id, copy);
    enum membership before = MEMBERSHIP_NONE;
    if (!fault.code)
        fault = room_membership_now(s, a, room, user_id, &before);
    if (!fault.code)
        fault = room_append(s, a, room, &draft, 1);
    *event_id_out = draft.event_id;
    if (!fault.code && own && before != MEMBERSHIP_JOIN && str_eq(membership, STR("join")))
        room_upgrade_joined(s, a, caller, room);
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

struct fault room_forget(struct services *s, const struct caller *caller, struct str room_id)
{
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_UNKNOWN, &room);
    if (fault.code)
        return fault;
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

/* False, and no rooms, if they could not be read. */
static bool rooms_of(struct services *s, struct arena *a, int64_t user_nid, struct room_nids *list_out)
{
    struct membership_row *rows;
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_user(tx, user_nid, a, &rows);
    bool ok = store_read_end(&tx);
    count = ok ? count : 0;
    *list_out = (struct room_nids){
        .nids = ARENA_ARRAY(a, count, int64_t),
        .memberships = ARENA_ARRAY(a, count, enum membership),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        list_out->nids[i] = rows[i].room_nid;
        list_out->memberships[i] = rows[i].membership;
    }
    return ok;
}

/* False if the user is in the room still, because the database failed. What a room's rules forbid, they forbid for
 * good. */
static bool leave_for_good(struct services *s, struct arena *a, const struct caller *caller, int64_t room_nid)
{
    struct room *room;
    struct json *content = json_object(a);
    json_set_str(a, content, STR("membership"), STR("leave"));
    struct fault fault = room_open_nid(s, room_nid, ROOM_UNKNOWN, &room);
    if (!fault.code)
        fault = append_member(s, a, caller, room, caller->user_id, content);
    if (fault.code)
        log_warn("room: a deactivated user could not leave", LOG_INT("room_nid", room_nid),
                 LOG_STR("why", fault.message));
    room_close(s, &room);
    return fault.status < 500;
}

enum account_departure rooms_user_deactivated(struct services *s, int64_t user_nid, struct str user_id,
                                              size_t rooms_max)
{
    struct arena *a = arena_new();
    struct caller caller = {.user_nid = user_nid, .user_id = user_id};
    struct room_nids list;
    bool ok = rooms_of(s, a, user_nid, &list);
    size_t left = 0;
    size_t i = 0;
    for (; i < list.count && left < rooms_max; i++) {
        enum membership m = list.memberships[i];
        if (m != MEMBERSHIP_JOIN && m != MEMBERSHIP_INVITE && m != MEMBERSHIP_KNOCK)
            continue;
        struct arena_mark mark = arena_mark(a);
        ok = leave_for_good(s, a, &caller, list.nids[i]) && ok;
        arena_release(a, mark);
        left++;
    }
    arena_free(&a);
    return !ok ? DEPARTURE_FAILED : i < list.count ? DEPARTURE_MORE : DEPARTURE_DONE;
}
