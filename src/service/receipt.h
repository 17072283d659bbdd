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
/* Sets the fully-read marker, which is account data of the room. */
struct fault receipt_set_fully_read(struct services *s, struct arena *a, const struct caller *caller,
                                    struct str room_id, struct str event_id) __attribute__((warn_unused_result));

#endif
