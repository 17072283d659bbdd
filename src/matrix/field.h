/*
 * Members of a request's JSON object by name and type; a member that is null counts as absent.
 *
 * The faults are M_BAD_JSON and name the member.
 *
 * Threads: no state; each call works on its arguments only.
 */
#ifndef HEARTH_MATRIX_FIELD_H
#define HEARTH_MATRIX_FIELD_H

#include "codec/json.h"
#include "matrix/errcode.h"

/* The member, or NULL where it is absent or null. */
const struct json *field_get(const struct json *object, struct str key);
/* `otherwise` where it is absent. */
struct fault field_str(struct arena *a, const struct json *object, struct str key, struct str otherwise,
                       struct str *out) __attribute__((warn_unused_result));
struct fault field_bool(struct arena *a, const struct json *object, struct str key, bool otherwise, bool *out)
    __attribute__((warn_unused_result));
struct fault field_int(struct arena *a, const struct json *object, struct str key, int64_t otherwise, int64_t *out)
    __attribute__((warn_unused_result));
/* An array or an object; NULL where it is absent. */
struct fault field_container(struct arena *a, const struct json *object, struct str key, enum json_type type,
                             const struct json **out) __attribute__((warn_unused_result));

#endif
