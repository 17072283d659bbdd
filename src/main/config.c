#include "main/config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "main/config_guard.h"
#include "main/config_ignored.h"
#include "main/config_setting.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_FILE_MAX ((size_t)4096)

/* One load: what is chosen for each option, by row, before it is stored. */
struct loading {
    struct arena *scratch;
    struct config *config;
    struct config_report *report;
    const struct config_setting *chosen[CONFIG_OPTIONS_MAX];
    const struct config_setting *chosen_file[CONFIG_OPTIONS_MAX]; /* <name>_file of secrets */
    struct map_str ignored_seen;
    struct buf ignored;
};

void config_report_init(struct config_report *report)
{
    *report = (struct config_report){.arena = arena_new()};
}

void config_report_fini(struct config_report *report)
{
    arena_free(&report->arena);
}

static struct str format(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static struct str format(struct arena *a, const char *fmt, va_list ap)
{
    struct buf text;

    buf_init(&text, 4096);
    buf_vfmt(&text, fmt, ap);
    struct str copy = str_copy(a, buf_str(&text));
    buf_fini(&text);
    return copy;
}

void config_report_error(struct config_report *report, const char *fmt, ...)
{
    va_list ap;

    if (report->error_count++ >= CONFIG_MESSAGES_MAX)
        return;
    va_start(ap, fmt);
    report->errors[report->error_count - 1] = format(report->arena, fmt, ap);
    va_end(ap);
}

void config_report_warning(struct config_report *report, const char *fmt, ...)
{
    va_list ap;

    if (report->warning_count++ >= CONFIG_MESSAGES_MAX)
        return;
    va_start(ap, fmt);
    report->warnings[report->warning_count - 1] = format(report->arena, fmt, ap);
    va_end(ap);
}

/* --- choosing: the environment over the file --- */

static size_t row_of(const struct config_option *option)
{
    size_t row = 0;

    while (config_option_at(row) != option)
        row++;
    assert(row < CONFIG_OPTIONS_MAX);
    return row;
}

static bool is_table(struct str name)
{
    return config_option_has_table(name) || config_ignored_has_table(name);
}

/* Whether [global] has an option of this name, ours or one of others. */
static bool is_known(struct str name)
{
    return config_option_find(name) || config_option_find_file(name) || config_ignored_has(name);
}

/* The table that has a member of this name: "well_known" for "client"; empty if none has. */
static struct str table_with(struct str member)
{
    for (size_t i = 0; config_option_at(i); i++) {
        struct str rest, table = str_cut(str_of(config_option_at(i)->name), '.', &rest);
        if (str_eq(rest, member))
            return table;
    }
    return STR("");
}

/* Headers are easily forgotten: what is appended to a file ends up in its last table. */
static void complain_unknown(struct loading *l, const struct config_setting *setting)
{
    struct str name = str_slice(setting->name, 0, 100), member = STR("");

    for (size_t i = name.n; i > 0 && member.n == 0; i--) {
        if (name.p[i - 1] == '.')
            member = str_slice(name, i, name.n);
    }
    struct str table = member.n > 0 ? STR("") : table_with(name);
    if (member.n > 0 && is_known(member))
        config_report_error(l->report,
                            "%.*s: \"%.*s\" stands under [global.%.*s]; it belongs under [global], before all other "
                            "headers",
                            STR_ARG(setting->origin), STR_ARG(member),
                            STR_ARG(str_slice(name, 0, name.n - member.n - 1)));
    else if (table.n > 0)
        config_report_error(l->report, "%.*s: \"%.*s\" stands under [global]; it belongs under [global.%.*s]",
                            STR_ARG(setting->origin), STR_ARG(name), STR_ARG(table));
    else
        config_report_error(l->report, "%.*s: unknown option \"%.*s\" (the nearest known one is \"%s\")",
                            STR_ARG(setting->origin), STR_ARG(name), config_option_nearest(setting->name, true));
}

/* An option of others: nothing is said of what is as they wish, more of what leaves something open. */
static void ignore(struct loading *l, const struct config_setting *setting)
{
    const struct config_guard *guard = config_guard_find(setting->name);

    if ((guard && config_guard_is_same(guard, &setting->value)) ||
        map_str_put(&l->ignored_seen, setting->name, (void *)(uintptr_t)setting))
        return;
    if (guard && guard->open)
        config_report_warning(l->report, "%.*s: %.*s PROTECTS NOTHING in Hearth, which does not have it: %s",
                              STR_ARG(setting->origin), STR_ARG(setting->name), guard->open);
    else
        buf_fmt(&l->ignored, "%s%.*s", l->ignored.n > 0 ? ", " : "", STR_ARG(setting->name));
}

static void choose(struct loading *l, const struct config_setting *setting)
{
    const struct config_option *option = config_option_find(setting->name);
    const struct config_option *file_option = option ? NULL : config_option_find_file(setting->name);

    bool known = option || file_option || config_ignored_has(setting->name);
    if (setting->value.kind == CONFIG_VALUE_TABLE && is_table(setting->name))
        return; /* an empty one; "database" is an option too */
    if (!known && setting->value.kind == CONFIG_VALUE_LIST && setting->value.count == 0 && is_table(setting->name))
        return; /* an array of tables without any */
    if (option || file_option) {
        size_t row = row_of(option ? option : file_option);
        const struct config_setting **mine = option ? &l->chosen[row] : &l->chosen_file[row];
        const struct config_setting **other = option ? &l->chosen_file[row] : &l->chosen[row];
        *mine = setting;
        if (*other && !(*other)->from_environment && setting->from_environment)
            *other = NULL;
    } else if (config_ignored_has(setting->name)) {
        ignore(l, setting);
    } else {
        complain_unknown(l, setting);
    }
}

/* --- storing --- */

static void wipe(struct str secret)
{
    if (secret.n > 0)
        explicit_bzero((void *)(uintptr_t)secret.p, secret.n);
}

static void store(struct loading *l, const struct config_option *option, const struct config_setting *setting,
                  const struct config_value *value)
{
    struct str complaint = config_value_store(l->config, option, value);

    if (complaint.n > 0)
        config_report_error(l->report, "%.*s: %.*s %.*s", STR_ARG(setting->origin), STR_ARG(setting->name),
                            STR_ARG(complaint));
}

/* The secret is the file's content without white space around it. */
static void store_secret_file(struct loading *l, const struct config_option *option,
                              const struct config_setting *setting)
{
    struct str content;
    struct stat info;

    if (setting->value.kind != CONFIG_VALUE_STRING) {
        config_report_error(l->report, "%.*s: %.*s must be the path of a file", STR_ARG(setting->origin),
                            STR_ARG(setting->name));
        return;
    }
    struct str path = setting->value.s;
    enum file_result result = file_read(l->scratch, path, SECRET_FILE_MAX, &content);
    if (result != FILE_OK) {
        config_report_error(l->report, "%.*s: cannot read %.*s: %s", STR_ARG(setting->origin), STR_ARG(path),
                            file_result_text(result));
        return;
    }
    const char *cpath = str_cstr(l->scratch, path);
    if (stat(cpath, &info) == 0 && (info.st_mode & S_IROTH))
        config_report_warning(l->report, "%s: this file holds a secret and every user of this machine can read it",
                              cpath);
    store(l, option, setting, &(struct config_value){.kind = CONFIG_VALUE_STRING, .s = str_trim(content)});
    wipe(content);
}

static void store_option(struct loading *l, size_t row)
{
    const struct config_option *option = config_option_at(row);
    const struct config_setting *setting = l->chosen[row], *file = l->chosen_file[row];

    if (option->fallback) {
        struct config_value value = config_value_of_text(l->scratch, option, str_of(option->fallback));
        struct str complaint = config_value_store(l->config, option, &value);
        assert(complaint.n == 0);
    }
    if (setting && file)
        config_report_error(l->report, "%.*s: %s and %s_file are both given (%.*s); one is enough",
                            STR_ARG(file->origin), option->name, option->name, STR_ARG(setting->origin));
    else if (setting)
        store(l, option, setting, &setting->value);
    else if (file)
        store_secret_file(l, option, file);
}

/* --- what follows from several options --- */

static struct str origin_of(const struct loading *l, const char *name)
{
    size_t row = row_of(config_option_find(str_of(name)));
    const struct config_setting *setting = l->chosen[row] ? l->chosen[row] : l->chosen_file[row];

    return setting ? setting->origin : STR("default");
}

/* "warn,state_res=warn": the level is the directive without a target. */
static void derive_log_level(struct loading *l)
{
    struct str origin = origin_of(l, "log");
    struct str filter = str_trim(l->config->log), rest = filter;
    bool found = false, targets = false;

    l->config->log_level = LOG_LEVEL_INFO;
    while (rest.n > 0) {
        struct str word = str_lower(l->scratch, str_trim(str_cut(rest, ',', &rest)));
        if (str_find(word, '=') < word.n || str_find(word, '[') < word.n)
            targets = true;
        else if (log_level_parse(word, &l->config->log_level))
            found = true;
        else if (str_eq(word, STR("off"))) {
            l->config->log_level = LOG_LEVEL_ERROR;
            found = true;
        } else
            config_report_error(l->report, "%.*s: log \"%.*s\" is no level: error, warn, info, debug or trace",
                                STR_ARG(origin), STR_ARG(str_slice(word, 0, 80)));
    }
    if (targets || (!found && filter.n == 0))
        config_report_warning(l->report, "%.*s: of log only a level for everything has an effect", STR_ARG(origin));
}

static void derive_registration(struct loading *l)
{
    struct config *c = l->config;

    c->open_registration = c->allow_registration && c->open_registration_accepted && c->registration_token.n == 0;
    if (c->open_registration)
        config_report_warning(l->report, "registration is open: anyone can make accounts without a token");
    if (c->registration_token.n > 0 && !c->allow_registration)
        config_report_warning(l->report, "%.*s: registration_token has no effect while allow_registration is false",
                              STR_ARG(origin_of(l, "registration_token")));
    if (c->open_registration_accepted && c->registration_token.n > 0)
        config_report_warning(l->report, "registration is not open, because registration_token is set");
}

static void derive(struct loading *l)
{
    if (l->config->address.count * l->config->port.count > CONFIG_LISTENERS_MAX)
        config_report_error(l->report, "%.*s: more than %d listeners: every address is used with every port",
                            STR_ARG(origin_of(l, "address")), CONFIG_LISTENERS_MAX);
    if (l->config->server_name.n == 0 && !l->chosen[row_of(config_option_find(STR("server_name")))])
        config_report_error(l->report, "server_name is missing: add server_name = \"example.org\" to [global], "
                                       "or set HEARTH_SERVER_NAME");
    l->config->log_format = str_eq(l->config->log_format_name, STR("json")) ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    derive_log_level(l);
    derive_registration(l);
}

/* Those of the file; the environment is not ours to change. */
static void wipe_secrets(const struct config_settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct config_setting *setting = &settings->items[i];
        const struct config_option *option = config_option_find(setting->name);
        if (option && option->type == CONFIG_SECRET && !setting->from_environment &&
            setting->value.kind == CONFIG_VALUE_STRING)
            wipe(setting->value.s);
    }
}

static void load(struct loading *l, struct str name, struct str text, char *const *environment)
{
    struct config_settings settings = {.arena = l->scratch};

    if (!config_file_settings(&settings, name, text, l->report))
        return;
    config_environment_settings(&settings, environment, l->report);
    for (size_t i = 0; i < settings.count; i++)
        choose(l, &settings.items[i]);
    for (size_t i = 0; config_option_at(i); i++)
        store_option(l, i);
    derive(l);
    if (l->ignored.n > 0)
        config_report_warning(l->report, "%.*s: these options have no effect in Hearth: %.*s%s", STR_ARG(name),
                              STR_ARG(buf_str(&l->ignored)), buf_ok(&l->ignored) ? "" : ", ...");
    wipe_secrets(&settings);
}

struct config *config_parse(struct str name, struct str text, char *const *environment, struct config_report *report)
{
    struct loading l = {.scratch = arena_new(), .report = report};
    struct arena *own = arena_new();
    size_t errors_before = report->error_count;

    l.config = ARENA_NEW(own, struct config);
    l.config->arena = own;
    buf_init(&l.ignored, 3000);
    map_str_init(&l.ignored_seen);
    load(&l, name, text, environment);
    map_str_fini(&l.ignored_seen);
    buf_fini(&l.ignored);
    arena_free(&l.scratch);
    if (report->error_count > errors_before)
        config_free(&l.config);
    return l.config;
}

static bool holds(struct str text, struct str secret)
{
    return secret.n > 0 && str_find_str(text, secret) < text.n;
}

struct config *config_load(const char *path, char *const *environment, struct config_report *report)
{
    struct arena *a = arena_new();
    struct config *config = NULL;
    struct str text;
    struct stat info;

    enum file_result result = file_read(a, str_of(path), CONFIG_FILE_MAX, &text);
    if (result != FILE_OK)
        config_report_error(report, "%s: cannot read the configuration: %s", path, file_result_text(result));
    else
        config = config_parse(str_of(path), text, environment, report);
    if (config && stat(path, &info) == 0 && (info.st_mode & S_IROTH) &&
        (holds(text, config->registration_token) || holds(text, config->database)))
        config_report_warning(report, "%s: this file holds a secret and every user of this machine can read it", path);
    if (result == FILE_OK)
        wipe(text);
    arena_free(&a);
    return config;
}

void config_free(struct config **config)
{
    if (*config) {
        wipe((*config)->registration_token);
        wipe((*config)->database);
        struct arena *arena = (*config)->arena;
        *config = NULL;
        arena_free(&arena);
    }
}
