/*
 * What this server refuses from its own clients although the authorisation rules would let it pass.
 *
 * Only what the specification asks servers to refuse: everything else in content is between clients. Events of other
 * servers are never checked by these functions.
 *
 *     m.room.message           msgtype and a textual body      client-server API, "Instant Messaging", server behaviour
 *     m.room.power_levels      integers, in every version      server-server API, "Definitions" (warning)
 *                              users by their grammar          (the rules refuse it too, but do not say which)
 *     m.room.canonical_alias   aliases by their grammar        PUT /rooms/{roomId}/state
 *
 * What needs more than the content stays elsewhere: numbers that the room version does not allow (event_seal()), that
 * an alias points to the room, duplicate annotations, threads off events that relate to others.
 *
 * Pure, any thread.
 */
#ifndef HEARTH_MATRIX_CONTENT_CHECK_H
#define HEARTH_MATRIX_CONTENT_CHECK_H

#include "codec/json.h"
#include "matrix/errcode.h"

/* Checks the content that a client wants to send. `before` is the content of the state event that it would replace,
 * NULL if there is none or the event is no state event. The message names the field; it may be the arena's. */
struct fault content_check(struct arena *a, struct str type, const struct json *content, const struct json *before);

/* The aliases that an m.room.canonical_alias lists and the one before did not: those that must point to the room.
 * Checked by content_check() before. Returns how many; *aliases_out is the arena's. */
size_t content_new_aliases(struct arena *a, const struct json *content, const struct json *before,
                           struct str **aliases_out);

#endif
