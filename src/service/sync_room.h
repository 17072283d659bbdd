/*
 * One room in an answer of /sync; private to sync*.c.
 *
 *      sync_room.c       which sections a room has, ephemeral events, account data, counts
 *      sync_timeline.c   the newest events
 *      sync_state.c      the state that goes with them, and the summary
 *
 * Everything is written as it is read, one event in memory at a time. What one room may add to an answer is a part of
 * what the answer has left (`budget`): a room with more state than that is told of in part, what clients need most
 * first, so that no room, whoever filled it, keeps its members from syncing the others.
 */
#ifndef HEARTH_SERVICE_SYNC_ROOM_H
#define HEARTH_SERVICE_SYNC_ROOM_H

#include "service/lazy_members.h"
#include "service/room_view.h"
#include "service/sync.h"

/* What stays the same for all rooms of one answer. */
struct sync_frame {
    struct services *s;
    struct arena *a;
    struct store_tx *tx;
    const struct caller *caller;
    const struct sync_query *query;
    struct json_writer *w;
    struct lazy_answer lazy;
    int64_t now;                   /* the answer goes up to here */
    struct account_data_row *data; /* account data that changed, of the account and of all rooms */
    size_t data_count;
    const struct json *ignored; /* users, or NULL (ignored_users.h) */
};

/* One room while its sections are written. */
struct sync_section {
    struct sync_frame *f;
    struct room_view *v;
    bool whole;             /* the client knows nothing of the room yet, or asked for all */
    int64_t after;          /* events after this position are news */
    int64_t up_to;          /* and up to this one */
    size_t budget;          /* bytes of the answer that the room may take for timeline and state */
    struct event_row *rows; /* the timeline, oldest first */
    enum membership *at;
    size_t count;
    size_t bytes;              /* of the events in it */
    struct event_place before; /* where the history goes on that the timeline leaves out */
    bool limited;
    bool members_changed;
    bool own_receipt;   /* one of the user's own receipts is news */
    int64_t base_root;  /* state that the client has */
    int64_t start_root; /* at the start of the timeline */
    int64_t end_root;   /* at its end */
    bool forked;        /* the events of the timeline alone do not make the one of the other */
    int64_t newer_root; /* before the event that was looked at last */
};

/* --- sync_room.c --- */

/* Each writes the sections of a room, as the value of a key. False: there is nothing to tell, and what was written is
 * to be taken back. */
bool sync_joined_room(struct sync_frame *f, struct room_view *v);
bool sync_left_room(struct sync_frame *f, struct room_view *v);
/* {"invite_state": ...} or {"knock_state": ...} by `name`. */
bool sync_stripped_room(struct sync_frame *f, struct room_view *v, struct str name);

/* Writes {"events": [...]} of what changed in the account data of a room (0: of the account) and passes the filter,
 * with `extra` (or NULL) as one more event; returns how many there are. */
size_t sync_account_data(struct sync_frame *f, int64_t room_nid, const struct event_filter *filter,
                         const struct json *extra);
/* Writes an event as the filter of the query wants it: in which format, with which fields. For events of the timeline,
 * `at` is what the user's membership was; for state it is NULL, because looking it up for each would cost too much. */
void sync_put_event(struct sync_section *x, const struct event_row *row, const struct event *event,
                    const enum membership *at);

/* --- sync_timeline.c --- */

/* Fills in the timeline, from `up_to` backwards. */
void sync_timeline_collect(struct sync_section *x);
void sync_timeline_write(struct sync_section *x);
bool sync_timeline_has_member(struct sync_section *x);

/* --- sync_state.c --- */

/* Writes {"events": [...]} of the state that changed between what the client has and the start (or the end) of the
 * timeline; `heroes` is an array of user ids, or NULL. Returns how many events there are. */
size_t sync_state_write(struct sync_section *x, const struct json *heroes);
/* The users who name a room that has no name. */
struct json *sync_heroes(struct sync_section *x);
void sync_summary_write(struct sync_section *x, const struct json *heroes);
/* The root of the room's state at a position, or 0. */
int64_t sync_root_at(struct room_view *v, int64_t pos);
/* The membership that the user had at a position. */
enum membership sync_membership_at(struct room_view *v, int64_t pos);

#endif
