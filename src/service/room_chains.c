#include "service/room_chains.h"

#include "base/log.h"
#include "matrix/event_stored.h"
#include "service/room_enter.h"
#include "store/auth_chains.h"
#include "store/rooms.h"

#define BATCH 1000 /* events in one job */

struct fill {
    int64_t after; /* events up to this number have their place */
    int64_t count;
    bool done;
};

static void place_event(struct store_tx *tx, struct arena *a, int64_t event_nid)
{
    struct event_row row;
    struct event event;
    struct str room_id, version_name;
    const struct room_version *version;
    if (!events_by_nid(tx, event_nid, a, &row) || !rooms_get(tx, row.room_nid, a, &room_id, &version_name) ||
        !(version = room_version_find(version_name)) || !event_read_stored(a, version, row.event_id, row.pdu, &event))
        return;
    int64_t *cited;
    int64_t same_key = 0;
    size_t count = room_known_events(tx, a, event.auth_events, event.auth_events_count, &cited);
    for (size_t i = 0; i < count; i++) {
        struct event_row auth;
        if (events_numbers(tx, cited[i], &auth) && auth.state_key_nid == row.state_key_nid)
            same_key = cited[i];
    }
    auth_chains_add(tx, event_nid, cited, count, same_key);
}

static bool run_batch(struct store_tx *tx, void *arg)
{
    struct fill *fill = arg;
    struct arena *a = store_tx_arena(tx);
    int64_t *nids;
    if (fill->after == 0)
        auth_chains_clear(tx); /* what an interrupted start has left may lack links */
    size_t count = events_state_after(tx, fill->after, BATCH, a, &nids);
    for (size_t i = 0; i < count; i++) {
        struct arena_mark mark = arena_mark(a);
        place_event(tx, a, nids[i]);
        fill->after = nids[i];
        arena_release(a, mark);
    }
    fill->count += (int64_t)count;
    fill->done = count == 0;
    if (fill->done)
        auth_chains_complete(tx);
    return true;
}

bool room_chains_fill(struct services *s)
{
    struct fill fill = {0};
    struct store_tx *tx = store_read_begin(s->store);
    fill.done = !auth_chains_missing(tx);
    if (!store_read_end(&tx))
        return false;
    if (fill.done)
        return true;
    while (!fill.done)
        if (store_write(s->store, run_batch, &fill) != STORE_OK)
            return false;
    log_info("auth chains made for events of an older version", LOG_INT("events", fill.count));
    return true;
}
