#include "base/memory.h"
#include "base/sanitizer.h"

#include <string.h>

#include "check.h"

static void test_gives_memory(void **state)
{
    (void)state;
    char *p = memory_alloc(4);
    memcpy(p, "abc", 4);
    p = memory_resize(p, 100000);
    assert_string_equal(p, "abc");
    free(p);

    unsigned char *zeroed = memory_calloc(1000, 3);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(zeroed[i], 0);
    free(zeroed);
}

static void test_nothing_is_a_pointer_too(void **state)
{
    (void)state;
    void *all[] = {memory_alloc(0), memory_calloc(0, 8), memory_calloc(8, 0), memory_resize(NULL, 0)};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_non_null(all[i]);
        free(all[i]);
    }
}

/* Volatile: compilers know that these sizes cannot be had, and sanitizers report them in their own way. */
static volatile size_t impossible = SIZE_MAX / 2;

static void exhaust(void *arg)
{
    (void)arg;
    memory_exhausted(impossible);
}

#if !SANITIZER_ADDRESS && !SANITIZER_THREAD
static void exhaust_alloc(void *arg)
{
    (void)arg;
    free(memory_alloc(impossible));
}

static void exhaust_calloc(void *arg)
{
    (void)arg;
    free(memory_calloc(impossible, 3));
}

static void exhaust_resize(void *arg)
{
    (void)arg;
    free(memory_resize(NULL, impossible));
}
#endif

static void test_stops_when_out_of_memory(void **state)
{
    (void)state;
    assert_true(check_aborts(exhaust, NULL));
#if !SANITIZER_ADDRESS && !SANITIZER_THREAD
    assert_true(check_aborts(exhaust_alloc, NULL));
    assert_true(check_aborts(exhaust_calloc, NULL));
    assert_true(check_aborts(exhaust_resize, NULL));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_memory),
        cmocka_unit_test(test_nothing_is_a_pointer_too),
        cmocka_unit_test(test_stops_when_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
