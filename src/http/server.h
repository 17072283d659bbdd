/*
 * The HTTP server: connections, limits, threads and parking around two callbacks.
 *
 *     listeners --- watch thread: accepts; deadlines of parked requests; notices parked clients that went away
 *                        |
 *                   I/O threads (libmicrohttpd): parse heads, `classify`, read bodies, send responses
 *                        |                                                    ^
 *                   worker threads: `handle` -> a response -------------------+
 *                        ^              `-> parked: no thread, no arena, about 400 bytes beside the connection
 *                        +--- http_server_wake(key), deadline, drain
 *
 * `classify` is called in an I/O thread when the head of a request has arrived, before its body is read: it says how
 * large the body may be and which pool runs the request, or answers at once. It must not block.
 * `handle` is called in a worker thread with the whole request and may block.
 *
 * Waking and not losing a wake: every wake takes the next number of one sequence. A handler reads the number (it stands
 * in request->wake_seq) before it looks at the state it reports, and gives it back when it parks; if a key of the park
 * has been woken after that number, the request is run again at once. Keys share a few thousand stripes, so that a
 * request may be run once too often, never too seldom.
 *
 * What is refused here, with {"errcode", "error"} and the standard headers, and the connection closed:
 *     400 M_UNKNOWN     malformed or ambiguous framing (RFC 9112 sections 2.2, 3.2, 5.1, 5.2, 6.1, 6.3): nothing is
 *                       to be smuggled past a proxy
 *     413 M_TOO_LARGE   a body beyond the verdict's limit: at once if Content-Length says so, or when it is crossed
 *     431 M_TOO_LARGE   a head larger than max_header_bytes, more than HTTP_MAX_HEADERS headers, or so many in so
 *                       large a head (each counts 64 bytes more) that no room is left for the head of a response
 *     503 M_UNKNOWN     body_memory_max, or the strangers' share of it, is reached
 * and with the connection kept:
 *     503 M_UNKNOWN     the queue of the pool is full (Retry-After: 1)
 *     429 M_LIMIT_EXCEEDED    too many requests of the same client are in that queue (retry_after_ms: 1000)
 *     429 M_LIMIT_EXCEEDED    response_memory_max, or the client's share of it, is reached by responses that are being
 *                       made or not read (retry_after_ms: 5000); below 16 KiB never. What writes its answer through
 *                       request->answer is refused while it does, anything else when it is done
 *
 * The client is who the verdict says it is, or its address: requests queue for each client apart, clients take turns,
 * and one has a quarter of the workers at most (http/worker_pool.h), so that nobody keeps the others waiting. A request
 * whose client closes the connection, even if only its own direction, while it waits for 20 ms or more is never run.
 *
 * What libmicrohttpd can not read it refuses before anything here is asked, so that these answers lack the JSON body
 * and the standard headers: a status, a short HTML text of its own, "Connection: close", and the connection is closed.
 * It (0.9.75) has neither a callback on that way nor an option that lets such a head through: to be strict means to it
 * to refuse more. What it answers so:
 *     400   a request line that is not three words, or names no HTTP version; a header or trailer line without colon;
 *           malformed chunks; a Content-Length that is no number or has white space behind it (then the head of the
 *           answer comes twice, the second one where the client looks for the body)
 *     413   the size of a chunk, or a Content-Length (again with two heads), that needs more than 64 bits
 *     414   a request line larger than max_header_bytes and 3 KiB
 *     431   a head or trailers larger than that, with the 64 bytes that each header counts
 *     500   the line of a chunk's size, with its extensions, larger than that
 *     505   HTTP/0.x, and HTTP/2.0 and later (1.2 to 1.9 are refused here, with 400)
 * A first line of a single word closes the connection without an answer.
 *
 * A connection is also closed after a chunked request: among chunks libmicrohttpd takes a bare LF for a line end, which
 * can not be seen here.
 *
 * A parked client that closes its connection, even if only its own direction, is forgotten at once.
 *
 * Threads: wake, wake_seq and stats may be called from any thread; the others from the thread that owns the server.
 */
#ifndef HEARTH_HTTP_SERVER_H
#define HEARTH_HTTP_SERVER_H

#include "http/reply.h"
#include "http/request.h"
#include "http/wake_group.h"

#define HTTP_MAX_LISTENERS 16

struct http_server;

struct http_server_options {
    /* 0: 8. Not for speed: to resume one connection libmicrohttpd walks over all suspended ones of the thread. Beside
     * 9,000 parked requests another one took 170 us of CPU with 2 threads, 70 with 4, 32 with 8 and 19 with 16. */
    unsigned io_threads;
    unsigned worker_threads;              /* 0: four a core, at least 16, at most 64 */
    unsigned slow_threads_max;            /* 0: 64; they exist only while they are needed */
    unsigned queue_max;                   /* requests that wait for a worker, for each pool; 0: 4096 */
    size_t max_header_bytes;              /* request line and headers; 0: 8 KiB */
    unsigned max_connections;             /* at most three quarters of RLIMIT_NOFILE (with a warning); 0: these, up
                                           * to 65,536; reserved listeners have 16 more */
    unsigned max_connections_per_address; /* of one IPv4 address or IPv6 /64 that is no trusted proxy; 0: 1024 */
    int64_t idle_timeout_ms;              /* without any progress of the connection; whole seconds; 0: 60,000. What
                                           * makes progress has a deadline that grows from it, see deadline.h */
    size_t body_memory_max;               /* bytes of all bodies that are being held; beyond, 503; 0: 512 MiB. Of
                                           * this the bodies of those who are not `known` share a quarter */
    size_t response_memory_max;           /* bytes of all response bodies, until they are read; beyond, 429; 0: 512 MiB.
                                           * One client gets half of what the others leave of it; see
                                           * response_memory.h */
    /* Addresses whose X-Forwarded-For or Forwarded is believed: "127.0.0.1", "10.0.0.0/8", "fd00::/8", or "unix" for
     * the peers of unix sockets. The client is the last address in the header that is no trusted proxy itself. If both
     * headers are there, X-Forwarded-For is believed: a proxy that sets only Forwarded must remove it. */
    const char *const *trusted_proxies;
    size_t trusted_proxy_count;
};

/* What to do with a request whose head has arrived. */
struct http_verdict {
    bool answered; /* `reply` is the answer; the body, if there is one, is thrown away */
    struct http_reply reply;
    size_t body_max; /* bytes; 0: no body is taken */
    bool known;      /* from somebody the server knows: strangers can not take the memory for its body */
    bool slow;       /* talks to other servers: runs on the elastic pool */
    const void *tag; /* given to the handler */
    uint64_t client; /* whom it is from, as far as turns and shares go; 0: its address (IPv4, IPv6 /64) */
};

struct http_callbacks {
    struct http_verdict (*classify)(void *ctx, const struct http_request_head *head);
    struct http_reply (*handle)(void *ctx, struct http_request *request);
    void *ctx;
};

/* Copies the options. NULL if a trusted proxy is malformed or the system refuses a resource (logged). */
struct http_server *http_server_new(const struct http_server_options *options, const struct http_callbacks *callbacks)
    __attribute__((warn_unused_result));

/* Listeners are added before the start. They return the listener's number, from 0 on, or -1 (logged). */
/* `address` is a numeric IPv4 or IPv6 address ("0.0.0.0", "::1"; "::" takes IPv6 only); port 0 lets the system choose.
 */
int http_server_listen_tcp(struct http_server *s, const char *address, uint16_t port)
    __attribute__((warn_unused_result));
/* A socket that a dead process left at `path` is replaced, one that is alive is not. `mode` like 0660. The socket is
 * removed at the end. */
int http_server_listen_unix(struct http_server *s, const char *path, unsigned mode) __attribute__((warn_unused_result));
/* Connections of this listener are counted apart, with all that are reserved, 16 altogether: for a socket over which
 * the server is administered, however many clients there are. */
void http_server_reserve(struct http_server *s, int listener);
/* The port of a TCP listener. */
uint16_t http_server_port(const struct http_server *s, int listener);

/* Starts the threads. False if the system refuses (logged). */
bool http_server_start(struct http_server *s) __attribute__((warn_unused_result));

/* Runs again all requests that are parked on the key, in other threads: costs the caller well below a microsecond a
 * request. Not while the server is being freed. */
void http_server_wake(struct http_server *s, uint64_t key);
/* The same for all keys of a group; costs what the smaller of the group and the parked requests costs to walk along. */
void http_server_wake_group(struct http_server *s, const struct wake_group *group);
uint64_t http_server_wake_seq(const struct http_server *s);

/* Closes the listeners, runs parked requests again with timed_out set, and waits until all requests have been answered
 * and sent; those that are still arriving too, unless nothing more comes of them for half a second. False if some are
 * still there after `timeout_ms`. Requests that begin meanwhile on open connections are answered as well, and each
 * connection is closed with its next answer. */
bool http_server_drain(struct http_server *s, int64_t timeout_ms) __attribute__((warn_unused_result));

/* Stops and frees the server; requests in flight are cut off, but handlers that run are waited for. Accepts NULL; a
 * server that was not started too. Sets *s to NULL. */
void http_server_free(struct http_server **s);

struct http_server_stats {
    unsigned connections;
    unsigned requests; /* from the first line of the head until the response is sent, parked ones included */
    unsigned parked;
    unsigned queued; /* wait for a worker, both pools */
    unsigned slow_threads;
    size_t response_memory; /* bytes of response bodies that wait to be read, small ones left away */
    uint64_t requests_total;
    uint64_t refused_total;     /* 400, 413, 429, 431 and 503 of this layer */
    uint64_t parked_gone_total; /* clients that went away while parked */
    uint64_t queued_gone_total; /* and while they waited for a worker */
};
struct http_server_stats http_server_stats(struct http_server *s);

#endif
