#include "api/routes.h"
#include "matrix/room_version.h"

static const struct {
    struct str name;
    bool enabled;
} switches[] = {
    {STR_INIT("m.change_password"), true},
    {STR_INIT("m.set_displayname"), true},
    {STR_INIT("m.set_avatar_url"), true},
    {STR_INIT("m.profile_fields"), true},
    {STR_INIT("m.3pid_changes"), false},
    {STR_INIT("m.get_login_token"), false},
    {STR_INIT("m.forget_forced_upon_leave"), false},
};

static struct json room_versions(struct arena *a, struct str preferred)
{
    struct json *available = json_object(a);
    const struct room_version *version;
    for (size_t i = 0; (version = room_version_at(i)); i++)
        json_set_str(a, available, version->name, STR("stable"));
    struct json *answer = json_object(a);
    json_set_str(a, answer, STR("default"), preferred.n > 0 ? preferred : room_version_default()->name);
    json_set(a, answer, STR("available"), *available);
    return *answer;
}

static struct http_reply get_capabilities(struct api_request *r)
{
    struct arena *a = r->arena;
    struct json *all = json_object(a);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        struct json *capability = json_object(a);
        json_set(a, capability, STR("enabled"), json_bool(switches[i].enabled));
        json_set(a, all, switches[i].name, *capability);
    }
    json_set(a, all, STR("m.room_versions"), room_versions(a, r->services->options->default_room_version));
    struct json *answer = json_object(a);
    json_set(a, answer, STR("capabilities"), *all);
    return reply_json(answer);
}

const struct api_route routes_capabilities[] = {
    {HTTP_GET, "/_matrix/client/v3/capabilities", AUTH_USER, BODY_NONE, .handler = get_capabilities},
    {0},
};
