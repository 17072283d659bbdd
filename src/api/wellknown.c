#include "api/wellknown.h"

#include "api/routes.h"

const struct json *wellknown_client(struct arena *a, const struct service_options *options)
{
    if (options->well_known_client.n == 0)
        return NULL;
    struct json *homeserver = json_object(a);
    json_set_str(a, homeserver, STR("base_url"), options->well_known_client);
    struct json *answer = json_object(a);
    json_set(a, answer, STR("m.homeserver"), *homeserver);
    return answer;
}

static struct http_reply client(struct api_request *r)
{
    const struct json *answer = wellknown_client(r->arena, r->services->options);
    return answer ? reply_json(answer) : reply_error(M_NOT_FOUND, "The option well_known.client is not set");
}

static struct http_reply server(struct api_request *r)
{
    struct str name = r->services->options->well_known_server;
    if (name.n == 0)
        return reply_error(M_NOT_FOUND, "The option well_known.server is not set");
    struct json *answer = json_object(r->arena);
    json_set_str(r->arena, answer, STR("m.server"), name);
    return reply_json(answer);
}

static struct http_reply support(struct api_request *r)
{
    const struct service_options *options = r->services->options;
    struct arena *a = r->arena;
    struct json *answer = json_object(a);
    if (options->support_email.n > 0 || options->support_mxid.n > 0) {
        struct json *contact = json_object(a);
        struct json *contacts = json_array(a);
        json_set_str(a, contact, STR("role"), options->support_role.n ? options->support_role : STR("m.role.admin"));
        if (options->support_email.n > 0)
            json_set_str(a, contact, STR("email_address"), options->support_email);
        if (options->support_mxid.n > 0)
            json_set_str(a, contact, STR("matrix_id"), options->support_mxid);
        json_push(a, contacts, *contact);
        json_set(a, answer, STR("contacts"), *contacts);
    }
    if (options->support_page.n > 0)
        json_set_str(a, answer, STR("support_page"), options->support_page);
    return answer->count > 0 ? reply_json(answer) : reply_error(M_NOT_FOUND, "No well_known.support option is set");
}

const struct api_route routes_wellknown[] = {
    {HTTP_GET, "/.well-known/matrix/client", AUTH_NONE, BODY_NONE, .handler = client},
    {HTTP_GET, "/.well-known/matrix/server", AUTH_NONE, BODY_NONE, .handler = server},
    {HTTP_GET, "/.well-known/matrix/support", AUTH_NONE, BODY_NONE, .handler = support},
    {0},
};
