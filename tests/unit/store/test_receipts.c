#include "store/events.h"
#include "store/receipts.h"
#include "store/users.h"

#include "scratch.h"

enum { EVENTS = 10, USERS = 3 };

struct world {
    struct store *store;
    struct arena *arena;
    int64_t users[USERS];
    int64_t events[EVENTS];
};

static bool make(struct store_tx *tx, void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < USERS; i++)
        w->users[i] = users_intern(tx, str_fmt(w->arena, "@u%d:hearth.test", i));
    for (int i = 0; i < EVENTS; i++) {
        int64_t pos = w->events[i] = store_next_pos(tx);
        struct event_row row = {
            .event_nid = pos, .pos = pos, .room_nid = 1, .event_id = str_fmt(w->arena, "$e%d", i), .pdu = STR("{}")};
        events_insert(tx, &row);
    }
    return true;
}

static int world_init(void **state)
{
    static struct world w;
    w = (struct world){.store = scratch_open(), .arena = arena_new()};
    *state = &w;
    return store_write(w.store, make, &w) == STORE_OK ? 0 : -1;
}

static int world_fini(void **state)
{
    struct world *w = *state;
    store_close(&w->store);
    arena_free(&w->arena);
    return 0;
}

struct setting {
    struct receipt_row row;
    bool stored;
};

static bool run_set(struct store_tx *tx, void *arg)
{
    struct setting *s = arg;
    s->stored = receipts_set(tx, &s->row);
    return true;
}

/* The position of the receipt, 0 if it was not stored. */
static int64_t set(struct world *w, int user, const char *type, const char *thread, int event)
{
    struct setting s = {.row = {.room_nid = 1,
                                .user_nid = w->users[user],
                                .type = str_of(type),
                                .thread_id = str_of(thread),
                                .event_nid = w->events[event],
                                .event_pos = w->events[event],
                                .ts = 1000 + event}};
    assert_int_equal(store_write(w->store, run_set, &s), STORE_OK);
    return s.stored ? s.row.pos : 0;
}

static size_t read_all(struct world *w, int reader, int64_t after, int64_t up_to, struct receipt_row **rows)
{
    struct store_tx *tx = store_read_begin(w->store);
    size_t count = receipts_between(tx, 1, w->users[reader], after, up_to, w->arena, rows);
    assert_true(store_read_end(&tx));
    return count;
}

static int64_t last_pos(struct world *w, int64_t room_nid)
{
    struct store_tx *tx = store_read_begin(w->store);
    int64_t pos = receipts_last_pos(tx, room_nid);
    assert_true(store_read_end(&tx));
    return pos;
}

/* A receipt only ever moves forwards, and each user, type and thread has its own. */
static void monotone(void **state)
{
    struct world *w = *state;
    struct receipt_row *rows;
    assert_int_equal(last_pos(w, 1), 0);
    int64_t first = set(w, 0, "m.read", "", 4);
    assert_true(first > w->events[EVENTS - 1]);
    assert_int_equal(last_pos(w, 1), first);
    assert_int_equal(set(w, 0, "m.read", "", 4), 0);
    assert_int_equal(set(w, 0, "m.read", "", 3), 0);
    assert_int_equal(last_pos(w, 1), first);
    assert_int_equal(read_all(w, 0, 0, INT64_MAX, &rows), 1);
    check_str(rows[0].event_id, STR("$e4"), "event");
    int64_t second = set(w, 0, "m.read", "", 5);
    assert_true(second > first);
    assert_true(set(w, 0, "m.read", "main", 1) > second);
    assert_true(set(w, 0, "m.read", "$e0", 2) > second);
    assert_true(set(w, 0, "m.read.private", "", 0) > second);
    assert_true(set(w, 1, "m.read", "", 0) > second);
    assert_int_equal(read_all(w, 0, 0, INT64_MAX, &rows), 5);
    assert_int_equal(last_pos(w, 2), 0);
}

static void reads_what_was_set(void **state)
{
    struct world *w = *state;
    struct receipt_row *rows;
    int64_t pos = set(w, 2, "m.read", "$e1", 6);
    assert_int_equal(read_all(w, 0, 0, INT64_MAX, &rows), 1);
    assert_int_equal(rows[0].room_nid, 1);
    assert_int_equal(rows[0].user_nid, w->users[2]);
    check_str(rows[0].type, STR("m.read"), "type");
    check_str(rows[0].thread_id, STR("$e1"), "thread");
    assert_int_equal(rows[0].event_nid, w->events[6]);
    assert_int_equal(rows[0].event_pos, w->events[6]);
    assert_int_equal(rows[0].ts, 1006);
    assert_int_equal(rows[0].pos, pos);
    check_str(rows[0].user_id, STR("@u2:hearth.test"), "user");
    check_str(rows[0].event_id, STR("$e6"), "event");
}

/* Private receipts are their user's alone ("m.read.private"). */
static void private_receipts(void **state)
{
    struct world *w = *state;
    struct receipt_row *rows;
    set(w, 0, "m.read.private", "", 3);
    set(w, 0, "m.read", "", 2);
    set(w, 1, "m.read.private", "", 5);
    assert_int_equal(read_all(w, 0, 0, INT64_MAX, &rows), 2);
    assert_int_equal(read_all(w, 1, 0, INT64_MAX, &rows), 2);
    assert_int_equal(read_all(w, 2, 0, INT64_MAX, &rows), 1);
    check_str(rows[0].type, STR("m.read"), "type");
}

static void ranges(void **state)
{
    struct world *w = *state;
    struct receipt_row *rows;
    int64_t pos[3];
    for (int i = 0; i < 3; i++)
        pos[i] = set(w, i, "m.read", "", i);
    assert_int_equal(read_all(w, 0, pos[0], pos[2], &rows), 2);
    assert_int_equal(rows[0].pos, pos[1]); /* oldest first */
    assert_int_equal(rows[1].pos, pos[2]);
    assert_int_equal(read_all(w, 0, pos[0] - 1, pos[1], &rows), 2);
    assert_int_equal(read_all(w, 0, pos[2], INT64_MAX, &rows), 0);
    /* a receipt that moves on leaves its old place */
    set(w, 0, "m.read", "", 9);
    assert_int_equal(read_all(w, 0, 0, pos[2], &rows), 2);
    assert_int_equal(read_all(w, 0, 0, INT64_MAX, &rows), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_init, world_fini)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(monotone),
        TEST(reads_what_was_set),
        TEST(private_receipts),
        TEST(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
