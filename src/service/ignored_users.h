/*
 * Users whom a user does not want to hear of (client-server API, module "Ignoring Users").
 *
 * The list is the account datum m.ignored_user_list. It is read once a request, in the snapshot that the request reads,
 * so that a change counts from the next request on. What it leaves out: events of those users that are no state, also
 * where they are aggregated; their invites; that they type; their receipts; and what they add to unread counts.
 *
 * Ownership: a list belongs to the arena it was read into. Threads: any.
 */
#ifndef HEARTH_SERVICE_IGNORED_USERS_H
#define HEARTH_SERVICE_IGNORED_USERS_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "store/store.h"

#define IGNORED_USERS_TYPE STR("m.ignored_user_list")
#define IGNORED_USERS_MAX  1000

/* Whether the content is such a list: {"ignored_users": {user id: {}}}, of at most IGNORED_USERS_MAX; or {}. */
struct fault ignored_users_check(struct arena *a, const struct json *content) __attribute__((warn_unused_result));

/* The list of a user, as an object by user id; NULL if there is none, or nobody is on it. Nobody ignores themselves. */
const struct json *ignored_users_read(struct store_tx *tx, struct arena *a, int64_t user_nid, struct str user_id);
/* Whether somebody is on the list, which may be NULL. */
bool ignored_users_has(const struct json *list, struct str user_id);

struct room_view;
/* What ignored users have added to the unread counts of the view's user after position `after`, up to `up_to`; as far
 * as the first events go that are looked at. The totals of the room at `after` are given. */
struct ignored_unread {
    int64_t notify;
    int64_t highlight;
};
struct ignored_unread ignored_users_unread(struct room_view *v, int64_t after, int64_t up_to,
                                           struct ignored_unread totals);

#endif
