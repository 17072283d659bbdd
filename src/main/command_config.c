#include "base/buf.h"
#include "base/file.h"
#include "main/command.h"
#include "main/config_doc.h"
#include "main/config_value.h"
#include "main/data_folder.h"
#include "main/server.h"

#include <string.h>
#include <unistd.h>

#define FILE_DEFAULT "hearth.toml"
#define DOC_MAX      ((size_t)1 << 20)

static void print_messages(struct command_line *line, const char *kind, const struct str *messages, size_t count)
{
    size_t kept = config_report_kept(count);

    for (size_t i = 0; i < kept; i++) {
        fputs(kind, line->err);
        command_print_str(line->err, messages[i]);
        fputc('\n', line->err);
    }
    if (count > kept)
        fprintf(line->err, "%s... and %zu more\n", kind, count - kept);
}

static const char no_file[] = "there is no configuration: no --config, no HEARTH_CONFIG, and none of ./hearth.toml, "
                              "./data/hearth.toml and /etc/hearth/hearth.toml. Make one with: hearth init";

struct config *command_load_config(struct command_line *line, bool warnings)
{
    const char *path = command_config_path(line);
    struct config_report report;

    if (!path) {
        command_fail(line, COMMAND_FAILED, no_file);
        return NULL;
    }
    config_report_init(&report);
    struct config *config = config_load(path, line->environment, &report);
    if (!config && line->json)
        command_fail(line, COMMAND_FAILED, "%.*s", STR_ARG(report.errors[0]));
    else if (!config)
        print_messages(line, "hearth: ", report.errors, report.error_count);
    if (warnings)
        print_messages(line, "hearth: warning: ", report.warnings, report.warning_count);
    config_report_fini(&report);
    return config;
}

/* --- check-config --- */

static struct json message_list(struct arena *a, const struct str *messages, size_t count)
{
    struct json *list = json_array(a);

    for (size_t i = 0; i < config_report_kept(count); i++)
        json_push(a, list, json_string(messages[i]));
    return *list;
}

/* `folder` is where the data would be; absent if the configuration is wrong. */
static void print_check(struct command_line *line, const char *path, struct str folder,
                        const struct config_report *report)
{
    struct arena *a = line->arena;
    struct json *result = json_object(a);

    if (!line->json) {
        print_messages(line, "error: ", report->errors, report->error_count);
        print_messages(line, "warning: ", report->warnings, report->warning_count);
        fprintf(line->out, "%s %s\n", path, report->error_count > 0 ? "is wrong" : "is good");
        if (folder.p)
            fprintf(line->out, "database_path is %.*s\n", STR_ARG(folder));
        return;
    }
    json_set_str(a, result, STR("file"), str_of(path));
    if (folder.p)
        json_set_str(a, result, STR("database_path"), folder);
    json_set(a, result, STR("good"), json_bool(report->error_count == 0));
    json_set(a, result, STR("errors"), message_list(a, report->errors, report->error_count));
    json_set(a, result, STR("warnings"), message_list(a, report->warnings, report->warning_count));
    command_print_json(line, result);
}

/* Where the server will be started is not known here, nor by whom. */
static void check_folder(struct command_line *line, const char *path, const struct config *config,
                         struct config_report *report)
{
    struct data_folder_fault fault = data_folder_check(line->arena, config);
    struct str astray = data_folder_astray(line->arena, config, path, line->environment);

    struct store_error error;

    if (fault.error.n > 0)
        config_report_error(report, "%.*s", STR_ARG(fault.error));
    if (!store_may_belong(server_database(line->arena, config), config->server_name, &error))
        config_report_error(report, "server_name: %s", error.text);
    if (fault.warning.n > 0)
        config_report_warning(report, "%.*s", STR_ARG(fault.warning));
    if (astray.n > 0)
        config_report_warning(report, "%.*s", STR_ARG(astray));
}

enum command_exit command_config_check(struct command_line *line)
{
    const char *path = command_config_path(line);
    struct config_report report;

    if (!path)
        return command_fail(line, COMMAND_FAILED, no_file);
    config_report_init(&report);
    struct config *config = config_load(path, line->environment, &report);
    struct str folder = {0};
    if (config) {
        folder = data_folder_absolute(line->arena, config->database_path);
        check_folder(line, path, config, &report);
    }
    enum command_exit code = report.error_count == 0 ? COMMAND_OK : COMMAND_FAILED;
    print_check(line, path, folder, &report);
    config_free(&config);
    config_report_fini(&report);
    return code;
}

/* --- options --- */

enum command_exit command_config_options(struct command_line *line)
{
    static const struct config_given nothing;
    bool toml = command_flag(line, "--toml") != NULL, markdown = command_flag(line, "--markdown") != NULL;
    struct buf text;

    if (toml + markdown + line->json > 1)
        return command_fail(line, COMMAND_USAGE, "one form is enough: --toml, --markdown or --json");
    buf_init(&text, DOC_MAX);
    if (line->json)
        config_doc_json(&text);
    else if (markdown)
        config_doc_markdown(&text);
    else
        config_doc_toml(&text, &nothing);
    fwrite(text.p, 1, text.n, line->out);
    buf_fini(&text);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* --- init --- */

static size_t row_of(const struct config_option *option)
{
    size_t row = 0;

    while (config_option_at(row) != option)
        row++;
    return row;
}

/* The file is to mean the same wherever the server is started. A path that would be too long so stays relative. */
static struct str absolute_path(struct command_line *line, const struct config_option *option, struct str path)
{
    struct str absolute = data_folder_absolute(line->arena, path);

    return option->check && option->type != CONFIG_SECRET && option->check(absolute) ? path : absolute;
}

/* --set NAME_file=PATH for a secret. Whether the file is there is seen when it is read. */
static enum command_exit take_secret_file(struct command_line *line, struct config_given *given,
                                          const struct config_option *option, struct str path)
{
    if (path.n == 0)
        return command_fail(line, COMMAND_USAGE, "%s_file must be the path of a file", option->name);
    given->files[row_of(option)] = absolute_path(line, option, path);
    return COMMAND_OK;
}

static enum command_exit take_value(struct command_line *line, struct config_given *given,
                                    const struct config_option *option, struct str text)
{
    struct config scratch = {.arena = line->arena};
    struct config_value value = config_value_of_text(line->arena, option, text);
    struct str complaint = config_value_store(&scratch, option, &value);

    if (complaint.n > 0)
        return command_fail(line, COMMAND_USAGE, "%s %.*s", option->name, STR_ARG(complaint));
    if (strcmp(option->name, "database_path") == 0)
        text = absolute_path(line, option, text);
    given->values[row_of(option)] = text;
    return COMMAND_OK;
}

/* Takes every --set into `given`, checked. */
static enum command_exit take_sets(struct command_line *line, struct config_given *given)
{

    for (size_t i = 0; i < line->flag_count; i++) {
        struct str text, name;

        if (strcmp(line->flags[i]->name, "--set") != 0)
            continue;
        struct str setting = str_of(line->flag_values[i]);
        name = str_cut(setting, '=', &text);
        if (name.n == setting.n)
            return command_fail(line, COMMAND_USAGE, "--set takes NAME=VALUE, not %.*s", STR_ARG(name));
        const struct config_option *option = config_option_find(name), *of_file = config_option_find_file(name);
        if (!option && !of_file)
            return command_fail(line, COMMAND_USAGE, "there is no option %.*s (the nearest known one is %s)",
                                STR_ARG(name), config_option_nearest(name, false));
        enum command_exit code =
            option ? take_value(line, given, option, text) : take_secret_file(line, given, of_file, text);
        if (code != COMMAND_OK)
            return code;
        size_t row = row_of(option ? option : of_file);
        if (given->values[row].p && given->files[row].p)
            return command_fail(line, COMMAND_USAGE, "%s and %s_file are both given; one is enough",
                                config_option_at(row)->name, config_option_at(row)->name);
    }
    return COMMAND_OK;
}

static enum command_exit write_config(struct command_line *line, const char *path, const struct config_given *given)
{
    struct str folder = str_of(path);
    enum file_result result = FILE_OK;
    struct buf text;

    while (folder.n > 0 && folder.p[folder.n - 1] != '/')
        folder.n--;
    if (folder.n > 1)
        result = file_mkdirs(str_slice(folder, 0, folder.n - 1), 0700);
    buf_init(&text, DOC_MAX);
    config_doc_toml(&text, given);
    if (result == FILE_OK)
        result = file_write_atomic(str_of(path), buf_str(&text), 0600);
    buf_fini(&text);
    if (result == FILE_OK)
        return COMMAND_OK;
    return command_fail(line, COMMAND_FAILED, "cannot write %s: %s", path, file_result_text(result));
}

enum command_exit command_config_init(struct command_line *line)
{
    struct config_given *given = ARENA_NEW(line->arena, struct config_given);
    const char *path = line->config_path ? line->config_path : FILE_DEFAULT;
    bool exists = access(path, F_OK) == 0;
    enum command_exit code = take_sets(line, given);

    if (code != COMMAND_OK)
        return code;
    if (exists && !command_flag(line, "--if-missing"))
        return command_fail(line, COMMAND_FAILED, "%s exists already; it is left as it is", path);
    if (!exists)
        code = write_config(line, path, given);
    if (code != COMMAND_OK)
        return code;

    struct json *result = json_object(line->arena);
    json_set_str(line->arena, result, STR("file"), str_of(path));
    json_set(line->arena, result, STR("written"), json_bool(!exists));
    if (line->json)
        return command_print_json(line, result);
    if (!exists)
        fprintf(line->out, "Wrote %s%s\n", path, given->values[0].n > 0 ? "" : ": set server_name in it");
    return COMMAND_OK;
}
