/* What requests share: the memory of answers, the queues of the workers. */
#include "http/worker_pool.h"

#include "raw_client.h"

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
    check_error(&r, 429, "M_LIMIT_EXCEEDED", what);
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

static void limits_the_memory_of_answers_while_they_are_made(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.response_memory_max = 40 * MIB}, &port);
    int a = raw_connect(port);
    raw_send_text(a, GET("/grow/16777216"));
    wait_response_memory(s, 16 * MIB);
    assert_int_equal(raw_ask(port, GET("/grow/8000")).status, 200);
    assert_int_equal(raw_ask(port, GET("/grow/8000000")).status, 507);
    assert_int_equal(raw_ask(port, GET("/grow/100000")).status, 507); /* until it reads what it has got */
    assert_int_equal(raw_ask(port, GET("/grow/8000")).status, 200);
    wait_response_memory(s, 16 * MIB);
    read_bytes(a, 16 * MIB);
    wait_response_memory(s, 0);
    assert_int_equal(raw_ask(port, GET("/grow/100000")).status, 200);
    assert_int_equal(raw_ask(port, GET("/grow/30000000")).status, 500); /* more than it could ever get */
    wait_response_memory(s, 0);
    close(a);
    http_server_free(&s);
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
    check_error(&r, 429, "M_LIMIT_EXCEEDED", "a proxy that names no client has no share, but the maximum");
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

/* --- queues --- */

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

/* Of 256 places in the queue one client has an eighth. */
static void refuses_one_client_that_queues_too_much(void **state)
{
    enum { PLACES = 256 / WORKER_POOL_QUEUE_SHARE };
    static const char *const trusted[] = {"127.0.0.0/8"};
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server(
        (struct http_server_options){
            .worker_threads = 1, .queue_max = 256, .trusted_proxies = trusted, .trusted_proxy_count = 1},
        &port);
    int fds[PLACES + 3];
    for (unsigned i = 0; i < PLACES + 2; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], i ? "GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n\r\n"
                                : "GET /sleep/1000 HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.1\r\n\r\n");
        sleep_ms(i ? 5 : 50);
    }
    struct raw_response r = raw_read_within(fds[PLACES + 1], true, 500);
    check_error(&r, 429, "M_LIMIT_EXCEEDED", "one more than an eighth");
    assert_non_null(strstr(r.head, "Retry-After: 1\r\n"));
    assert_non_null(strstr(r.body, "\"retry_after_ms\":1000}"));
    fds[PLACES + 2] = raw_connect(port);
    raw_send_text(fds[PLACES + 2], "GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.2\r\n\r\n");
    for (unsigned i = 0; i < PLACES + 3; i++)
        if (i != PLACES + 1)
            assert_int_equal(raw_read(fds[i]).status, 200);
    for (unsigned i = 0; i < PLACES + 3; i++)
        close(fds[i]);
    http_server_free(&s);
}

static void forgets_requests_whose_clients_have_gone(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.worker_threads = 1}, &port);
    int fds[6];
    for (unsigned i = 0; i < 6; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], i ? GET("/sleep/400") : GET("/sleep/300"));
        sleep_ms(i ? 5 : 50);
    }
    /* One more behind it on the same connection does not hide that it has gone. */
    raw_send_text(fds[4], GET("/sleep/400"));
    for (unsigned i = 1; i < 5; i++)
        close(fds[i]);
    assert_int_equal(raw_read(fds[0]).status, 200);
    assert_int_equal(raw_read_within(fds[5], true, 800).status, 200);
    assert_int_equal(http_server_stats(s).queued_gone_total, 4);
    /* What need not wait is answered, though its client says that nothing more comes. */
    raw_send_text(fds[0], GET("/echo"));
    shutdown(fds[0], SHUT_WR);
    assert_int_equal(raw_read(fds[0]).status, 200);
    close(fds[0]);
    close(fds[5]);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_the_memory_of_answers_that_nobody_reads),
        cmocka_unit_test(limits_the_memory_of_answers_while_they_are_made),
        cmocka_unit_test(refuses_when_the_queue_is_full),
        cmocka_unit_test(refuses_one_client_that_queues_too_much),
        cmocka_unit_test(forgets_requests_whose_clients_have_gone),
        cmocka_unit_test(slow_requests_do_not_hold_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
