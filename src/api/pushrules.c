#include "api/routes.h"
#include "matrix/push_rules_default.h"

/* Everybody has the default rules: there is no endpoint yet that changes them. */
static struct http_reply get_all(struct api_request *r)
{
    return reply_json(push_rules_default(r->arena, r->caller.user_id));
}

static struct http_reply get_global(struct api_request *r)
{
    return reply_json(json_get(push_rules_default(r->arena, r->caller.user_id), STR("global")));
}

const struct api_route routes_pushrules[] = {
    {HTTP_GET, "/_matrix/client/v3/pushrules/", AUTH_USER, BODY_NONE, .handler = get_all},
    {HTTP_GET, "/_matrix/client/v3/pushrules/global/", AUTH_USER, BODY_NONE, .handler = get_global},
    {0},
};
