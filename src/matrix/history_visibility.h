/*
 * Who may see which event (client-server API, "Room History Visibility").
 *
 * The rules look at the state of the room at the event, not at that of today: the caller finds out what the visibility
 * and the user's membership were then, and these functions decide.
 *
 * Pure, any thread.
 */
#ifndef HEARTH_MATRIX_HISTORY_VISIBILITY_H
#define HEARTH_MATRIX_HISTORY_VISIBILITY_H

#include "matrix/event.h"

enum history_visibility {
    HISTORY_WORLD_READABLE, /* everyone, members or not */
    HISTORY_SHARED,         /* whoever joins, from the beginning; what holds if nothing is said */
    HISTORY_INVITED,        /* from one's invitation on */
    HISTORY_JOINED,         /* from one's join on */
};

/* What an m.room.history_visibility says: HISTORY_SHARED if it is NULL or says nothing that is understood. */
enum history_visibility history_visibility_of(const struct event *event);

/* The state around one event, for one user. Memberships are those of m.room.member, empty if there is none. */
struct history_view {
    enum history_visibility visibility_before;
    enum history_visibility visibility_after; /* differs only at an m.room.history_visibility */
    struct str membership_before;
    struct str membership_after; /* differs only at the user's own m.room.member */
    bool joined_later;           /* the user joined at any time after the event, whatever came then */
};

/* Whether the user may see the event. */
bool history_visible(const struct history_view *view);

#endif
