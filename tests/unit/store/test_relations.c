#include "store/relations.h"

#include <sqlite3.h>
#include <time.h>

#include "scratch.h"

enum { ROOM = 7, ROOT = 10, ALICE = 1, BOB = 2 };

static void put_event(struct store_tx *tx, int64_t nid)
{
    struct event_row row = {.event_nid = nid,
                            .room_nid = ROOM,
                            .pos = nid,
                            .sender_nid = ALICE,
                            .event_id = str_fmt(store_tx_arena(tx), "$%d", (int)nid),
                            .pdu = STR("{}")};
    events_insert(tx, &row);
}

static struct relation_row child(enum relation_kind kind, int64_t nid, int64_t pos, int64_t sub)
{
    return (struct relation_row){.parent_nid = ROOT,
                                 .room_nid = ROOM,
                                 .event_nid = nid,
                                 .pos = pos,
                                 .sub = sub,
                                 .sender_nid = BOB,
                                 .kind = kind,
                                 .rel_type = STR("org.example"),
                                 .type = STR("m.room.message")};
}

static void add(struct store_tx *tx, struct relation_row row)
{
    relations_add(tx, &row);
}

static int64_t related(struct store_tx *tx)
{
    struct event_row row;
    assert_true(events_by_nid(tx, ROOT, store_tx_arena(tx), &row));
    return row.related;
}

static void check_thread(struct store_tx *tx, int64_t count, int64_t pos, int64_t sub, const int64_t *newest,
                         size_t newest_count)
{
    struct thread_row thread;
    int64_t nids[4];
    assert_true(relations_thread(tx, ROOT, &thread));
    assert_int_equal(thread.count, count);
    assert_int_equal(thread.last_pos, pos);
    assert_int_equal(thread.last_sub, sub);
    assert_int_equal(relations_thread_events(tx, ROOT, newest_count, nids), newest_count);
    for (size_t i = 0; i < newest_count; i++)
        assert_int_equal(nids[i], newest[i]);
}

static bool run_threads(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct thread_row thread;
    put_event(tx, ROOT);
    assert_int_equal(related(tx), 0);
    assert_false(relations_thread(tx, ROOT, &thread));
    add(tx, child(RELATION_THREAD, 20, 20, 0));
    add(tx, child(RELATION_THREAD, 20, 20, 0)); /* again */
    check_thread(tx, 1, 20, 0, (int64_t[]){20}, 1);
    assert_int_equal(related(tx), RELATED(RELATION_THREAD));
    /* History in front of an event, and one at the end. */
    add(tx, child(RELATION_THREAD, 30, 20, -1));
    check_thread(tx, 2, 20, 0, (int64_t[]){20, 30}, 2);
    add(tx, child(RELATION_THREAD, 31, 31, 0));
    add(tx, child(RELATION_THREAD, 32, 31, -5));
    check_thread(tx, 4, 31, 0, (int64_t[]){31, 32, 20, 30}, 4);
    assert_true(relations_thread_has(tx, ROOT, BOB));
    assert_false(relations_thread_has(tx, ROOT, ALICE));
    /* Redacted one by one, and one that is not there. */
    relations_remove(tx, ROOT, RELATION_THREAD, 31, 0);
    relations_remove(tx, ROOT, RELATION_THREAD, 31, 0);
    check_thread(tx, 3, 31, -5, (int64_t[]){32, 20, 30}, 3);
    relations_remove(tx, ROOT, RELATION_THREAD, 20, -1);
    check_thread(tx, 2, 31, -5, (int64_t[]){32, 20}, 2);
    relations_remove(tx, ROOT, RELATION_THREAD, 31, -5);
    relations_remove(tx, ROOT, RELATION_THREAD, 20, 0);
    assert_false(relations_thread(tx, ROOT, &thread));
    assert_false(relations_thread_has(tx, ROOT, BOB));
    add(tx, child(RELATION_THREAD, 40, 40, 0));
    check_thread(tx, 1, 40, 0, (int64_t[]){40}, 1);
    return true;
}

static void add_edit(struct store_tx *tx, int64_t nid, int64_t ts, const char *event_id, bool is_edit)
{
    struct relation_row row = child(RELATION_REPLACE, nid, nid, 0);
    row.is_edit = is_edit;
    row.edit_ts = ts;
    row.event_id = str_of(event_id);
    relations_add(tx, &row);
}

static bool run_edits(struct store_tx *tx, void *arg)
{
    (void)arg;
    int64_t nids[8];
    put_event(tx, ROOT);
    assert_int_equal(relations_edits(tx, ROOT, 8, nids), 0);
    add_edit(tx, 20, 1000, "$b", true);
    add_edit(tx, 21, 1000, "$a", true);
    add_edit(tx, 22, -5, "$z", true);
    add_edit(tx, 23, 9000, "$y", false);
    add_edit(tx, 24, 1000, "$C", true);
    assert_int_equal(related(tx), RELATED(RELATION_REPLACE));
    static const int64_t want[] = {20, 21, 24, 22}; /* by time, then bytes of the id */
    assert_int_equal(relations_edits(tx, ROOT, 8, nids), 4);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(nids[i], want[i]);
    assert_int_equal(relations_edits(tx, ROOT, 1, nids), 1);
    assert_int_equal(nids[0], 20);
    relations_remove(tx, ROOT, RELATION_REPLACE, 20, 0);
    assert_int_equal(relations_edits(tx, ROOT, 1, nids), 1);
    assert_int_equal(nids[0], 21);
    return true;
}

static void annotate(struct store_tx *tx, int64_t nid, const char *type, struct str key)
{
    struct relation_row row = child(RELATION_ANNOTATION, nid, nid, 0);
    row.type = str_of(type);
    row.key = key;
    relations_add(tx, &row);
}

static bool run_others(struct store_tx *tx, void *arg)
{
    (void)arg;
    struct event_row *rows;
    put_event(tx, ROOT);
    for (int64_t nid = 20; nid < 24; nid++) {
        put_event(tx, nid);
        add(tx, child(RELATION_REFERENCE, nid, nid == 23 ? 21 : nid, nid == 23 ? -1 : 0));
    }
    static const int64_t want[] = {20, 23, 21};
    assert_int_equal(relations_references(tx, ROOT, 3, store_tx_arena(tx), &rows), 3);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(rows[i].event_nid, want[i]);
    check_str(rows[0].event_id, STR("$20"), "id");

    annotate(tx, 30, "m.reaction", STR("+"));
    annotate(tx, 31, "m.reaction", (struct str){0});
    assert_true(relations_is_annotated(tx, ROOT, BOB, STR("m.reaction"), STR("+")));
    assert_false(relations_is_annotated(tx, ROOT, BOB, STR("m.reaction"), STR("-")));
    assert_false(relations_is_annotated(tx, ROOT, BOB, STR("m.room.message"), STR("+")));
    assert_false(relations_is_annotated(tx, ROOT, ALICE, STR("m.reaction"), STR("+")));
    relations_remove(tx, ROOT, RELATION_ANNOTATION, 30, 0);
    assert_false(relations_is_annotated(tx, ROOT, BOB, STR("m.reaction"), STR("+")));

    add(tx, child(RELATION_OTHER, 40, 40, 0));
    assert_int_equal(related(tx), RELATED(RELATION_REFERENCE) | RELATED(RELATION_ANNOTATION) | RELATED(RELATION_OTHER));
    static const struct sql rel_types = SQL("SELECT count(*) FROM relations WHERE rel_type = 'org.example'");
    assert_int_equal(sql_int_of0(tx, &rel_types, -1), 1);
    return true;
}

/* --- many relations to one event --- */

enum { FEW = 10, MANY = 20000, CALLS = 2000 };

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double read_all_ms(struct store_tx *tx)
{
    struct thread_row thread;
    struct event_row *rows;
    int64_t nids[8];
    double before = cpu_ms();
    for (int i = 0; i < CALLS; i++) {
        struct arena_mark mark = arena_mark(store_tx_arena(tx));
        assert_false(relations_is_annotated(tx, ROOT, BOB, STR("m.reaction"), STR("none")));
        assert_false(relations_thread_has(tx, ROOT, ALICE));
        assert_true(relations_thread(tx, ROOT, &thread));
        assert_int_equal(relations_thread_events(tx, ROOT, 8, nids), 1);
        assert_int_equal(relations_edits(tx, ROOT, 8, nids), 1);
        assert_int_equal(relations_references(tx, ROOT, 8, store_tx_arena(tx), &rows), 1);
        arena_release(store_tx_arena(tx), mark);
    }
    return cpu_ms() - before;
}

/* One of each kind, with annotations between and around them. */
static bool run_many(struct store_tx *tx, void *arg)
{
    double *ms = arg;
    put_event(tx, ROOT);
    int64_t nid = 20;
    for (; nid < 20 + FEW; nid++)
        annotate(tx, nid, "m.reaction", str_fmt(store_tx_arena(tx), "%d", (int)nid));
    put_event(tx, nid);
    add(tx, child(RELATION_REFERENCE, nid, nid, 0));
    add_edit(tx, nid + 1, 1, "$e", true);
    add(tx, child(RELATION_THREAD, nid + 2, nid + 2, 0));
    ms[0] = read_all_ms(tx);
    for (nid += 3; nid < MANY; nid++)
        annotate(tx, nid, "m.reaction", str_fmt(store_tx_arena(tx), "%d", (int)nid));
    ms[1] = read_all_ms(tx);
    return true;
}

static void reading_costs_the_same_however_many_there_are(void **state)
{
    (void)state;
    double ms[2];
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, run_many, ms), STORE_OK);
    store_close(&store);
    if (ms[1] > 20 * ms[0]) /* a scan of them all takes hundreds of times as long */
        fail_msg("%.1f ms for %d calls with %d relations, %.1f ms with %d", ms[0], CALLS, FEW, ms[1], MANY);
}

/* --- a database from before there were relations: of SQLite, whatever the tests run on --- */

static void put_pdu(struct store_tx *tx, int64_t nid, int64_t sender, const char *type, const char *content)
{
    struct arena *a = store_tx_arena(tx);
    struct event_row row = {.event_nid = nid,
                            .room_nid = ROOM,
                            .pos = nid,
                            .sender_nid = sender,
                            .event_id = str_fmt(a, "$%d", (int)nid),
                            .pdu = str_fmt(a, "{\"content\":{%s},\"origin_server_ts\":%d,\"type\":\"%s\"}", content,
                                           1000 + (int)nid, type)};
    events_insert(tx, &row);
}

#define RELATES(rel_type) "\"m.relates_to\":{\"event_id\":\"$10\",\"rel_type\":\"" rel_type "\"}"
#define NEW_CONTENT       "\"m.new_content\":{},"

static bool run_before(struct store_tx *tx, void *arg)
{
    (void)arg;
    put_pdu(tx, ROOT, ALICE, "m.room.message", "\"body\":\"x\"");
    put_pdu(tx, 20, ALICE, "m.room.message", NEW_CONTENT RELATES("m.replace"));
    put_pdu(tx, 21, BOB, "m.room.message", NEW_CONTENT RELATES("m.replace"));
    put_pdu(tx, 22, ALICE, "m.room.message", RELATES("m.replace"));
    put_pdu(tx, 23, ALICE, "m.sticker", NEW_CONTENT RELATES("m.replace"));
    put_pdu(tx, 24, BOB, "m.room.message", RELATES("m.thread"));
    put_pdu(tx, 25, BOB, "m.room.message", RELATES("m.thread"));
    put_pdu(tx, 26, BOB, "m.room.message", RELATES("m.thread"));
    put_pdu(tx, 27, BOB, "m.room.message", RELATES("m.reference"));
    put_pdu(tx, 28, BOB, "m.reaction", RELATES("org.example"));
    put_pdu(tx, 29, BOB, "m.room.message", "\"m.relates_to\":7");
    put_pdu(tx, 30, BOB, "m.room.message", "\"m.relates_to\":{\"event_id\":\"$none\",\"rel_type\":\"m.thread\"}");
    events_redact(tx, 26, 31, STR("{\"content\":{}}"));
    return true;
}

static void check_filled_in(struct store *store)
{
    struct event_row *rows;
    int64_t nids[4];
    struct store_tx *tx = store_read_begin(store);
    check_thread(tx, 2, 25, 0, (int64_t[]){25, 24}, 2);
    assert_int_equal(relations_edits(tx, ROOT, 4, nids), 1);
    assert_int_equal(nids[0], 20);
    assert_int_equal(relations_references(tx, ROOT, 4, store_tx_arena(tx), &rows), 1);
    assert_int_equal(rows[0].event_nid, 27);
    assert_int_equal(related(tx), RELATED(RELATION_REPLACE) | RELATED(RELATION_THREAD) | RELATED(RELATION_REFERENCE) |
                                      RELATED(RELATION_OTHER));
    static const struct sql rows_in_all = SQL("SELECT count(*) FROM relations");
    assert_int_equal(sql_int_of0(tx, &rows_in_all, -1), 8);
    assert_true(store_read_end(&tx));
}

static void databases_from_before_are_filled_in(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct store *store = scratch_open_path(path);
    assert_int_equal(store_write(store, run_before, NULL), STORE_OK);
    store_close(&store);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE relations; DROP TABLE threads; ALTER TABLE events DROP COLUMN related;"
                                  "DELETE FROM migrations WHERE number = 10",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    store = scratch_open_path(path);
    check_filled_in(store);
    store_close(&store);
    free(path);
    scratch_remove(folder);
}

static void run(bool (*job)(struct store_tx *, void *))
{
    struct store *store = scratch_open();
    assert_int_equal(store_write(store, job, NULL), STORE_OK);
    store_close(&store);
}

static void threads_are_counted(void **state)
{
    (void)state;
    run(run_threads);
}

static void edits_are_ordered_by_time_and_id(void **state)
{
    (void)state;
    run(run_edits);
}

static void references_annotations_and_others(void **state)
{
    (void)state;
    run(run_others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_counted),
        cmocka_unit_test(edits_are_ordered_by_time_and_id),
        cmocka_unit_test(references_annotations_and_others),
        cmocka_unit_test(reading_costs_the_same_however_many_there_are),
        cmocka_unit_test(databases_from_before_are_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
