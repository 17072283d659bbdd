/*
 * Room aliases of this server (client-server API, "Room aliases").
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_ALIAS_H
#define HEARTH_SERVICE_ROOM_ALIAS_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

/* Makes the alias lead to a room in which the caller is; 409 M_UNKNOWN if it leads somewhere already. */
struct fault room_alias_set(struct services *s, struct arena *a, const struct caller *caller, struct str alias,
                            struct str room_id) __attribute__((warn_unused_result));
/* Deletes it: whoever made it, those with the power to set m.room.canonical_alias, and administrators may. */
struct fault room_alias_delete(struct services *s, struct arena *a, const struct caller *caller, struct str alias)
    __attribute__((warn_unused_result));
/* The aliases of a room, as strings, for its members and for all if it is world-readable. */
struct fault room_alias_list(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct json **aliases_out) __attribute__((warn_unused_result));

#endif
