/* One request and its response: bodies and their limits, keeping and closing connections. */
#include "base/log.h"

#include <unistd.h>

#include "raw_client.h"

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
        cmocka_unit_test(honours_expect),
        cmocka_unit_test(answers_by_the_head),
        cmocka_unit_test(logs_the_request_while_its_head_is_looked_at),
        cmocka_unit_test(an_answer_without_content_names_no_type),
        cmocka_unit_test(clients_may_vanish_at_any_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
