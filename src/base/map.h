/*
 * Hash maps: from 64-bit numbers or from strings to a pointer.
 *
 * Open addressing, power-of-two size, grows at three quarters, tombstone-free deletion (backward shift). Values are
 * plain pointers that the map does not own and that are never NULL. String keys are not copied: their bytes must live
 * as long as the entry (usually they stand in the value itself).
 *
 * Iterating: size_t i = 0; while ((value = map_u64_next(&m, &i))) ...; the map must not change meanwhile.
 *
 * Threads: as the lock that guards the map says.
 */
#ifndef HEARTH_BASE_MAP_H
#define HEARTH_BASE_MAP_H

#include "base/str.h"

struct map_u64_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map_u64 {
    struct map_u64_slot *slots;
    size_t cap;
    size_t count;
};

void map_u64_init(struct map_u64 *m);
void map_u64_fini(struct map_u64 *m);
/* NULL if absent. */
void *map_u64_get(const struct map_u64 *m, uint64_t key);
/* Sets; returns the value that was there, or NULL. */
void *map_u64_put(struct map_u64 *m, uint64_t key, void *value);
/* Removes; returns the value that was there, or NULL. */
void *map_u64_remove(struct map_u64 *m, uint64_t key);
void *map_u64_next(const struct map_u64 *m, size_t *index);

struct map_str_slot {
    struct str key;
    uint64_t hash;
    void *value;
};

struct map_str {
    struct map_str_slot *slots;
    size_t cap;
    size_t count;
};

void map_str_init(struct map_str *m);
void map_str_fini(struct map_str *m);
void *map_str_get(const struct map_str *m, struct str key);
void *map_str_put(struct map_str *m, struct str key, void *value);
void *map_str_remove(struct map_str *m, struct str key);
void *map_str_next(const struct map_str *m, size_t *index);

#endif
