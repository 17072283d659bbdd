/*
 * Devices of local users: names, when and where they were last seen, removal.
 *
 * What a request says about a device (time, address) is gathered in memory and written for all devices together every
 * few minutes, by the request that finds it due.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_DEVICE_H
#define HEARTH_SERVICE_DEVICE_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

#define DEVICE_ID_MAX   255   /* bytes */
#define DEVICE_NAME_MAX 1024  /* bytes; longer names are cut */
#define DEVICES_MAX     10000 /* of one user, and in one request */

/* {"devices": [...]} of the caller, oldest first. */
struct fault device_list(const struct services *s, struct arena *a, const struct caller *caller,
                         const struct json **out) __attribute__((warn_unused_result));
/* One of them; M_NOT_FOUND. */
struct fault device_get(const struct services *s, struct arena *a, const struct caller *caller, struct str device_id,
                        const struct json **out) __attribute__((warn_unused_result));
/* M_NOT_FOUND. `name` with p == NULL leaves the name as it is. */
struct fault device_rename(const struct services *s, const struct caller *caller, struct str device_id, struct str name)
    __attribute__((warn_unused_result));
struct device_deletion {
    int64_t user_nid;
    struct str shown_hash; /* of the password that was asked for: it must still be the account's; p == NULL: none */
    const struct str *device_ids; /* NULL: all */
    size_t count;
};

/* Deletes those of these devices that the user has, with their tokens. M_USER_DEACTIVATED and M_FORBIDDEN only if a
 * password was shown. */
struct fault device_delete(const struct services *s, const struct device_deletion *deletion)
    __attribute__((warn_unused_result));

/* A name as it is kept: cut to DEVICE_NAME_MAX, at the end of a character. */
struct str device_name_cut(struct str name);

/* The caller's device has made a request from this address. */
void device_seen(const struct services *s, const struct caller *caller, struct str address);

/* --- for the other account services --- */

struct store_tx;

/* Within a write transaction: deletes one device with all that belongs to it. */
void device_remove(struct store_tx *tx, int64_t device_nid);
/* The same for all devices of a user but one. */
void device_remove_all(struct store_tx *tx, int64_t user_nid, int64_t keep_device_nid);

struct device_sightings *device_sightings_new(void);
void device_sightings_free(struct device_sightings **sightings);
/* Writes all that is gathered now. */
void device_sightings_flush(const struct services *s);

#endif
