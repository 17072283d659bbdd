/*
 * Lists of the users who are joined to a room: sorted by number, immutable and counted, because the writer reads a list
 * while the room moves on to another.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_ROOM_JOINED_H
#define HEARTH_SERVICE_ROOM_JOINED_H

#include "service/services.h"

#include <stdatomic.h>

struct room;

struct room_joined {
    atomic_uint refs;
    size_t count;
    int64_t user_nids[];
};

/* A list of these numbers, in any order; the caller's reference. */
struct room_joined *room_joined_new(const int64_t *user_nids, size_t count);
/* A list with one user more (who is not in it), or less (who is). */
struct room_joined *room_joined_with(const struct room_joined *list, int64_t user_nid);
struct room_joined *room_joined_without(const struct room_joined *list, int64_t user_nid);
struct room_joined *room_joined_ref(struct room_joined *list);
/* Accepts NULL; sets *list to NULL. */
void room_joined_unref(struct room_joined **list);
bool room_joined_has(const struct room_joined *list, int64_t user_nid);

/* Wakes what is parked for the users of the list; NULL stands for an empty one. */
void room_joined_wake(struct services *s, const struct room_joined *list);
/* The same for all who are joined to the room now. Takes and releases the room's lock. */
void room_wake_joined(struct services *s, struct room *room);

#endif
