#include "main/command.h"

#include "codec/json_writer.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static const struct command_flag common_flags[] = {
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

/* The command that the first words name, one or two of them. */
static const struct command *find_command(const char *const *words, size_t count, size_t *used_out)
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

/* The flag that `argument` names, among those of the command and those of all; "--name=value" is cut. */
static bool take_flag(struct command_line *line, const char *argument, const char *next, bool *used_next_out,
                      struct str *complaint_out)
{
    struct str whole = str_of(argument), value, name = str_cut(whole, '=', &value);
    const struct command_flag *flag = find_flag(common_flags, name);
    bool has_value = name.n < whole.n;

    *used_next_out = false;
    if (!flag && line->command)
        flag = find_flag(line->command->flags, name);
    if (!flag)
        *complaint_out = str_fmt(line->arena, "there is no flag %s", argument);
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

    if (find_flag(common_flags, str_of(argument)))
        return find_flag(common_flags, str_of(argument))->value != NULL;
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
    if (count <= COMMAND_ARGS_MAX + 2)
        line->command = find_command(words, count, &used);
    if (!line->command) {
        *complaint_out = str_fmt(line->arena, "there is no command %s%s%s", words[0], count > 1 ? " " : "",
                                 count > 1 ? words[1] : "");
        return false;
    }
    for (size_t i = used; i < count && line->arg_count < COMMAND_ARGS_MAX; i++)
        line->args[line->arg_count++] = words[i];
    return true;
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
    if (line->command && !line->help &&
        (line->arg_count < line->command->args_min || line->arg_count > line->command->args_max)) {
        *complaint_out = str_fmt(line->arena, "%s wants %s", line->command->name,
                                 line->command->arguments ? line->command->arguments : "no arguments");
        return false;
    }
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

static void print_flags(FILE *out, const struct command_flag *flags)
{
    for (; flags->name; flags++)
        fprintf(out, "  %s%s%-*s  %s\n", flags->name, flags->value ? " " : "",
                (int)(24 - strlen(flags->name) - (flags->value ? 1 : 0)), flags->value ? flags->value : "",
                flags->help);
}

static void print_command(FILE *out, const struct command *command)
{
    fprintf(out, "hearth %s%s%s [FLAGS]\n%s\n\n", command->name, command->arguments ? " " : "",
            command->arguments ? command->arguments : "", command->help);
    print_flags(out, command->flags);
    print_flags(out, common_flags);
}

static void print_overview(FILE *out)
{
    fputs("hearth COMMAND [ARGUMENTS] [FLAGS]: a Matrix homeserver\n\n", out);
    for (size_t i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        fprintf(out, "  %s%s%-*s  %s\n", c->name, c->arguments ? " " : "",
                (int)(24 - strlen(c->name) - (c->arguments ? 1 : 0)), c->arguments ? c->arguments : "", c->help);
    }
    fputs("\nFlags of every command:\n", out);
    print_flags(out, common_flags);
    fputs("\nWithout --config the file is the one that HEARTH_CONFIG names, else the first of ./hearth.toml,\n"
          "./data/hearth.toml and /etc/hearth/hearth.toml that exists.\n"
          "Exit codes: 0 done, 1 failed, 2 not understood; 78 if serve finds its configuration wrong.\n",
          out);
}

enum command_exit command_help(struct command_line *line)
{
    size_t used = 0;

    if (line->arg_count == 0) {
        print_overview(line->out);
        return COMMAND_OK;
    }
    const struct command *command = find_command(line->args, line->arg_count, &used);
    if (!command)
        return command_fail(line, COMMAND_USAGE, "there is no such command");
    print_command(line->out, command);
    return COMMAND_OK;
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
        code = command_fail(&line, COMMAND_USAGE, "%.*s\nTry: hearth help%s%s", STR_ARG(complaint),
                            line.command ? " " : "", line.command ? line.command->name : "");
    else if (line.help && line.command)
        print_command(line.out, line.command);
    else if (!line.command && argc > 1 && !line.help)
        code = command_fail(&line, COMMAND_USAGE, "no command\nTry: hearth help");
    else if (!line.command)
        print_overview(line.help ? line.out : line.err);
    else
        code = line.command->run(&line);
    if (!line.command && argc == 1)
        code = COMMAND_USAGE;
    arena_free(&line.arena);
    return code;
}
