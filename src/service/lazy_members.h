/*
 * Which members each lazily loading client has been told of, so that /sync need not tell it again with every message
 * ("redundant membership events", client-server API, "Lazy-loading room members").
 *
 * The memory of a device belongs to the positions from which its client may ask next. Who asks from another one, with
 * another filter or from the beginning, is told of everybody: an answer that got lost, a client that was restored, two
 * clients that share a device. Once told, a member is news only when the membership event changes, and changes are told
 * in any case.
 *
 *      low ............ high       positions at which the client knows all that is remembered: answers that told nobody
 *                                  new move `high`, others both
 *
 * It is only memory: it is bounded, what was not used longest is forgotten first, and after a restart it is empty.
 *
 * Threads: any; takes a leaf lock. A lazy_answer belongs to one request.
 */
#ifndef HEARTH_SERVICE_LAZY_MEMBERS_H
#define HEARTH_SERVICE_LAZY_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lazy_members;

struct lazy_members *lazy_members_new(void);
/* Accepts NULL; sets *memory to NULL. */
void lazy_members_free(struct lazy_members **memory);

/* One answer while it is written; ended by lazy_members_end() if it is sent, and in any case by lazy_members_drop(). */
struct lazy_answer {
    struct lazy_members *memory; /* NULL: nothing is remembered */
    int64_t device_nid;
    uint64_t filter; /* of the filter's text */
    int64_t since;   /* 0: from the beginning */
    bool anew;       /* the client begins anew with a room: what it was told before may be gone */
    /* private: who was told */
    uint64_t *told;
    size_t count;
    size_t cap;
};

/* Whether the client knows this member (by the number of the state key). */
bool lazy_members_knows(const struct lazy_answer *answer, int64_t room_nid, int64_t key_nid);
/* The answer tells of this member. */
void lazy_members_tell(struct lazy_answer *answer, int64_t room_nid, int64_t key_nid);
/* The answer is complete, and goes up to `next`. */
void lazy_members_end(const struct lazy_answer *answer, int64_t next);
void lazy_members_drop(struct lazy_answer *answer);

#endif
