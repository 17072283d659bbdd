#include "api/login.h"

#include "api/routes.h"
#include "api/wellknown.h"
#include "service/account_login.h"

struct fault login_session_ask(struct api_request *r, struct session_ask *ask_out)
{
    *ask_out = (struct session_ask){0};
    struct fault fault = body_str_opt(r, STR("device_id"), STR(""), &ask_out->device_id);
    if (!fault.code)
        fault = body_str_opt(r, STR("initial_device_display_name"), (struct str){0}, &ask_out->device_name);
    if (!fault.code)
        fault = body_bool_opt(r, STR("refresh_token"), false, &ask_out->refresh);
    return fault.code ? fault : account_session_check(ask_out);
}

/* Members that /refresh answers too. */
static void add_tokens(struct arena *a, struct json *answer, const struct session *session)
{
    json_set_str(a, answer, STR("access_token"), session->access_token);
    if (session->refresh_token.p)
        json_set_str(a, answer, STR("refresh_token"), session->refresh_token);
    if (session->expires_in_ms)
        json_set_int(a, answer, STR("expires_in_ms"), session->expires_in_ms);
}

struct json *login_session_json(struct api_request *r, struct str user_id, const struct session *session)
{
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("user_id"), user_id);
    json_set_str(r->arena, answer, STR("device_id"), session->device_id);
    /* Deprecated, and still read by older tools. */
    json_set_str(r->arena, answer, STR("home_server"), r->services->options->server_name);
    add_tokens(r->arena, answer, session);
    return answer;
}

static struct http_reply get_flows(struct api_request *r)
{
    (void)r;
    return http_reply_static(200, STR("{\"flows\":[{\"type\":\"m.login.password\"}]}"));
}

static struct fault authenticate(struct api_request *r, struct account_info *account_out)
{
    struct str type;
    struct str user;
    struct str password;
    struct fault fault = body_str(r, STR("type"), &type);
    if (!fault.code && !str_eq(type, STR("m.login.password")))
        return FAULT_STATUS(M_UNKNOWN, 400, "This type of login is not offered; see GET /login");
    if (!fault.code)
        fault = account_login_identifier(r->body, &user);
    if (!fault.code)
        fault = body_str(r, STR("password"), &password);
    if (fault.code)
        return fault;
    return account_login_password(r->services, r->arena, user, password, r->http->client, account_out);
}

static struct http_reply login(struct api_request *r)
{
    struct session_ask ask;
    struct account_info account;
    struct session session;
    struct fault fault = login_session_ask(r, &ask);
    if (!fault.code)
        fault = authenticate(r, &account);
    if (!fault.code)
        fault = account_session_begin(r->services, r->arena, &account, &ask, &session);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = login_session_json(r, account.user_id, &session);
    const struct json *well_known = wellknown_client(r->arena, r->services->options);
    if (well_known)
        json_set(r->arena, answer, STR("well_known"), *well_known);
    return reply_json(answer);
}

static struct http_reply refresh(struct api_request *r)
{
    struct str token;
    struct session session;
    struct fault fault = body_str(r, STR("refresh_token"), &token);
    if (!fault.code)
        fault = account_session_refresh(r->services, r->arena, token, &session);
    if (fault.code)
        return reply_fault(fault);
    struct json *answer = json_object(r->arena);
    add_tokens(r->arena, answer, &session);
    return reply_json(answer);
}

static struct http_reply logout(struct api_request *r)
{
    struct fault fault = account_session_end(r->services, &r->caller);
    return fault.code ? reply_fault(fault) : reply_empty();
}

static struct http_reply logout_all(struct api_request *r)
{
    struct fault fault = account_session_end_all(r->services, &r->caller);
    return fault.code ? reply_fault(fault) : reply_empty();
}

const struct api_route routes_login[] = {
    {HTTP_GET, "/_matrix/client/v3/login", AUTH_NONE, BODY_NONE, .handler = get_flows},
    {HTTP_POST, "/_matrix/client/v3/login", AUTH_NONE, BODY_OBJECT, .slow = true, .handler = login},
    {HTTP_POST, "/_matrix/client/v3/refresh", AUTH_NONE, BODY_OBJECT, .handler = refresh},
    {HTTP_POST, "/_matrix/client/v3/logout", AUTH_GUEST, BODY_NONE, .handler = logout},
    {HTTP_POST, "/_matrix/client/v3/logout/all", AUTH_GUEST, BODY_NONE, .handler = logout_all},
    {0},
};
