#include "service/room_read.h"

#include "service/room_reading.h"
#include "service/state_list.h"
#include "service/storage.h"
#include "service/stream_token.h"
#include "store/rooms.h"

/* --- state --- */

struct fault room_read_state(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct buf *out)
{
    struct room_reading r;
    struct json_writer w;
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    struct state_list state = state_list_all(r.tx, a, r.root);
    json_writer_init(&w, out);
    json_begin_array(&w);
    for (size_t i = 0; i < state.count && buf_ok(out); i++)
        room_reading_put_event(&r, state.items[i].event_nid, NULL, &w);
    json_end_array(&w);
    return room_reading_end(&r, FAULT_NONE, out);
}

struct fault room_read_state_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                   struct str type, struct str state_key, bool whole, struct json *out)
{
    struct room_reading r;
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    int64_t event_nid = room_view_state_nid(&r.view, r.root, type, state_key);
    const struct json *event = event_nid ? room_view_event_nid(&r.view, event_nid, true) : NULL;
    if (event && !whole)
        event = json_get(event, STR("content"));
    if (event)
        *out = *event;
    else
        fault = FAULT(M_NOT_FOUND, "The room has no such state event");
    return room_reading_end(&r, fault, NULL);
}

/* --- members --- */

/* What a list of members is made of: one event after the other. */
struct members {
    struct room_reading *r;
    struct json_writer *w;
    const struct members_query *query;
    void (*put)(struct members *m, const struct event_row *row, const struct event *event);
};

static bool wants_membership(const struct members_query *query, struct str membership)
{
    if (!query->membership.n && !query->not_membership.n)
        return true;
    return (query->membership.n && str_eq(membership, query->membership)) ||
           (query->not_membership.n && !str_eq(membership, query->not_membership));
}

static void put_members(struct members *m, int64_t root)
{
    struct room_view *v = &m->r->view;
    struct state_list list = state_list_of_type(v->tx, v->a, root, STR("m.room.member"));
    for (size_t i = 0; i < list.count && buf_ok(m->w->out); i++) {
        struct event_row row;
        struct event event;
        struct arena_mark mark = arena_mark(v->a);
        if (room_view_load(v, list.items[i].event_nid, &row, &event) &&
            wants_membership(m->query, event_membership(&event)))
            m->put(m, &row, &event);
        arena_release(v->a, mark);
    }
}

static void put_member_event(struct members *m, const struct event_row *row, const struct event *event)
{
    json_put(m->w, room_view_client_form(&m->r->view, row, event, NULL, true));
}

static void put_profile(struct members *m, const struct event_row *row, const struct event *event)
{
    (void)row;
    struct str display_name = json_str_at(event->content, STR("displayname"));
    struct str avatar_url = json_str_at(event->content, STR("avatar_url"));
    json_key(m->w, event->state_key);
    json_begin_object(m->w);
    if (display_name.p)
        json_field_str(m->w, STR("display_name"), display_name);
    if (avatar_url.p)
        json_field_str(m->w, STR("avatar_url"), avatar_url);
    json_end_object(m->w);
}

/* The state of the time that is asked for, if the caller may see that; else 0. */
static int64_t root_at(struct room_reading *r, const struct members_query *query, int64_t at)
{
    struct event_row row;
    enum membership then;
    if (!query->at.n || at >= r->until)
        return r->root;
    return events_last(r->tx, r->room->nid, at, r->view.a, &row) && room_view_permits(&r->view, &row, &then)
               ? row.room_state
               : 0;
}

struct fault room_read_members(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               const struct members_query *query, struct buf *out)
{
    struct room_reading r;
    struct json_writer w;
    int64_t at = 0;
    if (query->at.n && !stream_token_read(query->at, &at))
        return FAULT(M_INVALID_PARAM, "at: not a token of this server");
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    int64_t root = root_at(&r, query, at);
    if (!root)
        return room_reading_end(&r, FAULT(M_FORBIDDEN, "You may not see the members of that time"), NULL);
    struct members m = {&r, &w, query, put_member_event};
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, STR("chunk"));
    json_begin_array(&w);
    put_members(&m, root);
    json_end_array(&w);
    json_end_object(&w);
    return room_reading_end(&r, FAULT_NONE, out);
}

struct fault room_read_joined_members(struct services *s, struct arena *a, const struct caller *caller,
                                      struct str room_id, struct buf *out)
{
    struct room_reading r;
    struct json_writer w;
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    if (r.view.own.membership != MEMBERSHIP_JOIN)
        return room_reading_end(&r, ROOM_NOT_JOINED, NULL);
    struct members_query joined = {.membership = STR("join")};
    struct members m = {&r, &w, &joined, put_profile};
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, STR("joined"));
    json_begin_object(&w);
    put_members(&m, r.root);
    json_end_object(&w);
    json_end_object(&w);
    return room_reading_end(&r, FAULT_NONE, out);
}

/* --- rooms --- */

struct fault room_read_joined_rooms(struct services *s, struct arena *a, const struct caller *caller,
                                    struct json **ids_out)
{
    struct membership_row *rows;
    struct json *ids = json_array(a);
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_user(tx, caller->user_nid, a, &rows);
    for (size_t i = 0; i < count; i++) {
        struct str room_id;
        struct str version;
        if (rows[i].membership == MEMBERSHIP_JOIN && rooms_get(tx, rows[i].room_nid, a, &room_id, &version))
            json_push(a, ids, json_string(room_id));
    }
    *ids_out = ids;
    return storage_read_end(&tx);
}
