/*
 * What unit tests need beyond cmocka: slices compared and shown, and functions that are meant to stop the program.
 *
 * Includes cmocka with the headers that it wants before it.
 */
#ifndef HEARTH_TESTS_CHECK_H
#define HEARTH_TESTS_CHECK_H

#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void check_str_at(struct str got, struct str want, const char *what, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("%s: got \"%.*s\" (%zu bytes), want \"%.*s\" (%zu bytes)\n", what, STR_ARG(got), got.n, STR_ARG(want),
                want.n);
    _fail(file, line);
}

/* `what` names the case in the message of a failure. */
#define check_str(got, want, what) check_str_at((got), (want), (what), __FILE__, __LINE__)

/* A condition that must hold for the case named `what`. */
#define check_case(condition, what)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_error("%s: not true: %s\n", (what), #condition);                                                     \
            _fail(__FILE__, __LINE__);                                                                                 \
        }                                                                                                              \
    } while (0)

/* Whether fn(arg) ends by abort(), as a failed assert does; run in a child, its words on standard error dropped. */
static inline bool check_aborts(void (*fn)(void *), void *arg)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        /* cmocka and sanitizers both watch for SIGABRT; this child is to die of it. */
        signal(SIGABRT, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
