#include "service/account_register.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/account_limit.h"
#include "service/account_password.h"
#include "service/storage.h"
#include "store/accounts.h"
#include "store/registration_tokens.h"

#define RANDOM_LOCALPART 12

struct fault account_register_name(const struct services *s, struct arena *a, struct str *user_id_out)
{
    return account_name_free(s, a, random_string(a, RANDOM_LOCALPART, RANDOM_LOWER), user_id_out);
}

struct job {
    const struct account_registration *registration;
    struct account_row account;
    struct session_draft session;
    struct fault refused;
};

static bool run(struct store_tx *tx, void *arg)
{
    struct job *job = arg;
    const struct account_registration *registration = job->registration;
    job->refused = FAULT(M_USER_IN_USE, "This user id is taken");
    if (!accounts_insert(tx, &job->account))
        return false;
    job->refused = FAULT(M_FORBIDDEN, "This registration token is not valid any more");
    if (registration->registration_token.p &&
        !registration_tokens_use(tx, registration->registration_token, job->account.created_ts))
        return false;
    return !registration->session || account_session_store(tx, job->account.user_nid, &job->session);
}

/* Before the password is hashed, which is what a flood would cost others. */
static struct fault take(const struct services *s, struct arena *a, const struct account_registration *registration)
{
    if (!registration->address.p)
        return FAULT_NONE;
    return account_limit_take(s->accounts->limits,
                              registration->invited ? ACCOUNT_LIMIT_INVITED : ACCOUNT_LIMIT_REGISTER,
                              account_limit_address(a, "register", registration->address));
}

struct fault account_register(const struct services *s, struct arena *a,
                              const struct account_registration *registration, struct session *session_out,
                              int64_t *user_nid_out)
{
    struct job job = {
        .registration = registration,
        .account = {.user_id = registration->user_id, .is_admin = registration->is_admin, .created_ts = clock_now_ms()},
    };
    struct fault fault = take(s, a, registration);
    if (!fault.code)
        fault = account_password_hash(s->accounts->passwords, a, registration->password, &job.account.password_hash);
    if (fault.code)
        return fault;
    if (registration->session)
        account_session_prepare(s, a, registration->session, &job.session);
    fault = storage_write(s, (struct store_job){.run = run, .arg = &job}, &job.refused);
    if (fault.code)
        return fault;
    log_info("registered", LOG_STR("user", registration->user_id));
    *session_out = job.session.session;
    *user_nid_out = job.account.user_nid;
    return FAULT_NONE;
}
