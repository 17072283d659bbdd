/*
 * A bounded cache of rows that never change: nodes of state maps, names and their numbers.
 *
 * It holds committed rows only. A number that was given out in a job that is rolled back comes again for something
 * else, so what a write transaction meets is put in at once only if it is known to be older than the transaction (its
 * number is at or below one that was seen committed), and else once its job is committed.
 *
 * Keys and values are bytes, copied in and copied out; what was not used longest goes first.
 *
 * Threads: any; it is cut into parts with a lock each, and holds a lock for the time of a copy.
 */
#ifndef HEARTH_STORE_ROW_CACHE_H
#define HEARTH_STORE_ROW_CACHE_H

#include "store/store.h"

struct row_cache;

/* Longer keys and values are not remembered. */
#define ROW_CACHE_BYTES_MAX 720

struct row_cache_bytes {
    size_t n;
    char p[ROW_CACHE_BYTES_MAX];
};

/* Holds up to `max_bytes`, its own bookkeeping included. */
struct row_cache *row_cache_new(size_t max_bytes);
/* Accepts NULL. */
void row_cache_free(struct row_cache **cache);

bool row_cache_get(struct row_cache *cache, struct str key, struct row_cache_bytes *value_out);
/* Remembers a row that `tx` has read or written, and whose number is `nid`. */
void row_cache_put(struct row_cache *cache, struct store_tx *tx, int64_t nid, struct str key, struct str value);
/* Bytes that it holds now. */
size_t row_cache_used(struct row_cache *cache);

#endif
