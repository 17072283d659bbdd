/*
 * Room versions, one row a version, one column a rule (room version pages of the specification).
 *
 * Code that depends on the version of a room asks a column of its row; it never compares version names. A new version
 * is a new row; a rule that changes is a new column, and each use of it is found from there.
 *
 * Versions 10, 11 and 12 are supported. What they share has no column yet: event ids are URL-safe reference hashes,
 * canonical JSON is strict, `depth` ends at 2^53-1, `notifications` is guarded by the rules on power levels.
 *
 * Threads: the table is constant.
 */
#ifndef HEARTH_MATRIX_ROOM_VERSION_H
#define HEARTH_MATRIX_ROOM_VERSION_H

#include "base/str.h"

/* Which keys survive a redaction ("Redactions"); named after the first version that has them. */
enum redaction_rules { REDACTION_V9, REDACTION_V11 };
/* The algorithm of "State resolution": version 12 starts from an empty state and adds the conflicted subgraph. */
enum state_resolution { STATE_RESOLUTION_V2, STATE_RESOLUTION_V2_1 };
/* How "Authorization rules" number the same rules: version 12 puts a new rule 2 before the others. */
enum auth_numbers { AUTH_NUMBERS_V6, AUTH_NUMBERS_V12 };

struct room_version {
    struct str name;
    enum redaction_rules redaction;
    enum state_resolution state_resolution;
    enum auth_numbers auth_numbers;
    bool creator_in_content;        /* m.room.create must have content.creator, who is the creator (v1-v10) */
    bool redacts_in_content;        /* redactions name their target in content (v11) */
    bool room_id_is_create_hash;    /* no room_id in m.room.create; room id is "!" + its reference hash (v12) */
    bool create_in_auth_events;     /* auth_events cite m.room.create (v1-v11) */
    bool creators_are_privileged;   /* creators have infinite power and additional_creators counts (v12) */
    bool knock;                     /* join rule and membership `knock` (v7) */
    bool restricted_join;           /* join rule `restricted`, join_authorised_via_users_server (v8) */
    bool knock_restricted;          /* join rule `knock_restricted` (v10) */
    bool integer_power_levels_only; /* every power level is an integer, none a string (v10) */
};

/* The row, or NULL for a version this server does not support. */
const struct room_version *room_version_find(struct str name);
/* Row `index` of all supported versions, oldest first; NULL past the end. */
const struct room_version *room_version_at(size_t index);
/* The version of new rooms when nobody asks for another ("12"). */
const struct room_version *room_version_default(void);

#endif
