/*
 * The keys this server signs with, as the database knows them: ids and public halves, in table meta. The secret is in a
 * file (main/signing_key_file.h), which does not come along when a database is copied or shared; what is kept here
 * tells whether the right one did.
 *
 *     signing_key                    "ed25519:a_AbCd <public key>"
 *     old_signing_key <the same>     milliseconds since 1970 when it was given up: what old_verify_keys is made of
 *                                    (server-server API, "Retrieving server keys")
 *
 * Threads: as the transaction.
 */
#ifndef HEARTH_STORE_SIGNING_KEYS_H
#define HEARTH_STORE_SIGNING_KEYS_H

#include "store/store.h"

struct signing_key_row {
    struct str key_id;     /* "ed25519:a_AbCd" */
    struct str public_key; /* unpadded base64 */
};

/* The key that the database knows, in `a`; key_id.p == NULL if it knows none. */
struct signing_key_row signing_keys_known(struct store_tx *tx, struct arena *a);
/* Whether a process may sign with this key, which the database knows afterwards: it is the known one, or none is known
 * yet, or nothing can have been signed (`unused`) and no other process has the database open. Write transactions only.
 */
bool signing_keys_take(struct store_tx *tx, const struct signing_key_row *row, bool unused)
    __attribute__((warn_unused_result));
/* Makes it the key from now on, and an old one of the one before. False, and nothing is changed, if another process has
 * the database open. Write transactions only. */
bool signing_keys_change(struct store_tx *tx, const struct signing_key_row *row, int64_t now_ms)
    __attribute__((warn_unused_result));

#endif
