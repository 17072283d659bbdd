/*
 * Events of rooms: the table that everything else points into.
 *
 * An event is stored once, as the PDU that was signed; what the server found out about it (place, states before and
 * after, what it replaces, who redacted it) stands in columns beside it. Events are numbered in the order in which they
 * came. An event that came at the end of its room's timeline has its number as `pos`, its place in the stream and in
 * the timeline at once; history that came later is put in front of the event that it leads to; and rejected and
 * soft-failed events and outliers have no place, and are met by id or number only.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_EVENTS_H
#define HEARTH_STORE_EVENTS_H

#include "store/store.h"

/* What became of an event on receipt (server-server API, "Checks performed on receipt of a PDU"). Dropped events are
 * not stored. */
enum event_status {
    EVENT_ACCEPTED,
    EVENT_REJECTED,
    EVENT_SOFT_FAILED, /* no client sees it, and it is no forward extremity */
    EVENT_OUTLIER      /* authorised by its auth events; its place and the states around it are not known */
};

struct event_row {
    int64_t event_nid;
    int64_t room_nid;
    int64_t pos; /* its place in the timeline is (pos, sub); without a place: below 0 */
    int64_t sub; /* 0, or below 0: history that arrived later, in front of the event at pos */
    int64_t sender_nid;
    int64_t state_key_nid; /* 0: not a state event */
    int64_t state_before;  /* roots of state maps (state_map.h); nothing to go by in outliers */
    int64_t state_after;
    int64_t room_state; /* the current state of the room once the event was in; insert: 0 for state_after, as it is
                           without forks */
    enum event_status status;
    bool gap;                /* history is missing in front of it */
    int64_t replaces_nid;    /* 0: nothing */
    int64_t redacted_by_nid; /* 0: not redacted */
    int64_t device_nid;      /* 0: not sent by a local device */
    int64_t notify_count;    /* running totals of the room, see migration 0003 */
    int64_t highlight_count;
    int64_t related; /* kinds in which others have come to be related to it (relations.h); written there alone */
    struct str event_id;
    struct str txn_id; /* p == NULL: none */
    struct str reason; /* of an event that is not accepted: the rule; p == NULL: none */
    struct str pdu;    /* canonical JSON */
};

/* Adds the event. Its number is a position taken from store_next_pos(), and so is its pos (the same for an event at the
 * end of its room's timeline); -event_nid as pos stands for no place. Write transactions only. */
void events_insert(struct store_tx *tx, const struct event_row *row);

/* Gives an event that is stored already what is known of it only now: its place, the states around it, what it
 * replaces, its status and totals. Write transactions only. */
void events_place(struct store_tx *tx, const struct event_row *row);
/* Nothing is missing in front of the event any more. Write transactions only. */
void events_close_gap(struct store_tx *tx, int64_t event_nid);
void events_set_room_state(struct store_tx *tx, int64_t event_nid, int64_t room_state);

/* The number of the event, or 0 if it is not stored. */
int64_t events_nid_of(struct store_tx *tx, struct str event_id);
/* Each false if there is no such event. Strings are copied into `a`. */
bool events_by_nid(struct store_tx *tx, int64_t event_nid, struct arena *a, struct event_row *row_out);
bool events_by_id(struct store_tx *tx, struct str event_id, struct arena *a, struct event_row *row_out);
/* The newest event of the room at or before `pos`. */
bool events_last(struct store_tx *tx, int64_t room_nid, int64_t pos, struct arena *a, struct event_row *row_out);
/* The same without the PDU and ids: only numbers are filled in. */
bool events_last_numbers(struct store_tx *tx, int64_t room_nid, int64_t pos, struct event_row *row_out);
/* Numbers of state events above `after`, in order, at most `limit`. */
size_t events_state_after(struct store_tx *tx, int64_t after, size_t limit, struct arena *a, int64_t **nids_out);
/* An event without the PDU and ids: only numbers are filled in. False if there is none. */
bool events_numbers(struct store_tx *tx, int64_t event_nid, struct event_row *row_out);
/* The PDU alone; p == NULL if there is no such event. */
struct str events_pdu(struct store_tx *tx, int64_t event_nid, struct arena *a);
/* The event's id; p == NULL if there is no such event. */
struct str events_id(struct store_tx *tx, int64_t event_nid, struct arena *a);

/* The lowest sub of the events at `pos` of the room's timeline; 0 if there is none. */
int64_t events_lowest_sub(struct store_tx *tx, int64_t room_nid, int64_t pos);

/* A place in a room's timeline. Those of one pos come in the order of sub, 0 last. */
struct event_place {
    int64_t pos;
    int64_t sub;
};
/* The last place of a position. */
#define EVENT_PLACE(last_of) ((struct event_place){(last_of), 0})
/* The last place in front of an event, whatever history may yet come in between. */
static inline struct event_place event_place_before(const struct event_row *row)
{
    return (struct event_place){row->pos, row->sub - 1};
}
static inline int event_place_order(struct event_place x, struct event_place y)
{
    return x.pos != y.pos ? (x.pos > y.pos) - (x.pos < y.pos) : (x.sub > y.sub) - (x.sub < y.sub);
}

/* Events of a room at places after < place <= up_to, at most `limit` of them: the newest ones first, or the oldest
 * first. */
enum events_order { EVENTS_NEWEST_FIRST, EVENTS_OLDEST_FIRST };
size_t events_between(struct store_tx *tx, int64_t room_nid, struct event_place after, struct event_place up_to,
                      enum events_order order, size_t limit, struct arena *a, struct event_row **rows_out);

/* Events that this device sent to this room with this transaction id: one for each type of event, rarely more than one
 * at all. At most `limit`. */
size_t events_by_txn(struct store_tx *tx, int64_t device_nid, struct str txn_id, int64_t room_nid, size_t limit,
                     struct arena *a, struct event_row **rows_out);

/* Puts the redacted PDU in the place of the one that is stored, and notes the redaction. Write transactions only. */
void events_redact(struct store_tx *tx, int64_t event_nid, int64_t redaction_nid, struct str redacted_pdu);

#endif
