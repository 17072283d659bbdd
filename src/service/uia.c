#include "service/uia.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "service/account.h"
#include "service/account_limit.h"
#include "service/account_login.h"
#include "service/registration_token.h"
#include "service/storage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_CHARS 24

const struct uia_flow uia_flow_password = {.stages = {UIA_PASSWORD}, .count = 1};

/* What a session has come to know; copied out and in, so that stages are checked without the lock. */
struct progress {
    unsigned completed; /* bit 1u << enum uia_stage */
    int64_t user_nid;
    char user_id[UIA_TEXT_MAX];
    size_t user_id_size;
    char password_hash[PASSWORD_HASH_MAX]; /* whose password was shown: the stage is done while the account has it */
    size_t password_hash_size;
    char token[UIA_TEXT_MAX]; /* registration token whose use is to be counted; empty: none */
    size_t token_size;
};

struct session {
    char id[SESSION_CHARS];
    int64_t expires_ms; /* of clock_mono_ms() */
    int64_t user_nid;   /* of the ask */
    uint64_t operation; /* str_hash */
    struct progress progress;
    struct list *list; /* that it stands in */
    struct session *older;
    struct session *newer;
};

/* By the time of coming here. */
struct list {
    struct session *newest;
    struct session *oldest;
    size_t count;
};

struct uia_sessions {
    struct mutex lock;
    struct map_str by_id;
    struct list opened; /* costs nothing to be in: no stage is completed */
    struct list begun;
};

/* --- the table of sessions --- */

struct uia_sessions *uia_sessions_new(void)
{
    struct uia_sessions *all = memory_calloc(1, sizeof *all);
    mutex_init(&all->lock);
    map_str_init(&all->by_id);
    return all;
}

static struct str id_of(const struct session *session)
{
    return (struct str){session->id, SESSION_CHARS};
}

static void leave(struct session *session)
{
    struct list *list = session->list;
    *(session->newer ? &session->newer->older : &list->newest) = session->older;
    *(session->older ? &session->older->newer : &list->oldest) = session->newer;
    list->count--;
}

static void join(struct list *list, struct session *session)
{
    session->list = list;
    session->older = list->newest;
    session->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = session;
    list->newest = session;
    list->count++;
}

static void drop(struct uia_sessions *all, struct session *session)
{
    leave(session);
    map_str_remove(&all->by_id, id_of(session));
    free(session);
}

void uia_sessions_free(struct uia_sessions **sessions)
{
    if (!*sessions)
        return;
    while ((*sessions)->opened.oldest)
        drop(*sessions, (*sessions)->opened.oldest);
    while ((*sessions)->begun.oldest)
        drop(*sessions, (*sessions)->begun.oldest);
    map_str_fini(&(*sessions)->by_id);
    mutex_fini(&(*sessions)->lock);
    free(*sessions);
    *sessions = NULL;
}

static void drop_expired(struct uia_sessions *all, const struct list *list, int64_t now)
{
    while (list->oldest && list->oldest->expires_ms <= now)
        drop(all, list->oldest);
}

/* All live equally long, so those that are over stand at the old end (nearly so among those begun). If there are too
 * many, one goes in which nothing has been done yet; begun ones only where they take more than half of the room. */
static void make_room(struct uia_sessions *all, int64_t now)
{
    drop_expired(all, &all->opened, now);
    drop_expired(all, &all->begun, now);
    if (all->by_id.count >= UIA_SESSIONS_MAX)
        drop(all, all->begun.count > UIA_SESSIONS_MAX / 2 ? all->begun.oldest : all->opened.oldest);
}

static struct str limit_key(struct arena *a, const struct uia_ask *ask)
{
    return account_limit_address(a, "uia", ask->address);
}

/* A new session for the ask; its id in `a`. */
static struct fault open_session(const struct services *s, struct arena *a, const struct uia_ask *ask,
                                 struct str *id_out)
{
    struct uia_sessions *all = s->accounts->uia;
    struct fault fault = account_limit_take(s->accounts->limits, ACCOUNT_LIMIT_ASKING, limit_key(a, ask));
    if (fault.code)
        return fault;
    struct str id = random_string(a, SESSION_CHARS, RANDOM_BASE62);
    struct session *session = memory_calloc(1, sizeof *session);
    int64_t now = clock_mono_ms();
    memcpy(session->id, id.p, SESSION_CHARS);
    session->expires_ms = now + UIA_SESSION_TTL_MS;
    session->user_nid = ask->user_nid;
    session->operation = str_hash(ask->operation);

    mutex_lock(&all->lock);
    make_room(all, now);
    join(&all->opened, session);
    map_str_put(&all->by_id, id_of(session), session);
    mutex_unlock(&all->lock);
    *id_out = id;
    return FAULT_NONE;
}

/* The session of that id, if it is there and was opened for the same ask. */
static struct session *find(struct uia_sessions *all, struct str id, const struct uia_ask *ask)
{
    mutex_assert_held(&all->lock);
    struct session *session = map_str_get(&all->by_id, id);
    bool good = session && session->expires_ms > clock_mono_ms() && session->user_nid == ask->user_nid &&
                session->operation == str_hash(ask->operation);
    return good ? session : NULL;
}

static bool read_progress(struct uia_sessions *all, struct str id, const struct uia_ask *ask, struct progress *out)
{
    mutex_lock(&all->lock);
    const struct session *session = find(all, id, ask);
    if (session)
        *out = session->progress;
    mutex_unlock(&all->lock);
    return session != NULL;
}

static void write_progress(struct uia_sessions *all, struct str id, const struct uia_ask *ask,
                           const struct progress *progress)
{
    mutex_lock(&all->lock);
    struct session *session = find(all, id, ask);
    if (session) {
        unsigned completed = session->progress.completed | progress->completed;
        session->progress = *progress;
        session->progress.completed = completed;
        if (completed && session->list == &all->opened) {
            leave(session);
            join(&all->begun, session);
        }
    }
    mutex_unlock(&all->lock);
}

/* --- stages --- */

struct attempt {
    const struct services *s;
    struct arena *a;
    const struct uia_ask *ask;
    const struct json *auth;
    struct progress *progress;
};

static size_t keep(char out[UIA_TEXT_MAX], struct str text)
{
    assert(text.n <= UIA_TEXT_MAX);
    memcpy(out, text.p, text.n);
    return text.n;
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
    t->progress->user_id_size = keep(t->progress->user_id, info.user_id);
    assert(info.password_hash.n <= PASSWORD_HASH_MAX); /* or password_verify() had refused it */
    memcpy(t->progress->password_hash, info.password_hash.p, info.password_hash.n);
    t->progress->password_hash_size = info.password_hash.n;
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
    t->progress->token_size = counted ? keep(t->progress->token, token) : 0;
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

static bool is_done(const struct progress *progress, enum uia_stage stage)
{
    return (progress->completed & 1U << stage) != 0;
}

/* How many stages of the flow are done, counted from its start. */
static size_t done_of(const struct uia_flow *flow, const struct progress *progress)
{
    size_t done = 0;
    while (done < flow->count && is_done(progress, flow->stages[done]))
        done++;
    return done;
}

static bool is_complete(const struct uia_ask *ask, const struct progress *progress)
{
    for (size_t i = 0; i < ask->flow_count; i++)
        if (done_of(&ask->flows[i], progress) == ask->flows[i].count)
            return true;
    return false;
}

/* Whether some flow has this stage as its next one. */
static bool is_next(const struct uia_ask *ask, const struct progress *progress, enum uia_stage stage)
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
                                   const struct progress *progress, struct fault fault)
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
                                const struct progress *progress)
{
    struct uia_result result = {
        .outcome = UIA_PASSED,
        .session = session,
        .opened_by = limit_key(a, ask),
        .user_nid = progress->user_nid ? progress->user_nid : ask->user_nid,
        .user_id = str_copy(a, (struct str){progress->user_id, progress->user_id_size}),
    };
    if (is_done(progress, UIA_PASSWORD))
        result.password_hash = str_copy(a, (struct str){progress->password_hash, progress->password_hash_size});
    if (progress->token_size > 0)
        result.registration_token = str_copy(a, (struct str){progress->token, progress->token_size});
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
static struct fault forget_old_password(const struct services *s, struct progress *progress)
{
    if (!is_done(progress, UIA_PASSWORD))
        return FAULT_NONE;
    struct fault refused;
    struct store_tx *tx = store_read_begin(s->store);
    struct str shown = {progress->password_hash, progress->password_hash_size};
    if (!account_login_holds(tx, progress->user_nid, shown, &refused))
        progress->completed &= ~(1U << UIA_PASSWORD);
    return storage_read_end(&tx);
}

static struct uia_result challenge_anew(const struct services *s, struct arena *a, const struct uia_ask *ask,
                                        struct fault why)
{
    struct str session;
    struct fault fault = open_session(s, a, ask, &session);
    return fault.code ? refused(fault) : challenge(a, ask, session, &(struct progress){0}, why);
}

struct uia_result uia_check(const struct services *s, struct arena *a, const struct uia_ask *ask,
                            const struct json *auth)
{
    struct uia_sessions *all = s->accounts->uia;
    struct progress progress = {0};
    if (!auth || auth->type == JSON_NULL)
        return challenge_anew(s, a, ask, FAULT_NONE);
    if (auth->type != JSON_OBJECT)
        return refused(FAULT(M_BAD_JSON, "'auth' must be an object"));

    struct str type = json_str_at(auth, STR("type"));
    struct str session = json_str_at(auth, STR("session"));
    if (session.p && !read_progress(all, session, ask, &progress))
        return challenge_anew(s, a, ask,
                              FAULT(M_FORBIDDEN, "This session is unknown, over, or belongs to something else"));
    struct fault fault = session.p ? forget_old_password(s, &progress) : open_session(s, a, ask, &session);
    if (!fault.code && type.p)
        fault = try_stage(&(struct attempt){s, a, ask, auth, &progress}, type);
    if (fault.code == M_LIMIT_EXCEEDED || fault.status == 500)
        return refused(fault);
    if (!fault.code)
        write_progress(all, session, ask, &progress);
    if (!fault.code && is_complete(ask, &progress))
        return passed(a, ask, session, &progress);
    return challenge(a, ask, session, &progress, fault);
}

void uia_finish(const struct services *s, const struct uia_result *result)
{
    assert(result->outcome == UIA_PASSED);
    struct uia_sessions *all = s->accounts->uia;
    mutex_lock(&all->lock);
    struct session *session = map_str_get(&all->by_id, result->session);
    bool found = session != NULL;
    if (found)
        drop(all, session);
    mutex_unlock(&all->lock);
    if (found)
        account_limit_give_back(s->accounts->limits, ACCOUNT_LIMIT_ASKING, result->opened_by);
}
