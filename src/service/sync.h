/*
 * What has changed for a device between two positions of the stream: the service behind /sync (client-server API,
 * "Syncing").
 *
 *      sync.c          which rooms have news, account data, the frame of the answer
 *      sync_room.c, sync_timeline.c, sync_state.c      one room
 *
 * An answer is computed from one snapshot of the store, up to the position `now` that was stable when it began. The
 * same `since` can be asked for again and again: nothing is consumed by answering.
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_SYNC_H
#define HEARTH_SERVICE_SYNC_H

#include "codec/json_writer.h"
#include "matrix/filter.h"
#include "service/caller.h"
#include "service/services.h"

struct sync_query {
    int64_t since; /* 0: from the beginning (an initial sync); no answer ends at 0 */
    bool full_state;
    bool use_state_after;
    struct str state_after_name; /* the name under which the client asked for it */
    struct sync_filter filter;
    uint64_t filter_hash; /* of the filter as the client gave it */
};

/* Writes the whole answer into `out`, whose maximum is the largest answer: a room may take half of what is left of
 * three quarters of it, and one with more state than that is told of in part, beginning with what clients
 * cannot do without. The whole of it is what GET /state gives. A `since` that lies ahead of the stream, as after the
 * restore of a backup, is answered as an initial sync. *empty_out says that it holds no news, so that a client who has
 * time may wait. */
struct fault sync_answer(struct services *s, struct arena *a, const struct caller *caller,
                         const struct sync_query *query, struct buf *out, bool *empty_out)
    __attribute__((warn_unused_result));

#endif
