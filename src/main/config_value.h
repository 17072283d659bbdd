/*
 * Values of options: from what the file or the environment holds to a field of struct config.
 *
 * Sizes: a number counts bytes; a text is a number and a unit: B, K, KiB, M, MiB, G, GiB (powers of 1024), kB, KB, MB,
 * GB (powers of 1000). Times: a number counts in the option's own unit; a text is a number and ms, s, m, h or d.
 * Numbers may be written in quotes, as environment variables always are.
 *
 * Ownership: everything is allocated in the arena of the configuration.
 * Threads: pure functions.
 */
#ifndef HEARTH_MAIN_CONFIG_VALUE_H
#define HEARTH_MAIN_CONFIG_VALUE_H

#include "main/config_option.h"

enum config_value_kind {
    CONFIG_VALUE_BOOL,
    CONFIG_VALUE_INT,
    CONFIG_VALUE_STRING,
    CONFIG_VALUE_LIST,
    CONFIG_VALUE_TABLE, /* nothing of a table is kept: its members are settings of their own */
    CONFIG_VALUE_OTHER  /* fractions, dates: no option has such a value */
};

struct config_value {
    enum config_value_kind kind;
    bool b;
    int64_t i;
    struct str s;
    const struct config_value *items;
    size_t count;
};

/* The value that a text of the environment, or a default, means for this option: lists are separated by commas. */
struct config_value config_value_of_text(struct arena *a, const struct config_option *option, struct str text);
/* Checks the value and stores it into the option's field. Empty on success, else what is wrong with it:
 * "must be a number", "is too large: at most 65535". Secrets are not repeated in it. */
struct str config_value_store(struct config *config, const struct config_option *option,
                              const struct config_value *value) __attribute__((warn_unused_result));
/* Bytes of a size text, milliseconds of a time text; false if malformed or too large for a number. */
bool config_value_size(struct str text, int64_t *bytes_out) __attribute__((warn_unused_result));
/* `unit_ms` is what a plain number counts in. */
bool config_value_duration(struct str text, int64_t unit_ms, int64_t *ms_out) __attribute__((warn_unused_result));
/* Milliseconds of the unit of a CONFIG_DURATION. */
int64_t config_value_unit_ms(const struct config_option *option);

#endif
