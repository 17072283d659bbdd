/*
 * What the default push rules say of an event (client-server API, module "Push Notifications", "Predefined Rules").
 *
 * Almost all users have the default rules, and those have the same outcome for every member of a room but for the users
 * that the event mentions by name. So an event has one outcome for everybody, and a short list of users for whom it is
 * raised to a highlight; unread counts follow from running totals (store/memberships.h) without a row for each member.
 *
 * Pure: no clock, no store.
 */
#ifndef HEARTH_MATRIX_PUSH_DEFAULT_H
#define HEARTH_MATRIX_PUSH_DEFAULT_H

#include "matrix/power_levels.h"

#define PUSH_MENTIONS_MAX 64 /* users an event may highlight by name; the rest get what everybody gets */

struct push_outcome {
    bool notify;
    bool highlight;
    /* users of m.mentions, for whom the event notifies and highlights unless a rule before that one suppresses it */
    const struct json *mentioned; /* array, or NULL */
};

struct push_outcome push_default_outcome(const struct event *event, const struct power_levels *pl);

#endif
