/*
 * Copies all that a database holds into another one, which may be on the other engine.
 *
 *     source: one snapshot ──► table by table, rows in the order of their keys ──► target: one transaction
 *
 * Which tables and columns there are is asked of the source; both have the schema of this program: the target was
 * opened by it, and a source that is only read (store_options) is refused without it. Numbers stay what they are, and
 * none that was ever given out comes again. A copy that is cut short has left nothing in the target.
 *
 * Not while a server works on either: what it acknowledges after the snapshot would be missing.
 *
 * Threads: the one that opened both, with no other transaction open.
 */
#ifndef HEARTH_STORE_COPY_H
#define HEARTH_STORE_COPY_H

#include "store/store.h"

struct copy_result {
    int64_t tables, rows;
};

struct copy_progress {
    /* `done` of `total` rows, now and then; or NULL. */
    void (*fn)(void *ctx, int64_t done, int64_t total);
    void *ctx;
};

/* False and a text for people in *error_out; refused if the target has rows already, or another process has one of them
 * open. */
bool copy_run(struct store *from, struct store *to, const struct copy_progress *progress, struct copy_result *out,
              struct store_error *error_out) __attribute__((warn_unused_result));

#endif
