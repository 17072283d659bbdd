#include "base/buf.h"

#include <string.h>

#include "check.h"

static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_int_equal(buf_str(&b).n, 0);
    buf_add(&b, STR("ab"));
    buf_add(&b, (struct str){NULL, 0});
    buf_add_bytes(&b, "c\0d", 3);
    buf_add_char(&b, ' ');
    buf_fmt(&b, "%d-%s", 7, "x");
    check_str(buf_str(&b), STR("abc\0d 7-x"), "all of them");
    assert_true(buf_ok(&b));
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
    buf_fini(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t input;
        struct str want;
    } cases[] = {
        {0, STR_INIT("0")},
        {-1, STR_INIT("-1")},
        {1234567890, STR_INIT("1234567890")},
        {INT64_MAX, STR_INIT("9223372036854775807")},
        {INT64_MIN, STR_INIT("-9223372036854775808")},
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_clear(&b);
        buf_add_i64(&b, cases[i].input);
        check_str(buf_str(&b), cases[i].want, "i64");
    }
    buf_clear(&b);
    buf_add_u64(&b, UINT64_MAX);
    check_str(buf_str(&b), STR("18446744073709551615"), "u64");
    buf_fini(&b);
}

static void test_grows_to_its_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.p[i], 'a' + i % 26);
    buf_add_char(&b, 'x');
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 100000);
    buf_fini(&b);
}

static void test_overflow_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    buf_add(&b, STR("abc"));
    buf_add(&b, STR("de"));
    assert_false(buf_ok(&b));
    /* It would fit, but would leave a gap. */
    buf_add(&b, STR("f"));
    buf_add_u64(&b, 1);
    buf_fmt(&b, "g");
    assert_null(buf_reserve(&b, 1));
    check_str(buf_str(&b), STR("abc"), "after the overflow");
    buf_clear(&b);
    assert_true(buf_ok(&b));
    buf_add(&b, STR("abcd"));
    assert_true(buf_ok(&b));
    buf_fmt(&b, "%s", "");
    assert_true(buf_ok(&b));
    buf_fini(&b);
}

static void test_fmt_at_the_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_fmt(&b, "%s", "12345");
    assert_true(buf_ok(&b));
    check_str(buf_str(&b), STR("12345"), "exactly full");
    buf_clear(&b);
    buf_fmt(&b, "%s", "123456");
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

static void test_maximum_of_nothing_and_of_everything(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_add(&b, STR(""));
    assert_true(buf_ok(&b));
    buf_add(&b, STR("a"));
    assert_false(buf_ok(&b));
    buf_fini(&b);

    buf_init(&b, SIZE_MAX);
    buf_add(&b, STR("a"));
    assert_true(buf_ok(&b));
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

static void test_reserve(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 300);
    assert_non_null(buf_reserve(&b, 0));
    char *p = buf_reserve(&b, 200);
    memset(p, 'x', 200);
    assert_int_equal(b.n, 0);
    b.n += 150;
    assert_non_null(buf_reserve(&b, 150));
    assert_true(buf_ok(&b));
    assert_null(buf_reserve(&b, 151));
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

static void test_take(void **state)
{
    (void)state;
    struct buf b;
    size_t n = 99;
    buf_init(&b, 10);
    assert_null(buf_take(&b, &n));
    assert_int_equal(n, 0);
    buf_add(&b, STR("abc"));
    char *p = buf_take(&b, &n);
    check_str(((struct str){p, n}), STR("abc"), "taken");
    free(p);
    assert_int_equal(b.n, 0);
    buf_add(&b, STR("0123456789"));
    assert_true(buf_ok(&b));
    buf_clear(&b);
    assert_null(buf_take(&b, &n));
    buf_fini(&b);
}

static void take_overflowed(void *arg)
{
    struct buf b;
    size_t n;
    (void)arg;
    buf_init(&b, 1);
    buf_add(&b, STR("ab"));
    free(buf_take(&b, &n));
}

static void add_itself(void *arg)
{
    struct buf b;
    (void)arg;
    buf_init(&b, 1000);
    buf_add(&b, STR("ab"));
    buf_add(&b, buf_str(&b));
}

static void test_bugs_stop_the_program(void **state)
{
    (void)state;
    assert_true(check_aborts(take_overflowed, NULL));
    assert_true(check_aborts(add_itself, NULL));
}

struct purse {
    struct buf_meter meter;
    size_t most;
    size_t taken;
    unsigned steps;
};

static bool take(struct buf_meter *meter, size_t bytes)
{
    struct purse *p = (struct purse *)meter;
    if (bytes > p->most)
        return false;
    assert_true(bytes > p->taken);
    p->taken = bytes;
    p->steps++;
    return true;
}

static void test_a_meter_is_asked_first(void **state)
{
    static char part[10000];
    struct purse p = {.meter = {take}, .most = 10 << 20};
    struct buf b;
    size_t n;
    (void)state;
    buf_init_metered(&b, 100 << 20, &p.meter);
    while (buf_ok(&b)) {
        buf_add_bytes(&b, part, sizeof part);
        assert_true(b.cap == p.taken);
        assert_true(b.cap <= (1 << 21) || b.cap - b.n <= b.cap / 4);
    }
    assert_true(b.n > (7 << 20) && b.n <= (10 << 20));
    assert_true(p.steps < 40);
    buf_add_char(&b, 'x'); /* there would be room, but something is missing before it */
    assert_true(b.overflow);
    buf_fini(&b);
    buf_init_metered(&b, 100, NULL);
    buf_add(&b, STR("x"));
    free(buf_take(&b, &n));
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_grows_to_its_maximum),
        cmocka_unit_test(test_overflow_sticks),
        cmocka_unit_test(test_fmt_at_the_maximum),
        cmocka_unit_test(test_maximum_of_nothing_and_of_everything),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_a_meter_is_asked_first),
        cmocka_unit_test(test_bugs_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
