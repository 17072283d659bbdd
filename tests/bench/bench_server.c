/*
 * The whole server, measured from outside: time to the first answer, memory at rest, CPU of a message, durable messages
 * a second. The database is filled beforehand through the same services that requests use, and then with many more
 * rows of events, so that its indexes have the size that the figures are about.
 *
 *     build/bench/bench_server [--events N] [--seconds S] [--bin PATH]
 *
 * Everything happens in a folder under $TMPDIR (or /tmp) that is removed at the end, and on loopback. The figures are
 * for people: nothing here fails because a machine is slow.
 */
#include "filled_server.h"

/* --- measurements --- */

static void measure_message_cpu(struct bench *b)
{
    const int count = 3000;
    int fd = dial(b);
    for (int i = 0; i < 200; i++)
        if (send_message(b, fd, 0, 0, -i - 1) != 200)
            die("a message was refused");
    double before = cpu_seconds(b);
    for (int i = 0; i < count; i++)
        if (send_message(b, fd, 0, 0, i) != 200)
            die("a message was refused");
    printf("cpu a message, room of %d: %.3f ms\n", ROOM_MEMBERS, (cpu_seconds(b) - before) * 1000 / count);
    close(fd);
}

struct sender {
    struct bench *bench;
    int index;
    bool one_room;
    int64_t until_ms;
    atomic_llong *sent;
    pthread_t thread;
};

static void *sender_main(void *arg)
{
    struct sender *x = arg;
    int fd = dial(x->bench);
    for (int64_t i = 0; clock_mono_ms() < x->until_ms; i++) {
        /* In turn into the room that the user made and, for those who have one, the second. */
        int room = i % 2 && x->index + USERS < ROOMS ? x->index + USERS : x->index;
        if (x->one_room)
            room = 0;
        if (send_message(x->bench, fd, x->index, room, 1000000 + i) != 200)
            die("a message was refused");
        atomic_fetch_add(x->sent, 1);
    }
    close(fd);
    return NULL;
}

/* `count` senders with a connection each, for b->seconds; returns messages a second. */
static void run_senders(struct bench *b, int count, bool one_room)
{
    struct sender senders[USERS];
    atomic_llong sent = 0;
    double cpu = cpu_seconds(b);
    int64_t begin = clock_mono_ms();
    for (int i = 0; i < count; i++) {
        senders[i] = (struct sender){
            .bench = b, .index = i, .one_room = one_room, .until_ms = begin + b->seconds * 1000, .sent = &sent};
        pthread_create(&senders[i].thread, NULL, sender_main, &senders[i]);
    }
    for (int i = 0; i < count; i++)
        pthread_join(senders[i].thread, NULL);
    double seconds = (double)(clock_mono_ms() - begin) / 1000;
    double messages = (double)atomic_load(&sent);
    printf("durable sends, %d senders, %s, %lld events stored: %.0f a second (server: %.3f ms CPU each)\n", count,
           one_room ? "one room of 20" : "100 rooms", (long long)b->events, messages / seconds,
           (cpu_seconds(b) - cpu) * 1000 / messages);
}

static void read_arguments(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--events") == 0)
            b->events = atoll(argv[i + 1]);
        else if (strcmp(argv[i], "--seconds") == 0)
            b->seconds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--bin") == 0)
            b->bin = argv[i + 1];
        else
            die("usage: bench_server [--events N] [--seconds S] [--bin PATH]");
    }
}

int main(int argc, char **argv)
{
    struct bench b = {.bin = "build/hearth", .events = 1000000, .seconds = 10, .arena = arena_new()};
    read_arguments(&b, argc, argv);
    make_folder(&b);
    printf("start, empty database: %.1f ms (it makes the database)\n", start_server(&b));
    stop_server(&b);
    printf("start, empty database: %.1f ms\n", start_server(&b));
    sleep(1);
    printf("resident at rest: %.1f MB\n", resident_mb(&b));
    stop_server(&b);
    int64_t begin = clock_mono_ms();
    fill(&b);
    printf("filled with %lld events in %.1f s\n", (long long)b.events, (double)(clock_mono_ms() - begin) / 1000);
    printf("start, %lld events: %.1f ms\n", (long long)b.events, start_server(&b));
    measure_message_cpu(&b);
    run_senders(&b, ROOM_MEMBERS, true);
    run_senders(&b, USERS, false);
    printf("resident after load: %.1f MB\n", resident_mb(&b));
    stop_server(&b);
    remove_folder(&b);
    arena_free(&b.arena);
    return 0;
}
