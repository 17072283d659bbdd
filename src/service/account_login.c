#include "service/account_login.h"

#include "service/account_limit.h"
#include "service/account_password.h"
#include "service/storage.h"
#include "store/accounts.h"

struct fault account_login_identifier(const struct json *object, struct str *user_out)
{
    const struct json *identifier = json_get(object, STR("identifier"));
    const struct json *user = json_get(identifier, STR("user"));
    if (identifier && identifier->type != JSON_OBJECT)
        return FAULT(M_BAD_JSON, "'identifier' must be an object");
    if (user && user->type != JSON_STRING)
        return FAULT(M_BAD_JSON, "'identifier.user' must be a string");
    if (!json_is(identifier, JSON_OBJECT)) {
        *user_out = json_str_at(object, STR("user"));
        if (!user_out->p && json_get(object, STR("address")))
            return FAULT(M_FORBIDDEN, "There is no account with this address");
        return user_out->p ? FAULT_NONE : FAULT(M_MISSING_PARAM, "'identifier' is missing");
    }
    struct str type = json_str_at(identifier, STR("type"));
    if (str_eq(type, STR("m.id.thirdparty")) || str_eq(type, STR("m.id.phone")))
        return FAULT(M_FORBIDDEN, "There is no account with this address");
    if (!str_eq(type, STR("m.id.user")))
        return FAULT_STATUS(M_UNKNOWN, 400, "Unknown type of identifier");
    *user_out = json_str_at(identifier, STR("user"));
    return user_out->p ? FAULT_NONE : FAULT(M_MISSING_PARAM, "'identifier.user' is missing");
}

/* The buckets of one attempt. That of the address is the strict one: whoever guesses is stopped soon where he is, and
 * the user, who is elsewhere, is not. A right password gives back to the first two. The last is for those who know it,
 * and would keep all others from the hashing by logging in for ever: it is of this user at this address, so that
 * neither strangers nor a proxy that hides addresses empty it for somebody else. */
enum { BY_ADDRESS, BY_USER, BY_BOTH, BUCKETS };

struct attempt {
    struct account_limits *limits;
    struct str keys[BUCKETS];
};

static const enum account_limit_kind kinds[BUCKETS] = {
    [BY_ADDRESS] = ACCOUNT_LIMIT_STRICT, [BY_USER] = ACCOUNT_LIMIT_USER, [BY_BOTH] = ACCOUNT_LIMIT_ASKING};

static struct attempt attempt_of(const struct services *s, struct arena *a, struct str user_id, struct str address)
{
    struct str user = str_lower(a, user_id);
    struct str both = account_limit_address(a, "logins", address);
    return (struct attempt){.limits = s->accounts->limits,
                            .keys = {
                                [BY_ADDRESS] = account_limit_address(a, "login", address),
                                [BY_USER] = str_fmt(a, "user %.*s", STR_ARG(user)),
                                [BY_BOTH] = str_fmt(a, "%.*s %.*s", STR_ARG(both), STR_ARG(user)),
                            }};
}

/* To the buckets before `end`. */
static void give_back(const struct attempt *attempt, int end)
{
    for (int i = 0; i < end; i++)
        account_limit_give_back(attempt->limits, kinds[i], attempt->keys[i]);
}

/* Takes from all buckets or from none. */
static struct fault take(const struct attempt *attempt)
{
    struct fault fault = FAULT_NONE;
    int i = 0;
    for (; !fault.code && i < BUCKETS; i++)
        fault = account_limit_take(attempt->limits, kinds[i], attempt->keys[i]);
    if (fault.code)
        give_back(attempt, i - 1);
    return fault;
}

/* The account as it is stored, or a row without a password where there is none. New user ids have no capitals, so those
 * that were typed are forgiven; accounts brought from other servers may have them. */
static struct fault find(const struct services *s, struct arena *a, struct str user_id, struct account_row *row_out)
{
    *row_out = (struct account_row){0};
    struct store_tx *tx = store_read_begin(s->store);
    if (user_id.p && !accounts_find(tx, user_id, a, row_out))
        accounts_find(tx, str_lower(a, user_id), a, row_out);
    return storage_read_end(&tx);
}

#define DEACTIVATED FAULT(M_USER_DEACTIVATED, "This account has been deactivated")

struct fault account_login_password(const struct services *s, struct arena *a, struct str user, struct str password,
                                    struct str address, struct account_info *info_out)
{
    struct str user_id = account_user_id(s, a, user);
    struct attempt attempt = attempt_of(s, a, user_id, address);
    struct fault fault = take(&attempt);
    if (fault.code)
        return fault;

    struct account_row row;
    bool right = false;
    fault = find(s, a, user_id, &row);
    if (!fault.code)
        fault = account_password_verify(s->accounts->passwords, row.password_hash, password, &right);
    if (fault.code || right)
        give_back(&attempt, BY_BOTH);
    if (fault.code)
        return fault;
    if (row.deactivated_ts)
        return DEACTIVATED;
    if (!right)
        return FAULT(M_FORBIDDEN, "Wrong user name or password");
    *info_out = account_info_of(&row);
    info_out->password_hash = row.password_hash;
    return FAULT_NONE;
}

bool account_login_holds(struct store_tx *tx, int64_t user_nid, struct str password_hash, struct fault *refused_out)
{
    struct account_row row;
    if (!accounts_get(tx, user_nid, store_tx_arena(tx), &row) || row.deactivated_ts) {
        *refused_out = DEACTIVATED;
        return false;
    }
    *refused_out = FAULT(M_FORBIDDEN, "The password has just been changed");
    return !password_hash.p || str_eq(password_hash, row.password_hash);
}
