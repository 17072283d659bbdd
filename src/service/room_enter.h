/*
 * What an event changes in the tables of its room once it was let in: the half of appending and receiving that runs in
 * the writer. Private to room_append.c and room_receive.c, which decide whether it is let in.
 *
 *     room_enter:   place in the timeline, state map and auth chain, forward extremities, the room's state (resolved if
 *                   the room has forked), memberships, redactions, unread counts
 *     room_keep:    an event that has no place: rejected, soft-failed, or an outlier
 *
 * What memory has to learn of it is collected, and told when the job is on disk.
 *
 * Threads: inside a job.
 */
#ifndef HEARTH_SERVICE_ROOM_ENTER_H
#define HEARTH_SERVICE_ROOM_ENTER_H

#include "service/event_reader.h"
#include "service/room.h"
#include "service/room_resolve.h"
#include "store/event_graph.h"

/* For an event whose states are not known. */
#define STATE_UNKNOWN (-1)

struct room_member_change {
    int64_t user_nid;
    bool joined;
};

/* One job's view of its room. */
struct room_entering {
    struct services *s;
    int64_t room_nid;
    struct event_reader reader;
    struct arena *kept; /* for what outlives one event: the caller may give back what is in reader.a between two */
    /* The caller knows that what comes follows the newest event of a line, and nothing has to be read of the graph.
     * Else:
     */
    bool line;
    int64_t *extremities;
    size_t extremity_count;
    int64_t room_state;          /* root of the room's current state */
    struct room_state_row quiet; /* what no event of the timeline says of it */
    int64_t notify_count;        /* the room's totals with the newest event */
    int64_t highlight_count;
    bool fresh; /* the room is being made: nobody else was in it before */

    /* for memory */
    struct room_member_change *members;
    size_t member_count;
    size_t member_cap;
    int64_t newest_pos; /* 0: no event came into the timeline */
};

/* Begins with a room as the store has it, or with nothing if `fresh`. The caller may fill in `line` and what follows
 * from what it knows instead (room_enter_begin_line). */
void room_enter_begin(struct room_entering *x, struct services *s, struct store_tx *tx, struct arena *a,
                      int64_t room_nid, const struct room_version *version);
/* The same for a room that is a line, whose newest state and totals are known. */
void room_enter_begin_line(struct room_entering *x, struct services *s, struct store_tx *tx, struct arena *a,
                           int64_t room_nid, const struct room_version *version, int64_t room_state);
void room_enter_end(struct room_entering *x);

/* An event on its way into the tables. */
struct room_entry {
    const struct event *event;
    struct str pdu;
    int64_t outlier_nid; /* the number it has as an outlier already; 0: it is new */
    int64_t sender_nid;
    int64_t device_nid; /* with txn_id: whose transaction this is; 0: none */
    struct str txn_id;
    int64_t state_before; /* root; of an entry that is kept, STATE_UNKNOWN if it is not known */
    /* Numbers of the prev events that are stored; not looked at while the room is a line. */
    const int64_t *prev_nids;
    size_t prev_count;
    /* History in front of another event: its place, and no effect on the room as it is now. */
    int64_t history_pos;
    int64_t history_sub;
    bool history;
    bool gap;                     /* some prev events are not stored */
    bool followed;                /* an event of the room follows it already, so that it is no forward extremity */
    bool hidden;                  /* accepted, and no client gets to see it */
    const struct json *mentioned; /* users whom it highlights by name, or NULL */
    bool notify;
    bool highlight;
    enum event_status status; /* room_keep */
    struct str reason;
    /* out */
    int64_t event_nid;
    int64_t pos;
    int64_t state_after;
};

/* Stores an accepted event and does what follows from it. False: the transaction has failed. */
bool room_enter(struct room_entering *x, struct room_entry *e) __attribute__((warn_unused_result));
/* Stores an event that is not accepted, or not known to be in its place. */
void room_keep(struct room_entering *x, struct room_entry *e);

/* Puts what is left of `target` in its place, as the redaction says. */
void room_enter_redaction(struct room_entering *x, struct stored_event *target, int64_t redaction_nid);

/* Numbers of the events among `ids` that are stored, in `a`. */
size_t room_known_events(struct store_tx *tx, struct arena *a, const struct str *ids, size_t count, int64_t **nids_out);

#endif
