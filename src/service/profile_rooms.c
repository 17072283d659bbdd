#include "service/profile_rooms.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/room_member.h"
#include "service/storage.h"
#include "store/profile_updates.h"
#include "store/users.h"

static const struct str names[] = {STR_INIT("avatar_url"), STR_INIT("displayname")};
/* What belonged to the joining itself. */
static const struct str left_behind[] = {STR_INIT("reason"), STR_INIT("third_party_invite"),
                                         STR_INIT("join_authorised_via_users_server")};

/* The member event's content with the names that a new one would have. */
static struct json *new_content(struct arena *a, const struct json *old, const struct json *fresh)
{
    struct json *content = json_shallow_copy(a, old);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *name = json_get(fresh, names[i]);
        if (name)
            json_set(a, content, names[i], *name);
        else
            json_unset(content, names[i]);
    }
    for (size_t i = 0; i < sizeof left_behind / sizeof left_behind[0]; i++)
        json_unset(content, left_behind[i]);
    return content;
}

static bool same_names(const struct json *content, const struct json *fresh)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *now = json_get(content, names[i]);
        const struct json *name = json_get(fresh, names[i]);
        if (!now != !name || (name && !json_eq(now, name)))
            return false;
    }
    return true;
}

/* A fault only if the database failed; what the room's rules forbid, they forbid for good. */
static struct fault tell_room(struct services *s, struct arena *a, const struct caller *caller, int64_t room_nid,
                              const struct json *fresh)
{
    struct room *room;
    const struct event *member = NULL;
    struct fault fault = room_open_nid(s, room_nid, ROOM_UNKNOWN, &room);
    if (!fault.code)
        fault = room_state_now(s, a, room, STR("m.room.member"), caller->user_id, &member);
    bool joined = member && str_eq(event_membership(member), STR("join"));
    if (joined && !same_names(member->content, fresh)) {
        struct room_draft draft = {.type = STR("m.room.member"),
                                   .sender = caller->user_id,
                                   .sender_nid = caller->user_nid,
                                   .has_state_key = true,
                                   .state_key = caller->user_id,
                                   .content = new_content(a, member->content, fresh)};
        fault = room_append(s, a, room, &draft, 1);
    }
    room_close(s, &room);
    if (fault.code && fault.status < 500) {
        log_info("a room refused a new profile", LOG_INT("room_nid", room_nid), LOG_STR("why", fault.message));
        return FAULT_NONE;
    }
    return fault;
}

static bool run_move(struct store_tx *tx, void *arg)
{
    profile_updates_move(tx, arg);
    return true;
}

static bool run_done(struct store_tx *tx, void *arg)
{
    profile_updates_done(tx, arg);
    return true;
}

/* Tells the next rooms, at least one, and notes how far it has come. */
static struct fault tell_some(struct services *s, struct arena *a, const struct caller *caller,
                              struct profile_update *update, int64_t until_ms)
{
    struct json *fresh;
    struct membership_row *rows;
    size_t told = 0;
    bool more = false;
    struct fault fault = room_member_content(s, a, caller->user_id, STR("join"), (struct str){0}, &fresh);
    if (fault.code)
        return fault;
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_user(tx, caller->user_nid, a, &rows);
    fault = storage_read_end(&tx);
    for (size_t i = 0; i < count && !fault.code && !more; i++) {
        if (rows[i].membership != MEMBERSHIP_JOIN || rows[i].room_nid <= update->after_room)
            continue;
        more = told == PROFILE_ROOMS_AT_ONCE || (told > 0 && clock_mono_ms() >= until_ms);
        if (more)
            break;
        struct arena_mark mark = arena_mark(a);
        fault = tell_room(s, a, caller, rows[i].room_nid, fresh);
        arena_release(a, mark);
        if (!fault.code)
            update->after_room = rows[i].room_nid;
        told++;
    }
    if (fault.code)
        return fault;
    return storage_write(s, (struct store_job){.run = more ? run_move : run_done, .arg = update}, NULL);
}

void profile_rooms_changed(struct services *s, struct arena *a, const struct caller *caller)
{
    struct profile_update update;
    struct store_tx *tx = store_read_begin(s->store);
    bool found = profile_updates_get(tx, caller->user_nid, &update);
    struct fault fault = storage_read_end(&tx);
    if (!fault.code && found)
        fault = tell_some(s, a, caller, &update, clock_mono_ms() + PROFILE_ROOMS_TICK_MS);
    if (fault.code)
        log_warn("rooms will be told of a new profile later", LOG_STR("user", caller->user_id));
}

void profile_rooms_tick(struct services *s)
{
    struct profile_update updates[PROFILE_ROOMS_USERS];
    struct caller callers[PROFILE_ROOMS_USERS];
    struct arena *a = arena_new();
    int64_t until_ms = clock_mono_ms() + PROFILE_ROOMS_TICK_MS;
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = profile_updates_next(tx, updates, PROFILE_ROOMS_USERS);
    for (size_t i = 0; i < count; i++)
        callers[i] =
            (struct caller){.user_nid = updates[i].user_nid, .user_id = users_id_of(tx, updates[i].user_nid, a)};
    struct fault fault = storage_read_end(&tx);
    for (size_t i = 0; i < count && !fault.code && (i == 0 || clock_mono_ms() < until_ms); i++)
        fault = tell_some(s, a, &callers[i], &updates[i], until_ms);
    arena_free(&a);
}
