/* Redaction: the tables of what is kept. */
#include "matrix/event.h"

/* A key that is kept, or only one key inside its object. Tables are in the order of keys. */
struct kept {
    struct str key;
    struct str only; /* empty: the whole value */
};

#define KEPT(name)                                                                                                     \
    {                                                                                                                  \
        STR_INIT(name), STR_INIT("")                                                                                   \
    }
#define KEPT_ONLY(name, inside)                                                                                        \
    {                                                                                                                  \
        STR_INIT(name), STR_INIT(inside)                                                                               \
    }
#define LIST(table) (table), sizeof(table) / sizeof((table)[0])

struct kept_content {
    struct str type;
    const struct kept *keys; /* NULL: all of content */
    size_t count;
};

struct redaction_table {
    const struct kept *top;
    size_t top_count;
    const struct kept_content *contents;
    size_t contents_count;
};

static const struct kept top_v1[] = {
    KEPT("auth_events"), KEPT("content"),    KEPT("depth"),   KEPT("event_id"),
    KEPT("hashes"),      KEPT("membership"), KEPT("origin"),  KEPT("origin_server_ts"),
    KEPT("prev_events"), KEPT("prev_state"), KEPT("room_id"), KEPT("sender"),
    KEPT("signatures"),  KEPT("state_key"),  KEPT("type"),
};
static const struct kept top_v11[] = {
    KEPT("auth_events"), KEPT("content"),          KEPT("depth"),       KEPT("event_id"),
    KEPT("hashes"),      KEPT("origin_server_ts"), KEPT("prev_events"), KEPT("room_id"),
    KEPT("sender"),      KEPT("signatures"),       KEPT("state_key"),   KEPT("type"),
};

static const struct kept aliases_v1[] = {KEPT("aliases")};
static const struct kept create_v1[] = {KEPT("creator")};
static const struct kept history_visibility[] = {KEPT("history_visibility")};
static const struct kept join_rules_v1[] = {KEPT("join_rule")};
static const struct kept join_rules_v8[] = {KEPT("allow"), KEPT("join_rule")};
static const struct kept member_v1[] = {KEPT("membership")};
static const struct kept member_v9[] = {KEPT("join_authorised_via_users_server"), KEPT("membership")};
static const struct kept member_v11[] = {KEPT("join_authorised_via_users_server"), KEPT("membership"),
                                         KEPT_ONLY("third_party_invite", "signed")};
static const struct kept power_levels_v1[] = {KEPT("ban"),   KEPT("events"),       KEPT("events_default"),
                                              KEPT("kick"),  KEPT("redact"),       KEPT("state_default"),
                                              KEPT("users"), KEPT("users_default")};
static const struct kept power_levels_v11[] = {KEPT("ban"),           KEPT("events"), KEPT("events_default"),
                                               KEPT("invite"),        KEPT("kick"),   KEPT("redact"),
                                               KEPT("state_default"), KEPT("users"),  KEPT("users_default")};
static const struct kept redaction_v11[] = {KEPT("redacts")};

static const struct kept_content contents_v1[] = {
    {STR_INIT("m.room.aliases"), LIST(aliases_v1)},
    {STR_INIT("m.room.create"), LIST(create_v1)},
    {STR_INIT("m.room.history_visibility"), LIST(history_visibility)},
    {STR_INIT("m.room.join_rules"), LIST(join_rules_v1)},
    {STR_INIT("m.room.member"), LIST(member_v1)},
    {STR_INIT("m.room.power_levels"), LIST(power_levels_v1)},
};
static const struct kept_content contents_v6[] = {
    {STR_INIT("m.room.create"), LIST(create_v1)},
    {STR_INIT("m.room.history_visibility"), LIST(history_visibility)},
    {STR_INIT("m.room.join_rules"), LIST(join_rules_v1)},
    {STR_INIT("m.room.member"), LIST(member_v1)},
    {STR_INIT("m.room.power_levels"), LIST(power_levels_v1)},
};
static const struct kept_content contents_v8[] = {
    {STR_INIT("m.room.create"), LIST(create_v1)},
    {STR_INIT("m.room.history_visibility"), LIST(history_visibility)},
    {STR_INIT("m.room.join_rules"), LIST(join_rules_v8)},
    {STR_INIT("m.room.member"), LIST(member_v1)},
    {STR_INIT("m.room.power_levels"), LIST(power_levels_v1)},
};
static const struct kept_content contents_v9[] = {
    {STR_INIT("m.room.create"), LIST(create_v1)},
    {STR_INIT("m.room.history_visibility"), LIST(history_visibility)},
    {STR_INIT("m.room.join_rules"), LIST(join_rules_v8)},
    {STR_INIT("m.room.member"), LIST(member_v9)},
    {STR_INIT("m.room.power_levels"), LIST(power_levels_v1)},
};
static const struct kept_content contents_v11[] = {
    {STR_INIT("m.room.create"), NULL, 0},
    {STR_INIT("m.room.history_visibility"), LIST(history_visibility)},
    {STR_INIT("m.room.join_rules"), LIST(join_rules_v8)},
    {STR_INIT("m.room.member"), LIST(member_v11)},
    {STR_INIT("m.room.power_levels"), LIST(power_levels_v11)},
    {STR_INIT("m.room.redaction"), LIST(redaction_v11)},
};

static const struct redaction_table tables[] = {
    [REDACTION_V1] = {LIST(top_v1), LIST(contents_v1)},    [REDACTION_V6] = {LIST(top_v1), LIST(contents_v6)},
    [REDACTION_V8] = {LIST(top_v1), LIST(contents_v8)},    [REDACTION_V9] = {LIST(top_v1), LIST(contents_v9)},
    [REDACTION_V11] = {LIST(top_v11), LIST(contents_v11)},
};

static struct json *keep_keys(struct arena *a, const struct json *object, const struct kept *keys, size_t count)
{
    struct json *out = json_object(a);
    for (size_t i = 0; i < count; i++) {
        const struct json *value = json_get(object, keys[i].key);
        if (!value)
            continue;
        if (keys[i].only.n == 0) {
            json_set(a, out, keys[i].key, *value);
        } else if (json_is(value, JSON_OBJECT)) {
            /* As others do: an object without the key inside is kept empty, anything but an object goes. */
            struct kept inside = {.key = keys[i].only};
            json_set(a, out, keys[i].key, *keep_keys(a, value, &inside, 1));
        }
    }
    return out;
}

static struct json redact_content(struct arena *a, const struct redaction_table *table, struct str type,
                                  const struct json *content)
{
    for (size_t i = 0; i < table->contents_count; i++) {
        const struct kept_content *row = &table->contents[i];
        if (!str_eq(row->type, type))
            continue;
        if (!row->keys)
            return json_is(content, JSON_OBJECT) ? *content : *json_object(a);
        return *keep_keys(a, content, row->keys, row->count);
    }
    return *json_object(a);
}

struct json *event_redact(struct arena *a, const struct room_version *version, const struct json *pdu)
{
    const struct redaction_table *table = &tables[version->redaction];
    const struct str content = STR("content");
    struct json *out = keep_keys(a, pdu, table->top, table->top_count);
    json_set(a, out, content, redact_content(a, table, json_str_at(pdu, STR("type")), json_get(pdu, content)));
    return out;
}
