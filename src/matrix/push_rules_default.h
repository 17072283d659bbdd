/*
 * The push rules that every user has from the start (client-server API, "Predefined Rules" of v1.19).
 *
 * Pure; any thread.
 */
#ifndef HEARTH_MATRIX_PUSH_RULES_DEFAULT_H
#define HEARTH_MATRIX_PUSH_RULES_DEFAULT_H

#include "codec/json.h"

/* {"global": {"override": [...], "content": [], ...}}: what GET /pushrules/ answers and m.push_rules holds for a user
 * who has changed nothing. */
const struct json *push_rules_default(struct arena *a, struct str user_id);

#endif
