#include "matrix/content_check.h"

#include "base/map.h"
#include "matrix/id.h"

#define NAMED_KEY_MAX 255 /* bytes of a key of the client's that an error repeats */

static struct fault check_message(struct arena *a, const struct json *content, const struct json *before)
{
    (void)a;
    (void)before;
    /* Redactions take both away; nobody sends such a message. */
    if (!json_str_at(content, STR("msgtype")).p)
        return FAULT(M_BAD_JSON, "m.room.message: msgtype is missing or no string");
    if (!json_str_at(content, STR("body")).p)
        return FAULT(M_BAD_JSON, "m.room.message: body is missing or no string");
    return FAULT_NONE;
}

static struct fault bad_field(struct arena *a, struct str name, const char *what)
{
    return FAULT_STR(M_BAD_JSON, str_fmt(a, "m.room.power_levels: %.*s: %s", STR_ARG(name), what));
}

/* A key that is too long to be told is left out. */
static struct fault bad_member(struct arena *a, struct str map, struct str key, const char *what)
{
    return bad_field(a, key.n <= NAMED_KEY_MAX ? str_fmt(a, "%.*s.%.*s", STR_ARG(map), STR_ARG(key)) : map, what);
}

static struct fault check_map(struct arena *a, struct str name, const struct json *map)
{
    bool of_users = str_eq(name, STR("users"));
    if (map && map->type != JSON_OBJECT)
        return bad_field(a, name, "must be an object of integers");
    for (uint32_t i = 0; map && i < map->count; i++) {
        if (map->members[i].value.type != JSON_INT)
            return bad_member(a, name, map->members[i].key, "must be an integer");
        if (of_users && !user_id_valid(map->members[i].key))
            return bad_member(a, name, map->members[i].key, "not a valid user id");
    }
    return FAULT_NONE;
}

static struct fault check_power_levels(struct arena *a, const struct json *content, const struct json *before)
{
    static const struct str levels[] = {
        STR_INIT("ban"),    STR_INIT("events_default"), STR_INIT("invite"),        STR_INIT("kick"),
        STR_INIT("redact"), STR_INIT("state_default"),  STR_INIT("users_default"),
    };
    static const struct str maps[] = {STR_INIT("events"), STR_INIT("notifications"), STR_INIT("users")};
    struct fault fault = FAULT_NONE;
    (void)before;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        const struct json *level = json_get(content, levels[i]);
        if (level && level->type != JSON_INT)
            return bad_field(a, levels[i], "must be an integer");
    }
    for (size_t i = 0; !fault.code && i < sizeof(maps) / sizeof(maps[0]); i++)
        fault = check_map(a, maps[i], json_get(content, maps[i]));
    return fault;
}

/* "Not present, null, or empty": there is no canonical alias. */
static bool is_no_alias(const struct json *alias)
{
    return !alias || alias->type == JSON_NULL || (alias->type == JSON_STRING && alias->s.n == 0);
}

/* The aliases that a content lists, as keys that point into it. map_str_fini() when done. */
static void collect_aliases(struct map_str *set, const struct json *content)
{
    const struct json *alias = json_get(content, STR("alias"));
    const struct json *alts = json_get(content, STR("alt_aliases"));
    map_str_init(set);
    if (json_is(alias, JSON_STRING))
        map_str_put(set, alias->s, set);
    for (uint32_t i = 0; json_is(alts, JSON_ARRAY) && i < alts->count; i++) {
        if (alts->items[i].type == JSON_STRING)
            map_str_put(set, alts->items[i].s, set);
    }
}

static bool alias_acceptable(const struct json *alias, const struct map_str *before)
{
    return alias->type == JSON_STRING && (room_alias_valid(alias->s) || map_str_get(before, alias->s));
}

static struct fault check_aliases(const struct json *content, const struct map_str *before)
{
    const struct json *alias = json_get(content, STR("alias"));
    const struct json *alts = json_get(content, STR("alt_aliases"));
    if (!is_no_alias(alias) && !alias_acceptable(alias, before))
        return FAULT(M_INVALID_PARAM, "m.room.canonical_alias: alias is no room alias");
    if (alts && alts->type != JSON_ARRAY)
        return FAULT(M_INVALID_PARAM, "m.room.canonical_alias: alt_aliases is no array");
    for (uint32_t i = 0; alts && i < alts->count; i++) {
        if (!alias_acceptable(&alts->items[i], before))
            return FAULT(M_INVALID_PARAM, "m.room.canonical_alias: alt_aliases holds what is no room alias");
    }
    return FAULT_NONE;
}

/* Aliases that were there before are not looked at again, as they cannot be fixed by who changes something else. */
static struct fault check_canonical_alias(struct arena *a, const struct json *content, const struct json *before)
{
    (void)a;
    struct map_str known;
    collect_aliases(&known, before);
    struct fault fault = check_aliases(content, &known);
    map_str_fini(&known);
    return fault;
}

struct fault content_check(struct arena *a, struct str type, const struct json *content, const struct json *before)
{
    static const struct {
        struct str type;
        struct fault (*check)(struct arena *a, const struct json *content, const struct json *before);
    } checks[] = {
        {STR_INIT("m.room.canonical_alias"), check_canonical_alias},
        {STR_INIT("m.room.message"), check_message},
        {STR_INIT("m.room.power_levels"), check_power_levels},
    };
    if (!json_is(content, JSON_OBJECT))
        return FAULT(M_BAD_JSON, "The content of an event must be an object");
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (str_eq(checks[i].type, type))
            return checks[i].check(a, content, before);
    }
    return FAULT_NONE;
}

size_t content_new_aliases(struct arena *a, const struct json *content, const struct json *before,
                           struct str **aliases_out)
{
    struct map_str known, listed;
    collect_aliases(&known, before);
    collect_aliases(&listed, content);
    struct str *aliases = ARENA_ARRAY(a, listed.count + 1, struct str);
    size_t count = 0;
    for (size_t i = 0; i < listed.cap; i++) {
        struct str alias = listed.slots[i].key;
        if (listed.slots[i].value && alias.n > 0 && !map_str_get(&known, alias))
            aliases[count++] = alias;
    }
    map_str_fini(&listed);
    map_str_fini(&known);
    *aliases_out = aliases;
    return count;
}
