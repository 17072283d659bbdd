/*
 * The entries of a room's state as a list, to be read from the store one event after the other.
 *
 * A list holds numbers only, 16 bytes an entry, in the order of the events: rows of events that lie together in the
 * database are then read together. Which entries are wanted is decided by their keys where that is possible, because a
 * key costs less than the event.
 *
 * Ownership: a list lives in the arena given. Threads: as the transaction.
 */
#ifndef HEARTH_SERVICE_STATE_LIST_H
#define HEARTH_SERVICE_STATE_LIST_H

#include "store/store.h"

struct state_entry {
    int64_t key_nid;
    int64_t event_nid;
};

struct state_list {
    struct state_entry *items;
    size_t count;
};

/* All state under a root. */
struct state_list state_list_all(struct store_tx *tx, struct arena *a, int64_t root);
/* The state events of one type under a root. */
struct state_list state_list_of_type(struct store_tx *tx, struct arena *a, int64_t root, struct str type);
/* What the state under `to` has that the one under `from` has not; keys that are gone are not told. */
struct state_list state_list_changes(struct store_tx *tx, struct arena *a, int64_t from, int64_t to);

/* Whether a key is of that type. */
bool state_key_has_type(struct store_tx *tx, struct arena *a, int64_t key_nid, struct str type);

#endif
