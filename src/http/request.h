/*
 * A request, as whoever answers it sees it.
 *
 * The server (http/server.h) fills this in anew each time the request is run, on the stack of the worker that runs it:
 *
 *     PUT /_matrix/client/v3/rooms/%21a%2Fb/state//x?via=a%20b
 *         path       "/_matrix/client/v3/rooms/%21a%2Fb/state//x"    as it came, never decoded
 *         segments   "_matrix" "client" "v3" "rooms" "%21a%2Fb" "state" "" "x"    cut on "/", still not decoded
 *         query      {"via", "a b"}                                  decoded, in order
 *
 * A path that ends in "/" has an empty last segment. Decoding is the router's work (http/route.h), after the cut: an
 * escaped slash is a part of its segment.
 *
 * Ownership: all slices and arrays live as long as this run of the handler, and so does the arena. What has to survive
 * until the next run of a parked request goes into *scratch; a parked request holds nothing else.
 *
 * It can be filled in by hand: tests need no server.
 *
 * Threads: a request belongs to the worker that runs it.
 */
#ifndef HEARTH_HTTP_REQUEST_H
#define HEARTH_HTTP_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* HEAD does not appear here: it is answered as GET, and the server leaves the body away. */
enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_OTHER /* whatever no route has */
};
#define HTTP_METHOD_COUNT (HTTP_OTHER + 1)

/* The most that a request may have of each; more is refused before anything is allocated for it. */
#define HTTP_MAX_SEGMENTS 64
#define HTTP_MAX_HEADERS  100
#define HTTP_MAX_QUERY    512

struct http_pair {
    struct str name;
    struct str value;
};

/* What a handler wants to find again when its parked request is run once more; zero at first. */
struct http_scratch {
    int64_t n[8];
};

/* The head of a request: what is known before the body has been read. Valid during the call that gets it. */
struct http_request_head {
    enum http_method method;
    bool head; /* the method was HEAD */
    struct str path;
    const struct str *segments;
    size_t segment_count; /* HTTP_MAX_SEGMENTS + 1: there are more than `segments` holds, and it is to be answered */
    struct str query;     /* what follows "?", not decoded; p == NULL if there is no "?" */
    const struct http_pair *headers;
    size_t header_count;
    bool has_body;
    int64_t content_length; /* -1: a chunked body, its length not known yet */
    unsigned listener;
};

/* The memory that an answer may take. What may be large is written into a buffer with this meter: it counts the bytes
 * while they grow, and refuses when the client has no more to get at the moment. */
struct http_answer_memory {
    struct buf_meter meter;
    size_t max;   /* what this client could ever get for one answer */
    bool refused; /* the meter has refused: the answer is to be 429 */
};

struct http_request {
    uint64_t id; /* unique in this process; the log's request id */
    enum http_method method;
    bool head; /* the method was HEAD (which is handled as GET) */
    struct str path;
    const struct str *segments;
    size_t segment_count;
    const struct http_pair *query;
    size_t query_count;
    const struct http_pair *headers;
    size_t header_count;
    struct str body;
    struct str client; /* the address of the client, without port; "unix" for a local socket (see server.h, proxies) */
    unsigned listener; /* what http_server_listen_...() returned */
    const void *tag;   /* what `classify` put into its verdict */
    struct arena *arena;               /* for whatever this run needs; forgotten when it has answered or parked */
    struct http_answer_memory *answer; /* or NULL: it is not counted */

    int64_t first_seen_ms; /* clock_mono_ms() when the head had arrived; the same in each run */
    unsigned wakeups;      /* how many times it has been run before */
    bool timed_out;        /* the deadline of the park is over, or the server stops: answer now, do not park */
    uint64_t wake_seq;     /* http_server_wake_seq() just before this run: what a park should say it has seen */
    struct http_scratch *scratch;
};

/* The value of the first header of this name (in any case); p == NULL if absent. */
struct str http_header(const struct http_request *r, struct str name);
struct str http_pairs_header(const struct http_pair *headers, size_t count, struct str name);
/* The decoded value of the first query parameter of this name (exact); p == NULL if absent. */
struct str http_query(const struct http_request *r, struct str name);

/* "GET"...; "" for HTTP_OTHER. */
struct str http_method_name(enum http_method m);
/* Exact, capital letters; HEAD gives HTTP_GET. */
enum http_method http_method_parse(struct str name);

/* Cuts a raw path, which starts with "/", into at most `max` segments; returns how many it has, `max` + 1 if more, and
 * 0 if it does not start with "/". */
size_t http_path_split(struct str path, struct str *segments, size_t max);

/* Parses name=value&name=value with "+" for a space, as browsers write forms. A name or value with a malformed escape
 * is left as it stands. Pairs beyond HTTP_MAX_QUERY are left away. Returns their count. */
size_t http_query_parse(struct arena *a, struct str query, const struct http_pair **out);

#endif
