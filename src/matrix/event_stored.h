/*
 * Reading back events that this server has stored: they were checked when they came in, so nothing is checked again
 * and no hash is computed.
 */
#ifndef HEARTH_MATRIX_EVENT_STORED_H
#define HEARTH_MATRIX_EVENT_STORED_H

#include "matrix/event.h"

/* The view of a stored PDU. Points into `pdu`, `event_id` and the arena. False if the text is no PDU at all, which
 * means that the database was damaged. */
bool event_read_stored(struct arena *a, const struct room_version *version, struct str event_id, struct str pdu,
                       struct event *event_out) __attribute__((warn_unused_result));
/* The same of a tree that is parsed already. */
void event_view_stored(struct arena *a, const struct room_version *version, struct str event_id, const struct json *pdu,
                       struct event *event_out);

/* The room id of a v12 room, which is the create event's id with another sigil. */
struct str room_id_of_create(struct arena *a, struct str create_event_id);
/* And back. */
struct str create_of_room_id(struct arena *a, struct str room_id);

#endif
