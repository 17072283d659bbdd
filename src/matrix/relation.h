/*
 * What an event says of its relation to another one (client-server API, "Forming relationships between events"): it has
 * at most one, in content.m.relates_to, in the clear also where the event is encrypted.
 *
 * Rich replies are no relation in this sense: they have no rel_type.
 *
 * Pure rules: no clock, no store, no network, no log.
 */
#ifndef HEARTH_MATRIX_RELATION_H
#define HEARTH_MATRIX_RELATION_H

#include "matrix/event.h"

/* The numbers stand in databases. */
enum relation_kind {
    RELATION_NONE = 0,
    RELATION_REPLACE = 1,    /* m.replace: an edit */
    RELATION_THREAD = 2,     /* m.thread */
    RELATION_REFERENCE = 3,  /* m.reference */
    RELATION_ANNOTATION = 4, /* m.annotation: a reaction */
    RELATION_OTHER = 5       /* any other rel_type */
};

/* A rel_type is no longer than a type may be. */
#define RELATION_TYPE_MAX EVENT_ID_FIELD_MAX

struct relation {
    enum relation_kind kind;
    struct str rel_type;
    struct str event_id; /* of the parent */
    struct str key;      /* of an annotation; p == NULL: none */
};

/* RELATION_NONE if there is none, or none that matches the schema. Points into the event. */
struct relation relation_of(const struct event *event);

enum relation_kind relation_kind_of(struct str rel_type);

/* Whether an event that is an m.replace of `original` is a valid one ("Validity of replacement events"). That both are
 * of one room is for the caller to know. */
bool relation_is_replacement(const struct event *replacement, const struct event *original);

/* Whether threads may start at the event: not if it is the child of a relation itself ("Threading"). */
bool relation_may_be_root(const struct event *event);

#endif
