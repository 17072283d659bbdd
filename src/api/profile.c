#include "service/profile.h"

#include "api/routes.h"

static struct http_reply get_profile(struct api_request *r)
{
    const struct json *answer = NULL;
    struct fault fault = profile_read(r->services, r->arena, r->params[0], &answer);
    return fault.code ? reply_fault(fault) : reply_json(answer);
}

static struct http_reply get_field(struct api_request *r)
{
    const struct json *answer = NULL;
    struct fault fault = profile_read_field(r->services, r->arena, r->params[0], r->params[1], &answer);
    return fault.code ? reply_fault(fault) : reply_json(answer);
}

/* One's own profile only; guests may give themselves a name (module "Guest Access"). */
static struct fault may_change(struct api_request *r)
{
    if (r->caller.is_guest && !str_eq(r->params[1], STR("displayname")))
        return FAULT(M_GUEST_ACCESS_FORBIDDEN, "Guests may change their display name only");
    return caller_must_be(r, r->params[0]);
}

static struct http_reply put_field(struct api_request *r)
{
    struct fault fault = may_change(r);
    if (fault.code)
        return reply_fault(fault);
    const struct json *value = json_get(r->body, r->params[1]);
    if (!value)
        return reply_fault(
            FAULT_STR(M_MISSING_PARAM,
                      str_fmt(r->arena, "'%.*s' is missing, the field that the path names", STR_ARG(r->params[1]))));
    fault = profile_set(r->services, r->arena, &r->caller, r->params[1], value);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply delete_field(struct api_request *r)
{
    struct fault fault = may_change(r);
    if (!fault.code)
        fault = profile_delete(r->services, r->arena, &r->caller, r->params[1]);
    return fault.code ? reply_fault(fault) : reply_empty();
}

const struct api_route routes_profile[] = {
    {HTTP_GET, "/_matrix/client/v3/profile/{userId}", AUTH_NONE, BODY_NONE, .handler = get_profile},
    {HTTP_GET, "/_matrix/client/v3/profile/{userId}/{keyName}", AUTH_NONE, BODY_NONE, .handler = get_field},
    {HTTP_PUT, "/_matrix/client/v3/profile/{userId}/{keyName}", AUTH_GUEST, BODY_OBJECT, .handler = put_field},
    {HTTP_DELETE, "/_matrix/client/v3/profile/{userId}/{keyName}", AUTH_GUEST, BODY_NONE, .handler = delete_field},
    {0},
};
