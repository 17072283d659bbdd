/*
 * Receipts and the fully-read marker (client-server API, modules "Receipts" and "Read and unread markers").
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_RECEIPT_H
#define HEARTH_SERVICE_RECEIPT_H

#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

/* Sets m.read or m.read.private; `thread_id` is "main", the id of a thread's root, or p == NULL. */
struct fault receipt_set(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str type, struct str event_id, struct str thread_id)
    __attribute__((warn_unused_result));

/* Events that are read, all of them without a thread; p == NULL for what is to stay as it is. */
struct receipt_markers {
    struct str fully_read; /* m.fully_read, which is account data of the room */
    struct str read;
    struct str read_private;
};
/* Sets all of them or, with a fault, none. */
struct fault receipt_set_markers(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                 const struct receipt_markers *markers) __attribute__((warn_unused_result));

#endif
