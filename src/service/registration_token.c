#include "service/registration_token.h"

#include "base/clock.h"
#include "crypto/token.h"
#include "matrix/id.h"
#include "service/account.h"
#include "service/account_limit.h"
#include "service/storage.h"

#define RANDOM_LENGTH 16

static struct fault is_usable(const struct services *s, struct str token, bool *usable_out)
{
    struct store_tx *tx = store_read_begin(s->store);
    *usable_out = registration_tokens_usable(tx, token, clock_now_ms());
    return storage_read_end(&tx);
}

struct fault registration_token_check(const struct services *s, struct arena *a, struct str token, struct str address,
                                      bool *valid_out, bool *counted_out)
{
    struct str key = account_limit_address(a, "registration token", address);
    *valid_out = false;
    *counted_out = false;
    struct fault fault = account_limit_take(s->accounts->limits, ACCOUNT_LIMIT_STRICT, key);
    if (fault.code)
        return fault;
    struct str fixed = s->options->registration_token;
    if (fixed.n > 0 && token_eq(token, fixed)) {
        *valid_out = true;
    } else {
        fault = is_usable(s, token, valid_out);
        *counted_out = *valid_out;
    }
    if (fault.code || *valid_out)
        account_limit_give_back(s->accounts->limits, ACCOUNT_LIMIT_STRICT, key);
    return fault;
}

static bool run_insert(struct store_tx *tx, void *arg)
{
    return registration_tokens_insert(tx, arg);
}

struct fault registration_token_create(const struct services *s, struct arena *a, struct str token,
                                       int64_t uses_allowed, int64_t expires_ts, struct str *token_out)
{
    *token_out = token.n > 0 ? token : random_string(a, RANDOM_LENGTH, RANDOM_BASE62);
    if (!opaque_id_valid(*token_out) || token_out->n > REGISTRATION_TOKEN_MAX)
        return FAULT(M_INVALID_PARAM, "A registration token is made of 1 to 64 characters of A-Z a-z 0-9 . _ ~ -");
    struct registration_token_row row = {
        .token = *token_out,
        .uses_allowed = uses_allowed,
        .created_ts = clock_now_ms(),
        .expires_ts = expires_ts,
    };
    return storage_write(s, (struct store_job){.run = run_insert, .arg = &row},
                         &FAULT(M_FORBIDDEN, "This registration token exists already"));
}

struct fault registration_token_list(const struct services *s, struct arena *a,
                                     struct registration_token_row **rows_out, size_t *count_out)
{
    struct store_tx *tx = store_read_begin(s->store);
    *count_out = registration_tokens_list(tx, a, rows_out);
    return storage_read_end(&tx);
}

static bool run_delete(struct store_tx *tx, void *arg)
{
    const struct str *token = arg;
    return registration_tokens_delete(tx, *token);
}

struct fault registration_token_delete(const struct services *s, struct str token)
{
    return storage_write(s, (struct store_job){.run = run_delete, .arg = &token},
                         &FAULT(M_NOT_FOUND, "There is no such registration token"));
}
