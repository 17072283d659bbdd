/*
 * Making rooms (client-server API, POST /createRoom): presets, initial state, invitations, as one transaction.
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_CREATE_H
#define HEARTH_SERVICE_ROOM_CREATE_H

#include "service/room.h"

/* Reads the request body of /createRoom and makes the room. The fault names the field that is wrong. */
struct fault room_create(struct services *s, struct arena *a, const struct caller *caller, const struct json *body,
                         struct str *room_id_out) __attribute__((warn_unused_result));

#endif
