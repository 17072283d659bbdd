/*
 * Rooms and their aliases: numbers, ids, versions, and whether a head in memory is still the room's.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_ROOMS_H
#define HEARTH_STORE_ROOMS_H

#include "store/store.h"

/* 0 if this server does not know the room. */
int64_t rooms_nid_of(struct store_tx *tx, struct str room_id);
/* False if there is no such number; the strings are copied into `a`. */
bool rooms_get(struct store_tx *tx, int64_t room_nid, struct arena *a, struct str *room_id_out,
               struct str *version_out);
/* Adds a room and returns its number. Write transactions only. */
int64_t rooms_insert(struct store_tx *tx, struct str room_id, struct str version);

/* The head of a room (its newest events, and what they have made of it) as processes that share a database agree on it.
 * Who keeps one in memory reads its version in the same snapshot, and moves it on in each job that was built on it:
 *
 *     version = rooms_head_version(tx, room_nid)              with all else that is read
 *     if (!rooms_head_advance(tx, room_nid, version++))       in the job, before all else
 *         return store_stale(tx);                             somebody else has moved it: read it again
 *
 * Several jobs may be queued on one head: each expects what the one before leaves. */
/* -1 if there is no such room. */
int64_t rooms_head_version(struct store_tx *tx, int64_t room_nid);
/* Moves the version on by one, from the one that the job was built on; false if it is another, or the database failed.
 * Other processes wait with theirs until the batch ends. Write transactions only. */
bool rooms_head_advance(struct store_tx *tx, int64_t room_nid, int64_t built_on) __attribute__((warn_unused_result));

/* The room that a local alias points to, or 0. */
int64_t room_aliases_find(struct store_tx *tx, struct str alias, int64_t *creator_nid_out);
/* False if the alias is taken. Write transactions only. */
bool room_aliases_insert(struct store_tx *tx, struct str alias, int64_t room_nid, int64_t creator_nid);
void room_aliases_delete(struct store_tx *tx, struct str alias);
/* All that lead to one room lead to another then. */
void room_aliases_move(struct store_tx *tx, int64_t from_nid, int64_t to_nid);

struct room_aliases {
    struct str *items;
    size_t count;
};
/* The local aliases of a room, sorted. */
struct room_aliases room_aliases_of(struct store_tx *tx, int64_t room_nid, struct arena *a);

#endif
