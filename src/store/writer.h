/*
 * The writer: runs queued jobs in batches, commits each batch, tells who waits (store.h, "Writing"). A batch is run by
 * one who waits for a job, if nobody is at it, or else by the thread that is started here.
 *
 * Positions are numbers counted in memory. What may have been handed out is bounded by 'pos_reserved' in table meta,
 * which is moved in the batch that goes beyond it: nobody outside sees a position before its batch is committed, so
 * after a crash every position that anybody saw is at or below what is found there.
 *
 * Where several processes write (PostgreSQL), nothing is reserved ahead: a batch reads the row when it begins, counts
 * on from there, and writes the last position it has handed out. The engine lets one batch run after the other, so
 * positions ascend in the order of commits, whichever process they are of.
 *
 * Threads: start and stop by who opens and closes the store; the rest any.
 */
#ifndef HEARTH_STORE_WRITER_H
#define HEARTH_STORE_WRITER_H

#include "store/tx.h"

/* `tx` is the writing transaction, not begun; the writer owns it from here on. NULL on failure: `tx` stays the
 * caller's. */
struct writer *writer_start(struct store *store, struct store_tx *tx, struct store_error *error_out);
/* At the beginning of a transaction, on a database that other processes write to: where they have got to. */
void writer_look(struct writer *writer);
/* In a job: positions go on behind `pos`, if they are not there yet. */
void writer_go_on_behind(struct writer *writer, int64_t pos);
/* Its transaction, for tests that count what it costs. */
const struct store_tx *writer_tx(const struct writer *writer);
/* Runs what is queued, then stops the thread and frees all but the transaction, which it returns. Accepts NULL. */
struct store_tx *writer_stop(struct writer **writer);

#endif
