/*
 * State resolution as the specification words it: sets, pairs, and loops over everything. Slow, and sharing nothing
 * with src/matrix/state_resolution*.c but the authorisation rules themselves; the two are compared with one another.
 *
 * An event is its index in the room, a set of events is a row of booleans, and a state is a set of events.
 */
#ifndef HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_TEXTBOOK_H
#define HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_TEXTBOOK_H

#include "crypto/hash.h"
#include "matrix/auth_rules.h"

#include <stdlib.h>
#include <string.h>

#define BOOK_EVENTS_MAX 128
#define BOOK_SETS_MAX   80

struct book_event {
    struct event event;
    int auth_events[EVENT_AUTH_EVENTS_MAX];
    int auth_count;
    bool rejected;
};

struct book_set {
    bool has[BOOK_EVENTS_MAX];
};

/* Event 0 is the room's m.room.create. */
struct book_room {
    struct arena *arena;
    const struct room_version *version;
    struct book_event events[BOOK_EVENTS_MAX];
    int count;
};

struct book_list {
    int events[BOOK_EVENTS_MAX];
    int count;
};

static inline bool book_is(const struct book_room *room, int e, const char *type)
{
    return event_is_state(&room->events[e].event, str_of(type), STR(""));
}

static inline bool book_same_key(const struct book_room *room, int x, int y)
{
    return event_is_state(&room->events[x].event, room->events[y].event.type, room->events[y].event.state_key);
}

/* --- definitions --- */

/* "The set containing all of E's auth events, all of their auth events, and so on." */
static inline struct book_set book_auth_chain(const struct book_room *room, int e)
{
    struct book_set chain = {{false}};
    for (int i = 0; i < room->events[e].auth_count; i++)
        chain.has[room->events[e].auth_events[i]] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (int x = 0; x < room->count; x++) {
            for (int i = 0; chain.has[x] && i < room->events[x].auth_count; i++) {
                changed = changed || !chain.has[room->events[x].auth_events[i]];
                chain.has[room->events[x].auth_events[i]] = true;
            }
        }
    }
    return chain;
}

/* The auth chains of all events. */
static inline struct book_set *book_auth_chains(const struct book_room *room)
{
    struct book_set *chains = ARENA_ARRAY(room->arena, BOOK_EVENTS_MAX, struct book_set);
    for (int e = 0; e < room->count; e++)
        chains[e] = book_auth_chain(room, e);
    return chains;
}

static inline struct book_set book_unconflicted(const struct book_room *room, const struct book_set *states, int n)
{
    struct book_set all = {{false}};
    for (int e = 0; e < room->count; e++) {
        all.has[e] = true;
        for (int i = 0; i < n; i++)
            all.has[e] = all.has[e] && states[i].has[e];
    }
    return all;
}

static inline struct book_set book_conflicted(const struct book_room *room, const struct book_set *states, int n)
{
    struct book_set unconflicted = book_unconflicted(room, states, n), some = {{false}};
    for (int e = 0; e < room->count; e++) {
        for (int i = 0; i < n; i++)
            some.has[e] = some.has[e] || (states[i].has[e] && !unconflicted.has[e]);
    }
    return some;
}

/* "The union of the auth chains for each event in S." */
static inline struct book_set book_full_auth_chain(const struct book_room *room, const struct book_set *chains,
                                                   const struct book_set *state)
{
    struct book_set full = {{false}};
    for (int e = 0; e < room->count; e++) {
        for (int x = 0; state->has[e] && x < room->count; x++)
            full.has[x] = full.has[x] || chains[e].has[x];
    }
    return full;
}

static inline struct book_set book_auth_difference(const struct book_room *room, const struct book_set *chains,
                                                   const struct book_set *states, int n)
{
    struct book_set some = {{false}}, all, difference = {{false}};
    memset(&all, true, sizeof(all));
    for (int i = 0; i < n; i++) {
        struct book_set c = book_full_auth_chain(room, chains, &states[i]);
        for (int e = 0; e < room->count; e++) {
            some.has[e] = some.has[e] || c.has[e];
            all.has[e] = all.has[e] && c.has[e];
        }
    }
    for (int e = 0; e < room->count; e++)
        difference.has[e] = some.has[e] && !all.has[e];
    return difference;
}

/* "The union of all such paths between any pair of events in the conflicted state set (including endpoints)." */
static inline struct book_set book_subgraph(const struct book_room *room, const struct book_set *chains,
                                            const struct book_set *conflicted)
{
    struct book_set on_path = {{false}};
    for (int from = 0; from < room->count; from++) {
        for (int to = 0; to < room->count; to++) {
            if (!conflicted->has[from] || !conflicted->has[to] || !chains[from].has[to])
                continue;
            for (int e = 0; e < room->count; e++) {
                bool below = e == from || chains[from].has[e];
                bool above = e == to || chains[e].has[to];
                on_path.has[e] = on_path.has[e] || (below && above);
            }
        }
    }
    return on_path;
}

static inline bool book_is_power_event(const struct book_room *room, int e)
{
    const struct event *event = &room->events[e].event;
    if (book_is(room, e, "m.room.power_levels") || book_is(room, e, "m.room.join_rules"))
        return true;
    if (!event->has_state_key || !str_eq(event->type, STR("m.room.member")))
        return false;
    struct str membership = json_str_at(event->content, STR("membership"));
    return (str_eq(membership, STR("leave")) || str_eq(membership, STR("ban"))) &&
           !str_eq(event->sender, event->state_key);
}

/* The event of this type and empty state_key among the auth events, or -1. */
static inline int book_auth_event(const struct book_room *room, int e, const char *type)
{
    for (int i = 0; i < room->events[e].auth_count; i++) {
        if (book_is(room, room->events[e].auth_events[i], type))
            return room->events[e].auth_events[i];
    }
    return -1;
}

static inline bool book_level(const struct json *v, int64_t *out)
{
    if (json_is(v, JSON_STRING))
        return str_to_i64(str_trim(v->s), out);
    if (!json_is(v, JSON_INT))
        return false;
    *out = v->i;
    return true;
}

static inline bool book_has_string(const struct json *array, struct str s)
{
    for (uint32_t i = 0; json_is(array, JSON_ARRAY) && i < array->count; i++) {
        if (json_is(&array->items[i], JSON_STRING) && str_eq(array->items[i].s, s))
            return true;
    }
    return false;
}

/* "x's sender has greater power level than y's sender, when looking at their respective auth_events." */
static inline int64_t book_sender_power(const struct book_room *room, int e)
{
    struct str sender = room->events[e].event.sender;
    int create = book_auth_event(room, e, "m.room.create");
    int power = book_auth_event(room, e, "m.room.power_levels");
    if (str_eq(room->version->name, STR("12"))) {
        const struct event *c = &room->events[0].event;
        if (str_eq(c->sender, sender) || book_has_string(json_get(c->content, STR("additional_creators")), sender))
            return INT64_MAX;
        create = 0;
    }
    int64_t level = 0;
    if (power >= 0) {
        const struct json *content = room->events[power].event.content;
        if (!book_level(json_get(json_get(content, STR("users")), sender), &level) &&
            !book_level(json_get(content, STR("users_default")), &level))
            level = 0;
        return level;
    }
    if (create < 0)
        return 0;
    const struct event *c = &room->events[create].event;
    bool in_content = !str_eq(room->version->name, STR("11")) && !str_eq(room->version->name, STR("12"));
    struct str creator = in_content ? json_str_at(c->content, STR("creator")) : c->sender;
    return str_eq(creator, sender) ? 100 : 0;
}

/* Steps 2 and 3 of both comparison relations. */
static inline bool book_older(const struct book_room *room, int x, int y)
{
    const struct event *a = &room->events[x].event, *b = &room->events[y].event;
    if (a->origin_server_ts != b->origin_server_ts)
        return a->origin_server_ts < b->origin_server_ts;
    return str_cmp(a->event_id, b->event_id) < 0;
}

static inline bool book_power_less(const struct book_room *room, int x, int y)
{
    int64_t a = book_sender_power(room, x), b = book_sender_power(room, y);
    return a != b ? a > b : book_older(room, x, y);
}

/* At each step the smallest of those none of whose auth chain is left. */
static inline struct book_list book_power_ordering(const struct book_room *room, const struct book_set *chains,
                                                   struct book_set x)
{
    struct book_list list = {.count = 0};
    for (;;) {
        int best = -1;
        for (int e = 0; e < room->count; e++) {
            bool candidate = x.has[e];
            for (int other = 0; other < room->count; other++)
                candidate = candidate && !(x.has[other] && chains[e].has[other]);
            if (candidate && (best < 0 || book_power_less(room, e, best)))
                best = e;
        }
        if (best < 0)
            return list;
        list.events[list.count++] = best;
        x.has[best] = false;
    }
}

/* [P1, P2, ...] of a P0 that is not in the list. */
static inline struct book_list book_power_chain(const struct book_room *room, int e)
{
    struct book_list list = {.count = 0};
    while ((e = book_auth_event(room, e, "m.room.power_levels")) >= 0)
        list.events[list.count++] = e;
    return list;
}

static inline int book_mainline_position(const struct book_room *room, const struct book_list *mainline, int e)
{
    struct book_list chain = book_power_chain(room, e);
    for (int j = 0; j < chain.count; j++) {
        for (int i = 0; i < mainline->count; i++) {
            if (mainline->events[i] == chain.events[j])
                return i;
        }
    }
    return BOOK_EVENTS_MAX; /* infinity */
}

static inline struct book_list book_mainline_ordering(const struct book_room *room, int power, struct book_set rest)
{
    struct book_list mainline = {.count = 0}, list = {.count = 0};
    if (power >= 0) {
        struct book_list chain = book_power_chain(room, power);
        mainline.events[mainline.count++] = power;
        for (int i = 0; i < chain.count; i++)
            mainline.events[mainline.count++] = chain.events[i];
    }
    for (;;) {
        int best = -1;
        for (int e = 0; e < room->count; e++) {
            if (!rest.has[e])
                continue;
            int p = book_mainline_position(room, &mainline, e);
            int q = best < 0 ? 0 : book_mainline_position(room, &mainline, best);
            if (best < 0 || (p != q ? p > q : book_older(room, e, best)))
                best = e;
        }
        if (best < 0)
            return list;
        list.events[list.count++] = best;
        rest.has[best] = false;
    }
}

/* --- iterative auth checks --- */

struct book_check {
    const struct book_room *room;
    const struct book_set *state;
    int event; /* whose auth_events stand in for absent keys; -1: none do */
};

static inline const struct event *book_get(void *ctx, struct str type, struct str state_key)
{
    const struct book_check *check = ctx;
    const struct book_room *room = check->room;
    if (str_eq(room->version->name, STR("12")) && str_eq(type, STR("m.room.create")) && state_key.n == 0)
        return &room->events[0].event;
    for (int e = 0; e < room->count; e++) {
        if (check->state->has[e] && event_is_state(&room->events[e].event, type, state_key))
            return &room->events[e].event;
    }
    for (int i = 0; check->event >= 0 && i < room->events[check->event].auth_count; i++) {
        const struct book_event *cited = &room->events[room->events[check->event].auth_events[i]];
        if (!cited->rejected && event_is_state(&cited->event, type, state_key))
            return &cited->event;
    }
    return NULL;
}

static inline bool book_allowed(const struct book_room *room, const struct book_set *state, int e, bool falls_back)
{
    struct book_check check = {room, state, falls_back ? e : -1};
    return !auth_check(room->arena, &room->events[e].event, (struct auth_state){book_get, &check}).refused;
}

static inline void book_put(const struct book_room *room, struct book_set *state, int e)
{
    for (int other = 0; other < room->count; other++)
        state->has[other] = state->has[other] && !book_same_key(room, other, e);
    state->has[e] = true;
}

static inline void book_iterative_auth_checks(const struct book_room *room, struct book_set *state,
                                              const struct book_list *list)
{
    for (int i = 0; i < list->count; i++) {
        if (book_allowed(room, state, list->events[i], true))
            book_put(room, state, list->events[i]);
    }
}

/* --- versions 2 and 2.1 --- */

static inline int book_power_levels_of(const struct book_room *room, const struct book_set *state)
{
    for (int e = 0; e < room->count; e++) {
        if (state->has[e] && book_is(room, e, "m.room.power_levels"))
            return e;
    }
    return -1;
}

static inline struct book_set book_resolve_v2(const struct book_room *room, const struct book_set *states, int n,
                                              bool v2_1)
{
    struct book_set *chains = book_auth_chains(room);
    struct book_set unconflicted = book_unconflicted(room, states, n);
    struct book_set conflicted = book_conflicted(room, states, n);
    struct book_set difference = book_auth_difference(room, chains, states, n);
    struct book_set subgraph = book_subgraph(room, chains, &conflicted);
    struct book_set full = {{false}}, x = {{false}}, rest = {{false}};
    for (int e = 0; e < room->count; e++)
        full.has[e] = conflicted.has[e] || difference.has[e] || (v2_1 && subgraph.has[e]);

    for (int p = 0; p < room->count; p++) { /* 1 */
        if (!full.has[p] || !book_is_power_event(room, p))
            continue;
        for (int e = 0; e < room->count; e++)
            x.has[e] = x.has[e] || e == p || (chains[p].has[e] && full.has[e]);
    }
    struct book_list first = book_power_ordering(room, chains, x);
    struct book_set state = {{false}}; /* 2 */
    if (!v2_1)
        state = unconflicted;
    book_iterative_auth_checks(room, &state, &first);
    for (int e = 0; e < room->count; e++) /* 3 */
        rest.has[e] = full.has[e] && !x.has[e];
    struct book_list second = book_mainline_ordering(room, book_power_levels_of(room, &state), rest);
    book_iterative_auth_checks(room, &state, &second); /* 4 */
    for (int e = 0; e < room->count; e++) {            /* 5 */
        if (unconflicted.has[e])
            book_put(room, &state, e);
    }
    return state;
}

/* --- version 1 --- */

/* Ascending depth, then descending sha1(event_id). */
static inline bool book_v1_before(const struct book_room *room, int x, int y)
{
    const struct event *a = &room->events[x].event, *b = &room->events[y].event;
    uint8_t sha1_a[SHA1_SIZE], sha1_b[SHA1_SIZE];
    hash_sha1(a->event_id, sha1_a);
    hash_sha1(b->event_id, sha1_b);
    return a->depth != b->depth ? a->depth < b->depth : memcmp(sha1_a, sha1_b, SHA1_SIZE) > 0;
}

/* The events of one key in all states, sorted. */
static inline struct book_list book_v1_list(const struct book_room *room, const struct book_set *in_states, int key)
{
    struct book_list list = {.count = 0};
    for (int e = 0; e < room->count; e++) {
        if (!in_states->has[e] || !book_same_key(room, e, key))
            continue;
        int at = list.count++;
        for (; at > 0 && book_v1_before(room, e, list.events[at - 1]); at--)
            list.events[at] = list.events[at - 1];
        list.events[at] = e;
    }
    return list;
}

static inline int book_v1_pick(const struct book_room *room, const struct book_set *r, const struct book_list *list,
                               bool is_auth)
{
    struct book_set state = *r;
    if (!is_auth) {
        for (int i = list->count - 1; i > 0; i--) {
            if (book_allowed(room, &state, list->events[i], false))
                return list->events[i];
        }
        return list->events[0];
    }
    book_put(room, &state, list->events[0]);
    int i = 1;
    for (; i < list->count && book_allowed(room, &state, list->events[i], false); i++)
        book_put(room, &state, list->events[i]);
    return list->events[i - 1];
}

static inline struct book_set book_resolve_v1(const struct book_room *room, const struct book_set *states, int n)
{
    static const char *const passes[] = {"m.room.power_levels", "m.room.join_rules", "m.room.member", NULL};
    struct book_set in_states = {{false}}, r = {{false}}, conflicting = {{false}};
    for (int e = 0; e < room->count; e++) {
        for (int i = 0; i < n; i++)
            in_states.has[e] = in_states.has[e] || states[i].has[e];
    }
    for (int e = 0; e < room->count; e++) {
        bool conflict = in_states.has[e] && book_v1_list(room, &in_states, e).count > 1;
        conflicting.has[e] = conflict;
        r.has[e] = in_states.has[e] && !conflict;
    }
    for (int p = 0; p < 4; p++) {
        struct book_set after = r;
        for (int e = 0; e < room->count; e++) {
            bool of_pass = !passes[p] || str_eq(room->events[e].event.type, str_of(passes[p]));
            if (!conflicting.has[e] || !of_pass)
                continue;
            struct book_list list = book_v1_list(room, &in_states, e);
            after.has[book_v1_pick(room, &r, &list, passes[p] != NULL)] = true;
            for (int i = 0; i < list.count; i++)
                conflicting.has[list.events[i]] = false;
        }
        r = after;
    }
    return r;
}

static inline struct book_set book_resolve(const struct book_room *room, const struct book_set *states, int n)
{
    if (str_eq(room->version->name, STR("1")))
        return book_resolve_v1(room, states, n);
    return book_resolve_v2(room, states, n, str_eq(room->version->name, STR("12")));
}

#endif
