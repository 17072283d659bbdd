/*
 * Which servers must have signed an event (server-server API, "Validating hashes and signatures on received events";
 * room version pages, "Authorization rules").
 *
 * The caller asks for their keys and verifies with event_verify(), any one key of a server; what a missing signature
 * means stands beside each name.
 *
 * Pure, any thread.
 */
#ifndef HEARTH_MATRIX_EVENT_SIGNERS_H
#define HEARTH_MATRIX_EVENT_SIGNERS_H

#include "matrix/event.h"

#define EVENT_SIGNERS_MAX 3

struct event_signer {
    struct str server_name; /* points into the event */
    const char *refused;    /* why the event is refused if this server has not signed it: the check or the rule */
    bool rejected;          /* then it is rejected (an authorisation rule); else it is dropped (check 2) */
};

/* Fills signers_out and returns how many; no server comes twice.
 *   - the sender's server, but not of an invitation that redeems a third-party identifier: any server may send that,
 * and the rules look at the signatures in it;
 *   - in versions 1 and 2 the server in the event id;
 *   - since version 8, of an m.room.member with join_authorised_via_users_server, the server of the user named there.
 *     What names no user is left out, because auth_check() refuses it. */
size_t event_required_signers(const struct event *event, struct event_signer signers_out[EVENT_SIGNERS_MAX]);

#endif
