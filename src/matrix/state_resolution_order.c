/* Reverse topological power ordering, and mainline ordering. */
#include "matrix/power_levels.h"
#include "matrix/state_resolution_graph.h"

#include <stdlib.h>

static const struct str power_levels_type = STR_INIT("m.room.power_levels");
static const struct str create_type = STR_INIT("m.room.create");
static const struct str no_key = STR_INIT("");

/* origin_server_ts, then event_id: how all orders end. */
static int compare_age(const struct event *x, const struct event *y)
{
    if (x->origin_server_ts != y->origin_server_ts)
        return x->origin_server_ts < y->origin_server_ts ? -1 : 1;
    return str_cmp(x->event_id, y->event_id);
}

/* --- reverse topological power ordering --- */

static bool is_power_event(const struct event *event)
{
    if (str_eq(event->type, STR("m.room.member"))) {
        struct str membership = event_membership(event);
        return (str_eq(membership, STR("leave")) || str_eq(membership, STR("ban"))) &&
               !str_eq(event->sender, event->state_key);
    }
    return event_is_state(event, power_levels_type, no_key) || event_is_state(event, STR("m.room.join_rules"), no_key);
}

/* The sender's level as the auth events have it; where they do not even say who made the room, nobody has any. */
static int64_t sender_power(struct resolution *r, struct resolution_node *node)
{
    const struct event *create = r->input->create;
    if (r->input->version->create_in_auth_events) {
        const struct resolution_node *cited = state_resolution_auth_event(r, node, create_type, no_key);
        create = cited ? cited->event : NULL;
    }
    const struct resolution_node *cited = state_resolution_auth_event(r, node, power_levels_type, no_key);
    const struct event *levels = cited ? cited->event : NULL;
    if (!create && !levels)
        return 0;
    /* Who made the room matters to levels only where there are none, and in versions whose create event we have. */
    return power_level_of(&(struct power_levels){.create = create ? create : levels, .event = levels},
                          node->event->sender);
}

static bool power_before(const struct resolution_node *x, const struct resolution_node *y)
{
    if (x->power != y->power)
        return x->power > y->power;
    return compare_age(x->event, y->event) < 0;
}

/* Kahn's algorithm. Events of the walk that are not to be sorted only pass on that what they cite has been emitted. */
struct kahn {
    struct resolution *r;
    struct resolution_citing citing;
    struct resolution_list ready;   /* a heap: to be sorted, and all they depend on is emitted */
    struct resolution_list passing; /* not to be sorted, likewise */
};

static void kahn_ready(struct kahn *k, struct resolution_node *node)
{
    if (!node->full) {
        state_resolution_push(k->r, &k->passing, node);
        return;
    }
    node->power = sender_power(k->r, node);
    state_resolution_heap_push(k->r, &k->ready, power_before, node);
}

static void kahn_emitted(struct kahn *k, const struct resolution_node *node)
{
    for (size_t i = k->citing.first[node->index]; i < k->citing.first[node->index + 1]; i++) {
        if (--k->citing.citing[i]->waiting == 0)
            kahn_ready(k, k->citing.citing[i]);
    }
}

static struct resolution_list sort_walk(struct resolution *r, const struct resolution_list *walk)
{
    struct kahn k = {.r = r, .citing = state_resolution_citing(r, walk)};
    for (size_t i = 0; i < walk->n; i++) {
        for (size_t n = k.citing.first[i]; n < k.citing.first[i + 1]; n++)
            k.citing.citing[n]->waiting++;
    }
    for (size_t i = 0; i < walk->n; i++) {
        if (walk->p[i]->waiting == 0)
            kahn_ready(&k, walk->p[i]);
    }
    struct resolution_list sorted = {NULL, 0, 0};
    while (k.passing.n + k.ready.n > 0) {
        while (k.passing.n > 0)
            kahn_emitted(&k, k.passing.p[--k.passing.n]);
        if (k.ready.n == 0)
            break;
        struct resolution_node *node = state_resolution_heap_pop(&k.ready, power_before);
        node->sorted = true;
        state_resolution_push(r, &sorted, node);
        kahn_emitted(&k, node);
    }
    return sorted;
}

struct resolution_list state_resolution_power_order(struct resolution *r)
{
    struct resolution_list power_events = {NULL, 0, 0};
    for (size_t i = 0; i < r->full.n; i++) {
        if (is_power_event(r->full.p[i]->event))
            state_resolution_push(r, &power_events, r->full.p[i]);
    }
    struct resolution_list walk = state_resolution_walk(r, &power_events, state_resolution_floor(r, &r->full));
    return sort_walk(r, &walk);
}

/* --- mainline ordering ---
 *
 * A position is how far down the mainline the event's chain of power_levels meets it. The chain of every event ends in
 * positions that are known from another one, so that each power_levels event is stepped on once. */

static const uint64_t position_none = UINT64_MAX; /* the specification's infinity */

static struct resolution_node *power_event_of(struct resolution *r, struct resolution_node *node)
{
    if (!node->has_power_event) {
        node->power_event = state_resolution_auth_event(r, node, power_levels_type, no_key);
        node->has_power_event = true;
    }
    return node->power_event;
}

/* How far the mainline has been followed; it is only followed as far as somebody's chain goes. */
struct mainline {
    struct resolution *r;
    struct resolution_node *next; /* the first one not followed, or NULL after the end */
    uint64_t length;
};

/* Follows the mainline until it is past where `node` could be on it. */
static void mainline_follow(struct mainline *m, const struct resolution_node *node)
{
    bool ordered = m->r->input->source.ordered;
    while (m->next && !m->next->has_position && (!ordered || m->next->number >= node->number)) {
        m->next->has_position = true;
        m->next->position = m->length++;
        m->next = power_event_of(m->r, m->next);
    }
}

/* The position of a power_levels event that is cited: its own, or that of the first one below it that has any. */
static uint64_t cited_position(struct mainline *m, struct resolution_node *node)
{
    struct resolution_list path = {NULL, 0, 0};
    uint64_t position = position_none;
    for (; node && m->r->status == STATE_RESOLUTION_OK; node = power_event_of(m->r, node)) {
        mainline_follow(m, node);
        if (node->has_position) {
            position = node->position;
            break;
        }
        /* Until the end of the path is known; it also stops where a chain returns to itself. */
        node->has_position = true;
        node->position = position_none;
        state_resolution_push(m->r, &path, node);
    }
    for (size_t i = 0; i < path.n; i++)
        path.p[i]->position = position;
    return position;
}

static int by_mainline(const void *x, const void *y)
{
    const struct resolution_node *a = *(struct resolution_node *const *)x, *b = *(struct resolution_node *const *)y;
    if (a->position != b->position)
        return a->position > b->position ? -1 : 1;
    return compare_age(a->event, b->event);
}

struct resolution_list state_resolution_mainline_order(struct resolution *r, struct resolution_node *power_levels)
{
    struct mainline m = {.r = r, .next = power_levels};
    struct resolution_list rest = {NULL, 0, 0};
    for (size_t i = 0; i < r->full.n; i++) {
        if (!r->full.p[i]->sorted)
            state_resolution_push(r, &rest, r->full.p[i]);
    }
    for (size_t i = 0; i < rest.n && r->status == STATE_RESOLUTION_OK; i++)
        rest.p[i]->position = cited_position(&m, power_event_of(r, rest.p[i]));
    if (rest.n > 0)
        qsort(rest.p, rest.n, sizeof(struct resolution_node *), by_mainline);
    return rest;
}
