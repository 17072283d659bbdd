/*
 * Relations of events as they enter a room, and are redacted. Private to room_append.c, room_enter.c and
 * room_receive.c. An event without m.relates_to costs nothing here. What is told of them is room_bundle.h.
 *
 * Threads: inside a job, but for room_relations_check.
 */
#ifndef HEARTH_SERVICE_ROOM_RELATIONS_H
#define HEARTH_SERVICE_ROOM_RELATIONS_H

#include "service/room_enter.h"
#include "service/room_head.h"

/* An event has taken its place in the timeline: stores its relation, or notes that it waits for its parent. */
void room_relations_enter(struct room_entering *x, const struct room_entry *e);
/* An event of another server has come that others may have been waiting for. */
void room_relations_arrive(struct room_entering *x, int64_t event_nid, struct str event_id);
/* `child` is about to be redacted: its relation ends. */
void room_relations_leave(struct room_entering *x, const struct stored_event *child);

/* Whether a user of ours may send it: no thread at what is in a relation itself (M_UNKNOWN), no annotation twice
 * (M_DUPLICATE_ANNOTATION, "Avoiding duplicate annotations"; two that are sent at the same moment may both pass). With
 * the room's lock held. */
struct fault room_relations_check(struct arena *a, struct room_head_reader *reader, const struct room_draft *draft);

#endif
