/*
 * A room that is being put together: its first events, in the order in which they will stand. For /createRoom and
 * /upgrade, which differ in what they put in.
 *
 *     room_plan_create, room_plan_join, room_plan_state ... -> room_plan_make
 *
 * Until it is made, nothing is written. Ownership: drafts and what they point to live in the arena.
 * Threads: any; no lock may be held.
 */
#ifndef HEARTH_SERVICE_ROOM_PLAN_H
#define HEARTH_SERVICE_ROOM_PLAN_H

#include "service/room.h"

/* Events that become durable together; a room of more is made in several steps. */
#define ROOM_PLAN_STEP 512
/* additional_creators that a request may name. */
#define ROOM_PLAN_CREATORS_MAX 100

struct room_plan {
    struct services *s;
    struct arena *a;
    const struct caller *caller;
    const struct room_version *version;
    struct room_draft *drafts;
    size_t count;
    size_t cap;
};

/* M_FORBIDDEN where only administrators make rooms. */
struct fault room_plan_check(const struct services *s, const struct caller *caller) __attribute__((warn_unused_result));

/* A state event of the caller's. */
void room_plan_state(struct room_plan *p, struct str type, struct str state_key, const struct json *content);
/* One whose content is a single string. */
void room_plan_field(struct room_plan *p, struct str type, struct str field, struct str value);
/* m.room.create, the first event; fills in what the version and the server's options want of it. */
void room_plan_create(struct room_plan *p, struct json *content);
/* The caller's own m.room.member, the second event. */
struct fault room_plan_join(struct room_plan *p) __attribute__((warn_unused_result));
/* The content that m.room.power_levels has in a new room. `equals`: users who get what the caller gets, or NULL; where
 * creators are privileged, they are to be additional_creators instead. */
struct json *room_plan_power_levels(struct room_plan *p, const struct json *equals, int64_t invite_level);

/* The list with each string once, in order; NULL for NULL. What is no string stays, for the rules to refuse. For lists
 * of some hundred: each item is compared with those before it. */
const struct json *room_plan_unique(struct arena *a, const struct json *list);

/* Makes the room, with `alias` (or empty) leading to it. Up to ROOM_PLAN_STEP events: all or none. What the rules
 * refuse is M_INVALID_ROOM_STATE: it is what was asked for, not who asked. */
struct fault room_plan_make(struct room_plan *p, struct str alias, struct str *room_id_out)
    __attribute__((warn_unused_result));

#endif
