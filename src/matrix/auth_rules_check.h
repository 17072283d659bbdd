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

/* Refuses by a rule: its number in each numbering (enum auth_numbers), and what is wrong in words. The macros below
 * are for rules that move in the same way. A rule that a version does not have is "-" there. */
#define AUTH_RULE_TEXT(number, text) "auth rule " number ": " text
#define AUTH_REFUSE_AS(event, v1, v6, v7, v8, v10, v12, text)                                                          \
    ((struct event_verdict){((const char *const[]){                                                                    \
        [AUTH_NUMBERS_V1] = AUTH_RULE_TEXT(v1, text),                                                                  \
        [AUTH_NUMBERS_V6] = AUTH_RULE_TEXT(v6, text),                                                                  \
        [AUTH_NUMBERS_V7] = AUTH_RULE_TEXT(v7, text),                                                                  \
        [AUTH_NUMBERS_V8] = AUTH_RULE_TEXT(v8, text),                                                                  \
        [AUTH_NUMBERS_V10] = AUTH_RULE_TEXT(v10, text),                                                                \
        [AUTH_NUMBERS_V12] = AUTH_RULE_TEXT(v12, text),                                                                \
    })[(event)->version->auth_numbers]})
/* Rules 1 to 3, before those that come and go; `next` is the number behind the new rule 2 of version 12. */
#define AUTH_REFUSE_FIRST(event, number, next, text)                                                                   \
    AUTH_REFUSE_AS(event, number, number, number, number, number, next, text)
/* Rules 5 to 9 of version 10: one higher where aliases have a rule, and in version 12. */
#define AUTH_REFUSE_LATER(event, number, next, text)                                                                   \
    AUTH_REFUSE_AS(event, next, number, number, number, number, next, text)
/* Within the rule on m.room.member: before version 8, and since. */
#define AUTH_REFUSE_MEMBER(event, old, number, text)                                                                   \
    AUTH_REFUSE_AS(event, "5." old, "4." old, "4." old, "4." number, "4." number, "5." number, text)
/* Within the rule on m.room.power_levels: before version 10, since, and in version 12. */
#define AUTH_REFUSE_POWER(event, old, number, v12, text)                                                               \
    AUTH_REFUSE_AS(event, "10." old, "9." old, "9." old, "9." old, "9." number, "10." v12, text)
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
