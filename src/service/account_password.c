#include "service/account_password.h"

#include "base/memory.h"
#include "base/thread.h"
#include "codec/utf8.h"
#include "crypto/password.h"

#include <stdlib.h>
#include <string.h>

#define RUNNING_MAX 2
#define WAITING_MAX 32
#define NEW_MAX     24 /* of both, for passwords that are set: a login finds a place, and waits 0.2 s */
#define RETRY_AFTER 1000

struct account_passwords {
    struct mutex lock;
    struct cond turn;
    unsigned running;
    unsigned waiting;
    unsigned fresh;                /* running or waiting for a password that is set */
    char decoy[PASSWORD_HASH_MAX]; /* compared with where there is no account */
    size_t decoy_size;
};

struct account_passwords *account_passwords_new(void)
{
    struct account_passwords *p = memory_calloc(1, sizeof *p);
    mutex_init(&p->lock);
    cond_init(&p->turn);
    struct arena *a = arena_new();
    struct str decoy = password_decoy(a);
    memcpy(p->decoy, decoy.p, decoy.n);
    p->decoy_size = decoy.n;
    arena_free(&a);
    return p;
}

void account_passwords_free(struct account_passwords **passwords)
{
    if (!*passwords)
        return;
    cond_fini(&(*passwords)->turn);
    mutex_fini(&(*passwords)->lock);
    free(*passwords);
    *passwords = NULL;
}

static struct fault busy(void)
{
    struct fault fault = FAULT(M_LIMIT_EXCEEDED, "Too many passwords are being checked");
    fault.retry_after_ms = RETRY_AFTER;
    return fault;
}

static bool enter(struct account_passwords *p, bool fresh)
{
    mutex_lock(&p->lock);
    bool may = (p->running < RUNNING_MAX || p->waiting < WAITING_MAX) && (!fresh || p->fresh < NEW_MAX);
    if (may) {
        p->fresh += fresh;
        p->waiting++;
        while (p->running == RUNNING_MAX)
            cond_wait(&p->turn, &p->lock);
        p->waiting--;
        p->running++;
    }
    mutex_unlock(&p->lock);
    return may;
}

static void leave(struct account_passwords *p, bool fresh)
{
    mutex_lock(&p->lock);
    p->fresh -= fresh;
    p->running--;
    cond_signal(&p->turn);
    mutex_unlock(&p->lock);
}

struct fault account_password_acceptable(struct str password)
{
    if (utf8_count(password) < ACCOUNT_PASSWORD_MIN)
        return FAULT(M_WEAK_PASSWORD, "A password needs at least 8 characters");
    if (password.n > ACCOUNT_PASSWORD_MAX)
        return FAULT(M_INVALID_PARAM, "A password may have at most 1024 bytes");
    return FAULT_NONE;
}

struct fault account_password_hash(struct account_passwords *passwords, struct arena *a, struct str password,
                                   struct str *hash_out)
{
    if (!enter(passwords, true))
        return busy();
    *hash_out = password_hash(a, password);
    leave(passwords, true);
    return hash_out->p ? FAULT_NONE : busy();
}

struct fault account_password_verify(struct account_passwords *passwords, struct str hash, struct str password,
                                     bool *right_out)
{
    *right_out = false;
    if (password.n > ACCOUNT_PASSWORD_MAX)
        return FAULT_NONE;
    if (!enter(passwords, false))
        return busy();
    struct str against = hash.p ? hash : (struct str){passwords->decoy, passwords->decoy_size};
    bool right = password_verify(against, password);
    leave(passwords, false);
    *right_out = right && hash.p;
    return FAULT_NONE;
}
