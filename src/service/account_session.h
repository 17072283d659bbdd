/*
 * Sessions: a device with its tokens, from login to logout.
 *
 * Logging in with a device id that the user has takes over that device: its earlier tokens end. Clients that ask for
 * refresh tokens get access tokens that expire (option access_token_ttl); others get one that does not.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_SESSION_H
#define HEARTH_SERVICE_ACCOUNT_SESSION_H

#include "base/arena.h"
#include "crypto/token.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

struct account_info;

/* What a client says when it logs in or registers. */
struct session_ask {
    struct str device_id;   /* empty: the server makes one up */
    struct str device_name; /* of a new device; p == NULL: none */
    bool refresh;           /* the client knows how to refresh */
};

/* What it gets. */
struct session {
    int64_t device_nid;
    struct str device_id;
    struct str access_token;
    struct str refresh_token; /* p == NULL: none */
    int64_t expires_in_ms;    /* 0: never */
};

/* M_INVALID_PARAM for a device id that is too long or holds control characters. */
struct fault account_session_check(const struct session_ask *ask) __attribute__((warn_unused_result));
/* Logs in: account_session_check() has passed, the user has been authenticated. `account` is what
 * account_login_password() said; if that is not true any more (account_login_holds()) there is no session:
 * M_USER_DEACTIVATED, M_FORBIDDEN. */
struct fault account_session_begin(const struct services *s, struct arena *a, const struct account_info *account,
                                   const struct session_ask *ask, struct session *session_out)
    __attribute__((warn_unused_result));
/* Another access and refresh token for an unused refresh token; M_UNKNOWN_TOKEN. The old ones work until one of the new
 * is used (client-server API, "Refreshing access tokens"). */
struct fault account_session_refresh(const struct services *s, struct arena *a, struct str refresh_token,
                                     struct session *session_out) __attribute__((warn_unused_result));
/* Logs out: the caller's device goes with its tokens; or all devices of the user. */
struct fault account_session_end(const struct services *s, const struct caller *caller)
    __attribute__((warn_unused_result));
struct fault account_session_end_all(const struct services *s, const struct caller *caller)
    __attribute__((warn_unused_result));

/* --- for registration, which makes account and session in one transaction --- */

struct store_tx;

struct session_draft {
    struct session session; /* device_nid is set by account_session_store */
    struct str device_name;
    uint8_t access_hash[TOKEN_HASH_SIZE];
    uint8_t refresh_hash[TOKEN_HASH_SIZE];
    int64_t expires_ts;
};

/* Draws the tokens. */
void account_session_prepare(const struct services *s, struct arena *a, const struct session_ask *ask,
                             struct session_draft *draft_out);
/* Within a write transaction; false if the user has too many devices. */
bool account_session_store(struct store_tx *tx, int64_t user_nid, struct session_draft *draft);

#endif
