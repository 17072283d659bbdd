/*
 * Commands: what `hearth ...` understands. One row of the table (command_table.c) holds name, arguments, flags, help
 * and function; this file cuts the command line by it.
 *
 *     hearth user create alice --admin --password-file - --json
 *            `--------´  args   flags of the command      flags of every command
 *
 * Every command can be scripted: nothing is asked for that a flag answers, and with --json the result is one JSON value
 * on standard output, an error one {"error": ...} on standard error.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_COMMAND_H
#define HEARTH_MAIN_COMMAND_H

#include "codec/json.h"
#include "main/config.h"

#include <stdio.h>

#define COMMAND_ARGS_MAX  4
#define COMMAND_FLAGS_MAX 8
#define COMMAND_SETS_MAX  64 /* repetitions of one flag */

/* Exit codes, the same for every command. */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1, /* it was understood and could not be done */
    COMMAND_USAGE = 2,  /* it was not understood: unknown command, flag or argument, or an answer is missing */
    COMMAND_CONFIG = 78 /* serve: the configuration is wrong or missing, so that starting again is of no use; EX_CONFIG
                           of sysexits.h */
};

struct command_line;

struct command_flag {
    const char *name;  /* "--admin"; NULL ends the list */
    const char *value; /* what follows, for people ("FILE"); NULL: nothing */
    const char *help;
    bool repeats;
};

struct command {
    const char *name;      /* "user create" */
    const char *arguments; /* for people: "NAME" */
    size_t args_min, args_max;
    struct command_flag flags[COMMAND_FLAGS_MAX];
    const char *help; /* one sentence */
    enum command_exit (*run)(struct command_line *line);
};

/* A command line that has been cut. Strings are those of argv. */
struct command_line {
    struct arena *arena;
    const struct command *command; /* NULL: none */
    const char *noun;              /* "user", when that is all: it is no command, but `hearth user --help` is good */
    const char *args[COMMAND_ARGS_MAX];
    size_t arg_count;
    const struct command_flag *flags[COMMAND_SETS_MAX]; /* as given, in order */
    const char *flag_values[COMMAND_SETS_MAX];
    size_t flag_count;
    const char *program;     /* argv[0] */
    const char *config_path; /* --config; NULL: not given */
    bool json;
    bool help;
    char *const *environment;
    FILE *in, *out, *err;
};

/* Row `index` of the table; NULL past the end. */
const struct command *command_at(size_t index);
/* Flags of every command; ends with a row without a name. */
extern const struct command_flag command_common_flags[];
/* The command that the first one or two words name, and how many that are; or NULL. */
const struct command *command_find(const char *const *words, size_t count, size_t *used_out);
/* Whether commands begin with this word and go on ("user"). */
bool command_is_noun(struct arena *a, const char *word);
/* What to say of words (at least one) that name no command, with the one they resemble. */
struct str command_unknown(struct arena *a, const char *const *words, size_t count);

/* Cuts argv (of which the first is the program) into *line, whose arena and streams are set already. False and
 * *complaint_out if it is no command; line->command may be known then. */
bool command_parse(struct command_line *line, int argc, char *const *argv, struct str *complaint_out)
    __attribute__((warn_unused_result));
/* Parses and runs. */
enum command_exit command_main(int argc, char *const *argv, char *const *environment);

/* Explains the commands whose name is `name` or begins with that word; all for "". As JSON, if that was asked for:
 * {"commands": [{"name", "arguments", "help", "flags": [{"name", "value", "help", "repeats"}]}], "flags": [...]}. */
enum command_exit command_help_print(struct command_line *line, FILE *out, const char *name);

/* The value of a flag (of the last, if it stands there twice), "" for one without value; NULL if it is not given. */
const char *command_flag(const struct command_line *line, const char *name);

/* The configuration file: --config, HEARTH_CONFIG, or the first that exists of ./hearth.toml, ./data/hearth.toml and
 * /etc/hearth/hearth.toml; NULL if there is none. */
const char *command_config_path(const struct command_line *line);

/* Loads the configuration. NULL if there is none or it is wrong: that has been said then, and the command fails.
 * Warnings are said too if `warnings`. */
struct config *command_load_config(struct command_line *line, bool warnings) __attribute__((warn_unused_result));

/* Says what went wrong, on standard error, as JSON if that was asked for; returns `code`. */
enum command_exit command_fail(struct command_line *line, enum command_exit code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes a JSON value and a line feed to standard output. */
enum command_exit command_print_json(struct command_line *line, const struct json *value);
/* Writes a text, escaping what is no printable character: names are chosen by strangers. */
void command_print_str(FILE *out, struct str text);

/* The commands, by file. */
enum command_exit command_serve(struct command_line *line);
enum command_exit command_version(struct command_line *line);
enum command_exit command_help(struct command_line *line);
enum command_exit command_config_check(struct command_line *line);
enum command_exit command_config_init(struct command_line *line);
enum command_exit command_config_options(struct command_line *line);
enum command_exit command_user_create(struct command_line *line);
enum command_exit command_user_list(struct command_line *line);
enum command_exit command_user_password(struct command_line *line);
enum command_exit command_user_admin(struct command_line *line);
enum command_exit command_user_deactivate(struct command_line *line);
enum command_exit command_db_gc(struct command_line *line);
enum command_exit command_db_copy(struct command_line *line);
enum command_exit command_key_accept(struct command_line *line);
enum command_exit command_token_create(struct command_line *line);
enum command_exit command_token_list(struct command_line *line);
enum command_exit command_token_revoke(struct command_line *line);

#endif
