/*
 * Sending and reading the events of rooms (client-server API, "Sending events to a room", "Getting events for a room").
 */
#include "api/api.h"
#include "api/routes.h"
#include "service/room_read.h"
#include "service/room_send.h"

#define LIMIT_DEFAULT 10

static struct http_reply reply_event_id(struct api_request *r, struct str event_id)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("event_id"), event_id);
    return reply_json(answer);
}

/* --- sending --- */

static struct http_reply send(struct api_request *r)
{
    struct str event_id;
    struct fault fault =
        room_send(r->services, r->arena, &r->caller, r->params[0], r->params[1], r->params[2], r->body, &event_id);
    return fault.code ? reply_fault(fault) : reply_event_id(r, event_id);
}

static struct http_reply redact(struct api_request *r)
{
    struct str event_id;
    struct str reason;
    struct fault fault = body_str_opt(r, STR("reason"), STR(""), &reason);
    if (!fault.code)
        fault =
            room_redact(r->services, r->arena, &r->caller, r->params[0], r->params[1], r->params[2], reason, &event_id);
    return fault.code ? reply_fault(fault) : reply_event_id(r, event_id);
}

static struct http_reply put_state(struct api_request *r, struct str state_key)
{
    struct str event_id;
    struct fault fault =
        room_put_state(r->services, r->arena, &r->caller, r->params[0], r->params[1], state_key, r->body, &event_id);
    return fault.code ? reply_fault(fault) : reply_event_id(r, event_id);
}

static struct http_reply put_state_key(struct api_request *r)
{
    return put_state(r, r->params[2]);
}

static struct http_reply put_state_no_key(struct api_request *r)
{
    return put_state(r, STR(""));
}

/* --- state --- */

/* What a service has written into `answer`, or its fault. */
static struct http_reply reply_written(struct fault fault, struct buf *answer)
{
    if (!fault.code)
        return reply_buf(answer);
    buf_fini(answer);
    return reply_fault(fault);
}

static struct http_reply get_state(struct api_request *r)
{
    struct buf answer;
    reply_begin(r, &answer, ROOM_READ_MAX);
    struct fault fault = room_read_state(r->services, r->arena, &r->caller, r->params[0], &answer);
    return reply_written(fault, &answer);
}

static struct http_reply get_state_event(struct api_request *r, struct str state_key)
{
    struct json answer;
    struct str format = query_str(r, STR("format"));
    if (format.p && !str_eq(format, STR("content")) && !str_eq(format, STR("event")))
        return reply_error(M_INVALID_PARAM, "format: must be content or event");
    struct fault fault = room_read_state_event(r->services, r->arena, &r->caller, r->params[0], r->params[1], state_key,
                                               str_eq(format, STR("event")), &answer);
    return fault.code ? reply_fault(fault) : reply_json(&answer);
}

static struct http_reply get_state_key(struct api_request *r)
{
    return get_state_event(r, r->params[2]);
}

static struct http_reply get_state_no_key(struct api_request *r)
{
    return get_state_event(r, STR(""));
}

/* --- members --- */

/* One of the specification's words, or not asked for. */
static bool is_membership(struct str word)
{
    return !word.p || str_eq(word, STR("join")) || str_eq(word, STR("invite")) || str_eq(word, STR("knock")) ||
           str_eq(word, STR("leave")) || str_eq(word, STR("ban"));
}

static struct http_reply members(struct api_request *r)
{
    struct buf answer;
    struct members_query query = {.at = query_str(r, STR("at")),
                                  .membership = query_str(r, STR("membership")),
                                  .not_membership = query_str(r, STR("not_membership"))};
    if (!is_membership(query.membership) || !is_membership(query.not_membership))
        return reply_error(M_INVALID_PARAM, "membership, not_membership: must be join, invite, knock, leave or ban");
    reply_begin(r, &answer, ROOM_READ_MAX);
    struct fault fault = room_read_members(r->services, r->arena, &r->caller, r->params[0], &query, &answer);
    return reply_written(fault, &answer);
}

static struct http_reply joined_members(struct api_request *r)
{
    struct buf answer;
    reply_begin(r, &answer, ROOM_READ_MAX);
    struct fault fault = room_read_joined_members(r->services, r->arena, &r->caller, r->params[0], &answer);
    return reply_written(fault, &answer);
}

/* --- timeline --- */

/* The query parameter `filter`: a RoomEventFilter in JSON. */
static struct fault query_filter(struct api_request *r, struct event_filter *out)
{
    struct str text = query_str(r, STR("filter"));
    if (!text.n)
        return event_filter_read(r->arena, NULL, out);
    struct json_result parsed = json_parse(r->arena, text, JSON_DEPTH_MAX);
    if (parsed.error)
        return FAULT(M_INVALID_PARAM, "filter: not valid JSON");
    struct fault fault = event_filter_read(r->arena, parsed.value, out);
    if (fault.code)
        fault.code = M_INVALID_PARAM;
    return fault;
}

static struct http_reply messages(struct api_request *r)
{
    struct buf page;
    struct str dir = query_str(r, STR("dir"));
    struct messages_query query = {
        .backwards = str_eq(dir, STR("b")), .from = query_str(r, STR("from")), .to = query_str(r, STR("to"))};
    if (!query.backwards && !str_eq(dir, STR("f")))
        return reply_error(dir.p ? M_INVALID_PARAM : M_MISSING_PARAM, "dir: must be b or f");
    struct fault fault = query_int_opt(r, STR("limit"), 0, INT64_MAX, LIMIT_DEFAULT, &query.limit);
    if (!fault.code)
        fault = query_filter(r, &query.filter);
    reply_begin(r, &page, ROOM_READ_MAX);
    if (!fault.code)
        fault = room_read_messages(r->services, r->arena, &r->caller, r->params[0], &query, &page);
    return reply_written(fault, &page);
}

static struct http_reply get_event(struct api_request *r)
{
    struct json *event;
    struct fault fault = room_read_event(r->services, r->arena, &r->caller, r->params[0], r->params[1], &event);
    return fault.code ? reply_fault(fault) : reply_json(event);
}

static struct http_reply context(struct api_request *r)
{
    struct buf answer;
    struct event_filter filter;
    int64_t limit;
    struct fault fault = query_int_opt(r, STR("limit"), 0, INT64_MAX, LIMIT_DEFAULT, &limit);
    if (!fault.code)
        fault = query_filter(r, &filter);
    reply_begin(r, &answer, ROOM_READ_MAX);
    if (!fault.code)
        fault =
            room_read_context(r->services, r->arena, &r->caller, r->params[0], r->params[1], limit, &filter, &answer);
    return reply_written(fault, &answer);
}

#define ROOM "/_matrix/client/v3/rooms/{roomId}"

/* clang-format off */
const struct api_route routes_room_events[] = {
    {HTTP_PUT, ROOM "/send/{eventType}/{txnId}", AUTH_GUEST, BODY_OBJECT, BODY_MAX_EVENT, false, send},
    {HTTP_PUT, ROOM "/redact/{eventId}/{txnId}", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, redact},
    {HTTP_PUT, ROOM "/state/{eventType}/{stateKey}", AUTH_GUEST, BODY_OBJECT, BODY_MAX_EVENT, false, put_state_key},
    {HTTP_PUT, ROOM "/state/{eventType}", AUTH_GUEST, BODY_OBJECT, BODY_MAX_EVENT, false, put_state_no_key},
    {HTTP_PUT, ROOM "/state/{eventType}/", AUTH_GUEST, BODY_OBJECT, BODY_MAX_EVENT, false, put_state_no_key},
    {HTTP_GET, ROOM "/state", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, get_state},
    {HTTP_GET, ROOM "/state/{eventType}/{stateKey}", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, get_state_key},
    {HTTP_GET, ROOM "/state/{eventType}", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, get_state_no_key},
    {HTTP_GET, ROOM "/state/{eventType}/", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, get_state_no_key},
    {HTTP_GET, ROOM "/members", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, members},
    {HTTP_GET, ROOM "/joined_members", AUTH_USER, BODY_NONE, BODY_MAX_EVENT, false, joined_members},
    {HTTP_GET, ROOM "/messages", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, messages},
    {HTTP_GET, ROOM "/event/{eventId}", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, get_event},
    {HTTP_GET, ROOM "/context/{eventId}", AUTH_GUEST, BODY_NONE, BODY_MAX_EVENT, false, context},
    {0},
};
/* clang-format on */
