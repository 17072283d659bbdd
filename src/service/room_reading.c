#include "service/room_reading.h"

#include "service/ignored_users.h"
#include "service/storage.h"

/* Newest position and root up to which the caller may look; none if they may not look at all. */
static void find_end(struct room_reading *r)
{
    struct event_row row;
    const struct membership_row *own = &r->view.own;
    int64_t pos = INT64_MAX;
    if (!events_last_numbers(r->tx, r->room->nid, INT64_MAX, &row))
        return;
    if (own->membership != MEMBERSHIP_JOIN && !room_view_is_world_readable(&r->view, row.room_state)) {
        /* A ban that came later does not show them more. */
        bool was_member = own->membership == MEMBERSHIP_LEAVE || own->membership == MEMBERSHIP_BAN;
        pos = was_member && !own->forgotten ? r->view.joined_until : 0;
    }
    if (pos > 0 && events_last_numbers(r->tx, r->room->nid, pos, &row)) {
        r->until = row.pos;
        r->root = row.room_state;
    }
}

struct fault room_reading_begin(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                struct room_reading *r)
{
    *r = (struct room_reading){.s = s};
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &r->room);
    if (fault.code)
        return fault;
    r->tx = store_read_begin(s->store);
    room_view_init(&r->view, s, r->tx, a, r->room->nid, r->room->room_id, r->room->version, caller);
    r->view.ignored = ignored_users_read(r->tx, a, caller->user_nid, caller->user_id);
    find_end(r);
    return r->root ? FAULT_NONE : room_reading_end(r, ROOM_NOT_JOINED, NULL);
}

struct fault room_reading_end(struct room_reading *r, struct fault fault, const struct buf *out)
{
    struct fault failed = storage_read_end(&r->tx);
    room_close(r->s, &r->room);
    if (failed.code)
        return failed;
    return fault.code || !out || buf_ok(out) ? fault
                                             : FAULT(M_TOO_LARGE, "The answer would be larger than this server gives");
}

void room_reading_put_event(struct room_reading *r, int64_t event_nid, const struct event_filter *filter,
                            struct json_writer *w)
{
    struct event_row row;
    struct event event;
    struct arena_mark mark = arena_mark(r->view.a);
    if (room_view_load(&r->view, event_nid, &row, &event) &&
        (!filter || event_filter_match(filter, event.type, event.sender, event.content)))
        json_put(w, room_view_client_form(&r->view, &row, &event, NULL, true));
    arena_release(r->view.a, mark);
}
