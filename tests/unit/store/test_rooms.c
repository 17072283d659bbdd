#include "store/rooms.h"

#include "scratch.h"

/* --- rooms --- */

struct new_room {
    struct str room_id, version;
    int64_t nid;
};

static bool add_room(struct store_tx *tx, void *arg)
{
    struct new_room *r = arg;
    r->nid = rooms_insert(tx, r->room_id, r->version);
    return true;
}

static void rooms(void **state)
{
    static const char odd[] = "!a\0b:hearth.test";
    struct new_room rooms[] = {
        {STR("!one:hearth.test"), STR("10"), 0},
        {STR("!QRDjaRzRoI1SSLtErXzYm93wLJSY4ck8LB4qgqZ6vSk"), STR("12"), 0},
        {{odd, sizeof odd - 1}, STR("11"), 0},
    };
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rooms); i++)
        assert_int_equal(store_write(store, add_room, &rooms[i]), STORE_OK);

    struct store_tx *tx = store_read_begin(store);
    for (size_t i = 0; i < COUNT_OF(rooms); i++) {
        struct str room_id, version;
        assert_true(rooms[i].nid > 0 && (i == 0 || rooms[i].nid != rooms[i - 1].nid));
        assert_int_equal(rooms_nid_of(tx, rooms[i].room_id), rooms[i].nid);
        assert_true(rooms_get(tx, rooms[i].nid, a, &room_id, &version));
        check_str(room_id, rooms[i].room_id, "room_id");
        check_str(version, rooms[i].version, "version");
    }
    struct str none;
    assert_int_equal(rooms_nid_of(tx, STR("!two:hearth.test")), 0);
    assert_int_equal(rooms_nid_of(tx, STR("!a")), 0);
    assert_false(rooms_get(tx, 12345, a, &none, &none));
    assert_true(store_read_end(&tx));

    /* the same id again is a failure of the database, and changes nothing */
    struct new_room again = {rooms[0].room_id, STR("12"), 0};
    assert_int_equal(store_write(store, add_room, &again), STORE_FAILED);
    tx = store_read_begin(store);
    assert_int_equal(rooms_nid_of(tx, rooms[0].room_id), rooms[0].nid);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

/* --- aliases --- */

struct alias {
    struct str alias;
    int64_t room_nid, creator_nid;
    bool added;
};

static bool add_alias(struct store_tx *tx, void *arg)
{
    struct alias *x = arg;
    x->added = room_aliases_insert(tx, x->alias, x->room_nid, x->creator_nid);
    return true;
}

static bool delete_alias(struct store_tx *tx, void *arg)
{
    room_aliases_delete(tx, ((struct alias *)arg)->alias);
    return true;
}

static void check_alias(struct store *store, struct str alias, int64_t room_nid, int64_t creator_nid)
{
    int64_t creator = -1;
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(room_aliases_find(tx, alias, &creator), room_nid);
    assert_int_equal(creator, creator_nid);
    assert_true(store_read_end(&tx));
}

static void aliases(void **state)
{
    struct alias all[] = {
        {STR("#b:hearth.test"), 1, 7, false},
        {STR("#a:hearth.test"), 1, 8, false},
        {STR("#c:hearth.test"), 2, 7, false},
        {STR("#\xc3\xa4:hearth.test"), 1, 9, false},
    };
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(store_write(store, add_alias, &all[i]), STORE_OK);
        assert_true(all[i].added);
    }
    for (size_t i = 0; i < COUNT_OF(all); i++)
        check_alias(store, all[i].alias, all[i].room_nid, all[i].creator_nid);
    check_alias(store, STR("#A:hearth.test"), 0, 0);

    /* who comes second does not get it */
    struct alias taken = {all[0].alias, 2, 9, true};
    assert_int_equal(store_write(store, add_alias, &taken), STORE_OK);
    assert_false(taken.added);
    check_alias(store, all[0].alias, 1, 7);

    struct store_tx *tx = store_read_begin(store);
    struct room_aliases list = room_aliases_of(tx, 1, a);
    assert_int_equal(list.count, 3);
    check_str(list.items[0], all[1].alias, "first");
    check_str(list.items[1], all[0].alias, "second");
    check_str(list.items[2], all[3].alias, "third");
    assert_int_equal(room_aliases_of(tx, 3, a).count, 0);
    assert_true(store_read_end(&tx));

    assert_int_equal(store_write(store, delete_alias, &all[0]), STORE_OK);
    assert_int_equal(store_write(store, delete_alias, &all[0]), STORE_OK);
    check_alias(store, all[0].alias, 0, 0);
    assert_int_equal(store_write(store, add_alias, &taken), STORE_OK);
    assert_true(taken.added);
    check_alias(store, all[0].alias, 2, 9);
    store_close(&store);
    arena_free(&a);
}

/* A list longer than the first memory for it. */
static void many_aliases(void **state)
{
    struct arena *a = arena_new();
    struct store *store = scratch_open();
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct alias x = {str_fmt(a, "#%02d:hearth.test", (i * 7) % 40), 5, 1, false};
        assert_int_equal(store_write(store, add_alias, &x), STORE_OK);
    }
    struct store_tx *tx = store_read_begin(store);
    struct room_aliases list = room_aliases_of(tx, 5, a);
    assert_int_equal(list.count, 40);
    for (size_t i = 0; i < list.count; i++)
        check_str(list.items[i], str_fmt(a, "#%02d:hearth.test", (int)i), "order");
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

struct moves {
    int64_t room_nid, built_on, then_built_on;
};

static bool advance(struct store_tx *tx, void *arg)
{
    struct moves *m = arg;
    if (!rooms_head_advance(tx, m->room_nid, m->built_on))
        return store_stale(tx);
    return m->then_built_on < 0 || rooms_head_advance(tx, m->room_nid, m->then_built_on) || store_stale(tx);
}

static int64_t version_of(struct store *store, int64_t room_nid)
{
    struct store_tx *tx = store_read_begin(store);
    int64_t version = rooms_head_version(tx, room_nid);
    assert_true(store_read_end(&tx));
    return version;
}

static bool make_room(struct store_tx *tx, void *nid_out)
{
    *(int64_t *)nid_out = rooms_insert(tx, STR("!head:hearth.test"), STR("11"));
    return true;
}

/* A job that was built on an older head does nothing, and is told so; memory stays what it is. */
static void heads(void **state)
{
    (void)state;
    struct store *store = scratch_open();
    int64_t nid = 0;
    assert_int_equal(store_write(store, make_room, &nid), STORE_OK);
    const struct {
        int64_t built_on, then_built_on;
        enum store_result want;
        int64_t version;
    } cases[] = {
        {0, -1, STORE_OK, 1}, {0, -1, STORE_STALE, 1}, {2, -1, STORE_STALE, 1},
        {1, 2, STORE_OK, 3},  {3, 3, STORE_STALE, 3},  {3, -1, STORE_OK, 4},
    };
    uint64_t epoch = store_epoch(store);
    assert_int_equal(version_of(store, nid), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct moves m = {nid, cases[i].built_on, cases[i].then_built_on};
        assert_int_equal(store_write(store, advance, &m), cases[i].want);
        assert_int_equal(version_of(store, nid), cases[i].version);
    }
    assert_int_equal(version_of(store, nid + 1), -1);
    assert_true(store_epoch(store) == epoch);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms),
        cmocka_unit_test(aliases),
        cmocka_unit_test(many_aliases),
        cmocka_unit_test(heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
