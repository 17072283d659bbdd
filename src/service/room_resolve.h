/*
 * The state that follows from several: state resolution over the state maps of the store.
 *
 * Threads: as the transaction.
 */
#ifndef HEARTH_SERVICE_ROOM_RESOLVE_H
#define HEARTH_SERVICE_ROOM_RESOLVE_H

#include "service/event_reader.h"

/* The most events that one resolution may look at. */
#define ROOM_RESOLVE_EVENTS_MAX 200000

/* Resolves the states under `roots` (1 or more; the same root may come twice) of one room into one state map.
 * 0 if that cannot be done: the transaction has failed, or the states need more
 * events than ROOM_RESOLVE_EVENTS_MAX, or events of theirs are not stored (logged). Write transactions only. */
int64_t room_resolve_states(struct event_reader *reader, const int64_t *roots, size_t count);

#endif
