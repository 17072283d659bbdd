/*
 * m.room.power_levels when a room is upgraded (client-server API, "Room Upgrades", server behaviour): what the new room
 * gets, and what becomes of the old one.
 *
 * All levels come out as integers, also those that older versions let in as strings or fractions; what is no level at
 * all is left out, and so counts as the default it had counted as.
 *
 * Pure, any thread. Results live in the arena, and share what is unchanged with what was given.
 */
#ifndef HEARTH_MATRIX_POWER_UPGRADE_H
#define HEARTH_MATRIX_POWER_UPGRADE_H

#include "matrix/power_levels.h"

/* The content for a room of `version`, from `content` of the old room, whose m.room.create is given.
 *
 * Creators of the new room (`creators`, strings; only for versions where they are privileged) stand in no list of users
 * there, and m.room.tombstone takes POWER_LEVEL_TOMBSTONE at least. Creators of the old room who are none of the new
 * one, whoever upgrades it, keep what a number can say of their power: the highest level that the new content knows, at
 * least 100. */
struct json *power_upgrade_carry(struct arena *a, const struct event *create, const struct json *content,
                                 const struct room_version *version, const struct json *creators);

/* The content for the old room of `version`: nobody sends or invites with less than the greater of 50 and
 * users_default + 1. What took more takes it still. */
struct json *power_upgrade_close(struct arena *a, const struct room_version *version, const struct json *content);

#endif
