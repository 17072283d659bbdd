/*
 * Profile fields: name and JSON value, a row each.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_PROFILES_H
#define HEARTH_STORE_PROFILES_H

#include "store/store.h"

struct profile_row {
    struct str name;
    struct str value; /* JSON text */
};

/* All fields of a user, by name. */
size_t profiles_list(struct store_tx *tx, int64_t user_nid, struct arena *a, struct profile_row **rows_out);
/* The JSON text of one field; p == NULL if it is not set. */
struct str profiles_get(struct store_tx *tx, int64_t user_nid, struct str name, struct arena *a);

/* These need a write transaction. */
void profiles_set(struct store_tx *tx, int64_t user_nid, struct str name, struct str value);
void profiles_delete(struct store_tx *tx, int64_t user_nid, struct str name);
void profiles_delete_all(struct store_tx *tx, int64_t user_nid);

#endif
