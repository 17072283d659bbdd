#include "store/memberships.h"

#include "scratch.h"

static void names(void **state)
{
    static const char *const words[] = {"", "join", "invite", "knock", "leave", "ban"};
    (void)state;
    for (unsigned m = MEMBERSHIP_NONE; m <= MEMBERSHIP_BAN; m++) {
        check_str(membership_name((enum membership)m), str_of(words[m]), "name");
        assert_int_equal(membership_parse(str_of(words[m])), m);
    }
    assert_int_equal(membership_parse(STR("JOIN")), MEMBERSHIP_NONE);
    assert_int_equal(membership_parse(STR("joi")), MEMBERSHIP_NONE);
    assert_int_equal(membership_parse((struct str){0}), MEMBERSHIP_NONE);
}

/* --- writing in one line --- */

static bool run_set(struct store_tx *tx, void *arg)
{
    memberships_set(tx, arg);
    return true;
}

static void set(struct store *store, int64_t user, int64_t room, enum membership m, int64_t pos, int64_t notify,
                int64_t highlight)
{
    struct membership_row row = {.user_nid = user,
                                 .room_nid = room,
                                 .membership = m,
                                 .event_nid = pos,
                                 .pos = pos,
                                 .read_notify = notify,
                                 .read_highlight = highlight};
    assert_int_equal(store_write(store, run_set, &row), STORE_OK);
}

struct reading {
    int64_t user, room, pos, notify, highlight;
};

static bool run_read(struct store_tx *tx, void *arg)
{
    const struct reading *r = arg;
    memberships_read(tx, r->user, r->room, r->pos, r->notify, r->highlight);
    return true;
}

static void mark_read(struct store *store, int64_t user, int64_t room, int64_t pos, int64_t notify, int64_t highlight)
{
    struct reading r = {user, room, pos, notify, highlight};
    assert_int_equal(store_write(store, run_read, &r), STORE_OK);
}

static bool run_forget(struct store_tx *tx, void *arg)
{
    const struct reading *r = arg;
    memberships_forget(tx, r->user, r->room);
    return true;
}

static struct membership_row get(struct store *store, int64_t user, int64_t room)
{
    struct membership_row row;
    struct store_tx *tx = store_read_begin(store);
    bool found = memberships_get(tx, user, room, &row);
    assert_true(store_read_end(&tx));
    assert_int_equal(found, row.membership != MEMBERSHIP_NONE);
    assert_int_equal(row.user_nid, user);
    assert_int_equal(row.room_nid, room);
    return row;
}

static void check_read(struct store *store, int64_t pos, int64_t notify, int64_t highlight)
{
    struct membership_row row = get(store, 1, 1);
    assert_int_equal(row.read_pos, pos);
    assert_int_equal(row.read_notify, notify);
    assert_int_equal(row.read_highlight, highlight);
}

/* --- tests --- */

/* Who joins has read up to there; what happens to a member who stays does not touch how far they have read. */
static void reading_starts_with_a_join(void **state)
{
    struct store *store = scratch_open();
    (void)state;
    assert_int_equal(get(store, 1, 1).membership, MEMBERSHIP_NONE);
    set(store, 1, 1, MEMBERSHIP_INVITE, 10, 5, 1);
    assert_int_equal(get(store, 1, 1).membership, MEMBERSHIP_INVITE);
    set(store, 1, 1, MEMBERSHIP_JOIN, 20, 7, 2);
    check_read(store, 20, 7, 2);
    assert_int_equal(get(store, 1, 1).pos, 20);
    set(store, 1, 1, MEMBERSHIP_JOIN, 30, 9, 3); /* another display name */
    check_read(store, 20, 7, 2);
    assert_int_equal(get(store, 1, 1).pos, 30);
    assert_int_equal(get(store, 1, 1).event_nid, 30);
    mark_read(store, 1, 1, 25, 8, 2);
    check_read(store, 25, 8, 2);
    mark_read(store, 1, 1, 25, 100, 100); /* there already */
    mark_read(store, 1, 1, 24, 100, 100);
    check_read(store, 25, 8, 2);
    set(store, 1, 1, MEMBERSHIP_LEAVE, 40, 12, 4);
    set(store, 1, 1, MEMBERSHIP_JOIN, 50, 15, 5);
    check_read(store, 50, 15, 5);
    mark_read(store, 2, 1, 60, 1, 1); /* nobody */
    assert_int_equal(get(store, 2, 1).membership, MEMBERSHIP_NONE);
    store_close(&store);
}

static void forgetting(void **state)
{
    struct store *store = scratch_open();
    struct reading r = {.user = 1, .room = 1};
    (void)state;
    set(store, 1, 1, MEMBERSHIP_JOIN, 10, 0, 0);
    set(store, 1, 2, MEMBERSHIP_LEAVE, 11, 0, 0);
    set(store, 1, 1, MEMBERSHIP_LEAVE, 12, 0, 0);
    assert_int_equal(store_write(store, run_forget, &r), STORE_OK);
    assert_true(get(store, 1, 1).forgotten);
    assert_false(get(store, 1, 2).forgotten);
    assert_int_equal(get(store, 1, 1).membership, MEMBERSHIP_LEAVE);
    set(store, 1, 1, MEMBERSHIP_INVITE, 13, 0, 0);
    assert_false(get(store, 1, 1).forgotten);
    store_close(&store);
}

static void lists(void **state)
{
    struct store *store = scratch_open();
    struct arena *a = arena_new();
    struct membership_row *rows;
    (void)state;
    for (int64_t user = 1; user <= 40; user++)
        set(store, user, 1, user % 4 ? MEMBERSHIP_JOIN : MEMBERSHIP_LEAVE, 100 + user, 0, 0);
    for (int64_t room = 2; room <= 30; room++)
        set(store, 7, room, MEMBERSHIP_INVITE, 200 + room, 0, 0);
    struct store_tx *tx = store_read_begin(store);
    assert_int_equal(memberships_count(tx, 1, MEMBERSHIP_JOIN), 30);
    assert_int_equal(memberships_count(tx, 1, MEMBERSHIP_LEAVE), 10);
    assert_int_equal(memberships_count(tx, 1, MEMBERSHIP_BAN), 0);
    assert_int_equal(memberships_count(tx, 99, MEMBERSHIP_JOIN), 0);
    assert_int_equal(memberships_of_room(tx, 1, MEMBERSHIP_JOIN, 1000, a, &rows), 30);
    uint64_t seen = 0;
    for (size_t i = 0; i < 30; i++) {
        assert_true(rows[i].room_nid == 1 && rows[i].membership == MEMBERSHIP_JOIN && rows[i].user_nid % 4);
        assert_int_equal(rows[i].pos, 100 + rows[i].user_nid);
        seen |= UINT64_C(1) << rows[i].user_nid;
    }
    assert_int_equal(__builtin_popcountll(seen), 30);
    assert_int_equal(memberships_of_room(tx, 1, MEMBERSHIP_JOIN, 5, a, &rows), 5);
    assert_int_equal(memberships_of_room(tx, 99, MEMBERSHIP_JOIN, 5, a, &rows), 0);
    assert_int_equal(memberships_of_user(tx, 7, a, &rows), 30);
    for (size_t i = 0; i < 30; i++)
        assert_true(rows[i].user_nid == 7 &&
                    rows[i].membership == (rows[i].room_nid == 1 ? MEMBERSHIP_JOIN : MEMBERSHIP_INVITE));
    assert_int_equal(memberships_of_user(tx, 99, a, &rows), 0);
    assert_true(store_read_end(&tx));
    store_close(&store);
    arena_free(&a);
}

/* Where the last time as a member ended, through everything that can follow. */
static void joined_until(void **state)
{
    static const struct {
        enum membership now;
        int64_t want;
    } steps[] = {
        {MEMBERSHIP_INVITE, 0},       {MEMBERSHIP_LEAVE, 0}, {MEMBERSHIP_KNOCK, 0},  {MEMBERSHIP_JOIN, INT64_MAX},
        {MEMBERSHIP_JOIN, INT64_MAX}, {MEMBERSHIP_LEAVE, 6}, {MEMBERSHIP_INVITE, 6}, {MEMBERSHIP_LEAVE, 6},
        {MEMBERSHIP_BAN, 6},          {MEMBERSHIP_LEAVE, 6}, {MEMBERSHIP_KNOCK, 6},  {MEMBERSHIP_INVITE, 6},
        {MEMBERSHIP_JOIN, INT64_MAX}, {MEMBERSHIP_BAN, 14},  {MEMBERSHIP_LEAVE, 14},
    };
    struct store *store = scratch_open();
    (void)state;
    assert_int_equal(get(store, 1, 1).joined_until, 0);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        set(store, 1, 1, steps[i].now, (int64_t)i + 1, 0, 0);
        assert_int_equal(get(store, 1, 1).joined_until, steps[i].want);
    }
    store_close(&store);
}

/* --- push outcomes --- */

struct push {
    int64_t user, room, pos, notify, highlight;
};

static bool run_push(struct store_tx *tx, void *arg)
{
    const struct push *p = arg;
    event_pushes_add(tx, p->user, p->room, p->pos, p->notify, p->highlight);
    return true;
}

static void pushes(void **state)
{
    struct push all[] = {{1, 1, 10, 0, 1}, {1, 1, 20, 1, 1}, {1, 1, 30, -1, 0},
                         {1, 2, 15, 7, 7}, {2, 1, 15, 9, 9}, {1, 1, 40, 1, 0}};
    static const struct {
        int64_t after, up_to, notify, highlight;
    } cases[] = {{0, 100, 1, 2},  {10, 100, 1, 1}, {0, 10, 0, 1}, {9, 20, 1, 2},
                 {20, 30, -1, 0}, {40, 100, 0, 0}, {30, 39, 0, 0}};
    struct store *store = scratch_open();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(store_write(store, run_push, &all[i]), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t notify = -9, highlight = -9;
        event_pushes_sum(tx, 1, 1, cases[i].after, cases[i].up_to, &notify, &highlight);
        assert_int_equal(notify, cases[i].notify);
        assert_int_equal(highlight, cases[i].highlight);
    }
    assert_true(store_read_end(&tx));
    store_close(&store);
}

/* An event that names a user twice has one outcome for them, and does not fail the job it is in. */
static void push_of_a_user_named_twice(void **state)
{
    struct push p = {1, 1, 10, 0, 1};
    int64_t notify, highlight;
    struct store *store = scratch_open();
    (void)state;
    assert_int_equal(store_write(store, run_push, &p), STORE_OK);
    assert_int_equal(store_write(store, run_push, &p), STORE_OK);
    struct store_tx *tx = store_read_begin(store);
    event_pushes_sum(tx, 1, 1, 0, 100, &notify, &highlight);
    assert_int_equal(notify, 0);
    assert_int_equal(highlight, 1);
    assert_true(store_read_end(&tx));
    store_close(&store);
}

static struct memberships_counts counts(struct store *store, int64_t room, int64_t root)
{
    struct store_tx *tx = store_read_begin(store);
    struct memberships_counts got = memberships_counts(tx, room, root);
    assert_true(store_read_end(&tx));
    return got;
}

/* Counted once for each state of a room. */
static void counting(void **state)
{
    struct store *store = scratch_open();
    (void)state;
    set(store, 1, 1, MEMBERSHIP_JOIN, 10, 0, 0);
    set(store, 2, 1, MEMBERSHIP_INVITE, 11, 0, 0);
    set(store, 3, 1, MEMBERSHIP_BAN, 12, 0, 0);
    assert_int_equal(counts(store, 1, 100).joined, 1);
    assert_int_equal(counts(store, 1, 100).invited, 1);
    set(store, 2, 1, MEMBERSHIP_JOIN, 13, 0, 0);
    assert_int_equal(counts(store, 1, 101).joined, 2);
    assert_int_equal(counts(store, 1, 101).invited, 0);
    assert_int_equal(counts(store, 1, 100).joined, 1); /* what it was then is remembered */
    assert_int_equal(counts(store, 2, 0).joined, 0);   /* a room without state has no number to be remembered by */
    set(store, 1, 2, MEMBERSHIP_JOIN, 14, 0, 0);
    assert_int_equal(counts(store, 2, 0).joined, 1);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(reading_starts_with_a_join),
        cmocka_unit_test(forgetting),
        cmocka_unit_test(lists),
        cmocka_unit_test(joined_until),
        cmocka_unit_test(pushes),
        cmocka_unit_test(push_of_a_user_named_twice),
        cmocka_unit_test(counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
