#include "service/account_data.h"

#include "api/routes.h"

/* params: userId, and for data of a room roomId; the type stands last. */
static struct http_reply put(struct api_request *r, struct str room_id, struct str type)
{
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = account_data_put(r->services, r->arena, &r->caller, room_id, type, r->body);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply get(struct api_request *r, struct str room_id, struct str type)
{
    const struct json *content = NULL;
    struct fault fault = caller_must_be(r, r->params[0]);
    if (!fault.code)
        fault = account_data_read(r->services, r->arena, &r->caller, room_id, type, &content);
    return fault.code ? reply_fault(fault) : reply_json(content);
}

static struct http_reply put_global(struct api_request *r)
{
    return put(r, (struct str){0}, r->params[1]);
}

static struct http_reply get_global(struct api_request *r)
{
    return get(r, (struct str){0}, r->params[1]);
}

static struct http_reply put_room(struct api_request *r)
{
    return put(r, r->params[1], r->params[2]);
}

static struct http_reply get_room(struct api_request *r)
{
    return get(r, r->params[1], r->params[2]);
}

#define GLOBAL "/_matrix/client/v3/user/{userId}/account_data/{type}"
#define ROOM   "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}"

const struct api_route routes_account_data[] = {
    {HTTP_PUT, GLOBAL, AUTH_USER, BODY_OBJECT, .handler = put_global},
    {HTTP_GET, GLOBAL, AUTH_USER, BODY_NONE, .handler = get_global},
    {HTTP_PUT, ROOM, AUTH_USER, BODY_OBJECT, .handler = put_room},
    {HTTP_GET, ROOM, AUTH_USER, BODY_NONE, .handler = get_room},
    {0},
};
