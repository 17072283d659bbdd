#include "api/routes.h"
#include "service/saved_filter.h"

static struct http_reply post_filter(struct api_request *r)
{
    struct str filter_id;
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = saved_filter_add(r->services, r->arena, r->caller.user_nid, r->body, &filter_id);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("filter_id"), filter_id);
    return reply_json(answer);
}

static struct http_reply get_filter(struct api_request *r)
{
    const struct json *filter = NULL;
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = saved_filter_get(r->services, r->arena, r->caller.user_nid, r->params[1], &filter);
    return fault.code ? reply_fault(fault) : reply_json(filter);
}

const struct api_route routes_filters[] = {
    {HTTP_POST, "/_matrix/client/v3/user/{userId}/filter", AUTH_USER, BODY_OBJECT, .handler = post_filter},
    {HTTP_GET, "/_matrix/client/v3/user/{userId}/filter/{filterId}", AUTH_USER, BODY_NONE, .handler = get_filter},
    {0},
};
