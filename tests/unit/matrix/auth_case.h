/*
 * Cases for the authorisation rules, written as data: a state, an event, and the rule that refuses it.
 *
 * JSON is written with ' for ". Every case has a room whose creator is @c:s: its m.room.create comes first, with what
 * `create` adds to its content. Events are written without what the rules do not look at; case_event() adds it. A case
 * runs in each of its versions; numbers of rules are those of versions 10 and 11, or those of version 1 for the rules
 * that only old versions have, and case_number() makes those of the others.
 */
#ifndef HEARTH_TESTS_UNIT_MATRIX_AUTH_CASE_H
#define HEARTH_TESTS_UNIT_MATRIX_AUTH_CASE_H

#include "matrix/auth_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#define TO(version)   ((1 << (version)) - 1)
#define FROM(version) (TO(12) & ~TO((version)-1))
#define ONLY(version) (1 << ((version)-1))
#define V10           ONLY(10)
#define V11           ONLY(11)
#define V12           ONLY(12)
#define ALL           TO(12)
#define OLD           TO(11)
#define NEW           FROM(11)

#define MEMBER(user, membership)                                                                                       \
    "{'type':'m.room.member','sender':'" user "','state_key':'" user "','content':{'membership':'" membership "'}},"
#define JOINED(user)            MEMBER(user, "join")
#define STATE_OF(type, content) "{'type':'" type "','sender':'@c:s','state_key':'','content':" content "},"
#define POWER(content)          STATE_OF("m.room.power_levels", content)
#define RULE(rule)              STATE_OF("m.room.join_rules", "{'join_rule':'" rule "'}")

/* Creator (without a level of his own before v12), administrator, moderator and user, all in the room. */
#define PEOPLE JOINED("@c:s") JOINED("@a:s") JOINED("@m:s") JOINED("@u:s")
#define LEVELS "{'users':{'@a:s':100,'@m:s':50}}"
#define ROOM   PEOPLE POWER(LEVELS) RULE("invite")

#define MESSAGE(user)          "{'type':'m.room.message','sender':'" user "','content':{}}"
#define STATE(type, user, key) "{'type':'" type "','sender':'" user "','state_key':'" key "','content':{}}"
#define MEMBERSHIP(user, target, membership)                                                                           \
    "{'type':'m.room.member','sender':'" user "','state_key':'" target "','content':{'membership':'" membership "'}}"
#define SET_POWER(user, content)                                                                                       \
    "{'type':'m.room.power_levels','sender':'" user "','state_key':'','content':" content "}"

#define CASE_NUMBER_MAX 96

struct auth_case {
    int versions;
    const char *name;
    const char *create; /* members added to the content of m.room.create; NULL: none */
    const char *state;
    const char *event;
    const char *refused; /* number of the rule, with a '!' behind if it is version 1's; NULL: allowed */
};

struct case_room {
    struct arena *a;
    const struct room_version *version;
    struct event *events;
    size_t count;
    unsigned numbered;
};

static inline struct json *case_json(struct arena *a, const char *text)
{
    char *quoted = arena_alloc(a, strlen(text) + 1);
    for (size_t i = 0; text[i]; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    struct json_result r = json_parse(a, str_of(quoted), JSON_DEPTH_MAX);
    if (!r.value)
        fail_msg("%s at %zu: %s", r.error, r.offset, quoted);
    return json_shallow_copy(a, r.value);
}

static inline void case_default(struct arena *a, struct json *event, const char *key, const char *value)
{
    if (!json_get(event, str_of(key)))
        json_set(a, event, str_of(key), *case_json(a, value));
}

/* Puts citations in place of the ids in a list. */
static inline void case_cite(struct case_room *room, struct json *json, struct str key)
{
    struct arena *a = room->a;
    const struct json *ids = json_get(json, key);
    struct json *citations = json_array(a);
    for (uint32_t i = 0; i < ids->count; i++) {
        struct json *pair = json_array(a);
        bool is_create = str_eq(ids->items[i].s, STR("$create"));
        struct json id = is_create ? json_string(room->events[0].event_id) : ids->items[i];
        json_push(a, pair, id);
        json_push(a, pair, *json_object(a));
        json_push(a, citations, room->version->event_format == EVENT_FORMAT_V1 ? *pair : id);
    }
    json_set(a, json, key, *citations);
}

/* A whole PDU of what a case says of it; "$create" among prev_events becomes the room's create event. */
static inline struct event case_event(struct case_room *room, struct json *json)
{
    struct arena *a = room->a;
    bool create = str_eq(json_str_at(json, STR("type")), STR("m.room.create"));
    case_default(a, json, "auth_events", "[]");
    case_default(a, json, "prev_events", create ? "[]" : "['$p']");
    case_default(a, json, "depth", "1");
    case_default(a, json, "hashes", "{'sha256':''}");
    case_default(a, json, "origin_server_ts", "1");
    case_default(a, json, "signatures", "{}");
    if (!room->version->room_id_is_create_hash)
        case_default(a, json, "room_id", "'!r:s'");
    else if (!create && !json_get(json, STR("room_id")))
        json_set_str(a, json, STR("room_id"), room->events[0].room_id);
    case_cite(room, json, STR("prev_events"));
    case_cite(room, json, STR("auth_events"));
    if (room->version->event_format == EVENT_FORMAT_V1)
        case_default(a, json, "event_id", str_fmt(a, "'$e%u:s'%c", room->numbered++, 0).p);
    struct event e;
    struct event_verdict v = event_parse(a, room->version, json, &e);
    if (v.refused)
        fail_msg("%s: %.*s", v.refused, STR_ARG(json_text(a, json)));
    return e;
}

static inline struct json *case_create_json(struct arena *a, const struct room_version *version, const char *more)
{
    struct json *content = case_json(a, version->creator_in_content ? "{'creator':'@c:s'}" : "{}");
    json_set_str(a, content, STR("room_version"), version->name);
    const struct json *extra = case_json(a, more ? more : "{}");
    for (uint32_t i = 0; i < extra->count; i++)
        json_set(a, content, extra->members[i].key, extra->members[i].value);
    struct json *json = case_json(a, "{'type':'m.room.create','sender':'@c:s','state_key':''}");
    json_set(a, json, STR("content"), *content);
    return json;
}

static inline struct case_room case_room(struct arena *a, const struct room_version *version, const char *create,
                                         const char *state)
{
    struct case_room room = {.a = a, .version = version};
    char *list = arena_alloc(a, strlen(state) + 8);
    size_t n = strlen(state);
    while (n > 0 && state[n - 1] == ',')
        n--;
    snprintf(list, n + 3, "[%.*s]", (int)n, state);
    const struct json *events = case_json(a, list);
    room.events = ARENA_ARRAY(a, events->count + 1, struct event);
    room.events[0] = case_event(&room, case_create_json(a, version, create));
    for (uint32_t i = 0; i < events->count; i++)
        room.events[i + 1] = case_event(&room, json_shallow_copy(a, &events->items[i]));
    room.count = events->count + 1;
    return room;
}

static inline const struct event *case_get(void *ctx, struct str type, struct str state_key)
{
    const struct case_room *room = ctx;
    for (size_t i = room->count; i-- > 0;) {
        if (event_is_state(&room->events[i], type, state_key))
            return &room->events[i];
    }
    return NULL;
}

static inline struct auth_state case_state(struct case_room *room)
{
    return (struct auth_state){case_get, room};
}

/* The numbers after the first, of a rule on m.room.member: 4.2 came with version 8, and 4.3.5 with it; 4.7 with 7. */
static inline void case_member_number(int numbers, unsigned long n[3])
{
    if (numbers >= AUTH_NUMBERS_V8)
        return;
    if (n[0] == 3 && n[1] == 7)
        n[1] = 6;
    if (n[0] == 8 && numbers < AUTH_NUMBERS_V7)
        n[0]--;
    if (n[0] > 1)
        n[0]--;
}

/* Of a rule on m.room.power_levels: 9.1 and 9.2 came with version 10, 10.4 with 12. */
static inline void case_power_number(int numbers, unsigned long n[3])
{
    if (numbers == AUTH_NUMBERS_V12 && n[0] >= 5)
        n[0]++;
    if (numbers < AUTH_NUMBERS_V10)
        n[0] -= 2;
}

/* "4.3.2" of version 10 is "5.2.2" in 1, "4.2.2" in 6 and 7, "5.3.2" in 12. */
static inline void case_number(const struct room_version *version, const char *number, char out[CASE_NUMBER_MAX])
{
    int numbers = (int)version->auth_numbers;
    char *rest;
    unsigned long rule = strtoul(number, &rest, 10), n[4] = {0};
    size_t depth = 0;
    while (*rest == '.')
        n[depth++] = strtoul(rest + 1, &rest, 10);
    if (*rest == '!') { /* of version 1, not to be moved */
        snprintf(out, CASE_NUMBER_MAX, "auth rule %.*s: ", (int)(rest - number), number);
        return;
    }
    if (rule == 4)
        case_member_number(numbers, n);
    if (rule == 9)
        case_power_number(numbers, n);
    if ((numbers == AUTH_NUMBERS_V12 && rule >= 2) || (numbers == AUTH_NUMBERS_V1 && rule >= 4))
        rule++;
    int used = snprintf(out, CASE_NUMBER_MAX, "auth rule %lu", rule);
    for (size_t i = 0; i < depth; i++)
        used += snprintf(out + used, CASE_NUMBER_MAX - (size_t)used, ".%lu", n[i]);
    snprintf(out + used, CASE_NUMBER_MAX - (size_t)used, ": ");
}

static inline void case_assert(const struct room_version *version, const char *name, const char *refused,
                               struct event_verdict v)
{
    char want[CASE_NUMBER_MAX] = "";
    if (refused)
        case_number(version, refused, want);
    bool right = refused ? v.refused && strncmp(v.refused, want, strlen(want)) == 0 : !v.refused;
    if (!right)
        fprintf(stderr, "BAD version %.*s, %s: got \"%s\", want \"%s\"\n", STR_ARG(version->name), name,
                v.refused ? v.refused : "allowed", refused ? want : "allowed");
}

static inline void case_run(const struct auth_case *cases, size_t count)
{
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < count; i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct arena *a = arena_new();
            struct case_room room = case_room(a, version, cases[i].create, cases[i].state);
            struct event event = case_event(&room, case_json(a, cases[i].event));
            case_assert(version, cases[i].name, cases[i].refused, auth_check(a, &event, case_state(&room)));
            arena_free(&a);
        }
    }
}

#endif
