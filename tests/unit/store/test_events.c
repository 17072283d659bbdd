#include "store/events.h"

#include "scratch.h"

static bool insert(struct store_tx *tx, void *arg)
{
    struct event_row *row = arg;
    if (!row->event_nid)
        row->event_nid = row->pos = store_next_pos(tx);
    events_insert(tx, row);
    return true;
}

static void add(struct store *store, struct event_row *row)
{
    assert_int_equal(store_write(store, insert, row), STORE_OK);
}

static void check_numbers(const struct event_row *got, const struct event_row *want)
{
    assert_int_equal(got->event_nid, want->event_nid);
    assert_int_equal(got->room_nid, want->room_nid);
    assert_int_equal(got->pos, want->pos);
    assert_int_equal(got->sender_nid, want->sender_nid);
    assert_int_equal(got->state_key_nid, want->state_key_nid);
    assert_int_equal(got->state_before, want->state_before);
    assert_int_equal(got->state_after, want->state_after);
    assert_int_equal(got->replaces_nid, want->replaces_nid);
    assert_int_equal(got->redacted_by_nid, want->redacted_by_nid);
    assert_int_equal(got->device_nid, want->device_nid);
    assert_int_equal(got->notify_count, want->notify_count);
    assert_int_equal(got->highlight_count, want->highlight_count);
}

static void check_row(const struct event_row *got, const struct event_row *want)
{
    check_numbers(got, want);
    check_str(got->event_id, want->event_id, "event_id");
    check_str(got->txn_id, want->txn_id, "txn_id");
    assert_int_equal(got->txn_id.p == NULL, want->txn_id.p == NULL);
    check_str(got->pdu, want->pdu, "pdu");
}

/* A row comes back from each reader as it was written, with all it can hold and with as little as it may. */
static void reads_what_was_written(void **state)
{
    struct event_row full = {.room_nid = 3,
                             .sender_nid = 4,
                             .state_key_nid = 5,
                             .state_before = 6,
                             .state_after = 7,
                             .replaces_nid = 8,
                             .device_nid = 9,
                             .notify_count = 10,
                             .highlight_count = 11,
                             .event_id = STR("$full"),
                             .txn_id = STR("t\xc3\xa4"),
                             .pdu = STR("{\"content\":{\"body\":\"\\u0000\"}}")};
    struct event_row bare = {.room_nid = 3, .sender_nid = 4, .event_id = STR("$bare"), .pdu = STR("{}")};
    struct event_row *rows[] = {&full, &bare};
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        add(store, rows[i]);
    assert_true(bare.pos > full.pos);

    struct store_tx *tx = store_read_begin(store);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct event_row *want = rows[i];
        struct event_row got;
        struct event_row *list;
        assert_true(events_by_nid(tx, want->event_nid, a, &got));
        check_row(&got, want);
        assert_true(events_by_id(tx, want->event_id, a, &got));
        check_row(&got, want);
        assert_true(events_last(tx, 3, want->pos, a, &got));
        check_row(&got, want);
        assert_true(events_last_numbers(tx, 3, want->pos, &got));
        check_numbers(&got, want);
        assert_true(!got.event_id.p && !got.pdu.p && !got.txn_id.p);
        assert_int_equal(
            events_between(tx, 3, EVENT_PLACE(want->pos - 1), EVENT_PLACE(want->pos), EVENTS_OLDEST_FIRST, 5, a, &list),
            1);
        check_row(&list[0], want);
        check_str(events_pdu(tx, want->event_nid, a), want->pdu, "pdu");
        check_str(events_id(tx, want->event_nid, a), want->event_id, "id");
    }
    struct event_row none;
    assert_false(events_by_nid(tx, 12345, a, &none));
    assert_false(events_by_id(tx, STR("$none"), a, &none));
    assert_false(events_by_id(tx, STR("$FULL"), a, &none));
    assert_false(events_last(tx, 3, full.pos - 1, a, &none));
    assert_false(events_last(tx, 4, INT64_MAX, a, &none));
    assert_false(events_last_numbers(tx, 4, INT64_MAX, &none));
    assert_null(events_pdu(tx, 12345, a).p);
    assert_null(events_id(tx, 12345, a).p);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

enum { TIMELINE = 100 };

/* Two rooms whose events alternate; returns the positions of the first. */
static void fill(struct store *store, struct arena *a, int64_t pos_out[TIMELINE])
{
    for (int i = 0; i < 2 * TIMELINE; i++) {
        struct event_row row = {
            .room_nid = 1 + i % 2, .sender_nid = 1, .event_id = str_fmt(a, "$%d", i), .pdu = STR("{}")};
        add(store, &row);
        if (i % 2 == 0)
            pos_out[i / 2] = row.pos;
    }
}

/* Every range and limit in both orders: exactly the events that are after < pos <= up_to, and only this room's. */
static void ranges(void **state)
{
    static const int edges[] = {-1, 0, 1, 14, 15, 16, 17, 63, 64, 98, 99};
    static const size_t limits[] = {1, 2, 15, 16, 17, 33, 1000};
    int64_t pos[TIMELINE];
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    fill(store, a, pos);
    struct store_tx *tx = store_read_begin(store);
    for (size_t f = 0; f < COUNT_OF(edges); f++)
        for (size_t t = 0; t < COUNT_OF(edges); t++)
            for (size_t l = 0; l < 2 * COUNT_OF(limits); l++) {
                bool newest = l % 2;
                size_t limit = limits[l / 2];
                struct arena_mark mark = arena_mark(a);
                struct event_row *rows;
                int64_t after = edges[f] < 0 ? 0 : pos[edges[f]];
                int64_t up_to = edges[t] < 0 ? 0 : pos[edges[t]];
                size_t all = edges[t] > edges[f] ? (size_t)(edges[t] - edges[f]) : 0;
                size_t want = all < limit ? all : limit;
                size_t count = events_between(tx, 1, EVENT_PLACE(after), EVENT_PLACE(up_to),
                                              newest ? EVENTS_NEWEST_FIRST : EVENTS_OLDEST_FIRST, limit, a, &rows);
                assert_int_equal(count, want);
                for (size_t i = 0; i < count; i++)
                    assert_int_equal(rows[i].pos, newest ? pos[edges[t] - (int)i] : pos[edges[f] + 1 + (int)i]);
                arena_release(a, mark);
            }
    struct event_row row;
    assert_true(events_last_numbers(tx, 1, pos[50] + 1, &row)); /* the other room's event stands there */
    assert_int_equal(row.pos, pos[50]);
    assert_true(events_last_numbers(tx, 1, INT64_MAX, &row));
    assert_int_equal(row.pos, pos[TIMELINE - 1]);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

static void transactions(void **state)
{
    struct event_row rows[] = {
        {.room_nid = 1, .device_nid = 1, .txn_id = STR("a"), .event_id = STR("$1"), .pdu = STR("{}")},
        {.room_nid = 1, .device_nid = 2, .txn_id = STR("a"), .event_id = STR("$2"), .pdu = STR("{}")},
        {.room_nid = 2, .device_nid = 1, .txn_id = STR("a"), .event_id = STR("$3"), .pdu = STR("{}")},
        {.room_nid = 1, .device_nid = 1, .txn_id = STR("b"), .event_id = STR("$4"), .pdu = STR("{}")},
        {.room_nid = 1, .device_nid = 1, .txn_id = STR("a"), .event_id = STR("$5"), .pdu = STR("{}")},
        {.room_nid = 1, .event_id = STR("$6"), .pdu = STR("{}")},
    };
    static const struct {
        int64_t device_nid, room_nid;
        const char *txn_id;
        size_t want;
        const char *first;
    } cases[] = {
        {1, 1, "a", 2, "$1"}, {2, 1, "a", 1, "$2"}, {1, 2, "a", 1, "$3"}, {1, 1, "b", 1, "$4"},
        {2, 2, "a", 0, ""},   {1, 1, "", 0, ""},    {0, 1, "a", 0, ""},   {0, 1, "", 0, ""},
    };
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        add(store, &rows[i]);
    struct store_tx *tx = store_read_begin(store);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event_row *found;
        size_t count = events_by_txn(tx, cases[i].device_nid, str_of(cases[i].txn_id), cases[i].room_nid, 8, a, &found);
        assert_int_equal(count, cases[i].want);
        if (count == 1)
            check_str(found[0].event_id, str_of(cases[i].first), "event");
    }
    struct event_row *found;
    assert_int_equal(events_by_txn(tx, 1, STR("a"), 1, 1, a, &found), 1);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

struct redaction {
    int64_t event_nid, by;
};

static bool redact(struct store_tx *tx, void *arg)
{
    const struct redaction *r = arg;
    events_redact(tx, r->event_nid, r->by, STR("{\"left\":1}"));
    return true;
}

/* The PDU and who redacted it change, and nothing else does. */
static void redactions(void **state)
{
    struct event_row row = {.room_nid = 1,
                            .sender_nid = 2,
                            .state_key_nid = 3,
                            .state_before = 4,
                            .state_after = 5,
                            .device_nid = 6,
                            .notify_count = 7,
                            .txn_id = STR("t"),
                            .event_id = STR("$1"),
                            .pdu = STR("{\"all\":1}")};
    struct event_row other = {.room_nid = 1, .event_id = STR("$2"), .pdu = STR("{\"other\":1}")};
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    struct event_row got;
    (void)state;
    add(store, &row);
    add(store, &other);
    struct redaction r = {row.event_nid, 77};
    assert_int_equal(store_write(store, redact, &r), STORE_OK);
    row.pdu = STR("{\"left\":1}");
    row.redacted_by_nid = 77;
    struct store_tx *tx = store_read_begin(store);
    assert_true(events_by_nid(tx, row.event_nid, a, &got));
    check_row(&got, &row);
    assert_true(events_by_nid(tx, other.event_nid, a, &got));
    check_row(&got, &other);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

/* An event is stored once: neither its id nor its place may come again. */
static void no_doubles(void **state)
{
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    struct event_row row = {.room_nid = 1, .event_id = STR("$1"), .pdu = STR("{}")};
    struct event_row same_id = {.room_nid = 2, .event_id = STR("$1"), .pdu = STR("{}")};
    (void)state;
    add(store, &row);
    struct event_row same_place = {
        .event_nid = row.event_nid + 1000, .pos = row.pos, .room_nid = 1, .event_id = STR("$2"), .pdu = STR("{}")};
    assert_int_equal(store_write(store, insert, &same_id), STORE_FAILED);
    assert_int_equal(store_write(store, insert, &same_place), STORE_FAILED);
    struct store_tx *tx = store_read_begin(store);
    assert_false(events_by_id(tx, STR("$2"), a, &same_place));
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(ranges),
        cmocka_unit_test(transactions),
        cmocka_unit_test(redactions),
        cmocka_unit_test(no_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
