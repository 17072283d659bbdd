/*
 * kill -9 at any moment: a child process writes numbered rows from several threads and reports each acknowledged one
 * over a pipe. After it was killed all reported rows must be there, and no position that it reported may come again.
 */
#include "base/clock.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>

#include "scratch.h"

enum { ROUNDS = 30, THREADS = 6 };

static struct sql make_rows = SQL("CREATE TABLE rows (n BIGINT PRIMARY KEY NOT NULL, pos BIGINT NOT NULL UNIQUE)");
static const struct sql insert_row = SQL("INSERT INTO rows (n, pos) VALUES ($1, $2)");
static const struct sql select_row = SQL("SELECT pos FROM rows WHERE n = $1");
static const struct sql newest_row = SQL("SELECT coalesce(max(n), 0) FROM rows");

struct report {
    int64_t n; /* 0: took a position only, as typing does */
    int64_t pos;
};

struct child {
    struct store *store;
    int pipe;
    int64_t next_n; /* atomic */
};

static bool insert(struct store_tx *tx, void *arg)
{
    struct report *r = arg;
    r->pos = store_next_pos(tx);
    if (r->n)
        sql_exec(tx, &insert_row, SQL_INT(r->n), SQL_INT(r->pos));
    return true;
}

static void write_rows(void *arg)
{
    struct child *c = arg;
    for (;;) {
        int64_t n = __atomic_add_fetch(&c->next_n, 1, __ATOMIC_RELAXED);
        struct report r = {.n = n % 4 ? n : 0};
        if (store_write(c->store, insert, &r) != STORE_OK)
            _exit(2);
        if (write(c->pipe, &r, sizeof r) != sizeof r) /* whole: it is shorter than PIPE_BUF */
            _exit(3);
    }
}

static void be_child(const char *path, int pipe)
{
    struct child c = {.store = scratch_open_at(path), .pipe = pipe};
    c.next_n = scratch_int(c.store, &newest_row) + 1000000; /* none is ever used twice */
    struct thread threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (!thread_start(&threads[i], "writer", 0, write_rows, &c))
            _exit(4);
    for (;;)
        pause();
}

struct reports {
    struct report *items;
    size_t count, cap;
};

static void read_reports(int pipe, struct reports *all)
{
    struct report r;
    ssize_t n;
    while ((n = read(pipe, &r, sizeof r)) == sizeof r) {
        if (all->count == all->cap) {
            all->cap = all->cap ? 2 * all->cap : 1024;
            all->items = realloc(all->items, all->cap * sizeof r);
            assert_non_null(all->items);
        }
        all->items[all->count++] = r;
    }
    assert_int_equal(n, 0);
}

/* Runs a child for `ms` milliseconds; from its first report on if `from_report`, since opening may take longer. */
static void run_child(const char *path, int64_t ms, bool from_report, struct reports *all)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        be_child(path, ends[1]);
    }
    close(ends[1]);
    /* The pipe holds some thousand reports, and a child that waits for room in it is killed like any other. */
    struct pollfd first = {.fd = ends[0], .events = POLLIN};
    if (from_report)
        assert_int_equal(poll(&first, 1, 20000), 1);
    usleep((useconds_t)(ms * 1000));
    kill(child, SIGKILL);
    read_reports(ends[0], all);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int64_t take_position(struct store *store)
{
    struct report r = {0};
    assert_int_equal(store_write(store, insert, &r), STORE_OK);
    return r.pos;
}

static void kill_at_any_moment(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_at(path);
    assert_int_equal(scratch_exec(store, &make_rows), STORE_OK);
    store_close(&store);

    unsigned seed = (unsigned)clock_mono_us();
    struct reports all = {0};
    int64_t newest_pos = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t seen = all.count;
        run_child(path, 5 + rand_r(&seed) % 120, round % 2, &all);
        for (; seen < all.count; seen++)
            newest_pos = all.items[seen].pos > newest_pos ? all.items[seen].pos : newest_pos;
        store = scratch_open_at(path);
        assert_true(store_stable_pos(store) >= newest_pos);
        assert_true(take_position(store) > newest_pos);
        struct store_tx *tx = store_read_begin(store);
        for (size_t i = 0; i < all.count; i++)
            if (all.items[i].n)
                assert_int_equal(sql_int_of(tx, &select_row, 0, SQL_INT(all.items[i].n)), all.items[i].pos);
        assert_true(store_read_end(&tx));
        store_close(&store);
    }
    print_message("%zu acknowledged rows and positions, none lost\n", all.count);
    assert_true(all.count > ROUNDS);
    free(all.items);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kill_at_any_moment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
