#include "service/account_session.h"

#include "base/clock.h"
#include "service/account.h"
#include "service/account_cache.h"
#include "service/account_login.h"
#include "service/device.h"
#include "service/storage.h"
#include "store/devices.h"
#include "store/tokens.h"

#define DEVICE_ID_LETTERS 10

#define TOO_MANY_DEVICES FAULT(M_FORBIDDEN, "The account has too many devices; delete some")

struct fault account_session_check(const struct session_ask *ask)
{
    if (ask->device_id.n > DEVICE_ID_MAX)
        return FAULT(M_INVALID_PARAM, "'device_id' is too long");
    for (size_t i = 0; i < ask->device_id.n; i++)
        if ((unsigned char)ask->device_id.p[i] < 0x20)
            return FAULT(M_INVALID_PARAM, "'device_id' holds control characters");
    return FAULT_NONE;
}

static void draw_tokens(const struct services *s, struct arena *a, bool refresh, struct session_draft *draft)
{
    draft->session.access_token = token_new(a, TOKEN_PREFIX_ACCESS);
    token_hash(draft->session.access_token, draft->access_hash);
    if (!refresh)
        return;
    draft->session.refresh_token = token_new(a, TOKEN_PREFIX_REFRESH);
    token_hash(draft->session.refresh_token, draft->refresh_hash);
    draft->session.expires_in_ms = s->options->access_token_ttl_ms;
    draft->expires_ts = draft->session.expires_in_ms ? clock_now_ms() + draft->session.expires_in_ms : 0;
}

void account_session_prepare(const struct services *s, struct arena *a, const struct session_ask *ask,
                             struct session_draft *draft_out)
{
    *draft_out = (struct session_draft){
        .session.device_id = ask->device_id.n > 0
                                 ? ask->device_id
                                 : random_string(a, DEVICE_ID_LETTERS, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
        .device_name = device_name_cut(ask->device_name),
    };
    draw_tokens(s, a, ask->refresh, draft_out);
}

static int64_t insert_tokens(struct store_tx *tx, int64_t user_nid, const struct session_draft *draft,
                             int64_t replaces_nid)
{
    struct str refresh_hash = {(const char *)draft->refresh_hash, TOKEN_HASH_SIZE};
    return tokens_insert(tx, &(struct token_row){
                                 .user_nid = user_nid,
                                 .device_nid = draft->session.device_nid,
                                 .access_hash = {(const char *)draft->access_hash, TOKEN_HASH_SIZE},
                                 .refresh_hash = draft->session.refresh_token.p ? refresh_hash : (struct str){0},
                                 .expires_ts = draft->expires_ts,
                                 .replaces_nid = replaces_nid,
                             });
}

bool account_session_store(struct store_tx *tx, int64_t user_nid, struct session_draft *draft)
{
    struct device_row device;
    if (devices_find(tx, user_nid, draft->session.device_id, store_tx_arena(tx), &device)) {
        draft->session.device_nid = device.device_nid;
        tokens_delete_of_device(tx, device.device_nid);
    } else {
        if (devices_count(tx, user_nid) >= DEVICES_MAX)
            return false;
        draft->session.device_nid = devices_insert(tx, &(struct device_row){
                                                           .user_nid = user_nid,
                                                           .device_id = draft->session.device_id,
                                                           .display_name = draft->device_name,
                                                           .created_ts = clock_now_ms(),
                                                       });
    }
    insert_tokens(tx, user_nid, draft, 0);
    return true;
}

/* --- login --- */

struct begin {
    const struct services *s;
    const struct account_info *account;
    struct session_draft draft;
    struct fault refused;
};

static bool begin_run(struct store_tx *tx, void *arg)
{
    struct begin *begin = arg;
    const struct account_info *account = begin->account;
    if (!account_login_holds(tx, account->user_nid, account->password_hash, &begin->refused))
        return false;
    begin->refused = TOO_MANY_DEVICES;
    return account_session_store(tx, account->user_nid, &begin->draft);
}

static void begin_committed(void *arg)
{
    struct begin *begin = arg;
    account_cache_drop_device(begin->s->accounts->cache, begin->draft.session.device_nid);
}

struct fault account_session_begin(const struct services *s, struct arena *a, const struct account_info *account,
                                   const struct session_ask *ask, struct session *session_out)
{
    struct begin begin = {.s = s, .account = account};
    account_session_prepare(s, a, ask, &begin.draft);
    struct fault fault = storage_write(
        s, (struct store_job){.run = begin_run, .committed = begin_committed, .arg = &begin}, &begin.refused);
    *session_out = begin.draft.session;
    return fault;
}

/* --- refresh --- */

struct refresh {
    const struct services *s;
    struct str hash; /* of the token shown */
    struct session_draft draft;
};

static bool refresh_run(struct store_tx *tx, void *arg)
{
    struct refresh *refresh = arg;
    struct token_owner owner;
    if (!tokens_find_refresh(tx, refresh->hash, store_tx_arena(tx), &owner))
        return false;
    refresh->draft.session.device_nid = owner.token.device_nid;
    tokens_first_use(tx, owner.token.token_nid);
    tokens_delete_replacing(tx, owner.token.token_nid);
    insert_tokens(tx, owner.token.user_nid, &refresh->draft, owner.token.token_nid);
    return true;
}

static void refresh_committed(void *arg)
{
    struct refresh *refresh = arg;
    account_cache_drop_device(refresh->s->accounts->cache, refresh->draft.session.device_nid);
}

/* Asked before a job is queued: what strangers make up must not keep the writer busy. */
static struct fault is_known(const struct services *s, struct arena *a, struct str hash, bool *known_out)
{
    struct token_owner owner;
    struct store_tx *tx = store_read_begin(s->store);
    *known_out = tokens_find_refresh(tx, hash, a, &owner);
    return storage_read_end(&tx);
}

struct fault account_session_refresh(const struct services *s, struct arena *a, struct str refresh_token,
                                     struct session *session_out)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    token_hash(refresh_token, hash);
    struct refresh refresh = {.s = s, .hash = {(const char *)hash, TOKEN_HASH_SIZE}};
    struct fault unknown = FAULT(M_UNKNOWN_TOKEN, "This refresh token is unknown or has been used");
    bool known;
    struct fault fault = is_known(s, a, refresh.hash, &known);
    if (fault.code || !known)
        return fault.code ? fault : unknown;
    draw_tokens(s, a, true, &refresh.draft);
    fault = storage_write(s, (struct store_job){.run = refresh_run, .committed = refresh_committed, .arg = &refresh},
                          &unknown);
    *session_out = refresh.draft.session;
    return fault;
}

/* --- logout --- */

struct fault account_session_end(const struct services *s, const struct caller *caller)
{
    return device_delete(
        s, &(struct device_deletion){.user_nid = caller->user_nid, .device_ids = &caller->device_id, .count = 1});
}

struct fault account_session_end_all(const struct services *s, const struct caller *caller)
{
    return device_delete(s, &(struct device_deletion){.user_nid = caller->user_nid});
}
