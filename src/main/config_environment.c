#include "base/buf.h"
#include "main/config_setting.h"

#define PREFIX            "HEARTH_"
#define SERVICES_TEXT_MAX 1000

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

static bool has_scheme(struct str text)
{
    return str_starts(text, STR("tcp://")) || str_starts(text, STR("udp://")) || str_starts(text, STR("sctp://"));
}

/* What Kubernetes and Docker's links put into every container beside a service called "hearth" or "hearth-...":
 * HEARTH_SERVICE_HOST, HEARTH_SERVICE_PORT_HTTP, HEARTH_PORT=tcp://10.0.0.1:8008, HEARTH_PORT_8008_TCP_ADDR. */
static bool is_service_variable(struct str variable, struct str text)
{
    if (str_ends(variable, STR("_SERVICE_HOST")) || str_find_str(variable, STR("_SERVICE_PORT")) < variable.n)
        return true;
    if (str_ends(variable, STR("_PORT")))
        return has_scheme(text);
    size_t at = str_find_str(variable, STR("_PORT_"));
    struct str rest, number, protocol;
    int64_t ignored;
    number = str_cut(str_slice(variable, at < variable.n ? at + 6 : at, variable.n), '_', &rest);
    protocol = str_cut(rest, '_', &rest);
    return str_to_i64(number, &ignored) &&
           (str_eq(protocol, STR("TCP")) || str_eq(protocol, STR("UDP")) || str_eq(protocol, STR("SCTP")));
}

static void warn_of_services(const struct buf *names, struct config_report *report)
{
    if (names->n > 0)
        config_report_warning(report,
                              "ignored, because Kubernetes and Docker set them for a service called \"hearth\": %.*s%s",
                              STR_ARG(buf_str(names)), buf_ok(names) ? "" : ", ...");
}

void config_environment_settings(struct config_settings *settings, char *const *environment,
                                 struct config_report *report)
{
    struct arena *a = settings->arena;
    struct buf services;

    buf_init(&services, SERVICES_TEXT_MAX);
    for (size_t i = 0; environment && environment[i]; i++) {
        struct str text;
        struct str variable = str_cut(str_of(environment[i]), '=', &text);
        if (!str_starts(variable, STR(PREFIX)) || str_eq(variable, STR(PREFIX "CONFIG")))
            continue;
        if (is_service_variable(variable, text)) {
            buf_fmt(&services, "%s%.*s", services.n > 0 ? ", " : "", STR_ARG(variable));
            continue;
        }

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
    warn_of_services(&services, report);
    buf_fini(&services);
}
