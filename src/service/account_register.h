/*
 * Making accounts: one transaction for the account, its first session, and the use of a registration token.
 *
 * Threads: any; the calling thread hashes the password.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_REGISTER_H
#define HEARTH_SERVICE_ACCOUNT_REGISTER_H

#include "service/account.h"
#include "service/account_session.h"

struct account_registration {
    struct str user_id;  /* of account_name_free() or account_register_name() */
    struct str password; /* acceptable */
    bool is_admin;
    struct str address;                /* of the client, for limits; p == NULL: none */
    bool invited;                      /* a registration token was shown: the limit is a wider one */
    struct str registration_token;     /* whose use is counted; p == NULL: none */
    const struct session_ask *session; /* NULL: no login */
};

/* A user id that nobody has, for those who name none. */
struct fault account_register_name(const struct services *s, struct arena *a, struct str *user_id_out)
    __attribute__((warn_unused_result));
/* M_USER_IN_USE, M_FORBIDDEN if the registration token is used up, M_LIMIT_EXCEEDED. */
struct fault account_register(const struct services *s, struct arena *a,
                              const struct account_registration *registration, struct session *session_out,
                              int64_t *user_nid_out) __attribute__((warn_unused_result));

#endif
