#include "api/interactive.h"
#include "api/login.h"
#include "api/routes.h"
#include "service/account_password.h"
#include "service/account_register.h"
#include "service/registration_token.h"

static const struct uia_flow by_token = {.stages = {UIA_REGISTRATION_TOKEN}, .count = 1};
static const struct uia_flow open_to_all = {.stages = {UIA_DUMMY}, .count = 1};

static struct fault allowed(struct api_request *r)
{
    struct str kind = query_str(r, STR("kind"));
    if (str_eq(kind, STR("guest")))
        return FAULT(M_GUEST_ACCESS_FORBIDDEN, "This server has no guest accounts");
    if (kind.p && !str_eq(kind, STR("user")))
        return FAULT(M_INVALID_PARAM, "'kind' must be user or guest");
    if (!r->services->options->allow_registration)
        return FAULT(M_FORBIDDEN, "Registration is not open on this server");
    return FAULT_NONE;
}

/* What can be refused before the client has authenticated is refused then (client-server API, POST /register). */
static struct fault read_wishes(struct api_request *r, struct account_registration *registration,
                                struct session_ask *session, bool *inhibit_login)
{
    struct str username;
    struct fault fault = body_str_opt(r, STR("username"), (struct str){0}, &username);
    if (!fault.code)
        fault = username.p ? account_name_free(r->services, r->arena, username, &registration->user_id)
                           : account_register_name(r->services, r->arena, &registration->user_id);
    if (!fault.code)
        fault = body_str_opt(r, STR("password"), (struct str){0}, &registration->password);
    if (!fault.code && registration->password.p)
        fault = account_password_acceptable(registration->password);
    if (!fault.code)
        fault = login_session_ask(r, session);
    if (!fault.code)
        fault = body_bool_opt(r, STR("inhibit_login"), false, inhibit_login);
    return fault;
}

static struct http_reply post_register(struct api_request *r)
{
    struct account_registration registration = {0};
    struct session_ask ask;
    bool inhibit_login = false;
    struct fault fault = allowed(r);
    if (!fault.code)
        fault = read_wishes(r, &registration, &ask, &inhibit_login);
    if (fault.code)
        return reply_fault(fault);

    struct uia_result auth;
    struct http_reply reply;
    const struct uia_flow *flow = r->services->options->open_registration ? &open_to_all : &by_token;
    if (!interactive_auth(r, flow, 1, 0, &auth, &reply))
        return reply;
    if (!registration.password.p)
        return reply_error(M_MISSING_PARAM, "'password' is missing");

    struct session session;
    int64_t user_nid = 0;
    registration.address = r->http->client;
    registration.invited = flow == &by_token;
    registration.registration_token = auth.registration_token;
    registration.session = inhibit_login ? NULL : &ask;
    fault = account_register(r->services, r->arena, &registration, &session, &user_nid);
    if (fault.code)
        return reply_fault(fault);
    uia_finish(r->services, &auth);
    if (!inhibit_login)
        return reply_json(login_session_json(r, registration.user_id, &session));
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("user_id"), registration.user_id);
    json_set_str(r->arena, answer, STR("home_server"), r->services->options->server_name);
    return reply_json(answer);
}

static struct http_reply available(struct api_request *r)
{
    struct str username = query_str(r, STR("username"));
    struct str user_id;
    if (!username.p)
        return reply_error(M_MISSING_PARAM, "'username' is missing");
    struct fault fault = account_name_free(r->services, r->arena, username, &user_id);
    return fault.code ? reply_fault(fault) : http_reply_static(200, STR("{\"available\":true}"));
}

static struct http_reply token_validity(struct api_request *r)
{
    struct str token = query_str(r, STR("token"));
    bool valid = false;
    bool counted = false;
    if (!r->services->options->allow_registration)
        return reply_error(M_FORBIDDEN, "Registration is not open on this server");
    if (!token.p)
        return reply_error(M_MISSING_PARAM, "'token' is missing");
    struct fault fault = registration_token_check(r->services, r->arena, token, r->http->client, &valid, &counted);
    if (fault.code)
        return reply_fault(fault);
    return http_reply_static(200, valid ? STR("{\"valid\":true}") : STR("{\"valid\":false}"));
}

const struct api_route routes_register[] = {
    {HTTP_POST, "/_matrix/client/v3/register", AUTH_NONE, BODY_OBJECT, .slow = true, .handler = post_register},
    {HTTP_GET, "/_matrix/client/v3/register/available", AUTH_NONE, BODY_NONE, .handler = available},
    {HTTP_GET, "/_matrix/client/v1/register/m.login.registration_token/validity", AUTH_NONE, BODY_NONE,
     .handler = token_validity},
    {0},
};
