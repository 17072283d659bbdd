#include "api/interactive.h"
#include "api/routes.h"
#include "service/device.h"

static struct http_reply get_devices(struct api_request *r)
{
    const struct json *answer = NULL;
    struct fault fault = device_list(r->services, r->arena, &r->caller, &answer);
    return fault.code ? reply_fault(fault) : reply_json(answer);
}

static struct http_reply get_device(struct api_request *r)
{
    const struct json *answer = NULL;
    struct fault fault = device_get(r->services, r->arena, &r->caller, r->params[0], &answer);
    return fault.code ? reply_fault(fault) : reply_json(answer);
}

static struct http_reply put_device(struct api_request *r)
{
    struct str name;
    struct fault fault = body_str_opt(r, STR("display_name"), (struct str){0}, &name);
    if (!fault.code)
        fault = device_rename(r->services, &r->caller, r->params[0], name);
    return fault.code ? reply_fault(fault) : reply_empty();
}

/* Both ways to delete ask for the password first. */
static struct http_reply delete_all(struct api_request *r, const struct str *device_ids, size_t count)
{
    struct uia_result auth;
    struct http_reply reply;
    if (!interactive_auth(r, &uia_flow_password, 1, r->caller.user_nid, &auth, &reply))
        return reply;
    struct fault fault = device_delete(r->services, &(struct device_deletion){
                                                        .user_nid = r->caller.user_nid,
                                                        .shown_hash = auth.password_hash,
                                                        .device_ids = device_ids,
                                                        .count = count,
                                                    });
    if (fault.code)
        return reply_fault(fault);
    uia_finish(r->services, &auth);
    return reply_empty();
}

static struct http_reply delete_device(struct api_request *r)
{
    return delete_all(r, &r->params[0], 1);
}

static struct http_reply delete_devices(struct api_request *r)
{
    const struct json *list = NULL;
    struct fault fault = body_container_opt(r, STR("devices"), JSON_ARRAY, &list);
    if (fault.code)
        return reply_fault(fault);
    if (!list)
        return reply_error(M_MISSING_PARAM, "'devices' is missing");
    if (list->count > DEVICES_MAX)
        return reply_error(M_TOO_LARGE, "'devices' names more than 10,000");
    struct str *device_ids = ARENA_ARRAY(r->arena, list->count, struct str);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].type != JSON_STRING)
            return reply_error(M_BAD_JSON, "'devices' must hold strings");
        device_ids[i] = list->items[i].s;
    }
    return delete_all(r, device_ids, list->count);
}

const struct api_route routes_devices[] = {
    {HTTP_GET, "/_matrix/client/v3/devices", AUTH_GUEST, BODY_NONE, .handler = get_devices},
    {HTTP_GET, "/_matrix/client/v3/devices/{deviceId}", AUTH_GUEST, BODY_NONE, .handler = get_device},
    {HTTP_PUT, "/_matrix/client/v3/devices/{deviceId}", AUTH_GUEST, BODY_OBJECT, .handler = put_device},
    {HTTP_DELETE, "/_matrix/client/v3/devices/{deviceId}", AUTH_USER, BODY_MAYBE, .slow = true,
     .handler = delete_device},
    {HTTP_POST, "/_matrix/client/v3/delete_devices", AUTH_USER, BODY_OBJECT, .slow = true, .handler = delete_devices},
    {0},
};
