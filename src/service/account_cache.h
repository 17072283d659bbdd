/*
 * The cache of access tokens: from the hash of a token to its caller, so that most requests read no database.
 *
 * It holds what was read from committed snapshots and nothing else, so that a failed commit does not concern it. What
 * ends a token drops it here in the job's committed(), before anybody is told. A lookup that read the database before
 * that, and comes to put its answer here after it, is caught by the generation:
 *
 *      uint64_t generation = account_cache_generation(cache);
 *      ... read the database ...
 *      account_cache_put(cache, generation, ...);             does nothing if something was dropped meanwhile
 *
 * Bounded; what has not been asked for lately goes first (CLOCK). Dropping walks over all entries: 20,000 of them take
 * a tenth of a millisecond, and logging out is rare.
 *
 * Threads: any; one lock, held for moments.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_CACHE_H
#define HEARTH_SERVICE_ACCOUNT_CACHE_H

#include "base/arena.h"
#include "crypto/token.h"
#include "service/caller.h"

struct account_cache;

struct account_cache *account_cache_new(size_t max);
void account_cache_free(struct account_cache **cache);

/* Whose token it is (strings copied into `a`) and until when, or false if it is not here. */
bool account_cache_get(struct account_cache *cache, const uint8_t hash[TOKEN_HASH_SIZE], struct arena *a,
                       struct caller *caller_out, int64_t *expires_ts_out);
/* The number of its user, or 0 if it is not here; blocks on nothing and copies nothing. */
int64_t account_cache_user(struct account_cache *cache, const uint8_t hash[TOKEN_HASH_SIZE]);
/* Forgets everything if other processes have written since the last call: `others` is store_others(). */
void account_cache_follow(struct account_cache *cache, uint64_t others);
uint64_t account_cache_generation(struct account_cache *cache);
void account_cache_put(struct account_cache *cache, uint64_t generation, const uint8_t hash[TOKEN_HASH_SIZE],
                       const struct caller *caller, int64_t expires_ts);
/* Forgets all tokens of a device, or of a user. */
void account_cache_drop_device(struct account_cache *cache, int64_t device_nid);
void account_cache_drop_user(struct account_cache *cache, int64_t user_nid);

#endif
