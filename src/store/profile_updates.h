/*
 * Notes of users whose rooms are to be told of a new display name or avatar, and how far that has come.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_PROFILE_UPDATES_H
#define HEARTH_STORE_PROFILE_UPDATES_H

#include "store/store.h"

struct profile_update {
    int64_t user_nid;
    int64_t number;     /* of the change */
    int64_t after_room; /* the rooms up to this number have been told */
};

/* False if there is none. */
bool profile_updates_get(struct store_tx *tx, int64_t user_nid, struct profile_update *out);
/* Those whose turn is next; returns how many, at most `max`. */
size_t profile_updates_next(struct store_tx *tx, struct profile_update *out, size_t max);

/* These need a write transaction. */
/* The user has changed: all rooms are to be told, and those who have been told of an earlier change again. */
void profile_updates_add(struct store_tx *tx, int64_t user_nid);
/* Stores update->after_room and lets others have their turn; or takes the note away. Nothing if there was another
 * change meanwhile. */
void profile_updates_move(struct store_tx *tx, const struct profile_update *update);
void profile_updates_done(struct store_tx *tx, const struct profile_update *update);

#endif
