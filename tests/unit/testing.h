/*
 * What every unit test includes: cmocka, with the four headers it wants before itself.
 */
#ifndef HEARTH_TESTS_UNIT_TESTING_H
#define HEARTH_TESTS_UNIT_TESTING_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* Items of an array of test cases. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
