/*
 * Registration tokens: the one of the configuration, and those in the database with limits of their own.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_REGISTRATION_TOKEN_H
#define HEARTH_SERVICE_REGISTRATION_TOKEN_H

#include "base/arena.h"
#include "matrix/errcode.h"
#include "service/services.h"
#include "store/registration_tokens.h"

#define REGISTRATION_TOKEN_MAX 64

/* Whether an account may be made with it now. `counted_out` says whether the use has to be counted: that of the
 * configuration is not. Guesses are limited for each address (M_LIMIT_EXCEEDED). */
struct fault registration_token_check(const struct services *s, struct arena *a, struct str token, struct str address,
                                      bool *valid_out, bool *counted_out) __attribute__((warn_unused_result));

/* Makes a token: `token` or, if empty, a random one. `uses_allowed` -1 and `expires_ts` 0: no limit. M_INVALID_PARAM
 * for a text that can be none, M_FORBIDDEN if it exists. */
struct fault registration_token_create(const struct services *s, struct arena *a, struct str token,
                                       int64_t uses_allowed, int64_t expires_ts, struct str *token_out)
    __attribute__((warn_unused_result));
struct fault registration_token_list(const struct services *s, struct arena *a,
                                     struct registration_token_row **rows_out, size_t *count_out)
    __attribute__((warn_unused_result));
/* M_NOT_FOUND. */
struct fault registration_token_delete(const struct services *s, struct str token) __attribute__((warn_unused_result));

#endif
