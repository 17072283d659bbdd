#include "service/uia.h"

#include "service/account.h"
#include "service/account_limit.h"
#include "service/account_login.h"
#include "service/registration_token.h"
#include "service/storage.h"
#include "service/uia_session.h"

#include <assert.h>
#include <string.h>

const struct uia_flow uia_flow_password = {.stages = {UIA_PASSWORD}, .count = 1};

static struct str limit_key(struct arena *a, const struct uia_ask *ask)
{
    return account_limit_address(a, "uia", ask->address);
}

static struct uia_purpose purpose_of(const struct uia_ask *ask)
{
    return (struct uia_purpose){.user_nid = ask->user_nid, .operation = ask->operation};
}

/* A new session for the ask; its id in `a`. */
static struct fault open_session(const struct services *s, struct arena *a, const struct uia_ask *ask,
                                 struct str *id_out)
{
    struct fault fault = account_limit_take(s->accounts->limits, ACCOUNT_LIMIT_ASKING, limit_key(a, ask));
    if (!fault.code)
        *id_out = uia_session_open(s->accounts->uia, a, purpose_of(ask));
    return fault;
}

/* --- stages --- */

struct attempt {
    const struct services *s;
    struct arena *a;
    const struct uia_ask *ask;
    const struct json *auth;
    struct uia_progress *progress;
};

static void keep(struct uia_text *out, struct str text)
{
    assert(text.n <= UIA_TEXT_MAX);
    if (text.n > 0)
        memcpy(out->p, text.p, text.n);
    out->n = text.n;
}

static struct str kept(const struct uia_text *text)
{
    return (struct str){text->p, text->n};
}

static struct fault try_password(const struct attempt *t)
{
    struct str user;
    struct account_info info;
    struct str password = json_str_at(t->auth, STR("password"));
    if (!password.p)
        return FAULT(M_MISSING_PARAM, "'auth.password' is missing");
    struct fault fault = account_login_identifier(t->auth, &user);
    if (!fault.code)
        fault = account_login_password(t->s, t->a, user, password, t->ask->address, &info);
    if (fault.code)
        return fault;
    if (t->ask->user_nid && info.user_nid != t->ask->user_nid)
        return FAULT(M_FORBIDDEN, "This is the password of another user");
    t->progress->user_nid = info.user_nid;
    keep(&t->progress->user_id, info.user_id);
    keep(&t->progress->password_hash, info.password_hash); /* password_verify() refuses longer ones */
    return FAULT_NONE;
}

static struct fault try_dummy(const struct attempt *t)
{
    (void)t;
    return FAULT_NONE;
}

static struct fault try_registration_token(const struct attempt *t)
{
    struct str token = json_str_at(t->auth, STR("token"));
    bool valid = false;
    bool counted = false;
    if (!token.p)
        return FAULT(M_MISSING_PARAM, "'auth.token' is missing");
    struct fault fault = registration_token_check(t->s, t->a, token, t->ask->address, &valid, &counted);
    if (fault.code)
        return fault;
    if (!valid)
        return FAULT(M_FORBIDDEN, "This registration token is not valid");
    keep(&t->progress->token, counted ? token : (struct str){0});
    return FAULT_NONE;
}

static const struct {
    struct str type;
    struct fault (*attempt)(const struct attempt *t);
} stages[UIA_STAGE_COUNT] = {
    [UIA_PASSWORD] = {STR_INIT("m.login.password"), try_password},
    [UIA_DUMMY] = {STR_INIT("m.login.dummy"), try_dummy},
    [UIA_REGISTRATION_TOKEN] = {STR_INIT("m.login.registration_token"), try_registration_token},
};

/* --- flows --- */

static bool is_done(const struct uia_progress *progress, enum uia_stage stage)
{
    return (progress->completed & 1U << stage) != 0;
}

/* How many stages of the flow are done, counted from its start. */
static size_t done_of(const struct uia_flow *flow, const struct uia_progress *progress)
{
    size_t done = 0;
    while (done < flow->count && is_done(progress, flow->stages[done]))
        done++;
    return done;
}

static bool is_complete(const struct uia_ask *ask, const struct uia_progress *progress)
{
    for (size_t i = 0; i < ask->flow_count; i++)
        if (done_of(&ask->flows[i], progress) == ask->flows[i].count)
            return true;
    return false;
}

/* Whether some flow has this stage as its next one. */
static bool is_next(const struct uia_ask *ask, const struct uia_progress *progress, enum uia_stage stage)
{
    for (size_t i = 0; i < ask->flow_count; i++) {
        size_t done = done_of(&ask->flows[i], progress);
        if (done < ask->flows[i].count && ask->flows[i].stages[done] == stage)
            return true;
    }
    return false;
}

/* --- answers --- */

static struct json flows_json(struct arena *a, const struct uia_ask *ask)
{
    struct json *flows = json_array(a);
    for (size_t i = 0; i < ask->flow_count; i++) {
        struct json *types = json_array(a);
        for (size_t j = 0; j < ask->flows[i].count; j++)
            json_push(a, types, json_string(stages[ask->flows[i].stages[j]].type));
        struct json *flow = json_object(a);
        json_set(a, flow, STR("stages"), *types);
        json_push(a, flows, *flow);
    }
    return *flows;
}

static struct uia_result challenge(struct arena *a, const struct uia_ask *ask, struct str session,
                                   const struct uia_progress *progress, struct fault fault)
{
    struct json *body = json_object(a);
    json_set(a, body, STR("flows"), flows_json(a, ask));
    json_set(a, body, STR("params"), *json_object(a));
    json_set_str(a, body, STR("session"), session);
    if (progress->completed) {
        struct json *completed = json_array(a);
        for (unsigned i = 0; i < UIA_STAGE_COUNT; i++)
            if (progress->completed & 1U << i)
                json_push(a, completed, json_string(stages[i].type));
        json_set(a, body, STR("completed"), *completed);
    }
    if (fault.code) {
        json_set_str(a, body, STR("errcode"), errcode_name(fault.code));
        json_set_str(a, body, STR("error"), fault.message);
    }
    return (struct uia_result){.outcome = UIA_CHALLENGED, .challenge = body};
}

static struct uia_result passed(struct arena *a, const struct uia_ask *ask, struct str session,
                                const struct uia_progress *progress)
{
    struct uia_result result = {
        .outcome = UIA_PASSED,
        .session = session,
        .opened_by = limit_key(a, ask),
        .user_nid = progress->user_nid ? progress->user_nid : ask->user_nid,
        .user_id = str_copy(a, kept(&progress->user_id)),
    };
    if (is_done(progress, UIA_PASSWORD))
        result.password_hash = str_copy(a, kept(&progress->password_hash));
    if (progress->token.n > 0)
        result.registration_token = str_copy(a, kept(&progress->token));
    return result;
}

static struct uia_result refused(struct fault fault)
{
    return (struct uia_result){.outcome = UIA_FAULT, .fault = fault};
}

/* Tries the stage that the client has sent; a fault means that it failed. */
static struct fault try_stage(const struct attempt *t, struct str type)
{
    for (unsigned i = 0; i < UIA_STAGE_COUNT; i++) {
        if (!str_eq(stages[i].type, type))
            continue;
        if (is_done(t->progress, i))
            return FAULT_NONE;
        if (!is_next(t->ask, t->progress, i))
            break;
        struct fault fault = stages[i].attempt(t);
        if (!fault.code)
            t->progress->completed |= 1U << i;
        return fault;
    }
    return FAULT(M_UNRECOGNIZED, "This stage is not the next one of any flow");
}

/* Whoever changes a password locks out those who knew the old one: what they have shown counts no more. */
static struct fault forget_old_password(const struct services *s, struct uia_progress *progress)
{
    if (!is_done(progress, UIA_PASSWORD))
        return FAULT_NONE;
    struct fault refused;
    struct store_tx *tx = store_read_begin(s->store);
    if (!account_login_holds(tx, progress->user_nid, kept(&progress->password_hash), &refused))
        progress->completed &= ~(1U << UIA_PASSWORD);
    return storage_read_end(&tx);
}

static struct uia_result challenge_anew(const struct services *s, struct arena *a, const struct uia_ask *ask,
                                        struct fault why)
{
    struct str session;
    struct fault fault = open_session(s, a, ask, &session);
    return fault.code ? refused(fault) : challenge(a, ask, session, &(struct uia_progress){0}, why);
}

struct uia_result uia_check(const struct services *s, struct arena *a, const struct uia_ask *ask,
                            const struct json *auth)
{
    struct uia_sessions *all = s->accounts->uia;
    struct uia_progress progress = {0};
    if (!auth || auth->type == JSON_NULL)
        return challenge_anew(s, a, ask, FAULT_NONE);
    if (auth->type != JSON_OBJECT)
        return refused(FAULT(M_BAD_JSON, "'auth' must be an object"));

    struct str type = json_str_at(auth, STR("type"));
    struct str session = json_str_at(auth, STR("session"));
    if (session.p && !uia_session_read(all, session, purpose_of(ask), &progress))
        return challenge_anew(s, a, ask,
                              FAULT(M_FORBIDDEN, "This session is unknown, over, or belongs to something else"));
    struct fault fault = session.p ? forget_old_password(s, &progress) : open_session(s, a, ask, &session);
    if (!fault.code && type.p)
        fault = try_stage(&(struct attempt){s, a, ask, auth, &progress}, type);
    if (fault.code == M_LIMIT_EXCEEDED || fault.status == 500)
        return refused(fault);
    if (!fault.code)
        uia_session_write(all, session, purpose_of(ask), &progress);
    if (!fault.code && is_complete(ask, &progress))
        return passed(a, ask, session, &progress);
    return challenge(a, ask, session, &progress, fault);
}

void uia_finish(const struct services *s, const struct uia_result *result)
{
    assert(result->outcome == UIA_PASSED);
    if (uia_session_end(s->accounts->uia, result->session))
        account_limit_give_back(s->accounts->limits, ACCOUNT_LIMIT_ASKING, result->opened_by);
}
