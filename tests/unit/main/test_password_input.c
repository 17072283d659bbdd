#include "base/arena.h"
#include "main/password_input.h"

#include <string.h>

#include "check.h"

/* Reads a password with these flags (NULL: none) from this standard input. */
static struct str describe(struct arena *a, const char *flag, const char *value, const char *input)
{
    static const struct command_flag flags[] = {{.name = "--password-file", .value = "FILE"},
                                                {.name = "--random-password"}};
    struct str password = STR("");
    char *text = NULL;
    size_t size = 0;
    bool random = false;
    FILE *in = tmpfile(), *err = open_memstream(&text, &size);
    assert_true(in && err);
    fputs(input, in);
    rewind(in);
    struct command_line line = {.arena = a, .in = in, .out = err, .err = err};

    for (size_t i = 0; flag && i < COUNT_OF(flags); i++) {
        if (strcmp(flag, flags[i].name) != 0 && strcmp(flag, "both") != 0)
            continue;
        line.flags[line.flag_count] = &flags[i];
        line.flag_values[line.flag_count++] = flags[i].value ? value : "";
    }
    enum command_exit code = password_input_read(&line, &password, &random);
    fclose(in);
    fclose(err);
    struct str said = str_copy(a, (struct str){text, size});
    free(text);
    if (code != COMMAND_OK)
        return str_fmt(a, "%d %.*s", (int)code, STR_ARG(said));
    return random ? str_fmt(a, "random %zu", password.n) : password;
}

static void test_sources(void **state)
{
    char path[] = "/tmp/hearth-test-XXXXXX", long_line[1400];
    struct arena *a = arena_new();
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "from file\r\nsecond line\n", 23), 23);
    close(fd);
    memset(long_line, 'x', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = '\0';
    const struct {
        const char *name, *flag, *value, *input, *want;
    } cases[] = {
        {"standard input", "--password-file", "-", "from stdin\nsecond\n", "from stdin"},
        {"without line feed", "--password-file", "-", "from stdin", "from stdin"},
        {"CR LF", "--password-file", "-", "from stdin\r\n", "from stdin"},
        {"file", "--password-file", path, "", "from file"},
        {"random", "--random-password", NULL, "", "random 20"},
        {"both", "both", "-", "x\n", "2 hearth: --password-file and"},
        {"empty input", "--password-file", "-", "", "2 hearth: there is no password on standard input"},
        {"long, for accounts to refuse", "--password-file", "-", long_line, long_line},
        {"no file", "--password-file", "/does/not/exist", "", "1 hearth: cannot read the password from /does/not"},
        {"nobody to ask", NULL, NULL, "x\n", "2 hearth: no password: give --password-file"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str got = describe(a, cases[i].flag, cases[i].value, cases[i].input), want = str_of(cases[i].want);
        bool complaint = cases[i].want[0] == '1' || cases[i].want[0] == '2';
        check_str(complaint ? str_slice(got, 0, want.n) : got, want, cases[i].name);
    }
    assert_int_equal(unlink(path), 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
