/*
 * Tokens that clients page and sync with: "s" and a position of the stream. A token stands for "everything up to and
 * with this position", so the same form serves since, from, to, prev_batch and at.
 *
 * Tokens to page with may be finer: "s120_3" is a place in a room's timeline in front of position 120 (struct
 * event_place, sub -3). History that is fetched later goes in front of an event that is there, so such a token still
 * leads to it; and where a position is wanted it stands for the one before.
 */
#ifndef HEARTH_SERVICE_STREAM_TOKEN_H
#define HEARTH_SERVICE_STREAM_TOKEN_H

#include "store/events.h"

/* False for anything that is no token of this server. */
bool stream_token_read(struct str token, int64_t *pos_out) __attribute__((warn_unused_result));
struct str stream_token_make(struct arena *a, int64_t pos);
bool stream_token_read_place(struct str token, struct event_place *place_out) __attribute__((warn_unused_result));
struct str stream_token_make_place(struct arena *a, struct event_place place);

#endif
