/*
 * Devices of local users. A device number is never given out twice.
 *
 * Threads: as store.h says of transactions.
 */
#ifndef HEARTH_STORE_DEVICES_H
#define HEARTH_STORE_DEVICES_H

#include "store/store.h"

struct device_row {
    int64_t device_nid;
    int64_t user_nid;
    struct str device_id;
    struct str display_name; /* p == NULL: none */
    int64_t created_ts;
    int64_t last_seen_ts;    /* 0: never */
    struct str last_seen_ip; /* p == NULL: unknown */
};

/* False if the user has no such device. */
bool devices_find(struct store_tx *tx, int64_t user_nid, struct str device_id, struct arena *a,
                  struct device_row *row_out);
/* All devices of a user, oldest first. */
size_t devices_list(struct store_tx *tx, int64_t user_nid, struct arena *a, struct device_row **rows_out);
int64_t devices_count(struct store_tx *tx, int64_t user_nid);

/* These need a write transaction. */
/* Adds a device and returns its number. */
int64_t devices_insert(struct store_tx *tx, const struct device_row *row);
/* False if the user has no such device. */
bool devices_rename(struct store_tx *tx, int64_t user_nid, struct str device_id, struct str display_name);
void devices_seen(struct store_tx *tx, int64_t device_nid, int64_t ts, struct str ip);
void devices_delete(struct store_tx *tx, int64_t device_nid);

#endif
