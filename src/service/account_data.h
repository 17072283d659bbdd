/*
 * Account data and tags: what clients keep for their user, of the account or of one room, and find again in /sync.
 * (client-server API, modules "Client Config" and "Room Tagging")
 *
 * Tags are the account datum m.tag of a room; changing one rewrites it in one transaction.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_DATA_H
#define HEARTH_SERVICE_ACCOUNT_DATA_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

#define ACCOUNT_DATA_TYPE_MAX  255   /* bytes */
#define ACCOUNT_DATA_ROWS_MAX  20000 /* of one user, all rooms together; an initial sync holds all of it at once */
#define ACCOUNT_DATA_BYTES_MAX (8 << 20)
#define TAG_MAX                255 /* bytes */

/* `room_id` with p == NULL: of the account. M_INVALID_PARAM for what is no room id, M_NOT_FOUND for a room that is not
 * known here, 405 M_BAD_JSON for types that the server keeps itself. */
struct fault account_data_put(const struct services *s, struct arena *a, const struct caller *caller,
                              struct str room_id, struct str type, const struct json *content)
    __attribute__((warn_unused_result));
/* M_NOT_FOUND if there is none. m.push_rules is always there. */
struct fault account_data_read(const struct services *s, struct arena *a, const struct caller *caller,
                               struct str room_id, struct str type, const struct json **out)
    __attribute__((warn_unused_result));

/* {"tags": {...}}; no tags are an empty object. */
struct fault account_data_tags(const struct services *s, struct arena *a, const struct caller *caller,
                               struct str room_id, const struct json **out) __attribute__((warn_unused_result));
/* Sets a tag, or deletes it (`value` NULL). M_INVALID_PARAM for a name over 255 bytes or an order outside 0..1. */
struct fault account_data_tag(const struct services *s, const struct caller *caller, struct str room_id, struct str tag,
                              const struct json *value) __attribute__((warn_unused_result));

/* The room `from` is replaced by `to`, which the caller has joined ("Room Upgrades", server behaviour): copies their
 * tags, unless they have tagged `to` already, and lists it in m.direct beside `from`. */
struct fault account_data_follow(const struct services *s, const struct caller *caller, struct str from, struct str to)
    __attribute__((warn_unused_result));

#endif
