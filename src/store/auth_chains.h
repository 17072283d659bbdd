/*
 * An index over auth chains: answers what state resolution asks of them without walking from event to event.
 *
 * The auth chain of an event is its auth events, theirs, and so on. Here the state events of a room are cut into
 * chains, in which each event has the one before it in its auth chain; what else an event cites is a link into another
 * chain:
 *
 *     power levels   P1 ---- P2 ---------- P3            place of P2: (chain P, 2)
 *                     ^       ^             ^
 *     @bob            +- B1 --+-- B2        |            link (chain B, 2) -> (chain P, 2)
 *     @eve                                  +- E1
 *
 * All of a chain up to some place is in the auth chain of the event at that place, so an auth chain is one number for
 * each chain it touches: the highest place. A chain follows one state key (its memberships, its power levels), since an
 * event continues the chain of the auth event with its own key and no other. Links that follow from others are not
 * stored.
 *
 * Events are added after those they cite; their numbers are above those of what they cite. Failures are those of the
 * transaction (store.h).
 *
 * Threads: as the transaction.
 */
#ifndef HEARTH_STORE_AUTH_CHAINS_H
#define HEARTH_STORE_AUTH_CHAINS_H

#include "store/store.h"

struct auth_place {
    int64_t chain_nid; /* the number of the chain's first event; 0: the event has no place */
    int64_t seq;       /* from 1 on */
};

/* Gives a state event its place, once. `auth` are the events it cites (those without a place are passed over), and
 * `same_key` is the one of them that has its own type and state key, or 0. Write transactions only. */
void auth_chains_add(struct store_tx *tx, int64_t event_nid, const int64_t *auth, size_t count, int64_t same_key);

/* For databases from before there were auth chains: whether they are still to be made; begins anew; says that they are
 * made. The latter two in write transactions only. */
bool auth_chains_missing(struct store_tx *tx);
void auth_chains_clear(struct store_tx *tx);
void auth_chains_complete(struct store_tx *tx);

struct auth_place auth_chains_place(struct store_tx *tx, int64_t event_nid);
/* True if `ancestor` is in the auth chain of `event`. Both have places. */
bool auth_chains_reach(struct store_tx *tx, int64_t event, int64_t ancestor);

/* A state set, as far as it differs from the others. */
struct auth_set {
    const int64_t *events;
    size_t count;
};

/* What all state sets have in common: the highest place that an event of it has in this chain, or 0. */
struct auth_common {
    int64_t (*highest)(void *ctx, struct store_tx *tx, int64_t chain_nid);
    void *ctx;
};

/* The auth difference (room version 2, "Definitions"): events in the auth chain of at least one of the sets, but not of
 * all of them; `common` belongs to each of the sets. In the order of their numbers, in `a`. */
size_t auth_chains_difference(struct store_tx *tx, struct arena *a, const struct auth_set *sets, size_t set_count,
                              struct auth_common common, int64_t **events_out);

/* The conflicted state subgraph (room version 12): events on a path along auth events from one event of the set to
 * another, ends included, so that each event of the set is among them. In the order of their numbers, in `a`. */
size_t auth_chains_subgraph(struct store_tx *tx, struct arena *a, struct auth_set conflicted, int64_t **events_out);

#endif
