/*
 * Account data: JSON objects that clients keep for a user, of the account or of one room, with their place in the
 * stream.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_ACCOUNT_DATA_H
#define HEARTH_STORE_ACCOUNT_DATA_H

#include "store/store.h"

struct account_data_row {
    int64_t room_nid; /* 0: of the account */
    struct str type;
    struct str content; /* JSON text */
    int64_t pos;
};

/* The JSON text; p == NULL if nothing is kept. room_nid 0: of the account. */
struct str account_data_get(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct str type, struct arena *a);
/* What changed for the user after one position up to another, of the account and of all rooms, oldest change first. */
size_t account_data_between(struct store_tx *tx, int64_t user_nid, int64_t after, int64_t up_to, struct arena *a,
                            struct account_data_row **rows_out);
/* All that is kept for the user in one room (0: for the account). */
size_t account_data_of_room(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct arena *a,
                            struct account_data_row **rows_out);
/* How many rows the user has, and how many bytes of content. */
int64_t account_data_count(struct store_tx *tx, int64_t user_nid);
int64_t account_data_bytes(struct store_tx *tx, int64_t user_nid);

/* These need a write transaction. */
/* Sets the content, at a new position, which is returned. */
int64_t account_data_set(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct str type, struct str content);
void account_data_delete_all(struct store_tx *tx, int64_t user_nid);

#endif
