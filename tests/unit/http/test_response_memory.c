#include "http/response_memory.h"

#include "../check.h"

enum { KIB = 1024 };

static void shares_what_is_left(void **state)
{
    struct response_memory m;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    assert_false(response_memory_take(&m, 1, 801 * KIB));
    assert_true(response_memory_take(&m, 1, 500 * KIB));
    assert_true(response_memory_take(&m, 1, 300 * KIB));
    assert_false(response_memory_take(&m, 1, 16 * KIB));
    assert_false(response_memory_take(&m, 2, 401 * KIB));
    assert_true(response_memory_take(&m, 2, 400 * KIB));
    assert_true(response_memory_take(&m, 3, 200 * KIB));
    assert_int_equal(response_memory_held(&m), 1400 * KIB);
    /* The others have taken more since then: what is held stays, more is not given until the share is met again. */
    response_memory_give_back(&m, 1, 300 * KIB);
    assert_false(response_memory_take(&m, 1, 16 * KIB));
    response_memory_give_back(&m, 1, 300 * KIB);
    assert_false(response_memory_take(&m, 1, 301 * KIB));
    assert_true(response_memory_take(&m, 1, 300 * KIB));
    response_memory_give_back(&m, 1, 500 * KIB);
    response_memory_give_back(&m, 2, 400 * KIB);
    response_memory_give_back(&m, 3, 200 * KIB);
    assert_int_equal(response_memory_held(&m), 0);
    assert_int_equal(m.by_group.count, 0);
    response_memory_fini(&m);
}

static void without_address_only_the_maximum_counts(void **state)
{
    struct response_memory m;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    assert_true(response_memory_take(&m, 0, 1500 * KIB));
    assert_false(response_memory_take(&m, 0, 101 * KIB));
    assert_true(response_memory_take(&m, 0, 100 * KIB));
    assert_false(response_memory_take(&m, 0, SIZE_MAX));
    assert_false(response_memory_take(&m, 1, SIZE_MAX));
    response_memory_give_back(&m, 0, 1600 * KIB);
    response_memory_fini(&m);
}

static void small_ones_are_free(void **state)
{
    struct response_memory m;
    (void)state;
    response_memory_init(&m, 16 * KIB);
    assert_true(response_memory_take(&m, 0, 16 * KIB));
    for (unsigned i = 0; i < 100; i++)
        assert_true(response_memory_take(&m, i % 3, 16 * KIB - 1));
    for (unsigned i = 0; i < 100; i++)
        response_memory_give_back(&m, i % 3, 16 * KIB - 1);
    assert_int_equal(response_memory_held(&m), 16 * KIB);
    response_memory_give_back(&m, 0, 16 * KIB);
    response_memory_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_what_is_left),
        cmocka_unit_test(without_address_only_the_maximum_counts),
        cmocka_unit_test(small_ones_are_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
