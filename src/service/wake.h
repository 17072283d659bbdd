/*
 * Waking: tells the requests that are parked for a user that something of theirs has changed.
 *
 * The HTTP layer parks requests by 64-bit keys; here the key of a user is its number. Tests and commands that run
 * without an HTTP server have a wake that does nothing (NULL).
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_WAKE_H
#define HEARTH_SERVICE_WAKE_H

#include "http/wake_group.h"

#include <stdint.h>

struct wake {
    void (*fn)(void *ctx, uint64_t key);
    void *ctx;
    void (*group_fn)(void *ctx, const struct wake_group *group); /* NULL: fn for each of them */
};

static inline void wake_user(const struct wake *wake, int64_t user_nid)
{
    if (wake->fn)
        wake->fn(wake->ctx, (uint64_t)user_nid);
}

static inline void wake_users(const struct wake *wake, const struct wake_group *group)
{
    struct wake_cursor cursor = {0};
    uint64_t key;
    if (wake->group_fn)
        wake->group_fn(wake->ctx, group);
    else
        while (wake->fn && group->next(group->set, &cursor, &key))
            wake->fn(wake->ctx, key);
}

#endif
