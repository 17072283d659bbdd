#include "http/park_table.h"

#include <stdatomic.h>
#include <string.h>

#include "../check.h"

static struct http_park park_of(uint64_t key, int64_t deadline_ms, uint64_t seen)
{
    return (struct http_park){.keys = {key}, .key_count = 1, .deadline_ms = deadline_ms, .seen = seen};
}

static bool is_done(enum park_result r)
{
    return r == PARK_DONE || r == PARK_DONE_EARLIEST;
}

static unsigned length(const struct park_entry *list)
{
    unsigned n = 0;
    for (; list; list = list->next)
        n++;
    return n;
}

static void wakes_by_key(void **state)
{
    struct park_table t;
    struct park_entry e[3];
    (void)state;
    park_table_init(&t);
    uint64_t seen = park_table_seq(&t);
    const struct http_park a = park_of(1, 100, seen), b = park_of(2, 50, seen), c = park_of(1, 200, seen);
    assert_int_equal(park_table_add(&t, &e[0], 10, &a), PARK_DONE_EARLIEST);
    assert_int_equal(park_table_add(&t, &e[1], 11, &b), PARK_DONE_EARLIEST);
    assert_int_equal(park_table_add(&t, &e[2], 12, &c), PARK_DONE);
    assert_int_equal(park_table_next_deadline(&t), 50);
    assert_null(park_table_wake(&t, 3));
    assert_int_equal(length(park_table_wake(&t, 1)), 2);
    assert_null(park_table_wake(&t, 1));
    assert_int_equal(park_table_count(&t), 1);
    assert_ptr_equal(park_table_take(&t, 11), &e[1]);
    assert_null(park_table_take(&t, 11));
    assert_int_equal(park_table_next_deadline(&t), INT64_MAX);
    park_table_fini(&t);
}

static void a_wake_before_parking_is_seen(void **state)
{
    struct park_table t;
    struct park_entry e;
    (void)state;
    park_table_init(&t);
    const struct http_park early = park_of(7, 100, park_table_seq(&t));
    assert_null(park_table_wake(&t, 7));
    const struct http_park late = park_of(7, 100, park_table_seq(&t));
    assert_int_equal(park_table_add(&t, &e, 1, &early), PARK_MOVED);
    assert_int_equal(park_table_count(&t), 0);
    assert_true(is_done(park_table_add(&t, &e, 1, &late)));
    assert_ptr_equal(park_table_wake(&t, 7), &e);
    park_table_fini(&t);
}

static void several_keys_wake_once(void **state)
{
    struct park_table t;
    struct park_entry e;
    (void)state;
    park_table_init(&t);
    for (uint64_t i = 0; i < 3; i++) {
        /* The same key twice, and others beside it. */
        struct http_park p = {.keys = {5, 6, 5, 5}, .key_count = 4, .deadline_ms = 1, .seen = park_table_seq(&t)};
        assert_true(is_done(park_table_add(&t, &e, 1, &p)));
        assert_int_equal(length(park_table_wake(&t, 5 + i % 2)), 1);
        assert_null(park_table_wake(&t, 5));
        assert_null(park_table_wake(&t, 6));
    }
    struct http_park none = {.key_count = 0, .deadline_ms = 9, .seen = 0};
    assert_true(is_done(park_table_add(&t, &e, 1, &none)));
    assert_int_equal(length(park_table_expired(&t, 9)), 1);
    park_table_fini(&t);
}

/* Each by a deadline of its own, in any order, some taken out in between. */
static void expires_in_time(void **state)
{
    enum { COUNT = 500 };
    struct park_table t;
    struct park_entry *e = calloc(COUNT, sizeof *e);
    (void)state;
    assert_non_null(e);
    park_table_init(&t);
    for (uint64_t i = 0; i < COUNT; i++) {
        const struct http_park p = park_of(i, (int64_t)(i * 7919 % COUNT), park_table_seq(&t));
        assert_true(is_done(park_table_add(&t, &e[i], i + 1, &p)));
    }
    unsigned taken = 0;
    for (uint64_t i = 0; i < COUNT; i += 3)
        taken += length(park_table_wake(&t, i));
    for (int64_t now = 0; now < COUNT; now++) {
        for (struct park_entry *x = park_table_expired(&t, now); x; x = x->next) {
            assert_int_equal(x->deadline_ms, now);
            taken++;
        }
        assert_true(park_table_next_deadline(&t) > now);
    }
    assert_int_equal(taken, COUNT);
    park_table_fini(&t);
    free(e);
}

static void closing_hands_out_all(void **state)
{
    struct park_table t;
    struct park_entry e[2];
    (void)state;
    park_table_init(&t);
    const struct http_park p = park_of(1, INT64_MAX, park_table_seq(&t));
    assert_true(is_done(park_table_add(&t, &e[0], 1, &p)));
    assert_true(is_done(park_table_add(&t, &e[1], 2, &p)));
    assert_int_equal(length(park_table_close(&t)), 2);
    assert_int_equal(park_table_add(&t, &e[0], 1, &p), PARK_CLOSED);
    park_table_fini(&t);
}

/* --- groups: all keys below `below`, of which it is said that there are `count` --- */

struct below {
    uint64_t below;
};

static bool below_has(const void *set, uint64_t key)
{
    return key < ((const struct below *)set)->below;
}

static bool below_next(const void *set, struct wake_cursor *cursor, uint64_t *key_out)
{
    *key_out = cursor->at;
    return cursor->at++ < ((const struct below *)set)->below;
}

static struct wake_group group_of(const struct below *set, size_t count)
{
    return (struct wake_group){.set = set, .count = count, .has = below_has, .next = below_next};
}

/* Short groups go along their keys, long ones along what is parked: both take out the same, and remember it. */
static const size_t group_counts[] = {1, 1000000};

static void groups_wake_their_keys(void **state)
{
    enum { COUNT = 400 };
    struct park_entry *e = calloc(COUNT, sizeof *e);
    (void)state;
    assert_non_null(e);
    for (size_t g = 0; g < COUNT_OF(group_counts); g++)
        for (uint64_t below = 0; below <= COUNT + 5; below += 1 + below / 3) {
            struct park_table t;
            const struct below set = {below};
            const struct wake_group group = group_of(&set, group_counts[g]);
            bool woken[COUNT] = {0};
            park_table_init(&t);
            for (uint64_t i = 0; i < COUNT; i++) {
                /* two or three keys, the first the lowest or not, one twice */
                const struct http_park p = {.keys = {i, i * 7919 % COUNT, i % 3 ? i : 5},
                                            .key_count = 2 + i % 2,
                                            .deadline_ms = (int64_t)i,
                                            .seen = park_table_seq(&t)};
                assert_true(is_done(park_table_add(&t, &e[i], i + 1, &p)));
            }
            for (struct park_entry *x = park_table_wake_group(&t, &group); x; x = x->next) {
                assert_false(woken[x - e]);
                woken[x - e] = true;
            }
            for (uint64_t i = 0; i < COUNT; i++) {
                bool want = i < below || i * 7919 % COUNT < below || (i % 2 && i % 3 == 0 && 5 < below);
                assert_int_equal(woken[i], want);
                assert_ptr_equal(park_table_take(&t, i + 1), want ? NULL : &e[i]);
            }
            assert_int_equal(park_table_count(&t), 0);
            park_table_fini(&t);
        }
    free(e);
}

static void a_group_before_parking_is_seen(void **state)
{
    (void)state;
    for (size_t g = 0; g < COUNT_OF(group_counts); g++) {
        struct park_table t;
        struct park_entry e;
        const struct below set = {10};
        const struct wake_group group = group_of(&set, group_counts[g]);
        park_table_init(&t);
        const struct http_park early = park_of(7, 100, park_table_seq(&t));
        const struct http_park stranger = park_of(5000, 100, park_table_seq(&t));
        assert_null(park_table_wake_group(&t, &group));
        const struct http_park late = park_of(7, 100, park_table_seq(&t));
        assert_int_equal(park_table_add(&t, &e, 1, &early), PARK_MOVED);
        /* who is not of a short group is not disturbed */
        assert_int_equal(park_table_add(&t, &e, 1, &stranger), g ? PARK_MOVED : PARK_DONE_EARLIEST);
        assert_ptr_equal(park_table_take(&t, 1), g ? NULL : &e);
        assert_true(is_done(park_table_add(&t, &e, 1, &late)));
        assert_ptr_equal(park_table_wake_group(&t, &group), &e);
        park_table_fini(&t);
    }
}

/*
 * Writers bump a counter and wake its key, or one of them all keys as a group; each reader waits until it has seen the
 * counter reach the end, parking whenever it is behind. A wake that got lost between looking and parking would leave a
 * reader parked for ever.
 */
enum { STRESS_LOOPS = 2000, STRESS_WRITERS = 3, STRESS_KEYS = 4 };

struct stress {
    struct park_table table;
    atomic_long value[STRESS_KEYS];
    atomic_int handed_out[STRESS_KEYS]; /* how often reader k was taken out and has not been run again */
};

struct stress_thread {
    struct stress *s;
    struct park_entry entry;
    uint64_t number;
    long reruns;
    struct thread thread;
};

static void stress_hand_out(struct stress *s, struct park_entry *list)
{
    while (list) {
        struct park_entry *e = list;
        list = list->next;
        atomic_fetch_add(&s->handed_out[e->id - 1], 1);
    }
}

static void stress_write(void *arg)
{
    struct stress_thread *t = arg;
    for (int i = 0; i < STRESS_LOOPS; i++) {
        const struct below set = {STRESS_KEYS};
        const struct wake_group group = group_of(&set, group_counts[i % 2]);
        for (uint64_t key = 0; key < STRESS_KEYS; key++) {
            atomic_fetch_add(&t->s->value[key], 1);
            if (t->number > 0)
                stress_hand_out(t->s, park_table_wake(&t->s->table, key));
        }
        if (t->number == 0)
            stress_hand_out(t->s, park_table_wake_group(&t->s->table, &group));
    }
}

static void stress_read(void *arg)
{
    struct stress_thread *t = arg;
    struct stress *s = t->s;
    for (long known = 0; known < STRESS_LOOPS * STRESS_WRITERS; t->reruns++) {
        uint64_t seen = park_table_seq(&s->table);
        long now = atomic_load(&s->value[t->number]);
        if (now != known) {
            known = now;
            continue;
        }
        const struct http_park p = park_of(t->number, INT64_MAX, seen);
        if (!is_done(park_table_add(&s->table, &t->entry, t->number + 1, &p)))
            continue;
        for (int64_t spins = 0; atomic_load(&s->handed_out[t->number]) == 0; spins++) {
            if (spins > 20000) /* 20 s: the wake was lost */
                return;
            if (spins > 50)
                usleep(1000);
        }
        atomic_fetch_sub(&s->handed_out[t->number], 1);
    }
    t->reruns = -t->reruns - 1; /* the end was seen */
}

static void no_wake_is_lost(void **state)
{
    struct stress *s = calloc(1, sizeof *s);
    struct stress_thread writers[STRESS_WRITERS], readers[STRESS_KEYS];
    (void)state;
    assert_non_null(s);
    park_table_init(&s->table);
    for (uint64_t i = 0; i < STRESS_KEYS; i++) {
        readers[i] = (struct stress_thread){.s = s, .number = i};
        assert_true(thread_start(&readers[i].thread, "reader", 0, stress_read, &readers[i]));
    }
    for (uint64_t i = 0; i < STRESS_WRITERS; i++) {
        writers[i] = (struct stress_thread){.s = s, .number = i};
        assert_true(thread_start(&writers[i].thread, "writer", 0, stress_write, &writers[i]));
    }
    for (size_t i = 0; i < STRESS_WRITERS; i++)
        thread_join(&writers[i].thread);
    for (size_t i = 0; i < STRESS_KEYS; i++) {
        thread_join(&readers[i].thread);
        assert_true(readers[i].reruns < 0);
    }
    park_table_fini(&s->table);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wakes_by_key),           cmocka_unit_test(a_wake_before_parking_is_seen),
        cmocka_unit_test(several_keys_wake_once), cmocka_unit_test(expires_in_time),
        cmocka_unit_test(closing_hands_out_all),  cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(groups_wake_their_keys), cmocka_unit_test(a_group_before_parking_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
