/*
 * Authorisation rules (room version pages, "Authorization rules"), in the specification's order and numbering.
 *
 * An event is checked several times, against different states (server-server API, "Checks performed on receipt of a
 * PDU", checks 4 to 6); each time it is auth_check() with another struct auth_state. The parts:
 *
 *     auth_rules.c         rules 1 to 3, 5 to 8, 10, aliases and redactions; auth_events and their selection
 *     auth_rules_member.c  rule 4, m.room.member
 *     auth_rules_invite.c  rule 4.4.1, invitations of third-party identifiers
 *     auth_rules_power.c   rule 9, m.room.power_levels
 *
 * Comments number rules as versions 10 and 11 do. Others lack some or have one more, so that numbers move there;
 * verdicts name the rule by the number that the room's version gives it, and by words that hold for all.
 *
 * Pure: the rules see the event and the state they are given, nothing else. Any event that event_parse() accepted may
 * be given, in any state of such events: wrong types inside content are part of what the rules refuse.
 */
#ifndef HEARTH_MATRIX_AUTH_RULES_H
#define HEARTH_MATRIX_AUTH_RULES_H

#include "matrix/event.h"
#include "matrix/power_levels.h"

/* The state an event is checked against. `get` answers NULL when there is no such state event. It must know the room's
 * accepted m.room.create even where that is not in the state at hand: in version 12 no auth_events cite it, and state
 * resolution starts without it. */
struct auth_state {
    const struct event *(*get)(void *ctx, struct str type, struct str state_key);
    void *ctx;
};

/* The (type, state_key) pairs that `auth_events` of an event cite if they exist (server-server API, "Auth events
 * selection"). */
struct auth_key {
    struct str type;
    struct str state_key;
};
#define AUTH_KEYS_MAX 8
/* Fills keys[] for an event of `version` with this type, sender, state_key and content; returns how many. No key comes
 * twice. The slices are those given, of `content`, or constant. */
size_t auth_keys_select(const struct room_version *version, struct str type, struct str sender, bool has_state_key,
                        struct str state_key, const struct json *content, struct auth_key keys[AUTH_KEYS_MAX]);

/* Rule 2 ("Considering the event's auth_events"): duplicates, entries outside the selection, other rooms, no create
 * event. `auth_events` are the events the PDU cites, all known and none rejected (2.3 is the caller's). Nothing is
 * refused of an m.room.create event, which rule 1 decides alone. */
struct event_verdict auth_check_auth_events(const struct event *event, const struct event *const *auth_events,
                                            size_t count) __attribute__((warn_unused_result));

/* All other rules against a state. The caller has verified signatures: that of the sender's server always, and for an
 * m.room.member with join_authorised_via_users_server that of the server of the user named there (rule 4.2), of which
 * only the presence is looked at here. `a` is for temporaries.
 *
 * Rule 1 cannot see whether the room has a create event already: who lets events in refuses a second one. */
struct event_verdict auth_check(struct arena *a, const struct event *event, struct auth_state state)
    __attribute__((warn_unused_result));

/* Whether `redaction`, which the rules allowed, may be applied to `target`: its sender has the redact level, or is of
 * the server that the target's sender is of ("Handling redactions"). In versions 1 and 2 the rules have decided, by the
 * servers in the event ids instead of those of the senders; here the same is asked of the target itself. */
bool auth_may_redact(const struct event *redaction, const struct event *target, struct auth_state state);

#endif
