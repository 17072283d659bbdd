/*
 * Sending: messages, state and redactions that clients write (client-server API, "Sending events to a room").
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_SEND_H
#define HEARTH_SERVICE_ROOM_SEND_H

#include "service/room.h"

/* A message event; the same transaction of the same device gives the same event again. m.room.redaction is taken too,
 * with its target in content.redacts. */
struct fault room_send(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str type, struct str txn_id, const struct json *content, struct str *event_id_out)
    __attribute__((warn_unused_result));
struct fault room_redact(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str redacts, struct str txn_id, struct str reason, struct str *event_id_out)
    __attribute__((warn_unused_result));
/* A state event. Sending what the state says already gives the event that says so. */
struct fault room_put_state(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                            struct str type, struct str state_key, const struct json *content, struct str *event_id_out)
    __attribute__((warn_unused_result));

#endif
