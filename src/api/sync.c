/*
 * GET /sync (client-server API, "Syncing").
 *
 * The long poll: an answer without news parks the request on the key of its user, and it runs again from its start when
 * something of theirs changes. What it saw before (wake_seq) goes with it, so that a change in between is not missed.
 */
#include "service/sync.h"

#include "api/api.h"
#include "api/routes.h"
#include "service/saved_filter.h"
#include "service/stream_token.h"

/* The first room may take three eighths of it (service/sync.h): 48 MiB, or 70,000 members that are not loaded lazily.
 */
#define ANSWER_MAX ((size_t)128 << 20)

/* The filter of the query: JSON as it stands, or the id of one that was stored before. */
static struct fault read_filter(struct api_request *r, struct sync_filter *out)
{
    struct str text = query_str(r, STR("filter"));
    const struct json *json = NULL;
    struct fault fault = FAULT_NONE;
    if (str_starts(text, STR("{"))) {
        struct json_result parsed = json_parse(r->arena, text, JSON_DEPTH_MAX);
        if (parsed.error)
            return FAULT(M_NOT_JSON, "filter: not valid JSON");
        json = parsed.value;
    } else if (text.n) {
        fault = saved_filter_get(r->services, r->arena, r->caller.user_nid, text, &json);
    }
    return fault.code ? fault : sync_filter_read(r->arena, json, out);
}

/* Nobody is told of presence yet, but what is no presence is refused already. */
static bool is_presence(struct str word)
{
    return !word.p || str_eq(word, STR("offline")) || str_eq(word, STR("online")) || str_eq(word, STR("unavailable"));
}

static struct fault read_query(struct api_request *r, struct sync_query *query, int64_t *timeout_ms)
{
    struct str since = query_str(r, STR("since"));
    if (since.n && !stream_token_read(since, &query->since))
        return FAULT(M_INVALID_PARAM, "since: not a token of this server");
    if (!is_presence(query_str(r, STR("set_presence"))))
        return FAULT(M_INVALID_PARAM, "set_presence: must be offline, online or unavailable");
    struct fault fault = query_int_opt(r, STR("timeout"), 0, INT64_MAX, 0, timeout_ms);
    if (fault.code)
        return fault;
    if (*timeout_ms > r->services->options->sync_timeout_max_ms)
        *timeout_ms = r->services->options->sync_timeout_max_ms;
    fault = query_bool_opt(r, STR("full_state"), false, &query->full_state);
    if (!fault.code)
        fault = query_bool_opt(r, STR("use_state_after"), false, &query->use_state_after);
    query->state_after_name = STR("state_after");
    if (!fault.code && !query->use_state_after) {
        /* The name that today's clients still use. */
        fault = query_bool_opt(r, STR("org.matrix.msc4222.use_state_after"), false, &query->use_state_after);
        query->state_after_name = STR("org.matrix.msc4222.state_after");
    }
    query->filter_hash = str_hash(query_str(r, STR("filter")));
    return fault.code ? fault : read_filter(r, &query->filter);
}

static struct http_reply park(struct api_request *r, int64_t deadline_ms)
{
    struct http_park park = {
        .keys = {(uint64_t)r->caller.user_nid}, .key_count = 1, .deadline_ms = deadline_ms, .seen = r->http->wake_seq};
    return http_reply_park(park);
}

static struct http_reply sync(struct api_request *r)
{
    struct sync_query query = {0};
    int64_t timeout_ms;
    bool empty;
    struct buf answer;
    struct fault fault = read_query(r, &query, &timeout_ms);
    if (fault.code)
        return reply_fault(fault);
    reply_begin(r, &answer, ANSWER_MAX);
    fault = sync_answer(r->services, r->arena, &r->caller, &query, &answer, &empty);
    bool wait = !fault.code && empty && query.since && !query.full_state && timeout_ms && !r->http->timed_out;
    if (!fault.code && !wait)
        return reply_buf(&answer);
    buf_fini(&answer);
    return wait ? park(r, r->http->first_seen_ms + timeout_ms) : reply_fault(fault);
}

/* clang-format off */
const struct api_route routes_sync[] = {
    {HTTP_GET, "/_matrix/client/v3/sync", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, sync},
    {0},
};
/* clang-format on */
