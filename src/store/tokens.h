/*
 * Sessions: access tokens and the refresh tokens that were given out with them. Only hashes are kept.
 *
 *      login            row 1: access A1, refresh R1
 *      refresh R1       row 2: access A2, refresh R2, replaces row 1; A1 and R1 still work, as the answer may get lost
 *      use of A2 or R2  row 1 goes (client-server API, "Refreshing access tokens")
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_TOKENS_H
#define HEARTH_STORE_TOKENS_H

#include "store/store.h"

struct token_row {
    int64_t token_nid;
    int64_t user_nid;
    int64_t device_nid;
    struct str access_hash;
    struct str refresh_hash; /* p == NULL: none */
    int64_t expires_ts;      /* of the access token; 0: never */
    int64_t replaces_nid;    /* 0: none */
};

/* A session with the account and the device it belongs to. */
struct token_owner {
    struct token_row token;
    struct str user_id;
    struct str device_id;
    bool is_admin;
    bool is_guest;
};

/* The session of an access token, expired or not; false if there is none or the account is deactivated. */
bool tokens_find_access(struct store_tx *tx, struct str access_hash, struct arena *a, struct token_owner *owner_out);
/* The session of a refresh token; false if there is none or the account is deactivated. */
bool tokens_find_refresh(struct store_tx *tx, struct str refresh_hash, struct arena *a, struct token_owner *owner_out);

/* These need a write transaction. */
/* Adds a session and returns its number. */
int64_t tokens_insert(struct store_tx *tx, const struct token_row *row);
/* The session has been used: what it replaced goes. */
void tokens_first_use(struct store_tx *tx, int64_t token_nid);
/* Deletes the sessions that were refreshed from this one and never used. */
void tokens_delete_replacing(struct store_tx *tx, int64_t token_nid);
void tokens_delete_of_device(struct store_tx *tx, int64_t device_nid);

#endif
