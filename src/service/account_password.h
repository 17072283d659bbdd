/*
 * Passwords of accounts: which are accepted, and hashing them without exhausting the machine.
 *
 * A hash takes 19 MiB and 17 ms (crypto/password.h). Two run at once; a few dozen wait; whoever comes then is told to
 * come back. New passwords may take three quarters of these places only, so that a flood of registrations leaves logins
 * in peace. No transaction is open meanwhile.
 *
 * Threads: any; the calling thread waits.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_PASSWORD_H
#define HEARTH_SERVICE_ACCOUNT_PASSWORD_H

#include "base/arena.h"
#include "matrix/errcode.h"

#define ACCOUNT_PASSWORD_MIN 8    /* characters (client-server API, "Password management") */
#define ACCOUNT_PASSWORD_MAX 1024 /* bytes */

struct account_passwords;

struct account_passwords *account_passwords_new(void);
void account_passwords_free(struct account_passwords **passwords);

/* M_WEAK_PASSWORD, or M_INVALID_PARAM if it is too long. */
struct fault account_password_acceptable(struct str password) __attribute__((warn_unused_result));
struct fault account_password_hash(struct account_passwords *passwords, struct arena *a, struct str password,
                                   struct str *hash_out) __attribute__((warn_unused_result));
/* Whether it is the password of that hash. Without a hash (p == NULL) the answer is no and takes as long. */
struct fault account_password_verify(struct account_passwords *passwords, struct str hash, struct str password,
                                     bool *right_out) __attribute__((warn_unused_result));

#endif
