/*
 * What the files of state resolution share: one run of it, the keys and the events it has met, and walks along
 * auth_events.
 *
 * An event is a node, made when its number is first met and fetched when it is first read. A node has its place in
 * state (its key) and in auth chains (which sets' chains hold it, as one bit a set).
 *
 * Only state_resolution*.c include this.
 */
#ifndef HEARTH_MATRIX_STATE_RESOLUTION_GRAPH_H
#define HEARTH_MATRIX_STATE_RESOLUTION_GRAPH_H

#include "base/map.h"
#include "matrix/state_resolution.h"

struct resolution_key;

struct resolution_node {
    uint64_t number;
    const struct event *event; /* see state_resolution_event() */
    struct resolution_node **auth_events;
    size_t auth_count;
    struct resolution_key *key; /* of the conflicted state set: the key it is in state for; else NULL */
    uint64_t *sets;             /* the sets that hold it for a conflicted key; NULL: none */
    uint64_t *chain;            /* the sets in whose auth chain it is, where a walk has come by; NULL: none */
    bool fetched;
    bool has_auth_events;
    bool full;    /* it is in the full conflicted set */
    bool queued;  /* of the walk of the auth difference */
    bool reached; /* it is in an auth chain of unconflicted state */
    bool sorted;  /* it is one of those that the power ordering sorts */

    uint32_t walk; /* the last walk that came by, and its place in that walk's list */
    size_t index;
    size_t waiting; /* auth events that the power ordering has yet to emit */
    int64_t power;  /* of the sender, by the auth events */

    bool has_power_event;
    struct resolution_node *power_event; /* the m.room.power_levels among the auth events */
    bool has_position;
    uint64_t position; /* on the mainline; of power_levels events: their own, or where their chain meets it */
};

struct resolution_list {
    struct resolution_node **p;
    size_t n;
    size_t cap;
};

struct resolution_key {
    struct str type;
    struct str state_key;
    bool conflicted;
    uint64_t base;                 /* the event of set 0, or 0 */
    struct resolution_node *now;   /* what the algorithm has put there so far, or NULL */
    struct resolution_list events; /* of the conflicted state set */
};

struct resolution {
    struct arena *arena;
    struct arena *scratch; /* what a single auth check takes */
    const struct state_resolution_input *input;
    enum state_resolution_status status;

    struct map_u64 nodes;
    uint32_t walks;
    size_t words; /* of a bit mask of sets */

    struct map_str keys;
    struct resolution_key **key_list;
    size_t key_count;
    size_t key_cap;

    struct resolution_list conflicted; /* the conflicted state set */
    struct resolution_list full;       /* the full conflicted set, all of it fetched state events */
};

/* --- nodes and lists --- */

void state_resolution_push(struct resolution *r, struct resolution_list *list, struct resolution_node *node);
struct resolution_node *state_resolution_node(struct resolution *r, uint64_t number);
/* The event of a node, or NULL if it is not at hand. */
const struct event *state_resolution_event(struct resolution *r, struct resolution_node *node);
/* Fills in node->auth_events. */
void state_resolution_read_auth_events(struct resolution *r, struct resolution_node *node);
/* The auth event with this key, or NULL. */
struct resolution_node *state_resolution_auth_event(struct resolution *r, struct resolution_node *node, struct str type,
                                                    struct str state_key);

/* --- heaps: a list whose first node stands before all others --- */

typedef bool resolution_before(const struct resolution_node *x, const struct resolution_node *y);
void state_resolution_heap_push(struct resolution *r, struct resolution_list *heap, resolution_before *before,
                                struct resolution_node *node);
struct resolution_node *state_resolution_heap_pop(struct resolution_list *heap, resolution_before *before);

/* --- walks --- */

/* The lowest number in the list if numbers are ordered, else 0: what lies below it reaches none of the list. */
uint64_t state_resolution_floor(const struct resolution *r, const struct resolution_list *list);
/* `roots` and all that is reached from them along auth_events, down to `floor`. Gives each node its index. */
struct resolution_list state_resolution_walk(struct resolution *r, const struct resolution_list *roots, uint64_t floor);
/* Of the nodes of a walk, who cites whom: node i is cited by citing[first[i]] to citing[first[i + 1] - 1]. */
struct resolution_citing {
    size_t *first;
    struct resolution_node **citing;
};
struct resolution_citing state_resolution_citing(struct resolution *r, const struct resolution_list *walk);
/* True if the node belongs to the walk that `list` is the result of. */
bool state_resolution_in_walk(const struct resolution_list *list, const struct resolution_node *node);

/* Sets node->full for the auth difference, and adds its nodes to r->full. */
void state_resolution_add_auth_difference(struct resolution *r);
/* Likewise for the conflicted state subgraph. */
void state_resolution_add_subgraph(struct resolution *r);
/* Adds one node to the full conflicted set, once, if it is a state event at hand. */
void state_resolution_add_full(struct resolution *r, struct resolution_node *node);

/* --- keys --- */

/* The key, made when it is first asked for; NULL for a state_key that no event can have. */
struct resolution_key *state_resolution_key(struct resolution *r, struct str type, struct str state_key);

/* --- orders --- */

/* The power events of the full conflicted set and what it holds of their auth chains, in reverse topological power
 * ordering. */
struct resolution_list state_resolution_power_order(struct resolution *r);
/* The other events of the full conflicted set, in the mainline ordering based on `power_levels` (or NULL). */
struct resolution_list state_resolution_mainline_order(struct resolution *r, struct resolution_node *power_levels);

/* --- auth checks --- */

/* Applies the list to the keys, as far as the rules allow: "iterative auth checks". */
void state_resolution_apply(struct resolution *r, const struct resolution_list *list);
/* Whether the rules allow an event in the state of the keys, where `falls_back` says whether its own auth events stand
 * in for absent keys. */
bool state_resolution_allowed(struct resolution *r, struct resolution_node *node, bool falls_back);

/* The whole of version 1, from conflicted keys to key->now. */
void state_resolution_v1(struct resolution *r);

#endif
