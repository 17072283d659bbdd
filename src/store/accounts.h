/*
 * Local accounts: who may log in here.
 *
 * An account is never deleted: its user id must not go to somebody else. A deactivated account keeps its row and
 * loses its password.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_ACCOUNTS_H
#define HEARTH_STORE_ACCOUNTS_H

#include "store/store.h"

struct account_row {
    int64_t user_nid;
    struct str user_id;
    struct str password_hash; /* p == NULL: nobody logs in with a password */
    bool is_admin;
    bool is_guest;
    int64_t created_ts;
    int64_t deactivated_ts; /* 0: in use */
    bool erased;
};

/* The account with that user id; false if there is none. */
bool accounts_find(struct store_tx *tx, struct str user_id, struct arena *a, struct account_row *row_out);
/* The account of that user; false if there is none. */
bool accounts_get(struct store_tx *tx, int64_t user_nid, struct arena *a, struct account_row *row_out);
/* All accounts by user id, those after `after` (empty: from the start), at most `limit`. */
size_t accounts_list(struct store_tx *tx, struct str after, int64_t limit, struct arena *a,
                     struct account_row **rows_out);
/* Adds an account for row->user_id and sets row->user_nid; false if there is one already. Write transactions only. */
bool accounts_insert(struct store_tx *tx, struct account_row *row);
/* These change one account. Write transactions only. */
/* False if the account is deactivated: it stays without a password. */
bool accounts_set_password(struct store_tx *tx, int64_t user_nid, struct str password_hash);
void accounts_set_admin(struct store_tx *tx, int64_t user_nid, bool is_admin);
/* Takes the password away; `erase` is remembered, and a later call can only add it. The user is among those who have
 * rooms to leave, until accounts_departed(). */
void accounts_deactivate(struct store_tx *tx, int64_t user_nid, int64_t ts, bool erase);
void accounts_departed(struct store_tx *tx, int64_t user_nid);

/* The next deactivated user after number `after` who has rooms to leave; 0 if there is none. */
int64_t accounts_departing(struct store_tx *tx, int64_t after);

#endif
