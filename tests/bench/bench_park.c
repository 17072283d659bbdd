/*
 * What a parked connection costs: opens connections over loopback, parks a request on each, wakes every one several
 * times, and prints the growth of the server's resident memory. First each request is run again and parks once more;
 * then each is answered, and its client asks again on the same connection, as a long poll does.
 *
 *     bench_park [connections [wakes]]        10000 10
 *
 * The server runs in a child process, so that the client's side does not count.
 */
#include "base/clock.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench {
    struct http_server *server;
    unsigned count;
    unsigned wakes;
    int commands; /* the server waits here for the client, */
    int results;  /* and the client here for the server */
    atomic_long runs;
    atomic_long news; /* how often there was something to answer; a request may be run again without any */
    long before_kb;
};

static void tell(int fd)
{
    if (write(fd, "x", 1) != 1)
        abort();
}

static void await(int fd)
{
    char c;
    if (read(fd, &c, 1) != 1)
        abort();
}

/* --- the server's side --- */

static struct http_verdict classify(void *ctx, const struct http_request_head *head)
{
    (void)ctx;
    (void)head;
    return (struct http_verdict){.body_max = 65536};
}

static struct http_reply handle(void *ctx, struct http_request *r)
{
    struct bench *b = ctx;
    atomic_fetch_add(&b->runs, 1);
    uint64_t key = 0;
    if (r->wakeups == 0)
        r->scratch->n[0] = atomic_load(&b->news);
    if (r->timed_out || r->scratch->n[0] != atomic_load(&b->news) || !str_to_u64(r->segments[1], &key))
        return http_reply_static(200, STR("{\"next_batch\":\"s123456\"}"));
    /* What a real handler takes while it looks for news. */
    memset(arena_alloc(r->arena, 16384), 1, 16384);
    return http_reply_park((struct http_park){
        .keys = {key}, .key_count = 1, .deadline_ms = r->first_seen_ms + 600000, .seen = r->wake_seq});
}

static long resident_kb(void)
{
    char line[128];
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || !fgets(line, sizeof line, f) || sscanf(line, "%*d %ld", &pages) != 1)
        abort();
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void wait_parked(struct bench *b, long runs)
{
    while (http_server_stats(b->server).parked < b->count || atomic_load(&b->runs) < runs)
        usleep(200);
}

/* `runs_each`: how often each wake makes its handler run; `news`: 1 if it is to be answered. */
static void wake_all(struct bench *b, const char *what, int runs_each, int news)
{
    int64_t start_us = clock_mono_us();
    for (unsigned w = 0; w < b->wakes; w++) {
        long runs = atomic_load(&b->runs);
        atomic_fetch_add(&b->news, news);
        for (uint64_t key = 0; key < b->count; key++)
            http_server_wake(b->server, key);
        wait_parked(b, runs + runs_each * (long)b->count);
    }
    printf("  %-44s %6.2f KB each, %6.2f us a wake\n", what, (double)(resident_kb() - b->before_kb) / b->count,
           (double)(clock_mono_us() - start_us) / ((double)b->count * b->wakes));
    fflush(stdout);
}

static void serve(struct bench *b)
{
    const struct http_server_options options = {
        .max_connections = b->count + 100, .max_connections_per_address = b->count + 100, .queue_max = b->count + 100};
    const struct http_callbacks callbacks = {classify, handle, b};
    b->server = http_server_new(&options, &callbacks);
    int listener = b->server ? http_server_listen_tcp(b->server, "127.0.0.1", 0) : -1;
    if (listener < 0 || !http_server_start(b->server))
        abort();
    uint16_t port = http_server_port(b->server, listener);
    if (write(b->results, &port, sizeof port) != sizeof port)
        abort();
    b->before_kb = resident_kb();
    tell(b->results);
    wait_parked(b, b->count);
    printf("%u connections, resident memory beyond the %ld KB of the idle server:\n", b->count, b->before_kb);
    printf("  %-44s %6.2f KB each\n", "parked", (double)(resident_kb() - b->before_kb) / b->count);
    wake_all(b, "woken, run and parked again", 1, 0);
    await(b->commands);
    wake_all(b, "woken, answered, asked and parked again", 2, 1);
    if (!http_server_drain(b->server, 60000))
        abort();
    http_server_free(&b->server);
}

/* --- the clients' side --- */

static void ask(int fd, unsigned key)
{
    char request[512];
    int n = snprintf(request, sizeof request,
                     "GET /park/%u?timeout=30000&since=s123456&filter=7 HTTP/1.1\r\nHost: localhost:8008\r\n"
                     "User-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
                     "Authorization: Bearer syt_abcdefghijklmnopqrstuvwxyz0123456789\r\n\r\n",
                     key);
    if (write(fd, request, (size_t)n) != n)
        abort();
}

/* From several addresses of 127.0.0.0/8: one has not enough ports for many connections. */
static int connect_from(uint16_t port, unsigned key)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + key / 5000);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        perror("connecting");
        exit(1);
    }
    return fd;
}

static bool read_answer(int fd)
{
    char answer[4096];
    return read(fd, answer, sizeof answer) > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Returns how many good answers there were: one for each connection and wake, and one each at the end. */
static unsigned be_clients(const struct bench *b, int commands, int results)
{
    uint16_t port;
    if (read(results, &port, sizeof port) != sizeof port)
        abort();
    await(results);
    int *fds = calloc(b->count, sizeof *fds);
    for (unsigned i = 0; fds && i < b->count; i++) {
        fds[i] = connect_from(port, i);
        ask(fds[i], i);
    }
    tell(commands);
    unsigned good = 0;
    for (unsigned w = 0; fds && w <= b->wakes; w++) {
        for (unsigned i = 0; i < b->count; i++) {
            good += read_answer(fds[i]);
            if (w < b->wakes)
                ask(fds[i], i);
        }
    }
    free(fds);
    return good;
}

int main(int argc, char **argv)
{
    struct bench b = {.count = argc > 1 ? (unsigned)atoi(argv[1]) : 10000,
                      .wakes = argc > 2 ? (unsigned)atoi(argv[2]) : 10};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (b.count < 1 || limit.rlim_cur < b.count + 200) {
        fprintf(stderr, "usage: bench_park [connections [wakes]]; at most %lu descriptors here\n",
                (unsigned long)limit.rlim_cur);
        return 2;
    }
    int commands[2], results[2];
    if (pipe(commands) != 0 || pipe(results) != 0)
        return 1;
    b.commands = commands[0];
    b.results = results[1];
    pid_t child = fork();
    if (child == 0) {
        serve(&b);
        _exit(0);
    }
    unsigned good = be_clients(&b, commands[1], results[0]), want = b.count * (b.wakes + 1);
    int status = 0;
    waitpid(child, &status, 0);
    printf("%u of %u answers were right\n", good, want);
    return good == want && status == 0 ? 0 : 1;
}
