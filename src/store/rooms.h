/*
 * Rooms and their aliases: numbers, ids and versions.
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

/* The room that a local alias points to, or 0. */
int64_t room_aliases_find(struct store_tx *tx, struct str alias, int64_t *creator_nid_out);
/* False if the alias is taken. Write transactions only. */
bool room_aliases_insert(struct store_tx *tx, struct str alias, int64_t room_nid, int64_t creator_nid);
void room_aliases_delete(struct store_tx *tx, struct str alias);

struct room_aliases {
    struct str *items;
    size_t count;
};
/* The local aliases of a room, sorted. */
struct room_aliases room_aliases_of(struct store_tx *tx, int64_t room_nid, struct arena *a);

#endif
