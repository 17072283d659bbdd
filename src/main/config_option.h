/*
 * The table of every option: one row holds all that is known about it.
 *
 * From it come the parser (config.c), `hearth check-config`, `hearth options` (the commented example file and
 * docs/configuration.md). To add an option: a field in struct config, a row here, `make docs`.
 *
 * Names are as in the file without "global.": "port", "well_known.client". Defaults are texts in the form that
 * environment variables have, so that they pass the same checks.
 *
 * Threads: constant data and pure functions.
 */
#ifndef HEARTH_MAIN_CONFIG_OPTION_H
#define HEARTH_MAIN_CONFIG_OPTION_H

#include "main/config.h"

enum config_type {
    CONFIG_BOOL,     /* bool */
    CONFIG_INT,      /* int64_t */
    CONFIG_SIZE,     /* int64_t, bytes; "20M", "24 MiB" */
    CONFIG_DURATION, /* int64_t, milliseconds; a plain number counts in the option's unit; "30s", "5m" */
    CONFIG_STRING,   /* struct str; a number is taken as its digits */
    CONFIG_SECRET,   /* struct str; also as <name>_file */
    CONFIG_STRINGS,  /* struct config_strings; one string or a list */
    CONFIG_INTS      /* struct config_ints; one number or a list */
};

#define CONFIG_LIST_MAX    64  /* values of one list */
#define CONFIG_OPTIONS_MAX 256 /* rows of the table, at most */

/* NULL if the value is good, else what is wrong with it ("is no server name: ..."). */
typedef const char *config_check(struct str value);

struct config_option {
    const char *name;
    enum config_type type;
    bool reload;          /* SIGHUP changes it */
    const char *fallback; /* NULL: absent unless given */
    const char *unit;     /* of numbers, for people: "bytes"; durations: "s" or "ms" */
    int64_t min, max;     /* of numbers (durations in their unit), and of the count of list values */
    config_check *check;  /* of each string; or NULL */
    size_t offset;        /* of the field in struct config */
    const char *example;  /* shown where there is no default; or NULL */
    const char *section;  /* heading of the documents, on the first option of each */
    const char *help;     /* one sentence, or a few */
};

/* Row `index`; NULL past the end. */
const struct config_option *config_option_at(size_t index);
/* Whether `name` ("database") is a table that holds some of them. */
bool config_option_has_table(struct str name);
/* NULL if there is none of that name; "database" is another name of "database.url". */
const struct config_option *config_option_find(struct str name);
/* The option whose secret the file named by `name` holds ("registration_token_file"); NULL if `name` is no such. */
const struct config_option *config_option_find_file(struct str name);
/* What the type is called in messages and documents: "a number", "true or false". */
const char *config_option_type_text(const struct config_option *option);
/* How much `a` and `b` differ: insertions, deletions, replacements and swaps of neighbours; at least `limit` when it is
 * more. Only the first 64 bytes count. */
size_t config_option_distance(struct str a, struct str b, size_t limit);
/* The name nearest to an unknown one among all options, and among those that are accepted without effect if `ignored`;
 * constant. */
const char *config_option_nearest(struct str name, bool ignored);

#endif
