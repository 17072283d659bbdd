/*
 * Registration tokens: what strangers show to be let in (client-server API, "Token-authenticated registration").
 *
 * A use is counted in the transaction that makes the account, so that a token never lets in more than it allows.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_REGISTRATION_TOKENS_H
#define HEARTH_STORE_REGISTRATION_TOKENS_H

#include "store/store.h"

struct registration_token_row {
    struct str token;
    int64_t uses_allowed; /* -1: any number */
    int64_t completed;
    int64_t created_ts;
    int64_t expires_ts; /* 0: never */
};

/* Whether an account may be made with the token at time `now`. */
bool registration_tokens_usable(struct store_tx *tx, struct str token, int64_t now);
/* All tokens, oldest first. */
size_t registration_tokens_list(struct store_tx *tx, struct arena *a, struct registration_token_row **rows_out);

/* These need a write transaction. */
/* False if there is one of that text. */
bool registration_tokens_insert(struct store_tx *tx, const struct registration_token_row *row);
/* Counts a use; false if the token does not allow it (any more). */
bool registration_tokens_use(struct store_tx *tx, struct str token, int64_t now);
/* False if there is none. */
bool registration_tokens_delete(struct store_tx *tx, struct str token);

#endif
