/*
 * Receipts: how far users say that they have read (client-server API, module "Receipts").
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_RECEIPTS_H
#define HEARTH_STORE_RECEIPTS_H

#include "store/store.h"

struct receipt_row {
    int64_t room_nid;
    int64_t user_nid;
    struct str type;      /* m.read or m.read.private */
    struct str thread_id; /* empty: not in a thread */
    int64_t event_nid;
    int64_t event_pos;
    int64_t ts;
    int64_t pos; /* of the receipt in the stream */
    /* filled in when read */
    struct str user_id;
    struct str event_id;
};

/* Stores the receipt at the next position (filled into *row) unless one of the same user, type and thread is there for
 * the same or a later event; says whether it was stored. Write transactions only. */
bool receipts_set(struct store_tx *tx, struct receipt_row *row);

/* Receipts of the room with after < pos <= up_to, those of type m.read.private only if they are `reader_nid`'s. */
size_t receipts_between(struct store_tx *tx, int64_t room_nid, int64_t reader_nid, int64_t after, int64_t up_to,
                        struct arena *a, struct receipt_row **rows_out);
/* The position of the newest receipt of the room, or 0. */
int64_t receipts_last_pos(struct store_tx *tx, int64_t room_nid);

#endif
