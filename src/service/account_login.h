/*
 * Logging in with a password: from what somebody claims to be to an account.
 *
 * A wrong password and a user that does not exist get the same answer in the same time. Failures are counted for the
 * address, and ten times as generously for the account that was claimed (account_limit.h): what a stranger fails does
 * not lock the user out. Successes of one user at one address are counted too: each takes 17 ms of hashing.
 *
 * Threads: any; the calling thread hashes.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_LOGIN_H
#define HEARTH_SERVICE_ACCOUNT_LOGIN_H

#include "codec/json.h"
#include "service/account.h"
#include "store/store.h"

/* The user of {"identifier": {"type": "m.id.user", "user": ...}} or of the older {"user": ...}: as it was written, not
 * yet a user id. M_MISSING_PARAM; M_FORBIDDEN for third-party identifiers, which nobody has here. (client-server API,
 * "Identifier types") */
struct fault account_login_identifier(const struct json *object, struct str *user_out)
    __attribute__((warn_unused_result));

/* M_FORBIDDEN, M_USER_DEACTIVATED, M_LIMIT_EXCEEDED. `user` is a user id or a localpart. What it answers is true of the
 * moment when the account was read, before 17 ms of hashing: whoever writes anything because of it passes on
 * info_out->password_hash, and asks account_login_holds() in the transaction that writes. */
struct fault account_login_password(const struct services *s, struct arena *a, struct str user, struct str password,
                                    struct str address, struct account_info *info_out)
    __attribute__((warn_unused_result));

/* Within a transaction: whether the account is in use and, if password_hash.p, still has the password that was shown.
 * If not, what to answer: M_USER_DEACTIVATED, M_FORBIDDEN. */
bool account_login_holds(struct store_tx *tx, int64_t user_nid, struct str password_hash, struct fault *refused_out)
    __attribute__((warn_unused_result));

#endif
