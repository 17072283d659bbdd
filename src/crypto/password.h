/*
 * Password hashes: Argon2id, over libsodium.
 *
 * Stored form is the usual one, "$argon2id$v=19$m=19456,t=2,p=1$salt$hash", so that a change of cost is seen in the
 * hash itself: after a good login, a hash that password_needs_rehash() is replaced by a new one.
 *
 * Cost: 19 MiB and 2 passes, OWASP's first choice; 17 ms on one core. Callers bound how many run at once.
 *
 * Threads: any.
 */
#ifndef HEARTH_CRYPTO_PASSWORD_H
#define HEARTH_CRYPTO_PASSWORD_H

#include "base/arena.h"
#include "base/str.h"

#define PASSWORD_HASH_MAX 127 /* characters of a stored hash */

/* The hash to store, in the arena. p == NULL when the machine has not the memory; the caller answers "try later".
 * Any bytes are a password; the caller has limited their number. */
struct str password_hash(struct arena *a, struct str password) __attribute__((warn_unused_result));
/* False for a wrong password, and for a `hash` that is none. */
bool password_verify(struct str hash, struct str password) __attribute__((warn_unused_result));
/* A stored form of today's cost that no password fits: to check against where there is no account, in the same time. It
 * is made of random bytes, without hashing anything. */
struct str password_decoy(struct arena *a) __attribute__((warn_unused_result));
/* True if `hash` was made at another cost than that of today, or is no Argon2id hash. */
bool password_needs_rehash(struct str hash);

#endif
