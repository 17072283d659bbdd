/* One request and its response: bodies and their limits, keeping and closing connections, the queue. */
#include "base/log.h"

#include <unistd.h>

#include "raw_client.h"

#define HOST "Host: h\r\n"

static void check_error(const struct raw_response *r, int status, const char *errcode, const char *what)
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

static void keeps_connections(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    for (unsigned i = 0; i < 20; i++) {
        raw_send_text(fd, i % 2 ? GET("/echo/x") : "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
        struct raw_response r = raw_read(fd);
        assert_int_equal(r.status, 200);
        assert_non_null(strstr(r.body, i % 2 ? "GET /echo/x" : "body=abc"));
        assert_null(strstr(r.head, "Connection: close"));
    }
    /* Pipelined: in order, each once. */
    raw_send_text(fd, GET("/echo/1") GET("/echo/2") "POST /echo/3 HTTP/1.1\r\n" HOST
                                                    "Content-Length: 2\r\n\r\nhi" GET("/echo/4"));
    for (unsigned i = 1; i <= 4; i++) {
        char want[32];
        snprintf(want, sizeof want, "/echo/%u client", i);
        struct raw_response r = raw_read(fd);
        assert_non_null(strstr(r.body, want));
    }
    raw_send_text(fd, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 200);
    assert_true(raw_is_closed(fd));
    close(fd);
    http_server_free(&s);
}

static void answers_head_without_body(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    raw_send_text(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n" GET("/echo/after"));
    struct raw_response r = raw_read_within(fd, false, 3000);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "Content-Length: 7"));
    r = raw_read(fd);
    assert_non_null(strstr(r.body, "GET /echo/after"));
    raw_send_text(fd, "HEAD /echo HTTP/1.1\r\n\r\n");
    r = raw_read_within(fd, false, 3000);
    assert_int_equal(r.status, 400);
    assert_true(raw_is_closed(fd));
    close(fd);
    http_server_free(&s);
}

/* The limit of /echo is 1,000 bytes. */
static void limits_bodies(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    char body[1002], request[3000];
    memset(body, 'b', sizeof body);
    for (size_t n = 999; n <= 1001; n++) {
        int size = snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%.*s",
                            n, (int)n, body);
        int fd = raw_connect(port);
        raw_send(fd, request, (size_t)size);
        struct raw_response r = raw_read(fd);
        if (n <= 1000)
            assert_int_equal(r.status, 200);
        else
            check_error(&r, 413, "M_TOO_LARGE", "one byte too many");
        close(fd);
        size = snprintf(request, sizeof request,
                        "POST /echo HTTP/1.1\r\n" HOST
                        "Transfer-Encoding: chunked\r\n\r\n%x\r\n%.*s\r\n%x\r\n%.*s\r\n0\r\n\r\n",
                        500, 500, body, (unsigned)n - 500, (int)n - 500, body);
        fd = raw_connect(port);
        raw_send(fd, request, (size_t)size);
        r = raw_read(fd);
        if (n <= 1000)
            assert_int_equal(r.status, 200);
        else
            check_error(&r, 413, "M_TOO_LARGE", "one byte too many in chunks");
        assert_true(raw_is_closed(fd));
        close(fd);
    }
    http_server_free(&s);
}

/* Before any of the body was sent, and for chunks before the end of them. */
static void refuses_large_bodies_early(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    raw_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n");
    struct raw_response r = raw_read(fd);
    check_error(&r, 413, "M_TOO_LARGE", "length");
    assert_true(raw_is_closed(fd));
    close(fd);
    fd = raw_connect(port);
    raw_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 101; i++)
        raw_send_text(fd, "a\r\n0123456789\r\n");
    r = raw_read(fd);
    check_error(&r, 413, "M_TOO_LARGE", "chunks");
    close(fd);
    fd = raw_connect(port);
    raw_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 413);
    close(fd);
    assert_true(http_server_stats(s).refused_total >= 2);
    http_server_free(&s);
}

/* A client that sends all of a large body before it reads must find the answer, not a reset. */
static void the_refusal_survives_what_the_client_still_sends(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    enum { SIZE = 4000000 };
    char *body = calloc(1, SIZE);
    assert_non_null(body);
    static const char *const heads[] = {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n",
                                        "POST /answered HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n"};
    for (unsigned i = 0; i < 10; i++) {
        int fd = raw_connect(port);
        raw_send_text(fd, heads[i % 2]);
        raw_send(fd, body, SIZE);
        assert_int_equal(raw_read(fd).status, i % 2 ? 404 : 413);
        assert_true(raw_is_closed(fd));
        close(fd);
    }
    free(body);
    http_server_free(&s);
}

static void takes_large_bodies(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    enum { SIZE = 9000000 };
    char *body = calloc(1, SIZE);
    assert_non_null(body);
    int fd = raw_connect(port);
    raw_send_text(fd, "POST /large HTTP/1.1\r\n" HOST "Content-Length: 9000000\r\n\r\n");
    raw_send(fd, body, SIZE);
    assert_int_equal(raw_read(fd).status, 200);
    raw_send_text(fd, GET("/echo"));
    assert_int_equal(raw_read(fd).status, 200);
    close(fd);
    free(body);
    http_server_free(&s);
}

static void limits_the_memory_of_all_bodies(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.body_memory_max = 1500}, &port);
    char part[900];
    memset(part, 'p', sizeof part);
    int a = raw_connect(port), b = raw_connect(port);
    raw_send_text(a, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    raw_send(a, part, 900);
    sleep_ms(50);
    raw_send_text(b, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n");
    raw_send(b, part, 900);
    struct raw_response r = raw_read(b);
    check_error(&r, 503, "M_UNKNOWN", "beyond the memory of all");
    raw_send(a, part, 100);
    assert_int_equal(raw_read(a).status, 200);
    close(b);
    /* What was held is given back. */
    for (unsigned i = 0; i < 5; i++) {
        raw_send_text(a, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n");
        raw_send(a, part, 900);
        assert_int_equal(raw_read(a).status, 200);
    }
    close(a);
    http_server_free(&s);
}

/* Whatever strangers hold, three quarters are left for those who are known. What counts is what is set aside. */
static void strangers_share_a_quarter_of_the_memory(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.body_memory_max = 4000}, &port);
    char body[1000];
    memset(body, 'b', sizeof body);
    int holds = raw_connect(port);
    raw_send_text(holds, "POST /stranger HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\nx");
    sleep_ms(50);
    struct raw_response r = raw_ask(port, "POST /stranger HTTP/1.1\r\n" HOST "Content-Length: 101\r\n\r\nx");
    check_error(&r, 503, "M_UNKNOWN", "beyond the share");
    char chunks[300];
    snprintf(chunks, sizeof chunks,
             "POST /stranger HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n60\r\n%.96s\r\n4\r\nmore\r\n", body);
    r = raw_ask(port, chunks);
    check_error(&r, 503, "M_UNKNOWN", "the buffer grew beyond the share");
    r = raw_ask(port, "POST /stranger HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    assert_int_equal(r.status, 200);
    int fds[3];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
        raw_send(fds[i], body, 999);
        sleep_ms(20);
    }
    for (unsigned i = 0; i < 3; i++) {
        raw_send(fds[i], body, 1);
        assert_int_equal(raw_read(fds[i]).status, 200);
        close(fds[i]);
    }
    close(holds);
    http_server_free(&s);
}

/* --- answers that nobody reads --- */

enum { MIB = 1 << 20 };

/* Asks for so many bytes, through a proxy, and reads nothing. The kernel takes a few MiB of the answer. */
static int ask_for_bytes(uint16_t port, const char *client, unsigned bytes)
{
    char request[200];
    int n = snprintf(request, sizeof request, "GET /bytes/%u HTTP/1.1\r\n" HOST "X-Forwarded-For: %s\r\n\r\n", bytes,
                     client);
    int fd = raw_connect(port);
    raw_send(fd, request, (size_t)n);
    return fd;
}

static void wait_response_memory(struct http_server *s, size_t bytes)
{
    for (unsigned i = 0; i < 5000 && http_server_stats(s).response_memory != bytes; i++)
        sleep_ms(1);
    assert_int_equal(http_server_stats(s).response_memory, bytes);
}

static void check_refused(int fd, const char *what)
{
    struct raw_response r = raw_read(fd);
    check_error(&r, 503, "M_LIMIT_EXCEEDED", what);
    check_case(strstr(r.head, "Retry-After: 5\r\n"), what);
}

static void read_bytes(int fd, size_t bytes)
{
    static char part[MIB];
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        memmove(last, last + 1, 3);
        assert_true(raw_read_byte(fd, &last[3], 5000));
    }
    while (bytes > 0) {
        ssize_t n = recv(fd, part, bytes < sizeof part ? bytes : sizeof part, 0);
        assert_true(n > 0);
        bytes -= (size_t)n;
    }
}

static void limits_the_memory_of_answers_that_nobody_reads(void **state)
{
    static const char *const trusted[] = {"127.0.0.0/8"};
    const struct http_server_options options = {
        .response_memory_max = 40 * MIB, .trusted_proxies = trusted, .trusted_proxy_count = 1};
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server(options, &port);
    int a = ask_for_bytes(port, "192.0.2.1", 16 * MIB);
    wait_response_memory(s, 16 * MIB);
    int again = ask_for_bytes(port, "192.0.2.1", 16 * MIB);
    check_refused(again, "beyond half of all for one address");
    raw_send_text(again, GET("/echo")); /* the connection goes on */
    assert_int_equal(raw_read(again).status, 200);
    int b = ask_for_bytes(port, "192.0.2.2", 13 * MIB);
    check_refused(b, "beyond half of what the first has left");
    close(b);
    b = ask_for_bytes(port, "192.0.2.2", 11 * MIB);
    wait_response_memory(s, 27 * MIB);
    uint64_t refused = http_server_stats(s).refused_total;
    struct raw_response r = raw_ask(port, GET("/bytes/14000000"));
    check_error(&r, 503, "M_LIMIT_EXCEEDED", "a proxy that names no client has no share, but the maximum");
    assert_int_equal(http_server_stats(s).refused_total, refused + 1);
    r = raw_ask(port, GET("/bytes/8000"));
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body_n, 8000);
    /* Read, or cut off: it is given back. */
    read_bytes(a, 16 * MIB);
    wait_response_memory(s, 11 * MIB);
    close(b);
    wait_response_memory(s, 0);
    raw_send_text(again, GET("/bytes/40000000"));
    read_bytes(again, 40000000);
    wait_response_memory(s, 0);
    close(a);
    a = ask_for_bytes(port, "192.0.2.1", 16 * MIB);
    wait_response_memory(s, 16 * MIB);
    http_server_free(&s); /* with one that is being sent */
    close(a);
    close(again);
}

static void honours_expect(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    raw_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 100);
    raw_send_text(fd, "hi");
    assert_int_equal(raw_read(fd).status, 200);
    /* Refused by the head alone: no 100, and the body is not waited for. */
    raw_send_text(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 413);
    assert_true(raw_is_closed(fd));
    close(fd);
    fd = raw_connect(port);
    raw_send_text(fd, "POST /answered HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 404);
    assert_true(raw_is_closed(fd));
    close(fd);
    http_server_free(&s);
}

/* With a small body the connection is kept, with one that is large or of unknown length it is not. */
static void answers_by_the_head(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    for (unsigned i = 0; i < 3; i++) {
        raw_send_text(fd, GET("/answered"));
        struct raw_response r = raw_read(fd);
        check_error(&r, 404, "M_UNRECOGNIZED", "without body");
        raw_send_text(fd, "POST /answered HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        r = raw_read(fd);
        check_error(&r, 404, "M_UNRECOGNIZED", "with body");
    }
    raw_send_text(fd, "POST /answered HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    struct raw_response r = raw_read(fd);
    check_error(&r, 404, "M_UNRECOGNIZED", "chunks");
    assert_true(raw_is_closed(fd));
    close(fd);
    fd = raw_connect(port);
    raw_send_text(fd, "POST /answered HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n");
    assert_int_equal(raw_read(fd).status, 404);
    assert_true(raw_is_closed(fd));
    close(fd);
    http_server_free(&s);
}

static struct http_verdict logging_classify(void *ctx, const struct http_request_head *head)
{
    log_info("looked at", LOG_STR("path", head->path));
    return raw_classify(ctx, head);
}

static void logs_the_request_while_its_head_is_looked_at(void **state)
{
    const struct http_callbacks callbacks = {logging_classify, raw_handle, NULL};
    char text[500] = "";
    FILE *file = tmpfile();
    (void)state;
    assert_non_null(file);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, fileno(file));
    struct http_server *s = http_server_new(&(struct http_server_options){0}, &callbacks);
    assert_non_null(s);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", 0), 0);
    assert_true(http_server_start(s));
    assert_int_equal(raw_ask(http_server_port(s, 0), GET("/answered")).status, 404);
    http_server_free(&s);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
    assert_true(pread(fileno(file), text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "looked at"));
    assert_non_null(strstr(text, "\"request\":"));
    fclose(file);
}

static void an_answer_without_content_names_no_type(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    struct raw_response r = raw_ask(port, GET("/nothing"));
    assert_int_equal(r.status, 204);
    assert_null(strstr(r.head, "\nContent-Type:"));
    assert_non_null(strstr(r.head, "Access-Control-Allow-Origin: *\r\n"));
    http_server_free(&s);
}

static void refuses_when_the_queue_is_full(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.worker_threads = 1, .queue_max = 2}, &port);
    int fds[5];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/sleep/1500"));
        sleep_ms(30);
    }
    fds[3] = raw_connect(port);
    raw_send_text(fds[3], GET("/echo"));
    struct raw_response r = raw_read_within(fds[3], true, 1000);
    check_error(&r, 503, "M_UNKNOWN", "queue");
    assert_non_null(strstr(r.head, "Retry-After: 1\r\n"));
    /* The slow pool has a queue of its own. */
    fds[4] = raw_connect(port);
    raw_send_text(fds[4], GET("/slow/1"));
    assert_int_equal(raw_read_within(fds[4], true, 1000).status, 200);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(raw_read(fds[i]).status, 200);
    raw_send_text(fds[3], GET("/echo"));
    assert_int_equal(raw_read(fds[3]).status, 200);
    for (unsigned i = 0; i < 5; i++)
        close(fds[i]);
    http_server_free(&s);
}

static void slow_requests_do_not_hold_others(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.worker_threads = 1, .slow_threads_max = 3}, &port);
    int fds[3];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/slow/600"));
    }
    struct raw_response r = raw_ask(port, GET("/echo"));
    assert_int_equal(r.status, 200);
    assert_true(http_server_stats(s).slow_threads > 0);
    int64_t start = clock_mono_ms();
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(raw_read(fds[i]).status, 200);
        close(fds[i]);
    }
    assert_true(clock_mono_ms() - start < 1700);
    http_server_free(&s);
}

static void clients_may_vanish_at_any_point(void **state)
{
    static const char *const starts[] = {"GET",
                                         "GET /echo HTTP/1.1\r\n",
                                         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nhal",
                                         GET("/sleep/20"),
                                         GET("/echo") GET("/sleep/10") GET("/echo"),
                                         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhe"};
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (unsigned i = 0; i < 60; i++) {
        int fd = raw_connect(port);
        raw_send_text(fd, starts[i % COUNT_OF(starts)]);
        if (i % 4 == 0)
            sleep_ms(2);
        if (i % 3 == 0) { /* with a reset */
            const struct linger reset = {.l_onoff = 1};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        close(fd);
    }
    assert_true(http_server_drain(s, 5000));
    http_server_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_connections),
        cmocka_unit_test(answers_head_without_body),
        cmocka_unit_test(limits_bodies),
        cmocka_unit_test(refuses_large_bodies_early),
        cmocka_unit_test(the_refusal_survives_what_the_client_still_sends),
        cmocka_unit_test(takes_large_bodies),
        cmocka_unit_test(limits_the_memory_of_all_bodies),
        cmocka_unit_test(strangers_share_a_quarter_of_the_memory),
        cmocka_unit_test(limits_the_memory_of_answers_that_nobody_reads),
        cmocka_unit_test(honours_expect),
        cmocka_unit_test(answers_by_the_head),
        cmocka_unit_test(logs_the_request_while_its_head_is_looked_at),
        cmocka_unit_test(an_answer_without_content_names_no_type),
        cmocka_unit_test(refuses_when_the_queue_is_full),
        cmocka_unit_test(slow_requests_do_not_hold_others),
        cmocka_unit_test(clients_may_vanish_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
