#include "main/data_folder.h"
#include "main/server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

/* A folder of its own, which is the current one, with "conf/h.toml" in it. */
struct place {
    char folder[40];
    struct arena *a;
    int before;
};

static void touch(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void begin(struct place *p)
{
    snprintf(p->folder, sizeof(p->folder), "/tmp/hearth-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->a = arena_new();
    p->before = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(p->before >= 0);
    assert_int_equal(chdir(p->folder), 0);
    assert_int_equal(mkdir("conf", 0700), 0);
    touch("conf/h.toml");
}

static void end(struct place *p)
{
    static const char *const names[] = {"data/hearth.db", "data/signing.key", "data/hearth.sock",
                                        "data/other",     "data/moved",       "plain",
                                        "conf/h.toml",    "conf/data"};
    static const char *const folders[] = {"data", "conf"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(names[i]);
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        rmdir(folders[i]);
    assert_int_equal(fchdir(p->before), 0);
    close(p->before);
    assert_int_equal(rmdir(p->folder), 0);
    arena_free(&p->a);
}

static void test_absolute(void **state)
{
    static const struct {
        const char *path, *want; /* after the folder */
    } cases[] = {{"data", "/data"}, {"./data", "/data"}, {"././a/b", "/a/b"}, {".", ""}, {"./", ""}, {"../x", "/../x"}};
    struct place p;

    (void)state;
    begin(&p);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_str(data_folder_absolute(p.a, str_of(cases[i].path)), str_fmt(p.a, "%s%s", p.folder, cases[i].want),
                  cases[i].path);
    check_str(data_folder_absolute(p.a, STR("/a")), STR("/a"), "absolute already");
    assert_int_equal(chdir("/"), 0);
    check_str(data_folder_absolute(p.a, STR("a")), STR("/a"), "from the root");
    assert_int_equal(chdir(p.folder), 0);
    end(&p);
}

static void test_astray(void **state)
{
    static const struct {
        const char *name, *config_path, *path, *variable, *file; /* file: what is in the folder "data"; "": nothing */
        bool astray;
    } cases[] = {
        {"absolute", "conf/h.toml", "/does/not/exist", NULL, NULL, false},
        {"beside the file", "h.toml", "data", NULL, NULL, false},
        {"beside the file, by a long name", "conf/../h.toml", "data", NULL, NULL, false},
        {"elsewhere", "conf/h.toml", "data", NULL, NULL, true},
        {"elsewhere, made on purpose", "conf/h.toml", "data", NULL, "", false},
        {"elsewhere, a folder of others", "conf/h.toml", "data", NULL, "data/other", true},
        {"elsewhere, with a database", "conf/h.toml", "data", NULL, "data/hearth.db", false},
        {"elsewhere, with a key only", "conf/h.toml", "data", NULL, "data/signing.key", false},
        {"by the environment", "conf/h.toml", "data", "HEARTH_DATABASE_PATH=data", NULL, false},
        {"another variable", "conf/h.toml", "data", "HEARTH_DATABASE=data", NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct place p;
        begin(&p);
        char *environment[] = {(char *)(uintptr_t)cases[i].variable, NULL};
        struct config config = {.database_path = str_of(cases[i].path)};
        if (cases[i].file)
            assert_int_equal(mkdir("data", 0700), 0);
        if (cases[i].file && cases[i].file[0])
            touch(cases[i].file);
        struct str complaint = data_folder_astray(p.a, &config, cases[i].config_path, environment);
        check_case((complaint.n > 0) == cases[i].astray, cases[i].name);
        struct str absolute = str_fmt(p.a, "%s/data", p.folder);
        check_case(complaint.n == 0 || str_find_str(complaint, absolute) < complaint.n, cases[i].name);
        end(&p);
    }
}

static void test_check(void **state)
{
    static const struct {
        const char *path, *error; /* what the error begins with; NULL: none */
    } cases[] = {
        {"data", NULL},
        {"new/and/deep", NULL},
        {".", NULL},
        {"plain", "database_path: /tmp/"},
        {"plain/below", "database_path: cannot reach /tmp/"},
    };
    struct place p;

    (void)state;
    begin(&p);
    touch("plain");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = {.database_path = str_of(cases[i].path)};
        struct data_folder_fault fault = data_folder_check(p.a, &config);
        struct str said = fault.error.n > 0 ? fault.error : fault.warning;
        struct str want = str_of(cases[i].error ? cases[i].error : "");
        check_str(want.n > 0 ? str_slice(said, 0, want.n) : said, want, cases[i].path);
    }
    check_case(access("new", F_OK) != 0 && access("data", F_OK) != 0, "nothing is made");
    assert_int_equal(mkdir("data", 0700), 0);
    assert_int_equal(mkdir("data/hearth.db", 0700), 0);
    struct config config = {.database_path = STR("data")};
    struct str error = data_folder_check(p.a, &config).error;
    check_case(str_find_str(error, STR("is no regular file")) < error.n, "a folder for a database");
    assert_int_equal(rmdir("data/hearth.db"), 0);
    end(&p);
}

/* What this user may not, another may; but nobody who owns the folder. Root may all: for that we are nobody for once.
 */
static void test_check_permissions(void **state)
{
    const uid_t nobody = geteuid() == 0 ? 65534 : geteuid();
    struct config own = {.database_path = STR("data")}, foreign = {.database_path = STR("/proc/hearth")};
    struct place p;

    (void)state;
    begin(&p);
    assert_int_equal(chmod(p.folder, 0755), 0);
    assert_int_equal(mkdir("data", 0700), 0);
    assert_int_equal(chown("data", nobody, (gid_t)-1), 0);
    assert_int_equal(chmod("data", 0500), 0);
    const uid_t before = geteuid();
    assert_int_equal(setresuid(nobody, nobody, before), 0);
    struct data_folder_fault of_own = data_folder_check(p.a, &own), of_foreign = data_folder_check(p.a, &foreign);
    assert_int_equal(setresuid(before, before, before), 0);
    check_str(str_slice(of_own.error, 0, 31), STR("database_path: cannot write to "), "our own folder");
    check_case(of_foreign.error.n == 0, "a folder of somebody else");
    check_str(str_slice(of_foreign.warning, 0, 44), STR("database_path: this user cannot make a folde"), "a warning");
    end(&p);
}

static void test_watch(void **state)
{
    struct config config = {.database_path = STR("data")};
    struct data_folder_watch watch;
    struct place p;

    (void)state;
    begin(&p);
    assert_int_equal(mkdir("data", 0700), 0);
    touch("data/hearth.db");
    touch("data/hearth.sock");
    data_folder_watch_init(&watch, p.a, &config);
    assert_int_equal(data_folder_watch_look(&watch), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(data_folder_watch_look(&watch), 0);
    assert_int_equal(chdir(p.folder), 0);

    assert_int_equal(rename("data/hearth.db", "data/moved"), 0);
    assert_int_equal(data_folder_watch_look(&watch), 1);
    assert_int_equal(data_folder_watch_look(&watch), 0); /* said once */
    touch("data/hearth.db");                             /* another one is no better */
    assert_int_equal(data_folder_watch_look(&watch), 0);
    assert_int_equal(rename("data/moved", "data/hearth.db"), 0);
    assert_int_equal(data_folder_watch_look(&watch), 0);
    assert_int_equal(unlink("data/hearth.db"), 0);
    assert_int_equal(unlink("data/hearth.sock"), 0);
    assert_int_equal(data_folder_watch_look(&watch), 2);

    data_folder_watch_init(&watch, p.a, &config); /* what was never there is not missed */
    assert_int_equal(data_folder_watch_look(&watch), 0);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absolute),          cmocka_unit_test(test_astray), cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_permissions), cmocka_unit_test(test_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
