/*
 * The pairs (type, state_key) that state maps are keyed by, and their numbers. Rooms share them: "m.room.member" of a
 * user has one number wherever that user is.
 *
 * Threads: as the transaction. Pairs that were read are remembered for all threads (row_cache.h).
 */
#ifndef HEARTH_STORE_STATE_KEYS_H
#define HEARTH_STORE_STATE_KEYS_H

#include "store/store.h"

/* 0 if no room has ever had state of that name. */
int64_t state_keys_find(struct store_tx *tx, struct str type, struct str state_key);
/* The same, but a new pair gets a number. 0 on failure only. Write transactions only. */
int64_t state_keys_intern(struct store_tx *tx, struct str type, struct str state_key);
/* The pair of a number, in `a`; false if there is no such number. */
bool state_keys_get(struct store_tx *tx, int64_t state_key_nid, struct arena *a, struct str *type_out,
                    struct str *state_key_out);

#endif
