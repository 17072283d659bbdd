/*
 * The graph of a room's events at its ends: forward extremities, which no event follows yet, and events that are
 * awaited because others name them.
 *
 * A room whose history is a line has one forward extremity, the newest event of its timeline, and no row here: what
 * costs the same for every message should cost nothing. Rows are written where a room has several.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_EVENT_GRAPH_H
#define HEARTH_STORE_EVENT_GRAPH_H

#include "store/store.h"

/* The most that a room may have. They are merged long before (service/room_merge.h), if a local member may. */
#define FORWARD_EXTREMITIES_MAX 50

/* The forward extremities of the room, oldest first; none if it has no events. */
size_t forward_extremities_of(struct store_tx *tx, int64_t room_nid, struct arena *a, int64_t **event_nids_out);
/* Sets them; the newest event of the timeline alone leaves no row. Write transactions only. */
void forward_extremities_set(struct store_tx *tx, int64_t room_nid, const int64_t *event_nids, size_t count);

/* What the newest event of a room's timeline does not say of its current state. Readers of the newest event are given
 * state_root as its room_state (events_last). */
struct room_state_row {
    int64_t pos;         /* from here on, until an event comes after it */
    int64_t state_root;  /* 0: nothing */
    int64_t folded_root; /* the resolved state of forward extremities that were too many to keep; 0: none */
};
/* Zeros if there is none. */
struct room_state_row room_states_get(struct store_tx *tx, int64_t room_nid);
/* Zeros leave none. Write transactions only. */
void room_states_set(struct store_tx *tx, int64_t room_nid, const struct room_state_row *row);

/* Why an event is awaited. */
enum awaited {
    AWAITED_PREV = 1,  /* it comes before the event that names it: a backward extremity */
    AWAITED_REDACTION, /* it is to be redacted by it */
    AWAITED_RELATION   /* it is what it relates to */
};

struct awaited_row {
    enum awaited why;
    int64_t event_nid; /* of the event that names it */
    int64_t room_nid;
};

/* Notes that `event_nid` names an event that is not here. Does nothing if that is noted. Write transactions only. */
void awaited_events_add(struct store_tx *tx, struct str event_id, const struct awaited_row *row);
/* How many events of the room await it for this reason, counted up to `limit`; and their numbers, at most `limit`. */
size_t awaited_events_count(struct store_tx *tx, struct str event_id, enum awaited why, int64_t room_nid, size_t limit);
size_t awaited_events_for(struct store_tx *tx, struct str event_id, enum awaited why, int64_t room_nid, size_t limit,
                          struct arena *a, int64_t **event_nids_out);
/* Forgets who awaits it for this reason: it has come, or never will. Write transactions only. */
void awaited_events_remove(struct store_tx *tx, struct str event_id, enum awaited why);
/* The prev events that `event_nid` still awaits, at most `limit`: a gap in front of it. */
size_t awaited_events_before(struct store_tx *tx, int64_t event_nid, size_t limit, struct arena *a,
                             struct str **event_ids_out);

#endif
