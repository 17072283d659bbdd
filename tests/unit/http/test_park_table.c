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

/*
 * Writers bump a counter and wake its key; each reader waits until it has seen the counter reach the end, parking
 * whenever it is behind. A wake that got lost between looking and parking would leave a reader parked for ever.
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
        for (uint64_t key = 0; key < STRESS_KEYS; key++) {
            atomic_fetch_add(&t->s->value[key], 1);
            stress_hand_out(t->s, park_table_wake(&t->s->table, key));
        }
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
