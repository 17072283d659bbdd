#include "api/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "codec/utf8.h"
#include "crypto/token.h"
#include "service/account.h"
#include "service/device.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#define BODY_MAX_EVENT_BYTES ((size_t)256 << 10)
/* What needs no token is small: a registration with its interactive authentication is about 1 KiB. */
#define BODY_MAX_STRANGER ((size_t)64 << 10)
/* Of what is not looked at, as much as keeps a connection that sends "{}" where nothing is wanted. */
#define BODY_MAX_IGNORED ((size_t)4 << 10)
#define NO_LISTENER      UINT_MAX
/* Keeps the numbers of users apart from those of addresses, which are hashes. */
#define USER_BIT (UINT64_C(1) << 63)
/* What is kept of a body gets wrapped in other objects, and has to stay readable. */
#define BODY_DEPTH_MAX (JSON_DEPTH_MAX - 50)

struct dispatch {
    struct services *services;
    size_t max_request_size;
    struct arena *arena; /* of the names made here */
    struct router *router;
    struct router *control;
    unsigned control_listener;
};

/* Clients from before v1.1 of the specification ask under these names. */
static const struct {
    struct str now;
    const char *then;
} aliases[] = {
    {STR_INIT("/_matrix/client/v3/"), "/_matrix/client/r0/"},
    {STR_INIT("/_matrix/media/v3/"), "/_matrix/media/r0/"},
};
#define ALIAS_COUNT (sizeof aliases / sizeof aliases[0])

/* The older name of a path, or NULL. */
static const char *alias_of(struct arena *a, const char *pattern)
{
    struct str p = str_of(pattern);
    for (size_t i = 0; i < ALIAS_COUNT; i++)
        if (str_starts(p, aliases[i].now))
            return str_cstr(a, str_fmt(a, "%s%s", aliases[i].then, pattern + aliases[i].now.n));
    return NULL;
}

static struct router *router_of(struct arena *a, const struct api_route *const *tables, bool control)
{
    size_t cap = 0;
    for (size_t t = 0; tables[t]; t++)
        for (const struct api_route *route = tables[t]; route->handler; route++)
            cap += 2;
    struct router_row *rows = ARENA_ARRAY(a, cap, struct router_row);
    size_t count = 0;
    for (size_t t = 0; tables[t]; t++)
        for (const struct api_route *route = tables[t]; route->handler; route++) {
            if ((route->auth == AUTH_CONTROL) != control)
                continue;
            rows[count++] = (struct router_row){route->method, route->pattern, route};
            const char *alias = alias_of(a, route->pattern);
            if (alias)
                rows[count++] = (struct router_row){route->method, alias, route};
        }
    return router_new(rows, count);
}

struct dispatch *dispatch_new(const struct dispatch_options *options)
{
    struct dispatch *d = memory_calloc(1, sizeof *d);
    d->services = options->services;
    d->max_request_size = options->max_request_size;
    d->arena = arena_new();
    d->router = router_of(d->arena, options->routes, false);
    d->control = router_of(d->arena, options->routes, true);
    d->control_listener = NO_LISTENER;
    return d;
}

void dispatch_free(struct dispatch **d)
{
    if (!*d)
        return;
    router_free(&(*d)->router);
    router_free(&(*d)->control);
    arena_free(&(*d)->arena);
    free(*d);
    *d = NULL;
}

void dispatch_set_control(struct dispatch *d, unsigned listener)
{
    d->control_listener = listener;
}

static const struct router *router_for(const struct dispatch *d, unsigned listener)
{
    return listener == d->control_listener ? d->control : d->router;
}

static struct http_reply unrecognized(int status)
{
    return http_reply_error(status, "M_UNRECOGNIZED",
                            status == 405 ? "This path does not know this method" : "There is nothing at this path");
}

/* The path without its query: tokens of old clients stand there. */
static void log_access(enum http_method method, struct str path, int status, int64_t ms, struct str user_id)
{
    log_debug("request", LOG_STR("method", http_method_name(method)), LOG_STR("path", path), LOG_INT("status", status),
              LOG_INT("ms", ms), LOG_STR("user", user_id));
}

/* --- the access token --- */

/* Of the header; p == NULL if it holds none (client-server API, "Using access tokens"). */
static struct str header_token(const struct http_pair *headers, size_t count)
{
    static const struct str scheme = STR_INIT("Bearer ");
    struct str header = http_pairs_header(headers, count, STR("Authorization"));
    if (header.n > scheme.n && str_eq_nocase(str_slice(header, 0, scheme.n), scheme))
        return str_trim(str_slice(header, scheme.n, header.n));
    return (struct str){0};
}

/* p == NULL if there is none. */
static struct str token_of(const struct http_request *http)
{
    struct str token = header_token(http->headers, http->header_count);
    return token.p ? token : http_query(http, STR("access_token"));
}

/* What is known of a token by the head alone, without asking the database. */
enum token_sight { TOKEN_ABSENT, TOKEN_MALFORMED, TOKEN_UNSEEN, TOKEN_IN_MEMORY };

struct sight {
    enum token_sight token;
    int64_t user_nid; /* of one in memory */
};

static struct sight look_at(const struct dispatch *d, struct str token)
{
    if (token.n == 0)
        return (struct sight){.token = TOKEN_ABSENT};
    if (!token_has_form(token, TOKEN_PREFIX_ACCESS))
        return (struct sight){.token = TOKEN_MALFORMED};
    int64_t user_nid = account_user_in_memory(d->services, token);
    return (struct sight){user_nid ? TOKEN_IN_MEMORY : TOKEN_UNSEEN, user_nid};
}

static struct sight look_at_head(const struct dispatch *d, const struct http_request_head *head)
{
    struct str token = header_token(head->headers, head->header_count);
    if (token.p || head->query.n == 0)
        return look_at(d, token);
    struct arena *a = arena_new();
    struct http_request request = {0};
    request.query_count = http_query_parse(a, head->query, &request.query);
    struct sight sight = look_at(d, token_of(&request));
    arena_free(&a);
    return sight;
}

/* Why a request is refused by its head alone. */
static struct fault check_sight(enum route_auth auth, enum token_sight sight)
{
    if (sight == TOKEN_ABSENT && auth != AUTH_OPTIONAL)
        return FAULT(M_MISSING_TOKEN, "An access token is needed");
    if (sight == TOKEN_MALFORMED)
        return FAULT(M_UNKNOWN_TOKEN, "This access token is not known");
    return FAULT_NONE;
}

/* --- by the head alone --- */

static size_t body_max_of(const struct dispatch *d, const struct api_route *route, bool stranger)
{
    if (!route || route->body == BODY_NONE)
        return BODY_MAX_IGNORED;
    size_t max = route->body_max;
    if (max == BODY_MAX_EVENT)
        max = BODY_MAX_EVENT_BYTES;
    if (max > d->max_request_size)
        max = d->max_request_size;
    return stranger && max > BODY_MAX_STRANGER ? BODY_MAX_STRANGER : max;
}

static struct http_verdict answer_at_once(const struct http_request_head *head, struct http_reply reply)
{
    log_access(head->method, head->path, reply.status, 0, (struct str){0});
    return (struct http_verdict){.answered = true, .reply = reply};
}

struct http_verdict dispatch_classify(struct dispatch *d, const struct http_request_head *head)
{
    /* A preflight of a browser: nothing is looked at, the server adds the CORS headers (client-server API, "Web Browser
     * Clients"). */
    if (head->method == HTTP_OPTIONS)
        return (struct http_verdict){.answered = true, .reply = http_reply_static(204, (struct str){0})};

    if (head->segment_count > HTTP_MAX_SEGMENTS)
        return answer_at_once(head, unrecognized(404));
    struct router_match m =
        router_match(router_for(d, head->listener), head->method, head->segments, head->segment_count, NULL);
    if (m.result == ROUTER_UNKNOWN)
        return answer_at_once(head, unrecognized(404));
    const struct api_route *route = m.result == ROUTER_FOUND ? m.row : NULL;
    bool takes_token = route && route->auth != AUTH_NONE && route->auth != AUTH_CONTROL;
    struct sight sight = takes_token ? look_at_head(d, head) : (struct sight){.token = TOKEN_ABSENT};
    struct fault fault = takes_token ? check_sight(route->auth, sight.token) : FAULT_NONE;
    if (fault.code)
        return answer_at_once(head, reply_fault(fault));
    bool local = route && route->auth == AUTH_CONTROL;
    return (struct http_verdict){
        .body_max = body_max_of(d, route, sight.token == TOKEN_ABSENT && !local),
        .known = local || sight.token == TOKEN_IN_MEMORY,
        .slow = route && route->slow,
        .tag = route,
        .client = sight.user_nid ? (uint64_t)sight.user_nid | USER_BIT : 0,
    };
}

/* --- the steps before a handler; each returns a fault or lets the request pass --- */

/* Parameters go into JSON and into the database, and neither takes other bytes. */
static struct fault check_text(const struct router_match *m, const struct http_request *http)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (!utf8_valid(m->params[i]) || str_find(m->params[i], '\0') < m->params[i].n)
            return FAULT(M_INVALID_PARAM, "The path is not valid UTF-8");
    for (size_t i = 0; i < http->query_count; i++)
        if (!utf8_valid(http->query[i].value) || str_find(http->query[i].value, '\0') < http->query[i].value.n)
            return FAULT(M_INVALID_PARAM, "The query is not valid UTF-8");
    return FAULT_NONE;
}

static struct fault authenticate(struct api_request *r, enum route_auth auth)
{
    if (auth == AUTH_NONE || auth == AUTH_CONTROL)
        return FAULT_NONE;
    struct str token = token_of(r->http);
    if (!token.p || token.n == 0)
        return auth == AUTH_OPTIONAL ? FAULT_NONE : FAULT(M_MISSING_TOKEN, "An access token is needed");
    struct fault fault = account_authenticate(r->services, r->arena, token, &r->caller);
    if (fault.code)
        return fault;
    if (r->caller.is_guest && auth == AUTH_USER)
        return FAULT(M_GUEST_ACCESS_FORBIDDEN, "Guests may not do this");
    if (r->http->wakeups == 0)
        device_seen(r->services, &r->caller, r->http->client);
    return FAULT_NONE;
}

static struct fault read_body(struct api_request *r, enum route_body body)
{
    r->body = json_object(r->arena);
    if (body == BODY_NONE || (body == BODY_MAYBE && r->http->body.n == 0))
        return FAULT_NONE;
    struct json_result json = json_parse(r->arena, r->http->body, BODY_DEPTH_MAX);
    if (json.error)
        return FAULT_STR(M_NOT_JSON, str_fmt(r->arena, "The body is no JSON: %s at byte %zu", json.error, json.offset));
    if (json.value->type != JSON_OBJECT)
        return FAULT(M_BAD_JSON, "The body must be a JSON object");
    r->body = json.value;
    return FAULT_NONE;
}

static struct http_reply run(struct api_request *r, const struct api_route *route, const struct router_match *m)
{
    struct fault fault = check_text(m, r->http);
    if (!fault.code)
        fault = authenticate(r, route->auth);
    if (!fault.code)
        fault = read_body(r, route->body);
    if (fault.code)
        return reply_fault(fault);
    struct http_reply reply = route->handler(r);
    if (!r->http->answer || !r->http->answer->refused)
        return reply;
    http_reply_fini(&reply);
    return http_reply_limited("Too many answers have not been read yet", STR("5"));
}

static struct http_reply refuse(const struct router_match *m, struct arena *a)
{
    if (m->result == ROUTER_MALFORMED)
        return http_reply_error(400, "M_INVALID_PARAM", "The path holds a malformed escape");
    struct http_reply reply = unrecognized(m->result == ROUTER_METHOD ? 405 : 404);
    if (m->result == ROUTER_METHOD) {
        bool added = http_reply_header(&reply, STR("Allow"), router_allow(a, m->methods));
        assert(added);
    }
    return reply;
}

struct http_reply dispatch_request(struct dispatch *d, struct http_request *http)
{
    log_set_request(http->id);
    struct router_match m =
        router_match(router_for(d, http->listener), http->method, http->segments, http->segment_count, http->arena);
    struct api_request r = {.http = http, .arena = http->arena, .services = d->services, .params = m.params};
    struct http_reply reply = m.result == ROUTER_FOUND ? run(&r, m.row, &m) : refuse(&m, http->arena);
    if (!reply.parks)
        log_access(http->method, http->path, reply.status, clock_mono_ms() - http->first_seen_ms, r.caller.user_id);
    log_set_request(0);
    return reply;
}

/* --- the callbacks of http/server.h --- */

static struct http_verdict on_classify(void *ctx, const struct http_request_head *head)
{
    return dispatch_classify(ctx, head);
}

static struct http_reply on_request(void *ctx, struct http_request *request)
{
    return dispatch_request(ctx, request);
}

struct http_callbacks dispatch_callbacks(struct dispatch *d)
{
    return (struct http_callbacks){.classify = on_classify, .handle = on_request, .ctx = d};
}
