/*
 * Numbers that canonical JSON cannot express: events of room versions 1 to 5 may hold them ("Canonical JSON", "Servers
 * MUST NOT strictly enforce").
 *
 * Hash and signature cover them as the code in the appendices ("Canonical JSON") writes them, which is Python's, and
 * that of the servers which those rooms come from: an integer of any size with all its digits, and whatever has a
 * fraction or an exponent as the shortest decimal that reads back as the same double.
 *
 *     -0       0                 1.50    1.5                 1e3     1000.0
 *     2^70     all its digits    1e16    1e+16               1e999   nothing: no double holds it
 *
 * Pure, any thread. Only files of src/matrix that read or hash events include this.
 */
#ifndef HEARTH_MATRIX_EVENT_NUMBER_H
#define HEARTH_MATRIX_EVENT_NUMBER_H

#include "codec/json.h"

/* `v` with every number in that form, so that json_write() gives the bytes that are hashed. What needs no change is
 * shared with `v`, mostly all of it. NULL if a number is beyond all doubles. */
const struct json *event_canonical(struct arena *a, const struct json *v);

/* An integer without fraction and exponent, in any notation of it that is a JSON integer, if it fits. */
bool event_integer(const struct json *v, int64_t *out);

#endif
