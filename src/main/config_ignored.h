/*
 * Options of conduwuit, Tuwunel and continuwuity that this server has no use for.
 *
 * Their files are to work as they stand, so these names are accepted, and named in one warning; those that would
 * restrict or protect get a louder one each (config_guard.h). When this server learns one of them, its name moves from
 * here to the table in config_option.c.
 *
 * Threads: constant data and pure functions.
 */
#ifndef HEARTH_MAIN_CONFIG_IGNORED_H
#define HEARTH_MAIN_CONFIG_IGNORED_H

#include "base/str.h"

/* Whether `name` ("tls.certs", "identity_provider.brand") is one of them. */
bool config_ignored_has(struct str name);
/* Whether `name` ("tls") is a table that holds some of them. */
bool config_ignored_has_table(struct str name);
/* Whether `name` is what `pattern` stands for, one of config_ignored_at(). */
bool config_ignored_matches(const char *pattern, struct str name);
/* Name `index`, with "*" for a part that the operator chooses; NULL past the end. */
const char *config_ignored_at(size_t index);

#endif
