#include "api/routes.h"

/* Clients conclude from a version that what it brought is there, so a version is listed when all is there that clients
 * look for by it, and not before. */
static const struct str versions[] = {
    STR_INIT("r0.6.0"), STR_INIT("r0.6.1"), /* the same paths under /r0/ */
    STR_INIT("v1.1"),                       /* the least that Element asks for */
    STR_INIT("v1.2"),                       /* registration tokens */
    STR_INIT("v1.3"),                       /* refresh tokens */
    STR_INIT("v1.4"),                       /* threads */
    STR_INIT("v1.5"),                       /* */
    STR_INIT("v1.6"),                       /* */
    STR_INIT("v1.7"),                       /* mentions by m.mentions */
    STR_INIT("v1.8"),                       /* */
    STR_INIT("v1.9"),                       /* */
    STR_INIT("v1.10"),                      /* relations of relations */
    /* v1.11 stands for authenticated media, which is not there. */
};

/* Features of later versions that clients look for by name. */
static const struct str features[] = {
    STR_INIT("uk.tcpip.msc4133.stable"), /* profile fields of v1.16 */
};

static struct http_reply get_versions(struct api_request *r)
{
    struct arena *a = r->arena;
    struct json *list = json_array(a);
    struct json *unstable = json_object(a);
    struct json *answer = json_object(a);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        json_push(a, list, json_string(versions[i]));
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        json_set(a, unstable, features[i], json_bool(true));
    json_set(a, answer, STR("versions"), *list);
    json_set(a, answer, STR("unstable_features"), *unstable);
    return reply_json(answer);
}

/* The answer is the same for all users, so that a token is not looked at, not even an old one. */
const struct api_route routes_versions[] = {
    {HTTP_GET, "/_matrix/client/versions", AUTH_NONE, BODY_NONE, .handler = get_versions},
    {0},
};
