#include "base/clock.h"
#include "http/deadline.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"

enum step { AWAIT, BEGIN, TRANSFER, CLEAR };

/* Idle timeout 10 s, so the grace is 10 s too; the steps happen at 1,000,000. */
static void knows_who_is_late(void **state)
{
    static const struct {
        const char *name;
        enum step step;
        uint64_t bytes;
        int64_t alive_ms, late_ms; /* 0: never */
    } cases[] = {
        {"waiting for a head", AWAIT, 0, 19999, 20000},
        {"within a head", BEGIN, 0, 9999, 10000},
        {"nothing of a body", TRANSFER, 0, 9999, 10000},
        {"four KiB of a body", TRANSFER, 4096, 13999, 14000},
        {"a large response", TRANSFER, UINT64_C(1) << 30, 1048585999, 1048586000},
        {"parked", CLEAR, 0, INT64_C(1) << 50, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct deadlines all;
        const int64_t now_ms = 1000000;
        int fds[2];
        char c;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        deadlines_init(&all, 10000);
        struct deadline *other = deadline_new(&all, -1), *d = deadline_new(&all, fds[0]),
                        *third = deadline_new(&all, -1);
        deadline_clear(other);
        deadline_clear(third);
        deadline_await_head(d, now_ms);
        switch (cases[i].step) {
        case AWAIT:
            break;
        case BEGIN:
            deadline_begin_head(d, now_ms);
            deadline_begin_head(d, now_ms + 5000); /* is not put off */
            break;
        case TRANSFER:
            deadline_transfer(d, now_ms, cases[i].bytes);
            break;
        case CLEAR:
            deadline_clear(d);
        }
        assert_true(deadlines_enforce(&all, now_ms) > now_ms);
        all.look_ms = 0;
        deadlines_enforce(&all, now_ms + cases[i].alive_ms);
        check_case(recv(fds[1], &c, 1, MSG_DONTWAIT) == -1, cases[i].name);
        all.look_ms = 0;
        deadlines_enforce(&all, now_ms + cases[i].late_ms);
        check_case(recv(fds[1], &c, 1, MSG_DONTWAIT) == (cases[i].late_ms ? 0 : -1), cases[i].name);
        deadline_free(&d);
        deadline_free(&third);
        deadline_free(&other);
        deadlines_fini(&all);
        close(fds[0]);
        close(fds[1]);
    }
}

static void looks_in_time_and_not_too_often(void **state)
{
    struct deadlines all;
    (void)state;
    deadlines_init(&all, 600000); /* the grace is 30 s */
    assert_int_equal(deadlines_enforce(&all, 100), 30100);
    assert_int_equal(deadlines_enforce(&all, 200), 30100); /* too early */
    struct deadline *d = deadline_new(&all, -1);
    deadline_transfer(d, 1000, 0); /* late at 31,000 */
    assert_int_equal(deadlines_enforce(&all, 30100), 31100);
    deadline_transfer(d, 10000, 0);
    assert_int_equal(deadlines_enforce(&all, 31100), 40000);
    deadline_free(&d);
    assert_null(d);
    deadlines_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_who_is_late),
        cmocka_unit_test(looks_in_time_and_not_too_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
