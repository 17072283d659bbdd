/*
 * Keeping the forward extremities of a room few: each one that is left makes the next resolution of the room's state
 * dearer, for us and for everybody in the room.
 *
 * Where events of others leave many, a local member joins them with an event that says nothing and that no client is
 * shown (type org.matrix.dummy_event, as other servers do it).
 *
 * Threads: any; not with a room's lock held.
 */
#ifndef HEARTH_SERVICE_ROOM_MERGE_H
#define HEARTH_SERVICE_ROOM_MERGE_H

#include "service/room.h"

/* Up to here they are left to the next event that somebody sends. */
#define ROOM_MERGE_ABOVE 10

/* Sends such an event if the room has more than ROOM_MERGE_ABOVE forward extremities and a local member may send it.
 * That it could not is logged, and nothing else: the next event is another chance. */
void room_merge(struct services *s, struct arena *a, struct room *room);

#endif
