#include "service/room_alias.h"

#include "matrix/id.h"
#include "service/room.h"
#include "service/storage.h"
#include "store/rooms.h"

static const struct fault no_alias = {.code = M_NOT_FOUND, .message = STR_INIT("There is no such room alias")};

static struct fault check_local(const struct services *s, struct str alias)
{
    if (!room_alias_valid(alias))
        return FAULT(M_INVALID_PARAM, "Not a valid room alias");
    if (!str_eq(id_server(alias), s->options->server_name))
        return FAULT(M_INVALID_PARAM, "The alias belongs to another server");
    return FAULT_NONE;
}

struct alias_job {
    struct str alias;
    int64_t room_nid;
    int64_t creator_nid;
};

static bool set_run(struct store_tx *tx, void *arg)
{
    struct alias_job *job = arg;
    return room_aliases_insert(tx, job->alias, job->room_nid, job->creator_nid);
}

static bool delete_run(struct store_tx *tx, void *arg)
{
    struct alias_job *job = arg;
    room_aliases_delete(tx, job->alias);
    return true;
}

struct fault room_alias_set(struct services *s, struct arena *a, const struct caller *caller, struct str alias,
                            struct str room_id)
{
    static const struct fault taken = {
        .code = M_UNKNOWN, .status = 409, .message = STR_INIT("The room alias exists already")};
    struct fault fault = check_local(s, alias);
    if (fault.code)
        return fault;
    struct room *room;
    fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = room_check_joined(s, a, room, caller->user_id);
    if (!fault.code) {
        struct alias_job job = {alias, room->nid, caller->user_nid};
        fault = storage_write(s, (struct store_job){.run = set_run, .arg = &job}, &taken);
    }
    room_close(s, &room);
    return fault;
}

/* Whether the caller may take the alias away: their own, or with power in the room. */
static struct fault check_may_delete(struct services *s, struct arena *a, struct room *room,
                                     const struct caller *caller, int64_t creator_nid)
{
    struct power_levels pl;
    enum membership now = MEMBERSHIP_NONE;
    if (creator_nid == caller->user_nid || caller->is_admin)
        return FAULT_NONE;
    struct fault fault = room_power_now(s, a, room, &pl);
    if (!fault.code)
        fault = room_membership_now(s, a, room, caller->user_id, &now);
    if (fault.code)
        return fault;
    bool may = pl.create && now == MEMBERSHIP_JOIN &&
               power_level_of(&pl, caller->user_id) >= power_level_to_send(&pl, STR("m.room.canonical_alias"), true);
    return may ? FAULT_NONE : FAULT(M_FORBIDDEN, "You may not delete this alias");
}

/* Takes a deleted alias out of m.room.canonical_alias, if the caller may; if not, the alias is gone all the same. */
static void drop_canonical(struct services *s, struct arena *a, struct room *room, const struct caller *caller,
                           struct str alias)
{
    const struct event *now;
    struct fault fault = room_state_now(s, a, room, STR("m.room.canonical_alias"), STR(""), &now);
    if (fault.code || !now)
        return;
    struct json *content = json_shallow_copy(a, now->content);
    if (str_eq(json_str_at(content, STR("alias")), alias))
        json_unset(content, STR("alias"));
    const struct json *alternatives = json_get(now->content, STR("alt_aliases"));
    if (json_is(alternatives, JSON_ARRAY)) {
        struct json *rest = json_array(a);
        for (size_t i = 0; i < alternatives->count; i++)
            if (!json_is(&alternatives->items[i], JSON_STRING) || !str_eq(alternatives->items[i].s, alias))
                json_push(a, rest, alternatives->items[i]);
        json_set(a, content, STR("alt_aliases"), *rest);
    }
    if (json_eq(content, now->content))
        return;
    struct room_draft draft = {.type = STR("m.room.canonical_alias"),
                               .sender = caller->user_id,
                               .sender_nid = caller->user_nid,
                               .has_state_key = true,
                               .state_key = STR(""),
                               .content = content};
    fault = room_append(s, a, room, &draft, 1);
    (void)fault; /* "the request should still succeed" (DELETE /directory/room) */
}

struct fault room_alias_delete(struct services *s, struct arena *a, const struct caller *caller, struct str alias)
{
    int64_t creator_nid;
    struct fault fault = check_local(s, alias);
    if (fault.code)
        return fault;
    struct store_tx *tx = store_read_begin(s->store);
    int64_t room_nid = room_aliases_find(tx, alias, &creator_nid);
    fault = storage_read_end(&tx);
    if (fault.code || !room_nid)
        return fault.code ? fault : no_alias;
    struct room *room;
    fault = room_open_nid(s, room_nid, no_alias, &room);
    if (fault.code)
        return fault;
    fault = check_may_delete(s, a, room, caller, creator_nid);
    if (!fault.code) {
        struct alias_job job = {.alias = alias};
        fault = storage_write(s, (struct store_job){.run = delete_run, .arg = &job}, NULL);
    }
    if (!fault.code)
        drop_canonical(s, a, room, caller, alias);
    room_close(s, &room);
    return fault;
}

struct fault room_alias_list(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct json **aliases_out)
{
    struct room *room;
    const struct event *visibility;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = room_state_now(s, a, room, STR("m.room.history_visibility"), STR(""), &visibility);
    bool open =
        visibility && str_eq(json_str_at(visibility->content, STR("history_visibility")), STR("world_readable"));
    if (!fault.code && !open)
        fault = room_check_joined(s, a, room, caller->user_id);
    if (!fault.code) {
        struct store_tx *tx = store_read_begin(s->store);
        struct room_aliases list = room_aliases_of(tx, room->nid, a);
        fault = storage_read_end(&tx);
        *aliases_out = json_array(a);
        for (size_t i = 0; i < list.count; i++)
            json_push(a, *aliases_out, json_string(list.items[i]));
    }
    room_close(s, &room);
    return fault;
}
