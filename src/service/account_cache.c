#include "service/account_cache.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t hash[TOKEN_HASH_SIZE];
    int64_t expires_ts;
    int64_t user_nid;
    int64_t device_nid;
    bool is_admin;
    bool is_guest;
    bool used; /* since the hand of the clock last came by */
    size_t slot;
    size_t user_id_size;
    size_t device_id_size;
    char text[]; /* user id, device id */
};

struct account_cache {
    struct mutex lock;
    struct map_u64 entries; /* by the first bytes of the hash: nobody chooses those of a token that exists */
    struct entry **slots;   /* the same entries, for the clock */
    size_t max;
    size_t count;
    size_t hand;
    uint64_t generation;
    _Atomic uint64_t others;
};

struct account_cache *account_cache_new(size_t max)
{
    struct account_cache *cache = memory_calloc(1, sizeof *cache);
    mutex_init(&cache->lock);
    map_u64_init(&cache->entries);
    cache->slots = memory_calloc(max, sizeof(struct entry *));
    cache->max = max;
    return cache;
}

void account_cache_free(struct account_cache **cache)
{
    if (!*cache)
        return;
    for (size_t i = 0; i < (*cache)->count; i++)
        free((*cache)->slots[i]);
    free((*cache)->slots);
    map_u64_fini(&(*cache)->entries);
    mutex_fini(&(*cache)->lock);
    free(*cache);
    *cache = NULL;
}

static uint64_t key_of(const uint8_t hash[TOKEN_HASH_SIZE])
{
    uint64_t key;
    memcpy(&key, hash, sizeof key);
    return key;
}

bool account_cache_get(struct account_cache *cache, const uint8_t hash[TOKEN_HASH_SIZE], struct arena *a,
                       struct caller *caller_out, int64_t *expires_ts_out)
{
    mutex_lock(&cache->lock);
    struct entry *e = map_u64_get(&cache->entries, key_of(hash));
    bool found = e && memcmp(e->hash, hash, TOKEN_HASH_SIZE) == 0;
    if (found) {
        e->used = true;
        *expires_ts_out = e->expires_ts;
        *caller_out = (struct caller){
            .user_nid = e->user_nid,
            .device_nid = e->device_nid,
            .user_id = str_copy(a, (struct str){e->text, e->user_id_size}),
            .device_id = str_copy(a, (struct str){e->text + e->user_id_size, e->device_id_size}),
            .is_admin = e->is_admin,
            .is_guest = e->is_guest,
        };
    }
    mutex_unlock(&cache->lock);
    return found;
}

int64_t account_cache_user(struct account_cache *cache, const uint8_t hash[TOKEN_HASH_SIZE])
{
    mutex_lock(&cache->lock);
    struct entry *e = map_u64_get(&cache->entries, key_of(hash));
    int64_t user_nid = e && memcmp(e->hash, hash, TOKEN_HASH_SIZE) == 0 ? e->user_nid : 0;
    mutex_unlock(&cache->lock);
    return user_nid;
}

uint64_t account_cache_generation(struct account_cache *cache)
{
    mutex_lock(&cache->lock);
    uint64_t generation = cache->generation;
    mutex_unlock(&cache->lock);
    return generation;
}

/* The last entry takes the place of the one that goes. */
static void remove_entry(struct account_cache *cache, struct entry *e)
{
    mutex_assert_held(&cache->lock);
    struct entry *last = cache->slots[--cache->count];
    last->slot = e->slot;
    cache->slots[e->slot] = last;
    map_u64_remove(&cache->entries, key_of(e->hash));
    free(e);
}

void account_cache_follow(struct account_cache *cache, uint64_t others)
{
    if (atomic_load(&cache->others) == others)
        return;
    mutex_lock(&cache->lock);
    atomic_store(&cache->others, others);
    cache->generation++;
    while (cache->count > 0)
        remove_entry(cache, cache->slots[cache->count - 1]);
    mutex_unlock(&cache->lock);
}

static void make_room(struct account_cache *cache)
{
    mutex_assert_held(&cache->lock);
    while (cache->count == cache->max) {
        cache->hand = cache->hand < cache->count ? cache->hand : 0;
        struct entry *e = cache->slots[cache->hand++];
        if (!e->used)
            remove_entry(cache, e);
        else
            e->used = false;
    }
}

static struct entry *entry_new(const uint8_t hash[TOKEN_HASH_SIZE], const struct caller *caller, int64_t expires_ts)
{
    struct entry *e = memory_calloc(1, sizeof *e + caller->user_id.n + caller->device_id.n);
    memcpy(e->hash, hash, TOKEN_HASH_SIZE);
    e->expires_ts = expires_ts;
    e->user_nid = caller->user_nid;
    e->device_nid = caller->device_nid;
    e->is_admin = caller->is_admin;
    e->is_guest = caller->is_guest;
    e->user_id_size = caller->user_id.n;
    e->device_id_size = caller->device_id.n;
    memcpy(e->text, caller->user_id.p, caller->user_id.n);
    memcpy(e->text + caller->user_id.n, caller->device_id.p, caller->device_id.n);
    return e;
}

void account_cache_put(struct account_cache *cache, uint64_t generation, const uint8_t hash[TOKEN_HASH_SIZE],
                       const struct caller *caller, int64_t expires_ts)
{
    mutex_lock(&cache->lock);
    if (generation == cache->generation && !map_u64_get(&cache->entries, key_of(hash))) {
        make_room(cache);
        struct entry *e = entry_new(hash, caller, expires_ts);
        e->slot = cache->count;
        cache->slots[cache->count++] = e;
        map_u64_put(&cache->entries, key_of(hash), e);
    }
    mutex_unlock(&cache->lock);
}

void account_cache_drop_device(struct account_cache *cache, int64_t device_nid)
{
    mutex_lock(&cache->lock);
    cache->generation++;
    for (size_t i = cache->count; i-- > 0;)
        if (cache->slots[i]->device_nid == device_nid)
            remove_entry(cache, cache->slots[i]);
    mutex_unlock(&cache->lock);
}

void account_cache_drop_user(struct account_cache *cache, int64_t user_nid)
{
    mutex_lock(&cache->lock);
    cache->generation++;
    for (size_t i = cache->count; i-- > 0;)
        if (cache->slots[i]->user_nid == user_nid)
            remove_entry(cache, cache->slots[i]);
    mutex_unlock(&cache->lock);
}
