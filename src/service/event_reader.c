#include "service/event_reader.h"

#include "matrix/event_stored.h"
#include "store/state_keys.h"
#include "store/state_map.h"

void event_reader_begin(struct event_reader *r, struct store_tx *tx, struct arena *a,
                        const struct room_version *version)
{
    *r = (struct event_reader){.tx = tx, .a = a, .version = version};
    map_u64_init(&r->by_nid);
}

void event_reader_end(struct event_reader *r)
{
    map_u64_fini(&r->by_nid);
    arena_free(&r->kept);
}

struct stored_event *event_reader_nid(struct event_reader *r, int64_t event_nid)
{
    struct stored_event *stored = map_u64_get(&r->by_nid, (uint64_t)event_nid);
    if (stored)
        return stored;
    if (!r->kept)
        r->kept = arena_new();
    stored = ARENA_NEW(r->kept, struct stored_event);
    if (!events_by_nid(r->tx, event_nid, r->kept, &stored->row) ||
        !event_read_stored(r->kept, r->version, stored->row.event_id, stored->row.pdu, &stored->event))
        return NULL;
    map_u64_put(&r->by_nid, (uint64_t)event_nid, stored);
    return stored;
}

struct stored_event *event_reader_id(struct event_reader *r, struct str event_id)
{
    int64_t event_nid = events_nid_of(r->tx, event_id);
    return event_nid ? event_reader_nid(r, event_nid) : NULL;
}

void event_reader_forget(struct event_reader *r, int64_t event_nid)
{
    map_u64_remove(&r->by_nid, (uint64_t)event_nid);
}

const int64_t *event_reader_auth(struct event_reader *r, struct stored_event *stored, size_t *count_out)
{
    if (!stored->has_auth) {
        const struct event *event = &stored->event;
        int64_t *nids = ARENA_ARRAY(r->kept, event->auth_events_count, int64_t);
        for (size_t i = 0; i < event->auth_events_count; i++) {
            int64_t nid = events_nid_of(r->tx, event->auth_events[i]);
            if (nid)
                nids[stored->auth_count++] = nid;
        }
        stored->auth_nids = nids;
        stored->has_auth = true;
    }
    *count_out = stored->auth_count;
    return stored->auth_nids;
}

struct stored_event *event_reader_state(struct event_reader *r, int64_t root, struct str type, struct str state_key)
{
    int64_t key_nid = root > 0 ? state_keys_find(r->tx, type, state_key) : 0;
    int64_t event_nid = key_nid ? state_map_get(r->tx, root, key_nid) : 0;
    return event_nid ? event_reader_nid(r, event_nid) : NULL;
}

static const struct event *view_get(void *ctx, struct str type, struct str state_key)
{
    const struct event_reader_view *view = ctx;
    struct stored_event *stored = event_reader_state(view->reader, view->root, type, state_key);
    if (stored)
        return &stored->event;
    return str_eq(type, STR("m.room.create")) && state_key.n == 0 ? view->create : NULL;
}

struct auth_state event_reader_auth_state(struct event_reader_view *view)
{
    return (struct auth_state){view_get, view};
}
