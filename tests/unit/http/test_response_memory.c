#include "http/response_memory.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"

enum { KIB = 1024, NOW = 1000 };

static struct response_hold *take_at(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms)
{
    struct response_hold *hold = NULL;
    bool taken = response_memory_take(m, group, bytes, fd, now_ms, &hold);
    assert_true(taken || !hold);
    return hold;
}

static struct response_hold *take(struct response_memory *m, uint64_t group, size_t bytes)
{
    return take_at(m, group, bytes, -1, NOW);
}

static void shares_what_is_left(void **state)
{
    struct response_memory m;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    assert_null(take(&m, 1, 801 * KIB));
    struct response_hold *a = take(&m, 1, 500 * KIB), *b = take(&m, 1, 300 * KIB);
    assert_true(a && b);
    assert_null(take(&m, 1, 16 * KIB));
    assert_null(take(&m, 2, 401 * KIB));
    struct response_hold *c = take(&m, 2, 400 * KIB), *d = take(&m, 3, 200 * KIB);
    assert_true(c && d);
    assert_int_equal(response_memory_held(&m), 1400 * KIB);
    /* The others have taken more since then: what is held stays, more is not given until the share is met again. */
    response_memory_give_back(&m, &b);
    assert_null(b);
    assert_null(take(&m, 1, 16 * KIB));
    response_memory_give_back(&m, &a);
    assert_int_equal(m.by_group.count, 2);
    assert_null(take(&m, 1, 501 * KIB));
    a = take(&m, 1, 500 * KIB);
    assert_non_null(a);
    response_memory_give_back(&m, &c);
    response_memory_give_back(&m, &a);
    response_memory_give_back(&m, &d);
    assert_int_equal(response_memory_held(&m), 0);
    assert_int_equal(m.by_group.count, 0);
    response_memory_fini(&m);
}

static void without_address_only_the_maximum_counts(void **state)
{
    struct response_memory m;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    struct response_hold *a = take(&m, 0, 1500 * KIB);
    assert_non_null(a);
    assert_null(take(&m, 0, 101 * KIB));
    struct response_hold *b = take(&m, 0, 100 * KIB);
    assert_non_null(b);
    assert_null(take(&m, 0, SIZE_MAX));
    assert_null(take(&m, 1, SIZE_MAX));
    response_memory_give_back(&m, &a);
    response_memory_give_back(&m, &b);
    response_memory_fini(&m);
}

static void small_ones_are_free(void **state)
{
    struct response_memory m;
    struct response_hold *none = NULL;
    (void)state;
    response_memory_init(&m, 16 * KIB);
    struct response_hold *all = take(&m, 0, 16 * KIB);
    assert_non_null(all);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(response_memory_take(&m, i % 3, 16 * KIB - 1, -1, NOW, &none));
        response_memory_give_back(&m, &none);
    }
    assert_int_equal(response_memory_held(&m), 16 * KIB);
    response_memory_give_back(&m, &all);
    response_memory_fini(&m);
}

static bool is_shut_down(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void cuts_off_the_oldest_when_short(void **state)
{
    const int64_t late = NOW + RESPONSE_MEMORY_PATIENCE_MS + 1;
    struct response_memory m;
    struct response_hold *holds[3];
    int fds[3][2];
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
        holds[i] = take_at(&m, i + 1, 300 * KIB, fds[i][0], NOW + (int)i);
        assert_non_null(holds[i]);
    }
    assert_null(take_at(&m, 4, 400 * KIB, -1, late - 1));
    assert_false(is_shut_down(fds[0][1])); /* not yet */
    assert_null(take_at(&m, 4, 400 * KIB, -1, late));
    assert_true(is_shut_down(fds[0][1]));
    assert_null(take_at(&m, 4, 400 * KIB, -1, late)); /* the second is a moment younger */
    assert_false(is_shut_down(fds[1][1]));
    assert_int_equal(response_memory_held(&m), 900 * KIB); /* until it is closed */
    response_memory_give_back(&m, &holds[0]);
    /* With half of the memory free, who wants more than a share is not served at the expense of others. */
    assert_null(take_at(&m, 4, 900 * KIB, -1, late + 1000));
    assert_false(is_shut_down(fds[1][1]));
    holds[0] = take_at(&m, 5, 300 * KIB, fds[0][0], late);
    response_memory_give_back(&m, &holds[2]); /* from the middle of the list */
    holds[2] = take_at(&m, 6, 300 * KIB, fds[2][0], late);
    for (unsigned i = 0; i < 2; i++)
        assert_null(take_at(&m, 4, 900 * KIB, -1, late + 1000));
    assert_true(is_shut_down(fds[1][1]));
    assert_false(is_shut_down(fds[2][1]));
    for (unsigned i = 0; i < 3; i++) {
        response_memory_give_back(&m, &holds[i]);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    assert_null(m.first);
    assert_null(m.last);
    response_memory_fini(&m);
}

static void grows_in_steps(void **state)
{
    struct response_memory m;
    struct response_hold *a = NULL, *b = NULL;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    assert_int_equal(response_memory_most(&m), 800 * KIB);
    assert_true(response_memory_grow(&m, 1, 8 * KIB, -1, NOW, &a));
    assert_null(a);
    for (size_t n = 100; n <= 600; n += 100)
        assert_true(response_memory_grow(&m, 1, n * KIB, -1, NOW, &a));
    assert_int_equal(response_memory_held(&m), 600 * KIB);
    assert_true(response_memory_grow(&m, 1, 300 * KIB, -1, NOW, &a)); /* it has them already */
    assert_true(response_memory_grow(&m, 1, 200 * KIB, -1, NOW, &b));
    assert_false(response_memory_grow(&m, 1, 201 * KIB, -1, NOW, &b));
    assert_false(response_memory_grow(&m, 1, 801 * KIB, -1, NOW, &a));
    assert_int_equal(response_memory_held(&m), 800 * KIB);
    /* No answer of theirs waits yet: whoever is left goes on. */
    response_memory_give_back(&m, &b);
    assert_true(response_memory_take(&m, 1, 500 * KIB, -1, NOW, &a)); /* it turned out smaller */
    assert_int_equal(response_memory_held(&m), 500 * KIB);
    assert_false(response_memory_take(&m, 1, 301 * KIB, -1, NOW, &b));
    assert_null(b);
    response_memory_give_back(&m, &a);
    assert_true(response_memory_grow(&m, 1, 700 * KIB, -1, NOW, &a));
    assert_true(response_memory_take(&m, 1, 1 * KIB, -1, NOW, &a)); /* another answer than what was begun */
    assert_null(a);
    assert_int_equal(response_memory_held(&m), 0);
    response_memory_fini(&m);
}

static void who_does_not_read_is_refused_at_once(void **state)
{
    struct response_memory m;
    struct response_hold *one, *other, *next = NULL;
    (void)state;
    response_memory_init(&m, 1600 * KIB);
    one = take(&m, 1, 300 * KIB);
    other = take(&m, 1, 300 * KIB);
    assert_true(response_memory_grow(&m, 1, 100 * KIB, -1, NOW, &next));
    assert_false(response_memory_grow(&m, 1, 300 * KIB, -1, NOW, &next));
    response_memory_give_back(&m, &next);
    /* A small one would fit, but who says that it stays small? */
    assert_false(response_memory_grow(&m, 1, 16 * KIB, -1, NOW, &next));
    assert_true(response_memory_grow(&m, 1, 15 * KIB, -1, NOW, &next));
    assert_true(response_memory_grow(&m, 2, 100 * KIB, -1, NOW, &next)); /* somebody else */
    response_memory_give_back(&m, &next);
    response_memory_give_back(&m, &one);
    assert_true(response_memory_grow(&m, 1, 300 * KIB, -1, NOW, &next));
    response_memory_give_back(&m, &next);
    response_memory_give_back(&m, &other);
    response_memory_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_what_is_left),
        cmocka_unit_test(without_address_only_the_maximum_counts),
        cmocka_unit_test(small_ones_are_free),
        cmocka_unit_test(grows_in_steps),
        cmocka_unit_test(who_does_not_read_is_refused_at_once),
        cmocka_unit_test(cuts_off_the_oldest_when_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
