/* The server as a whole: listeners, parking, waking, draining, stopping. */
#include "base/thread.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include "raw_client.h"

#define HOST "Host: h\r\n"

static void wait_parked(struct http_server *s, unsigned count)
{
    for (unsigned i = 0; i < 3000 && http_server_stats(s).parked != count; i++)
        sleep_ms(1);
    assert_int_equal(http_server_stats(s).parked, count);
}

static int park(uint16_t port, const char *path)
{
    char request[200];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    int fd = raw_connect(port);
    raw_send(fd, request, (size_t)n);
    return fd;
}

static void wakes_what_is_parked(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int a = park(port, "/park/1"), b = park(port, "/park/1"), c = park(port, "/park/2");
    wait_parked(s, 3);
    http_server_wake(s, 77);
    wait_parked(s, 3);
    http_server_wake(s, 1);
    struct raw_response r = raw_read(a);
    check_str(str_of(r.body), STR("woken 1 scratch 2"), "a");
    assert_int_equal(raw_read(b).status, 200);
    wait_parked(s, 1);
    http_server_wake(s, 1000002); /* its second key */
    r = raw_read(c);
    check_str(str_of(r.body), STR("woken 1 scratch 3"), "c");
    /* The connection goes on, and parks again. */
    raw_send_text(c, GET("/park/5") GET("/echo/pipelined"));
    wait_parked(s, 1);
    http_server_wake(s, 5);
    r = raw_read(c);
    check_str(str_of(r.body), STR("woken 1 scratch 6"), "again");
    r = raw_read(c);
    assert_non_null(strstr(r.body, "/echo/pipelined"));
    close(a);
    close(b);
    close(c);
    http_server_free(&s);
}

static void wakes_within_a_millisecond(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int64_t best_us = INT64_MAX;
    int fd = raw_connect(port);
    for (unsigned i = 0; i < 20; i++) {
        raw_send_text(fd, GET("/park/1"));
        wait_parked(s, 1);
        int64_t start_us = clock_mono_us();
        http_server_wake(s, 1);
        char c;
        assert_true(raw_read_byte(fd, &c, 3000));
        int64_t took_us = clock_mono_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
        char rest[1000];
        assert_true(recv(fd, rest, sizeof rest, 0) > 0);
    }
    assert_true(best_us < 1000);
    close(fd);
    http_server_free(&s);
}

static void deadlines_are_kept(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int64_t start = clock_mono_ms();
    /* Earlier ones that arrive later must not wait for those before them. */
    int late = park(port, "/park/1/1500");
    wait_parked(s, 1);
    int soon = park(port, "/park/2/300"), past = park(port, "/park/3/0");
    assert_int_equal(raw_read(past).status, 200);
    assert_true(clock_mono_ms() - start < 300);
    struct raw_response r = raw_read(soon);
    check_str(str_of(r.body), STR("timed out 1 scratch 3"), "soon");
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= 300 && took < 1400);
    r = raw_read(late);
    check_str(str_of(r.body), STR("timed out 1 scratch 2"), "late");
    assert_true(clock_mono_ms() - start >= 1500);
    close(late);
    close(soon);
    close(past);
    http_server_free(&s);
}

/* --- a handler that parks until a counter has moved past what its client knows: lost wakes would show as time-outs ---
 */

enum { STRESS_CLIENTS = 4, STRESS_LOOPS = 2000 };

struct stress {
    struct http_server *server;
    atomic_long value;
    atomic_long timeouts;
    uint16_t port;
};

static struct http_reply stress_handle(void *ctx, struct http_request *r)
{
    struct stress *st = ctx;
    int64_t since = 0;
    bool ok = str_to_i64(http_query(r, STR("since")), &since);
    long now = atomic_load(&st->value);
    if (now <= since && ok && !r->timed_out)
        return http_reply_park((struct http_park){
            .keys = {9}, .key_count = 1, .deadline_ms = r->first_seen_ms + 8000, .seen = r->wake_seq});
    if (r->timed_out)
        atomic_fetch_add(&st->timeouts, 1);
    struct buf b;
    buf_init(&b, 100);
    buf_fmt(&b, "%ld", now);
    return http_reply_take(200, &b);
}

static void stress_poll(void *arg)
{
    struct stress *st = arg;
    int fd = raw_connect(st->port);
    for (long since = 0; since < STRESS_LOOPS;) {
        char request[100];
        int n = snprintf(request, sizeof request, "GET /x?since=%ld HTTP/1.1\r\n" HOST "\r\n", since);
        raw_send(fd, request, (size_t)n);
        struct raw_response r = raw_read_within(fd, true, 20000);
        if (r.status != 200)
            break;
        since = strtol(r.body, NULL, 10);
    }
    close(fd);
}

static void no_wake_is_lost(void **state)
{
    (void)state;
    struct stress st = {0};
    const struct http_callbacks callbacks = {raw_classify, stress_handle, &st};
    st.server = http_server_new(&(struct http_server_options){.worker_threads = 4}, &callbacks);
    assert_non_null(st.server);
    assert_int_equal(http_server_listen_tcp(st.server, "127.0.0.1", 0), 0);
    assert_true(http_server_start(st.server));
    st.port = http_server_port(st.server, 0);
    struct thread clients[STRESS_CLIENTS];
    for (unsigned i = 0; i < STRESS_CLIENTS; i++)
        assert_true(thread_start(&clients[i], "client", 0, stress_poll, &st));
    for (unsigned i = 0; i < STRESS_LOOPS; i++) {
        atomic_fetch_add(&st.value, 1);
        http_server_wake(st.server, 9);
        if (i % 8 == 0)
            usleep(i % 512);
    }
    for (unsigned i = 0; i < STRESS_CLIENTS; i++)
        thread_join(&clients[i]);
    assert_int_equal(atomic_load(&st.timeouts), 0);
    http_server_free(&st.server);
}

/* --- listeners --- */

static int connect_unix(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    close(fd);
    return -1;
}

static void listens_on_several(void **state)
{
    (void)state;
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    static const char *const trusted[] = {"unix", "127.0.0.0/8"};
    const struct http_server_options options = {.trusted_proxies = trusted, .trusted_proxy_count = 2};
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    struct http_server *s = http_server_new(&options, &callbacks);
    assert_non_null(s);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", 0), 0);
    assert_int_equal(http_server_listen_unix(s, path, 0640), 1);
    int v6 = http_server_listen_tcp(s, "::1", 0); /* -1 where there is no IPv6 */
    assert_int_equal(http_server_listen_tcp(s, "localhost", 0), -1);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", http_server_port(s, 0)), -1);
    assert_int_equal(http_server_listen_unix(s, path, 0600), -1); /* somebody listens there */
    assert_int_equal(http_server_listen_unix(s, "/nowhere/socket", 0600), -1);
    assert_true(http_server_start(s));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    int fd = connect_unix(path);
    assert_true(fd >= 0);
    raw_send_text(fd, GET("/echo") "GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.1\r\n\r\n");
    struct raw_response r = raw_read(fd);
    assert_non_null(strstr(r.body, "client=unix listener=1"));
    r = raw_read(fd);
    assert_non_null(strstr(r.body, "client=203.0.113.1 listener=1"));
    close(fd);
    r = raw_ask(http_server_port(s, 0), "GET /echo HTTP/1.1\r\n" HOST "Forwarded: for=\"[2001:db8::5]:9\"\r\n\r\n");
    assert_non_null(strstr(r.body, "client=2001:db8::5 listener=0"));
    if (v6 >= 0)
        assert_int_equal(v6, 2);
    http_server_free(&s);
    assert_int_equal(stat(path, &st), -1); /* removed */
    rmdir(folder);
}

static void replaces_a_dead_socket_only(void **state)
{
    (void)state;
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64], file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(file, sizeof file, "%s/file", folder);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path));
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&sa, sizeof sa), 0);
    close(dead);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    struct http_server *s = http_server_new(&(struct http_server_options){0}, &callbacks);
    assert_non_null(s);
    assert_int_equal(http_server_listen_unix(s, path, 0600), 0);
    assert_int_equal(http_server_listen_unix(s, file, 0600), -1);
    assert_int_equal(access(file, F_OK), 0);
    http_server_free(&s); /* never started */
    unlink(file);
    assert_int_equal(rmdir(folder), 0);
}

static void refuses_bad_proxies(void **state)
{
    (void)state;
    const struct http_callbacks callbacks = {raw_classify, raw_handle, NULL};
    static const char *const trusted[] = {"10.0.0.0/40"};
    const struct http_server_options options = {.trusted_proxies = trusted, .trusted_proxy_count = 1};
    assert_null(http_server_new(&options, &callbacks));
}

/* --- the end --- */

static void drains(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int parked[20], busy = park(port, "/sleep/300"), idle = raw_connect(port), late = raw_connect(port);
    for (unsigned i = 0; i < 20; i++)
        parked[i] = park(port, "/park/1");
    raw_send_text(late, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
    wait_parked(s, 20);
    int64_t start = clock_mono_ms();
    sleep_ms(20);
    raw_send_text(late, "cd");
    assert_true(http_server_drain(s, 5000));
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= 200 && took < 3000);
    for (unsigned i = 0; i < 20; i++) {
        struct raw_response r = raw_read(parked[i]);
        check_str(str_of(r.body), STR("timed out 1 scratch 2"), "parked");
        assert_non_null(strstr(r.head, "Connection: close"));
        close(parked[i]);
    }
    assert_int_equal(raw_read(busy).status, 200);
    assert_int_equal(raw_read(late).status, 200);
    /* Nobody listens any more; who is connected is answered, once. */
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(refused, (struct sockaddr *)&sa, sizeof sa), -1);
    close(refused);
    raw_send_text(idle, GET("/park/1"));
    struct raw_response r = raw_read(idle);
    check_str(str_of(r.body), STR("timed out 1 scratch 2"), "parks no more");
    assert_true(raw_is_closed(idle));
    assert_true(http_server_drain(s, 1000)); /* again does no harm */
    http_server_free(&s);
    close(busy);
    close(idle);
    close(late);
}

static void drain_gives_up_in_time(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int busy = park(port, "/sleep/1500"), stalled = raw_connect(port);
    raw_send_text(stalled, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nab");
    sleep_ms(50);
    int64_t start = clock_mono_ms();
    assert_false(http_server_drain(s, 100));
    assert_true(clock_mono_ms() - start < 1200);
    /* The rest of a request that stopped arriving is not waited for. */
    assert_true(http_server_drain(s, 8000));
    assert_true(clock_mono_ms() - start < 6000);
    assert_int_equal(raw_read(busy).status, 200);
    close(busy);
    close(stalled);
    http_server_free(&s);
}

static void stops_in_the_middle(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        uint16_t port;
        struct http_server *s = raw_server((struct http_server_options){.worker_threads = 2}, &port);
        int fds[30];
        for (unsigned i = 0; i < 30; i++) {
            static const char *const paths[] = {"/park/1", "/sleep/20", "/slow/20", "/echo", "/park/2/5"};
            fds[i] = park(port, paths[i % COUNT_OF(paths)]);
        }
        sleep_ms(round * 3);
        http_server_free(&s);
        assert_null(s);
        for (unsigned i = 0; i < 30; i++)
            close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wakes_what_is_parked),   cmocka_unit_test(wakes_within_a_millisecond),
        cmocka_unit_test(deadlines_are_kept),     cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(listens_on_several),     cmocka_unit_test(replaces_a_dead_socket_only),
        cmocka_unit_test(refuses_bad_proxies),    cmocka_unit_test(drains),
        cmocka_unit_test(drain_gives_up_in_time), cmocka_unit_test(stops_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
