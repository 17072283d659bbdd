#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/framing.h"
#include "http/response.h"
#include "http/server_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What libmicrohttpd takes for each header and cookie in the connection's memory. */
static const size_t header_record = 64;
/* A body up to this size is read and thrown away when the request has been answered by its head alone: that is cheaper
 * than the new connection the client would have to make. */
static const uint64_t swallow_max = 64 << 10;
/* Bodies of strangers get this part of the memory, so that the others always find the rest. */
static const size_t stranger_share = 4;

static struct exchange *of_work(struct work *w)
{
    return (struct exchange *)((char *)w - offsetof(struct exchange, work));
}

static struct exchange *of_park(struct park_entry *e)
{
    return (struct exchange *)((char *)e - offsetof(struct exchange, park));
}

static int fd_of(const struct exchange *x)
{
    return MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static const struct peer *peer_of(struct MHD_Connection *connection)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    return (const struct peer *)address;
}

static struct deadline *deadline_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* --- the head, in the connection's memory --- */

struct header_list {
    struct http_pair pairs[HTTP_MAX_HEADERS];
    size_t count; /* HTTP_MAX_HEADERS + 1 if there are more */
};

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                  const char *value, size_t value_n)
{
    struct header_list *list = cls;
    (void)kind;
    if (list->count++ >= HTTP_MAX_HEADERS)
        return MHD_NO;
    list->pairs[list->count - 1] = (struct http_pair){{name, name_n}, {value ? value : "", value_n}};
    return MHD_YES;
}

static void read_headers(struct MHD_Connection *connection, struct header_list *out)
{
    out->count = 0;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, out);
}

static struct str path_of(const struct exchange *x)
{
    return (struct str){x->target, x->path_n};
}

static struct str query_of(const struct exchange *x)
{
    if (x->path_n == x->target_n)
        return (struct str){NULL, 0};
    return (struct str){x->target + x->path_n + 1, x->target_n - x->path_n - 1};
}

/* libmicrohttpd hands out the memory that it parses in place as const; it is not. */
static void poke(const char *at, char c)
{
    memcpy((char *)(uintptr_t)at, &c, 1);
}

/*
 * libmicrohttpd would make a record of 64 bytes in the connection's memory of each query parameter. The query is parsed
 * here anyway, so it is made to look empty until the head is complete.
 */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct http_server *s = cls;
    struct exchange *x = memory_calloc(1, sizeof *x);
    x->server = s;
    x->connection = connection;
    x->id = atomic_fetch_add(&s->next_id, 1) + 1;
    atomic_fetch_add(&s->requests, 1);
    atomic_fetch_add(&s->requests_total, 1);
    deadline_begin_head(deadline_of(connection), clock_mono_ms());
    x->target = target ? target : "";
    x->target_n = (uint32_t)strlen(x->target);
    x->path_n = (uint32_t)str_find((struct str){x->target, x->target_n}, '?');
    if (x->path_n < x->target_n) {
        x->query_first = x->target[x->path_n + 1];
        poke(x->target + x->path_n + 1, '\0');
    }
    return x;
}

static void restore_query(struct exchange *x)
{
    if (x->path_n == x->target_n)
        return;
    poke(x->target + x->path_n, '?');
    poke(x->target + x->path_n + 1, x->query_first);
}

static void free_body(struct exchange *x)
{
    buf_fini(&x->body);
    atomic_fetch_sub(&x->server->body_memory, x->body_held);
    if (!x->known)
        atomic_fetch_sub(&x->server->stranger_memory, x->body_held);
    x->body_held = 0;
}

/* --- refusals: a whole response, past libmicrohttpd, which would not take one in the middle of a body --- */

static enum MHD_Result refuse(struct exchange *x, unsigned status, const char *errcode, const char *message)
{
    struct buf text;
    free_body(x);
    buf_init(&text, 4096);
    response_refusal(&text, status, errcode, message, x->head);
    assert(buf_ok(&text));
    int fd = fd_of(x);
    /* All earlier responses of the connection have left libmicrohttpd. If the client does not read, it misses this one.
     */
    ssize_t sent = send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != (ssize_t)text.n)
        log_debug("a refusal could not be sent", LOG_INT("request", x->id));
    buf_fini(&text);
    watch_linger(x->server, fd);
    atomic_fetch_add(&x->server->refused_total, 1);
    x->stage = EXCHANGE_DROPPED;
    return MHD_NO;
}

static enum MHD_Result queue_response(struct exchange *x)
{
    struct MHD_Response *response = x->response;
    assert(response);
    x->response = NULL;
    /* While it stops, libmicrohttpd says yes, forgets the response, and asks again: then the connection is to be
     * closed. */
    x->stage = EXCHANGE_DROPPED;
    deadline_transfer(deadline_of(x->connection), clock_mono_ms(), x->response_bytes);
    enum MHD_Result result = MHD_queue_response(x->connection, x->status, response);
    MHD_destroy_response(response);
    return result;
}

static void set_response(struct exchange *x, struct http_reply *reply)
{
    bool close = x->close || atomic_load(&x->server->draining);
    x->response = response_new(reply, close, &x->status);
    x->response_bytes = reply->body.size;
    x->stage = EXCHANGE_ANSWERED;
}

/* --- I/O threads --- */

/* Whether the head leaves room for a response in the connection's memory. */
static bool head_fits(const struct exchange *x, const struct framing_head *h, struct MHD_Connection *connection)
{
    size_t bytes = (size_t)(h->end - h->block);
    int cookies = MHD_get_connection_values(connection, MHD_COOKIE_KIND, NULL, NULL);
    size_t records = h->header_count + (cookies > 0 ? (size_t)cookies : 0);
    size_t copy = http_pairs_header(h->headers, h->header_count, STR("Cookie")).n + 16;
    const struct http_server *s = x->server;
    return bytes <= s->options.max_header_bytes &&
           bytes + copy + records * header_record + RESPONSE_HEAD_MAX <= s->connection_memory;
}

/* RFC 9112 section 3.2: origin-form, absolute-form, or "*" with OPTIONS. False if it is none of these. */
static bool cut_target(struct exchange *x)
{
    struct str path = path_of(x);
    if (path.n > 0 && path.p[0] == '/')
        return true;
    if (str_eq(path, STR("*")) && x->method == HTTP_OPTIONS)
        return true;
    size_t scheme = str_find_str(path, STR("://"));
    struct str name = str_slice(path, 0, scheme);
    if (scheme == path.n || !(str_eq_nocase(name, STR("http")) || str_eq_nocase(name, STR("https"))))
        return false;
    size_t slash = scheme + 3 + str_find(str_slice(path, scheme + 3, path.n), '/');
    if (slash >= path.n)
        return false;
    x->target += slash;
    x->target_n -= (uint32_t)slash;
    x->path_n -= (uint32_t)slash;
    return true;
}

/* The head has been answered: now, or when the body has gone by. */
static enum MHD_Result answer_head(struct exchange *x, const struct framing *f, struct http_reply *reply)
{
    bool has_body = f->chunked || f->content_length > 0;
    bool waits = has_body && (f->chunked || f->expects_continue || f->content_length > swallow_max);
    x->close |= waits;
    set_response(x, reply);
    if (!waits)
        return MHD_YES;
    watch_linger(x->server, fd_of(x));
    return queue_response(x);
}

static enum MHD_Result classify(struct exchange *x, const struct header_list *headers, const struct framing *f)
{
    struct http_server *s = x->server;
    struct str segments[HTTP_MAX_SEGMENTS];
    size_t segment_count = http_path_split(path_of(x), segments, HTTP_MAX_SEGMENTS);
    const struct http_request_head head = {
        .method = x->method,
        .head = x->head,
        .path = path_of(x),
        .segments = segments,
        .segment_count = segment_count,
        .query = query_of(x),
        .headers = headers->pairs,
        .header_count = headers->count,
        .has_body = f->chunked || f->content_length > 0,
        .content_length = f->chunked ? -1 : (int64_t)f->content_length,
        .listener = x->listener,
    };
    log_set_request(x->id);
    struct http_verdict verdict = s->callbacks.classify(s->callbacks.ctx, &head);
    log_set_request(0);
    if (verdict.answered)
        return answer_head(x, f, &verdict.reply);
    if (segment_count > HTTP_MAX_SEGMENTS)
        return refuse(x, 400, "M_UNKNOWN", "The path has too many segments");
    x->body_max = verdict.body_max;
    x->known = verdict.known;
    x->slow = verdict.slow;
    x->tag = verdict.tag;
    buf_init(&x->body, verdict.body_max);
    x->stage = EXCHANGE_BODY;
    if (f->content_length > verdict.body_max)
        return refuse(x, 413, "M_TOO_LARGE", "The request body is too large");
    return MHD_YES;
}

static enum MHD_Result on_head(struct exchange *x, const char *method, const char *version)
{
    struct header_list headers;
    struct framing framing;
    struct framing_head h = {.block = method, .method = str_of(method), .version = str_of(version)};
    x->first_seen_ms = clock_mono_ms();
    deadline_transfer(deadline_of(x->connection), x->first_seen_ms, 0);
    x->listener = peer_of(x->connection)->listener;
    x->head = str_eq(h.method, STR("HEAD"));
    x->method = http_method_parse(h.method);
    restore_query(x);
    read_headers(x->connection, &headers);
    h.end = method + MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    h.target = (struct str){x->target, x->target_n};
    h.headers = headers.pairs;
    h.header_count = headers.count;
    if (headers.count > HTTP_MAX_HEADERS)
        return refuse(x, 431, "M_TOO_LARGE", "There are too many headers");
    if (!head_fits(x, &h, x->connection))
        return refuse(x, 431, "M_TOO_LARGE", "The head of the request is too large");
    const char *wrong = framing_check(&h, &framing);
    if (!wrong && !cut_target(x))
        wrong = "The request target is malformed";
    if (wrong)
        return refuse(x, 400, "M_UNKNOWN", wrong);
    x->content_length = framing.content_length;
    /* libmicrohttpd takes a bare LF for a line end among chunks, and it can not be seen here: a request that was
     * smuggled that way stands behind this one and is never read. */
    x->close = framing.chunked;
    return classify(x, &headers, &framing);
}

/* How large the buffer has to be for n more bytes: all of the body at once if its length is known. */
static size_t body_room(const struct exchange *x, size_t n)
{
    const struct buf *b = &x->body;
    size_t need = b->n + n;
    if (x->content_length > 0)
        return (size_t)x->content_length;
    if (need <= b->cap)
        return b->cap;
    size_t twice = b->cap <= b->max / 2 ? b->cap * 2 : b->max;
    return need > twice ? need : twice;
}

/* Takes what the buffer has to hold from the memory of all bodies. False if there is not so much; free_body() gives it
 * back in either case. */
static bool hold_body(struct exchange *x, size_t bytes)
{
    struct http_server *s = x->server;
    if (bytes <= x->body_held)
        return true;
    size_t more = bytes - x->body_held, max = s->options.body_memory_max;
    x->body_held = bytes;
    bool fits = atomic_fetch_add(&s->body_memory, more) + more <= max;
    if (!x->known)
        fits &= atomic_fetch_add(&s->stranger_memory, more) + more <= max / stranger_share;
    return fits;
}

static enum MHD_Result on_body(struct exchange *x, const char *data, size_t n)
{
    x->received += n;
    deadline_transfer(deadline_of(x->connection), x->first_seen_ms, x->received);
    if (x->stage == EXCHANGE_ANSWERED)
        return MHD_YES;
    if (n > x->body_max - x->body.n)
        return refuse(x, 413, "M_TOO_LARGE", "The request body is too large");
    size_t room = body_room(x, n);
    if (!hold_body(x, room))
        return refuse(x, 503, "M_UNKNOWN", "The server is receiving too much at the moment");
    if (room > x->body.cap)
        buf_reserve(&x->body, room - x->body.n);
    buf_add_bytes(&x->body, data, n);
    assert(buf_ok(&x->body));
    return MHD_YES;
}

static bool push(struct exchange *x, bool bounded)
{
    struct http_server *s = x->server;
    return worker_pool_push(x->slow ? &s->slow_workers : &s->workers, &x->work, bounded);
}

static enum MHD_Result on_complete(struct exchange *x)
{
    if (!x->complete)
        atomic_fetch_add(&x->server->complete, 1);
    x->complete = true;
    if (x->stage == EXCHANGE_ANSWERED)
        return queue_response(x);
    assert(x->stage == EXCHANGE_BODY);
    x->stage = EXCHANGE_HANDLED;
    struct MHD_Connection *connection = x->connection;
    deadline_clear(deadline_of(connection));
    MHD_suspend_connection(connection);
    if (push(x, true))
        return MHD_YES;
    struct http_reply busy = http_reply_error(503, "M_UNKNOWN", "The server has too much to do at the moment");
    bool added = http_reply_header(&busy, STR("Retry-After"), STR("1"));
    assert(added);
    set_response(x, &busy);
    atomic_fetch_add(&x->server->refused_total, 1);
    MHD_resume_connection(connection);
    return MHD_YES;
}

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *data_size, void **exchange)
{
    struct exchange *x = *exchange;
    struct http_server *s = cls;
    (void)connection;
    (void)url;
    if (atomic_load(&s->draining))
        atomic_store(&s->received_ms, clock_mono_ms());
    if (x->stage == EXCHANGE_DROPPED)
        return MHD_NO;
    if (x->stage == EXCHANGE_HEAD)
        return on_head(x, method, version);
    if (*data_size == 0)
        return on_complete(x);
    size_t n = *data_size;
    *data_size = 0;
    return on_body(x, data, n);
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *exchange;
    struct http_server *s = cls;
    (void)code;
    if (!x)
        return;
    deadline_await_head(deadline_of(connection), clock_mono_ms());
    assert(x->stage != EXCHANGE_HANDLED);
    free_body(x);
    if (x->response)
        MHD_destroy_response(x->response);
    if (x->complete)
        atomic_fetch_sub(&s->complete, 1);
    free(x);
    *exchange = NULL;
    atomic_fetch_sub(&s->requests, 1);
}

/* --- workers --- */

static void drop(struct exchange *x)
{
    x->stage = EXCHANGE_DROPPED;
    MHD_resume_connection(x->connection);
}

static void push_again(struct exchange *x)
{
    if (!push(x, false))
        drop(x);
}

static void answer(struct exchange *x, struct http_reply *reply)
{
    free_body(x);
    set_response(x, reply);
    MHD_resume_connection(x->connection);
}

/* Once it is in the table, somebody else may have run, answered and freed it. */
static void park(struct exchange *x, const struct http_park *park)
{
    struct http_server *s = x->server;
    int fd = fd_of(x);
    watch_add_parked(s, fd, x->id);
    enum park_result result = park_table_add(&s->parks, &x->park, x->id, park);
    if (result == PARK_DONE_EARLIEST)
        watch_poke(s);
    if (result == PARK_DONE || result == PARK_DONE_EARLIEST)
        return;
    watch_remove_parked(s, fd);
    x->timed_out = result == PARK_CLOSED;
    push_again(x);
}

void exchange_run(void *ctx, struct work *w, struct arena *a)
{
    struct http_server *s = ctx;
    struct exchange *x = of_work(w);
    struct header_list headers;
    struct str segments[HTTP_MAX_SEGMENTS];
    char client[PEER_TEXT_MAX];
    read_headers(x->connection, &headers);
    struct http_request r = {
        .id = x->id,
        .method = x->method,
        .head = x->head,
        .path = path_of(x),
        .segments = segments,
        .segment_count = http_path_split(path_of(x), segments, HTTP_MAX_SEGMENTS),
        .headers = headers.pairs,
        .header_count = headers.count,
        .body = buf_str(&x->body),
        .client = peer_client(&s->trust, peer_of(x->connection), headers.pairs, headers.count, client),
        .listener = x->listener,
        .tag = x->tag,
        .arena = a,
        .first_seen_ms = x->first_seen_ms,
        .wakeups = x->wakeups,
        .timed_out = x->timed_out,
        .wake_seq = park_table_seq(&s->parks),
        .scratch = &x->scratch,
    };
    r.query_count = http_query_parse(a, query_of(x), &r.query);
    log_set_request(x->id);
    struct http_reply reply = s->callbacks.handle(s->callbacks.ctx, &r);
    log_set_request(0);
    x->wakeups++;
    if (reply.parks && !x->timed_out)
        park(x, &reply.park);
    else
        answer(x, &reply);
}

void exchange_discard(void *ctx, struct work *w)
{
    (void)ctx;
    drop(of_work(w));
}

/* --- what leaves the park table --- */

void exchange_rerun(struct http_server *s, struct park_entry *list, bool timed_out)
{
    while (list) {
        struct exchange *x = of_park(list);
        list = list->next;
        watch_remove_parked(s, fd_of(x));
        x->timed_out = timed_out;
        push_again(x);
    }
}

void exchange_drop(struct http_server *s, struct park_entry *list)
{
    while (list) {
        struct exchange *x = of_park(list);
        list = list->next;
        watch_remove_parked(s, fd_of(x));
        drop(x);
    }
}
