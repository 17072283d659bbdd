/*
 * Tokens that clients page and sync with: "s" and a position of the stream. A token stands for "everything up to and
 * with this position", so the same form serves since, from, to, prev_batch and at.
 */
#ifndef HEARTH_SERVICE_STREAM_TOKEN_H
#define HEARTH_SERVICE_STREAM_TOKEN_H

#include "base/str.h"

/* False for anything that is no token of this server. */
bool stream_token_read(struct str token, int64_t *pos_out) __attribute__((warn_unused_result));
struct str stream_token_make(struct arena *a, int64_t pos);

#endif
