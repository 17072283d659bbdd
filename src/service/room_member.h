/*
 * Who is in a room: join, invite, knock, leave, kick, ban, unban, forget (client-server API, "Room membership").
 *
 * Whether somebody may do it is decided by the authorisation rules in room_append; what is here finds the room, builds
 * the m.room.member event, and answers what those rules do not say.
 *
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_MEMBER_H
#define HEARTH_SERVICE_ROOM_MEMBER_H

#include "service/account_departure.h"
#include "service/room.h"

/* The room id of a room id or of a local alias. M_NOT_FOUND, M_INVALID_PARAM. */
struct fault room_resolve(struct services *s, struct arena *a, struct str room_id_or_alias, struct str *room_id_out)
    __attribute__((warn_unused_result));

/* Joins; picks who authorises it where the join rule is restricted. `reason` may be empty. */
struct fault room_join(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str reason) __attribute__((warn_unused_result));
struct fault room_knock(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason) __attribute__((warn_unused_result));
/* Leaves, rejects an invite or takes back a knock. Leaving twice is no fault. */
struct fault room_leave(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str reason) __attribute__((warn_unused_result));
struct fault room_forget(struct services *s, const struct caller *caller, struct str room_id)
    __attribute__((warn_unused_result));

struct fault room_invite(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str user_id, struct str reason) __attribute__((warn_unused_result));
struct fault room_kick(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                       struct str user_id, struct str reason) __attribute__((warn_unused_result));
struct fault room_ban(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                      struct str user_id, struct str reason) __attribute__((warn_unused_result));
struct fault room_unban(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                        struct str user_id, struct str reason) __attribute__((warn_unused_result));

/* The content of a membership event of a local user, with their profile as it is now; `reason` may be empty. */
struct fault room_member_content(struct services *s, struct arena *a, struct str user_id, struct str membership,
                                 struct str reason, struct json **content_out) __attribute__((warn_unused_result));
/* Sends the membership event that a client wrote itself (PUT state/m.room.member): the checks above, its content. */
struct fault room_member_put(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct str user_id, const struct json *content, struct str *event_id_out)
    __attribute__((warn_unused_result));

/* Hook of accounts (struct account_hooks): a deactivated user leaves. */
enum account_departure rooms_user_deactivated(struct services *s, int64_t user_nid, struct str user_id,
                                              size_t rooms_max);

#endif
