/*
 * Bearer tokens: access tokens, refresh tokens, login tokens and whatever else opens a door to the one who shows it.
 *
 * A token is a short prefix that says what it is ("hs_" for access tokens), and 32 characters of base62: 190 bits. The
 * database keeps its SHA-256 and never the token; one hash is enough, as nobody can try 2^190 of them. Looking a token
 * up by its hash gives away no timing either. token_eq() is for the few secrets that stand in the configuration.
 *
 * Threads: any.
 */
#ifndef HEARTH_CRYPTO_TOKEN_H
#define HEARTH_CRYPTO_TOKEN_H

#include "crypto/hash.h"
#include "crypto/random.h"

#define TOKEN_RANDOM_CHARS 32
#define TOKEN_HASH_SIZE    SHA256_SIZE

#define TOKEN_PREFIX_ACCESS  STR("hs_")
#define TOKEN_PREFIX_REFRESH STR("hr_")
#define TOKEN_PREFIX_LOGIN   STR("hl_")

/* A new token: `prefix` and 32 random characters. The string is the arena's. */
struct str token_new(struct arena *a, struct str prefix);
/* Whether a text could be a token with this prefix, by its length and characters. */
bool token_has_form(struct str token, struct str prefix);
/* What the database keeps of a token. */
void token_hash(struct str token, uint8_t out[TOKEN_HASH_SIZE]);
/* Whether two secrets are the same, in a time that depends on their lengths only. */
bool token_eq(struct str a, struct str b);

#endif
