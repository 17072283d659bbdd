/*
 * Filters that clients have stored: the same text for the same user is one filter.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_FILTERS_H
#define HEARTH_STORE_FILTERS_H

#include "store/store.h"

/* The JSON text of a filter of this user; p == NULL if there is none of that number. */
struct str filters_get(struct store_tx *tx, int64_t user_nid, int64_t filter_nid, struct arena *a);
/* The number of the filter with that hash of its text; 0 if there is none. */
int64_t filters_find(struct store_tx *tx, int64_t user_nid, struct str content_hash);
/* How many filters the user has, and how many bytes of content. */
int64_t filters_count(struct store_tx *tx, int64_t user_nid);
int64_t filters_bytes(struct store_tx *tx, int64_t user_nid);

/* These need a write transaction. */
/* Adds a filter and returns its number. */
int64_t filters_insert(struct store_tx *tx, int64_t user_nid, struct str content_hash, struct str content);
void filters_delete_all(struct store_tx *tx, int64_t user_nid);

#endif
