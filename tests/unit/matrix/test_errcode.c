#include "matrix/errcode.h"

#include "check.h"

static void names_and_statuses(void **state)
{
    static const struct {
        enum errcode code;
        const char *name;
        int status;
    } cases[] = {
        {M_FORBIDDEN, "M_FORBIDDEN", 403},       {M_UNKNOWN_TOKEN, "M_UNKNOWN_TOKEN", 401},
        {M_NOT_FOUND, "M_NOT_FOUND", 404},       {M_LIMIT_EXCEEDED, "M_LIMIT_EXCEEDED", 429},
        {M_TOO_LARGE, "M_TOO_LARGE", 413},       {M_USER_LOCKED, "M_USER_LOCKED", 401},
        {M_UNRECOGNIZED, "M_UNRECOGNIZED", 404}, {M_USER_IN_USE, "M_USER_IN_USE", 400},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_str(errcode_name(cases[i].code), str_of(cases[i].name), cases[i].name);
        check_case(errcode_status(cases[i].code) == cases[i].status, cases[i].name);
    }
    /* No code was forgotten in the table. */
    for (unsigned code = ERRCODE_NONE + 1; code < ERRCODE_COUNT; code++) {
        assert_true(str_starts(errcode_name(code), STR("M_")));
        assert_true(errcode_status(code) >= 400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
