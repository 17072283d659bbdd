#include "service/account.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "matrix/id.h"
#include "service/account_cache.h"
#include "service/account_limit.h"
#include "service/account_login.h"
#include "service/account_password.h"
#include "service/account_register.h"
#include "service/device.h"
#include "service/storage.h"
#include "service/uia_session.h"
#include "store/account_data.h"
#include "store/accounts.h"
#include "store/filters.h"
#include "store/profiles.h"
#include "store/tokens.h"

#include <stdlib.h>

#define CACHE_MAX 20000

struct accounts *accounts_new(void)
{
    struct accounts *accounts = memory_calloc(1, sizeof *accounts);
    accounts->cache = account_cache_new(CACHE_MAX);
    accounts->limits = account_limits_new();
    accounts->passwords = account_passwords_new();
    accounts->sightings = device_sightings_new();
    accounts->uia = uia_sessions_new();
    account_departures_init(&accounts->departures);
    return accounts;
}

void accounts_free(struct services *s)
{
    if (!s->accounts)
        return;
    device_sightings_flush(s);
    uia_sessions_free(&s->accounts->uia);
    device_sightings_free(&s->accounts->sightings);
    account_passwords_free(&s->accounts->passwords);
    account_limits_free(&s->accounts->limits);
    account_cache_free(&s->accounts->cache);
    free(s->accounts);
    s->accounts = NULL;
}

/* --- authentication --- */

struct first_use {
    const struct services *s;
    int64_t token_nid;
    int64_t device_nid;
};

static bool first_use_run(struct store_tx *tx, void *arg)
{
    struct first_use *use = arg;
    tokens_first_use(tx, use->token_nid);
    return true;
}

static void first_use_committed(void *arg)
{
    struct first_use *use = arg;
    account_cache_drop_device(use->s->accounts->cache, use->device_nid);
}

/* What the session was refreshed from must have ended before the new token does anything. */
static struct fault end_replaced(const struct services *s, const struct token_row *token)
{
    struct first_use use = {s, token->token_nid, token->device_nid};
    return storage_write(s, (struct store_job){.run = first_use_run, .committed = first_use_committed, .arg = &use},
                         NULL);
}

static struct fault expired(void)
{
    struct fault fault = FAULT(M_UNKNOWN_TOKEN, "The access token has expired");
    fault.soft_logout = true;
    return fault;
}

static bool is_over(int64_t expires_ts)
{
    return expires_ts && expires_ts <= clock_now_ms();
}

/* The slow way: the token is not in memory. */
static struct fault look_up(const struct services *s, struct arena *a, const uint8_t hash[TOKEN_HASH_SIZE],
                            struct caller *caller_out)
{
    uint64_t generation = account_cache_generation(s->accounts->cache);
    struct store_tx *tx = store_read_begin(s->store);
    struct token_owner owner;
    bool found = tokens_find_access(tx, (struct str){(const char *)hash, TOKEN_HASH_SIZE}, a, &owner);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (!found)
        return FAULT(M_UNKNOWN_TOKEN, "This access token is not known");
    if (is_over(owner.token.expires_ts))
        return expired();
    if (owner.token.replaces_nid)
        fault = end_replaced(s, &owner.token);
    if (fault.code)
        return fault;
    *caller_out = (struct caller){
        .user_nid = owner.token.user_nid,
        .device_nid = owner.token.device_nid,
        .user_id = owner.user_id,
        .device_id = owner.device_id,
        .is_admin = owner.is_admin,
        .is_guest = owner.is_guest,
    };
    account_cache_put(s->accounts->cache, generation, hash, caller_out, owner.token.expires_ts);
    return FAULT_NONE;
}

struct fault account_authenticate(const struct services *s, struct arena *a, struct str token,
                                  struct caller *caller_out)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    int64_t expires_ts = 0;
    token_hash(token, hash);
    account_cache_follow(s->accounts->cache, store_others(s->store));
    if (!account_cache_get(s->accounts->cache, hash, a, caller_out, &expires_ts))
        return look_up(s, a, hash, caller_out);
    if (!is_over(expires_ts))
        return FAULT_NONE;
    *caller_out = (struct caller){0};
    return expired();
}

int64_t account_user_in_memory(const struct services *s, struct str token)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    token_hash(token, hash);
    account_cache_follow(s->accounts->cache, store_others(s->store));
    return account_cache_user(s->accounts->cache, hash);
}

/* --- finding --- */

struct str account_user_id(const struct services *s, struct arena *a, struct str user)
{
    struct str localpart;
    struct str server;
    struct str user_id = user.n > 0 && user.p[0] == '@' ? user : user_id_make(a, user, s->options->server_name);
    bool ours = user_id_split(user_id, &localpart, &server) && str_eq(server, s->options->server_name);
    return ours ? user_id : (struct str){0};
}

struct account_info account_info_of(const struct account_row *row)
{
    return (struct account_info){
        .user_nid = row->user_nid,
        .user_id = row->user_id,
        .is_admin = row->is_admin,
        .is_guest = row->is_guest,
        .deactivated = row->deactivated_ts != 0,
        .erased = row->erased,
        .created_ts = row->created_ts,
    };
}

struct fault account_find(const struct services *s, struct arena *a, struct str user_id, struct account_info *out)
{
    struct store_tx *tx = store_read_begin(s->store);
    struct account_row row;
    bool found = accounts_find(tx, user_id, a, &row);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (!found)
        return FAULT(M_NOT_FOUND, "There is no such account here");
    *out = account_info_of(&row);
    return FAULT_NONE;
}

struct fault account_list(const struct services *s, struct arena *a, struct str after, int64_t limit,
                          struct account_info **infos_out, size_t *count_out)
{
    struct store_tx *tx = store_read_begin(s->store);
    struct account_row *rows = NULL;
    *count_out = accounts_list(tx, after, limit, a, &rows);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    *infos_out = ARENA_ARRAY(a, *count_out, struct account_info);
    for (size_t i = 0; i < *count_out; i++)
        (*infos_out)[i] = account_info_of(&rows[i]);
    return FAULT_NONE;
}

struct fault account_name_free(const struct services *s, struct arena *a, struct str username, struct str *user_id_out)
{
    struct str localpart = str_lower(a, username);
    struct str user_id = user_id_make(a, localpart, s->options->server_name);
    if (!user_localpart_valid(localpart))
        return FAULT(M_INVALID_USERNAME, "A user name is made of the characters a-z, 0-9 and . _ = - / +");
    if (user_id.n > ID_MAX)
        return FAULT(M_INVALID_USERNAME, "This user name is too long");
    struct account_info taken;
    struct fault fault = account_find(s, a, user_id, &taken);
    if (fault.code == M_NOT_FOUND) {
        *user_id_out = user_id;
        return FAULT_NONE;
    }
    return fault.code ? fault : FAULT(M_USER_IN_USE, "This user id is taken");
}

/* --- making and changing --- */

struct fault account_create(const struct services *s, struct arena *a, struct str localpart, struct str password,
                            bool is_admin, struct account_info *out)
{
    struct account_registration registration = {.password = password, .is_admin = is_admin};
    struct fault fault = account_name_free(s, a, localpart, &registration.user_id);
    if (!fault.code)
        fault = account_password_acceptable(password);
    struct session none;
    int64_t user_nid = 0;
    if (!fault.code)
        fault = account_register(s, a, &registration, &none, &user_nid);
    return fault.code ? fault : account_find(s, a, registration.user_id, out);
}

/* One change of one account. */
struct change {
    const struct services *s;
    int64_t user_nid;
    const struct account_password_change *password;
    struct str password_hash; /* the new one */
    const struct account_deactivation *deactivation;
    bool is_admin;
    struct fault refused;
};

static void change_committed(void *arg)
{
    struct change *change = arg;
    account_cache_drop_user(change->s->accounts->cache, change->user_nid);
}

static struct fault run_change(struct change *change, bool (*run)(struct store_tx *, void *))
{
    return storage_write(change->s, (struct store_job){.run = run, .committed = change_committed, .arg = change},
                         &change->refused);
}

static bool run_set_password(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    if (!account_login_holds(tx, change->user_nid, change->password->shown_hash, &change->refused) ||
        !accounts_set_password(tx, change->user_nid, change->password_hash))
        return false;
    if (change->password->logout)
        device_remove_all(tx, change->user_nid, change->password->keep_device_nid);
    return true;
}

struct fault account_set_password(const struct services *s, struct arena *a,
                                  const struct account_password_change *change)
{
    struct change job = {.s = s, .user_nid = change->user_nid, .password = change};
    struct fault fault = account_password_acceptable(change->password);
    if (!fault.code)
        fault = account_password_hash(s->accounts->passwords, a, change->password, &job.password_hash);
    return fault.code ? fault : run_change(&job, run_set_password);
}

static bool run_set_admin(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    accounts_set_admin(tx, change->user_nid, change->is_admin);
    return true;
}

struct fault account_set_admin(const struct services *s, int64_t user_nid, bool is_admin)
{
    struct change change = {.s = s, .user_nid = user_nid, .is_admin = is_admin};
    return run_change(&change, run_set_admin);
}

static bool run_deactivate(struct store_tx *tx, void *arg)
{
    struct change *change = arg;
    const struct account_deactivation *deactivation = change->deactivation;
    if (deactivation->shown_hash.p &&
        !account_login_holds(tx, change->user_nid, deactivation->shown_hash, &change->refused))
        return false;
    device_remove_all(tx, change->user_nid, 0);
    accounts_deactivate(tx, change->user_nid, clock_now_ms(), deactivation->erase);
    if (deactivation->erase) {
        profiles_delete_all(tx, change->user_nid);
        account_data_delete_all(tx, change->user_nid);
        filters_delete_all(tx, change->user_nid);
    }
    return true;
}

struct fault account_deactivate(struct services *s, const struct account_deactivation *deactivation)
{
    struct change change = {.s = s, .user_nid = deactivation->user_nid, .deactivation = deactivation};
    struct fault fault = run_change(&change, run_deactivate);
    if (fault.code)
        return fault;
    log_info("deactivated", LOG_STR("user", deactivation->user_id), LOG_INT("erase", deactivation->erase));
    account_departure_begin(s, deactivation->user_nid, deactivation->user_id);
    return FAULT_NONE;
}
