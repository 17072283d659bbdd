#include "matrix/power_levels.h"

#include "matrix/event_number.h"

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

/* Bytes of the white space character (Unicode's White_Space, as other servers trim it) that `s` starts with; 0: none.
 */
static size_t space_at(struct str s)
{
    static const struct str wide[] = {
        STR_INIT("\xc2\x85"),     STR_INIT("\xc2\xa0"),     STR_INIT("\xe1\x9a\x80"), STR_INIT("\xe2\x80\xa8"),
        STR_INIT("\xe2\x80\xa9"), STR_INIT("\xe2\x80\xaf"), STR_INIT("\xe2\x81\x9f"), STR_INIT("\xe3\x80\x80"),
    };
    if (s.n > 0 && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
        return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        if (str_starts(s, wide[i]))
            return wide[i].n;
    }
    /* U+2000 to U+200A */
    return str_starts(s, STR("\xe2\x80")) && s.n >= 3 && (unsigned char)s.p[2] - 0x80u <= 0x0a ? 3 : 0;
}

static struct str skip_space(struct str s)
{
    for (size_t n; (n = space_at(s)) > 0;)
        s = str_slice(s, n, s.n);
    return s;
}

/* "m.room.power_levels events accept values as strings": white space, a sign, digits, white space. */
static bool read_string(struct str s, int64_t *out)
{
    s = skip_space(s);
    bool negative = str_starts(s, STR("-"));
    s = str_slice(s, negative || str_starts(s, STR("+")), s.n);
    size_t digits = 0;
    int64_t level = 0;
    for (; digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9'; digits++) {
        int64_t digit = s.p[digits] - '0';
        level = level > (POWER_LEVEL_MAX - digit) / 10 ? POWER_LEVEL_MAX : level * 10 + digit;
    }
    *out = negative ? -level : level;
    return digits > 0 && skip_space(str_slice(s, digits, s.n)).n == 0;
}

/* "... accept values as floats": cut at the decimal point. Integers beyond 53 bits are read here too. */
static bool read_number(const struct json *v, int64_t *out)
{
    double level;
    if (!json_number(v, &level))
        return false;
    if (level >= (double)POWER_LEVEL_MAX)
        *out = POWER_LEVEL_MAX;
    else if (level <= -(double)POWER_LEVEL_MAX)
        *out = -POWER_LEVEL_MAX;
    else if (!event_integer(v, out))
        *out = (int64_t)level;
    return true;
}

bool power_level_read(const struct room_version *version, const struct json *v, int64_t *out)
{
    if (json_is(v, JSON_INT)) {
        *out = v->i;
        return true;
    }
    if (version->integer_power_levels_only || !v)
        return false;
    if (v->type == JSON_STRING)
        return read_string(v->s, out);
    return v->type == JSON_FLOAT && !version->strict_json && read_number(v, out);
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
