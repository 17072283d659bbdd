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

#include <stdint.h>

struct wake {
    void (*fn)(void *ctx, uint64_t key);
    void *ctx;
};

static inline void wake_user(const struct wake *wake, int64_t user_nid)
{
    if (wake->fn)
        wake->fn(wake->ctx, (uint64_t)user_nid);
}

#endif
