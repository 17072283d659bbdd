/*
 * Replacing a room by one of another version (client-server API, module "Room Upgrades").
 *
 *     old room                                  new room
 *     checks: may the caller send a tombstone?
 *     its state is read  -------------------->  m.room.create with `predecessor`, the caller's join, what is carried
 *                                               over; m.room.power_levels last                       (room_plan_make)
 *     in one transaction: m.room.tombstone, m.room.power_levels that
 *     silence it, its local aliases go to   -->
 *
 *     later, whenever a local user joins       their tags of the old room, and m.direct (room_upgrade_joined)
 *
 * The new room is written first: whatever happens in between, no room points to one that is not there. At worst a new
 * room is left that nobody knows of, and the upgrade is asked for again.
 *
 * Carried over are m.room.server_acl, encryption, name, avatar, topic, guest_access, history_visibility, join_rules (as
 * far as the new version knows them) and power_levels (matrix/power_upgrade.h), canonical_alias with the aliases that
 * come along, the m.space.child of spaces, and bans. As m.room.power_levels comes last, the caller sends all the rest
 * with a creator's power, and no one's power is raised for it. Creators of the old room who are not named for the new
 * one are no creators there ("must be explicitly set"), but keep the highest level. Members are not invited: the
 * specification transfers no memberships.
 *
 * predecessor.event_id is "the last known event in the old room": the newest one when its state was read, where the
 * conversation broke off, right before the tombstone. It is not the tombstone's own, as with Synapse before version 12:
 * that one is sealed when its room has had its last message, after the new room is written. From version 12 on it
 * cannot be: the tombstone names a room whose id is a hash of this very field.
 *
 * Upgrades of one room take turns (room_upgrade_turn.h), and who asks for the same again within ten seconds gets the
 * room that there is: same user, version and additional creators, and the tombstone leads to it still.
 *
 * A room that was upgraded may be upgraded again: a new tombstone leads to a new replacement, and levels are carried
 * over as they were before the room was silenced.
 *
 * Threads: any; no lock may be held. May wait for another upgrade of the room.
 */
#ifndef HEARTH_SERVICE_ROOM_UPGRADE_H
#define HEARTH_SERVICE_ROOM_UPGRADE_H

#include "service/room.h"

/* `additional_creators`: as the request has it, or NULL; versions without them ignore it, as the specification says.
 * M_UNSUPPORTED_ROOM_VERSION, M_BAD_JSON, M_INVALID_PARAM; M_FORBIDDEN for strangers, whether there is such a room or
 * not, and for who may not send m.room.tombstone. */
struct fault room_upgrade(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                          struct str new_version, const struct json *additional_creators, struct str *replacement_out)
    __attribute__((warn_unused_result));

/* A local user has joined the room: if it replaces another, and that one says so too, their personal settings follow.
 * What fails is logged; the user is in the room. */
void room_upgrade_joined(struct services *s, struct arena *a, const struct caller *caller, struct room *room);

#endif
