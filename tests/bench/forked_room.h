/*
 * A room of 50,000 members and 60,000 state events for benchmarks of state resolution, and two ways in which it forks:
 * two forks that differ in 10 events, and 1,000 forks of 2 events each. Included by the programs in this folder, each
 * of which is one file.
 */
#ifndef HEARTH_TESTS_BENCH_FORKED_ROOM_H
#define HEARTH_TESTS_BENCH_FORKED_ROOM_H

#include "base/map.h"
#include "matrix/state_resolution.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { MEMBERS = 50000, OTHERS = 10000, FORKS = 1000, EVENTS_MAX = MEMBERS + OTHERS + 3 * FORKS + 100, AUTH_MAX = 4 };

/* Events are numbered from 1, in the order in which they were made. */
struct room {
    struct arena *a;
    const struct room_version *version;
    struct event event[EVENTS_MAX + 1];
    uint64_t auth[EVENTS_MAX + 1][AUTH_MAX];
    size_t auth_count[EVENTS_MAX + 1];
    uint64_t count;
    struct map_str state; /* before the forks: type and state_key -> &event */
};

static inline struct str key_of(struct arena *a, struct str type, struct str state_key)
{
    return str_fmt(a, "%.*s %.*s", STR_ARG(type), STR_ARG(state_key));
}

static inline uint64_t state_number(void *ctx, struct str type, struct str state_key)
{
    const struct room *room = ctx;
    char buffer[600];
    int n = snprintf(buffer, sizeof(buffer), "%.*s %.*s", STR_ARG(type), STR_ARG(state_key));
    const struct event *event = map_str_get(&room->state, (struct str){buffer, (size_t)n});
    return event ? (uint64_t)(event - room->event) : 0;
}

/* --- the room --- */

static inline const struct json *content_of(struct arena *a, const char *text)
{
    struct json_result r = json_parse(a, str_of(text), 10);
    assert(r.value);
    return r.value;
}

static inline void cite(struct room *room, uint64_t number, uint64_t cited)
{
    if (cited > 0)
        room->auth[number][room->auth_count[number]++] = cited;
}

/* An event whose auth events are those of the state before the forks. */
static inline uint64_t send(struct room *room, struct str type, struct str sender, struct str state_key,
                            const char *content)
{
    uint64_t number = ++room->count;
    assert(number <= EVENTS_MAX);
    struct str *prev = ARENA_NEW(room->a, struct str);
    *prev = number == 2 ? room->event[1].event_id : STR("$prev");
    room->event[number] = (struct event){
        .version = room->version,
        .json = content_of(room->a, number == 1 ? "{}" : "{\"room_id\":\"!room:example.org\"}"),
        .event_id = str_fmt(room->a, "$%012llx", (unsigned long long)number * 0x9e3779b97f4a7c15ULL >> 16),
        .room_id = STR("!room:example.org"),
        .type = type,
        .sender = sender,
        .has_state_key = true,
        .state_key = state_key,
        .content = content_of(room->a, content),
        .origin_server_ts = 1700000000000 + (int64_t)number,
        .prev_events = prev,
        .prev_events_count = number > 1,
    };
    if (number > 1 && room->version->create_in_auth_events)
        cite(room, number, 1);
    cite(room, number, number > 1 ? state_number(room, STR("m.room.power_levels"), STR("")) : 0);
    cite(room, number, number > 1 ? state_number(room, STR("m.room.member"), sender) : 0);
    if (str_eq(type, STR("m.room.member")))
        cite(room, number, state_number(room, str_eq(sender, state_key) ? STR("m.room.join_rules") : type, state_key));
    return number;
}

static inline void send_state(struct room *room, struct str type, struct str sender, struct str state_key,
                              const char *content)
{
    uint64_t number = send(room, type, sender, state_key, content);
    map_str_put(&room->state, key_of(room->a, type, state_key), &room->event[number]);
}

static inline struct str user(struct room *room, int i)
{
    return str_fmt(room->a, "@user%d:s%d.example.org", i, i % 1000);
}

static const struct str admin = STR_INIT("@admin:example.org");
static const struct str type_member = STR_INIT("m.room.member");
static const struct str type_power = STR_INIT("m.room.power_levels");
static const struct str type_rules = STR_INIT("m.room.join_rules");
static const struct str type_topic = STR_INIT("m.room.topic");
static const struct str empty = STR_INIT("");
static const char joins[] = "{\"membership\":\"join\"}";

static inline struct room *room_new(struct arena *a, const char *version)
{
    struct room *room = ARENA_NEW(a, struct room);
    room->a = a;
    room->version = room_version_find(str_of(version));
    map_str_init(&room->state);
    send_state(room, STR("m.room.create"), admin, empty, "{\"creator\":\"@admin:example.org\"}");
    send_state(room, type_member, admin, admin, joins);
    send_state(room, type_power, admin, empty, "{\"events\":{\"m.room.topic\":0}}");
    send_state(room, type_rules, admin, empty, "{\"join_rule\":\"public\"}");
    for (int i = 0; i < MEMBERS - 1; i++) {
        if (i == MEMBERS / 2)
            send_state(room, type_power, admin, empty,
                       "{\"events\":{\"m.room.topic\":0},\"users\":{\"@user1:s1.example.org\":50}}");
        send_state(room, type_member, user(room, i), user(room, i), joins);
    }
    for (int i = 0; i < OTHERS; i++)
        send_state(room, STR("org.example.part"), admin, str_fmt(a, "%d", i), "{}");
    send_state(room, type_topic, admin, empty, "{}");
    return room;
}

/* --- forks --- */

struct forks {
    struct state_resolution_difference differences[4 * FORKS];
    size_t count;
    size_t sets;
};

static inline void differ(struct forks *forks, size_t set, uint64_t base, uint64_t event)
{
    forks->differences[forks->count++] = (struct state_resolution_difference){set, base, event};
}

/* Each of the sets 0 and 1 has five events that the other has not: among them two that change power. */
static inline void two_forks(struct room *room, struct forks *forks)
{
    struct str moderator = user(room, 1);
    uint64_t power = state_number(room, type_power, empty), rules = state_number(room, type_rules, empty);
    forks->sets = 2;
    differ(
        forks, 1,
        send(room, type_power, admin, empty, "{\"users\":{\"@user1:s1.example.org\":50,\"@user2:s2.example.org\":50}}"),
        power);
    differ(forks, 1, send(room, type_rules, admin, empty, "{\"join_rule\":\"invite\"}"), rules);
    differ(forks, 1, send(room, type_member, admin, user(room, 7), "{\"membership\":\"ban\"}"),
           state_number(room, type_member, user(room, 7)));
    for (int i = 0; i < 2; i++)
        differ(forks, 1, send(room, type_member, user(room, MEMBERS + i), user(room, MEMBERS + i), joins), 0);
    differ(forks, 1, state_number(room, type_member, user(room, 8)),
           send(room, type_member, moderator, user(room, 8), "{\"membership\":\"ban\"}"));
    differ(forks, 1, state_number(room, type_member, user(room, 9)),
           send(room, type_member, moderator, user(room, 9), "{\"membership\":\"leave\"}"));
    differ(forks, 1, state_number(room, type_topic, empty), send(room, type_topic, user(room, 7), empty, "{}"));
    for (int i = 2; i < 4; i++)
        differ(forks, 1, 0, send(room, type_member, user(room, MEMBERS + i), user(room, MEMBERS + i), joins));
}

/* In each fork somebody else changes his name and the topic. */
static inline void many_forks(struct room *room, struct forks *forks)
{
    uint64_t first_member = 0, first_topic = 0;
    forks->sets = FORKS;
    for (size_t i = 0; i < FORKS; i++) {
        struct str who = user(room, 100 + (int)i * 7);
        uint64_t before = state_number(room, type_member, who);
        uint64_t member = send(room, type_member, who, who, "{\"membership\":\"join\",\"displayname\":\"x\"}");
        uint64_t topic = send(room, type_topic, who, empty, "{}");
        if (i == 0) {
            first_member = member;
            first_topic = topic;
            continue;
        }
        differ(forks, i, first_topic, topic);
        differ(forks, i, before, member);
        differ(forks, i, first_member, state_number(room, type_member, user(room, 100)));
    }
}

#endif
