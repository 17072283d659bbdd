#include "main/command.h"

#include "codec/json_writer.h"
#include "main/config_option.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

const struct command_flag command_common_flags[] = {
    {.name = "--config", .value = "FILE", .help = "the configuration file"},
    {.name = "--json", .help = "print the result as JSON"},
    {.name = "--help", .help = "explain the command"},
    {.name = NULL},
};

static const char *const config_paths[] = {"hearth.toml", "data/hearth.toml", "/etc/hearth/hearth.toml"};

/* --- cutting the command line --- */

static const struct command_flag *find_flag(const struct command_flag *flags, struct str name)
{
    for (; flags->name; flags++) {
        if (str_eq(str_of(flags->name), name))
            return flags;
    }
    return NULL;
}

const struct command *command_find(const char *const *words, size_t count, size_t *used_out)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)); i++) {
        struct str second, first = str_cut(str_of(command->name), ' ', &second);
        *used_out = second.n > 0 ? 2 : 1;
        if (count >= *used_out && str_eq(first, str_of(words[0])) &&
            (second.n == 0 || str_eq(second, str_of(words[1]))))
            return command;
    }
    return NULL;
}

/* Whether a word may be meant that was mistyped, and how much so. */
static bool resembles(struct str word, struct str meant, size_t *distance_inout)
{
    size_t limit = 2 + meant.n / 4, distance = config_option_distance(word, meant, limit);

    *distance_inout += distance;
    return distance < limit;
}

/* The command or noun that words without meaning resemble most; or NULL. A noun stands for itself if it is alone. */
static const char *nearest_command(struct arena *a, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; command_at(i); i++) {
        struct str second, first = str_cut(str_of(command_at(i)->name), ' ', &second);
        size_t distance = 0;
        bool alone = second.n > 0 && count == 1;
        if (!resembles(str_of(words[0]), first, &distance) ||
            (second.n > 0 && !alone && !resembles(str_of(words[1]), second, &distance)) || distance >= least)
            continue;
        least = distance;
        best = alone ? str_cstr(a, first) : command_at(i)->name;
    }
    return best;
}

/* "create, list, ...": what may follow the noun; empty if it is none. */
static struct str verbs_of(struct arena *a, const char *noun)
{
    struct str verbs = STR("");

    for (size_t i = 0; command_at(i); i++) {
        struct str verb, first = str_cut(str_of(command_at(i)->name), ' ', &verb);
        if (verb.n > 0 && str_eq(first, str_of(noun)))
            verbs = str_fmt(a, "%.*s%s%.*s", STR_ARG(verbs), verbs.n > 0 ? ", " : "", STR_ARG(verb));
    }
    return verbs;
}

bool command_is_noun(struct arena *a, const char *word)
{
    return verbs_of(a, word).n > 0;
}

struct str command_unknown(struct arena *a, const char *const *words, size_t count)
{
    struct str verbs = verbs_of(a, words[0]);
    const char *nearest = nearest_command(a, words, count);
    bool two = count > 1 && (verbs.n > 0 || (nearest && strchr(nearest, ' ')));
    struct str text = str_fmt(a, "there is no command %s%s%s", words[0], two ? " " : "", two ? words[1] : "");

    if (nearest)
        return str_fmt(a, "%.*s; did you mean %s?", STR_ARG(text), nearest);
    if (verbs.n > 0)
        return str_fmt(a, "%.*s; %s has: %.*s", STR_ARG(text), words[0], STR_ARG(verbs));
    return text;
}

static struct str unknown_flag(const struct command_line *line, struct str name)
{
    const struct command_flag *tables[] = {line->command ? line->command->flags : NULL, command_common_flags};
    const char *best = NULL;
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct command_flag *flag = tables[i]; flag && flag->name; flag++) {
            size_t distance = 0;
            if (resembles(name, str_of(flag->name), &distance) && distance < least) {
                least = distance;
                best = flag->name;
            }
        }
    }
    return str_fmt(line->arena, "there is no flag %.*s%s%s%s", STR_ARG(name), best ? "; did you mean " : "",
                   best ? best : "", best ? "?" : "");
}

/* The flag that `argument` names, among those of the command and those of all; "--name=value" is cut. */
static bool take_flag(struct command_line *line, const char *argument, const char *next, bool *used_next_out,
                      struct str *complaint_out)
{
    struct str whole = str_of(argument), value, name = str_cut(whole, '=', &value);
    const struct command_flag *flag = find_flag(command_common_flags, name);
    bool has_value = name.n < whole.n;

    *used_next_out = false;
    if (!flag && line->command)
        flag = find_flag(line->command->flags, name);
    if (!flag)
        *complaint_out = unknown_flag(line, name);
    else if (!flag->value && has_value)
        *complaint_out = str_fmt(line->arena, "%s takes no value", flag->name);
    else if (flag->value && !has_value && !next)
        *complaint_out = str_fmt(line->arena, "%s wants a value: %s", flag->name, flag->value);
    else if (line->flag_count == COMMAND_SETS_MAX || (!flag->repeats && command_flag(line, flag->name)))
        *complaint_out = str_fmt(line->arena, "%s is given too often", flag->name);
    else {
        *used_next_out = flag->value && !has_value;
        line->flags[line->flag_count] = flag;
        line->flag_values[line->flag_count++] = !flag->value ? "" : has_value ? value.p : next;
        return true;
    }
    return false;
}

/* Whether the argument after position `i` belongs to a flag there, before the command is known. */
static bool takes_next(const char *argument)
{
    const struct command_flag *flag;

    if (find_flag(command_common_flags, str_of(argument)))
        return find_flag(command_common_flags, str_of(argument))->value != NULL;
    for (size_t i = 0; command_at(i); i++) {
        flag = find_flag(command_at(i)->flags, str_of(argument));
        if (flag)
            return flag->value != NULL;
    }
    return false;
}

/* The words that are no flags, in order; after "--" all are words. */
static size_t words_of(int argc, char *const *argv, const char **words, size_t max)
{
    size_t count = 0;
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        bool flag = !only_words && argv[i][0] == '-' && argv[i][1] != '\0';
        if (!only_words && strcmp(argv[i], "--") == 0)
            only_words = true;
        else if (flag)
            i += takes_next(argv[i]);
        else if (count < max)
            words[count++] = argv[i];
        else
            return max + 1;
    }
    return count;
}

static bool take_words(struct command_line *line, int argc, char *const *argv, struct str *complaint_out)
{
    const char *words[COMMAND_ARGS_MAX + 2];
    size_t used = 0, count = words_of(argc, argv, words, COMMAND_ARGS_MAX + 2);

    if (count == 0)
        return true;
    line->command = command_find(words, count, &used);
    if (!line->command && count == 1 && command_is_noun(line->arena, words[0])) {
        line->noun = words[0];
        return true;
    }
    if (!line->command) {
        *complaint_out = command_unknown(line->arena, words, count);
        return false;
    }
    for (size_t i = used; i < count && line->arg_count < COMMAND_ARGS_MAX; i++)
        line->args[line->arg_count++] = words[i];
    return true;
}

static bool check_arg_count(const struct command_line *line, struct str *complaint_out)
{
    const struct command *command = line->command;

    if (line->arg_count >= command->args_min && line->arg_count <= command->args_max)
        return true;
    if (line->arg_count < command->args_min || command->args_max == 0)
        *complaint_out = str_fmt(line->arena, "%s wants %s", command->name,
                                 command->arguments ? command->arguments : "no arguments");
    else /* which may be a password, and is not said again */
        *complaint_out =
            str_fmt(line->arena, "too many arguments: %s wants only %s", command->name, command->arguments);
    return false;
}

bool command_parse(struct command_line *line, int argc, char *const *argv, struct str *complaint_out)
{
    bool used_next;

    line->program = argc > 0 ? argv[0] : "hearth";
    for (int i = 1; i < argc; i++)
        line->json = line->json || strcmp(argv[i], "--json") == 0; /* for the complaint, should there be one */
    if (!take_words(line, argc, argv, complaint_out))
        return false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            continue;
        if (!take_flag(line, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used_next, complaint_out))
            return false;
        i += used_next;
    }
    line->config_path = command_flag(line, "--config");
    line->json = command_flag(line, "--json") != NULL;
    line->help = command_flag(line, "--help") != NULL;
    if (line->noun && !line->help) {
        *complaint_out =
            str_fmt(line->arena, "%s wants one of: %.*s", line->noun, STR_ARG(verbs_of(line->arena, line->noun)));
        return false;
    }
    if (line->command && !line->help && !check_arg_count(line, complaint_out))
        return false;
    return true;
}

const char *command_flag(const struct command_line *line, const char *name)
{
    for (size_t i = line->flag_count; i > 0; i--) {
        if (strcmp(line->flags[i - 1]->name, name) == 0)
            return line->flag_values[i - 1];
    }
    return NULL;
}

const char *command_config_path(const struct command_line *line)
{
    static const struct str variable = STR_INIT("HEARTH_CONFIG=");

    if (line->config_path)
        return line->config_path;
    for (size_t i = 0; line->environment && line->environment[i]; i++) {
        if (str_starts(str_of(line->environment[i]), variable) && line->environment[i][variable.n])
            return line->environment[i] + variable.n;
    }
    for (size_t i = 0; i < sizeof(config_paths) / sizeof(config_paths[0]); i++) {
        if (access(config_paths[i], F_OK) == 0)
            return config_paths[i];
    }
    return NULL;
}

/* --- speaking --- */

enum command_exit command_fail(struct command_line *line, enum command_exit code, const char *fmt, ...)
{
    struct buf text, out;
    va_list ap;

    buf_init(&text, 8192);
    va_start(ap, fmt);
    buf_vfmt(&text, fmt, ap);
    va_end(ap);
    if (line->json) {
        struct json_writer w;
        buf_init(&out, 65536);
        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_field_str(&w, STR("error"), buf_str(&text));
        json_end_object(&w);
        fprintf(line->err, "%.*s\n", STR_ARG(buf_str(&out)));
        buf_fini(&out);
    } else {
        fputs("hearth: ", line->err);
        command_print_str(line->err, buf_str(&text));
        fputc('\n', line->err);
    }
    buf_fini(&text);
    return code;
}

enum command_exit command_print_json(struct command_line *line, const struct json *value)
{
    struct str text = json_text(line->arena, value);

    fwrite(text.p, 1, text.n, line->out);
    fputc('\n', line->out);
    return fflush(line->out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

void command_print_str(FILE *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < ' ' && c != '\n') || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

enum command_exit command_version(struct command_line *line)
{
    struct json *version = json_object(line->arena);

    json_set_str(line->arena, version, STR("name"), STR("Hearth"));
    json_set_str(line->arena, version, STR("version"), STR(HEARTH_VERSION));
    if (line->json)
        return command_print_json(line, version);
    fputs("Hearth " HEARTH_VERSION "\n", line->out);
    return COMMAND_OK;
}

/* With what could have been meant; a noun alone gets its commands. */
static enum command_exit fail_usage(struct command_line *line, struct str complaint)
{
    const char *name = line->command ? line->command->name : line->noun ? line->noun : "";

    command_fail(line, COMMAND_USAGE, "%.*s\nTry: hearth help%s%s", STR_ARG(complaint), name[0] ? " " : "", name);
    if (line->noun && !line->json) {
        fputc('\n', line->err);
        (void)command_help_print(line, line->err, line->noun);
    }
    return COMMAND_USAGE;
}

enum command_exit command_main(int argc, char *const *argv, char *const *environment)
{
    struct command_line line = {
        .arena = arena_new(), .environment = environment, .in = stdin, .out = stdout, .err = stderr};
    enum command_exit code = COMMAND_OK;
    struct str complaint = STR("");

    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, STDERR_FILENO); /* serve asks for more */
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
        code = command_version(&line);
    else if (!command_parse(&line, argc, argv, &complaint))
        code = fail_usage(&line, complaint);
    else if (line.help)
        code = command_help_print(&line, line.out, line.command ? line.command->name : line.noun ? line.noun : "");
    else if (line.command)
        code = line.command->run(&line);
    else if (argc > 1)
        code = fail_usage(&line, STR("no command"));
    else {
        (void)command_help_print(&line, line.err, "");
        code = COMMAND_USAGE;
    }
    arena_free(&line.arena);
    return code;
}
