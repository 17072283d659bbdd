/*
 * Filters of /sync, /messages, /context and /members (client-server API, "Filtering").
 *
 * A filter is read once from its JSON, which must outlive it, and then asked for each event. Absent lists match
 * everything; an empty list in `types`, `senders` or `rooms` matches nothing, as the specification has it.
 *
 * Pure: no store, no clock.
 */
#ifndef HEARTH_MATRIX_FILTER_H
#define HEARTH_MATRIX_FILTER_H

#include "codec/json.h"
#include "matrix/errcode.h"

struct event_filter {
    const struct json *types; /* arrays of strings, or NULL */
    const struct json *not_types;
    const struct json *senders;
    const struct json *not_senders;
    const struct json *rooms;
    const struct json *not_rooms;
    int64_t limit; /* 0: not given */
    bool has_contains_url;
    bool contains_url;
    bool lazy_load_members;
    bool include_redundant_members;
    bool unread_thread_notifications;
};

struct sync_filter {
    const struct json *event_fields; /* array of dotted paths, or NULL */
    bool federation_format;
    bool include_leave;
    const struct json *rooms;
    const struct json *not_rooms;
    struct event_filter presence;
    struct event_filter account_data;
    struct event_filter room_state;
    struct event_filter room_timeline;
    struct event_filter room_ephemeral;
    struct event_filter room_account_data;
};

/* Reads a RoomEventFilter or EventFilter; `json` NULL gives one that matches everything. The fault names the field. */
struct fault event_filter_read(struct arena *a, const struct json *json, struct event_filter *out)
    __attribute__((warn_unused_result));
/* Reads a whole Filter as POST /filter takes it. */
struct fault sync_filter_read(struct arena *a, const struct json *json, struct sync_filter *out)
    __attribute__((warn_unused_result));

/* Whether an event of this type, sender and content passes (rooms are asked for apart). */
bool event_filter_match(const struct event_filter *f, struct str type, struct str sender, const struct json *content);
/* Whether events of this room pass. */
bool event_filter_match_room(const struct event_filter *f, struct str room_id);
bool sync_filter_match_room(const struct sync_filter *f, struct str room_id);

/* The event with only the fields that `event_fields` names; the event itself if the filter names none. */
const struct json *sync_filter_fields(struct arena *a, const struct sync_filter *f, const struct json *event);

#endif
