#include "codec/toml.h"
#include "main/config_ignored.h"
#include "main/config_option.h"
#include "main/config_setting.h"

struct walk {
    struct config_settings *settings;
    struct str file;
};

static void add_members(const struct walk *w, struct str prefix, const struct toml_value *table);

static bool holds_tables_only(const struct toml_value *array)
{
    for (size_t i = 0; i < array->count; i++) {
        if (array->items[i].type != TOML_TABLE)
            return false;
    }
    return array->count > 0;
}

static struct config_value convert(struct arena *a, const struct toml_value *value)
{
    struct config_value *items;

    switch (value->type) {
    case TOML_BOOLEAN:
        return (struct config_value){.kind = CONFIG_VALUE_BOOL, .b = value->b};
    case TOML_INTEGER:
        return (struct config_value){.kind = CONFIG_VALUE_INT, .i = value->i};
    case TOML_STRING:
        return (struct config_value){.kind = CONFIG_VALUE_STRING, .s = value->s};
    case TOML_TABLE:
        return (struct config_value){.kind = CONFIG_VALUE_TABLE};
    case TOML_ARRAY:
        items = ARENA_ARRAY(a, value->count, struct config_value);
        for (size_t i = 0; i < value->count; i++)
            items[i] = convert(a, &value->items[i]);
        return (struct config_value){.kind = CONFIG_VALUE_LIST, .items = items, .count = value->count};
    case TOML_FLOAT:
    case TOML_OTHER:
        break;
    }
    return (struct config_value){.kind = CONFIG_VALUE_OTHER};
}

static void add_value(const struct walk *w, struct str name, unsigned line, const struct toml_value *value)
{
    struct arena *a = w->settings->arena;

    if (value->type == TOML_TABLE && value->count > 0) {
        add_members(w, name, value);
    } else if (value->type == TOML_ARRAY && holds_tables_only(value)) {
        for (size_t i = 0; i < value->count; i++)
            add_value(w, name, value->items[i].line, &value->items[i]);
    } else {
        struct str origin = str_fmt(a, "%.*s:%u", STR_ARG(w->file), line);
        config_setting_add(w->settings,
                           (struct config_setting){.name = name, .origin = origin, .value = convert(a, value)});
    }
}

static void add_members(const struct walk *w, struct str prefix, const struct toml_value *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct toml_member *member = &table->members[i];
        struct str name = prefix.n == 0
                              ? member->key
                              : str_fmt(w->settings->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(member->key));
        add_value(w, name, member->line, &member->value);
    }
}

/* A key beside [global], where nothing has a meaning. */
static void complain_outside(struct str file, const struct toml_member *member, struct config_report *report)
{
    struct str key = str_slice(member->key, 0, 100);

    bool table = member->value.type == TOML_TABLE;

    if (table && (config_option_has_table(member->key) || config_ignored_has_table(member->key)))
        config_report_error(report, "%.*s:%u: table \"%.*s\" stands outside [global]: write [global.%.*s]",
                            STR_ARG(file), member->line, STR_ARG(key), STR_ARG(key));
    else if (config_option_find(member->key) || config_option_find_file(member->key) || config_ignored_has(member->key))
        config_report_error(report, "%.*s:%u: \"%.*s\" stands outside [global]; it belongs into it", STR_ARG(file),
                            member->line, STR_ARG(key));
    else
        config_report_error(
            report, "%.*s:%u: unknown %s \"%.*s\" outside of [global] (the nearest known one is \"%s\")", STR_ARG(file),
            member->line, table ? "table" : "option", STR_ARG(key),
            config_option_distance(key, STR("global"), 4) < 4 ? "global" : config_option_nearest(key, true));
}

bool config_file_settings(struct config_settings *settings, struct str file, struct str text,
                          struct config_report *report)
{
    struct toml_result toml = toml_parse(settings->arena, text);
    struct walk w = {.settings = settings, .file = file};

    if (!toml.table && toml.line > 0) {
        config_report_error(report, "%.*s:%u: %.*s", STR_ARG(file), toml.line, STR_ARG(toml.error));
        return false;
    }
    if (!toml.table) {
        config_report_error(report, "%.*s: %.*s", STR_ARG(file), STR_ARG(toml.error));
        return false;
    }
    for (size_t i = 0; i < toml.table->count; i++) {
        const struct toml_member *member = &toml.table->members[i];
        if (!str_eq(member->key, STR("global")))
            complain_outside(file, member, report);
        else if (member->value.type == TOML_TABLE)
            add_members(&w, STR(""), &member->value);
        else
            config_report_error(report, "%.*s:%u: \"global\" must be a table: [global]", STR_ARG(file), member->line);
    }
    return true;
}
