/*
 * Logging in with a password: from what somebody claims to be to an account.
 *
 * A wrong password and a user that does not exist get the same answer in the same time. Failures are counted for the
 * address and for the account that was claimed (account_limit.h).
 *
 * Threads: any; the calling thread hashes.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_LOGIN_H
#define HEARTH_SERVICE_ACCOUNT_LOGIN_H

#include "codec/json.h"
#include "service/account.h"

/* The user of {"identifier": {"type": "m.id.user", "user": ...}} or of the older {"user": ...}: as it was written, not
 * yet a user id. M_MISSING_PARAM; M_FORBIDDEN for third-party identifiers, which nobody has here. (client-server API,
 * "Identifier types") */
struct fault account_login_identifier(const struct json *object, struct str *user_out)
    __attribute__((warn_unused_result));

/* M_FORBIDDEN, M_USER_DEACTIVATED, M_LIMIT_EXCEEDED. `user` is a user id or a localpart. */
struct fault account_login_password(const struct services *s, struct arena *a, struct str user, struct str password,
                                    struct str address, struct account_info *info_out)
    __attribute__((warn_unused_result));

#endif
