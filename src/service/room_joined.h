/*
 * The users who are joined to a room: a set of numbers that the head of the room shares with the jobs on their way,
 * which wake the members when they are done.
 *
 * Numbers are given out one after the other, so the set is kept as pages of bits: in a room of 50,000 a member costs
 * two bits or so, who joins costs no copy, and whether somebody is in it is a look at memory that is near.
 *
 * Ownership: counted. Threads: any; a set has a lock of its own, below a room's lock and above the park table's.
 */
#ifndef HEARTH_SERVICE_ROOM_JOINED_H
#define HEARTH_SERVICE_ROOM_JOINED_H

#include "service/services.h"

struct room;
struct room_joined;

/* A set of these numbers, which are positive; the caller's reference. */
struct room_joined *room_joined_new(const int64_t *user_nids, size_t count);
/* The memory that it takes. */
size_t room_joined_bytes(struct room_joined *set);
struct room_joined *room_joined_ref(struct room_joined *set);
/* Accepts NULL; sets *set to NULL. */
void room_joined_unref(struct room_joined **set);

void room_joined_put(struct room_joined *set, int64_t user_nid, bool joined);
bool room_joined_has(struct room_joined *set, int64_t user_nid);
size_t room_joined_count(struct room_joined *set);

/* Wakes what is parked for the users of the set; NULL stands for an empty one. */
void room_joined_wake(struct services *s, struct room_joined *set);
/* The same for all who are joined to the room now. Takes and releases the room's lock. */
void room_wake_joined(struct services *s, struct room *room);

#endif
