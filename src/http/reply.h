/*
 * What a handler answers: a value, either a response or "park me".
 *
 *     struct http_reply r = http_reply_take(200, &buf);              a body that was written into a struct buf
 *     struct http_reply r = http_reply_static(404, STR("{...}"));    a body that is there for ever
 *     http_reply_header(&r, STR("Location"), url);
 *
 *     return http_reply_park((struct http_park){.keys = {key}, .key_count = 1, .deadline_ms = d, .seen = r->wake_seq});
 *
 * Ownership: a reply owns its body (a malloc'ed one, or a file descriptor) until it is returned to the server, which
 * frees it; a reply that is not returned goes to http_reply_fini(). Header names and values are slices that have to
 * live until the handler's arena is forgotten; the server copies them.
 *
 * The server adds to each response the headers of http_standard_headers (client-server API, "Web Browser Clients") that
 * the reply does not set itself, Content-Type if there is a body, Content-Length and Date.
 *
 * Threads: a reply belongs to one thread at a time.
 */
#ifndef HEARTH_HTTP_REPLY_H
#define HEARTH_HTTP_REPLY_H

#include "base/buf.h"
#include "http/request.h"

#define HTTP_REPLY_MAX_HEADERS 8
#define HTTP_PARK_MAX_KEYS     4
/* The longest header name or value of a reply. */
#define HTTP_REPLY_MAX_HEADER_BYTES 2048

enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_STATIC, /* lives as long as the program */
    HTTP_BODY_HEAP,   /* malloc'ed */
    HTTP_BODY_FILE    /* `size` bytes of `fd` from `offset` on; the descriptor is closed with the reply */
};

struct http_body {
    enum http_body_kind kind;
    const char *p;
    size_t size;
    int fd;
    uint64_t offset;
};

/* Run the request again, from its start, when one of the keys is woken or when the time is up. */
struct http_park {
    uint64_t keys[HTTP_PARK_MAX_KEYS];
    unsigned key_count;  /* 0: only the deadline ends it */
    int64_t deadline_ms; /* of clock_mono_ms() */
    uint64_t seen;       /* http_server_wake_seq() from before the state was looked at: later wakes are not lost */
};

struct http_reply {
    bool parks;               /* `park` counts, and nothing else */
    bool close;               /* close the connection afterwards */
    int status;               /* 200...599 */
    const char *content_type; /* lives as long as the program; NULL: "application/json" */
    struct http_body body;
    struct http_pair headers[HTTP_REPLY_MAX_HEADERS];
    size_t header_count;
    struct http_park park;
};

/* Takes the buffer's bytes. An overflowed buffer becomes a 500 M_UNKNOWN. */
struct http_reply http_reply_take(int status, struct buf *body);
struct http_reply http_reply_static(int status, struct str body);
struct http_reply http_reply_file(int status, int fd, uint64_t offset, size_t size, const char *content_type);
/* {"errcode": errcode, "error": message}; both are constant texts that need no escaping in JSON. */
struct http_reply http_reply_error(int status, const char *errcode, const char *message);
/* 429 M_LIMIT_EXCEEDED with retry_after_ms and Retry-After; `seconds` is a constant text of digits. */
struct http_reply http_reply_limited(const char *message, struct str seconds);
struct http_reply http_reply_park(struct http_park park);
/* False, and nothing is added, if name or value hold CR, LF or NUL, are longer than HTTP_REPLY_MAX_HEADER_BYTES, or if
 * there are HTTP_REPLY_MAX_HEADERS already. The sum of all headers of a reply has to stay below 4 KiB, or the server
 * answers 500 instead. */
bool http_reply_header(struct http_reply *r, struct str name, struct str value) __attribute__((warn_unused_result));
/* Frees what it owns. */
void http_reply_fini(struct http_reply *r);

/* What every response carries (client-server API, "Web Browser Clients"). */
#define HTTP_STANDARD_HEADER_COUNT 3
extern const struct http_pair http_standard_headers[HTTP_STANDARD_HEADER_COUNT];

#endif
