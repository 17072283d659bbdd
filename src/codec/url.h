/*
 * Percent-encoding: components of paths, and query strings.
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
    URL_REFUSE_NUL = 1,    /* a byte 0, also as %00, is an error */
    URL_PLUS_IS_SPACE = 2, /* as in HTML forms; always so in url_parse_query() */
};

/* Decodes one component. False if a '%' is not followed by two hexadecimal digits. The result is in the arena, or is
 * `text` itself if there was nothing to decode. */
bool url_decode(struct arena *a, struct str text, unsigned flags, struct str *out) __attribute__((warn_unused_result));

/* Encodes everything but letters, digits, '-', '.', '_' and '~' (RFC 3986, "unreserved"), so that the result is one
 * component of a path or of a query anywhere. In the arena, or `text` itself if there was nothing to encode. */
struct str url_encode(struct arena *a, struct str text);

struct url_pair {
    struct str key;
    struct str value;
};

/* In the order of the text; a key may come more than once. */
struct url_query {
    struct url_pair *pairs;
    size_t count;
};

/* Parses "a=b&c=d", without a '?' before it. "a" alone has an empty value; empty parts ("a=1&&b=2") are left out. False
 * if there are more than `max_pairs` or an escape is malformed. Keys and values are in the arena or in the text. */
bool url_parse_query(struct arena *a, struct str text, unsigned flags, size_t max_pairs, struct url_query *out)
    __attribute__((warn_unused_result));
/* The value of the first pair with this key, or an empty slice with p == NULL if there is none. */
struct str url_query_get(const struct url_query *query, struct str key);

#endif
