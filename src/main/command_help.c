#include "main/command.h"

#include <string.h>

/* Whether the command is meant by a name, a noun or "". */
static bool is_meant(const struct command *command, const char *name)
{
    struct str rest, first = str_cut(str_of(command->name), ' ', &rest);

    return name[0] == '\0' || strcmp(command->name, name) == 0 || (rest.n > 0 && str_eq(first, str_of(name)));
}

/* --- as text --- */

static void print_row(FILE *out, const char *indent, const char *name, const char *value, const char *help)
{
    int width = 26 - (int)(strlen(indent) + strlen(name) + (value ? 1 : 0));

    fprintf(out, "%s%s%s%-*s  %s\n", indent, name, value ? " " : "", width > 0 ? width : 0, value ? value : "", help);
}

static void print_flags(FILE *out, const char *indent, const struct command_flag *flags)
{
    for (; flags->name; flags++)
        print_row(out, indent, flags->name, flags->value, flags->help);
}

static void print_command(FILE *out, const struct command *command)
{
    fprintf(out, "hearth %s%s%s [FLAGS]\n%s\n\n", command->name, command->arguments ? " " : "",
            command->arguments ? command->arguments : "", command->help);
    print_flags(out, "  ", command->flags);
    print_flags(out, "  ", command_common_flags);
}

static void print_noun(FILE *out, const char *noun)
{
    fprintf(out, "hearth %s COMMAND [ARGUMENTS] [FLAGS]\n", noun);
    for (size_t i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        if (!is_meant(c, noun))
            continue;
        fputc('\n', out);
        print_row(out, "  ", c->name, c->arguments, c->help);
        print_flags(out, "      ", c->flags);
    }
    fputs("\nFlags of every command:\n", out);
    print_flags(out, "  ", command_common_flags);
}

static void print_overview(FILE *out)
{
    fputs("hearth COMMAND [ARGUMENTS] [FLAGS]: a Matrix homeserver\n\n", out);
    for (size_t i = 0; command_at(i); i++)
        print_row(out, "  ", command_at(i)->name, command_at(i)->arguments, command_at(i)->help);
    fputs("\nFlags of every command:\n", out);
    print_flags(out, "  ", command_common_flags);
    fputs("\nWithout --config the file is the one that HEARTH_CONFIG names, else the first of ./hearth.toml,\n"
          "./data/hearth.toml and /etc/hearth/hearth.toml that exists.\n"
          "Exit codes: 0 done, 1 failed, 2 not understood; 78 if serve finds its configuration wrong.\n",
          out);
}

/* --- as JSON --- */

static struct json flags_json(struct arena *a, const struct command_flag *flags)
{
    struct json *list = json_array(a);

    for (; flags->name; flags++) {
        struct json *row = json_object(a);
        json_set_str(a, row, STR("name"), str_of(flags->name));
        if (flags->value)
            json_set_str(a, row, STR("value"), str_of(flags->value));
        json_set_str(a, row, STR("help"), str_of(flags->help));
        json_set(a, row, STR("repeats"), json_bool(flags->repeats));
        json_push(a, list, *row);
    }
    return *list;
}

static enum command_exit print_json(struct command_line *line, const char *name)
{
    struct arena *a = line->arena;
    struct json *all = json_object(a), *list = json_array(a);

    for (size_t i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        struct json *row = json_object(a);
        if (!is_meant(c, name))
            continue;
        json_set_str(a, row, STR("name"), str_of(c->name));
        if (c->arguments)
            json_set_str(a, row, STR("arguments"), str_of(c->arguments));
        json_set_str(a, row, STR("help"), str_of(c->help));
        json_set(a, row, STR("flags"), flags_json(a, c->flags));
        json_push(a, list, *row);
    }
    json_set(a, all, STR("commands"), *list);
    json_set(a, all, STR("flags"), flags_json(a, command_common_flags));
    return command_print_json(line, all);
}

enum command_exit command_help_print(struct command_line *line, FILE *out, const char *name)
{
    const struct command *command = NULL;

    if (line->json)
        return print_json(line, name);
    for (size_t i = 0; command_at(i) && !command; i++)
        command = strcmp(command_at(i)->name, name) == 0 ? command_at(i) : NULL;
    if (command)
        print_command(out, command);
    else if (name[0])
        print_noun(out, name);
    else
        print_overview(out);
    return fflush(out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

enum command_exit command_help(struct command_line *line)
{
    size_t used = 0;

    if (line->arg_count == 0)
        return command_help_print(line, line->out, "");
    if (line->arg_count == 1 && command_is_noun(line->arena, line->args[0]))
        return command_help_print(line, line->out, line->args[0]);
    const struct command *command = command_find(line->args, line->arg_count, &used);
    if (!command)
        return command_fail(line, COMMAND_USAGE, "%.*s",
                            STR_ARG(command_unknown(line->arena, line->args, line->arg_count)));
    if (used < line->arg_count)
        return command_fail(line, COMMAND_USAGE, "there is no command %s %s", line->args[0], line->args[1]);
    return command_help_print(line, line->out, command->name);
}
