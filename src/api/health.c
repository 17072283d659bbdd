#include "api/routes.h"

static struct http_reply text(struct str body)
{
    struct http_reply reply = http_reply_static(200, body);
    reply.content_type = "text/plain; charset=utf-8";
    return reply;
}

/* For people who point a browser at the server, and proxies that want to know whether they reach it. */
static struct http_reply landing(struct api_request *r)
{
    (void)r;
    return text(STR("Hearth " HEARTH_VERSION ", a Matrix homeserver, is running.\n"));
}

static struct http_reply health(struct api_request *r)
{
    (void)r;
    return text(STR("OK"));
}

const struct api_route routes_health[] = {
    {HTTP_GET, "/", AUTH_NONE, BODY_NONE, .handler = landing},
    {HTTP_GET, "/health", AUTH_NONE, BODY_NONE, .handler = health},
    {0},
};
