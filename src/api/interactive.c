#include "api/interactive.h"

bool interactive_auth(struct api_request *r, const struct uia_flow *flows, size_t flow_count, int64_t user_nid,
                      struct uia_result *result_out, struct http_reply *reply_out)
{
    struct uia_ask ask = {
        .flows = flows,
        .flow_count = flow_count,
        .operation = str_fmt(r->arena, "%.*s %.*s", STR_ARG(http_method_name(r->http->method)), STR_ARG(r->http->path)),
        .user_nid = user_nid,
        .address = r->http->client,
    };
    *result_out = uia_check(r->services, r->arena, &ask, json_get(r->body, STR("auth")));
    if (result_out->outcome == UIA_PASSED)
        return true;
    if (result_out->outcome == UIA_FAULT) {
        *reply_out = reply_fault(result_out->fault);
        return false;
    }
    *reply_out = reply_json(result_out->challenge);
    reply_out->status = 401;
    return false;
}
