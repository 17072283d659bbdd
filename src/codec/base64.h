/*
 * Base64: the standard alphabet for keys, hashes and signatures, the URL-safe one for event ids.
 *
 * Matrix writes it without padding (appendices, "Unpadded Base64") and reads it with or without. Everything else is
 * strict: no blanks, no byte of the other alphabet, padding whole or not at all, and (but for base64_decode_loose) no
 * bits left over that are not 0, so that the same bytes have one text only.
 *
 * Threads: any.
 */
#ifndef HEARTH_CODEC_BASE64_H
#define HEARTH_CODEC_BASE64_H

#include "base/str.h"

/* Without padding, in the arena. */
struct str base64_encode(struct arena *a, const void *bytes, size_t size);
/* The same with '-' and '_' for '+' and '/'. */
struct str base64_url_encode(struct arena *a, const void *bytes, size_t size);

/* The bytes, in the arena; false if the text is malformed. */
bool base64_decode(struct arena *a, struct str text, struct str *bytes_out) __attribute__((warn_unused_result));
bool base64_url_decode(struct arena *a, struct str text, struct str *bytes_out) __attribute__((warn_unused_result));
/* As base64_decode(), but bits other than 0 in the unused end of the last letter are dropped. Servers that write
 * signatures in this way are about and others accept them: where an event of theirs is checked, so must we. */
bool base64_decode_loose(struct arena *a, struct str text, struct str *bytes_out) __attribute__((warn_unused_result));

#endif
