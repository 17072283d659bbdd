#include "base/arena.h"
#include "base/map.h"

#include "check.h"

static int values[1000];

static void test_u64_basics(void **state)
{
    (void)state;
    struct map_u64 m;
    map_u64_init(&m);
    size_t at = 0;
    assert_null(map_u64_get(&m, 0));
    assert_null(map_u64_remove(&m, 0));
    assert_null(map_u64_next(&m, &at));

    assert_null(map_u64_put(&m, 0, &values[0]));
    assert_null(map_u64_put(&m, UINT64_MAX, &values[1]));
    assert_ptr_equal(map_u64_get(&m, 0), &values[0]);
    assert_ptr_equal(map_u64_get(&m, UINT64_MAX), &values[1]);
    assert_null(map_u64_get(&m, 1));
    assert_ptr_equal(map_u64_put(&m, 0, &values[2]), &values[0]);
    assert_int_equal(m.count, 2);
    assert_ptr_equal(map_u64_remove(&m, 0), &values[2]);
    assert_null(map_u64_remove(&m, 0));
    assert_null(map_u64_get(&m, 0));
    assert_int_equal(m.count, 1);
    map_u64_fini(&m);
    assert_null(map_u64_get(&m, UINT64_MAX));
}

/* Repeatable noise. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Against an array indexed by the key, through puts and removes at random: full chains, holes and wrap-around. */
static void test_u64_against_a_model(void **state)
{
    (void)state;
    struct map_u64 m;
    void *model[300] = {NULL};
    size_t count = 0;
    uint32_t seed = 1;
    map_u64_init(&m);
    for (int step = 0; step < 100000; step++) {
        size_t key = next_random(&seed) % COUNT_OF(model);
        /* Waves of filling and emptying. */
        bool put = next_random(&seed) % 100 < (step / 5000 % 2 ? 20 : 80);
        void *value = put ? &values[next_random(&seed) % COUNT_OF(values)] : NULL;
        void *before = put ? map_u64_put(&m, key, value) : map_u64_remove(&m, key);
        assert_ptr_equal(before, model[key]);
        count += (size_t)(value != NULL) - (size_t)(before != NULL);
        model[key] = value;
        assert_int_equal(m.count, count);
        if (step % 1000)
            continue;
        for (size_t k = 0; k < COUNT_OF(model); k++)
            assert_ptr_equal(map_u64_get(&m, k), model[k]);
    }
    map_u64_fini(&m);
}

static void test_u64_next(void **state)
{
    (void)state;
    struct map_u64 m;
    bool seen[500] = {false};
    map_u64_init(&m);
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        map_u64_put(&m, i * UINT64_C(0x100000000), &values[i]);
    size_t at = 0;
    size_t n = 0;
    int *value;
    while ((value = map_u64_next(&m, &at))) {
        assert_false(seen[value - values]);
        seen[value - values] = true;
        n++;
    }
    assert_int_equal(n, COUNT_OF(seen));
    map_u64_fini(&m);
}

static void test_str_basics(void **state)
{
    (void)state;
    struct map_str m;
    map_str_init(&m);
    assert_null(map_str_get(&m, STR("a")));
    assert_null(map_str_remove(&m, STR("a")));
    assert_null(map_str_put(&m, STR("a"), &values[0]));
    assert_null(map_str_put(&m, STR(""), &values[1]));
    assert_null(map_str_put(&m, STR("a\0b"), &values[2]));
    assert_ptr_equal(map_str_get(&m, STR("a")), &values[0]);
    assert_ptr_equal(map_str_get(&m, (struct str){NULL, 0}), &values[1]);
    assert_ptr_equal(map_str_get(&m, STR("a\0b")), &values[2]);
    assert_null(map_str_get(&m, STR("A")));
    assert_ptr_equal(map_str_remove(&m, STR("")), &values[1]);
    assert_null(map_str_get(&m, STR("")));
    assert_int_equal(m.count, 2);
    map_str_fini(&m);
}

/* The bytes of a key live as long as its value; a replaced entry must not hold on to the old ones. */
static void test_str_put_takes_the_new_key(void **state)
{
    (void)state;
    char old_key[] = "key";
    char new_key[] = "key";
    struct map_str m;
    map_str_init(&m);
    map_str_put(&m, str_of(old_key), &values[0]);
    assert_ptr_equal(map_str_put(&m, str_of(new_key), &values[1]), &values[0]);
    old_key[0] = 'X';
    assert_ptr_equal(map_str_get(&m, STR("key")), &values[1]);
    assert_int_equal(m.count, 1);
    map_str_fini(&m);
}

static void test_str_against_a_model(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct map_str m;
    struct str keys[300];
    void *model[COUNT_OF(keys)] = {NULL};
    uint32_t seed = 7;
    map_str_init(&m);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        keys[i] = str_fmt(a, "!room%zu:example.org", i);
    for (int step = 0; step < 50000; step++) {
        size_t key = next_random(&seed) % COUNT_OF(keys);
        bool put = next_random(&seed) % 100 < (step / 5000 % 2 ? 20 : 80);
        void *value = put ? &values[key] : NULL;
        void *before = put ? map_str_put(&m, keys[key], value) : map_str_remove(&m, keys[key]);
        assert_ptr_equal(before, model[key]);
        model[key] = value;
    }
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_ptr_equal(map_str_get(&m, keys[i]), model[i]);
        count += model[i] != NULL;
    }
    size_t at = 0;
    size_t seen = 0;
    while (map_str_next(&m, &at))
        seen++;
    assert_int_equal(seen, count);
    assert_int_equal(m.count, count);
    map_str_fini(&m);
    arena_free(&a);
}

static void put_null(void *arg)
{
    struct map_u64 m;
    (void)arg;
    map_u64_init(&m);
    map_u64_put(&m, 1, NULL);
}

static void test_null_is_no_value(void **state)
{
    (void)state;
    assert_true(check_aborts(put_null, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64_basics),
        cmocka_unit_test(test_u64_against_a_model),
        cmocka_unit_test(test_u64_next),
        cmocka_unit_test(test_str_basics),
        cmocka_unit_test(test_str_put_takes_the_new_key),
        cmocka_unit_test(test_str_against_a_model),
        cmocka_unit_test(test_null_is_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
