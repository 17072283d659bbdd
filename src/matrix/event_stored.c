#include "matrix/event_stored.h"

#include "matrix/event_number.h"

struct str room_id_of_create(struct arena *a, struct str create_event_id)
{
    return str_fmt(a, "!%.*s", STR_ARG(str_slice(create_event_id, 1, create_event_id.n)));
}

struct str create_of_room_id(struct arena *a, struct str room_id)
{
    return str_fmt(a, "$%.*s", STR_ARG(str_slice(room_id, 1, room_id.n)));
}

static const struct str *read_ids(struct arena *a, const struct room_version *version, const struct json *list,
                                  size_t *count_out)
{
    *count_out = 0;
    if (!json_is(list, JSON_ARRAY))
        return NULL;
    struct str *ids = ARENA_ARRAY(a, list->count, struct str);
    for (size_t i = 0; i < list->count; i++) {
        ids[*count_out] = event_cited_id(version, &list->items[i]);
        *count_out += ids[*count_out].p != NULL;
    }
    return ids;
}

void event_view_stored(struct arena *a, const struct room_version *version, struct str event_id, const struct json *pdu,
                       struct event *event_out)
{
    struct event e = {.version = version, .json = pdu, .event_id = event_id};
    e.type = json_str_at(pdu, STR("type"));
    e.sender = json_str_at(pdu, STR("sender"));
    e.room_id = json_str_at(pdu, STR("room_id"));
    if (!e.room_id.p)
        e.room_id = room_id_of_create(a, event_id);
    e.state_key = json_str_at(pdu, STR("state_key"));
    e.has_state_key = e.state_key.p != NULL;
    e.content = json_get(pdu, STR("content"));
    e.redacts = json_str_at(version->redacts_in_content ? e.content : pdu, STR("redacts"));
    (void)event_integer(json_get(pdu, STR("depth")), &e.depth);
    (void)event_integer(json_get(pdu, STR("origin_server_ts")), &e.origin_server_ts);
    e.prev_events = read_ids(a, version, json_get(pdu, STR("prev_events")), &e.prev_events_count);
    e.auth_events = read_ids(a, version, json_get(pdu, STR("auth_events")), &e.auth_events_count);
    *event_out = e;
}

bool event_read_stored(struct arena *a, const struct room_version *version, struct str event_id, struct str pdu,
                       struct event *event_out)
{
    struct json_result r = json_parse(a, pdu, JSON_DEPTH_MAX);
    if (!json_is(r.value, JSON_OBJECT))
        return false;
    event_view_stored(a, version, event_id, r.value, event_out);
    return true;
}
