/*
 * Stored events of one room, each read and parsed once: for a job or a snapshot that looks at many of them, and at some
 * of them again and again.
 *
 * Ownership: events live as long as the reader, in an arena of its own: they may be read first by a callback of
 * somebody who gives back the temporaries of the arena in hand (auth_check()). Threads: as the transaction.
 */
#ifndef HEARTH_SERVICE_EVENT_READER_H
#define HEARTH_SERVICE_EVENT_READER_H

#include "base/map.h"
#include "matrix/auth_rules.h"
#include "store/events.h"

struct stored_event {
    struct event_row row;
    struct event event;
    const int64_t *auth_nids; /* event_reader_auth() */
    size_t auth_count;
    bool has_auth;
};

struct event_reader {
    struct store_tx *tx;
    struct arena *a;    /* the caller's, for what users of the reader make of the events */
    struct arena *kept; /* the events; made with the first */
    const struct room_version *version;
    struct map_u64 by_nid; /* event_nid -> struct stored_event */
};

void event_reader_begin(struct event_reader *r, struct store_tx *tx, struct arena *a,
                        const struct room_version *version);
void event_reader_end(struct event_reader *r);

/* The event, or NULL if it is not there or cannot be read. */
struct stored_event *event_reader_nid(struct event_reader *r, int64_t event_nid);
struct stored_event *event_reader_id(struct event_reader *r, struct str event_id);
/* Forgets what was read of the event: its row has changed. */
void event_reader_forget(struct event_reader *r, int64_t event_nid);
/* The numbers of the events that it cites in auth_events, those that are stored. */
const int64_t *event_reader_auth(struct event_reader *r, struct stored_event *stored, size_t *count_out);

/* The state event under a root, or NULL. */
struct stored_event *event_reader_state(struct event_reader *r, int64_t root, struct str type, struct str state_key);

/* A state of the room as the authorisation rules ask for it; lives as long as `view`. */
struct event_reader_view {
    struct event_reader *reader;
    int64_t root;
    const struct event *create; /* what is answered for m.room.create where the root has none; or NULL */
};
struct auth_state event_reader_auth_state(struct event_reader_view *view);

#endif
