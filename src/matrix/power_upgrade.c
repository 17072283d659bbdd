#include "matrix/power_upgrade.h"

#include "matrix/id.h"

#define LEVEL_ADMIN     100 /* what creators of older versions get at least */
#define LEVEL_MODERATOR 50  /* who may still speak in a room that was upgraded, unless all may by default */

static const struct str level_names[] = {
    STR_INIT("ban"),    STR_INIT("events_default"), STR_INIT("invite"),        STR_INIT("kick"),
    STR_INIT("redact"), STR_INIT("state_default"),  STR_INIT("users_default"),
};
static const struct str map_names[] = {STR_INIT("events"), STR_INIT("notifications"), STR_INIT("users")};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- levels as integers --- */

static bool read_level(const struct room_version *version, const struct json *v, int64_t *out)
{
    if (!power_level_read(version, v, out))
        return false;
    *out = *out > JSON_INT_MAX ? JSON_INT_MAX : *out < -JSON_INT_MAX ? -JSON_INT_MAX : *out;
    return true;
}

static struct json *map_of_integers(struct arena *a, const struct room_version *version, const struct json *map,
                                    bool of_users)
{
    struct json *out = json_object(a);
    int64_t level;
    for (uint32_t i = 0; json_is(map, JSON_OBJECT) && i < map->count; i++) {
        const struct json_member *m = &map->members[i];
        if (read_level(version, &m->value, &level) && (!of_users || user_id_valid(m->key)))
            json_set_int(a, out, m->key, level);
    }
    return out;
}

/* A copy whose levels are integers and whose maps are there, and may be changed with json_edit(). */
static struct json *of_integers(struct arena *a, const struct room_version *version, const struct json *content)
{
    struct json *out = content ? json_shallow_copy(a, content) : json_object(a);
    int64_t level;
    for (size_t i = 0; i < COUNT(level_names); i++) {
        const struct json *v = json_get(content, level_names[i]);
        if (v && read_level(version, v, &level))
            json_set_int(a, out, level_names[i], level);
        else
            json_unset(out, level_names[i]);
    }
    for (size_t i = 0; i < COUNT(map_names); i++) {
        const struct json *map = json_get(content, map_names[i]);
        if (map)
            json_set(a, out, map_names[i], *map_of_integers(a, version, map, str_eq(map_names[i], STR("users"))));
    }
    return out;
}

static int64_t level_or(const struct json *content, struct str key, int64_t otherwise)
{
    int64_t level;
    return json_int_at(content, key, &level) ? level : otherwise;
}

/* A member that is an object, there from now on. */
static struct json *map_in(struct arena *a, struct json *content, struct str key)
{
    if (!json_get(content, key))
        json_set(a, content, key, *json_object(a));
    return json_edit(content, key);
}

/* --- the new room --- */

static int64_t highest(const struct json *content)
{
    int64_t max = LEVEL_ADMIN;
    for (size_t i = 0; i < COUNT(level_names); i++) {
        int64_t level = level_or(content, level_names[i], 0);
        max = level > max ? level : max;
    }
    for (size_t i = 0; i < COUNT(map_names); i++) {
        const struct json *map = json_get(content, map_names[i]);
        for (uint32_t k = 0; map && k < map->count; k++)
            max = map->members[k].value.i > max ? map->members[k].value.i : max;
    }
    return max;
}

/* Creators with a power of their own as users with a number. */
static void list_creators(struct arena *a, const struct event *create, struct json *content)
{
    int64_t level = highest(content);
    struct json *users = map_in(a, content, STR("users"));
    const struct json *more = json_get(create->content, STR("additional_creators"));
    json_set_int(a, users, create->sender, level);
    for (uint32_t i = 0; json_is(more, JSON_ARRAY) && i < more->count; i++)
        if (json_is(&more->items[i], JSON_STRING) && user_id_valid(more->items[i].s))
            json_set_int(a, users, more->items[i].s, level);
}

static void raise_tombstone(struct arena *a, struct json *content)
{
    static const struct str tombstone = STR_INIT("m.room.tombstone");
    int64_t state_default = level_or(content, STR("state_default"), 50);
    int64_t wanted = state_default < POWER_LEVEL_TOMBSTONE ? POWER_LEVEL_TOMBSTONE
                     : state_default < JSON_INT_MAX        ? state_default + 1
                                                           : JSON_INT_MAX;
    struct json *events = map_in(a, content, STR("events"));
    if (level_or(events, tombstone, wanted - 1) < wanted)
        json_set_int(a, events, tombstone, wanted);
}

/* The rules of versions with privileged creators refuse those of the new room in `users`, and nobody else's. */
static void unlist_creators(struct arena *a, struct json *content, const struct json *creators)
{
    struct json *users = map_in(a, content, STR("users"));
    for (uint32_t i = 0; i < creators->count; i++)
        json_unset(users, creators->items[i].s);
}

struct json *power_upgrade_carry(struct arena *a, const struct event *create, const struct json *content,
                                 const struct room_version *version, const struct json *creators)
{
    struct json *out = of_integers(a, create->version, content);
    if (version->creators_are_privileged)
        raise_tombstone(a, out);
    if (create->version->creators_are_privileged)
        list_creators(a, create, out);
    if (version->creators_are_privileged)
        unlist_creators(a, out, creators);
    return out;
}

/* --- the old room --- */

static void raise(struct arena *a, struct json *object, struct str key, int64_t otherwise, int64_t level)
{
    if (level_or(object, key, otherwise) < level)
        json_set_int(a, object, key, level);
}

struct json *power_upgrade_close(struct arena *a, const struct room_version *version, const struct json *content)
{
    struct json *out = of_integers(a, version, content);
    int64_t users_default = level_or(out, STR("users_default"), 0);
    int64_t level = users_default < LEVEL_MODERATOR ? LEVEL_MODERATOR
                    : users_default < JSON_INT_MAX  ? users_default + 1
                                                    : JSON_INT_MAX;
    raise(a, out, STR("events_default"), 0, level);
    raise(a, out, STR("invite"), 0, level);
    raise(a, out, STR("state_default"), 50, level);
    struct json *events = map_in(a, out, STR("events"));
    for (uint32_t i = 0; i < events->count; i++)
        raise(a, events, events->members[i].key, 0, level);
    return out;
}
