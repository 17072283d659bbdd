/*
 * A new display name or avatar goes on to the rooms: into the user's m.room.member event in each room they are joined
 * to (client-server API, "Profiles", "Events on Change of Profile Information"). What else clients have put into that
 * event's content stays there.
 *
 *     profile_set, one transaction: the field, and a note that the rooms are to be told (store/profile_updates.h)
 *     profile_rooms_changed: tells the first rooms before the answer; for most users that is all of them
 *     profile_rooms_tick: tells the others, some each second, the users by turns; when the last is told, the note goes
 *
 * So a user in a thousand rooms holds no thread, and what a crash or a failing disk interrupts goes on later. A change
 * that comes meanwhile begins with the first room again; who has the newest names already gets no event.
 *
 * Threads: profile_rooms_tick by one thread (main), profile_rooms_changed by any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_PROFILE_ROOMS_H
#define HEARTH_SERVICE_PROFILE_ROOMS_H

#include "service/caller.h"
#include "service/services.h"

#define PROFILE_ROOMS_AT_ONCE 20  /* rooms told in one request, or of one user in one tick */
#define PROFILE_ROOMS_TICK_MS 300 /* no new room is begun after so much of a tick */
#define PROFILE_ROOMS_USERS   20  /* users who have their turn in one tick */

/* Hook of accounts: the caller's profile has changed, and is noted. */
void profile_rooms_changed(struct services *s, struct arena *a, const struct caller *caller);
/* Call it every second or so. */
void profile_rooms_tick(struct services *s);

#endif
