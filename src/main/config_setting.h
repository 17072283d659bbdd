/*
 * Settings: what the file and the environment say, as flat lists of name, value and place, before anything is checked.
 *
 * Names are dotted and without "global.": "well_known.client". Tables appear by their members; a table without members
 * is a setting of kind CONFIG_VALUE_TABLE. The members of tables in an array ([[global.identity_provider]]) have the
 * array's name.
 *
 * Ownership: everything lives in the arena given. Threads: a list belongs to one thread.
 */
#ifndef HEARTH_MAIN_CONFIG_SETTING_H
#define HEARTH_MAIN_CONFIG_SETTING_H

#include "main/config_value.h"

struct config_setting {
    struct str name;
    struct str origin; /* "hearth.toml:12" or "HEARTH_PORT", for messages */
    bool from_environment;
    struct config_value value;
};

struct config_settings {
    struct arena *arena;
    struct config_setting *items;
    size_t count;
    size_t cap;
};

void config_setting_add(struct config_settings *settings, struct config_setting setting);

/* Adds what a TOML text holds in [global]; `file` names it in messages. What stands elsewhere, and a text that is no
 * TOML, are errors in the report. False if it is no TOML: then nothing can be said about what it holds. */
bool config_file_settings(struct config_settings *settings, struct str file, struct str text,
                          struct config_report *report) __attribute__((warn_unused_result));

/* Adds the HEARTH_* variables of a NULL-terminated list, except HEARTH_CONFIG, which names the file. Names are
 * checked, because values are read by the type of their option: unknown ones are errors in the report. */
void config_environment_settings(struct config_settings *settings, char *const *environment,
                                 struct config_report *report);

#endif
