/*
 * Collecting garbage: nodes of state maps (state_map.h) that no event and no room refers to. They are what is left of
 * states that were worked out and not kept, such as those of rolled back forks.
 *
 *     mark    all roots that tables events and room_states have; then the nodes from the newest to the oldest: a node
 *             is numbered when its children have their numbers, so each is met after all that refer to it
 *     sweep   what is not marked, in transactions of some thousand nodes
 *
 * Nothing is deleted before all is marked, and nothing at all if a node that is needed is missing or damaged. It may be
 * killed at any moment: what was swept until then was garbage, and the next time finds the rest. Memory is a bit for
 * each number a node may have.
 *
 * Not while a server works on the database: it may be about to refer to a node that nobody refers to yet. On SQLite
 * nobody else has the database open; on PostgreSQL that is asked for in each transaction, and the pass ends when
 * somebody has come.
 *
 * Threads: the one that opened the store, with no other transaction open.
 */
#ifndef HEARTH_STORE_STATE_GC_H
#define HEARTH_STORE_STATE_GC_H

#include "store/store.h"

struct state_gc_result {
    int64_t roots; /* that events and rooms name, each time they do */
    int64_t nodes, bytes;
    int64_t removed_nodes, removed_bytes; /* of those; bytes are what the nodes say, not what the engine adds */
};

struct state_gc_progress {
    /* `done` of `total` steps of the whole, now and then; or NULL. */
    void (*fn)(void *ctx, int64_t done, int64_t total);
    void *ctx;
};

/* False and a text for people in *error_out if it could not be done, or not to the end; *out then says what was. */
bool state_gc_run(struct store *store, const struct state_gc_progress *progress, struct state_gc_result *out,
                  struct store_error *error_out) __attribute__((warn_unused_result));

/* Gives the space of all that was deleted back to the file system, which rewrites what is kept: that much must be
 * free. */
bool state_gc_compact(struct store *store, struct store_error *error_out) __attribute__((warn_unused_result));

#endif
