/*
 * Who is typing where (client-server API, module "Typing Notifications"): in memory only, gone after a restart.
 *
 * A change takes a position of the stream, so that sync sees it like any other, but is not written anywhere. Changes
 * are made in jobs of the writer, so that they and changes of membership are in one order.
 *
 * Threads: any; no lock may be held, but for typing_left.
 */
#ifndef HEARTH_SERVICE_TYPING_H
#define HEARTH_SERVICE_TYPING_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

struct store_tx;

#define TYPING_TIMEOUT_MAX_MS 120000

struct typing *typing_new(void);
void typing_free(struct typing **typing);

/* The caller, who must be joined, types in the room for the next `timeout_ms`, or (0) has stopped. The members are
 * woken. */
struct fault typing_set(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        int64_t timeout_ms) __attribute__((warn_unused_result));
/* For jobs of the writer: the user has left the room, and so does not type there any more. The caller wakes. */
void typing_left(struct services *s, struct store_tx *tx, int64_t room_nid, int64_t user_nid);
/* {"user_ids": [...]} if that list changed after position `after` (up to `up_to`), without those whom the reader
 * ignores (NULL: nobody); else NULL. */
struct json *typing_content(struct services *s, struct arena *a, int64_t room_nid, int64_t after, int64_t up_to,
                            const struct json *ignored);
/* The newest position at which the room's list changed, or 0. */
int64_t typing_last_pos(struct services *s, int64_t room_nid);
/* Ends what has timed out and wakes the members; to be called every second or so. */
void typing_expire(struct services *s);

#endif
