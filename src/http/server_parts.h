/*
 * What the files that make up the server share: the server itself and the life of one request in it.
 *
 *     exchange.c        the callbacks of libmicrohttpd (I/O threads)
 *     exchange_head.c   the head of a request, where libmicrohttpd has left it
 *     exchange_run.c    running a request (worker threads), and what leaves the park table
 *     watch.c           the watch thread: accepting, waking, deadlines of requests and of connections, clients that
 * went away, lingering closes server.c          building it up and tearing it down
 *
 * An exchange is one request and its response. It is created when the request line has arrived and freed when the
 * response has been sent or the connection has broken. Who may touch it changes hands, always through a lock:
 *
 *     I/O thread --push--> worker --park_table_add--> park table --woken, deadline, client gone--> watch thread
 *          ^                 | ^                                                                     |     |
 *          |                 | '----------------------------------push-------------------------------'     |
 *          +-----resume------'                                                                             |
 *          '-------------------------------resume, to be closed--------------------------------------------'
 *
 * From the end of its body until it is resumed, its connection is suspended: libmicrohttpd does not touch it, and the
 * head of the request stays readable in the connection's memory, so that nothing is copied.
 */
#ifndef HEARTH_HTTP_SERVER_PARTS_H
#define HEARTH_HTTP_SERVER_PARTS_H

#include "http/connections.h"
#include "http/deadline.h"
#include "http/listener.h"
#include "http/park_table.h"
#include "http/peer.h"
#include "http/response_memory.h"
#include "http/server.h"
#include "http/worker_pool.h"

#include <microhttpd.h>
#include <stdatomic.h>

enum exchange_stage {
    EXCHANGE_HEAD,    /* the request line is there */
    EXCHANGE_BODY,    /* the head was accepted */
    EXCHANGE_HANDLED, /* suspended: with a pool, a worker or the park table */
    EXCHANGE_ANSWERED,
    EXCHANGE_DROPPED /* nothing more to say: answered, or to be closed without an answer */
};

struct exchange {
    struct work work;
    struct park_entry park;
    struct http_server *server;
    struct MHD_Connection *connection;
    uint64_t id;
    int64_t first_seen_ms;
    const char *target; /* in the connection's memory, like all of the head */
    uint32_t target_n;
    uint32_t path_n;
    char query_first; /* see exchange_take_target() */
    enum http_method method;
    bool head;
    bool slow;
    bool close;
    bool known;
    bool timed_out;
    bool complete; /* counted in the server's `complete` */
    enum exchange_stage stage;
    unsigned wakeups;
    unsigned listener;
    const void *tag;
    uint64_t client;   /* whose turn and share it takes: of the verdict, or of the address; 0: nobody's in particular */
    int64_t pushed_ms; /* when it was given to its pool last */
    uint64_t content_length;
    uint64_t received;                   /* of the body */
    size_t response_bytes;               /* of its body */
    struct response_hold *response_hold; /* what it has taken of the server's response memory, or NULL */
    size_t body_max;
    struct buf body;
    size_t body_held; /* what it has taken of the server's body memory: its capacity, not what has arrived */
    struct http_scratch scratch;
    struct MHD_Response *response;
    unsigned status;
};

#define WATCH_LINGER_MAX 256

/* A connection that was refused while the client may still be sending: read on for a while, or the reset that closing
 * it would cause could destroy the answer before the client has read it. */
struct watch_linger {
    int fd; /* -1: free */
    int64_t until_ms;
};

enum watch_warning { WATCH_NO_DESCRIPTORS, WATCH_FULL, WATCH_ADDRESS_FULL, WATCH_WARNINGS };

struct watch {
    int epoll;
    int event; /* to interrupt the wait */
    struct thread thread;
    bool started;
    atomic_bool stopping;
    atomic_bool listeners_closed;
    int64_t paused_until_ms[2];        /* not accepting, for lack of room; [1]: from reserved listeners */
    int64_t warned_ms[WATCH_WARNINGS]; /* of that, in the log */
    struct mutex woken_lock;
    struct park_entry *woken; /* to be run again */
    struct park_entry **woken_tail;
    struct mutex linger_lock;
    unsigned linger_count;
    struct watch_linger lingers[WATCH_LINGER_MAX];
};

struct http_server {
    struct http_server_options options;
    struct http_callbacks callbacks;
    struct peer_trust trust;
    size_t connection_memory; /* of each connection, for its head and that of the response */
    struct listener listeners[HTTP_MAX_LISTENERS];
    unsigned listener_count;
    struct MHD_Daemon *daemon;
    struct connections connections;
    struct deadlines deadlines;
    struct worker_pool workers;
    struct worker_pool slow_workers;
    struct park_table parks;
    struct response_memory response_memory;
    struct watch watch;
    bool started;
    atomic_bool draining;
    _Atomic uint64_t next_id;
    _Atomic unsigned requests;
    _Atomic unsigned complete;   /* of these, how many have arrived as a whole */
    _Atomic int64_t received_ms; /* when something of a request arrived last; kept only while draining */
    _Atomic uint64_t requests_total;
    _Atomic uint64_t refused_total;
    _Atomic uint64_t parked_gone_total;
    _Atomic uint64_t queued_gone_total;
    _Atomic size_t body_memory;
    _Atomic size_t stranger_memory; /* of this, what is held for requests that are not `known` */
};

/* --- exchange.c --- */

/* Callbacks of libmicrohttpd; `cls` is the server. */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *data_size, void **exchange);
void exchange_end(void *cls, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code);

const struct peer *exchange_peer(struct MHD_Connection *connection);
int exchange_fd(const struct exchange *x);
/* To its pool; whether there is room is looked at if `bounded`. */
enum worker_pool_pushed exchange_push(struct exchange *x, bool bounded) __attribute__((warn_unused_result));
void exchange_free_body(struct exchange *x);
/* Takes over what the reply owns: it is sent when libmicrohttpd asks next. */
void exchange_set_reply(struct exchange *x, struct http_reply *reply);

/* --- exchange_head.c --- */

struct framing_head;

struct exchange_headers {
    struct http_pair pairs[HTTP_MAX_HEADERS];
    size_t count; /* HTTP_MAX_HEADERS + 1 if there are more */
};

void exchange_read_headers(struct MHD_Connection *connection, struct exchange_headers *out);
/* White space around a value is no part of it (RFC 9110 section 5.5); libmicrohttpd leaves what stands behind. Not
 * before the head has been checked, which looks at every byte. */
void exchange_trim_headers(struct exchange_headers *headers);
/* Slices of the connection's memory. */
struct str exchange_path(const struct exchange *x);
struct str exchange_query(const struct exchange *x);
/* Keeps the target, and hides its query from libmicrohttpd until it is restored. */
void exchange_take_target(struct exchange *x, const char *target);
void exchange_restore_target(struct exchange *x);
/* RFC 9112 section 3.2: leaves the path and query of an absolute-form. False if it is no form that is known here. */
bool exchange_cut_target(struct exchange *x) __attribute__((warn_unused_result));
/* Whether the head leaves room for a response in the connection's memory. */
bool exchange_head_fits(const struct exchange *x, const struct framing_head *h) __attribute__((warn_unused_result));

/* --- exchange_run.c --- */

/* Runs one in a worker: `run` of both pools, `ctx` is the server. */
void exchange_run(void *ctx, struct work *w, struct arena *a);
/* Closes its connection; `discard` of both pools. */
void exchange_discard(struct work *w);
/* What the park table handed out: runs them again, with timed_out set if `timed_out`; or closes their connections. */
void exchange_rerun(struct http_server *s, struct park_entry *list, bool timed_out);
void exchange_drop(struct http_server *s, struct park_entry *list);

/* --- watch.c --- */

bool watch_init(struct http_server *s) __attribute__((warn_unused_result));
bool watch_start(struct http_server *s) __attribute__((warn_unused_result));
/* Ends and joins the thread. */
void watch_stop(struct http_server *s);
void watch_fini(struct http_server *s);

/* Any thread: runs them again, soon: whoever wakes many requests is not to pay for more than taking them out. */
void watch_rerun(struct http_server *s, struct park_entry *list);
/* The same at once, for those that a thread that has been stopped left behind. */
void watch_flush_woken(struct http_server *s);
/* Any thread: look at the deadlines again. */
void watch_poke(struct http_server *s);
/* Any thread: tell when the peer of a parked request goes away. Added before it is parked, removed when it was taken
 * out; an event for an id that is not parked is ignored. */
void watch_add_parked(struct http_server *s, int fd, uint64_t id);
void watch_remove_parked(struct http_server *s, int fd);
/* Any thread: reads and forgets what still comes, for some seconds. Keeps a descriptor of its own. */
void watch_linger(struct http_server *s, int fd);
/* The owner's thread, while the watch thread runs: no more connections are accepted. */
void watch_close_listeners(struct http_server *s);

#endif
