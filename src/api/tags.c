#include "api/routes.h"
#include "service/account_data.h"

static struct http_reply get_tags(struct api_request *r)
{
    const struct json *answer = NULL;
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = account_data_tags(r->services, r->arena, &r->caller, r->params[1], &answer);
    return fault.code ? reply_fault(fault) : reply_json(answer);
}

static struct http_reply change_tag(struct api_request *r, const struct json *value)
{
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = account_data_tag(r->services, &r->caller, r->params[1], r->params[2], value);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply put_tag(struct api_request *r)
{
    return change_tag(r, r->body);
}

static struct http_reply delete_tag(struct api_request *r)
{
    return change_tag(r, NULL);
}

#define TAGS "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags"

const struct api_route routes_tags[] = {
    {HTTP_GET, TAGS, AUTH_USER, BODY_NONE, .handler = get_tags},
    {HTTP_PUT, TAGS "/{tag}", AUTH_USER, BODY_OBJECT, .handler = put_tag},
    {HTTP_DELETE, TAGS "/{tag}", AUTH_USER, BODY_NONE, .handler = delete_tag},
    {0},
};
