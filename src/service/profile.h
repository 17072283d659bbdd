/*
 * Profiles: displayname, avatar_url, m.tz and fields of anybody's own, each any JSON (client-server API, "Profiles").
 *
 * A change of displayname or avatar_url goes on to the rooms (profile_rooms.h).
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_PROFILE_H
#define HEARTH_SERVICE_PROFILE_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

#define PROFILE_KEY_MAX         255   /* bytes */
#define PROFILE_MAX             65536 /* bytes of the whole profile as canonical JSON */
#define PROFILE_DISPLAYNAME_MAX 256   /* characters */
#define PROFILE_AVATAR_URL_MAX  1024  /* bytes */

/* All fields as one object; M_NOT_FOUND for who has no account here. */
struct fault profile_read(const struct services *s, struct arena *a, struct str user_id, const struct json **out)
    __attribute__((warn_unused_result));
/* {name: value}; M_NOT_FOUND, M_INVALID_PARAM for a name that can be none. */
struct fault profile_read_field(const struct services *s, struct arena *a, struct str user_id, struct str name,
                                const struct json **out) __attribute__((warn_unused_result));
/* M_KEY_TOO_LARGE, M_INVALID_PARAM, M_PROFILE_TOO_LARGE. An empty displayname or avatar_url deletes it, as clients from
 * before DELETE do it. */
struct fault profile_set(struct services *s, struct arena *a, const struct caller *caller, struct str name,
                         const struct json *value) __attribute__((warn_unused_result));
/* Deleting what is not there is fine. */
struct fault profile_delete(struct services *s, struct arena *a, const struct caller *caller, struct str name)
    __attribute__((warn_unused_result));

#endif
