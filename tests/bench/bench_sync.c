/*
 * What a connection that waits in /sync costs the server: many connections park, a message wakes them all, each gets
 * its answer and asks again from where that left off, ten times over; then the growth of resident memory is printed.
 *
 *     build/bench/bench_sync [--connections N] [--wakes N] [--bin PATH]
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include "filled_server.h"

struct waiting {
    int fd;
    int user;
    char since[32];
    bool answered;
};

struct crowd {
    struct bench *bench;
    struct waiting *all;
    int count;
    int epoll;
};

static void ask(struct crowd *c, struct waiting *w)
{
    char request[512];
    int n = snprintf(request, sizeof(request),
                     "GET /_matrix/client/v3/sync?timeout=60000%s%s HTTP/1.1\r\nHost: bench.test\r\n"
                     "Authorization: Bearer %.*s\r\n\r\n",
                     *w->since ? "&since=" : "", w->since, STR_ARG(c->bench->tokens[w->user]));
    if (send(w->fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        die("a connection was closed");
    w->answered = false;
}

/* Reads one answer and remembers its next_batch. */
static void read_answer(struct waiting *w)
{
    static char answer[8 << 20];
    size_t n = 0, size = 0;
    const char *end = NULL;
    while (!end || n < size) {
        ssize_t got = recv(w->fd, answer + n, sizeof(answer) - 1 - n, 0);
        if (got <= 0)
            die("a connection was closed");
        n += (size_t)got;
        answer[n] = '\0';
        end = strstr(answer, "\r\n\r\n");
        const char *length = strcasestr(answer, "\r\nContent-Length:");
        size = end && length ? (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10) : 0;
    }
    const char *token = strstr(answer, "\"next_batch\":\"");
    if (!token || sscanf(token + 14, "%31[a-z0-9]", w->since) != 1) {
        fprintf(stderr, "%.*s\n", 400, answer);
        die("an answer without next_batch");
    }
    w->answered = true;
}

/* Until as many as are missing have their answer. */
static void await_answers(struct crowd *c, int missing)
{
    struct epoll_event events[256];
    while (missing > 0) {
        int n = epoll_wait(c->epoll, events, 256, 60000);
        if (n <= 0)
            die("not all were answered");
        for (int i = 0; i < n; i++) {
            struct waiting *w = &c->all[events[i].data.u32];
            if (w->answered)
                die("an answer that nobody asked for");
            read_answer(w);
            missing--;
        }
    }
}

/* Not all at once: a server refuses what would queue without bound. */
static void ask_all(struct crowd *c)
{
    for (int i = 0; i < c->count; i++) {
        ask(c, &c->all[i]);
        if (i % 100 == 99)
            usleep(20000);
    }
}

/* All have parked when the server has nothing to do any more. */
static void await_rest(const struct bench *b)
{
    double before;
    do {
        before = cpu_seconds(b);
        usleep(300000);
    } while (cpu_seconds(b) - before > 0.011);
}

static void open_crowd(struct crowd *c)
{
    c->all = calloc((size_t)c->count, sizeof(*c->all));
    c->epoll = epoll_create1(0);
    if (!c->all || c->epoll < 0)
        die("no memory");
    for (int i = 0; i < c->count; i++) {
        struct waiting *w = &c->all[i];
        w->user = i % ROOM_MEMBERS; /* the members of the first room */
        w->fd = dial(c->bench);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (w->fd < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, w->fd, &event) != 0)
            die("cannot connect");
    }
}

int main(int argc, char **argv)
{
    struct bench b = {.bin = "build/hearth", .events = 0, .arena = arena_new()};
    struct crowd c = {.bench = &b, .count = 10000};
    int wakes = 10;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--connections") == 0)
            c.count = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--wakes") == 0)
            wakes = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--bin") == 0)
            b.bin = argv[i + 1];
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    make_folder(&b);
    fill(&b);
    start_server(&b);
    sleep(1);
    double before = resident_mb(&b);
    open_crowd(&c);
    /* One initial sync a user, which does not wait; all connections of the user go on from there. */
    for (int i = 0; i < c.count; i++)
        c.all[i].answered = true;
    for (int i = 0; i < ROOM_MEMBERS; i++)
        ask(&c, &c.all[i]);
    await_answers(&c, ROOM_MEMBERS);
    for (int i = ROOM_MEMBERS; i < c.count; i++)
        memcpy(c.all[i].since, c.all[c.all[i].user].since, sizeof(c.all[i].since));
    for (int round = 0; round < wakes; round++) {
        ask_all(&c);
        await_rest(&b);
        int fd = dial(&b);
        int64_t begin = clock_mono_us();
        if (send_message(&b, fd, 0, 0, round) != 200)
            die("a message was refused");
        await_answers(&c, c.count);
        close(fd);
        if (round == wakes - 1)
            printf("waking %d connections: %.0f ms to the last answer\n", c.count,
                   (double)(clock_mono_us() - begin) / 1000);
    }
    ask_all(&c);
    await_rest(&b);
    double after = resident_mb(&b);
    printf("%d connections parked in /sync, woken %d times: %.1f MB more, %.1f KB each\n", c.count, wakes,
           after - before, (after - before) * 1024 / c.count);
    stop_server(&b);
    remove_folder(&b);
    free(c.all);
    arena_free(&b.arena);
    return 0;
}
