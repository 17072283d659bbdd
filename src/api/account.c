#include "service/account.h"

#include "api/interactive.h"
#include "api/routes.h"
#include "service/account_password.h"

static struct http_reply whoami(struct api_request *r)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("user_id"), r->caller.user_id);
    json_set_str(r->arena, answer, STR("device_id"), r->caller.device_id);
    json_set(r->arena, answer, STR("is_guest"), json_bool(r->caller.is_guest));
    return reply_json(answer);
}

static struct http_reply change_password(struct api_request *r)
{
    struct str password;
    bool logout_devices = true;
    struct fault fault = body_str(r, STR("new_password"), &password);
    if (!fault.code)
        fault = body_bool_opt(r, STR("logout_devices"), true, &logout_devices);
    if (!fault.code)
        fault = account_password_acceptable(password);
    if (fault.code)
        return reply_fault(fault);

    struct uia_result auth;
    struct http_reply reply;
    if (!interactive_auth(r, &uia_flow_password, 1, r->caller.user_nid, &auth, &reply))
        return reply;
    fault = account_set_password(r->services, r->arena,
                                 &(struct account_password_change){
                                     .user_nid = auth.user_nid,
                                     .password = password,
                                     .shown_hash = auth.password_hash,
                                     .logout = logout_devices,
                                     .keep_device_nid = r->caller.device_nid,
                                 });
    if (fault.code)
        return reply_fault(fault);
    uia_finish(r->services, &auth);
    return reply_empty();
}

static struct http_reply deactivate(struct api_request *r)
{
    bool erase = false;
    struct fault fault = body_bool_opt(r, STR("erase"), false, &erase);
    if (fault.code)
        return reply_fault(fault);

    struct uia_result auth;
    struct http_reply reply;
    if (!interactive_auth(r, &uia_flow_password, 1, r->caller.user_nid, &auth, &reply))
        return reply;
    fault = account_deactivate(r->services, &(struct account_deactivation){
                                                .user_nid = auth.user_nid,
                                                .user_id = auth.user_id,
                                                .shown_hash = auth.password_hash,
                                                .erase = erase,
                                            });
    if (fault.code)
        return reply_fault(fault);
    uia_finish(r->services, &auth);
    /* Nobody has third-party identifiers here, so all of them are unbound. */
    return http_reply_static(200, STR("{\"id_server_unbind_result\":\"success\"}"));
}

static struct http_reply third_party_ids(struct api_request *r)
{
    (void)r;
    return http_reply_static(200, STR("{\"threepids\":[]}"));
}

const struct api_route routes_account[] = {
    {HTTP_GET, "/_matrix/client/v3/account/whoami", AUTH_GUEST, BODY_NONE, .handler = whoami},
    {HTTP_POST, "/_matrix/client/v3/account/password", AUTH_OPTIONAL, BODY_OBJECT, .slow = true,
     .handler = change_password},
    {HTTP_POST, "/_matrix/client/v3/account/deactivate", AUTH_OPTIONAL, BODY_OBJECT, .slow = true,
     .handler = deactivate},
    {HTTP_GET, "/_matrix/client/v3/account/3pid", AUTH_USER, BODY_NONE, .handler = third_party_ids},
    {0},
};
