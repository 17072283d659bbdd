#include "base/arena.h"
#include "codec/json.h"
#include "main/config.h"
#include "main/config_doc.h"
#include "main/config_option.h"

#include <string.h>

#include "check.h"

/* The example file, as it is: every option a comment but those that were given; empty is given too. */
static void test_example_is_good(void **state)
{
    struct config_given given = {0};
    struct config_report report;
    struct buf text;

    (void)state;
    given.values[0] = STR("example.org");
    given.values[1] = STR("/tmp/a \"b\" \\c");
    for (size_t i = 2; config_option_at(i); i++) {
        if (strcmp(config_option_at(i)->name, "trusted_proxies") == 0 || strcmp(config_option_at(i)->name, "log") == 0)
            given.values[i] = STR("");
    }
    buf_init(&text, 1 << 20);
    config_doc_toml(&text, &given);
    assert_true(buf_ok(&text));
    config_report_init(&report);
    struct config *c = config_parse(STR("x"), buf_str(&text), NULL, &report);
    assert_non_null(c);
    assert_int_equal(report.warning_count, 1); /* of a log without a level */
    assert_int_equal(c->trusted_proxies.count, 0);
    check_str(c->log, STR(""), "log");
    check_str(c->server_name, STR("example.org"), "server_name");
    check_str(c->database_path, STR("/tmp/a \"b\" \\c"), "database_path");
    config_free(&c);
    config_report_fini(&report);
    buf_fini(&text);
}

/* The same with every comment of the form "#name = value" taken seriously: defaults and examples must be good too. */
static void test_example_uncommented(void **state)
{
    struct config_given given = {0};
    struct config_report report;
    struct buf text, bare;
    size_t options = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&bare, 1 << 20);
    config_doc_toml(&text, &given);
    for (struct str rest = buf_str(&text); rest.n > 0;) {
        struct str line = str_cut(rest, '\n', &rest);
        bool option = line.n > 1 && line.p[0] == '#' && line.p[1] != ' ';
        options += option;
        buf_add(&bare, str_slice(line, option ? 1 : 0, line.n));
        buf_add_char(&bare, '\n');
    }
    config_report_init(&report);
    struct config *c = config_parse(STR("x"), buf_str(&bare), NULL, &report);
    if (report.error_count > 0) /* the one option without default and example */
        check_str(report.errors[0], STR("?"), "an uncommented example");
    assert_non_null(c);
    while (config_option_at(options))
        fail_msg("%s is missing in the example", config_option_at(options)->name);
    config_free(&c);
    config_report_fini(&report);
    buf_fini(&bare);
    buf_fini(&text);
}

static void test_markdown_has_all(void **state)
{
    struct buf text;
    char heading[200];

    (void)state;
    buf_init(&text, 1 << 20);
    config_doc_markdown(&text);
    assert_true(buf_ok(&text));
    for (size_t i = 0; config_option_at(i); i++) {
        snprintf(heading, sizeof(heading), "\n### `%s`\n", config_option_at(i)->name);
        check_case(str_find_str(buf_str(&text), str_of(heading)) < text.n, heading);
    }
    buf_fini(&text);
}

static void test_json_is_json(void **state)
{
    struct arena *a = arena_new();
    struct buf text;
    size_t count = 0;

    (void)state;
    while (config_option_at(count))
        count++;
    buf_init(&text, 1 << 20);
    config_doc_json(&text);
    struct json_result result = json_parse(a, buf_str(&text), JSON_DEPTH_MAX);
    assert_non_null(result.value);
    assert_int_equal(json_get(result.value, STR("options"))->count, count);
    buf_fini(&text);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_is_good),
        cmocka_unit_test(test_example_uncommented),
        cmocka_unit_test(test_markdown_has_all),
        cmocka_unit_test(test_json_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
