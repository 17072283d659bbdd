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

/* A body up to this size is read and thrown away when the request has been answered by its head alone: that is cheaper
 * than the new connection the client would have to make. */
static const uint64_t swallow_max = 64 << 10;
/* Bodies of strangers get this part of the memory, so that the others always find the rest. */
static const size_t stranger_share = 4;

int exchange_fd(const struct exchange *x)
{
    return MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

const struct peer *exchange_peer(struct MHD_Connection *connection)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    return (const struct peer *)address;
}

static struct deadline *deadline_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

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
    exchange_take_target(x, target ? target : "");
    return x;
}

void exchange_free_body(struct exchange *x)
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
    exchange_free_body(x);
    buf_init(&text, 4096);
    response_refusal(&text, status, errcode, message, x->head);
    assert(buf_ok(&text));
    int fd = exchange_fd(x);
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

void exchange_set_reply(struct exchange *x, struct http_reply *reply)
{
    bool close = x->close || atomic_load(&x->server->draining);
    x->response = response_new(reply, close, &x->status);
    x->response_bytes = reply->body.size;
    x->stage = EXCHANGE_ANSWERED;
}

/* --- I/O threads --- */

/* The head has been answered: now, or when the body has gone by. */
static enum MHD_Result answer_head(struct exchange *x, const struct framing *f, struct http_reply *reply)
{
    bool has_body = f->chunked || f->content_length > 0;
    bool waits = has_body && (f->chunked || f->expects_continue || f->content_length > swallow_max);
    x->close |= waits;
    exchange_set_reply(x, reply);
    if (!waits)
        return MHD_YES;
    watch_linger(x->server, exchange_fd(x));
    return queue_response(x);
}

static enum MHD_Result classify(struct exchange *x, const struct exchange_headers *headers, const struct framing *f)
{
    struct http_server *s = x->server;
    struct str segments[HTTP_MAX_SEGMENTS];
    size_t segment_count = http_path_split(exchange_path(x), segments, HTTP_MAX_SEGMENTS);
    const struct http_request_head head = {
        .method = x->method,
        .head = x->head,
        .path = exchange_path(x),
        .segments = segments,
        .segment_count = segment_count,
        .query = exchange_query(x),
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
    x->client = verdict.client;
    if (!x->client)
        x->client = peer_client_group(&s->trust, exchange_peer(x->connection), headers->pairs, headers->count);
    buf_init(&x->body, verdict.body_max);
    x->stage = EXCHANGE_BODY;
    if (f->content_length > verdict.body_max)
        return refuse(x, 413, "M_TOO_LARGE", "The request body is too large");
    return MHD_YES;
}

static enum MHD_Result on_head(struct exchange *x, const char *method, const char *version)
{
    struct exchange_headers headers;
    struct framing framing;
    struct framing_head h = {.block = method, .method = str_of(method), .version = str_of(version)};
    x->first_seen_ms = clock_mono_ms();
    deadline_transfer(deadline_of(x->connection), x->first_seen_ms, 0);
    x->listener = exchange_peer(x->connection)->listener;
    x->head = str_eq(h.method, STR("HEAD"));
    x->method = http_method_parse(h.method);
    exchange_restore_target(x);
    exchange_read_headers(x->connection, &headers);
    h.end = method + MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    h.target = (struct str){x->target, x->target_n};
    h.headers = headers.pairs;
    h.header_count = headers.count;
    if (headers.count > HTTP_MAX_HEADERS)
        return refuse(x, 431, "M_TOO_LARGE", "There are too many headers");
    if (!exchange_head_fits(x, &h))
        return refuse(x, 431, "M_TOO_LARGE", "The head of the request is too large");
    const char *wrong = framing_check(&h, &framing);
    if (!wrong && !exchange_cut_target(x))
        wrong = "The request target is malformed";
    if (wrong)
        return refuse(x, 400, "M_UNKNOWN", wrong);
    exchange_trim_headers(&headers);
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

/* Takes what the buffer has to hold from the memory of all bodies. False if there is not so much; exchange_free_body()
 * gives it back in either case. */
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

enum worker_pool_pushed exchange_push(struct exchange *x, bool bounded)
{
    struct http_server *s = x->server;
    x->pushed_ms = clock_mono_ms();
    return worker_pool_push(x->slow ? &s->slow_workers : &s->workers, &x->work, x->client, bounded);
}

static struct http_reply busy_reply(void)
{
    struct http_reply reply = http_reply_error(503, "M_UNKNOWN", "The server has too much to do at the moment");
    bool added = http_reply_header(&reply, STR("Retry-After"), STR("1"));
    assert(added);
    return reply;
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
    enum worker_pool_pushed pushed = exchange_push(x, true);
    if (pushed == WORKER_POOL_TAKEN)
        return MHD_YES;
    struct http_reply reply = pushed == WORKER_POOL_FULL
                                  ? busy_reply()
                                  : http_reply_limited("Too many of your requests are waiting", STR("1"));
    exchange_set_reply(x, &reply);
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
    exchange_free_body(x);
    if (x->response)
        MHD_destroy_response(x->response);
    response_memory_give_back(&s->response_memory, &x->response_hold);
    if (x->complete)
        atomic_fetch_sub(&s->complete, 1);
    free(x);
    *exchange = NULL;
    atomic_fetch_sub(&s->requests, 1);
}
