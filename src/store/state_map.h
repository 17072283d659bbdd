/*
 * State maps: which event is the state of a room for each key (type, state_key), at any point of its history.
 *
 * A map is a trie of immutable nodes, stored once by content, and is named by the number of its root; 0 is the empty
 * map. The same map has the same root, whoever built it in whichever order, so two maps are equal exactly when their
 * roots are. A change stores the few nodes on the way from the root to the key and shares all others with the map it
 * came from; a comparison looks only below nodes that differ. state_node.h says what nodes look like.
 *
 * Measured: one change in a map of 100,000 entries stores 4.1 nodes of 226 bytes together (at most 5 nodes, and 6 where
 * an entry is added), and the whole map takes 4,800 nodes and 513 KB. A lookup reads as many nodes as a change stores.
 *
 * Keys are numbers from state_keys.h, events are numbers of table events; both are above 0.
 *
 * Failures are those of the transaction (store.h): functions then answer 0 and visit nothing more.
 *
 * Threads: as the transaction. Nodes that were read are remembered for all threads (row_cache.h).
 */
#ifndef HEARTH_STORE_STATE_MAP_H
#define HEARTH_STORE_STATE_MAP_H

#include "store/store.h"

/* The event for the key, or 0. */
int64_t state_map_get(struct store_tx *tx, int64_t root, int64_t key);
/* Entries in the map. */
int64_t state_map_count(struct store_tx *tx, int64_t root);

/* The map with the one entry put in, or taken out: its root. Write transactions only. */
int64_t state_map_set(struct store_tx *tx, int64_t root, int64_t key, int64_t event);
int64_t state_map_remove(struct store_tx *tx, int64_t root, int64_t key);
/* The map with `n` entries put in at once (event 0: taken out), each node stored once. No key may come twice
 * (asserted). Write transactions only. */
int64_t state_map_set_many(struct store_tx *tx, int64_t root, const int64_t *keys, const int64_t *events, size_t n);

/* Visits all entries, in no order that means anything, until `visit` answers false. */
void state_map_each(struct store_tx *tx, int64_t root, bool (*visit)(void *ctx, int64_t key, int64_t event), void *ctx);
/* Visits the keys for which the maps differ (0: the map has no such key), until `visit` answers false. */
void state_map_diff(struct store_tx *tx, int64_t root_a, int64_t root_b,
                    bool (*visit)(void *ctx, int64_t key, int64_t event_a, int64_t event_b), void *ctx);

#endif
