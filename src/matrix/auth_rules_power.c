/*
 * Rule 9: m.room.power_levels. First the shape of the new content, then every change against the sender's own power.
 *
 * Old and new contents are sorted by key, so that each comparison is one walk along both.
 */
#include "matrix/auth_rules_check.h"
#include "matrix/id.h"

#include <assert.h>

static const struct str scalars[] = {
    STR_INIT("ban"),    STR_INIT("events_default"), STR_INIT("invite"),        STR_INIT("kick"),
    STR_INIT("redact"), STR_INIT("state_default"),  STR_INIT("users_default"),
};
#define SCALAR_COUNT (sizeof(scalars) / sizeof(scalars[0]))

static const struct str users_key = STR_INIT("users");
/* Of these the first is guarded in every version. */
static const struct str level_maps[] = {STR_INIT("events"), STR_INIT("notifications")};
#define MAP_COUNT (sizeof(level_maps) / sizeof(level_maps[0]))

/* --- 9.1 to 9.4: shape --- */

static bool is_level(const struct event *event, const struct json *v)
{
    int64_t level;
    return power_level_read(event->version, v, &level);
}

static bool is_map_of_levels(const struct event *event, const struct json *map)
{
    if (map->type != JSON_OBJECT)
        return false;
    for (uint32_t i = 0; i < map->count; i++) {
        if (!is_level(event, &map->members[i].value))
            return false;
    }
    return true;
}

static struct event_verdict check_scalars_and_maps(const struct event *event)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++) { /* 9.1 */
        const struct json *level = json_get(event->content, scalars[i]);
        if (level && !is_level(event, level))
            return AUTH_REFUSE_AS(event, "-", "-", "-", "-", "9.1", "10.1",
                                  "m.room.power_levels: a level is no integer");
    }
    for (size_t i = 0; i < MAP_COUNT; i++) { /* 9.2 */
        const struct json *map = json_get(event->content, level_maps[i]);
        if (map && !is_map_of_levels(event, map))
            return AUTH_REFUSE_AS(event, "-", "-", "-", "-", "9.2", "10.2",
                                  "m.room.power_levels: events or notifications is no object of integers");
    }
    return AUTH_ALLOW;
}

static struct event_verdict check_users(const struct event *event)
{
    const struct json *users = json_get(event->content, users_key);
    if (users && !is_map_of_levels(event, users)) /* 9.3 */
        return AUTH_REFUSE_POWER(event, "1", "3", "3", "m.room.power_levels: users is no object of integers");
    for (uint32_t i = 0; users && i < users->count; i++) {
        if (!user_id_valid(users->members[i].key))
            return AUTH_REFUSE_POWER(event, "1", "3", "3", "m.room.power_levels: users names what is no user ID");
    }
    return AUTH_ALLOW;
}

/* 10.4 of version 12. */
static struct event_verdict check_no_creators(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    const struct event *create = check->power.create;
    const struct json *users = json_get(event->content, users_key);
    const struct json *more = json_get(create->content, STR("additional_creators"));
    bool named = json_get(users, create->sender) != NULL;
    for (uint32_t i = 0; !named && json_is(more, JSON_ARRAY) && i < more->count; i++)
        named = json_is(&more->items[i], JSON_STRING) && json_get(users, more->items[i].s) != NULL;
    if (named)
        return AUTH_REFUSE_AS(event, "-", "-", "-", "-", "-", "10.4",
                              "m.room.power_levels: users names a creator of the room");
    return AUTH_ALLOW;
}

/* --- 9.5 to 9.9: changes --- */

/* One level before and after; NULL where there is none. */
struct change {
    struct str key;
    const struct json *before;
    const struct json *after;
};

/* The same level, however it is written: "50" and 50 are one where strings are levels. What is no level says nothing.
 */
static bool same_level(const struct room_version *version, const struct json *before, const struct json *after)
{
    int64_t old_level, new_level;
    if (json_eq(before, after))
        return true;
    bool is_old = power_level_read(version, before, &old_level);
    bool is_new = power_level_read(version, after, &new_level);
    return is_old == is_new && (!is_old || old_level == new_level);
}

/* Walks along two sorted objects (either may be NULL or another type) and stops at each key whose level differs. */
struct diff {
    const struct room_version *version;
    const struct json *before, *after;
    uint32_t b, a;
};

static struct diff diff_start(const struct room_version *version, const struct json *before, const struct json *after)
{
    static const struct json nothing = {.type = JSON_OBJECT};
    return (struct diff){
        .version = version,
        .before = json_is(before, JSON_OBJECT) ? before : &nothing,
        .after = json_is(after, JSON_OBJECT) ? after : &nothing,
    };
}

static bool diff_next(struct diff *d, struct change *out)
{
    while (d->b < d->before->count || d->a < d->after->count) {
        const struct json_member *before = d->b < d->before->count ? &d->before->members[d->b] : NULL;
        const struct json_member *after = d->a < d->after->count ? &d->after->members[d->a] : NULL;
        assert(before || after);
        int order = !before ? 1 : !after ? -1 : str_cmp(before->key, after->key);
        *out = (struct change){.key = order <= 0 ? before->key : after->key};
        if (order <= 0) {
            out->before = &before->value;
            d->b++;
        }
        if (order >= 0) {
            out->after = &after->value;
            d->a++;
        }
        if (!same_level(d->version, out->before, out->after))
            return true;
    }
    return false;
}

/* False also for what is no level: there is nothing to be above. */
static bool above(const struct event *event, const struct json *v, int64_t limit)
{
    int64_t level;
    return power_level_read(event->version, v, &level) && level > limit;
}

static struct event_verdict check_scalar_changes(const struct event *event, const struct json *before, int64_t power)
{
    for (size_t i = 0; i < SCALAR_COUNT; i++) {
        const struct json *old_level = json_get(before, scalars[i]);
        const struct json *new_level = json_get(event->content, scalars[i]);
        if (same_level(event->version, old_level, new_level))
            continue;
        if (above(event, old_level, power)) /* 9.5.1 */
            return AUTH_REFUSE_POWER(event, "3.1", "5.1", "6.1",
                                     "m.room.power_levels: changes a level that is above the sender's");
        if (above(event, new_level, power)) /* 9.5.2 */
            return AUTH_REFUSE_POWER(event, "3.2", "5.2", "6.2",
                                     "m.room.power_levels: sets a level above the sender's");
    }
    return AUTH_ALLOW;
}

static struct event_verdict check_map_changes(const struct event *event, const struct json *before,
                                              const struct json *after, int64_t power)
{
    struct diff diff = diff_start(event->version, before, after);
    struct change change;
    while (diff_next(&diff, &change)) {
        if (above(event, change.before, power)) /* 9.6.1 */
            return AUTH_REFUSE_POWER(
                event, "4.1", "6.1", "7.1",
                "m.room.power_levels: changes an entry of events or notifications above the sender's");
        if (above(event, change.after, power)) /* 9.7.1 */
            return AUTH_REFUSE_POWER(
                event, "5.1", "7.1", "8.1",
                "m.room.power_levels: sets an entry of events or notifications above the sender's");
    }
    return AUTH_ALLOW;
}

static struct event_verdict check_user_changes(const struct event *event, const struct json *before, int64_t power)
{
    struct diff diff = diff_start(event->version, json_get(before, users_key), json_get(event->content, users_key));
    struct change change;
    while (diff_next(&diff, &change)) {
        int64_t level;
        bool own = str_eq(change.key, event->sender);
        if (!own && power_level_read(event->version, change.before, &level) && level >= power) /* 9.8.1 */
            return AUTH_REFUSE_POWER(event, "6.1", "8.1", "9.1",
                                     "m.room.power_levels: changes a user who is as powerful as the sender");
        if (above(event, change.after, power)) /* 9.9.1 */
            return AUTH_REFUSE_POWER(event, "7.1", "9.1", "10.1",
                                     "m.room.power_levels: gives a user more power than the sender's");
    }
    return AUTH_ALLOW;
}

struct event_verdict auth_rules_power(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    struct event_verdict v = AUTH_ALLOW;
    if (event->version->integer_power_levels_only) /* 9.1, 9.2: since version 10 */
        v = check_scalars_and_maps(event);
    if (!v.refused)
        v = check_users(event);
    if (!v.refused && event->version->creators_are_privileged)
        v = check_no_creators(check);
    if (v.refused || !check->power.event) /* 9.4: the first one may say anything */
        return v;

    const struct json *before = check->power.event->content;
    int64_t power = power_level_of(&check->power, event->sender);
    v = check_scalar_changes(event, before, power);
    size_t guarded = event->version->notifications_guarded ? MAP_COUNT : 1;
    for (size_t i = 0; !v.refused && i < guarded; i++)
        v = check_map_changes(event, json_get(before, level_maps[i]), json_get(event->content, level_maps[i]), power);
    if (!v.refused)
        v = check_user_changes(event, before, power);
    return v;
}
