/*
 * Who is in which room: one row for each user and room, as the room's newest state has it, and how far each has read.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_MEMBERSHIPS_H
#define HEARTH_STORE_MEMBERSHIPS_H

#include "store/store.h"

enum membership {
    MEMBERSHIP_NONE, /* never had one */
    MEMBERSHIP_JOIN,
    MEMBERSHIP_INVITE,
    MEMBERSHIP_KNOCK,
    MEMBERSHIP_LEAVE,
    MEMBERSHIP_BAN
};

/* The specification's word; "" for MEMBERSHIP_NONE. */
struct str membership_name(enum membership m);
/* MEMBERSHIP_NONE for any other word. */
enum membership membership_parse(struct str name);

struct membership_row {
    int64_t user_nid;
    int64_t room_nid;
    enum membership membership;
    int64_t event_nid;
    int64_t pos; /* of that event */
    bool forgotten;
    int64_t joined_until; /* INT64_MAX of who is joined; else where they last ceased to be, 0 if they never were */
    int64_t read_pos;     /* the user has read up to here; the room's totals at that place: */
    int64_t read_notify;
    int64_t read_highlight;
};

/* Sets membership, event and pos; a user who was not joined and now is has read up to that event, whose totals are
 * given. `forgotten` is cleared, and joined_until follows from what was before. Write transactions only. */
void memberships_set(struct store_tx *tx, const struct membership_row *row);
/* Moves the user's reading on to `read_pos`; does nothing if it is there or further already. Write transactions only.
 */
void memberships_read(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t read_pos, int64_t read_notify,
                      int64_t read_highlight);
void memberships_forget(struct store_tx *tx, int64_t user_nid, int64_t room_nid);

/* False, and MEMBERSHIP_NONE, if there is no row. */
bool memberships_get(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct membership_row *row_out);
/* All rooms of a user, by their numbers. */
size_t memberships_of_user(struct store_tx *tx, int64_t user_nid, struct arena *a, struct membership_row **rows_out);
/* Users with this membership in a room, in the order of their membership events. At most `limit`. */
size_t memberships_of_room(struct store_tx *tx, int64_t room_nid, enum membership m, size_t limit, struct arena *a,
                           struct membership_row **rows_out);
/* Numbers of users with an account here who are joined to the room, in no order; at most `limit`. */
size_t memberships_local(struct store_tx *tx, int64_t room_nid, size_t limit, struct arena *a, int64_t **user_nids_out);
int64_t memberships_count(struct store_tx *tx, int64_t room_nid, enum membership m);
/* How many are joined and how many invited. `root` is the room's newest state (state_map.h), as the transaction sees
 * it: the numbers follow from it, and are remembered for it, because counting walks along all members. */
struct memberships_counts {
    int64_t joined;
    int64_t invited;
};
struct memberships_counts memberships_counts(struct store_tx *tx, int64_t room_nid, int64_t root);

/* A push outcome of one event for one user that differs from the default one. Write transactions only. */
void event_pushes_add(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t pos, int64_t notify_delta,
                      int64_t highlight_delta);
/* The sums of those after `pos`, up to `up_to`. */
void event_pushes_sum(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t pos, int64_t up_to,
                      int64_t *notify_out, int64_t *highlight_out);

#endif
