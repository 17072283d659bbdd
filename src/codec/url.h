/*
 * Percent-encoding: components of paths and of query strings.
 *
 * Paths are cut at "/" before a component is decoded, so that "%2F" stands inside a room alias and never between two
 * components. What is decoded may be any bytes: check utf8_valid() where text is wanted.
 *
 * Threads: any.
 */
#ifndef HEARTH_CODEC_URL_H
#define HEARTH_CODEC_URL_H

#include "base/str.h"

enum url_flags {
    URL_PLUS_IS_SPACE = 1, /* as in HTML forms */
};

/* Decodes one component. False if a '%' is not followed by two hexadecimal digits. The result is in the arena, or is
 * `text` itself if there was nothing to decode. */
bool url_decode(struct arena *a, struct str text, unsigned flags, struct str *out) __attribute__((warn_unused_result));
/* The same into the caller's memory, always; false too if there is no room. */
bool url_decode_into(char *to, size_t room, struct str text, unsigned flags, struct str *out)
    __attribute__((warn_unused_result));
/* Whether it can be decoded. */
bool url_valid(struct str text) __attribute__((warn_unused_result));

/* Encodes everything but letters, digits, '-', '.', '_' and '~' (RFC 3986, "unreserved"), so that the result is one
 * component of a path or of a query anywhere. In the arena, or `text` itself if there was nothing to encode. */
struct str url_encode(struct arena *a, struct str text);

#endif
