/*
 * Bundled aggregations: what an event's children come to, as clients get it in unsigned."m.relations" (client-server
 * API, "Aggregations of child events"): the newest edit, the thread with its newest event, the references.
 *
 * Who may not see a child does not get it. Of many edits or events of a thread, the newest few are looked at for one
 * that may be seen. What is bundled counts against `bundle_left` of the view, so that a page of small events cannot
 * become a large answer; what does not fit any more is left out, and clients may ask for the relations themselves.
 *
 * Threads: as the view.
 */
#ifndef HEARTH_SERVICE_ROOM_BUNDLE_H
#define HEARTH_SERVICE_ROOM_BUNDLE_H

#include "service/room_view.h"

/* The value of "m.relations", or NULL if there is none: there are no children of the kinds that are aggregated, or the
 * event is a state event, which has none as yet. */
const struct json *room_bundle(struct room_view *v, const struct event_row *row, const struct event *event);

#endif
