/*
 * Power levels of a room: who may do what (client-server API, m.room.power_levels; server-server API, "Definitions").
 *
 * A struct power_levels is a view of two state events; every question is one or two lookups in their sorted contents,
 * so that nothing is built or copied for it. Fields that are absent, or that an older room version let in with a wrong
 * type, take their default.
 *
 * Threads: constant once filled in.
 */
#ifndef HEARTH_MATRIX_POWER_LEVELS_H
#define HEARTH_MATRIX_POWER_LEVELS_H

#include "matrix/event.h"

/* The power of creators in room version 12 and later: above every integer that JSON can hold. */
#define POWER_LEVEL_CREATOR INT64_MAX
/* What strings and fractions of older versions say beyond this, either way, counts as this. */
#define POWER_LEVEL_MAX (INT64_MAX - 1)
/* What m.room.tombstone takes in a new room whose creators are privileged (module "Room Upgrades"; /createRoom): more
 * than state_default, and more than anybody has to whom a creator gave 100. */
#define POWER_LEVEL_TOMBSTONE 150

struct power_levels {
    const struct event *create; /* never NULL */
    const struct event *event;  /* m.room.power_levels, or NULL */
};

/* Level of a user. Creators of privileged versions have POWER_LEVEL_CREATOR, always; the creator of an older room has
 * 100 as long as there is no power_levels event. */
int64_t power_level_of(const struct power_levels *pl, struct str user_id);
/* Level needed to send an event of `type`, as state or as a message ("Required Power Level"). */
int64_t power_level_to_send(const struct power_levels *pl, struct str type, bool is_state);
enum power_action { POWER_INVITE, POWER_KICK, POWER_BAN, POWER_REDACT };
/* "Invite Level, Kick Level, Ban Level, Redact Level". */
int64_t power_level_to(const struct power_levels *pl, enum power_action action);
/* Level needed for notifications.<key> (50 unless set). */
int64_t power_level_to_notify(const struct power_levels *pl, struct str key);
/* True if the user made the room: its sender (before v11: content.creator), or in v12 one of additional_creators. */
bool power_is_creator(const struct power_levels *pl, struct str user_id);

/* Reads one level as the room version writes them: an integer; before version 10 also a string of one ("+50", " 050 ");
 * before version 6 any number, without its fraction. False if `v` is NULL or is none. */
bool power_level_read(const struct room_version *version, const struct json *v, int64_t *out);

#endif
