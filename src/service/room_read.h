/*
 * Reading rooms: state, members, messages, single events (client-server API, "Getting events for a room").
 *
 *      room_read.c         state and members
 *      room_read_page.c    messages, events, contexts
 *      room_reading.h      what each of them begins and ends with
 *
 * Each function answers for one caller and shows nothing that the room's history visibility keeps from them. Those who
 * have left see the room as it was when they left.
 *
 * What can grow with the room is written into a buffer as it is read, one event in memory at a time: the text of the
 * whole answer. What does not fit into the buffer is M_TOO_LARGE. Events of such lists have no `membership` in
 * `unsigned`, unless they come from a timeline: looking it up for each would cost more than the events.
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_READ_H
#define HEARTH_SERVICE_ROOM_READ_H

#include "matrix/filter.h"
#include "service/caller.h"
#include "service/services.h"

/* Bytes of one answer: 180,000 members, or 2,000 of the largest state events. */
#define ROOM_READ_MAX ((size_t)128 << 20)

/* All state events: [event ...]. */
struct fault room_read_state(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct buf *out) __attribute__((warn_unused_result));
/* One state event: its content, or the whole event if `whole`. */
struct fault room_read_state_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                   struct str type, struct str state_key, bool whole, struct json *out)
    __attribute__((warn_unused_result));

struct members_query {
    struct str at;             /* a token, or empty: now */
    struct str membership;     /* only these, or empty */
    struct str not_membership; /* not these, or empty */
};
/* m.room.member events: {chunk: [event ...]}. */
struct fault room_read_members(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               const struct members_query *query, struct buf *out) __attribute__((warn_unused_result));
/* {joined: {user_id: {display_name, avatar_url}}} of those who are joined; the caller must be. */
struct fault room_read_joined_members(struct services *s, struct arena *a, const struct caller *caller,
                                      struct str room_id, struct buf *out) __attribute__((warn_unused_result));

struct messages_query {
    bool backwards;
    struct str from; /* tokens, or empty */
    struct str to;
    int64_t limit;
    struct event_filter filter;
};
/* A page: {start, end?, chunk, state?}; without `end` if nothing follows, or if no events were asked for. */
struct fault room_read_messages(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                const struct messages_query *query, struct buf *out)
    __attribute__((warn_unused_result));

struct fault room_read_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct str event_id, struct json **event_out) __attribute__((warn_unused_result));
/* An event and what stands around it: {start, end, event, events_before, events_after, state}. */
struct fault room_read_context(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               struct str event_id, int64_t limit, const struct event_filter *filter, struct buf *out)
    __attribute__((warn_unused_result));

/* Ids of the rooms that the caller has joined. */
struct fault room_read_joined_rooms(struct services *s, struct arena *a, const struct caller *caller,
                                    struct json **ids_out) __attribute__((warn_unused_result));

#endif
