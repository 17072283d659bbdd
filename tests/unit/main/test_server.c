#include "main/control_client.h"
#include "main/server.h"
#include "service/account.h"

#include <string.h>
#include <sys/stat.h>

#include "check.h"

/* A folder for a database; HEARTH_DATABASE_PATH points there. */
struct place {
    char folder[40];
    char variable[80];
    struct arena *a;
};

static void begin(struct place *p)
{
    snprintf(p->folder, sizeof(p->folder), "/tmp/hearth-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->variable, sizeof(p->variable), "HEARTH_DATABASE_PATH=%s/db", p->folder);
    p->a = arena_new();
}

static void end(struct place *p)
{
    static const char *const names[] = {"db/hearth.db",   "db/hearth.db-wal", "db/hearth.db-shm", "db/hearth.db.lock",
                                        "db/signing.key", "db/kept.key",      "hearth.toml"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(str_fmt(p->a, "%s/%s", p->folder, names[i]).p);
    rmdir(str_fmt(p->a, "%s/db", p->folder).p);
    assert_int_equal(rmdir(p->folder), 0);
    arena_free(&p->a);
}

static struct config *config_of(struct place *p, const char *text)
{
    char *environment[] = {p->variable, NULL};
    struct config_report report;

    config_report_init(&report);
    struct config *config = config_parse(STR("x"), str_of(text), environment, &report);
    assert_non_null(config);
    config_report_fini(&report);
    return config;
}

static const char example[] = "[global]\nserver_name = \"example.org\"\n";

/* Opens and closes; the complaint, or nothing. */
static struct str try_open(struct place *p, const char *text, bool create)
{
    struct store_error error = {.text = ""};
    struct server server;

    if (!server_open(&server, config_of(p, text), create, &error))
        return str_copy(p->a, str_of(error.text));
    check_str(server.signing_key.server_name, server.config->server_name, "the key's server name");
    server_close(&server);
    return STR("");
}

static void make_account(struct place *p)
{
    struct store_error error;
    struct server server;
    struct account_info info;

    assert_true(server_open(&server, config_of(p, example), false, &error));
    struct fault fault = account_create(&server.services, p->a, STR("alice"), STR("correct horse"), false, &info);
    assert_int_equal(fault.code, 0);
    server_close(&server);
}

#define check_complaint(got, part) check_case(str_find_str((got), STR(part)) < (got).n, part)

static void test_open(void **state)
{
    struct str complaint;
    struct stat info;
    struct place p;

    (void)state;
    begin(&p);
    complaint = try_open(&p, example, false);
    check_case(complaint.n > 0, "nothing is made unless asked for");
    check_str(try_open(&p, example, true), STR(""), "a new folder, database and key");
    assert_int_equal(stat(str_fmt(p.a, "%s/db", p.folder).p, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    check_str(try_open(&p, example, true), STR(""), "again");
    complaint = try_open(&p, "[global]\nserver_name = \"other.org\"\n", true);
    check_complaint(complaint, "example.org");
    end(&p);
}

static void test_missing_key(void **state)
{
    struct str complaint;
    struct place p;

    (void)state;
    begin(&p);
    check_str(try_open(&p, example, true), STR(""), "new");
    const char *key = str_fmt(p.a, "%s/db/signing.key", p.folder).p;
    const char *kept = str_fmt(p.a, "%s/db/kept.key", p.folder).p;
    assert_int_equal(unlink(key), 0);
    check_str(try_open(&p, example, true), STR(""), "nobody has signed anything: another key is made");
    make_account(&p);
    assert_int_equal(rename(key, kept), 0);
    complaint = try_open(&p, example, true);
    check_complaint(complaint, "is missing, but the database has accounts");
    assert_int_equal(rename(kept, key), 0);
    check_str(try_open(&p, example, true), STR(""), "the key is back");
    end(&p);
}

/* The database knows the key: another one is refused once an account is there, and stays refused. */
static void test_other_key(void **state)
{
    struct str complaint;
    struct place p;

    (void)state;
    begin(&p);
    check_str(try_open(&p, example, true), STR(""), "new");
    make_account(&p);
    const char *key = str_fmt(p.a, "%s/db/signing.key", p.folder).p;
    const char *kept = str_fmt(p.a, "%s/db/kept.key", p.folder).p;
    assert_int_equal(rename(key, kept), 0);
    FILE *file = fopen(key, "w");
    assert_non_null(file);
    fputs("ed25519 other AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", file);
    fclose(file);
    for (int i = 0; i < 2; i++) {
        complaint = try_open(&p, example, true);
        check_complaint(complaint, "is ed25519:other.");
        check_complaint(complaint, "hearth key accept");
    }
    assert_int_equal(rename(kept, key), 0);
    check_str(try_open(&p, example, true), STR(""), "the key is back");
    end(&p);
}

static void test_two_at_once(void **state)
{
    struct store_error error = {.text = ""};
    struct server first, second;
    struct place p;

    (void)state;
    begin(&p);
    assert_true(server_open(&first, config_of(&p, example), true, &error));
    assert_false(server_open(&second, config_of(&p, example), true, &error));
    assert_true(error.busy);
    server_close(&first);
    end(&p);
}

static void test_reload(void **state)
{
    struct store_error error;
    struct server server;
    struct place p;

    (void)state;
    begin(&p);
    assert_true(server_open(&server, config_of(&p, example), true, &error));
    const struct service_options *before = server.services.options;
    struct config *config = config_of(&p, "[global]\nserver_name = \"other.org\"\nport = [1, 2]\nlog = \"debug\"\n"
                                          "allow_registration = true\naddress = \"127.0.0.1\"\n");
    check_str(server_restart_options(&server, p.a, config), STR("server_name, port"), "need a restart");
    server_reload(&server, config);
    assert_true(server.services.options->allow_registration);
    check_str(server.services.options->server_name, STR("example.org"), "the name stays");
    assert_false(before->allow_registration); /* and may still be read */
    assert_int_equal(server_newest(&server)->log_level, LOG_LEVEL_DEBUG);

    config = config_of(&p, example);
    check_str(server_restart_options(&server, p.a, config), STR(""), "as it was at the start");
    server_reload(&server, config);
    assert_false(server.services.options->allow_registration);
    server_close(&server);
    end(&p);
}

/* A command without a server opens the database itself. */
static void test_command_offline(void **state)
{
    struct place p;
    char *text = NULL;
    size_t size = 0;

    (void)state;
    begin(&p);
    const char *path = str_fmt(p.a, "%s/hearth.toml", p.folder).p;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(example, file);
    fclose(file);
    char *environment[] = {p.variable, NULL};
    FILE *err = open_memstream(&text, &size);
    struct command_line line = {
        .arena = p.a, .config_path = path, .environment = environment, .in = stdin, .out = err, .err = err};

    assert_null(control_client_run(&line, "token create", json_object(p.a)));
    fflush(err);
    check_case(strstr(text, "there is no database") != NULL, "no database");
    check_str(try_open(&p, example, true), STR(""), "new");
    const struct json *result = control_client_run(&line, "token create", json_object(p.a));
    assert_non_null(result);
    assert_true(json_str_at(result, STR("token")).n > 0);
    result = control_client_run(&line, "token list", json_object(p.a));
    assert_non_null(result);
    assert_int_equal(json_get(result, STR("tokens"))->count, 1);
    fclose(err);
    free(text);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),        cmocka_unit_test(test_missing_key), cmocka_unit_test(test_other_key),
        cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_reload),      cmocka_unit_test(test_command_offline),
    };
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
