/*
 * Rooms in memory, and the one way in which an event enters a room.
 *
 *     room_open (find or load) -> struct room, shared, counted
 *          |
 *     room_append: under the room's lock, from the head in memory:
 *          auth_events, prev_events, depth -> hash, signature -> authorisation -> job for the writer
 *          |                                                                        |
 *          head moves on (messages: at once; state: when the job is on disk)        rows, state map, totals
 *                                                                                   then: wake the members
 *
 * The head of a room (newest event, depth, state root, running totals, the events that authorisation asks for) is kept
 * in memory, so that sending into a busy room does not read the database. A message leaves the lock as soon as it is
 * queued, so that the next one of the same room is built while the first is being written; a state event holds the lock
 * until it is on disk. If a commit fails the head is read again (struct store_job, epoch).
 *
 * Threads: any. Order of locks: a room's lock, then the lock of struct rooms, then those of the store. No function here
 * may be called with a room's lock held unless it says so.
 */
#ifndef HEARTH_SERVICE_ROOM_H
#define HEARTH_SERVICE_ROOM_H

#include "base/map.h"
#include "base/thread.h"
#include "matrix/auth_rules.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/room_joined.h"
#include "service/services.h"
#include "store/memberships.h"
#include "store/store.h"

#include <stdatomic.h>

/* What a room's newest events have made of it; guarded by the room's lock. */
struct room_head {
    uint64_t epoch;       /* store_epoch() it was read in; 0: not read */
    uint64_t others;      /* store_others() then */
    int64_t version;      /* rooms_head_version() that the next job is built on */
    struct arena *arena;  /* holds all that follows */
    struct map_str state; /* type and state_key -> struct head_entry: the state events asked for so far */
    int64_t state_root;   /* the state before the next event of ours */
    /* What that event follows: the newest forward extremities, oldest first. */
    const struct json *prev_events[EVENT_PREV_EVENTS_MAX]; /* how it cites them */
    size_t prev_count;
    /* There are more extremities than an event may follow: the state before the next event is not the room's. */
    bool partial;
    int64_t partial_root;
    bool line;     /* the room is a line: the only extremity is the newest event of the timeline */
    int64_t depth; /* the greatest of them */
    int64_t notify_count;
    int64_t highlight_count;
};

struct room_pending;

struct room {
    int64_t nid;
    struct str room_id;
    const struct room_version *version;

    struct mutex lock;
    struct room_head head;      /* guarded by lock */
    struct room_joined *joined; /* guarded by lock: who is joined; outlives heads of the same epoch */
    uint64_t joined_epoch;      /* guarded by lock; with joined_others: when it was read */
    uint64_t joined_others;
    struct room_pending *pending; /* guarded by lock: messages that are queued and not yet on disk */
    uint64_t pending_number;      /* guarded by lock: of the newest of them so far */
    /* Jobs carry the generation of the head they were built on; once one fails, no later one of it may be written. */
    uint64_t generation; /* guarded by lock */
    _Atomic uint64_t failed_generation;

    /* Guarded by the lock of struct rooms. */
    unsigned refs;
    size_t idle_bytes;  /* what it takes, while nobody uses it */
    struct room *newer; /* list of rooms nobody uses, oldest first, for eviction */
    struct room *older;
};

struct rooms;

struct rooms *rooms_new(void);
/* How much memory rooms may take that nobody uses; before the first room is opened. Without it: 16 MiB. */
void rooms_set_idle_bytes(struct rooms *rooms, size_t bytes);
/* What they take. */
size_t rooms_idle_bytes(struct rooms *rooms);
/* Upgrades that are under way (service/room_upgrade_turn.h). */
struct room_upgrade_turns *rooms_upgrades(struct rooms *rooms);
void rooms_free(struct rooms **rooms);

/* What users are told who are not in a room: the same whether there is such a room or not. */
#define ROOM_NOT_JOINED FAULT(M_FORBIDDEN, "You are not in this room")
/* What they are told where no membership is asked for. */
#define ROOM_UNKNOWN FAULT(M_NOT_FOUND, "This server does not know the room")

/* Opens a room, which must be closed. If this server does not know it the answer is `unknown`, and if the database
 * could not be read a fault that says so; *room_out is NULL then. */
struct fault room_open(struct services *s, struct str room_id, struct fault unknown, struct room **room_out)
    __attribute__((warn_unused_result));
struct fault room_open_nid(struct services *s, int64_t room_nid, struct fault unknown, struct room **room_out)
    __attribute__((warn_unused_result));
/* Accepts NULL; sets *room to NULL. */
void room_close(struct services *s, struct room **room);

/* --- what has changed where: one number a room --- */

/* Newest position at which the room's timeline, or its receipts, changed; read from the store when unknown. */
struct room_news {
    int64_t event_pos;
    int64_t receipt_pos;
};
struct room_news room_news(struct services *s, struct store_tx *tx, int64_t room_nid);
void room_news_event(struct rooms *rooms, int64_t room_nid, int64_t pos);
void room_news_receipt(struct rooms *rooms, int64_t room_nid, int64_t pos);

/* --- appending --- */

/* An event that somebody wants to send: what is left to add are auth_events, prev_events, hashes and signatures. */
struct room_draft {
    struct str type;
    struct str sender;
    int64_t sender_nid;
    bool has_state_key;
    struct str state_key;
    const struct json *content; /* an object; for m.room.redaction without `redacts` */
    struct str redacts;         /* target of a redaction; else empty */
    int64_t device_nid;         /* with txn_id: whose transaction this is; 0: none */
    struct str txn_id;
    bool hidden;            /* nobody is to see it */
    bool repeat;            /* store it even if the state has the same content already */
    int64_t aliases_to_nid; /* all local aliases of this room lead to that one from this event on; 0: they stay */
    /* out */
    struct str event_id;
    int64_t pos; /* 0 if the event was there already: same transaction, or same state */
};

/* Authorises and stores the drafts, in order, all or none. On success each draft has its event_id, and they are
 * durable. The message of a fault says which rule refused. */
struct fault room_append(struct services *s, struct arena *a, struct room *room, struct room_draft *drafts,
                         size_t count) __attribute__((warn_unused_result));

/* Makes a room from drafts of which the first is m.room.create; the room's id is given for versions that have it in the
 * create event, and follows from it in the others. `alias` is a local alias to claim in the same transaction, or empty.
 */
struct fault room_append_new(struct services *s, struct arena *a, const struct room_version *version,
                             struct room_draft *drafts, size_t count, struct str alias, struct str *room_id_out)
    __attribute__((warn_unused_result));

/* Reads the head if it is not there; call with the room's lock held. False: the store failed. */
bool room_head_load(struct services *s, struct room *room) __attribute__((warn_unused_result));
/* Forgets the head; call with the room's lock held. */
void room_head_drop(struct room *room);

/* --- the newest state; these take and release the room's lock, and fail only if the database does --- */

/* A copy of the newest state event, in `a`; NULL if there is none. */
struct fault room_state_now(struct services *s, struct arena *a, struct room *room, struct str type,
                            struct str state_key, const struct event **event_out) __attribute__((warn_unused_result));
/* The user's membership; MEMBERSHIP_NONE for a stranger. */
struct fault room_membership_now(struct services *s, struct arena *a, struct room *room, struct str user_id,
                                 enum membership *membership_out) __attribute__((warn_unused_result));
/* ROOM_NOT_JOINED unless the user is joined. */
struct fault room_check_joined(struct services *s, struct arena *a, struct room *room, struct str user_id)
    __attribute__((warn_unused_result));
/* What power_level_of() and its like ask for. */
struct fault room_power_now(struct services *s, struct arena *a, struct room *room, struct power_levels *out)
    __attribute__((warn_unused_result));

#endif
