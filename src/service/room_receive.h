/* clang-format off */
/*
 * The one way in which an event of others enters a room: the checks on receipt of a PDU, and their outcomes
 * (server-server API, "Checks performed on receipt of a PDU").
 *
 *     1 format  2 signatures            no: dropped, as if it had never come
 *     3 content hash                    no: what a redaction leaves of it goes on
 *     -- under the room's lock, in a job --
 *     4 rules, by its auth events       no: rejected: kept, shown to nobody, changes nothing
 *     5 rules, by the state before it   no: rejected
 *     6 rules, by the current state     no: soft-failed: kept, shown to nobody, and followed by no event of ours
 *     then room_enter.h: place, state, forward extremities, memberships, redactions, waking
 *
 * Nothing the sender says of the event's id, hash, depth or auth events is believed: the id and the hashes are
 * computed, the depth orders nothing, and auth and prev events have to be here, let in by the same checks. Where they
 * are not, the answer is which are missing; to fetch them is the caller's, who comes back with them first.
 *
 * Signatures, hashes and parsing need no lock and are done before; the rest is done for some dozens of PDUs in one job,
 * state resolution included, because each may change what the next one meets.
 *
 * Threads: any; not with a room's lock held.
 */
/* clang-format on */
#ifndef HEARTH_SERVICE_ROOM_RECEIVE_H
#define HEARTH_SERVICE_ROOM_RECEIVE_H

#include "service/pdu_check.h"
#include "service/room.h"

enum receive_outcome {
    RECEIVE_ACCEPTED,
    RECEIVE_KNOWN, /* it was here already */
    RECEIVE_SOFT_FAILED,
    RECEIVE_REJECTED,
    RECEIVE_DROPPED,
    RECEIVE_MISSING /* auth or prev events are not here; nothing was done */
};

/* The specification's words: "accepted"... */
struct str receive_outcome_name(enum receive_outcome outcome);

struct received_pdu {
    const struct json *pdu;
    /* out, in the caller's arena */
    enum receive_outcome outcome;
    struct str rule;     /* why it was not accepted; or empty */
    struct str event_id; /* empty if it was dropped before it was known */
    const struct str *missing_auth;
    size_t missing_auth_count;
    const struct str *missing_prev;
    size_t missing_prev_count;
};

#define RECEIVE_MAX 1000 /* PDUs of one call */

struct receive_options {
    struct key_source keys;
    /* The PDUs are events of auth chains and of states: they need no prev events and get no place. */
    bool outliers;
    /* The state before the first PDU, for one whose prev events cannot be had: ids of stored state events. History is
     * then missing in front of it. p == NULL: not given. */
    const struct str *state;
    size_t state_count;
    /* The PDUs are history, oldest first: they are put in front of this event of the timeline. Empty: they are new. */
    struct str history_before;
};

/* Lets PDUs of one room in, in order. Each has its outcome then; what was let in is durable. A fault is one of the
 * database, or of the options (M_NOT_FOUND: state or history_before name an event that is not here). */
struct fault room_receive(struct services *s, struct arena *a, struct room *room, const struct receive_options *options,
                          struct received_pdu *pdus, size_t count) __attribute__((warn_unused_result));

#endif
