/*
 * One question about one room: a snapshot, the caller's view, and how much of the room is theirs to see; private to
 * room_read*.c.
 */
#ifndef HEARTH_SERVICE_ROOM_READING_H
#define HEARTH_SERVICE_ROOM_READING_H

#include "codec/json_writer.h"
#include "service/room.h"
#include "service/room_view.h"

struct room_reading {
    struct services *s;
    struct store_tx *tx;
    struct room *room;
    struct room_view view;
    int64_t until; /* newest position that may be looked at */
    int64_t root;  /* state at that position */
};

/* Members see the room as it is; those who were members, as it was when they ceased to be; others only a room that is
 * world-readable. Ends itself on a fault. */
struct fault room_reading_begin(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                struct room_reading *r) __attribute__((warn_unused_result));
/* What is answered in the end: `fault`, unless the database failed or the answer did not fit into `out` (or NULL). */
struct fault room_reading_end(struct room_reading *r, struct fault fault, const struct buf *out)
    __attribute__((warn_unused_result));

/* Writes a state event in client form if it is there and passes the filter (NULL: all do). */
void room_reading_put_event(struct room_reading *r, int64_t event_nid, const struct event_filter *filter,
                            struct json_writer *w);

#endif
