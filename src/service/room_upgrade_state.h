/*
 * What of a room's state goes into the room that replaces it; private to room_upgrade.c.
 */
#ifndef HEARTH_SERVICE_ROOM_UPGRADE_STATE_H
#define HEARTH_SERVICE_ROOM_UPGRADE_STATE_H

#include "service/event_reader.h"
#include "service/room_plan.h"

/* Bans and children of a space. A room with more of them cannot be upgraded, rather than let in who was banned. */
#define ROOM_UPGRADE_MANY_MAX 20000

struct room_upgrade_state {
    struct room_plan carried;   /* drafts for the new room, in order; all but create, join and power_levels */
    const struct event *create; /* of the old room */
    struct str last_event_id;   /* of the old room */
    /* Content of its m.room.power_levels, as it was before earlier upgrades silenced the room; NULL: it has none. */
    const struct json *power_levels;
    struct event_reader reader; /* owns the events that all this points into; its snapshot has ended */
};

/* Reads the old room. `to`: what the new room will be; `creators`: its creators, or NULL if they are not privileged. */
struct fault room_upgrade_state_read(const struct room_plan *to, struct room *old, const struct json *creators,
                                     struct room_upgrade_state *out) __attribute__((warn_unused_result));
/* Also after a fault. */
void room_upgrade_state_fini(struct room_upgrade_state *state);

#endif
