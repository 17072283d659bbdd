/*
 * Upgrades of one room, one after the other.
 *
 * An upgrade reads the old room, writes a new one and then its tombstone. Two at once, as after a double click, would
 * make two rooms, to one of which nothing leads; the second one has to see what the first has done.
 *
 *     begin ──► waits while earlier ones of the same room are under way ──► upgrade ──► end
 *
 * Ownership: a turn is the caller's, and in the list between begin and end.
 * Threads: any; a leaf lock, not held while it waits. Nothing else may be locked.
 */
#ifndef HEARTH_SERVICE_ROOM_UPGRADE_TURN_H
#define HEARTH_SERVICE_ROOM_UPGRADE_TURN_H

#include <stddef.h>
#include <stdint.h>

struct room_upgrade_turn {
    /* private */
    int64_t room_nid;
    struct room_upgrade_turn *next;
};

struct room_upgrade_turns;

struct room_upgrade_turns *room_upgrade_turns_new(void);
/* Accepts NULL; sets *turns to NULL. Nobody may wait. */
void room_upgrade_turns_free(struct room_upgrade_turns **turns);

void room_upgrade_turn_begin(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn, int64_t room_nid);
void room_upgrade_turn_end(struct room_upgrade_turns *turns, struct room_upgrade_turn *turn);

/* How many are under way or wait. */
size_t room_upgrade_turns_count(struct room_upgrade_turns *turns);

#endif
