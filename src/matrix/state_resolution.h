/*
 * State resolution (room version pages, "State resolution"): the one state that follows from several.
 *
 * An event with several prev_events comes after as many states. Where these disagree, every server must arrive at the
 * same answer, from the same events and nothing else. Versions 1 (room version 1), 2 (2 to 11) and 2.1 (12) of the
 * algorithm are here; the room version's column state_resolution says which one.
 *
 *     set 0   {create, A joins, topic t0, rules r}     state_resolution_run()      topic: t1, rules: taken out,
 *     set 1   {create, A joins, topic t1}            ------------------------->    relative to set 0
 *     set 2   {create, A joins, topic t1, rules r}
 *
 * The cost follows what differs, not the size of the room. The caller passes the differences between set 0 and each
 * other set, which is what a comparison of hash tries yields; whatever else is state is asked for key by key. The
 * result is what has to be changed in set 0. Events are named by 64-bit numbers of the caller's, above 0.
 *
 * Parts:
 *     state_resolution.c        keys, what is conflicted, iterative auth checks, the result
 *     state_resolution_graph.c  auth difference, conflicted state subgraph, walks along auth_events
 *     state_resolution_order.c  reverse topological power ordering, mainline ordering
 *     state_resolution_v1.c     version 1
 *
 * Where the specification leaves room:
 *   - m.room.power_levels and m.room.join_rules are power events with the empty state_key, which is the only one that
 *     takes anybody's ability to do something (other servers agree).
 *   - The topological ordering heeds paths along auth_events that lead through events which are not being sorted.
 *   - Version 1 resolves each key of a type against R as it was before that type, so that no order of keys matters;
 *     and where none of the other events passes, it takes the oldest (Synapse and Dendrite do both).
 *
 * Where other servers do not do what the specification says (Synapse 1.163, Ruma and Dendrite were read, and Synapse's
 * code compared on random rooms), Hearth does; rooms in which it shows are contrived, some 3 in 100 of the random ones:
 *   - They take the auth chain of a state to hold the state's own events, so that no unconflicted event is in the auth
 *     difference.
 *   - Of the auth chains of power events they take what is reached through conflicted events only.
 *   - Synapse never lets a rejected event into the resolved state.
 *
 * Pure: same input, same output, in whatever order sets and differences come. Nothing recurses.
 * Memory: results and temporaries come from the caller's arena.
 * Threads: as the caller's callbacks.
 */
#ifndef HEARTH_MATRIX_STATE_RESOLUTION_H
#define HEARTH_MATRIX_STATE_RESOLUTION_H

#include "matrix/event.h"

#define STATE_RESOLUTION_SETS_MAX 4096

/* Some events of one set, by their numbers. */
struct state_resolution_set {
    const uint64_t *events;
    size_t count;
};

/* What the algorithm asks of the caller's events and state. Answers must not change while it runs; what they point to
 * must stay where it is for as long. */
struct state_resolution_source {
    void *ctx;
    /* The event, or NULL if there is no such event at hand: it is then treated as if nothing cited it. */
    const struct event *(*event)(void *ctx, uint64_t number);
    /* The auth_events it cites, those that are known; in no order. Valid until the next call. */
    const uint64_t *(*auth_events)(void *ctx, uint64_t number, size_t *count_out);
    /* True for events that were rejected: as auth events they give no state in iterative auth checks. */
    bool (*rejected)(void *ctx, uint64_t number);
    /* The event of set 0 for this key, or 0. Asked only for keys about which all sets agree, so any set will do. */
    uint64_t (*state)(void *ctx, struct str type, struct str state_key);

    /* Visits the events of set 0, until `visit` answers false. Auth chains of unconflicted state belong to all sets, so
     * that without `auth_difference` all state is looked at; with it this is not called and may be NULL. */
    void (*each_state)(void *ctx, bool (*visit)(void *visit_ctx, uint64_t number), void *visit_ctx);

    /* An index over auth chains, if there is one; NULL: walks along auth_events find out.
     * auth_difference: the events in the auth chain of at least one set but not of all; `sets` hold the events about
     * which the sets disagree, and what they agree on is in each. subgraph: the events on paths along auth_events
     * between events of `conflicted`, ends included. Both return how many there are, none twice; *numbers_out is valid
     * as long as the caller's arena. */
    size_t (*auth_difference)(void *ctx, const struct state_resolution_set *sets, size_t set_count,
                              const uint64_t **numbers_out);
    size_t (*subgraph)(void *ctx, struct state_resolution_set conflicted, const uint64_t **numbers_out);

    /* True if every event has a higher number than the events it cites in auth_events. Walks then end early; without
     * it they go through whole auth chains. */
    bool ordered;
    /* The most events that may be looked at; beyond it STATE_RESOLUTION_TOO_LARGE. */
    size_t events_max;
};

/* One key about which set `set` (1 or higher) and set 0 disagree: its event in each, 0 where there is none. Not both
 * are 0, both have the same type and state_key, and no set has two differences for one key. */
struct state_resolution_difference {
    size_t set;
    uint64_t base;  /* in set 0 */
    uint64_t event; /* in set `set` */
};

struct state_resolution_input {
    const struct room_version *version;
    struct state_resolution_source source;
    /* The room's accepted m.room.create. Used in versions where auth_events do not cite it (12), and needed there. */
    const struct event *create;
    size_t sets; /* 1 to STATE_RESOLUTION_SETS_MAX, set 0 included */
    const struct state_resolution_difference *differences;
    size_t difference_count;
};

/* What is to be changed in set 0. */
struct state_resolution_change {
    struct str type;
    struct str state_key;
    uint64_t event; /* 0: the key is taken out */
};

struct state_resolution_result {
    const struct state_resolution_change *changes; /* sorted by type, then state_key; none twice */
    size_t count;
};

enum state_resolution_status {
    STATE_RESOLUTION_OK,
    STATE_RESOLUTION_MISSING_EVENT, /* an event of the differences is not at hand, or is no state event */
    STATE_RESOLUTION_TOO_LARGE,     /* more than events_max events would have to be looked at */
};

/* *result_out is set only if the answer is OK; its strings belong to the events. */
enum state_resolution_status state_resolution_run(struct arena *a, const struct state_resolution_input *input,
                                                  struct state_resolution_result *result_out)
    __attribute__((warn_unused_result));

#endif
