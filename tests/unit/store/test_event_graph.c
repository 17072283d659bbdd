#include "store/event_graph.h"
#include "store/events.h"

#include "scratch.h"

enum { ROOM = 7 };

static void put(struct store_tx *tx, int64_t nid, int64_t pos, int64_t sub)
{
    char id[32];
    snprintf(id, sizeof id, "$%d", (int)nid);
    struct event_row row = {.event_nid = nid,
                            .room_nid = ROOM,
                            .pos = pos,
                            .sub = sub,
                            .sender_nid = 1,
                            .event_id = str_of(id),
                            .pdu = STR("{}"),
                            .status = pos < 0 ? EVENT_REJECTED : EVENT_ACCEPTED,
                            .reason = pos < 0 ? STR("rule 4") : (struct str){0}};
    events_insert(tx, &row);
}

static void check_extremities(struct store_tx *tx, const int64_t *want, size_t count)
{
    int64_t *nids;
    assert_int_equal(forward_extremities_of(tx, ROOM, store_tx_arena(tx), &nids), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(nids[i], want[i]);
}

static bool run_extremities(struct store_tx *tx, void *arg)
{
    static const struct sql rows = SQL("SELECT count(*) FROM forward_extremities");
    (void)arg;
    check_extremities(tx, NULL, 0);
    put(tx, 10, 10, 0);
    put(tx, 11, 11, 0);
    put(tx, 12, -12, 0);
    check_extremities(tx, (int64_t[]){11}, 1);
    forward_extremities_set(tx, ROOM, (int64_t[]){10, 11}, 2);
    check_extremities(tx, (int64_t[]){10, 11}, 2);
    put(tx, 13, 13, 0);
    forward_extremities_set(tx, ROOM, (int64_t[]){13}, 1);
    check_extremities(tx, (int64_t[]){13}, 1);
    assert_int_equal(sql_int_of0(tx, &rows, -1), 0);
    /* The only one, but not the newest: that is told apart from a line. */
    forward_extremities_set(tx, ROOM, (int64_t[]){11}, 1);
    check_extremities(tx, (int64_t[]){11}, 1);

    int64_t many[FORWARD_EXTREMITIES_MAX];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = 1000 + (int64_t)i;
    forward_extremities_set(tx, ROOM, many, COUNT_OF(many));
    check_extremities(tx, many, FORWARD_EXTREMITIES_MAX);
    return true;
}

static bool run_timeline(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct arena *a = store_tx_arena(tx);
    struct event_row row;
    struct event_row *rows;
    put(tx, 20, -20, 0);
    assert_false(events_last(tx, ROOM, INT64_MAX, a, &row));
    assert_false(events_last_numbers(tx, ROOM, INT64_MAX, &row));
    put(tx, 21, 21, 0);
    put(tx, 22, 22, 0);
    put(tx, 23, 22, -1); /* history in front of 22 */
    put(tx, 24, 22, -2);
    assert_true(events_last(tx, ROOM, INT64_MAX, a, &row));
    assert_int_equal(row.event_nid, 22);
    assert_int_equal(events_between(tx, ROOM, EVENT_PLACE(0), EVENT_PLACE(100), EVENTS_OLDEST_FIRST, 10, a, &rows), 4);
    static const int64_t order[] = {21, 24, 23, 22};
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_int_equal(rows[i].event_nid, order[i]);
    assert_int_equal(events_between(tx, ROOM, EVENT_PLACE(0), EVENT_PLACE(100), EVENTS_NEWEST_FIRST, 10, a, &rows), 4);
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_int_equal(rows[3 - i].event_nid, order[i]);
    assert_true(events_by_nid(tx, 20, a, &row));
    assert_int_equal(row.status, EVENT_REJECTED);
    check_str(row.reason, STR("rule 4"), "rule 4");
    assert_true(events_by_nid(tx, 21, a, &row));
    assert_int_equal(row.status, EVENT_ACCEPTED);
    assert_null(row.reason.p);
    return true;
}

static bool run_awaited(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct arena *a = store_tx_arena(tx);
    struct str *ids;
    int64_t *nids;
    awaited_events_add(tx, STR("$x"), &(struct awaited_row){AWAITED_PREV, 5, ROOM});
    awaited_events_add(tx, STR("$x"), &(struct awaited_row){AWAITED_PREV, 5, ROOM});
    awaited_events_add(tx, STR("$x"), &(struct awaited_row){AWAITED_REDACTION, 6, ROOM});
    awaited_events_add(tx, STR("$y"), &(struct awaited_row){AWAITED_PREV, 5, ROOM});
    assert_int_equal(awaited_events_for(tx, STR("$x"), AWAITED_PREV, ROOM, 10, a, &nids), 1);
    assert_int_equal(nids[0], 5);
    assert_int_equal(awaited_events_for(tx, STR("$x"), AWAITED_REDACTION, ROOM, 10, a, &nids), 1);
    assert_int_equal(nids[0], 6);
    assert_int_equal(awaited_events_before(tx, 5, 10, a, &ids), 2);
    check_str(ids[0], STR("$x"), "$x");
    check_str(ids[1], STR("$y"), "$y");
    awaited_events_remove(tx, STR("$x"), AWAITED_PREV);
    assert_int_equal(awaited_events_count(tx, STR("$x"), AWAITED_PREV, ROOM, 10), 0);
    assert_int_equal(awaited_events_count(tx, STR("$x"), AWAITED_REDACTION, ROOM, 10), 1);
    assert_int_equal(awaited_events_before(tx, 5, 10, a, &ids), 1);
    assert_int_equal(awaited_events_before(tx, 6, 10, a, &ids), 0);

    for (int64_t nid = 20; nid < 25; nid++)
        awaited_events_add(tx, STR("$x"), &(struct awaited_row){AWAITED_RELATION, nid, nid < 24 ? ROOM : ROOM + 1});
    assert_int_equal(awaited_events_count(tx, STR("$x"), AWAITED_RELATION, ROOM, 10), 4);
    assert_int_equal(awaited_events_count(tx, STR("$x"), AWAITED_RELATION, ROOM, 3), 3);
    assert_int_equal(awaited_events_count(tx, STR("$none"), AWAITED_RELATION, ROOM, 3), 0);
    assert_int_equal(awaited_events_for(tx, STR("$x"), AWAITED_RELATION, ROOM, 10, a, &nids), 4);
    assert_int_equal(nids[0], 20);
    assert_int_equal(nids[3], 23);
    assert_int_equal(awaited_events_for(tx, STR("$x"), AWAITED_RELATION, ROOM, 2, a, &nids), 2);
    awaited_events_remove(tx, STR("$x"), AWAITED_RELATION);
    assert_int_equal(awaited_events_for(tx, STR("$x"), AWAITED_RELATION, ROOM + 1, 10, a, &nids), 0);
    return true;
}

static void run(bool (*job)(struct store_tx *, void *))
{
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, job, NULL), STORE_OK);
    store_close(&store);
}

static void a_line_leaves_no_rows(void **state)
{
    (void)state;
    run(run_extremities);
}

static void events_without_a_place_are_not_in_the_timeline(void **state)
{
    (void)state;
    run(run_timeline);
}

static void awaited_events_are_found_from_both_ends(void **state)
{
    (void)state;
    run(run_awaited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_leaves_no_rows),
        cmocka_unit_test(events_without_a_place_are_not_in_the_timeline),
        cmocka_unit_test(awaited_events_are_found_from_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
