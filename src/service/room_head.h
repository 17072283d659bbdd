/*
 * The head of a room: private to the files that append to rooms (room_cache.c, room_head.c, room_append.c).
 *
 * Threads: all functions on a head want the room's lock held.
 */
#ifndef HEARTH_SERVICE_ROOM_HEAD_H
#define HEARTH_SERVICE_ROOM_HEAD_H

#include "service/room.h"

/* A state event as authorisation sees it, or the knowledge that there is none (has_event false). */
struct head_entry {
    struct str key; /* made of type and state_key */
    bool has_event;
    struct event event;
};

/* Reads state through one snapshot, begun when it is first needed. */
struct room_head_reader {
    struct services *s;
    struct room *room;
    struct store_tx *tx;
};
/* Ends the snapshot; false if reading failed, and then the head is to be dropped. */
bool room_head_reader_end(struct room_head_reader *reader) __attribute__((warn_unused_result));

struct room_member_change;
/* Brings up to date who is joined, once a job is on disk. */
void room_members_changed(struct room *room, const struct room_member_change *changes, size_t count);

/* An empty head of a room that has no events yet. */
void room_head_init(struct room *room, uint64_t epoch);
/* `event` is the newest now: the next one cites it, and is deeper. */
void room_head_set_prev(struct room *room, const struct event *event);
/* The newest state event, or NULL; valid until the head is dropped. */
const struct event *room_head_get(struct room_head_reader *reader, struct str type, struct str state_key);
/* Puts a copy of `event` (NULL: there is none) as the newest state for its key. */
void room_head_put(struct room *room, struct str type, struct str state_key, const struct event *event);
/* The state as the authorisation rules ask for it. */
struct auth_state room_head_auth_state(struct room_head_reader *reader);

/* For a job, before all else: false, and the job is to end so, if another process has been at the room since its head
 * was read. A job that is queued takes the version with it: room_head_claim(). */
bool room_head_advance(struct services *s, struct store_tx *tx, int64_t room_nid, int64_t version)
    __attribute__((warn_unused_result));
/* After a job that ended so for the `tries`th time: forgets the head, and waits a random while, longer each time. Now
 * and then it moves the version on for nothing, so that the other process has to read its head anew, too: who has it in
 * memory would otherwise always be faster than who has to read it. */
void room_head_contest(struct services *s, struct room *room, int tries);
/* The version that the next job is built on. */
int64_t room_head_claim(struct services *s, struct room *room);

/* Waits until every job that is queued now has been written or refused; no lock is needed. */
void room_wait_for_queue(struct services *s);

/* The time, or a little later: never the same twice. */
int64_t rooms_creation_ms(struct rooms *rooms);

#endif
