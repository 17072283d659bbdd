/*
 * A room as one user may see it: which events are visible to them, and what those look like to clients.
 *
 * A view belongs to one snapshot of the store and to one user. It answers visibility by the state at each event
 * (client-server API, module "Room History Visibility"), and remembers the answer for as long as the state stays the
 * same, so that a page of messages costs one look-up and not one each.
 *
 * Ownership: everything lives in the arena given; a view is used by one thread.
 */
#ifndef HEARTH_SERVICE_ROOM_VIEW_H
#define HEARTH_SERVICE_ROOM_VIEW_H

#include "codec/json.h"
#include "matrix/event.h"
#include "matrix/filter.h"
#include "matrix/history_visibility.h"
#include "service/caller.h"
#include "service/services.h"
#include "store/events.h"
#include "store/memberships.h"

/* What a state of the room says of the user. */
struct room_view_state {
    bool known;
    int64_t root;
    enum membership membership;
    enum history_visibility visibility;
};

struct room_view {
    struct services *s;
    struct store_tx *tx;
    struct arena *a;
    int64_t room_nid;
    struct str room_id;
    const struct room_version *version;
    struct caller caller;
    struct membership_row own; /* the user's membership in the newest state */
    int64_t joined_until;      /* the user was joined at some time after every position below this one */
    int64_t now_ms;
    const struct json *ignored; /* whose messages the view leaves out (ignored_users.h); NULL: nobody's */
    /* Events are told with what their children come to (room_bundle.h). */
    bool unbundled;         /* they are not */
    bool federation_format; /* and the children in federation form */
    size_t bundle_left;     /* bytes of children that may still be told of */

    /* private: the answer for the last state looked at */
    struct room_view_state last;
    int bundle_depth; /* room_bundle.c */
};

#define ROOM_VIEW_BUNDLE_MAX ((size_t)1 << 20) /* bundle_left of a new view */

/* Fills in the view; the room must exist. `room_id` and `version` live as long as the view. */
void room_view_init(struct room_view *v, struct services *s, struct store_tx *tx, struct arena *a, int64_t room_nid,
                    struct str room_id, const struct room_version *version, const struct caller *caller);

/* Whether the event is a message of somebody whom the user ignores. State is never ignored. */
bool room_view_ignores(struct room_view *v, const struct event_row *row);
/* Whether the user may see the event; *membership_out is what their membership was at it. */
bool room_view_permits(struct room_view *v, const struct event_row *row, enum membership *membership_out);
/* Whether they may, and do not ignore it: whether they are told of it. *membership_out is what their membership was at
 * it. */
bool room_view_allows(struct room_view *v, const struct event_row *row, enum membership *membership_out);
/* Whether anybody may look into the room as it is now (history visibility world_readable). */
bool room_view_is_world_readable(struct room_view *v, int64_t root);

/* The stored event in the form clients get ("Room event format"), with `unsigned`; room_id only if asked for. `at` is
 * the user's membership at the event, NULL not to tell it. */
struct json *room_view_event(struct room_view *v, const struct event_row *row, const enum membership *at,
                             bool with_room_id);
/* The same of an event that has been read from its row already. */
struct json *room_view_client_form(struct room_view *v, const struct event_row *row, const struct event *event,
                                   const enum membership *at, bool with_room_id);
/* The same of an event given by its number; NULL if there is none. */
struct json *room_view_event_nid(struct room_view *v, int64_t event_nid, bool with_room_id);
/* The event as other servers get it, with its id, and with what its children come to in `unsigned`. */
struct json *room_view_federation_form(struct room_view *v, const struct event_row *row, const struct event *event);
/* type, sender, state_key and content alone ("Stripped state"). */
struct json *room_view_stripped(struct room_view *v, int64_t event_nid);

/* The number of a state event under a root of the room, or 0. */
int64_t room_view_state_nid(struct room_view *v, int64_t root, struct str type, struct str state_key);

/* Reads the event of a row; false if it cannot be read. */
bool room_view_parse(struct room_view *v, const struct event_row *row, struct event *event_out);
/* Finds and reads an event by its number; false if it is not there. */
bool room_view_load(struct room_view *v, int64_t event_nid, struct event_row *row_out, struct event *event_out);

#endif
