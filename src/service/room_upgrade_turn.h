/*
 * Upgrades of one room, one after the other.
 *
 * An upgrade reads the old room, writes a new one and then its tombstone; two at once would make two rooms, of which
 * one is left with nothing that leads to it for long. Who asks meanwhile for the very upgrade that is under way (a
 * double click, a client that did not wait for the answer) is told its room.
 *
 *     begin ──► waits while an earlier one of the same room is under way
 *       true:  it is this one's turn ──► upgrade ──► end, with the new room or without
 *       false: an equal one has ended well; `replacement` is its room
 *
 * Ownership: a turn is the caller's, and in the list between begin and end. It is memory alone: of what has ended
 * nothing is remembered, and an upgrade that is asked for later makes another room.
 * Threads: any; a leaf lock, not held while it waits. Nothing else may be locked.
 */
#ifndef HEARTH_SERVICE_ROOM_UPGRADE_TURN_H
#define HEARTH_SERVICE_ROOM_UPGRADE_TURN_H

#include "codec/json.h"

#define ROOM_UPGRADE_TURN_ID_MAX 255 /* bytes of a room id */

struct room_upgrade_turn {
    int64_t room_nid;
    int64_t user_nid;
    struct str new_version;
    const struct json *creators; /* of the new room, or NULL */
    /* private */
    bool answered;
    char replacement[ROOM_UPGRADE_TURN_ID_MAX];
    size_t replacement_n;
    struct room_upgrade_turn *next;
};

struct room_upgrade_turns;

struct room_upgrade_turns *room_upgrade_turns_new(void);
/* Accepts NULL; sets *turns to NULL. Nobody may wait. */
void room_upgrade_turns_free(struct room_upgrade_turns **turns);

/* True: it is this one's turn, which room_upgrade_turn_end() ends. False: *replacement_out is the room that another has
 * made, as long as `turn` is there. */
bool room_upgrade_turn_begin(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn,
                             struct str *replacement_out) __attribute__((warn_unused_result));
/* `replacement`: the new room; empty if there is none, so that the next one tries for itself. */
void room_upgrade_turn_end(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn, struct str replacement);

/* How many are under way or wait. */
size_t room_upgrade_turns_count(struct room_upgrade_turns *turns);

#endif
