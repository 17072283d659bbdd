/*
 * Many keys that are woken at once, as a set that somebody else keeps: asked in whichever way is the shorter.
 *
 * Threads: the set stands still, and its functions take no lock, while a group is being woken.
 */
#ifndef HEARTH_HTTP_WAKE_GROUP_H
#define HEARTH_HTTP_WAKE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the set an iteration stands; all 0 at first. */
struct wake_cursor {
    size_t at;
    const void *page;
    uint64_t base; /* what the bits below stand for */
    uint64_t rest; /* bits of keys that are still to come */
};

struct wake_group {
    const void *set;
    size_t count; /* of keys */
    bool (*has)(const void *set, uint64_t key);
    /* The next key, in no order; false after the last. */
    bool (*next)(const void *set, struct wake_cursor *cursor, uint64_t *key_out);
};

#endif
