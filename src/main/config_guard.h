/*
 * What options of conduwuit, Tuwunel and continuwuity would do that this server ignores (config_ignored.h), where it
 * matters: some restrict or protect, and whoever moves here with them must learn what is open now; others ask for what
 * this server does anyway, and need no word.
 *
 * Threads: constant data and pure functions.
 */
#ifndef HEARTH_MAIN_CONFIG_GUARD_H
#define HEARTH_MAIN_CONFIG_GUARD_H

#include "main/config_value.h"

struct config_guard {
    const char *name; /* as in config_ignored.c, with "*" for a part that the operator chooses */
    const char *same; /* the value that is what this server does: "true", a text, "" (also an empty list); or NULL */
    const char *open; /* what any other value would prevent, and nothing does; NULL: it prevents nothing */
};

/* Row `index`; NULL past the end. */
const struct config_guard *config_guard_at(size_t index);
/* NULL if nothing is to be said about an option beyond that it has no effect. */
const struct config_guard *config_guard_find(struct str name);
/* Whether the value asks for what this server does anyway. */
bool config_guard_is_same(const struct config_guard *guard, const struct config_value *value);

#endif
