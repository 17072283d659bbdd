#include "matrix/power_levels.h"

#include <assert.h>

/* Where nothing is said. */
#define USERS_DEFAULT  0
#define EVENTS_DEFAULT 0
#define STATE_DEFAULT  50
#define NOTIFY_DEFAULT 50
#define CREATOR_LEVEL  100 /* of versions without privileged creators, while there is no power_levels event */

static const struct {
    struct str key;
    int64_t otherwise;
} actions[] = {
    [POWER_INVITE] = {STR_INIT("invite"), 0},
    [POWER_KICK] = {STR_INIT("kick"), 50},
    [POWER_BAN] = {STR_INIT("ban"), 50},
    [POWER_REDACT] = {STR_INIT("redact"), 50},
};

bool power_level_read(const struct room_version *version, const struct json *v, int64_t *out)
{
    /* Versions up to 9 also take strings; none of them has a row yet. */
    assert(version->integer_power_levels_only);
    if (!json_is(v, JSON_INT))
        return false;
    *out = v->i;
    return true;
}

static bool level_at(const struct power_levels *pl, const struct json *object, struct str key, int64_t *out)
{
    return power_level_read(pl->create->version, json_get(object, key), out);
}

static const struct json *content_of(const struct power_levels *pl)
{
    return pl->event ? pl->event->content : NULL;
}

int64_t power_level_of(const struct power_levels *pl, struct str user_id)
{
    const struct json *content = content_of(pl);
    int64_t level;
    if (pl->create->version->creators_are_privileged && power_is_creator(pl, user_id))
        return POWER_LEVEL_CREATOR;
    if (!pl->event)
        return power_is_creator(pl, user_id) ? CREATOR_LEVEL : USERS_DEFAULT;
    if (level_at(pl, json_get(content, STR("users")), user_id, &level))
        return level;
    return level_at(pl, content, STR("users_default"), &level) ? level : USERS_DEFAULT;
}

int64_t power_level_to_send(const struct power_levels *pl, struct str type, bool is_state)
{
    const struct json *content = content_of(pl);
    int64_t level;
    if (level_at(pl, json_get(content, STR("events")), type, &level))
        return level;
    if (is_state)
        return level_at(pl, content, STR("state_default"), &level) ? level : STATE_DEFAULT;
    return level_at(pl, content, STR("events_default"), &level) ? level : EVENTS_DEFAULT;
}

int64_t power_level_to(const struct power_levels *pl, enum power_action action)
{
    int64_t level;
    return level_at(pl, content_of(pl), actions[action].key, &level) ? level : actions[action].otherwise;
}

int64_t power_level_to_notify(const struct power_levels *pl, struct str key)
{
    int64_t level;
    const struct json *notifications = json_get(content_of(pl), STR("notifications"));
    return level_at(pl, notifications, key, &level) ? level : NOTIFY_DEFAULT;
}

bool power_is_creator(const struct power_levels *pl, struct str user_id)
{
    const struct event *create = pl->create;
    if (create->version->creator_in_content) {
        struct str creator = json_str_at(create->content, STR("creator"));
        return creator.p && str_eq(creator, user_id);
    }
    if (str_eq(create->sender, user_id))
        return true;
    const struct json *more = json_get(create->content, STR("additional_creators"));
    if (!create->version->creators_are_privileged || !json_is(more, JSON_ARRAY))
        return false;
    for (uint32_t i = 0; i < more->count; i++) {
        if (json_is(&more->items[i], JSON_STRING) && str_eq(more->items[i].s, user_id))
            return true;
    }
    return false;
}
