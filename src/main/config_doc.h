/*
 * Documents made from the table of options: the commented example file, docs/configuration.md, and the same as JSON.
 *
 * Threads: pure functions.
 */
#ifndef HEARTH_MAIN_CONFIG_DOC_H
#define HEARTH_MAIN_CONFIG_DOC_H

#include "base/buf.h"
#include "main/config_option.h"

/* Values for a new file, by row of the table, in the form of the environment; p == NULL: the option stays a comment. */
struct config_given {
    struct str values[CONFIG_OPTIONS_MAX];
    struct str
        files[CONFIG_OPTIONS_MAX]; /* of secrets: the path for <name>_file, which stands in the place of <name> */
};

/* A configuration file in which every option stands, as a comment with its default unless a value is given. Given
 * values must have passed the checks of their options. */
void config_doc_toml(struct buf *out, const struct config_given *given);
void config_doc_markdown(struct buf *out);
/* {"options": [{"name", "type", "default", ...}]} and a line feed. */
void config_doc_json(struct buf *out);

#endif
