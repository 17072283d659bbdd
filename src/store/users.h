/*
 * User ids and their numbers: every user id this server has met, local or not.
 *
 * Threads: as store.h says of transactions. Ids that were read are remembered for all threads (row_cache.h).
 */
#ifndef HEARTH_STORE_USERS_H
#define HEARTH_STORE_USERS_H

#include "store/store.h"

/* 0 if this server has never met the user. */
int64_t users_nid_of(struct store_tx *tx, struct str user_id);
/* The same, but a new user id gets a number. Write transactions only. */
int64_t users_intern(struct store_tx *tx, struct str user_id);
/* The user id of a number, in `a`; p == NULL if there is no such number. */
struct str users_id_of(struct store_tx *tx, int64_t user_nid, struct arena *a);

#endif
