#include "base/clock.h"

#include <time.h>

#include "check.h"

static int64_t fixed(void)
{
    return INT64_C(1790000000123);
}

static void test_system(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) * 1000;
    int64_t now = clock_now_ms();
    assert_true(now >= before - 1000 && now <= before + 10000);

    int64_t us = clock_mono_us();
    int64_t ms = clock_mono_ms();
    assert_true(ms >= us / 1000 && ms <= us / 1000 + 5000);
}

static void test_monotonic_moves_on(void **state)
{
    (void)state;
    int64_t start = clock_mono_us();
    struct timespec wait = {.tv_nsec = 20 * 1000 * 1000};
    while (nanosleep(&wait, &wait) < 0) {
    }
    assert_true(clock_mono_us() - start >= 20000);
}

static void test_source(void **state)
{
    (void)state;
    clock_set_source(fixed);
    assert_int_equal(clock_now_ms(), fixed());
    assert_int_equal(clock_mono_ms(), fixed());
    assert_int_equal(clock_mono_us(), fixed() * 1000);
    clock_set_source(NULL);
    assert_int_not_equal(clock_now_ms(), fixed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system),
        cmocka_unit_test(test_monotonic_moves_on),
        cmocka_unit_test(test_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
