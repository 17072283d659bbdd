/*
 * Filters that clients store once and then name by their id (client-server API, "Filtering").
 *
 * The same filter of the same user has the same id. Ids are numbers, so they never begin with "{", by which /sync knows
 * a filter that is given in full.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_SAVED_FILTER_H
#define HEARTH_SERVICE_SAVED_FILTER_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/services.h"

#define SAVED_FILTER_MAX        (64 << 10) /* bytes of one; with 1,000 rooms named in it, it is 40 KB */
#define SAVED_FILTERS_MAX       1000       /* of one user */
#define SAVED_FILTERS_BYTES_MAX (2 << 20)  /* of one user */

/* Checks and stores a filter; its id in `a`. The fault names the field that is wrong; M_TOO_LARGE for one that is too
 * long or that would be too much with those before, M_FORBIDDEN if there are too many. */
struct fault saved_filter_add(const struct services *s, struct arena *a, int64_t user_nid, const struct json *filter,
                              struct str *filter_id_out) __attribute__((warn_unused_result));
/* A filter of this user; M_NOT_FOUND. */
struct fault saved_filter_get(const struct services *s, struct arena *a, int64_t user_nid, struct str filter_id,
                              const struct json **out) __attribute__((warn_unused_result));

#endif
