/*
 * Gives a room of the textbook to state_resolution_run(): events by numbers, sets by what differs, and back.
 */
#ifndef HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_GIVEN_H
#define HEARTH_TESTS_UNIT_MATRIX_STATE_RESOLUTION_GIVEN_H

#include "matrix/state_resolution.h"
#include "matrix/state_resolution_random.h"

#include <assert.h>
#include <stdio.h>

/* None of these changes the answer. */
struct given_way {
    bool ordered; /* says that numbers are ordered */
    bool index;   /* answers questions about auth chains */
    bool shuffle_sets;
    bool shuffle_numbers;
};

struct given {
    const struct book_room *room;
    const struct book_set *base; /* set 0 */
    uint64_t number[BOOK_EVENTS_MAX];
    uint64_t numbers_out[EVENT_AUTH_EVENTS_MAX];
    int looked_at;
};

static inline int given_index(const struct given *given, uint64_t number)
{
    for (int e = 0; e < given->room->count; e++) {
        if (given->number[e] == number)
            return e;
    }
    return -1;
}

static inline const struct event *given_event(void *ctx, uint64_t number)
{
    struct given *given = ctx;
    int e = given_index(given, number);
    given->looked_at++;
    return e < 0 ? NULL : &given->room->events[e].event;
}

static inline const uint64_t *given_auth_events(void *ctx, uint64_t number, size_t *count_out)
{
    struct given *given = ctx;
    const struct book_event *e = &given->room->events[given_index(given, number)];
    for (int i = 0; i < e->auth_count; i++)
        given->numbers_out[i] = given->number[e->auth_events[i]];
    *count_out = (size_t)e->auth_count;
    return given->numbers_out;
}

static inline bool given_rejected(void *ctx, uint64_t number)
{
    const struct given *given = ctx;
    return given->room->events[given_index(given, number)].rejected;
}

static inline uint64_t given_state(void *ctx, struct str type, struct str state_key)
{
    const struct given *given = ctx;
    int e = random_state_event(given->room, given->base, (struct auth_key){type, state_key});
    return e < 0 ? 0 : given->number[e];
}

/* --- an index over auth chains: the textbook itself --- */

static inline size_t given_numbers(const struct given *given, const struct book_set *set, const uint64_t **numbers_out)
{
    uint64_t *numbers = ARENA_ARRAY(given->room->arena, BOOK_EVENTS_MAX, uint64_t);
    size_t count = 0;
    for (int e = given->room->count - 1; e >= 0; e--) {
        if (set->has[e])
            numbers[count++] = given->number[e];
    }
    *numbers_out = numbers;
    return count;
}

static inline size_t given_auth_difference(void *ctx, const struct state_resolution_set *sets, size_t set_count,
                                           const uint64_t **numbers_out)
{
    const struct given *given = ctx;
    struct book_set states[BOOK_SETS_MAX], shared = *given->base;
    for (size_t i = 0; i < sets[0].count; i++)
        shared.has[given_index(given, sets[0].events[i])] = false;
    for (size_t i = 0; i < set_count; i++) {
        states[i] = shared;
        for (size_t k = 0; k < sets[i].count; k++)
            states[i].has[given_index(given, sets[i].events[k])] = true;
    }
    struct book_set found = book_auth_difference(given->room, book_auth_chains(given->room), states, (int)set_count);
    return given_numbers(given, &found, numbers_out);
}

static inline size_t given_subgraph(void *ctx, struct state_resolution_set conflicted, const uint64_t **numbers_out)
{
    const struct given *given = ctx;
    struct book_set set = {{false}};
    for (size_t i = 0; i < conflicted.count; i++)
        set.has[given_index(given, conflicted.events[i])] = true;
    struct book_set found = book_subgraph(given->room, book_auth_chains(given->room), &set);
    return given_numbers(given, &found, numbers_out);
}

static inline void given_each_state(void *ctx, bool (*visit)(void *visit_ctx, uint64_t number), void *visit_ctx)
{
    const struct given *given = ctx;
    for (int e = 0; e < given->room->count; e++) {
        if (given->base->has[e] && !visit(visit_ctx, given->number[e]))
            return;
    }
}

static inline void given_shuffle(struct random *random, int *list, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int k = random_below(random, i + 1), keep = list[i];
        list[i] = list[k];
        list[k] = keep;
    }
}

/* Where set `set` differs from the base, by the textbook's own comparison. */
static inline size_t given_differences(const struct given *given, size_t set, const struct book_set *state,
                                       struct state_resolution_difference *out)
{
    size_t count = 0;
    for (int e = 0; e < given->room->count; e++) {
        const struct event *event = &given->room->events[e].event;
        struct auth_key key = {event->type, event->state_key};
        bool in_base = given->base->has[e], in_set = state->has[e];
        if (in_base == in_set || (in_set && random_state_event(given->room, given->base, key) >= 0))
            continue;
        int other = in_base ? random_state_event(given->room, state, key) : e;
        out[count++] = (struct state_resolution_difference){set, in_base ? given->number[e] : 0,
                                                            other < 0 ? 0 : given->number[other]};
    }
    return count;
}

static inline void given_apply(const struct given *given, const struct state_resolution_result *result,
                               struct book_set *state)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct state_resolution_change *change = &result->changes[i];
        int before = random_state_event(given->room, state, (struct auth_key){change->type, change->state_key});
        assert(before >= 0 || change->event > 0);
        if (before >= 0)
            state->has[before] = false;
        if (change->event > 0) {
            int e = given_index(given, change->event);
            assert(e != before && event_is_state(&given->room->events[e].event, change->type, change->state_key));
            state->has[e] = true;
        }
    }
}

static inline struct state_resolution_input given_input(struct given *given, struct given_way way)
{
    return (struct state_resolution_input){
        .version = given->room->version,
        .create = &given->room->events[0].event,
        .source = {.ctx = given,
                   .event = given_event,
                   .auth_events = given_auth_events,
                   .rejected = given_rejected,
                   .state = given_state,
                   .each_state = way.index ? NULL : given_each_state,
                   .auth_difference = way.index ? given_auth_difference : NULL,
                   .subgraph = way.index ? given_subgraph : NULL,
                   .ordered = way.ordered,
                   .events_max = 1000},
    };
}

static inline struct book_set given_resolve(const struct book_room *room, const struct book_set *states, int n,
                                            struct given_way way, struct random *random)
{
    int order[BOOK_SETS_MAX], numbers[BOOK_EVENTS_MAX];
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int e = 0; e < room->count; e++)
        numbers[e] = e;
    if (way.shuffle_sets)
        given_shuffle(random, order, n);
    if (way.shuffle_numbers)
        given_shuffle(random, numbers, room->count);

    struct given given = {.room = room, .base = &states[order[0]]};
    for (int e = 0; e < room->count; e++)
        given.number[e] = 10 + (uint64_t)numbers[e] * 3;
    struct state_resolution_input input = given_input(&given, way);
    struct state_resolution_difference *differences =
        ARENA_ARRAY(room->arena, (size_t)(n * room->count) + 1, struct state_resolution_difference);
    for (int i = 1; i < n; i++)
        input.difference_count +=
            given_differences(&given, (size_t)i, &states[order[i]], differences + input.difference_count);
    for (int i = (int)input.difference_count - 1; way.shuffle_sets && i > 0; i--) {
        int k = random_below(random, i + 1);
        struct state_resolution_difference keep = differences[i];
        differences[i] = differences[k];
        differences[k] = keep;
    }
    input.sets = (size_t)n;
    input.differences = differences;

    struct book_set state = *given.base;
    struct state_resolution_result result;
    enum state_resolution_status status = state_resolution_run(room->arena, &input, &result);
    assert(status == STATE_RESOLUTION_OK);
    given_apply(&given, &result, &state);
    return state;
}

static inline void given_print_difference(const struct book_room *room, const struct book_set *got,
                                          const struct book_set *want)
{
    for (int e = 0; e < room->count; e++) {
        const struct event *event = &room->events[e].event;
        if (got->has[e] != want->has[e])
            fprintf(stderr, "%s %d: %.*s %.*s (%.*s) by %.*s\n", got->has[e] ? "unwanted" : "missing", e,
                    STR_ARG(event->event_id), STR_ARG(event->type), STR_ARG(event->state_key), STR_ARG(event->sender));
    }
}

#endif
