/*
 * Messages on their way to the disk, and transaction ids that were used: what gives a request that comes twice the same
 * answer. Private to room_append.c.
 *
 * Threads: all functions want the room's lock held.
 */
#ifndef HEARTH_SERVICE_ROOM_PENDING_H
#define HEARTH_SERVICE_ROOM_PENDING_H

#include "service/room_head.h"

/* A message that is queued: a second request with the same transaction id finds it here before it is on disk. */
struct room_pending {
    struct room_pending *next;
    uint64_t number; /* they are numbered as they come */
    int64_t device_nid;
    struct str txn_id;
    struct str type;
    struct str redacts;
};

/* Fills it in from the draft and puts it on the room's list, whose it stays until it is removed. */
void room_pending_add(struct room *room, struct room_pending *pending, const struct room_draft *draft);
void room_pending_remove(struct room *room, struct room_pending *pending);
/* The one with the draft's transaction, numbered above `waited`, or NULL. */
struct room_pending *room_pending_find(const struct room *room, const struct room_draft *draft, uint64_t waited);

/* True if this device has sent this transaction before, as the store knows: then the draft has its answer. */
bool room_sent_before(struct arena *a, struct room_head_reader *reader, struct room_draft *draft);

#endif
