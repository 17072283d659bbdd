/*
 * Durable writes a second: threads that each submit a job with one event of 1 KB and wait until it is on disk.
 *
 *     build/bench/bench_store [--filled N] [--seconds S] [--rooms R] [--readers T] [--members M] [--database URL]
 *
 * The database is filled with N events first (default 100,000), and stands in a folder below $TMPDIR that is removed.
 * With --readers, so many threads read the newest events of random rooms meanwhile. With --members, each job changes
 * one entry of the state of a room of so many members instead. With --database it is an empty database of PostgreSQL
 * (tests/postgres.py --durable starts one), which is left as it is then.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/events.h"
#include "store/state_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS_MAX = 64, FILL_BATCH = 1000, SAMPLES_MAX = 200000 };

struct bench {
    struct store *store;
    char folder[256], path[300];
    const char *url; /* instead of a file, or NULL */
    int64_t filled, rooms;
    int64_t members, state_root; /* the root is the writer thread's */
    int seconds, readers;
    bool stop;         /* atomic */
    int64_t newest_id; /* atomic */
};

struct submitter {
    struct bench *bench;
    struct thread thread;
    unsigned seed;
    int64_t jobs, reads;
    uint32_t *waited_us;
};

struct one_event {
    struct bench *bench;
    int64_t room_nid;
    unsigned *seed;
    char event_id[48];
    char pdu[1024];
};

/* Event ids are hashes: they fall all over their index. */
static void make_event(struct one_event *e, struct bench *b, unsigned *seed)
{
    e->bench = b;
    e->seed = seed;
    e->room_nid = 1 + rand_r(seed) % b->rooms;
    int64_t id = __atomic_add_fetch(&b->newest_id, 1, __ATOMIC_RELAXED);
    snprintf(e->event_id, sizeof e->event_id, "$%08x%08x%08x_%012" PRIx64, (unsigned)rand_r(seed),
             (unsigned)rand_r(seed), (unsigned)rand_r(seed), id);
    memset(e->pdu, 'x', sizeof e->pdu);
}

static bool insert(struct store_tx *tx, void *arg)
{
    struct one_event *e = arg;
    int64_t pos = store_next_pos(tx);
    char txn_id[24];
    snprintf(txn_id, sizeof txn_id, "m%" PRId64, pos);
    struct event_row row = {.event_nid = pos,
                            .room_nid = e->room_nid,
                            .pos = pos,
                            .sender_nid = e->room_nid,
                            .state_before = pos,
                            .state_after = pos,
                            .device_nid = 1 + e->room_nid % 50,
                            .event_id = str_of(e->event_id),
                            .txn_id = str_of(txn_id),
                            .pdu = {e->pdu, sizeof e->pdu}};
    events_insert(tx, &row);
    return true;
}

static bool change_state(struct store_tx *tx, void *arg)
{
    struct one_event *e = arg;
    struct bench *b = e->bench;
    b->state_root = state_map_set(tx, b->state_root, 1 + rand_r(e->seed) % b->members, store_next_pos(tx));
    return true;
}

static bool fill_state(struct store_tx *tx, void *arg)
{
    struct bench *b = arg;
    int64_t *numbers = ARENA_ARRAY(store_tx_arena(tx), (size_t)b->members, int64_t);
    for (int64_t i = 0; i < b->members; i++)
        numbers[i] = i + 1;
    b->state_root = state_map_set_many(tx, 0, numbers, numbers, (size_t)b->members);
    return true;
}

static bool fill_some(struct store_tx *tx, void *arg)
{
    struct one_event *e = arg;
    for (int i = 0; i < FILL_BATCH; i++) {
        make_event(e, e->bench, e->seed);
        (void)insert(tx, e);
    }
    return true;
}

static void fill(struct bench *b)
{
    unsigned seed = 1;
    static struct one_event e;
    make_event(&e, b, &seed);
    for (int64_t i = 0; i < b->filled; i += FILL_BATCH)
        if (store_write(b->store, fill_some, &e) != STORE_OK)
            exit(1);
    if (b->members && store_write(b->store, fill_state, b) != STORE_OK)
        exit(1);
}

static bool running(const struct bench *b)
{
    return !__atomic_load_n(&b->stop, __ATOMIC_RELAXED);
}

static void submit_events(void *arg)
{
    struct submitter *s = arg;
    struct one_event e;
    while (running(s->bench)) {
        make_event(&e, s->bench, &s->seed);
        int64_t begin = clock_mono_us();
        if (store_write(s->bench->store, s->bench->members ? change_state : insert, &e) != STORE_OK)
            exit(1);
        s->waited_us[s->jobs++ % SAMPLES_MAX] = (uint32_t)(clock_mono_us() - begin);
    }
}

static void read_events(void *arg)
{
    struct submitter *s = arg;
    while (running(s->bench)) {
        struct store_tx *tx = store_read_begin(s->bench->store);
        struct event_row *rows;
        s->reads += (int64_t)events_between(tx, 1 + rand_r(&s->seed) % s->bench->rooms, EVENT_PLACE(0),
                                            EVENT_PLACE(store_stable_pos(s->bench->store)), EVENTS_NEWEST_FIRST, 20,
                                            store_tx_arena(tx), &rows);
        if (!store_read_end(&tx))
            exit(1);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double mebibytes(const char *path, const char *suffix)
{
    char name[320];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (double)st.st_size / 1048576 : 0;
}

static void report(struct submitter *all, int threads, double seconds, double cpu)
{
    size_t n = 0;
    int64_t jobs = 0;
    uint32_t *us = memory_calloc((size_t)threads * SAMPLES_MAX, sizeof *us);
    for (int i = 0; i < threads; i++) {
        jobs += all[i].jobs;
        for (int64_t j = 0; j < all[i].jobs && j < SAMPLES_MAX; j++)
            us[n++] = all[i].waited_us[j];
    }
    qsort(us, n, sizeof *us, compare_u32);
    if (n)
        printf("%3d threads: %8.0f durable jobs/s, %5.1f us of CPU a job; waited median %.2f, 99%% %.2f, longest %.2f "
               "ms; log %.0f MiB\n",
               threads, (double)jobs / seconds, cpu * 1e6 / (double)jobs, us[n / 2] / 1e3, us[n * 99 / 100] / 1e3,
               us[n - 1] / 1e3, mebibytes(all[0].bench->path, "-wal"));
    free(us);
}

static void measure(struct bench *b, int threads)
{
    static struct submitter all[THREADS_MAX], readers[THREADS_MAX];
    b->stop = false;
    double cpu = cpu_seconds();
    int64_t begin = clock_mono_us(), reads = 0;
    for (int i = 0; i < threads; i++) {
        all[i] = (struct submitter){.bench = b, .seed = (unsigned)(threads * 1000 + i)};
        all[i].waited_us = memory_calloc(SAMPLES_MAX, sizeof(uint32_t));
        if (!thread_start(&all[i].thread, "submit", 0, submit_events, &all[i]))
            exit(1);
    }
    for (int i = 0; i < b->readers; i++) {
        readers[i] = (struct submitter){.bench = b, .seed = (unsigned)i};
        if (!thread_start(&readers[i].thread, "read", 0, read_events, &readers[i]))
            exit(1);
    }
    usleep((useconds_t)b->seconds * 1000000);
    __atomic_store_n(&b->stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < threads; i++)
        thread_join(&all[i].thread);
    double seconds = (double)(clock_mono_us() - begin) / 1e6;
    for (int i = 0; i < b->readers; i++) {
        thread_join(&readers[i].thread);
        reads += readers[i].reads;
    }
    report(all, threads, seconds, cpu_seconds() - cpu);
    if (b->readers)
        printf("             %8.0f events/s read by %d threads\n", (double)reads / seconds, b->readers);
    for (int i = 0; i < threads; i++)
        free(all[i].waited_us);
}

static void open_store(struct bench *b)
{
    const char *parent = getenv("TMPDIR");
    snprintf(b->folder, sizeof b->folder, "%s/hearth-bench-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(b->folder))
        exit(1);
    snprintf(b->path, sizeof b->path, "%s/db", b->folder);
    struct store_error error;
    struct store_options options = {
        .path = b->url ? b->url : b->path, .server_name = STR("hearth.test"), .create = true};
    if (!store_open(&options, &b->store, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
}

static void close_store(struct bench *b)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    store_close(&b->store);
    if (!b->url)
        printf("database: %.0f MiB\n", mebibytes(b->path, ""));
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[320];
        snprintf(name, sizeof name, "%s%s", b->path, suffixes[i]);
        unlink(name);
    }
    rmdir(b->folder);
}

static void read_options(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int value = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--database") == 0)
            b->url = argv[i + 1];
        if (strcmp(argv[i], "--filled") == 0)
            b->filled = value;
        else if (strcmp(argv[i], "--seconds") == 0)
            b->seconds = value;
        else if (strcmp(argv[i], "--members") == 0)
            b->members = value;
        else if (strcmp(argv[i], "--rooms") == 0)
            b->rooms = value;
        else if (strcmp(argv[i], "--readers") == 0 && value <= THREADS_MAX)
            b->readers = value;
    }
}

int main(int argc, char **argv)
{
    static struct bench b = {.filled = 100000, .seconds = 5, .rooms = 1000};
    read_options(&b, argc, argv);
    open_store(&b);
    int64_t begin = clock_mono_us();
    fill(&b);
    printf("filled with %" PRId64 " events in %.1f s\n", b.filled, (double)(clock_mono_us() - begin) / 1e6);
    static const int threads[] = {1, 16, 64};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        measure(&b, threads[i]);
    close_store(&b);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("peak memory: %ld MiB, of which the samples take up to %d\n", u.ru_maxrss / 1024,
           (int)(2 * THREADS_MAX * SAMPLES_MAX * sizeof(uint32_t) >> 20));
    return 0;
}
