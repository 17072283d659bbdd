/*
 * Departures: a deactivated user leaves all rooms, whatever happens meanwhile.
 *
 *     deactivation, one transaction: the account is closed, and the user noted as departing
 *     account_departure_begin: leaves room after room; when the last one is left, the note goes
 *     a crash, or a failing disk, before that: the note is there, and account_departure_tick goes on
 *
 * Why not in the transaction itself: leaving is an event in each room, made under that room's lock.
 *
 * Threads: account_departure_tick by one thread (main), the others by any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_DEPARTURE_H
#define HEARTH_SERVICE_ACCOUNT_DEPARTURE_H

#include "service/services.h"

#define ACCOUNT_DEPARTURE_ROOMS    20    /* that one tick leaves at most, so that its thread is soon back */
#define ACCOUNT_DEPARTURE_RETRY_MS 60000 /* after a failure */

/* How far the rooms have got with a user who leaves them. */
enum account_departure { DEPARTURE_DONE, DEPARTURE_MORE, DEPARTURE_FAILED };

struct account_departures {
    _Atomic int64_t due_ms; /* of clock_mono_ms(): when to look next; INT64_MAX: nobody is departing */
    int64_t after;          /* account_departure_tick's: the user it came to last */
    bool failed;            /* its: somebody could not leave in this round */
};

/* Looks first, in a database that may hold what an earlier run has left. */
void account_departures_init(struct account_departures *departures);

/* Leaves the rooms of a user whose deactivation is stored. What fails is left to account_departure_tick. */
void account_departure_begin(struct services *s, int64_t user_nid, struct str user_id);
/* Call it every second or so: goes on where earlier departures stopped. Costs nothing if none did. */
void account_departure_tick(struct services *s);

#endif
