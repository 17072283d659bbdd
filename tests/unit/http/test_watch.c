/* What the watch thread does: accepting within limits, and noticing that parked clients have gone. */
#include "http/connections.h"

#include <sys/resource.h>

#include "raw_client.h"

#define HOST "Host: h\r\n"

static bool wait_for(struct http_server *s, unsigned parked, unsigned connections)
{
    for (unsigned i = 0; i < 3000; i++) {
        struct http_server_stats stats = http_server_stats(s);
        if (stats.parked == parked && stats.connections == connections)
            return true;
        sleep_ms(1);
    }
    return false;
}

static void drops_parked_clients_that_go_away(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int stays = raw_connect(port);
    raw_send_text(stays, GET("/park/1"));
    int fds[30];
    for (unsigned i = 0; i < 30; i++) {
        fds[i] = raw_connect(port);
        /* Some have a request pipelined behind, which must not hide the end. */
        raw_send_text(fds[i], i % 2 ? GET("/park/1") : GET("/park/1") GET("/echo"));
    }
    assert_true(wait_for(s, 31, 31));
    for (unsigned i = 0; i < 30; i++) {
        if (i % 3 == 0) {
            const struct linger reset = {.l_onoff = 1};
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        close(fds[i]);
    }
    assert_true(wait_for(s, 1, 1));
    assert_int_equal(http_server_stats(s).parked_gone_total, 30);
    http_server_wake(s, 1);
    assert_int_equal(raw_read(stays).status, 200);
    close(stays);
    http_server_free(&s);
}

/* Waking, the deadline and the end of the connection at the same moment: each request ends exactly once. */
static void wakes_race_with_clients_that_go_away(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (unsigned round = 0; round < 60; round++) {
        int fds[10];
        for (unsigned i = 0; i < 10; i++) {
            char request[100];
            int n = snprintf(request, sizeof request, "GET /park/%u/%u HTTP/1.1\r\n" HOST "\r\n", i, 1 + round % 7);
            fds[i] = raw_connect(port);
            raw_send(fds[i], request, (size_t)n);
        }
        if (round % 3 == 0)
            sleep_ms(1 + round % 5);
        for (unsigned i = 0; i < 10; i++) {
            if (i % 2)
                http_server_wake(s, i);
            close(fds[i]);
            http_server_wake(s, 1000000 + i);
        }
    }
    assert_true(wait_for(s, 0, 0));
    assert_int_equal(http_server_stats(s).requests, 0);
    http_server_free(&s);
}

static void holds_back_connections_beyond_the_maximum(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.max_connections = 5}, &port);
    int fds[7];
    for (unsigned i = 0; i < 5; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/echo"));
        assert_int_equal(raw_read(fds[i]).status, 200);
    }
    for (unsigned i = 5; i < 7; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/echo"));
        assert_int_equal(raw_read_within(fds[i], true, 100).status, 0);
    }
    assert_int_equal(http_server_stats(s).connections, 5);
    /* They wait, and are served as soon as there is room. */
    close(fds[0]);
    close(fds[1]);
    for (unsigned i = 5; i < 7; i++)
        assert_int_equal(raw_read(fds[i]).status, 200);
    for (unsigned i = 2; i < 7; i++)
        close(fds[i]);
    http_server_free(&s);
}

/* How many of `count` connections that are made in a burst are answered. */
static unsigned served_of_a_burst(uint16_t port, unsigned count)
{
    int fds[300];
    unsigned served = 0;
    assert_true(count <= COUNT_OF(fds));
    for (unsigned i = 0; i < count; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/echo"));
    }
    sleep_ms(500);
    for (unsigned i = 0; i < count; i++) {
        served += raw_read_within(fds[i], true, 0).status == 200;
    }
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
    return served;
}

static void a_burst_stays_within_the_limits(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.max_connections = 5}, &port);
    assert_int_equal(served_of_a_burst(port, 300), 5);
    assert_true(wait_for(s, 0, 0));
    http_server_free(&s);
    s = raw_server((struct http_server_options){.max_connections_per_address = 5}, &port);
    assert_int_equal(served_of_a_burst(port, 300), 5);
    assert_true(wait_for(s, 0, 0));
    http_server_free(&s);
}

static void keeps_within_the_limit_of_open_files(void **state)
{
    (void)state;
    uint16_t port;
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 80;
    setrlimit(RLIMIT_NOFILE, &low);
    struct http_server *s = raw_server((struct http_server_options){.max_connections = 1000000}, &port);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(served_of_a_burst(port, 200), 60);
    http_server_free(&s);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    raw_send_text(fd, GET("/echo"));
    return fd;
}

static void reserved_listeners_are_counted_apart(void **state)
{
    (void)state;
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    struct http_server *s = http_server_new(&(struct http_server_options){.max_connections = 1}, &callbacks);
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64];
    int fds[CONNECTIONS_RESERVED + 1];
    assert_non_null(s);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", 0), 0);
    assert_int_equal(http_server_listen_unix(s, path, 0600), 1);
    http_server_reserve(s, 1);
    assert_true(http_server_start(s));
    int public = raw_connect(http_server_port(s, 0)), waiting = raw_connect(http_server_port(s, 0));
    raw_send_text(public, GET("/echo"));
    assert_int_equal(raw_read(public).status, 200);
    raw_send_text(waiting, GET("/echo"));
    assert_int_equal(raw_read_within(waiting, true, 50).status, 0);
    for (unsigned i = 0; i < CONNECTIONS_RESERVED; i++) {
        fds[i] = connect_unix(path);
        assert_int_equal(raw_read(fds[i]).status, 200);
    }
    fds[CONNECTIONS_RESERVED] = connect_unix(path);
    assert_int_equal(raw_read_within(fds[CONNECTIONS_RESERVED], true, 50).status, 0);
    close(fds[0]);
    assert_int_equal(raw_read(fds[CONNECTIONS_RESERVED]).status, 200);
    close(public);
    assert_int_equal(raw_read(waiting).status, 200);
    for (unsigned i = 1; i <= CONNECTIONS_RESERVED; i++)
        close(fds[i]);
    close(waiting);
    http_server_free(&s);
    rmdir(folder);
}

/* A proxy in front may come over a unix socket. */
static void a_unix_socket_has_all_connections(void **state)
{
    enum { MAX = 40 };
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    struct http_server_options options = {.max_connections = MAX, .max_connections_per_address = 2};
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64];
    int fds[MAX + 1];
    (void)state;
    struct http_server *s = http_server_new(&options, &callbacks);
    assert_non_null(s);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    assert_int_equal(http_server_listen_unix(s, path, 0600), 0);
    assert_true(http_server_start(s));
    for (unsigned i = 0; i < MAX; i++) {
        fds[i] = connect_unix(path);
        assert_int_equal(raw_read(fds[i]).status, 200);
    }
    fds[MAX] = connect_unix(path);
    assert_int_equal(raw_read_within(fds[MAX], true, 50).status, 0);
    close(fds[0]);
    assert_int_equal(raw_read(fds[MAX]).status, 200);
    for (unsigned i = 1; i <= MAX; i++)
        close(fds[i]);
    http_server_free(&s);
    rmdir(folder);
}

static void limits_connections_of_an_address(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.max_connections_per_address = 3}, &port);
    int fds[4];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/echo"));
        assert_int_equal(raw_read(fds[i]).status, 200);
    }
    int refused = raw_connect(port);
    assert_true(raw_is_closed(refused));
    close(refused);
    close(fds[0]);
    assert_true(wait_for(s, 0, 2));
    fds[0] = raw_connect(port);
    raw_send_text(fds[0], GET("/echo"));
    assert_int_equal(raw_read(fds[0]).status, 200);
    for (unsigned i = 0; i < 3; i++)
        close(fds[i]);
    http_server_free(&s);
}

static void trusted_proxies_have_no_limit(void **state)
{
    (void)state;
    uint16_t port;
    static const char *const trusted[] = {"127.0.0.1"};
    struct http_server *s = raw_server((struct http_server_options){.max_connections_per_address = 2,
                                                                    .trusted_proxies = trusted,
                                                                    .trusted_proxy_count = 1},
                                       &port);
    int fds[6];
    for (unsigned i = 0; i < 6; i++) {
        fds[i] = raw_connect(port);
        raw_send_text(fds[i], GET("/echo"));
        assert_int_equal(raw_read(fds[i]).status, 200);
    }
    for (unsigned i = 0; i < 6; i++)
        close(fds[i]);
    http_server_free(&s);
}

static void closes_idle_connections(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.idle_timeout_ms = 1000}, &port);
    int idle = raw_connect(port), half = raw_connect(port), parked = raw_connect(port);
    raw_send_text(half, "GET /echo HTTP/1.1\r\n");
    raw_send_text(parked, GET("/park/1"));
    assert_true(raw_is_closed_within(idle, 6000));
    assert_true(raw_is_closed_within(half, 6000));
    assert_true(wait_for(s, 1, 1)); /* a parked request is not idle */
    http_server_wake(s, 1);
    assert_int_equal(raw_read(parked).status, 200);
    close(idle);
    close(half);
    close(parked);
    http_server_free(&s);
}

/* Sends a byte, or as many as there are in `more`, every 100 ms; how many ms it took until the server closed. */
static int64_t closed_after(uint16_t port, const char *start, const char *more, int64_t at_most_ms)
{
    int64_t start_ms = clock_mono_ms();
    int fd = raw_connect(port);
    raw_send_text(fd, start);
    while (clock_mono_ms() - start_ms < at_most_ms && !raw_is_closed_within(fd, 100))
        raw_send_text(fd, more);
    close(fd);
    return clock_mono_ms() - start_ms;
}

/* Each byte starts the idle timeout anew: it is the deadline that ends these. */
static void closes_slow_connections(void **state)
{
    static const struct {
        const char *name, *start, *more;
        int64_t from_ms, to_ms;
    } cases[] = {
        {"request line", "", "G", 1800, 4500},
        {"header", "GET /echo HTTP/1.1\r\n", "A", 900, 3500},
        {"header of a second request", GET("/answered") "GET /answered HTTP/1.1\r\n", "A", 0, 3500},
        {"body", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n", "b", 900, 3500},
        {"chunks", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nb\r\n", 900, 3500},
        {"body that nobody wants", "POST /answered HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n", "b", 900, 3500},
    };
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){.idle_timeout_ms = 1000}, &port);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ms = closed_after(port, cases[i].start, cases[i].more, 6000);
        check_case(ms >= cases[i].from_ms && ms <= cases[i].to_ms, cases[i].name);
    }
    /* Fast enough, for longer than the grace. */
    char part[1025];
    memset(part, 'b', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    int fd = raw_connect(port);
    raw_send_text(fd, "POST /large HTTP/1.1\r\n" HOST "Content-Length: 30720\r\n\r\n");
    for (unsigned i = 0; i < 30; i++) {
        raw_send_text(fd, part);
        sleep_ms(100);
    }
    assert_int_equal(raw_read(fd).status, 200);
    /* The same connection waits for a while, and goes on. */
    sleep_ms(500);
    raw_send_text(fd, GET("/park/1"));
    assert_true(wait_for(s, 1, 1));
    sleep_ms(3000);
    http_server_wake(s, 1);
    assert_int_equal(raw_read(fd).status, 200);
    close(fd);
    http_server_free(&s);
}

/* Without descriptors it waits instead of spinning or giving up. */
static void survives_running_out_of_descriptors(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int client = raw_connect(port), waiting = raw_connect(port), fillers[200];
    raw_send_text(client, GET("/echo"));
    assert_int_equal(raw_read(client).status, 200);
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    assert_true(wait_for(s, 0, 2));
    close(waiting);
    assert_true(wait_for(s, 0, 1));
    waiting = socket(AF_INET, SOCK_STREAM, 0);
    low = old;
    low.rlim_cur = (rlim_t)waiting + 100;
    setrlimit(RLIMIT_NOFILE, &low);
    unsigned count = 0;
    while (count < 200 && (fillers[count] = dup(client)) >= 0)
        count++;
    assert_true(count < 200);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(waiting, (struct sockaddr *)&sa, sizeof sa), 0);
    raw_send_text(waiting, GET("/echo"));
    assert_int_equal(raw_read_within(waiting, true, 100).status, 0);
    while (count > 0)
        close(fillers[--count]);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(raw_read(waiting).status, 200);
    close(waiting);
    close(client);
    http_server_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_parked_clients_that_go_away),
        cmocka_unit_test(wakes_race_with_clients_that_go_away),
        cmocka_unit_test(holds_back_connections_beyond_the_maximum),
        cmocka_unit_test(a_burst_stays_within_the_limits),
        cmocka_unit_test(keeps_within_the_limit_of_open_files),
        cmocka_unit_test(reserved_listeners_are_counted_apart),
        cmocka_unit_test(a_unix_socket_has_all_connections),
        cmocka_unit_test(limits_connections_of_an_address),
        cmocka_unit_test(trusted_proxies_have_no_limit),
        cmocka_unit_test(closes_idle_connections),
        cmocka_unit_test(closes_slow_connections),
        cmocka_unit_test(survives_running_out_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
