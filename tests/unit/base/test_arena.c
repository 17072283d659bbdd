#include "base/arena.h"
#include "base/sanitizer.h"

#include <stdalign.h>
#include <string.h>

#include "check.h"

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 4096, 4097, 16383, 16384, 16385, 70000, 1 << 20, 5 << 20};
    struct arena *a = arena_new();
    unsigned char *got[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        got[i] = arena_alloc(a, sizes[i]);
        assert_int_equal((uintptr_t)got[i] % alignof(max_align_t), 0);
        assert_true(is_zero(got[i], sizes[i]));
        memset(got[i], (int)(i + 1), sizes[i]);
    }
    /* Nobody has written into anybody else's. */
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(got[i][k], i + 1);
    }
    arena_free(&a);
    assert_null(a);
    arena_free(&a);
}

static void test_empty_allocations_differ(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    void *first = arena_alloc(a, 0);
    assert_ptr_not_equal(first, arena_alloc(a, 0));
    assert_int_equal(arena_used(a), 32);
    arena_free(&a);
}

static void test_typed(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint64_t *one = ARENA_NEW(a, uint64_t);
    uint64_t *many = ARENA_ARRAY(a, 1000, uint64_t);
    *one = 1;
    many[999] = 2;
    assert_int_equal(*one, 1);
    assert_int_equal(many[0], 0);
    assert_int_equal(arena_used(a), 16 + 8000);
    assert_in_range(arena_held(a), arena_used(a), 64 << 10);
    (void)arena_alloc(a, 5 << 20);
    assert_in_range(arena_held(a), arena_used(a), 6 << 20);
    arena_free(&a);
}

/* Fills with a mixture of small and large, enough for several chunks. */
static void fill(struct arena *a)
{
    for (size_t i = 0; i < 3000; i++)
        memset(arena_alloc(a, i % 300), 0xee, i % 300);
    memset(arena_alloc(a, 3 << 20), 0xee, 3 << 20);
    memset(arena_alloc(a, 100), 0xee, 100);
}

static void test_marks(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct arena_mark empty = arena_mark(a);
    char *kept = arena_alloc(a, 10);
    char *large = arena_alloc(a, 1 << 20);
    memcpy(kept, "kept", 5);
    memcpy(large, "large", 6);
    size_t used = arena_used(a);
    struct arena_mark m = arena_mark(a);
    for (int round = 0; round < 5; round++) {
        fill(a);
        assert_true(arena_used(a) > used + (3 << 20));
        struct arena_mark inner = arena_mark(a);
        size_t used_inner = arena_used(a);
        fill(a);
        arena_release(a, inner);
        assert_int_equal(arena_used(a), used_inner);
        arena_release(a, m);
        assert_int_equal(arena_used(a), used);
        assert_string_equal(kept, "kept");
        assert_string_equal(large, "large");
    }
    /* What was used before comes zeroed again. */
    assert_true(is_zero(arena_alloc(a, 200), 200));
    arena_release(a, empty);
    assert_int_equal(arena_used(a), 0);
    arena_free(&a);
}

static void test_reset(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int round = 0; round < 3; round++) {
        fill(a);
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
        assert_true(is_zero(arena_alloc(a, 5000), 5000));
    }
    arena_free(&a);
}

static void test_grow(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *p = arena_grow(a, NULL, 0, 3);
    memcpy(p, "ab", 3);
    size_t n = 3;
    while (n < 200000) {
        size_t larger = n + n / 2 + 1;
        p = arena_grow(a, p, n, larger);
        assert_string_equal(p, "ab");
        assert_true(is_zero((unsigned char *)p + 3, larger - 3));
        n = larger;
    }
    arena_free(&a);
}

static void test_grow_keeps_neighbours(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *first = arena_alloc(a, 16);
    char *second = arena_alloc(a, 16);
    memset(first, '1', 16);
    memset(second, '2', 16);
    char *moved = arena_grow(a, first, 16, 64);
    memset(moved + 16, '3', 48);
    assert_memory_equal(second, "2222222222222222", 16);
    assert_memory_equal(moved, "1111111111111111", 16);
    char *same_size = arena_grow(a, moved, 64, 64);
    assert_memory_equal(same_size, "11111111111111113", 17);
    arena_free(&a);
}

static void release_twice(void *arg)
{
    struct arena *a = arena_new();
    (void)arg;
    (void)arena_alloc(a, 1);
    struct arena_mark outer = arena_mark(a);
    (void)arena_alloc(a, 1 << 20);
    struct arena_mark inner = arena_mark(a);
    arena_release(a, outer);
    arena_release(a, inner);
}

static void shrink(void *arg)
{
    struct arena *a = arena_new();
    (void)arg;
    (void)arena_grow(a, arena_alloc(a, 8), 8, 4);
}

static void overflow_product(void *arg)
{
    struct arena *a = arena_new();
    volatile size_t count = SIZE_MAX / 4;
    (void)arg;
    (void)arena_calloc(a, count, 8);
}

static void overflow_size(void *arg)
{
    struct arena *a = arena_new();
    volatile size_t size = SIZE_MAX - 8;
    (void)arg;
    (void)arena_alloc(a, size);
}

static void test_bugs_stop_the_program(void **state)
{
    (void)state;
    assert_true(check_aborts(release_twice, NULL));
    assert_true(check_aborts(shrink, NULL));
    assert_true(check_aborts(overflow_product, NULL));
    assert_true(check_aborts(overflow_size, NULL));
}

#if SANITIZER_ADDRESS
#include <sanitizer/asan_interface.h>

static void test_sanitizer_sees_the_edges(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    char *p = arena_alloc(a, 10);
    struct arena_mark m = arena_mark(a);
    char *temporary = arena_alloc(a, 10);
    assert_false(__asan_address_is_poisoned(p + 9));
    assert_true(__asan_address_is_poisoned(p + 10));
    assert_false(__asan_address_is_poisoned(temporary));
    arena_release(a, m);
    assert_true(__asan_address_is_poisoned(temporary));
    arena_free(&a);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_empty_allocations_differ),
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_grow_keeps_neighbours),
        cmocka_unit_test(test_bugs_stop_the_program),
#if SANITIZER_ADDRESS
        cmocka_unit_test(test_sanitizer_sees_the_edges),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
