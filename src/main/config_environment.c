#include "main/config_setting.h"

#define PREFIX "HEARTH_"

/* "HEARTH_WELL_KNOWN__CLIENT" means "well_known.client". */
static struct str option_name(struct arena *a, struct str variable)
{
    struct str lower = str_lower(a, str_slice(variable, sizeof(PREFIX) - 1, variable.n));
    char *name = arena_alloc(a, lower.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < lower.n; i++) {
        bool dot = lower.p[i] == '_' && i + 1 < lower.n && lower.p[i + 1] == '_';
        name[n++] = dot ? '.' : lower.p[i];
        i += dot;
    }
    return (struct str){name, n};
}

static struct str variable_name(struct arena *a, const char *option)
{
    struct str name = str_of(option);
    char *variable = arena_alloc(a, 2 * name.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == '.')
            variable[n++] = '_';
        variable[n++] = c == '.' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return str_fmt(a, PREFIX "%s", variable);
}

void config_environment_settings(struct config_settings *settings, char *const *environment,
                                 struct config_report *report)
{
    struct arena *a = settings->arena;

    for (size_t i = 0; environment && environment[i]; i++) {
        struct str text;
        struct str variable = str_cut(str_of(environment[i]), '=', &text);
        if (!str_starts(variable, STR(PREFIX)) || str_eq(variable, STR(PREFIX "CONFIG")))
            continue;

        struct str name = option_name(a, variable);
        const struct config_option *option = config_option_find(name);
        if (!option && !config_option_find_file(name)) {
            struct str nearest = variable_name(a, config_option_nearest(name, false));
            config_report_error(report, "%.*s: unknown variable (the nearest known one is %.*s)", STR_ARG(variable),
                                STR_ARG(nearest));
            continue;
        }
        config_setting_add(settings,
                           (struct config_setting){
                               .name = name,
                               .origin = str_copy(a, variable),
                               .from_environment = true,
                               .value = option ? config_value_of_text(a, option, text)
                                               : (struct config_value){.kind = CONFIG_VALUE_STRING, .s = text},
                           });
    }
}
