/*
 * A client that sends exactly the bytes it is given, and a server whose callbacks do what the path says; for the tests
 * of src/http.
 *
 *     /echo         200, the body and how the request was seen, with the value of X-Echo if it is there
 *     /park/K       parks on key K for 30 s, and answers "woken N" when it has been run again
 *     /park/K/MS    the same for MS milliseconds
 *     /bytes/N      200, with N bytes of body
 *     /grow/N       the same, of memory that is counted as it grows; "stopped" when there is no more
 *     /sleep/MS     holds its worker
 *     /answered     is answered by its head
 *     /nothing      is answered by its head with 204
 *     /stranger     as /echo, from somebody who is not known
 */
#ifndef HEARTH_TESTS_RAW_CLIENT_H
#define HEARTH_TESTS_RAW_CLIENT_H

#include "base/clock.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "../check.h"

static inline void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static inline void raw_send(int fd, const void *p, size_t n)
{
    for (const char *at = p; n > 0;) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has closed: what it answered is read all the same */
        at += sent;
        n -= (size_t)sent;
    }
}

static inline void raw_send_text(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

struct raw_response {
    int status; /* 0: the connection was closed, or nothing came in time */
    char head[8192];
    char body[8192];
    size_t body_n;
};

static inline bool raw_read_byte(int fd, char *out, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1 && recv(fd, out, 1, 0) == 1;
}

/* Reads one response, of Content-Length; 1xx responses are given as such. */
static inline struct raw_response raw_read_within(int fd, bool has_body, int timeout_ms)
{
    struct raw_response r = {0};
    size_t n = 0;
    while (n < sizeof r.head - 1 && !strstr(r.head, "\r\n\r\n")) {
        if (!raw_read_byte(fd, &r.head[n], timeout_ms))
            return r;
        n++;
    }
    if (sscanf(r.head, "HTTP/1.1 %d", &r.status) != 1)
        return r;
    const char *length = strstr(r.head, "Content-Length: ");
    size_t want = length && has_body ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;
    while (r.body_n < want && r.body_n < sizeof r.body - 1 && raw_read_byte(fd, &r.body[r.body_n], timeout_ms))
        r.body_n++;
    return r;
}

static inline struct raw_response raw_read(int fd)
{
    return raw_read_within(fd, true, 5000);
}

static inline bool raw_is_closed_within(int fd, int timeout_ms)
{
    char c;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1 && recv(fd, &c, 1, 0) <= 0;
}

static inline bool raw_is_closed(int fd)
{
    return raw_is_closed_within(fd, 3000);
}

/* One request on a connection of its own. */
static inline struct raw_response raw_ask(uint16_t port, const char *request)
{
    int fd = raw_connect(port);
    raw_send_text(fd, request);
    struct raw_response r = raw_read(fd);
    close(fd);
    return r;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* --- the server --- */

static inline bool raw_path_is(struct str path, const char *start)
{
    return str_starts(path, str_of(start));
}

static inline struct http_verdict raw_classify(void *ctx, const struct http_request_head *head)
{
    (void)ctx;
    struct http_verdict v = {.body_max = 1000, .slow = raw_path_is(head->path, "/slow"), .tag = "tag"};
    v.known = !raw_path_is(head->path, "/stranger");
    if (raw_path_is(head->path, "/answered")) {
        v.answered = true;
        v.reply = http_reply_error(404, "M_UNRECOGNIZED", "Answered by its head");
    }
    if (raw_path_is(head->path, "/nothing")) {
        v.answered = true;
        v.reply = http_reply_static(204, STR(""));
    }
    if (raw_path_is(head->path, "/large"))
        v.body_max = 10000000;
    return v;
}

static inline struct http_reply raw_echo(struct http_request *r)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_fmt(&b, "%.*s%s %.*s client=%.*s listener=%u headers=%zu runs=%u tag=%s body=",
            STR_ARG(http_method_name(r->method)), r->head ? "(HEAD)" : "", STR_ARG(r->path), STR_ARG(r->client),
            r->listener, r->header_count, r->wakeups, (const char *)r->tag);
    buf_add(&b, str_slice(r->body, 0, 100));
    for (size_t i = 0; i < r->query_count; i++)
        buf_fmt(&b, " %.*s=%.*s", STR_ARG(r->query[i].name), STR_ARG(r->query[i].value));
    struct str echo = http_header(r, STR("X-Echo"));
    if (echo.p)
        buf_fmt(&b, " X-Echo=[%.*s]", STR_ARG(echo));
    struct http_reply reply = http_reply_take(200, &b);
    reply.content_type = "text/plain";
    return reply;
}

static inline struct http_reply raw_park(struct http_request *r)
{
    uint64_t key = 0, ms = 30000;
    bool ok = r->segment_count >= 2 && str_to_u64(r->segments[1], &key);
    if (r->segment_count >= 3)
        ok = str_to_u64(r->segments[2], &ms);
    if (!ok)
        return http_reply_static(400, STR("bad"));
    if (r->wakeups == 0) {
        r->scratch->n[3] = (int64_t)key + 1;
        return http_reply_park((struct http_park){.keys = {key, key + 1000000, key},
                                                  .key_count = 3,
                                                  .deadline_ms = r->first_seen_ms + (int64_t)ms,
                                                  .seen = r->wake_seq});
    }
    struct buf b;
    buf_init(&b, 1000);
    buf_fmt(&b, "%s %u scratch %d", r->timed_out ? "timed out" : "woken", r->wakeups, (int)r->scratch->n[3]);
    return http_reply_take(200, &b);
}

static inline struct http_reply raw_grow(struct http_request *r)
{
    static const char part[4096] = "grows";
    struct buf b;
    uint64_t n;
    if (!str_to_u64(r->segments[1], &n))
        n = 0;
    buf_init_metered(&b, r->answer->max, &r->answer->meter);
    while (buf_ok(&b) && b.n < n)
        buf_add_bytes(&b, part, sizeof part);
    if (buf_ok(&b))
        return http_reply_take(200, &b);
    buf_fini(&b);
    return http_reply_static(r->answer->refused ? 507 : 500, STR("stopped"));
}

static inline struct http_reply raw_bytes(struct http_request *r)
{
    uint64_t n = 0;
    struct buf b;
    if (!str_to_u64(r->segments[1], &n))
        return http_reply_static(400, STR("bad"));
    buf_init(&b, n);
    buf_reserve(&b, n);
    memset(b.p, 'x', n);
    b.n = n;
    return http_reply_take(200, &b);
}

static inline struct http_reply raw_handle(void *ctx, struct http_request *r)
{
    (void)ctx;
    if (raw_path_is(r->path, "/park/"))
        return raw_park(r);
    if (raw_path_is(r->path, "/bytes/"))
        return raw_bytes(r);
    if (raw_path_is(r->path, "/grow/"))
        return raw_grow(r);
    if (raw_path_is(r->path, "/sleep/") || raw_path_is(r->path, "/slow/")) {
        uint64_t ms;
        if (str_to_u64(r->segments[1], &ms))
            sleep_ms((int64_t)ms);
        return http_reply_static(200, STR("slept"));
    }
    return raw_echo(r);
}

static inline struct http_server *raw_server(struct http_server_options options, uint16_t *port_out)
{
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    struct http_server *s = http_server_new(&options, &callbacks);
    assert_non_null(s);
    int listener = http_server_listen_tcp(s, "127.0.0.1", 0);
    assert_int_equal(listener, 0);
    assert_true(http_server_start(s));
    *port_out = http_server_port(s, listener);
    assert_true(*port_out > 0);
    return s;
}

#define HOST "Host: h\r\n"

/* An error with its JSON and the headers that every answer has. */
static inline void check_error(const struct raw_response *r, int status, const char *errcode, const char *what)
{
    char start[64];
    snprintf(start, sizeof start, "{\"errcode\":\"%s\",\"error\":\"", errcode);
    if (r->status != status)
        print_error("%s: status %d\n", what, r->status);
    check_case(r->status == status, what);
    check_case(str_starts(str_of(r->body), str_of(start)), what);
    check_case(strstr(r->head, "Content-Type: application/json\r\n"), what);
    check_case(strstr(r->head, "Access-Control-Allow-Origin: *\r\n"), what);
}

#endif
