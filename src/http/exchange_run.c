#include "base/clock.h"
#include "base/log.h"
#include "http/server_parts.h"

#include <poll.h>

/* A request that waited longer may have been given up. */
static const int64_t queued_long_ms = 20;
/* What a buffer may take beyond its maximum. */
static const size_t answer_slack = 64;

static struct exchange *of_work(struct work *w)
{
    return (struct exchange *)((char *)w - offsetof(struct exchange, work));
}

static struct exchange *of_park(struct park_entry *e)
{
    return (struct exchange *)((char *)e - offsetof(struct exchange, park));
}

static void drop(struct exchange *x)
{
    x->stage = EXCHANGE_DROPPED;
    MHD_resume_connection(x->connection);
}

static void push_again(struct exchange *x)
{
    if (exchange_push(x, false) != WORKER_POOL_TAKEN)
        drop(x);
}

/* --- the memory of answers --- */

struct run_memory {
    struct http_answer_memory memory;
    struct exchange *exchange;
};

static void note_refused(struct exchange *x, size_t bytes)
{
    log_debug("too many bytes of answers are not read: this one is left away", LOG_INT("request", x->id),
              LOG_INT("bytes", bytes));
    atomic_fetch_add(&x->server->refused_total, 1);
}

/* `take` of the meter: the answer grows to so many bytes. */
static bool grow_answer(struct buf_meter *meter, size_t bytes)
{
    struct run_memory *m = (struct run_memory *)((char *)meter - offsetof(struct run_memory, memory.meter));
    struct exchange *x = m->exchange;
    if (m->memory.refused)
        return false;
    if (response_memory_grow(&x->server->response_memory, x->client, bytes, exchange_fd(x), clock_mono_ms(),
                             &x->response_hold))
        return true;
    note_refused(x, bytes);
    m->memory.refused = true;
    return false;
}

/* If too many bytes wait to be read, the answer is that, and not what was to be answered. */
static void hold_reply(struct exchange *x, struct http_reply *reply)
{
    size_t bytes = reply->body.kind == HTTP_BODY_HEAP ? reply->body.size : 0;
    if (response_memory_take(&x->server->response_memory, x->client, bytes, exchange_fd(x), clock_mono_ms(),
                             &x->response_hold))
        return;
    note_refused(x, bytes);
    http_reply_fini(reply);
    *reply = http_reply_limited("Too many answers have not been read yet", STR("5"));
}

static void answer(struct exchange *x, struct http_reply *reply)
{
    exchange_free_body(x);
    hold_reply(x, reply);
    exchange_set_reply(x, reply);
    MHD_resume_connection(x->connection);
}

/* Once it is in the table, somebody else may have run, answered and freed it. */
static void park(struct exchange *x, const struct http_park *park)
{
    struct http_server *s = x->server;
    int fd = exchange_fd(x);
    response_memory_give_back(&s->response_memory, &x->response_hold);
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

/* --- running --- */

/* Whether it waited for so long that it is worth asking, and the client has not. What its client closes while it would
 * have been answered at once is answered, since it may have closed its own direction only. */
static bool was_left(const struct exchange *x)
{
    if (clock_mono_ms() - x->pushed_ms < queued_long_ms)
        return false;
    struct pollfd p = {.fd = exchange_fd(x), .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

void exchange_run(void *ctx, struct work *w, struct arena *a)
{
    struct http_server *s = ctx;
    struct exchange *x = of_work(w);
    struct exchange_headers headers;
    struct str segments[HTTP_MAX_SEGMENTS];
    char client[PEER_TEXT_MAX];
    if (was_left(x)) {
        atomic_fetch_add(&s->queued_gone_total, 1);
        drop(x);
        return;
    }
    size_t most = response_memory_most(&s->response_memory);
    struct run_memory m = {{.meter = {grow_answer}, .max = most > answer_slack ? most - answer_slack : 0}, x};
    exchange_read_headers(x->connection, &headers);
    exchange_trim_headers(&headers);
    struct http_request r = {
        .id = x->id,
        .method = x->method,
        .head = x->head,
        .path = exchange_path(x),
        .segments = segments,
        .segment_count = http_path_split(exchange_path(x), segments, HTTP_MAX_SEGMENTS),
        .headers = headers.pairs,
        .header_count = headers.count,
        .body = buf_str(&x->body),
        .client = peer_client(&s->trust, exchange_peer(x->connection), headers.pairs, headers.count, client),
        .listener = x->listener,
        .tag = x->tag,
        .arena = a,
        .answer = &m.memory,
        .first_seen_ms = x->first_seen_ms,
        .wakeups = x->wakeups,
        .timed_out = x->timed_out,
        .wake_seq = park_table_seq(&s->parks),
        .scratch = &x->scratch,
    };
    r.query_count = http_query_parse(a, exchange_query(x), &r.query);
    log_set_request(x->id);
    struct http_reply reply = s->callbacks.handle(s->callbacks.ctx, &r);
    log_set_request(0);
    x->wakeups++;
    if (reply.parks && !x->timed_out)
        park(x, &reply.park);
    else
        answer(x, &reply);
}

void exchange_discard(struct work *w)
{
    drop(of_work(w));
}

/* --- what leaves the park table --- */

void exchange_rerun(struct http_server *s, struct park_entry *list, bool timed_out)
{
    while (list) {
        struct exchange *x = of_park(list);
        list = list->next;
        watch_remove_parked(s, exchange_fd(x));
        x->timed_out = timed_out;
        push_again(x);
    }
}

void exchange_drop(struct http_server *s, struct park_entry *list)
{
    while (list) {
        struct exchange *x = of_park(list);
        list = list->next;
        watch_remove_parked(s, exchange_fd(x));
        drop(x);
    }
}
