/*
 * POST /_hearth/control: the commands of `hearth`, over the control socket of a running server (service/control.h).
 *
 * Not a part of Matrix. Only the control listener serves it; the permissions of its socket decide who may ask.
 */
#include "service/control.h"

#include "api/routes.h"

/* {"command": "user create", "args": {...}} -> {"result": {...}} */
static struct http_reply api_control(struct api_request *r)
{
    struct str command;
    const struct json *args, *result;
    struct fault fault = body_str(r, STR("command"), &command);

    if (!fault.code)
        fault = body_container_opt(r, STR("args"), JSON_OBJECT, &args);
    if (!fault.code)
        fault = control_run(r->services, r->arena, command, args, &result);
    if (fault.code)
        return reply_fault(fault);

    struct json *answer = json_object(r->arena);
    json_set(r->arena, answer, STR("result"), *result);
    return reply_json(answer);
}

const struct api_route routes_control[] = {
    {HTTP_POST, "/_hearth/control", AUTH_CONTROL, BODY_OBJECT, BODY_MAX_EVENT, true, api_control},
    {0},
};
