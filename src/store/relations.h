/*
 * Relations between events: which events of a room's timeline relate to which, stored so that what is told of an
 * event's children is read and never searched for.
 *
 *     relations   one row a child: by kind and place, by place alone, by sender and kind, and edits by time
 *     threads     one row a root: how many events there are, and where the newest is
 *
 * A stranger may relate any number of events to one. Every function here costs the same however many there are.
 * An event that has no children is told apart by its own row (event_row.related), without looking here.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_RELATIONS_H
#define HEARTH_STORE_RELATIONS_H

#include "matrix/relation.h"
#include "store/events.h"

/* In event_row.related: others of this kind have come. */
#define RELATED(kind) (INT64_C(1) << (kind))

struct relation_row {
    int64_t parent_nid;
    int64_t room_nid;
    int64_t event_nid; /* the child, and its place */
    int64_t pos;
    int64_t sub;
    int64_t sender_nid;
    enum relation_kind kind;
    struct str rel_type; /* stored where `kind` does not say it */
    struct str type;
    bool is_edit; /* of m.replace: a valid one */
    int64_t edit_ts;
    struct str event_id;
    struct str key; /* of an annotation; p == NULL: none */
};

/* Adds the relation and notes its kind at the parent. Does nothing if it is there. Write transactions only. */
void relations_add(struct store_tx *tx, const struct relation_row *row);
/* Takes away the relation of the child at this place; if there is none, nothing. Write transactions only. */
void relations_remove(struct store_tx *tx, int64_t parent_nid, enum relation_kind kind, int64_t pos, int64_t sub);

/* The newest valid replacements, by origin_server_ts and then event_id, newest first; into nids_out, at most `limit`.
 */
size_t relations_edits(struct store_tx *tx, int64_t parent_nid, size_t limit, int64_t *nids_out);

struct thread_row {
    int64_t root_nid;
    int64_t count; /* of its events, without the root */
    int64_t last_pos;
    int64_t last_sub;
};

/* False if there is no thread. */
bool relations_thread(struct store_tx *tx, int64_t root_nid, struct thread_row *row_out);
/* The newest events of a thread by place, newest first; into nids_out, at most `limit`. */
size_t relations_thread_events(struct store_tx *tx, int64_t root_nid, size_t limit, int64_t *nids_out);
/* Whether the user has sent an event of the thread. */
bool relations_thread_has(struct store_tx *tx, int64_t root_nid, int64_t sender_nid);

/* The first events with an m.reference to the parent, by place, at most `limit`: without their PDUs, which may be large
 * and many. Numbers, place, sender, states and event_id are
 * filled in. */
size_t relations_references(struct store_tx *tx, int64_t parent_nid, size_t limit, struct arena *a,
                            struct event_row **rows_out);

/* Whether the user has annotated the event so already. */
bool relations_is_annotated(struct store_tx *tx, int64_t parent_nid, int64_t sender_nid, struct str type,
                            struct str key);

#endif
