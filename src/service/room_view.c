#include "service/room_view.h"

#include "base/clock.h"
#include "matrix/event_stored.h"
#include "service/ignored_users.h"
#include "service/room_bundle.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

int64_t room_view_state_nid(struct room_view *v, int64_t root, struct str type, struct str state_key)
{
    int64_t key_nid = root ? state_keys_find(v->tx, type, state_key) : 0;
    return key_nid ? state_map_get(v->tx, root, key_nid) : 0;
}

bool room_view_parse(struct room_view *v, const struct event_row *row, struct event *event_out)
{
    return event_read_stored(v->a, v->version, row->event_id, row->pdu, event_out);
}

bool room_view_load(struct room_view *v, int64_t event_nid, struct event_row *row_out, struct event *event_out)
{
    return event_nid && events_by_nid(v->tx, event_nid, v->a, row_out) && room_view_parse(v, row_out, event_out);
}

void room_view_init(struct room_view *v, struct services *s, struct store_tx *tx, struct arena *a, int64_t room_nid,
                    struct str room_id, const struct room_version *version, const struct caller *caller)
{
    *v = (struct room_view){.s = s,
                            .tx = tx,
                            .a = a,
                            .room_nid = room_nid,
                            .room_id = room_id,
                            .version = version,
                            .caller = *caller,
                            .now_ms = clock_now_ms(),
                            .bundle_left = ROOM_VIEW_BUNDLE_MAX};
    memberships_get(tx, caller->user_nid, room_nid, &v->own);
    v->joined_until = v->own.joined_until;
}

static bool load_state_event(struct room_view *v, int64_t root, struct str type, struct str state_key,
                             struct event *event_out)
{
    struct event_row row;
    return room_view_load(v, room_view_state_nid(v, root, type, state_key), &row, event_out);
}

/* Membership and history visibility under a root, from memory if it is the root asked for last. */
static struct room_view_state look_up(struct room_view *v, int64_t root)
{
    struct event event;
    if (v->last.known && v->last.root == root)
        return v->last;
    v->last = (struct room_view_state){.known = true, .root = root, .visibility = HISTORY_SHARED};
    if (load_state_event(v, root, STR("m.room.member"), v->caller.user_id, &event))
        v->last.membership = membership_parse(event_membership(&event));
    if (load_state_event(v, root, STR("m.room.history_visibility"), STR(""), &event))
        v->last.visibility = history_visibility_of(&event);
    return v->last;
}

/* The only events that are judged by the state after them too: what changes the visibility or the own membership. */
static bool is_judged_twice(struct room_view *v, const struct event_row *row)
{
    struct event event;
    return row->state_after != row->state_before && room_view_parse(v, row, &event) &&
           (event_is_state(&event, STR("m.room.member"), v->caller.user_id) ||
            event_is_state(&event, STR("m.room.history_visibility"), STR("")));
}

bool room_view_ignores(struct room_view *v, const struct event_row *row)
{
    return v->ignored && !row->state_key_nid &&
           ignored_users_has(v->ignored, users_id_of(v->tx, row->sender_nid, v->a));
}

bool room_view_permits(struct room_view *v, const struct event_row *row, enum membership *membership_out)
{
    struct room_view_state before = look_up(v, row->state_before);
    struct room_view_state after = is_judged_twice(v, row) ? look_up(v, row->state_after) : before;
    *membership_out = after.membership;
    if (row->event_nid == v->own.event_nid)
        return true; /* the user always learns of having been invited, banned or turned away */
    struct history_view view = {.visibility_before = before.visibility,
                                .visibility_after = after.visibility,
                                .membership_before = membership_name(before.membership),
                                .membership_after = membership_name(after.membership),
                                .joined_later = row->pos < v->joined_until};
    return history_visible(&view);
}

bool room_view_allows(struct room_view *v, const struct event_row *row, enum membership *membership_out)
{
    *membership_out = MEMBERSHIP_NONE;
    return !room_view_ignores(v, row) && room_view_permits(v, row, membership_out);
}

bool room_view_is_world_readable(struct room_view *v, int64_t root)
{
    return look_up(v, root).visibility == HISTORY_WORLD_READABLE;
}

/* --- the client form --- */

static void copy_member(struct arena *a, const struct json *from, struct json *to, struct str key)
{
    const struct json *value = json_get(from, key);
    if (value)
        json_set(a, to, key, *value);
}

/* Redactions name their target at both places, whatever the room version (room version 11, "Moving the redacts key").
 */
static void set_redacts(struct arena *a, const struct event *event, struct json *out)
{
    if (!event->redacts.n || !str_eq(event->type, STR("m.room.redaction")))
        return;
    struct json *content = json_shallow_copy(a, event->content);
    json_set_str(a, content, STR("redacts"), event->redacts);
    json_set(a, out, STR("content"), *content);
    json_set_str(a, out, STR("redacts"), event->redacts);
}

/* The event without `unsigned`. */
static struct json *bare_event(struct room_view *v, const struct event *event, bool with_room_id)
{
    struct json *out = json_object(v->a);
    copy_member(v->a, event->json, out, STR("content"));
    json_set_str(v->a, out, STR("event_id"), event->event_id);
    copy_member(v->a, event->json, out, STR("origin_server_ts"));
    if (with_room_id)
        json_set_str(v->a, out, STR("room_id"), v->room_id);
    json_set_str(v->a, out, STR("sender"), event->sender);
    if (event->has_state_key)
        json_set_str(v->a, out, STR("state_key"), event->state_key);
    json_set_str(v->a, out, STR("type"), event->type);
    set_redacts(v->a, event, out);
    return out;
}

static void set_relations(struct room_view *v, const struct event_row *row, const struct event *event, struct json *out)
{
    const struct json *bundle = room_bundle(v, row, event);
    if (bundle)
        json_set(v->a, out, STR("m.relations"), *bundle);
}

/* "A copy of the m.room.redaction event" ("Redactions"), by which clients know redacted events. Whom history visibility
 * keeps from it is not told what it says, as if it were redacted itself. */
static struct json *redacted_because(struct room_view *v, const struct event_row *row, struct event *redaction)
{
    enum membership at;
    if (!room_view_allows(v, row, &at)) {
        redaction->json = event_redact(v->a, v->version, redaction->json);
        redaction->content = json_get(redaction->json, STR("content"));
    }
    return bare_event(v, redaction, true);
}

static struct json *unsigned_of(struct room_view *v, const struct event_row *row, const struct event *event,
                                const enum membership *at)
{
    struct arena *a = v->a;
    struct json *out = json_object(a);
    if (event->origin_server_ts >= 0 && event->origin_server_ts <= JSON_INT_MAX)
        json_set_int(a, out, STR("age"), v->now_ms - event->origin_server_ts);
    if (at)
        json_set_str(a, out, STR("membership"), membership_name(*at == MEMBERSHIP_NONE ? MEMBERSHIP_LEAVE : *at));
    if (row->txn_id.p && row->device_nid == v->caller.device_nid)
        json_set_str(a, out, STR("transaction_id"), row->txn_id);
    struct event_row other;
    struct event other_event;
    if (room_view_load(v, row->replaces_nid, &other, &other_event)) {
        json_set(a, out, STR("prev_content"), *other_event.content);
        json_set_str(a, out, STR("replaces_state"), other.event_id);
    }
    if (room_view_load(v, row->redacted_by_nid, &other, &other_event))
        json_set(a, out, STR("redacted_because"), *redacted_because(v, &other, &other_event));
    set_relations(v, row, event, out);
    return out;
}

struct json *room_view_client_form(struct room_view *v, const struct event_row *row, const struct event *event,
                                   const enum membership *at, bool with_room_id)
{
    struct json *out = bare_event(v, event, with_room_id);
    json_set(v->a, out, STR("unsigned"), *unsigned_of(v, row, event, at));
    return out;
}

struct json *room_view_federation_form(struct room_view *v, const struct event_row *row, const struct event *event)
{
    struct json *out = json_shallow_copy(v->a, event->json);
    struct json *extra = json_object(v->a);
    json_set_str(v->a, out, STR("event_id"), row->event_id);
    set_relations(v, row, event, extra);
    if (extra->count)
        json_set(v->a, out, STR("unsigned"), *extra);
    return out;
}

struct json *room_view_event(struct room_view *v, const struct event_row *row, const enum membership *at,
                             bool with_room_id)
{
    struct event event;
    if (!room_view_parse(v, row, &event))
        return json_object(v->a);
    return room_view_client_form(v, row, &event, at, with_room_id);
}

struct json *room_view_event_nid(struct room_view *v, int64_t event_nid, bool with_room_id)
{
    struct event_row row;
    if (!events_by_nid(v->tx, event_nid, v->a, &row))
        return NULL;
    enum membership at = look_up(v, row.state_after).membership;
    return room_view_event(v, &row, &at, with_room_id);
}

struct json *room_view_stripped(struct room_view *v, int64_t event_nid)
{
    struct event_row row;
    struct event event;
    if (!room_view_load(v, event_nid, &row, &event))
        return NULL;
    struct json *out = json_object(v->a);
    copy_member(v->a, event.json, out, STR("content"));
    json_set_str(v->a, out, STR("sender"), event.sender);
    json_set_str(v->a, out, STR("state_key"), event.state_key);
    json_set_str(v->a, out, STR("type"), event.type);
    return out;
}
