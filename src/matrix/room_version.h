/*
 * Room versions, one row a version, one column a rule (room version pages of the specification).
 *
 * Code that depends on the version of a room asks a column of its row; it never compares version names. A new version
 * is a new row; a rule that changes is a new column, and each use of it is found from there.
 *
 * Threads: the table is constant.
 */
#ifndef HEARTH_MATRIX_ROOM_VERSION_H
#define HEARTH_MATRIX_ROOM_VERSION_H

#include "base/str.h"

/* The values of these are named after the first version that has them. */

/* "Event format", "Event IDs". V1: event_id is a member of the PDU, "$opaque:server", and prev_events and auth_events
 * hold pairs of id and hashes. V3: the id is "$" and the reference hash in base64, and they hold ids. V4: the same in
 * URL-safe base64. */
enum event_format { EVENT_FORMAT_V1, EVENT_FORMAT_V3, EVENT_FORMAT_V4 };
/* Which keys survive a redaction ("Redactions"). */
enum redaction_rules { REDACTION_V1, REDACTION_V6, REDACTION_V8, REDACTION_V9, REDACTION_V11 };
/* The algorithm of "State resolution" by the name that it has there: V2 since version 2, V2_1 since version 12. */
enum state_resolution { STATE_RESOLUTION_V1, STATE_RESOLUTION_V2, STATE_RESOLUTION_V2_1 };
/* How "Authorization rules" number the same rules: 6 has none for m.room.aliases, 7 adds knocks, 8 and 10 put rules
 * among those of m.room.member and m.room.power_levels, 12 puts a new rule 2 before the others. */
enum auth_numbers {
    AUTH_NUMBERS_V1,
    AUTH_NUMBERS_V6,
    AUTH_NUMBERS_V7,
    AUTH_NUMBERS_V8,
    AUTH_NUMBERS_V10,
    AUTH_NUMBERS_V12
};

struct room_version {
    struct str name;
    enum event_format event_format;
    enum redaction_rules redaction;
    enum state_resolution state_resolution;
    enum auth_numbers auth_numbers;
    bool redaction_auth_rule;       /* a rule on m.room.redaction decides, not "Handling redactions" (v1-v2) */
    bool aliases_auth_rule;         /* a server's own m.room.aliases need no membership and no power (v1-v5) */
    bool key_validity_enforced;     /* signatures by keys that were not valid at origin_server_ts do not count (v5) */
    bool strict_json;               /* events are canonical JSON, so that `depth` ends at 2^53-1 (v6) */
    bool notifications_guarded;     /* changes of `notifications` need power as those of `events` do (v6) */
    bool knock;                     /* join rule and membership `knock` (v7) */
    bool restricted_join;           /* join rule `restricted`, join_authorised_via_users_server (v8) */
    bool knock_restricted;          /* join rule `knock_restricted` (v10) */
    bool integer_power_levels_only; /* every power level is an integer, none a string or a fraction (v10) */
    bool creator_in_content;        /* m.room.create must have content.creator, who is the creator (v1-v10) */
    bool redacts_in_content;        /* redactions name their target in content (v11) */
    bool create_in_auth_events;     /* auth_events cite m.room.create (v1-v11) */
    bool room_id_is_create_hash;    /* no room_id in m.room.create; room id is "!" + its reference hash (v12) */
    bool creators_are_privileged;   /* creators have infinite power and additional_creators counts (v12) */
};

/* The row, or NULL for a version this server does not support. */
const struct room_version *room_version_find(struct str name);
/* Row `index` of all supported versions, oldest first; NULL past the end. */
const struct room_version *room_version_at(size_t index);
/* The version of new rooms when nobody asks for another ("12"). */
const struct room_version *room_version_default(void);

#endif
