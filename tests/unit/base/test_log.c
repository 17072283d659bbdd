#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "check.h"

/* Lines go into a pipe, from which each read gives what one write put there. */
struct fixture {
    int in, out;
    char text[8192];
};

static int64_t some_day(void)
{
    return INT64_C(1795255200123); /* 2026-11-21T10:00:00.123Z */
}

static int set_up(void **state)
{
    static struct fixture f;
    int ends[2];
    /* A megabyte, as each write takes a page of it and the tests write before they read. */
    if (pipe2(ends, O_DIRECT | O_NONBLOCK) < 0 || fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0)
        return -1;
    f.in = ends[1];
    f.out = ends[0];
    clock_set_source(some_day);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, f.in);
    log_set_request(0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO);
    log_set_request(0);
    clock_set_source(NULL);
    close(f->in);
    close(f->out);
    return 0;
}

/* The next line, or empty if there is none. */
static struct str next_line(struct fixture *f)
{
    ssize_t n = read(f->out, f->text, sizeof(f->text));
    return (struct str){f->text, n > 0 ? (size_t)n : 0};
}

static void test_text(void **state)
{
    struct fixture *f = *state;
    log_info("started");
    check_str(next_line(f), STR("2026-11-21T10:00:00.123Z info started\n"), "no fields");
    log_set_request(17);
    log_error("registered", LOG_STR("user", STR("@a:b")), LOG_INT("devices", -3), LOG_CSTR("how", "by token"));
    check_str(next_line(f),
              STR("2026-11-21T10:00:00.123Z error [r17] registered user=@a:b devices=-3 how=\"by token\"\n"), "fields");
}

static void test_json(void **state)
{
    struct fixture *f = *state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, f->in);
    log_info("started");
    check_str(next_line(f), STR("{\"ts\":\"2026-11-21T10:00:00.123Z\",\"level\":\"info\",\"msg\":\"started\"}\n"),
              "no fields");
    log_set_request(UINT64_MAX);
    log_warn("registered", LOG_STR("user", STR("@a:b")), LOG_INT("least", INT64_MIN));
    check_str(next_line(f),
              STR("{\"ts\":\"2026-11-21T10:00:00.123Z\",\"level\":\"warn\",\"request\":18446744073709551615,"
                  "\"msg\":\"registered\",\"user\":\"@a:b\",\"least\":-9223372036854775808}\n"),
              "fields");
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        struct str input, text, json;
    } cases[] = {
        {"empty", STR_INIT(""), STR_INIT("\"\""), STR_INIT("\"\"")},
        {"no pointer", {NULL, 0}, STR_INIT("\"\""), STR_INIT("\"\"")},
        {"letters beyond ASCII", STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5"),
         STR_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5"), STR_INIT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"")},
        {"equals sign", STR_INIT("a=b"), STR_INIT("\"a=b\""), STR_INIT("\"a=b\"")},
        {"quotes and backslash", STR_INIT("\"\\"), STR_INIT("\"\\\"\\\\\""), STR_INIT("\"\\\"\\\\\"")},
        {"forged line", STR_INIT("a\n2026 info x"), STR_INIT("\"a\\n2026 info x\""), STR_INIT("\"a\\n2026 info x\"")},
        {"NUL", STR_INIT("a\0b"), STR_INIT("\"a\\u0000b\""), STR_INIT("\"a\\u0000b\"")},
        {"escape", STR_INIT("\x1b[31m\r\t"), STR_INIT("\"\\u001b[31m\\r\\t\""), STR_INIT("\"\\u001b[31m\\r\\t\"")},
        {"DEL and C1", STR_INIT("\x7f\xc2\x9b"), STR_INIT("\"\\u007f\\u009b\""), STR_INIT("\"\\u007f\\u009b\"")},
        {"right to left", STR_INIT("\xe2\x80\xae"), STR_INIT("\"\\u202e\""), STR_INIT("\"\\u202e\"")},
        {"tag character", STR_INIT("\xf3\xa0\x81\x81"), STR_INIT("\"\\U000e0041\""), STR_INIT("\"\\udb40\\udc41\"")},
        {"lone byte", STR_INIT("a\xff"), STR_INIT("\"a\\xff\""), STR_INIT("\"a\\ufffd\"")},
        {"overlong", STR_INIT("\xc0\xaf"), STR_INIT("\"\\xc0\\xaf\""), STR_INIT("\"\\ufffd\\ufffd\"")},
        {"surrogate", STR_INIT("\xed\xa0\x80"), STR_INIT("\"\\xed\\xa0\\x80\""), STR_INIT("\"\\ufffd\\ufffd\\ufffd\"")},
        {"beyond Unicode", STR_INIT("\xf4\x90\x80\x80"), STR_INIT("\"\\xf4\\x90\\x80\\x80\""),
         STR_INIT("\"\\ufffd\\ufffd\\ufffd\\ufffd\"")},
        {"cut off", STR_INIT("\xe2\x82"), STR_INIT("\"\\xe2\\x82\""), STR_INIT("\"\\ufffd\\ufffd\"")},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, f->in);
        log_info("m", LOG_STR("v", cases[i].input));
        check_str(next_line(f), str_fmt(a, "2026-11-21T10:00:00.123Z info m v=%.*s\n", STR_ARG(cases[i].text)),
                  cases[i].name);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, f->in);
        log_info("m", LOG_STR("v", cases[i].input));
        check_str(next_line(f),
                  str_fmt(a, "{\"ts\":\"2026-11-21T10:00:00.123Z\",\"level\":\"info\",\"msg\":\"m\",\"v\":%.*s}\n",
                          STR_ARG(cases[i].json)),
                  cases[i].name);
    }
    arena_free(&a);
}

static struct str repeated(struct arena *a, struct str unit, size_t times)
{
    char *p = arena_alloc(a, unit.n * times);
    for (size_t i = 0; i < times; i++)
        memcpy(p + i * unit.n, unit.p, unit.n);
    return (struct str){p, unit.n * times};
}

static void test_long_values_are_cut(void **state)
{
    struct fixture *f = *state;
    struct arena *a = arena_new();
    struct str longest = repeated(a, STR("x"), 1024);
    log_info("m", LOG_STR("v", longest), LOG_INT("after", 1));
    check_str(next_line(f), str_fmt(a, "2026-11-21T10:00:00.123Z info m v=%.*s after=1\n", STR_ARG(longest)), "fits");
    log_info("m", LOG_STR("v", repeated(a, STR("x"), 1025)), LOG_INT("after", 1));
    check_str(next_line(f),
              str_fmt(a, "2026-11-21T10:00:00.123Z info m v=%.*s\xe2\x80\xa6 after=1\n", STR_ARG(longest)), "cut");
    /* Never inside a character: 341 of them are 1023 bytes. */
    struct str euro = STR("\xe2\x82\xac");
    log_info("m", LOG_STR("v", repeated(a, euro, 400)));
    check_str(next_line(f),
              str_fmt(a, "2026-11-21T10:00:00.123Z info m v=%.*s\xe2\x80\xa6\n", STR_ARG(repeated(a, euro, 341))),
              "characters");
    arena_free(&a);
}

static void log_full_line(struct str value)
{
    log_info("m", LOG_STR("a", value), LOG_STR("b", value), LOG_STR("c", value), LOG_STR("d", value),
             LOG_STR("e", value), LOG_INT("f", 1));
}

static void test_full_lines_say_so(void **state)
{
    struct fixture *f = *state;
    struct arena *a = arena_new();
    /* Lengths around the limit, so that each way a line can fill up is met; also where all is escaped. */
    static const struct str units[] = {STR_INIT("x"), STR_INIT("\x01"), STR_INIT("\xff"), STR_INIT("\xf3\xa0\x81\x81")};
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        for (size_t n = 700; n < 1100; n++) {
            struct arena_mark m = arena_mark(a);
            struct str value = repeated(a, units[u], n);
            log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, f->in);
            log_full_line(value);
            struct str line = next_line(f);
            assert_in_range(line.n, 2000, 4096);
            assert_int_equal(str_find(line, '\n'), line.n - 1);
            assert_true(str_ends(line, STR(" f=1\n")) || str_ends(line, STR(" \xe2\x80\xa6\n")));
            log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, f->in);
            log_full_line(value);
            line = next_line(f);
            assert_in_range(line.n, 2000, 4096);
            assert_int_equal(str_find(line, '\n'), line.n - 1);
            assert_true(str_ends(line, STR("\",\"f\":1}\n")) || str_ends(line, STR("\",\"cut\":true}\n")));
            assert_int_equal(next_line(f).n, 0);
            arena_release(a, m);
        }
    }
    arena_free(&a);
}

static void test_levels(void **state)
{
    struct fixture *f = *state;
    for (int set = LOG_LEVEL_ERROR; set <= LOG_LEVEL_TRACE; set++) {
        log_setup((enum log_level)set, LOG_FORMAT_TEXT, f->in);
        for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_TRACE; level++) {
            assert_int_equal(log_enabled((enum log_level)level), level <= set);
            LOG_AT((enum log_level)level, "m");
            assert_int_equal(next_line(f).n > 0, level <= set);
        }
    }
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, f->in);
    int evaluated = 0;
    log_debug("m", LOG_INT("v", ++evaluated));
    log_trace("m", LOG_INT("v", ++evaluated));
    assert_int_equal(evaluated, 0);
}

static void test_level_parse(void **state)
{
    (void)state;
    static const struct {
        struct str input;
        bool ok;
        enum log_level want;
    } cases[] = {
        {STR_INIT("error"), true, LOG_LEVEL_ERROR},  {STR_INIT("warn"), true, LOG_LEVEL_WARN},
        {STR_INIT("warning"), true, LOG_LEVEL_WARN}, {STR_INIT("info"), true, LOG_LEVEL_INFO},
        {STR_INIT("debug"), true, LOG_LEVEL_DEBUG},  {STR_INIT("trace"), true, LOG_LEVEL_TRACE},
        {STR_INIT(""), false, LOG_LEVEL_INFO},       {STR_INIT("INFO"), false, LOG_LEVEL_INFO},
        {STR_INIT("infos"), false, LOG_LEVEL_INFO},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum log_level got = LOG_LEVEL_INFO;
        assert_int_equal(log_level_parse(cases[i].input, &got), cases[i].ok);
        assert_int_equal(got, cases[i].want);
    }
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, -1);
    errno = ENOENT;
    log_info("m");
    assert_int_equal(errno, ENOENT);
}

static void log_some(void *arg)
{
    log_set_request((uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 50; i++)
        log_info("from a thread", LOG_INT("id", (intptr_t)arg));
}

static void test_request_is_the_threads_own(void **state)
{
    struct fixture *f = *state;
    struct arena *a = arena_new();
    struct thread threads[3];
    size_t lines[4] = {0};
    log_set_request(9);
    for (intptr_t i = 0; i < 3; i++)
        assert_true(thread_start(&threads[i], "log", 0, log_some, (void *)(i + 1)));
    for (size_t i = 0; i < 3; i++)
        thread_join(&threads[i]);
    struct str line;
    while ((line = next_line(f)).n > 0) {
        size_t id = (size_t)(line.p[line.n - 2] - '0');
        assert_in_range(id, 1, 3);
        check_str(line, str_fmt(a, "2026-11-21T10:00:00.123Z info [r%zu] from a thread id=%zu\n", id, id), "line");
        lines[id]++;
    }
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(lines[i], 50);
    log_info("here");
    check_str(next_line(f), STR("2026-11-21T10:00:00.123Z info [r9] here\n"), "this thread's own");
    arena_free(&a);
}

int main(void)
{
#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_text),
        LOG_TEST(test_json),
        LOG_TEST(test_values),
        LOG_TEST(test_long_values_are_cut),
        LOG_TEST(test_full_lines_say_so),
        LOG_TEST(test_levels),
        LOG_TEST(test_level_parse),
        LOG_TEST(test_errno_is_kept),
        LOG_TEST(test_request_is_the_threads_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
