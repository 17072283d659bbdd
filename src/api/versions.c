#include "api/routes.h"

/* Versions build on one another, and clients conclude from one that all it brought is there: the list ends before the
 * first that lacks something clients look for by it. Element asks for v1.1 at least, or does not begin to talk. */
static const struct {
    struct str version;
    const char *missing; /* NULL: nothing */
} versions[] = {
    {STR_INIT("r0.6.0"), NULL}, /* all under /r0/ too */
    {STR_INIT("r0.6.1"), NULL},
    {STR_INIT("v1.1"), NULL},
    {STR_INIT("v1.2"), "spaces: /hierarchy"},
    {STR_INIT("v1.3"), "/relations"},
    {STR_INIT("v1.4"), "/threads"},
    {STR_INIT("v1.5"), NULL},
    {STR_INIT("v1.6"), "/timestamp_to_event"},
    {STR_INIT("v1.7"), "asynchronous uploads"},
    {STR_INIT("v1.8"), NULL},
    {STR_INIT("v1.9"), NULL},
    {STR_INIT("v1.10"), "/relations with recurse"},
    {STR_INIT("v1.11"), "authenticated media"},
};

/* Of later versions or of none: what clients look for by name. */
static const struct str features[] = {
    STR_INIT("org.matrix.msc3952_intentional_mentions"), /* push rules of v1.7 */
    STR_INIT("uk.tcpip.msc4133.stable"),                 /* profile fields of v1.16 */
};

static struct http_reply get_versions(struct api_request *r)
{
    struct arena *a = r->arena;
    struct json *list = json_array(a);
    struct json *unstable = json_object(a);
    struct json *answer = json_object(a);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0] && !versions[i].missing; i++)
        json_push(a, list, json_string(versions[i].version));
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
