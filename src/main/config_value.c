#include "main/config_value.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},        {"B", 1},         {"K", 1 << 10}, {"KiB", 1 << 10}, {"M", 1 << 20},      {"MiB", 1 << 20},
    {"G", 1 << 30}, {"GiB", 1 << 30}, {"kB", 1000},   {"KB", 1000},     {"MB", 1000 * 1000}, {"GB", 1000000000},
};

static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
};

/* A number, blanks, a unit. */
static bool number_with_unit(struct str text, const struct unit *units, size_t unit_count, int64_t plain_factor,
                             int64_t *out)
{
    size_t digits = 0;
    int64_t number, factor = 0;

    text = str_trim(text);
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    struct str unit = str_trim(str_slice(text, digits, text.n));
    if (unit.n == 0)
        factor = plain_factor;
    for (size_t i = 0; i < unit_count && factor == 0; i++) {
        if (str_eq(unit, str_of(units[i].name)))
            factor = units[i].factor;
    }
    return factor != 0 && str_to_i64(str_slice(text, 0, digits), &number) &&
           !__builtin_mul_overflow(number, factor, out);
}

bool config_value_size(struct str text, int64_t *bytes_out)
{
    return number_with_unit(text, size_units, sizeof(size_units) / sizeof(size_units[0]), 1, bytes_out);
}

bool config_value_duration(struct str text, int64_t unit_ms, int64_t *ms_out)
{
    return number_with_unit(text, time_units, sizeof(time_units) / sizeof(time_units[0]), unit_ms, ms_out);
}

int64_t config_value_unit_ms(const struct config_option *option)
{
    return strcmp(option->unit, "ms") == 0 ? 1 : 1000;
}

static bool is_list(const struct config_option *option)
{
    return option->type == CONFIG_STRINGS || option->type == CONFIG_INTS;
}

struct config_value config_value_of_text(struct arena *a, const struct config_option *option, struct str text)
{
    if (option->type == CONFIG_BOOL && (str_eq(text, STR("true")) || str_eq(text, STR("false"))))
        return (struct config_value){.kind = CONFIG_VALUE_BOOL, .b = str_eq(text, STR("true"))};
    if (!is_list(option))
        return (struct config_value){.kind = CONFIG_VALUE_STRING, .s = text};

    size_t count = 0;
    struct config_value *items = ARENA_ARRAY(a, CONFIG_LIST_MAX + 1, struct config_value);
    for (struct str rest = text; rest.n > 0 && count <= CONFIG_LIST_MAX;) {
        struct str item = str_trim(str_cut(rest, ',', &rest));
        items[count++] = (struct config_value){.kind = CONFIG_VALUE_STRING, .s = item};
    }
    return (struct config_value){.kind = CONFIG_VALUE_LIST, .items = items, .count = count};
}

static struct str wrong_type(struct arena *a, const struct config_option *option)
{
    return str_fmt(a, "must be %s", config_option_type_text(option));
}

/* The number as the option stores it: sizes in bytes, times in milliseconds. */
static bool number_of(const struct config_option *option, const struct config_value *value, int64_t *out)
{
    int64_t unit = option->type == CONFIG_DURATION ? config_value_unit_ms(option) : 1;

    if (value->kind == CONFIG_VALUE_INT)
        return !__builtin_mul_overflow(value->i, unit, out);
    if (value->kind != CONFIG_VALUE_STRING)
        return false;
    if (option->type == CONFIG_SIZE)
        return config_value_size(value->s, out);
    if (option->type == CONFIG_DURATION)
        return config_value_duration(value->s, unit, out);
    return str_to_i64(value->s, out);
}

static struct str store_number(struct config *config, const struct config_option *option,
                               const struct config_value *value, int64_t *out)
{
    int64_t unit = option->type == CONFIG_DURATION ? config_value_unit_ms(option) : 1;
    const char *unit_name = option->unit ? option->unit : "";
    const char *blank = option->unit ? " " : "";
    int64_t number;

    if (!number_of(option, value, &number))
        return wrong_type(config->arena, option);
    if (number < option->min * unit)
        return str_fmt(config->arena, "is too small: at least %lld%s%s", (long long)option->min, blank, unit_name);
    if (number > option->max * unit)
        return str_fmt(config->arena, "is too large: at most %lld%s%s", (long long)option->max, blank, unit_name);
    *out = number;
    return STR("");
}

/* What a message may show of a value: its beginning, without control characters. */
static struct str shown(struct arena *a, struct str value)
{
    size_t length = value.n < 80 ? value.n : 80;
    char *copy = arena_alloc(a, length + 1);

    for (size_t i = 0; i < length; i++)
        copy[i] = (unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f ? '?' : value.p[i];
    return str_fmt(a, "\"%s\"%s", copy, length < value.n ? "..." : "");
}

static struct str store_string(struct config *config, const struct config_option *option,
                               const struct config_value *value, struct str *out)
{
    struct str text;

    if (value->kind == CONFIG_VALUE_STRING)
        text = str_copy(config->arena, value->s);
    else if (value->kind == CONFIG_VALUE_INT)
        text = str_fmt(config->arena, "%lld", (long long)value->i);
    else
        return wrong_type(config->arena, option);

    const char *complaint = option->check ? option->check(text) : NULL;
    if (complaint && option->type == CONFIG_SECRET)
        return str_of(complaint);
    if (complaint)
        return str_fmt(config->arena, "%.*s %s", STR_ARG(shown(config->arena, text)), complaint);
    *out = text;
    return STR("");
}

static struct str store_list(struct config *config, const struct config_option *option,
                             const struct config_value *value, void *field)
{
    bool strings = option->type == CONFIG_STRINGS;
    const struct config_value *items = value->kind == CONFIG_VALUE_LIST ? value->items : value;
    size_t count = value->kind == CONFIG_VALUE_LIST ? value->count : 1;
    size_t least = !strings || option->min > 0 ? 1 : 0;
    size_t most = strings ? (size_t)option->max : CONFIG_LIST_MAX;

    if (count < least || count > most)
        return str_fmt(config->arena, "must have %zu to %zu values", least, most);
    struct config_strings texts = {.items = ARENA_ARRAY(config->arena, count, struct str), .count = count};
    struct config_ints numbers = {.items = ARENA_ARRAY(config->arena, count, int64_t), .count = count};
    for (size_t i = 0; i < count; i++) {
        struct str complaint = strings ? store_string(config, option, &items[i], &texts.items[i])
                                       : store_number(config, option, &items[i], &numbers.items[i]);
        if (complaint.n > 0)
            return complaint;
    }
    if (strings)
        *(struct config_strings *)field = texts;
    else
        *(struct config_ints *)field = numbers;
    return STR("");
}

struct str config_value_store(struct config *config, const struct config_option *option,
                              const struct config_value *value)
{
    void *field = (char *)config + option->offset;

    switch (option->type) {
    case CONFIG_BOOL:
        if (value->kind != CONFIG_VALUE_BOOL)
            return wrong_type(config->arena, option);
        *(bool *)field = value->b;
        return STR("");
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        return store_number(config, option, value, field);
    case CONFIG_STRING:
    case CONFIG_SECRET:
        return store_string(config, option, value, field);
    case CONFIG_STRINGS:
    case CONFIG_INTS:
        return store_list(config, option, value, field);
    }
    __builtin_unreachable();
}
