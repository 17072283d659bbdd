#include "base/arena.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

struct fixture {
    struct arena *a;
    char dir[64];
};

static int set_up(void **state)
{
    static struct fixture f;
    strcpy(f.dir, "/tmp/hearth-test-XXXXXX");
    f.a = arena_new();
    *state = &f;
    return mkdtemp(f.dir) ? 0 : -1;
}

/* The entries of a folder. */
static size_t count_entries(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' || (e->d_name[1] != '\0' && e->d_name[1] != '.');
    closedir(d);
    return n;
}

static void remove_all(struct arena *a, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        chmod(path, 0700);
        DIR *d = opendir(path);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));) {
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                remove_all(a, str_fmt(a, "%s/%s%c", path, e->d_name, '\0').p);
        }
        closedir(d);
    }
    remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    remove_all(f->a, f->dir);
    arena_free(&f->a);
    return 0;
}

static struct str in_dir(struct fixture *f, const char *name)
{
    return str_fmt(f->a, "%s/%s", f->dir, name);
}

static const char *c(struct fixture *f, struct str path)
{
    return str_cstr(f->a, path);
}

static mode_t mode_of(struct fixture *f, struct str path)
{
    struct stat st;
    assert_int_equal(lstat(c(f, path), &st), 0);
    return st.st_mode & 07777;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 511, 512, 4096, 100000, 3 << 20};
    char *bytes = arena_alloc(f->a, 3 << 20);
    for (size_t i = 0; i < 3 << 20; i++)
        bytes[i] = (char)(i * 7 >> 3);
    struct str path = in_dir(f, "file");
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct str want = {bytes, sizes[i]};
        struct str got;
        assert_int_equal(file_write_atomic(path, want, 0640), FILE_OK);
        assert_int_equal(mode_of(f, path), 0640);
        assert_int_equal(file_read(f->a, path, 3 << 20, &got), FILE_OK);
        assert_true(str_eq(got, want));
        assert_int_equal(file_read(f->a, path, sizes[i], &got), FILE_OK);
        assert_true(str_eq(got, want));
    }
    assert_int_equal(count_entries(f->dir), 1);
}

static void test_read_limit(void **state)
{
    struct fixture *f = *state;
    struct str path = in_dir(f, "file");
    struct str got;
    assert_int_equal(file_write_atomic(path, STR("12345"), 0600), FILE_OK);
    size_t used = arena_used(f->a);
    assert_int_equal(file_read(f->a, path, 4, &got), FILE_TOO_LARGE);
    assert_int_equal(file_read(f->a, path, 0, &got), FILE_TOO_LARGE);
    assert_int_equal(got.n, 0);
    /* Files of /proc have a size of 0 and a content all the same. */
    assert_int_equal(file_read(f->a, STR("/proc/self/status"), 10, &got), FILE_TOO_LARGE);
    assert_int_equal(got.n, 0);
    assert_int_equal(arena_used(f->a), used);
    assert_int_equal(file_read(f->a, STR("/proc/self/status"), SIZE_MAX, &got), FILE_OK);
    assert_true(str_starts(got, STR("Name:")));
    assert_true(got.n > 512);
    assert_int_equal(file_read(f->a, STR("/proc/self/status"), 100000, &got), FILE_OK);
    assert_true(str_starts(got, STR("Name:")));
}

static void test_read_failures(void **state)
{
    struct fixture *f = *state;
    struct str fifo = in_dir(f, "fifo");
    struct str loop = in_dir(f, "loop");
    struct str file = in_dir(f, "file");
    assert_int_equal(mkfifo(c(f, fifo), 0600), 0);
    assert_int_equal(symlink("loop", c(f, loop)), 0);
    assert_int_equal(file_write_atomic(file, STR("x"), 0600), FILE_OK);
    char *too_long = arena_alloc(f->a, PATH_MAX);
    memset(too_long, 'a', PATH_MAX);
    const struct {
        const char *name;
        struct str path;
        enum file_result want;
    } cases[] = {
        {"missing", in_dir(f, "missing"), FILE_NOT_FOUND},
        {"in a missing folder", in_dir(f, "missing/file"), FILE_NOT_FOUND},
        {"below a file", in_dir(f, "file/x"), FILE_NOT_DIRECTORY},
        {"a folder", in_dir(f, ""), FILE_NOT_REGULAR},
        {"a pipe nobody writes to", fifo, FILE_NOT_REGULAR},
        {"a device", STR("/dev/zero"), FILE_NOT_REGULAR},
        {"a loop", loop, FILE_BAD_PATH},
        {"empty", STR(""), FILE_BAD_PATH},
        {"NUL byte", STR("/tmp\0/x"), FILE_BAD_PATH},
        {"too long", {too_long, PATH_MAX}, FILE_BAD_PATH},
        {"longest, but with too long a name", {too_long, PATH_MAX - 1}, FILE_BAD_PATH},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str got = STR("something");
        check_case(file_read(f->a, cases[i].path, 1000, &got) == cases[i].want, cases[i].name);
        check_case(got.n == 0, cases[i].name);
    }
}

static void test_write_replaces(void **state)
{
    struct fixture *f = *state;
    struct str path = in_dir(f, "file");
    struct str link = in_dir(f, "link");
    struct str got;
    mode_t before = umask(0077);
    assert_int_equal(file_write_atomic(path, STR("old and longer"), 0644), FILE_OK);
    umask(before);
    assert_int_equal(mode_of(f, path), 0644);
    assert_int_equal(symlink("file", c(f, link)), 0);
    assert_int_equal(file_write_atomic(link, STR("new"), 0600), FILE_OK);
    assert_int_equal(file_read(f->a, link, 100, &got), FILE_OK);
    check_str(got, STR("new"), "the link's place");
    assert_int_equal(file_read(f->a, path, 100, &got), FILE_OK);
    check_str(got, STR("old and longer"), "what the link pointed to");
    assert_int_equal(count_entries(f->dir), 2);
}

static void test_write_in_the_working_directory(void **state)
{
    struct fixture *f = *state;
    struct str got;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(f->dir), 0);
    assert_int_equal(file_write_atomic(STR("bare"), STR("x"), 0600), FILE_OK);
    assert_int_equal(file_mkdirs(STR("a/b"), 0700), FILE_OK);
    assert_int_equal(file_write_atomic(STR("a/b//c"), STR("y"), 0600), FILE_OK);
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_int_equal(file_read(f->a, in_dir(f, "bare"), 10, &got), FILE_OK);
    check_str(got, STR("x"), "bare");
    assert_int_equal(file_read(f->a, in_dir(f, "a/b/c"), 10, &got), FILE_OK);
    check_str(got, STR("y"), "a/b/c");
}

static void test_write_failures(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(file_mkdirs(in_dir(f, "full/sub"), 0700), FILE_OK);
    assert_int_equal(file_write_atomic(in_dir(f, "file"), STR("kept"), 0600), FILE_OK);
    const struct {
        const char *name;
        struct str path;
        enum file_result want;
    } cases[] = {
        {"missing folder", in_dir(f, "missing/file"), FILE_NOT_FOUND},
        {"below a file", in_dir(f, "file/x"), FILE_NOT_DIRECTORY},
        {"a folder", in_dir(f, "full"), FILE_NOT_REGULAR},
        {"empty", STR(""), FILE_BAD_PATH},
        {"NUL byte", STR("a\0b"), FILE_BAD_PATH},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_case(file_write_atomic(cases[i].path, STR("new"), 0600) == cases[i].want, cases[i].name);
    assert_int_equal(count_entries(f->dir), 2);
}

/* The limit of the process stands in for a full disk: the write stops half-way. */
static void test_write_that_fails_half_way(void **state)
{
    struct fixture *f = *state;
    struct str path = in_dir(f, "file");
    struct str got;
    assert_int_equal(file_write_atomic(path, STR("old"), 0600), FILE_OK);
    struct rlimit before;
    struct str large = {arena_alloc(f->a, 100000), 100000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 5000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum file_result result = file_write_atomic(path, large, 0600);
    int failure = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(result, FILE_TOO_LARGE);
    assert_int_equal(failure, EFBIG);
    assert_int_equal(file_read(f->a, path, 100, &got), FILE_OK);
    check_str(got, STR("old"), "content");
    assert_int_equal(count_entries(f->dir), 1);
}

static void test_denied(void **state)
{
    struct fixture *f = *state;
    struct str got;
    /* Root may write anywhere, but not into /proc. */
    if (geteuid() == 0) {
        assert_int_not_equal(file_write_atomic(STR("/proc/hearth"), STR("x"), 0600), FILE_OK);
        assert_int_not_equal(file_mkdirs(STR("/proc/hearth"), 0700), FILE_OK);
        return;
    }
    assert_int_equal(file_mkdirs(in_dir(f, "locked"), 0700), FILE_OK);
    assert_int_equal(file_write_atomic(in_dir(f, "secret"), STR("x"), 0), FILE_OK);
    assert_int_equal(chmod(c(f, in_dir(f, "locked")), 0500), 0);
    assert_int_equal(file_read(f->a, in_dir(f, "secret"), 10, &got), FILE_DENIED);
    assert_int_equal(file_write_atomic(in_dir(f, "locked/x"), STR("x"), 0600), FILE_DENIED);
    assert_int_equal(file_mkdirs(in_dir(f, "locked/x/y"), 0700), FILE_DENIED);
}

static void test_mkdirs(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    static const char *const paths[] = {"a", "a/b/c", "a//d///e/", "a/./f/../g", "a/b"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct str path = in_dir(f, paths[i]);
        assert_int_equal(file_mkdirs(path, 0750), FILE_OK);
        assert_int_equal(file_mkdirs(path, 0700), FILE_OK);
        assert_int_equal(stat(c(f, path), &st), 0);
        assert_true(S_ISDIR(st.st_mode));
    }
    assert_int_equal(mode_of(f, in_dir(f, "a/b/c")), 0750);
    assert_int_equal(file_mkdirs(STR("/"), 0700), FILE_OK);
    assert_int_equal(file_mkdirs(STR("."), 0700), FILE_OK);

    assert_int_equal(symlink("a", c(f, in_dir(f, "link"))), 0);
    assert_int_equal(file_mkdirs(in_dir(f, "link/h"), 0700), FILE_OK);
    assert_int_equal(stat(c(f, in_dir(f, "a/h")), &st), 0);

    assert_int_equal(file_write_atomic(in_dir(f, "file"), STR("x"), 0600), FILE_OK);
    assert_int_equal(file_mkdirs(in_dir(f, "file"), 0700), FILE_NOT_DIRECTORY);
    assert_int_equal(file_mkdirs(in_dir(f, "file/x"), 0700), FILE_NOT_DIRECTORY);
    assert_int_equal(file_mkdirs(STR(""), 0700), FILE_BAD_PATH);
    assert_int_equal(file_mkdirs(STR("a\0b"), 0700), FILE_BAD_PATH);
}

static void test_texts(void **state)
{
    (void)state;
    for (int i = FILE_OK; i <= FILE_IO_ERROR; i++)
        assert_true(strlen(file_result_text((enum file_result)i)) > 0);
}

int main(void)
{
#define FILE_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_round_trip),
        FILE_TEST(test_read_limit),
        FILE_TEST(test_read_failures),
        FILE_TEST(test_write_replaces),
        FILE_TEST(test_write_in_the_working_directory),
        FILE_TEST(test_write_failures),
        FILE_TEST(test_write_that_fails_half_way),
        FILE_TEST(test_denied),
        FILE_TEST(test_mkdirs),
        FILE_TEST(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
