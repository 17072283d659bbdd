/*
 * Random rooms for state resolution: histories that fork, and the states at their ends. The same seed gives the same
 * room.
 *
 * A room starts with a creator, and mostly with power levels, join rules and members. Then several heads, each with a
 * state of its own, take turns with members joining, leaving, inviting, knocking, kicking and banning one another,
 * changes of power levels and join rules, topics, and state of other types. What the rules refuse in the state of its
 * head is mostly dropped, sometimes kept and flagged as rejected, as it is where another server's state was another
 * one. Heads merge at times, taking any mixture of both states. Time stamps, depths and levels come from small ranges,
 * so that ties are common.
 */
#ifndef HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_RANDOM_H
#define HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_RANDOM_H

#include "matrix/state_resolution_textbook.h"

struct random {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline int random_below(struct random *random, int n)
{
    return (int)(random_next(random) % (uint64_t)n);
}

static inline bool random_percent(struct random *random, int percent)
{
    return random_below(random, 100) < percent;
}

#define RANDOM_USERS               6
#define RANDOM_PICK(random, array) ((array)[random_below((random), (int)(sizeof(array) / sizeof((array)[0])))])

static const char *const random_users[RANDOM_USERS] = {"@a:s", "@b:s", "@c:t", "@d:t", "@e:u", "@f:u"};

/* What is about to be sent. */
struct random_draft {
    const char *type;
    const char *sender;
    const char *state_key;
    struct json *content;
};

static inline void random_set(struct arena *a, struct json *object, const char *key, struct json value)
{
    json_set(a, object, str_of(key), value);
}

static inline void random_set_str(struct arena *a, struct json *object, const char *key, const char *value)
{
    json_set_str(a, object, str_of(key), str_of(value));
}

/* --- contents --- */

static inline struct json random_level(struct random *random, const struct book_room *room)
{
    static const int levels[] = {0, 0, 10, 50, 50, 100, 100};
    static const char *const texts[] = {"0", "50", "100"};
    if (!room->version->integer_power_levels_only && random_percent(random, 5))
        return json_string(str_of(RANDOM_PICK(random, texts)));
    return json_int(RANDOM_PICK(random, levels));
}

static inline struct json *random_power_levels(struct random *random, const struct book_room *room)
{
    static const char *const fields[] = {"users_default", "state_default", "ban", "kick", "invite"};
    struct arena *a = room->arena;
    struct json *content = json_object(a), *users = json_object(a), *events = json_object(a);
    for (int i = room->version->creators_are_privileged; i < RANDOM_USERS; i++) {
        if (i == 0 || random_percent(random, 40))
            random_set(a, users, random_users[i],
                       i == 0 && random_percent(random, 80) ? json_int(100) : random_level(random, room));
    }
    random_set(a, content, "users", *users);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (random_percent(random, 15))
            random_set(a, content, fields[i], random_level(random, room));
    }
    if (random_percent(random, 30)) {
        random_set(a, events, "m.room.topic", random_level(random, room));
        random_set(a, content, "events", *events);
    }
    return content;
}

static inline struct json *random_join_rules(struct random *random, const struct book_room *room)
{
    static const char *const rules[] = {"public", "public",     "public",           "invite",
                                        "knock",  "restricted", "knock_restricted", "private"};
    struct json *content = json_object(room->arena);
    random_set_str(room->arena, content, "join_rule", RANDOM_PICK(random, rules));
    return content;
}

static inline void random_membership(struct random *random, const struct book_room *room, struct random_draft *draft)
{
    static const char *const of_self[] = {"join", "join", "join", "leave", "knock"};
    static const char *const of_others[] = {"invite", "invite", "leave", "ban", "ban"};
    struct arena *a = room->arena;
    draft->type = "m.room.member";
    draft->content = json_object(a);
    if (random_percent(random, 50)) {
        draft->state_key = draft->sender;
        const char *membership = RANDOM_PICK(random, of_self);
        random_set_str(a, draft->content, "membership", membership);
        if (random_percent(random, 10))
            random_set_str(a, draft->content, "join_authorised_via_users_server", RANDOM_PICK(random, random_users));
    } else {
        draft->state_key = RANDOM_PICK(random, random_users);
        random_set_str(a, draft->content, "membership", RANDOM_PICK(random, of_others));
    }
}

static inline struct random_draft random_draft(struct random *random, const struct book_room *room)
{
    static const char *const others[] = {"m.room.topic", "m.room.topic", "m.room.name", "org.example"};
    static const char *const keys[] = {"", "", "k", "@a:s", "@d:t"};
    struct random_draft draft = {.sender = RANDOM_PICK(random, random_users), .state_key = ""};
    int what = random_below(random, 100);
    if (what < 30)
        draft.sender = random_users[0];
    if (what % 10 < 5) {
        random_membership(random, room, &draft);
    } else if (what % 10 < 7) {
        draft.type = "m.room.power_levels";
        draft.content = random_power_levels(random, room);
    } else if (what % 10 < 8) {
        draft.type = "m.room.join_rules";
        draft.content = random_join_rules(random, room);
    } else {
        draft.type = RANDOM_PICK(random, others);
        draft.state_key = RANDOM_PICK(random, keys);
        draft.content = json_object(room->arena);
    }
    return draft;
}

/* --- events --- */

static inline struct str random_event_id(struct random *random, struct arena *a)
{
    return str_fmt(a, "$%c%016llx", "AZaz"[random_below(random, 4)], (unsigned long long)random_next(random));
}

static inline const struct json *random_pdu(const struct book_room *room, bool is_create)
{
    struct arena *a = room->arena;
    struct json *pdu = json_object(a), *signatures = json_object(a), *keys = json_object(a);
    static const char *const servers[] = {"s", "t", "u"};
    random_set_str(a, keys, "ed25519:1", "x");
    for (int i = 0; i < 3; i++)
        random_set(a, signatures, servers[i], *keys);
    random_set(a, pdu, "signatures", *signatures);
    if (!is_create || !room->version->room_id_is_create_hash)
        random_set_str(a, pdu, "room_id", "!r:s");
    return pdu;
}

/* The event of a state for a key, or -1. */
static inline int random_state_event(const struct book_room *room, const struct book_set *state, struct auth_key key)
{
    for (int e = 0; e < room->count; e++) {
        if (state->has[e] && event_is_state(&room->events[e].event, key.type, key.state_key))
            return e;
    }
    return -1;
}

/* The auth events that the state at hand offers; some may come from another, as where a server was behind. */
static inline void random_cite(struct random *random, const struct book_room *room, struct book_event *e,
                               const struct book_set *state, const struct book_set *other)
{
    struct auth_key keys[AUTH_KEYS_MAX];
    size_t count = auth_keys_select(room->version, e->event.type, e->event.sender, true, e->event.state_key,
                                    e->event.content, keys);
    bool behind = random_percent(random, 25);
    for (size_t i = 0; i < count; i++) {
        int cited = random_state_event(room, behind && random_percent(random, 50) ? other : state, keys[i]);
        if (cited >= 0 && !random_percent(random, 1))
            e->auth_events[e->auth_count++] = cited;
    }
}

static inline struct book_event random_event(struct random *random, const struct book_room *room,
                                             struct random_draft draft)
{
    bool is_create = room->count == 0;
    struct str *prev = ARENA_NEW(room->arena, struct str);
    *prev = room->count == 1 ? room->events[0].event.event_id : STR("$p");
    struct book_event e = {.rejected = false};
    e.event = (struct event){
        .version = room->version,
        .json = random_pdu(room, is_create),
        .event_id = random_event_id(random, room->arena),
        .room_id = STR("!r:s"),
        .type = str_of(draft.type),
        .sender = str_of(draft.sender),
        .has_state_key = true,
        .state_key = str_of(draft.state_key),
        .content = draft.content,
        .depth = random_percent(random, 70) ? room->count : random_below(random, 8),
        .origin_server_ts = random_percent(random, 30) ? room->count : random_below(random, 6),
        .prev_events = prev,
        .prev_events_count = !is_create,
    };
    return e;
}

static inline bool random_allowed_by_chain(const struct book_room *room, const struct book_event *e)
{
    struct book_set cited = {{false}};
    for (int i = 0; i < e->auth_count; i++)
        cited.has[e->auth_events[i]] = true;
    struct book_check check = {room, &cited, -1};
    return !auth_check(room->arena, &e->event, (struct auth_state){book_get, &check}).refused;
}

/* Lets the event in, into `state`, or not. What its own auth events refuse appears nowhere. */
static inline void random_append(struct random *random, struct book_room *room, struct book_set *state,
                                 const struct book_set *other, struct random_draft draft)
{
    struct book_event e = random_event(random, room, draft);
    random_cite(random, room, &e, state, other);
    if (room->count >= BOOK_EVENTS_MAX || !random_allowed_by_chain(room, &e))
        return;
    struct book_check check = {room, state, -1};
    bool refused = auth_check(room->arena, &e.event, (struct auth_state){book_get, &check}).refused;
    if (refused && random_percent(random, 30))
        return;
    bool rejected = random_percent(random, refused ? 90 : 2);
    e.rejected = rejected && room->count > 0; /* without m.room.create there is no room */
    room->events[room->count] = e;
    if (!e.rejected || random_percent(random, 25))
        book_put(room, state, room->count);
    room->count++;
}

/* --- rooms --- */

static inline void random_begin(struct random *random, struct book_room *room, struct book_set *state)
{
    struct arena *a = room->arena;
    struct random_draft create = {"m.room.create", random_users[0], "", json_object(a)};
    random_set_str(a, create.content, "creator", random_users[0]);
    if (room->version->creators_are_privileged && random_percent(random, 50)) {
        struct json *more = json_array(a);
        json_push(a, more, json_string(str_of(random_users[1])));
        random_set(a, create.content, "additional_creators", *more);
    }
    random_append(random, room, state, state, create);
    struct random_draft join = {"m.room.member", random_users[0], random_users[0], json_object(a)};
    random_set_str(a, join.content, "membership", "join");
    random_append(random, room, state, state, join);
    struct random_draft power = {"m.room.power_levels", random_users[0], "", random_power_levels(random, room)};
    if (random_percent(random, 85))
        random_append(random, room, state, state, power);
    struct random_draft rules = {"m.room.join_rules", random_users[0], "", json_object(a)};
    random_set_str(a, rules.content, "join_rule", "public");
    if (random_percent(random, 90))
        random_append(random, room, state, state, rules);
    for (int i = 1; i < RANDOM_USERS; i++) {
        join.sender = join.state_key = random_users[i];
        if (random_percent(random, 60))
            random_append(random, room, state, state, join);
    }
}

/* Any mixture of two states, as if it had been resolved somehow. */
static inline struct book_set random_mix(struct random *random, const struct book_room *room, const struct book_set *x,
                                         const struct book_set *y)
{
    struct book_set mixed = *x;
    for (int e = 0; e < room->count; e++) {
        if (y->has[e] && random_percent(random, 50))
            book_put(room, &mixed, e);
    }
    return mixed;
}

/* What a broken or malicious server might say: keys that are missing, and events of other times. */
static inline void random_disturb(struct random *random, const struct book_room *room, struct book_set *state)
{
    for (int e = 1; e < room->count; e++) {
        if (random_percent(random, 2))
            state->has[e] = false;
        if (random_percent(random, 2))
            book_put(room, state, e);
    }
}

/* Fills in the room and up to BOOK_SETS_MAX states of it; returns how many. */
static inline int random_room(uint64_t seed, struct book_room *room, struct book_set *states)
{
    struct random random = {seed};
    int heads =
        random_percent(&random, 3) ? 66 + random_below(&random, BOOK_SETS_MAX - 66) : 2 + random_below(&random, 4);
    int steps = 10 + random_below(&random, heads > 64 ? 250 : 150);
    memset(states, 0, sizeof(*states) * (size_t)heads);
    random_begin(&random, room, &states[0]);
    for (int i = 1; i < heads; i++)
        states[i] = states[0];
    for (int i = 0; i < steps; i++) {
        int head = random_below(&random, heads), other = random_below(&random, heads);
        if (random_percent(&random, 6))
            states[head] = random_mix(&random, room, &states[head], &states[other]);
        random_append(&random, room, &states[head], &states[other], random_draft(&random, room));
    }
    for (int i = 0; i < heads && random_percent(&random, 30); i++)
        random_disturb(&random, room, &states[i]);
    return heads;
}

#endif
