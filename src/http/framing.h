/*
 * Whether the head of a request is what RFC 9112 says, byte for byte.
 *
 * libmicrohttpd is lenient: it takes bare LF for a line end, joins folded lines to the *name* of the header before
 * them, keeps white space before the colon in the name, and reads the first of two Content-Length headers, or none if
 * there is a Transfer-Encoding. A proxy in front that reads the same bytes otherwise lets a client smuggle requests
 * past it. So the head is checked again here, in the memory that libmicrohttpd has parsed in place: names and values
 * point into one block, the line ends have become NUL bytes, and whatever does not stand exactly where it must was not
 * well formed:
 *
 *     GET.0./path?query.0.HTTP/1.1.0.0.Host.0. example.org.0.0.Accept.0. text/plain.0.0.0.0
 *     ^method   ^target   ^version     ^name 0  ^value     ^^CRLF                       ^^CRLF: `end`
 *
 * Threads: pure.
 */
#ifndef HEARTH_HTTP_FRAMING_H
#define HEARTH_HTTP_FRAMING_H

#include "http/request.h"

struct framing_head {
    const char *block; /* the method, and all that follows it */
    const char *end;   /* behind the empty line */
    struct str method;
    struct str target;
    struct str version;
    const struct http_pair *headers;
    size_t header_count;
};

struct framing {
    bool chunked;
    uint64_t content_length; /* 0 if there is none */
    bool expects_continue;
};

/* NULL if the head is well formed, or what is wrong with it, for the client to read. */
const char *framing_check(const struct framing_head *head, struct framing *out) __attribute__((warn_unused_result));

#endif
