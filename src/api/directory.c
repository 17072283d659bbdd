/*
 * Room aliases (client-server API, "Room aliases").
 */
#include "api/api.h"
#include "api/routes.h"
#include "service/room_alias.h"
#include "service/room_member.h"

static struct http_reply get_alias(struct api_request *r)
{
    struct str room_id;
    if (!str_starts(r->params[0], STR("#")))
        return reply_error(M_INVALID_PARAM, "Not a valid room alias");
    struct fault fault = room_resolve(r->services, r->arena, r->params[0], &room_id);
    if (fault.code)
        return reply_fault(fault);
    struct json *servers = json_array(r->arena);
    json_push(r->arena, servers, json_string(r->services->options->server_name));
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("room_id"), room_id);
    json_set(r->arena, answer, STR("servers"), *servers);
    return reply_json(answer);
}

static struct http_reply put_alias(struct api_request *r)
{
    struct str room_id;
    struct fault fault = body_str(r, STR("room_id"), &room_id);
    if (!fault.code)
        fault = room_alias_set(r->services, r->arena, &r->caller, r->params[0], room_id);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply delete_alias(struct api_request *r)
{
    struct fault fault = room_alias_delete(r->services, r->arena, &r->caller, r->params[0]);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply list_aliases(struct api_request *r)
{
    struct json *aliases;
    struct fault fault = room_alias_list(r->services, r->arena, &r->caller, r->params[0], &aliases);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = json_object(r->arena);
    json_set(r->arena, answer, STR("aliases"), *aliases);
    return reply_json(answer);
}

#define ALIAS "/_matrix/client/v3/directory/room/{roomAlias}"

/* clang-format off */
const struct api_route routes_directory[] = {
    {HTTP_GET, ALIAS, AUTH_NONE, BODY_NONE, BODY_MAX_EVENT, false, get_alias},
    {HTTP_PUT, ALIAS, AUTH_USER, BODY_OBJECT, BODY_MAX_EVENT, false, put_alias},
    {HTTP_DELETE, ALIAS, AUTH_USER, BODY_NONE, BODY_MAX_EVENT, false, delete_alias},
    {HTTP_GET, "/_matrix/client/v3/rooms/{roomId}/aliases", AUTH_USER, BODY_NONE, BODY_MAX_EVENT, false, list_aliases},
    {0},
};
/* clang-format on */
