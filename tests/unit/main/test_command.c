#include "base/arena.h"
#include "base/file.h"
#include "main/command.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

#define WORDS_MAX 16

/* Cuts a command line written as one text, words separated by blanks, and describes what came of it. */
static struct str describe(struct arena *a, const char *text)
{
    char *argv[WORDS_MAX + 1] = {(char[]){"hearth"}};
    struct command_line line = {.arena = a};
    struct str rest = str_of(text), complaint = STR("");
    int argc = 1;

    while (rest.n > 0 && argc < WORDS_MAX) {
        struct str word = str_cut(rest, ' ', &rest);
        char *copy = arena_alloc(a, word.n + 1);
        memcpy(copy, word.p, word.n);
        argv[argc++] = copy;
    }
    if (!command_parse(&line, argc, argv, &complaint))
        return str_fmt(a, "error: %.*s", STR_ARG(complaint));

    struct str out = str_fmt(a, "%s", line.command ? line.command->name : "(none)");
    for (size_t i = 0; i < line.arg_count; i++)
        out = str_fmt(a, "%.*s|%s", STR_ARG(out), line.args[i]);
    for (size_t i = 0; i < line.flag_count; i++)
        out = str_fmt(a, "%.*s %s=%s", STR_ARG(out), line.flags[i]->name, line.flag_values[i]);
    return out;
}

static const struct {
    const char *line, *want;
} lines[] = {
    {"", "(none)"},
    {"--help", "(none) --help="},
    {"version", "version"},
    {"serve --config a.toml", "serve --config=a.toml"},
    {"serve --config=a.toml", "serve --config=a.toml"},
    {"--config a.toml serve", "serve --config=a.toml"},
    {"user create alice", "user create|alice"},
    {"user create alice --admin --password-file -", "user create|alice --admin= --password-file=-"},
    {"user --json create --password-file x alice", "user create|alice --json= --password-file=x"},
    {"user create -- --admin", "user create|--admin"},
    {"token create --uses 3", "token create --uses=3"},
    {"token revoke abc", "token revoke|abc"},
    {"init --set a=b --set c=d=e", "init --set=a=b --set=c=d=e"},
    {"help user create", "help|user|create"},
    {"user create --help", "user create --help="},
    {"user", "error: user wants one of: create, list, password, admin, deactivate"},
    {"token --json", "error: token wants one of: create, list, revoke"},
    {"user --help", "(none) --help="},
    {"user --help --admin", "error: there is no flag --admin"},
    {"user crate alice", "error: there is no command user crate; did you mean user create?"},
    {"usr create alice", "error: there is no command usr create; did you mean user create?"},
    {"users", "error: there is no command users; did you mean user?"},
    {"user add alice", "error: there is no command user add; user has: create, list, password, admin, deactivate"},
    {"tokne lits", "error: there is no command tokne lits; did you mean token list?"},
    {"launch", "error: there is no command launch"},
    {"launch it", "error: there is no command launch"},
    {"serv", "error: there is no command serv; did you mean serve?"},
    {"chekc-config x", "error: there is no command chekc-config; did you mean check-config?"},
    {"user create", "error: user create wants NAME"},
    {"user create a b c", "error: too many arguments: user create wants only NAME"},
    {"user list a", "error: user list wants no arguments"},
    {"user list a b c d e f g h", "error: user list wants no arguments"},
    {"serve --loud", "error: there is no flag --loud"},
    {"serve --loud=yes", "error: there is no flag --loud"},
    {"serve -x", "error: there is no flag -x"},
    {"serve --config", "error: --config wants a value: FILE"},
    {"serve --welcome=yes", "error: --welcome takes no value"},
    {"serve --config a --config b", "error: --config is given too often"},
    {"user list --admin", "error: there is no flag --admin"},
    {"user create --pasword-file=-", "error: there is no flag --pasword-file; did you mean --password-file?"},
    {"serve --confg", "error: there is no flag --confg; did you mean --config?"},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct arena *a = arena_new();
        check_str(describe(a, lines[i].line), str_of(lines[i].want), lines[i].line);
        arena_free(&a);
    }
}

/* --- whole commands that touch nothing, by exit code and what they print --- */

static enum command_exit run(struct arena *a, const char *const *words, struct str *out)
{
    char *argv[WORDS_MAX + 1] = {(char[]){"hearth"}};
    struct str complaint = STR("");
    char *text = NULL;
    size_t size = 0;
    int argc = 1;

    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    struct command_line line = {.arena = a, .in = stdin, .out = stream, .err = stream};
    for (size_t i = 0; words[i]; i++)
        argv[argc++] = (char *)(uintptr_t)words[i];
    enum command_exit code = command_parse(&line, argc, argv, &complaint) ? line.command->run(&line) : COMMAND_USAGE;
    fclose(stream);
    *out = str_copy(a, (struct str){text, size});
    free(text);
    return code;
}

static void test_version(void **state)
{
    struct arena *a = arena_new();
    struct str out;

    (void)state;
    assert_int_equal(run(a, (const char *const[]){"version", NULL}, &out), COMMAND_OK);
    check_str(out, STR("Hearth " HEARTH_VERSION "\n"), "text");
    assert_int_equal(run(a, (const char *const[]){"version", "--json", NULL}, &out), COMMAND_OK);
    check_str(out, STR("{\"name\":\"Hearth\",\"version\":\"" HEARTH_VERSION "\"}\n"), "JSON");
    arena_free(&a);
}

static void test_help_names_every_command(void **state)
{
    struct arena *a = arena_new();
    struct str out;

    (void)state;
    assert_int_equal(run(a, (const char *const[]){"help", NULL}, &out), COMMAND_OK);
    for (size_t i = 0; command_at(i); i++) {
        struct str row = str_fmt(a, "\n  %s ", command_at(i)->name);
        check_case(str_find_str(out, row) < out.n, command_at(i)->name);
    }
    arena_free(&a);
}

static void test_help_of_a_noun(void **state)
{
    static const char *const good[][3] = {{"help", "user"}, {"help", "token"}};
    struct arena *a = arena_new();
    struct str out;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct str noun = str_fmt(a, "%s ", good[i][1]);
        assert_int_equal(run(a, good[i], &out), COMMAND_OK);
        for (size_t k = 0; command_at(k); k++) {
            const struct command *command = command_at(k);
            bool mine = str_starts(str_of(command->name), noun);
            check_case((str_find_str(out, str_of(command->help)) < out.n) == mine, command->name);
            for (size_t f = 0; mine && command->flags[f].name; f++)
                check_case(str_find_str(out, str_of(command->flags[f].help)) < out.n, command->flags[f].name);
        }
    }
    assert_int_equal(run(a, (const char *const[]){"help", "user", "crate", NULL}, &out), COMMAND_USAGE);
    check_case(str_find_str(out, STR("did you mean user create?")) < out.n, "did you mean");
    assert_int_equal(run(a, (const char *const[]){"help", "serve", "now", NULL}, &out), COMMAND_USAGE);
    arena_free(&a);
}

static const struct json *json_of(struct arena *a, struct str text)
{
    struct json_result parsed = json_parse(a, text, JSON_DEPTH_MAX);

    assert_non_null(parsed.value);
    return parsed.value;
}

static void test_help_as_json(void **state)
{
    struct arena *a = arena_new();
    struct str out;

    (void)state;
    assert_int_equal(run(a, (const char *const[]){"help", "--json", NULL}, &out), COMMAND_OK);
    const struct json *all = json_of(a, out), *rows = json_get(all, STR("commands"));
    for (uint32_t i = 0; command_at(i); i++) {
        const struct command *command = command_at(i);
        assert_true(i < rows->count);
        check_str(json_str_at(&rows->items[i], STR("name")), str_of(command->name), command->name);
        check_str(json_str_at(&rows->items[i], STR("help")), str_of(command->help), command->name);
        const struct json *flags = json_get(&rows->items[i], STR("flags"));
        for (uint32_t f = 0; command->flags[f].name; f++)
            check_str(json_str_at(&flags->items[f], STR("name")), str_of(command->flags[f].name), command->name);
        assert_null(command->flags[flags->count].name);
    }
    assert_null(command_at(rows->count));
    assert_int_equal(json_get(all, STR("flags"))->count, 3);

    assert_int_equal(run(a, (const char *const[]){"help", "token", "--json", NULL}, &out), COMMAND_OK);
    assert_int_equal(json_get(json_of(a, out), STR("commands"))->count, 3);
    assert_int_equal(run(a, (const char *const[]){"help", "--json", "user", "create", NULL}, &out), COMMAND_OK);
    rows = json_get(json_of(a, out), STR("commands"));
    assert_int_equal(rows->count, 1);
    check_str(json_str_at(&rows->items[0], STR("arguments")), STR("NAME"), "arguments");
    arena_free(&a);
}

static int line_of(struct arena *a, const char *path, const char *begin)
{
    struct str text;
    int number = 0;

    assert_int_equal(file_read(a, str_of(path), 1 << 20, &text), FILE_OK);
    while (text.n > 0) {
        number++;
        if (str_starts(str_cut(text, '\n', &text), str_of(begin)))
            return number;
    }
    return 0;
}

static void test_init_and_check(void **state)
{
    char folder[] = "/tmp/hearth-test-XXXXXX", path[64], before[PATH_MAX], current[PATH_MAX];
    struct arena *a = arena_new();
    struct str out;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(folder), 0);
    snprintf(path, sizeof(path), "%s/a/b.toml", folder);
    const char *const init[] = {"init",
                                "--config",
                                path,
                                "--set",
                                "server_name=example.org",
                                "--set",
                                "port=1,2",
                                "--set",
                                "trusted_proxies=",
                                "--set",
                                "registration_token_file=secret",
                                "--set",
                                "database_path=x/data",
                                NULL};
    const char *const again[] = {"init", "--config", path, "--if-missing", NULL};
    const char *const check[] = {"check-config", "--config", path, "--json", NULL};
    const char *const unknown[] = {"init", "--config", path, "--if-missing", "--set", "prot=1", NULL};
    const char *const no_value[] = {"init", "--config", path, "--if-missing", "--set", "trusted_proxies", NULL};
    const char *const both[] = {
        "init", "--config", path, "--if-missing", "--set", "registration_token=a", "--set", "registration_token_file=b",
        NULL};
    const char *const no_file[] = {"init", "--config", path, "--if-missing", "--set", "registration_token_file=", NULL};
    const char *const no_secret[] = {"init", "--config", path, "--if-missing", "--set", "port_file=/a", NULL};
    const char *const wrong[] = {"init", "--config", path, "--if-missing", "--set", "port=x", NULL};

    assert_int_equal(run(a, init, &out), COMMAND_OK);
    assert_int_equal(run(a, init, &out), COMMAND_FAILED); /* never over a file that is there */
    assert_int_equal(run(a, again, &out), COMMAND_OK);
    assert_int_equal(run(a, unknown, &out), COMMAND_USAGE);
    check_case(str_find_str(out, STR("the nearest known one is port")) < out.n, "nearest");
    assert_int_equal(run(a, wrong, &out), COMMAND_USAGE);
    assert_int_equal(run(a, no_value, &out), COMMAND_USAGE);
    assert_int_equal(run(a, both, &out), COMMAND_USAGE);
    check_case(str_find_str(out, STR("both")) < out.n, "a secret and its file");
    assert_int_equal(run(a, no_file, &out), COMMAND_USAGE);
    assert_int_equal(run(a, no_secret, &out), COMMAND_USAGE);
    assert_int_equal(file_read(a, str_of(path), 1 << 20, &out), FILE_OK);
    check_case(str_find_str(out, STR("\ntrusted_proxies = []\n")) < out.n, "an empty list is a value");
    /* Paths are written so that they mean the same wherever the server is started. */
    assert_non_null(getcwd(current, sizeof(current)));
    check_case(str_find_str(out, str_fmt(a, "\ndatabase_path = \"%s/x/data\"\n", current)) < out.n, "database_path");
    check_case(str_find_str(out, str_fmt(a, "\nregistration_token_file = \"%s/secret\"\n", current)) < out.n, "secret");
    check_case(str_find_str(out, STR("registration_token = ")) == out.n, "not both");
    assert_int_equal(run(a, check, &out), COMMAND_FAILED);
    check_case(str_find_str(out, STR("secret: no such file")) < out.n, "the file of the secret is missing");
    FILE *secret = fopen("secret", "w");
    assert_non_null(secret);
    fputs("token", secret);
    assert_int_equal(fchmod(fileno(secret), 0600), 0);
    fclose(secret);
    assert_int_equal(run(a, check, &out), COMMAND_OK);
    check_str(out,
              str_fmt(a,
                      "{\"database_path\":\"%s/x/data\",\"errors\":[],\"file\":\"%s\",\"good\":true,\"warnings\":["
                      "\"%s/a/b.toml:%d: registration_token has no effect while allow_registration is false\"]}\n",
                      current, path, folder, line_of(a, path, "registration_token_file")),
              "check-config");
    assert_int_equal(unlink("secret"), 0);
    assert_int_equal(chdir(before), 0);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(a, check, &out), COMMAND_FAILED);
    check_case(str_find_str(out, STR("\"good\":false")) < out.n, "a missing file is wrong");
    snprintf(path, sizeof(path), "%s/a", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_help_names_every_command),
        cmocka_unit_test(test_help_of_a_noun),
        cmocka_unit_test(test_help_as_json),
        cmocka_unit_test(test_init_and_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
