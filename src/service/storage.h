/*
 * From the store's outcomes to faults, for services.
 *
 * Threads: as the store's functions that are called.
 */
#ifndef HEARTH_SERVICE_STORAGE_H
#define HEARTH_SERVICE_STORAGE_H

#include "matrix/errcode.h"
#include "service/services.h"
#include "store/store.h"

#include <assert.h>

/* What a client is told when the database fails; the store has logged why. */
#define STORAGE_FAULT FAULT_STATUS(M_UNKNOWN, 500, "The server could not use its database")

/* Runs the job and waits until it is on disk. If the job says no, the answer is *refused, which the job may have set;
 * NULL for jobs that never do. */
static inline struct fault storage_write(const struct services *s, struct store_job job, const struct fault *refused)
{
    store_submit(s->store, &job);
    enum store_result result = store_wait(s->store, &job);
    if (result == STORE_OK)
        return FAULT_NONE;
    assert(result != STORE_ABORTED || refused);
    return result == STORE_ABORTED ? *refused : STORAGE_FAULT;
}

/* Ends the snapshot; what was read from it counts only if there is no fault. */
static inline struct fault storage_read_end(struct store_tx **tx)
{
    return store_read_end(tx) ? FAULT_NONE : STORAGE_FAULT;
}

#endif
