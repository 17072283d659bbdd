/*
 * One room in an answer of /sync; private to sync.c and sync_room.c.
 */
#ifndef HEARTH_SERVICE_SYNC_ROOM_H
#define HEARTH_SERVICE_SYNC_ROOM_H

#include "service/room_view.h"
#include "service/sync.h"

/* What stays the same for all rooms of one answer. */
struct sync_frame {
    struct services *s;
    struct arena *a;
    struct store_tx *tx;
    const struct caller *caller;
    const struct sync_query *query;
    int64_t now;                   /* the answer goes up to here */
    struct account_data_row *data; /* account data that changed, of the account and of all rooms */
    size_t data_count;
};

/* The sections of a room, or NULL if there is nothing to tell. */
struct json *sync_joined_room(struct sync_frame *f, struct room_view *v);
struct json *sync_left_room(struct sync_frame *f, struct room_view *v);
/* {"invite_state": ...} or {"knock_state": ...} by `name`. */
struct json *sync_stripped_room(struct sync_frame *f, struct room_view *v, struct str name);

/* The membership that the user had at a position. */
enum membership sync_membership_at(struct room_view *v, int64_t pos);

/* {"events": [...]} of what changed in the account data of a room (0: of the account) and passes the filter. */
struct json *sync_account_data(struct sync_frame *f, int64_t room_nid, const struct event_filter *filter);

#endif
