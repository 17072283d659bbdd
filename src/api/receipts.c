/*
 * Receipts, read markers and typing notifications (client-server API, modules of these names).
 */
#include "api/api.h"
#include "api/routes.h"
#include "matrix/id.h"
#include "service/receipt.h"
#include "service/typing.h"

#define TYPING_DEFAULT_MS 30000

static struct fault set_receipt(struct api_request *r, struct str type, struct str event_id, struct str thread_id)
{
    if (!event_id_valid(event_id))
        return FAULT(M_INVALID_PARAM, "Not a valid event id");
    if (str_eq(type, STR("m.fully_read")))
        return receipt_set_markers(r->services, r->arena, &r->caller, r->params[0],
                                   &(struct receipt_markers){.fully_read = event_id});
    if (str_eq(type, STR("m.read")) || str_eq(type, STR("m.read.private")))
        return receipt_set(r->services, r->arena, &r->caller, r->params[0], type, event_id, thread_id);
    return FAULT(M_INVALID_PARAM, "receiptType: must be m.read, m.read.private or m.fully_read");
}

static struct http_reply receipt(struct api_request *r)
{
    struct str thread_id;
    struct str type = r->params[1];
    struct fault fault = body_str_opt(r, STR("thread_id"), (struct str){0}, &thread_id);
    if (fault.code)
        return reply_fault(fault);
    if (thread_id.p && str_eq(type, STR("m.fully_read")))
        return reply_error(M_INVALID_PARAM, "thread_id: m.fully_read has no threads");
    if (thread_id.p && !str_eq(thread_id, STR("main")) && !event_id_valid(thread_id))
        return reply_error(M_INVALID_PARAM, "thread_id: must be main or the id of an event");
    fault = set_receipt(r, type, r->params[2], thread_id);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct fault read_marker(struct api_request *r, struct str type, struct str *event_id_out)
{
    struct fault fault = body_str_opt(r, type, (struct str){0}, event_id_out);
    if (!fault.code && event_id_out->p && !event_id_valid(*event_id_out))
        return FAULT_STR(M_INVALID_PARAM, str_fmt(r->arena, "%.*s: not a valid event id", STR_ARG(type)));
    return fault;
}

static struct http_reply read_markers(struct api_request *r)
{
    struct receipt_markers markers = {0};
    struct fault fault = read_marker(r, STR("m.fully_read"), &markers.fully_read);
    if (!fault.code)
        fault = read_marker(r, STR("m.read"), &markers.read);
    if (!fault.code)
        fault = read_marker(r, STR("m.read.private"), &markers.read_private);
    if (!fault.code)
        fault = receipt_set_markers(r->services, r->arena, &r->caller, r->params[0], &markers);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply typing(struct api_request *r)
{
    bool is_typing = false;
    int64_t timeout_ms;
    struct fault fault = caller_must_be(r, r->params[1]);
    if (!fault.code && !json_is(json_get(r->body, STR("typing")), JSON_BOOL))
        fault = FAULT(M_BAD_JSON, "typing: must be true or false");
    if (!fault.code)
        fault = body_bool_opt(r, STR("typing"), false, &is_typing);
    if (!fault.code)
        fault = body_int_opt(r, STR("timeout"), TYPING_DEFAULT_MS, &timeout_ms);
    if (fault.code)
        return reply_fault(fault);
    fault = typing_set(r->services, r->arena, &r->caller, r->params[0], is_typing ? timeout_ms : 0);
    return fault.code ? reply_fault(fault) : reply_empty();
}

#define ROOM "/_matrix/client/v3/rooms/{roomId}"

/* clang-format off */
const struct api_route routes_receipts[] = {
    {HTTP_POST, ROOM "/receipt/{receiptType}/{eventId}", AUTH_USER, BODY_MAYBE, BODY_MAX_EVENT, false, receipt},
    {HTTP_POST, ROOM "/read_markers", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, read_markers},
    {HTTP_PUT, ROOM "/typing/{userId}", AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, typing},
    {0},
};
/* clang-format on */
