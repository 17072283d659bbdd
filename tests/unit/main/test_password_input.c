#include "base/arena.h"
#include "main/password_input.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

/* A named pipe with this content, which does not end before the reader has come. */
struct pipe {
    char folder[40], path[60];
    const char *text;
    size_t repeats;
    pthread_t writer;
};

static void *fill_pipe(void *arg)
{
    struct pipe *p = arg;
    int fd = open(p->path, O_WRONLY);

    for (size_t i = 0; fd >= 0 && i < p->repeats; i++) {
        if (write(fd, p->text, strlen(p->text)) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void pipe_begin(struct pipe *p, const char *text, size_t repeats)
{
    *p = (struct pipe){.folder = "/tmp/hearth-test-XXXXXX", .text = text, .repeats = repeats};
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/pipe", p->folder);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_int_equal(pthread_create(&p->writer, NULL, fill_pipe, p), 0);
}

static void pipe_end(struct pipe *p)
{
    assert_int_equal(pthread_join(p->writer, NULL), 0);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(rmdir(p->folder), 0);
}

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
        {"folder", "--password-file", "/tmp", "", "1 hearth: cannot read the password from /tmp: "},
        {"device without end", "--password-file", "/dev/zero", "",
         "1 hearth: cannot read the password from /dev/zero: "},
        {"device without content", "--password-file", "/dev/null", "", "2 hearth: there is no password in /dev/null"},
        {"empty line, for accounts to refuse", "--password-file", "-", "\n", ""},
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

static void test_pipes(void **state)
{
    static const struct {
        const char *text;
        size_t repeats;
        const char *want;
    } cases[] = {
        {"from a pipe\nmore\n", 1, "from a pipe"},
        {"without line feed", 1, "without line feed"},
        {"", 1, "2 hearth: there is no password in /tmp/"},
        {"0123456789", 1000, "1 hearth: cannot read the password from /tmp/"}, /* its first line is too long */
        {"0123456789\n", 100000, "0123456789"},
    };
    struct arena *a = arena_new();

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pipe p;
        pipe_begin(&p, cases[i].text, cases[i].repeats);
        struct str got = describe(a, "--password-file", p.path, ""), want = str_of(cases[i].want);
        bool complaint = want.p[0] == '1' || want.p[0] == '2';
        check_str(complaint ? str_slice(got, 0, want.n) : got, want, cases[i].text);
        pipe_end(&p);
    }
    arena_free(&a);
}

/* What would be cut at a NUL byte is no password that anybody typed. */
static void test_nul_bytes(void **state)
{
    char path[] = "/tmp/hearth-test-XXXXXX";
    struct arena *a = arena_new();
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret\0more\n", 12), 12);
    close(fd);
    struct str got = describe(a, "--password-file", path, "");
    check_case(str_find_str(got, STR("NUL")) < got.n, "NUL byte");
    assert_int_equal(unlink(path), 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
