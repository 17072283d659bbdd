/*
 * A filled server for benchmarks: a folder with a configuration and a database, the real binary on it, and a minimal
 * client. Included by the programs in this folder, each of which is one file.
 */
#ifndef HEARTH_TESTS_BENCH_SERVER_H
#define HEARTH_TESTS_BENCH_SERVER_H

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "main/config.h"
#include "main/server.h"
#include "service/account.h"
#include "service/account_session.h"
#include "service/room_create.h"
#include "service/room_member.h"
#include "store/events.h"
#include "store/rooms.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define USERS        64
#define ROOMS        100
#define ROOM_MEMBERS 20
#define FILL_BATCH   5000

struct bench {
    const char *bin;
    char folder[256];
    int port;
    int64_t events;
    int seconds;
    pid_t server;
    struct arena *arena;
    struct str user_ids[USERS];
    int64_t user_nids[USERS];
    struct str tokens[USERS];
    struct str room_ids[ROOMS];
};

static inline void die(const char *what)
{
    fprintf(stderr, "bench_server: %s (%s)\n", what, strerror(errno));
    exit(1);
}

/* --- the folder and its configuration --- */

static inline int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static inline struct str config_path(struct bench *b)
{
    return str_fmt(b->arena, "%s/hearth.toml", b->folder);
}

static inline void make_folder(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(b->folder, sizeof(b->folder), "%s/hearth-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(b->folder))
        die("cannot make a folder");
    b->port = free_port();
    struct str text = str_fmt(b->arena,
                              "[global]\nserver_name = \"bench.test\"\naddress = \"127.0.0.1\"\nport = %d\n"
                              "database_path = \"%s/data\"\nlog = \"warn\"\nmax_connections_per_address = 20000\n",
                              b->port, b->folder);
    if (file_write_atomic(config_path(b), text, 0600) != FILE_OK)
        die("cannot write the configuration");
}

static inline void remove_folder(const struct bench *b)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", b->folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

/* --- filling --- */

static inline void must(struct fault fault, const char *what)
{
    if (fault.code) {
        fprintf(stderr, "bench_server: %s: %.*s\n", what, STR_ARG(fault.message));
        exit(1);
    }
}

static inline void fill_accounts(struct bench *b, struct services *s)
{
    struct session_ask ask = {.device_id = STR("BENCH")};
    for (int i = 0; i < USERS; i++) {
        struct account_info info;
        struct session session;
        must(account_create(s, b->arena, str_fmt(b->arena, "user%d", i), STR("a long enough password"), false, &info),
             "account");
        must(account_session_begin(s, b->arena, &info, &ask, &session), "session");
        b->user_ids[i] = info.user_id;
        b->user_nids[i] = info.user_nid;
        b->tokens[i] = session.access_token;
    }
}

static inline struct caller caller_of(const struct bench *b, int i)
{
    return (struct caller){.user_nid = b->user_nids[i], .user_id = b->user_ids[i]};
}

static inline void fill_rooms(struct bench *b, struct services *s)
{
    struct json *body = json_object(b->arena);
    json_set_str(b->arena, body, STR("preset"), STR("public_chat"));
    for (int i = 0; i < ROOMS; i++) {
        struct caller owner = caller_of(b, i % USERS);
        must(room_create(s, b->arena, &owner, body, &b->room_ids[i]), "room");
        for (int j = 1; j < ROOM_MEMBERS; j++) {
            struct caller member = caller_of(b, (i + j) % USERS);
            must(room_join(s, b->arena, &member, b->room_ids[i], STR("")), "join");
        }
    }
}

struct fill_job {
    int64_t first;
    int64_t count;
    struct event_row last[ROOMS];
};

/* Rows like those of messages, in turn over the rooms; ids and texts differ as in life. */
static inline bool fill_run(struct store_tx *tx, void *arg)
{
    struct fill_job *job = arg;
    for (int64_t i = job->first; i < job->first + job->count; i++) {
        struct event_row *last = &job->last[i % ROOMS];
        struct arena_mark mark = arena_mark(store_tx_arena(tx));
        last->event_nid = last->pos = store_next_pos(tx);
        last->state_before = last->state_after;
        last->notify_count++;
        uint64_t h = (uint64_t)i * 0x9e3779b97f4a7c15u;
        last->event_id = str_fmt(store_tx_arena(tx), "$%016llx%016llxabcdefghijk", (unsigned long long)h,
                                 (unsigned long long)(h ^ (h >> 29)) * 31);
        events_insert(tx, last);
        arena_release(store_tx_arena(tx), mark);
    }
    return true;
}

static inline void fill_events(struct bench *b, struct services *s)
{
    struct fill_job job = {0};
    struct store_tx *tx = store_read_begin(s->store);
    for (int i = 0; i < ROOMS; i++) {
        struct event_row *row = &job.last[i];
        assert(events_last(tx, rooms_nid_of(tx, b->room_ids[i]), INT64_MAX, b->arena, row));
        row->state_key_nid = row->replaces_nid = row->device_nid = 0;
        row->txn_id = (struct str){0};
    }
    assert(store_read_end(&tx));
    for (job.first = 0; job.first < b->events; job.first += FILL_BATCH) {
        job.count = b->events - job.first < FILL_BATCH ? b->events - job.first : FILL_BATCH;
        if (store_write(s->store, fill_run, &job) != STORE_OK)
            die("cannot fill the database");
    }
}

static inline void fill(struct bench *b)
{
    struct server server;
    struct store_error error;
    struct config_report report;
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, STDERR_FILENO);
    config_report_init(&report);
    struct config *config = config_load(config_path(b).p, NULL, &report);
    config_report_fini(&report);
    if (!config || !server_open(&server, config, true, &error))
        die("cannot open the server");
    fill_accounts(b, &server.services);
    fill_rooms(b, &server.services);
    fill_events(b, &server.services);
    server_close(&server);
}

/* --- a minimal client --- */

static inline int dial(const struct bench *b)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)b->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    if (fd < 0)
        die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Sends a request and reads one answer with a Content-Length; returns its status, or 0. */
static inline int exchange(int fd, const char *request, size_t size)
{
    char answer[65536];
    size_t n = 0;
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        return 0;
    for (;;) {
        ssize_t got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
        if (got <= 0)
            return 0;
        n += (size_t)got;
        answer[n] = '\0';
        const char *end = strstr(answer, "\r\n\r\n");
        const char *length = strcasestr(answer, "\r\nContent-Length:");
        if (end && length && n >= (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10))
            return atoi(answer + 9);
    }
}

static inline int get_versions(const struct bench *b)
{
    static const char request[] = "GET /_matrix/client/versions HTTP/1.1\r\nHost: bench.test\r\n\r\n";
    int fd = dial(b);
    if (fd < 0)
        return 0;
    int status = exchange(fd, request, sizeof(request) - 1);
    close(fd);
    return status;
}

static inline int send_message(const struct bench *b, int fd, int user, int room, int64_t txn)
{
    static const char body[] = "{\"body\":\"The quick brown fox jumps over the lazy dog\",\"msgtype\":\"m.text\"}";
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "PUT /_matrix/client/v3/rooms/%.*s/send/m.room.message/t%lld HTTP/1.1\r\nHost: bench.test\r\n"
                     "Authorization: Bearer %.*s\r\nContent-Length: %zu\r\n\r\n%s",
                     STR_ARG(b->room_ids[room]), (long long)txn, STR_ARG(b->tokens[user]), sizeof(body) - 1, body);
    return exchange(fd, request, (size_t)n);
}

/* --- the server --- */

/* Starts it; returns milliseconds to the first answered request. */
static inline double start_server(struct bench *b)
{
    int64_t begin = clock_mono_us();
    b->server = fork();
    if (b->server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a benchmark that gives up */
        execl(b->bin, b->bin, "serve", "--config", config_path(b).p, (char *)NULL);
        _exit(127);
    }
    while (get_versions(b) != 200) {
        if (waitpid(b->server, NULL, WNOHANG) != 0 || clock_mono_us() - begin > 60000000)
            die("the server does not start");
        usleep(500);
    }
    return (double)(clock_mono_us() - begin) / 1000;
}

static inline void stop_server(struct bench *b)
{
    kill(b->server, SIGTERM);
    waitpid(b->server, NULL, 0);
}

static inline double resident_mb(const struct bench *b)
{
    char path[64], line[256];
    double kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)b->server);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtod(line + 6, NULL);
    if (f)
        fclose(f);
    return kb / 1024;
}

/* CPU seconds the server has used, in user and kernel. */
static inline double cpu_seconds(const struct bench *b)
{
    char path[64], line[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)b->server);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof(line), f)) {
        const char *p = strrchr(line, ')');
        if (p)
            sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    }
    if (f)
        fclose(f);
    long ticks = sysconf(_SC_CLK_TCK);
    return (double)(user + kernel) / (double)ticks;
}

#endif
