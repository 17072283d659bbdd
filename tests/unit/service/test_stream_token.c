#include "base/arena.h"
#include "service/stream_token.h"

#include "check.h"

static void tokens(void **state)
{
    static const struct {
        const char *token;
        bool good;
        int64_t pos;
    } cases[] = {
        {"s0", true, 0},   {"s1", true, 1},    {"s9223372036854775807", true, INT64_MAX},
        {"", false, 0},    {"s", false, 0},    {"1", false, 0},
        {"s-1", false, 0}, {"S1", false, 0},   {"t1", false, 0},
        {"s1 ", false, 0}, {" s1", false, 0},  {"s1_", false, 0},
        {"s+1", false, 0}, {"s0x1", false, 0}, {"s9223372036854775808", false, 0},
        {"ss1", false, 0},
    };
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t pos = -1;
        check_case(stream_token_read(str_of(cases[i].token), &pos) == cases[i].good, cases[i].token);
        check_case(!cases[i].good || pos == cases[i].pos, cases[i].token);
        if (cases[i].good)
            check_str(stream_token_make(a, cases[i].pos), str_of(cases[i].token), "made");
    }
    static const struct {
        const char *token;
        bool good;
        struct event_place place;
        int64_t pos; /* where one is wanted */
    } places[] = {
        {"s7", true, {7, 0}, 7}, {"s7_1", true, {7, -1}, 6}, {"s7_300", true, {7, -300}, 6},
        {"s7_0", false, {0}, 0}, {"s7_-1", false, {0}, 0},   {"s7_1_1", false, {0}, 0},
        {"s_1", false, {0}, 0},  {"s0_1", true, {0, -1}, 0}, {"s7_x", false, {0}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct event_place place;
        int64_t pos = -1;
        check_case(stream_token_read_place(str_of(places[i].token), &place) == places[i].good, places[i].token);
        check_case(stream_token_read(str_of(places[i].token), &pos) == places[i].good, places[i].token);
        if (!places[i].good)
            continue;
        assert_int_equal(event_place_order(place, places[i].place), 0);
        assert_int_equal(pos, places[i].pos);
        check_str(stream_token_make_place(a, place), str_of(places[i].token), "made");
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
