/*
 * What the files of the authorisation rules share: the event at hand with what most rules ask for, and how a rule says
 * no.
 *
 * Only auth_rules*.c include this.
 */
#ifndef HEARTH_MATRIX_AUTH_RULES_CHECK_H
#define HEARTH_MATRIX_AUTH_RULES_CHECK_H

#include "matrix/auth_rules.h"

struct auth_rules_check {
    struct arena *arena; /* temporaries */
    const struct event *event;
    struct auth_state state;
    struct power_levels power; /* of the state; create is not NULL */
};

/* Refuses by a rule: its number in versions 6 to 11, in version 12, and what is wrong in words. */
#define AUTH_REFUSE(event, number, number_v12, text)                                                                   \
    ((struct event_verdict){(event)->version->auth_numbers == AUTH_NUMBERS_V12 ? "auth rule " number_v12 ": " text     \
                                                                               : "auth rule " number ": " text})
#define AUTH_ALLOW ((struct event_verdict){NULL})

/* The membership of a user in the state, empty if there is none. */
struct str auth_rules_membership(const struct auth_rules_check *check, struct str user_id);
/* True if it is join. */
bool auth_rules_joined(const struct auth_rules_check *check, struct str user_id);

/* Rule 4: the event is an m.room.member. */
struct event_verdict auth_rules_member(const struct auth_rules_check *check);
/* Rule 4.4.1: the event is an m.room.member with `invite` and a third_party_invite. */
struct event_verdict auth_rules_invite_third_party(const struct auth_rules_check *check);
/* Rule 9: the event is an m.room.power_levels, and its sender may send one. */
struct event_verdict auth_rules_power(const struct auth_rules_check *check);

#endif
