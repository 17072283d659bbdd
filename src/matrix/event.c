/* Reading a PDU ("Checks performed on receipt of a PDU", check 1). */
#include "matrix/event.h"

#include "matrix/event_number.h"
#include "matrix/id.h"

#include <inttypes.h>
#include <string.h>

#define REFUSE(text) ((struct event_verdict){"event format: " text})
#define ALLOW        ((struct event_verdict){NULL})

/* Members that must be there, each with its type; what else is asked of some stands in the functions below. */
static const struct field {
    struct str name;
    enum json_type type;
    const char *refusal;
} required[] = {
    {STR_INIT("auth_events"), JSON_ARRAY, "event format: auth_events is missing or no array"},
    {STR_INIT("content"), JSON_OBJECT, "event format: content is missing or no object"},
    {STR_INIT("hashes"), JSON_OBJECT, "event format: hashes is missing or no object"},
    {STR_INIT("prev_events"), JSON_ARRAY, "event format: prev_events is missing or no array"},
    {STR_INIT("sender"), JSON_STRING, "event format: sender is missing or no string"},
    {STR_INIT("signatures"), JSON_OBJECT, "event format: signatures is missing or no object"},
    {STR_INIT("type"), JSON_STRING, "event format: type is missing or no string"},
};

static struct event_verdict check_types(const struct json *pdu)
{
    if (!json_is(pdu, JSON_OBJECT))
        return REFUSE("not an object");
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (!json_is(json_get(pdu, required[i].name), required[i].type))
            return (struct event_verdict){required[i].refusal};
    }
    const struct json *unsigned_part = json_get(pdu, STR("unsigned"));
    if (unsigned_part && unsigned_part->type != JSON_OBJECT)
        return REFUSE("unsigned is no object");
    if (!json_str_at(json_get(pdu, STR("hashes")), STR("sha256")).p)
        return REFUSE("hashes.sha256 is missing or no string");
    return ALLOW;
}

/* signatures: server name -> key id -> base64. */
static struct event_verdict check_signatures(const struct json *signatures)
{
    for (uint32_t i = 0; i < signatures->count; i++) {
        const struct json *keys = &signatures->members[i].value;
        if (keys->type != JSON_OBJECT)
            return REFUSE("signatures of a server are no object");
        for (uint32_t k = 0; k < keys->count; k++) {
            if (keys->members[k].value.type != JSON_STRING)
                return REFUSE("a signature is no string");
        }
    }
    return ALLOW;
}

struct str event_cited_id(const struct room_version *version, const struct json *citation)
{
    const struct str none = {NULL, 0};
    const struct json *id = citation;
    if (version->event_format == EVENT_FORMAT_V1) {
        if (!json_is(citation, JSON_ARRAY) || citation->count != 2 || citation->items[1].type != JSON_OBJECT)
            return none;
        id = &citation->items[0];
    }
    return json_is(id, JSON_STRING) && event_id_valid(id->s) ? id->s : none;
}

/* The ids that an array cites, or NULL if an item is no citation. */
static const struct str *read_event_ids(struct arena *a, const struct room_version *version, const struct json *array)
{
    struct str *ids = ARENA_ARRAY(a, array->count, struct str);
    for (uint32_t i = 0; i < array->count; i++) {
        ids[i] = event_cited_id(version, &array->items[i]);
        if (!ids[i].p)
            return NULL;
    }
    return ids;
}

static struct event_verdict read_edges(struct arena *a, const struct json *pdu, struct event *e)
{
    const struct json *prev_events = json_get(pdu, STR("prev_events"));
    const struct json *auth_events = json_get(pdu, STR("auth_events"));
    if (prev_events->count > EVENT_PREV_EVENTS_MAX)
        return REFUSE("more than 20 prev_events");
    if (auth_events->count > EVENT_AUTH_EVENTS_MAX)
        return REFUSE("more than 10 auth_events");
    e->prev_events = read_event_ids(a, e->version, prev_events);
    e->prev_events_count = prev_events->count;
    if (!e->prev_events)
        return REFUSE("prev_events holds what is no event ID of the room version's form");
    e->auth_events = read_event_ids(a, e->version, auth_events);
    e->auth_events_count = auth_events->count;
    if (!e->auth_events)
        return REFUSE("auth_events holds what is no event ID of the room version's form");
    return ALLOW;
}

/* Up to 2^63-1; read_whole() sees to 2^53-1 where that is the limit. */
static struct event_verdict read_numbers(const struct json *pdu, struct event *e)
{
    if (!event_integer(json_get(pdu, STR("depth")), &e->depth))
        return REFUSE("depth is missing, too large, or no integer");
    if (e->depth < 0)
        return REFUSE("depth is negative");
    if (!event_integer(json_get(pdu, STR("origin_server_ts")), &e->origin_server_ts))
        return REFUSE("origin_server_ts is missing, too large, or no integer");
    return ALLOW;
}

static struct event_verdict read_strings(const struct json *pdu, struct event *e)
{
    e->type = json_str_at(pdu, STR("type"));
    e->sender = json_str_at(pdu, STR("sender"));
    e->content = json_get(pdu, STR("content"));
    if (e->type.n > EVENT_ID_FIELD_MAX)
        return REFUSE("type is longer than 255 bytes");
    if (!user_id_valid(e->sender))
        return REFUSE("sender is no user ID of at most 255 bytes");

    const struct json *state_key = json_get(pdu, STR("state_key"));
    if (state_key && state_key->type != JSON_STRING)
        return REFUSE("state_key is no string");
    e->has_state_key = state_key != NULL;
    e->state_key = state_key ? state_key->s : STR("");
    if (e->state_key.n > EVENT_ID_FIELD_MAX)
        return REFUSE("state_key is longer than 255 bytes");
    return ALLOW;
}

static bool is_create(const struct event *e)
{
    return str_eq(e->type, STR("m.room.create"));
}

/* room_id as the version wants it; that of a v12 create event is left empty and follows from the event's id. */
static struct event_verdict read_room_id(const struct json *pdu, struct event *e)
{
    const struct json *room_id = json_get(pdu, STR("room_id"));
    if (room_id && room_id->type != JSON_STRING)
        return REFUSE("room_id is no string");
    if (e->version->room_id_is_create_hash && is_create(e))
        return ALLOW;
    if (!room_id)
        return REFUSE("room_id is missing");
    if (!room_id_valid(room_id->s))
        return REFUSE("room_id is no room ID of at most 255 bytes");
    e->room_id = room_id->s;
    return ALLOW;
}

/* Where `redacts` is a member of the PDU the format says what it is; in content it is anyone's, like all of content. */
static struct event_verdict read_redacts(const struct json *pdu, struct event *e)
{
    e->redacts = STR("");
    if (!str_eq(e->type, STR("m.room.redaction")))
        return ALLOW;
    bool in_content = e->version->redacts_in_content;
    const struct json *redacts = json_get(in_content ? e->content : pdu, STR("redacts"));
    if (json_is(redacts, JSON_STRING) && event_id_valid(redacts->s))
        e->redacts = redacts->s;
    else if (redacts && !in_content)
        return REFUSE("redacts is no event ID");
    return ALLOW;
}

static bool cites(const struct str *ids, size_t count, struct str id)
{
    size_t i = 0;
    while (i < count && !str_eq(ids[i], id))
        i++;
    return i < count;
}

/* Nobody can cite an event by the hash of what cites it, but by an id of his choice. */
static struct event_verdict read_given_id(const struct json *pdu, struct event *e)
{
    struct str id = json_str_at(pdu, STR("event_id"));
    if (!event_id_with_server_valid(id))
        return REFUSE("event_id is missing, or no event ID with a server name of at most 255 bytes");
    if (cites(e->prev_events, e->prev_events_count, id) || cites(e->auth_events, e->auth_events_count, id))
        return REFUSE("prev_events or auth_events hold the event itself");
    return ALLOW;
}

/* Size and numbers of the whole. */
static struct event_verdict check_whole(struct arena *a, const struct room_version *version, const struct json *pdu)
{
    if (version->strict_json && !json_is_canonical(pdu))
        return REFUSE("holds a number that canonical JSON cannot express");
    const struct json *canonical = event_canonical(a, pdu);
    if (!canonical)
        return REFUSE("holds a number that is beyond all doubles");
    struct buf text;
    buf_init(&text, EVENT_SIZE_MAX);
    json_write(&text, canonical);
    bool fits = buf_ok(&text);
    buf_fini(&text);
    return fits ? ALLOW : REFUSE("larger than 65536 bytes");
}

/* The whole, and the id, which hashes a part of it. */
static struct event_verdict read_whole(struct arena *a, const struct json *pdu, struct event *e)
{
    struct event_verdict v = check_whole(a, e->version, pdu);
    if (!v.refused && e->version->event_format == EVENT_FORMAT_V1)
        v = read_given_id(pdu, e);
    if (v.refused)
        return v;
    e->event_id = event_reference_id(a, e->version, pdu);
    if (e->version->room_id_is_create_hash && is_create(e)) {
        char *room_id = arena_alloc(a, e->event_id.n);
        memcpy(room_id, e->event_id.p, e->event_id.n);
        room_id[0] = '!';
        e->room_id = (struct str){room_id, e->event_id.n};
    }
    return ALLOW;
}

struct event_verdict event_parse(struct arena *a, const struct room_version *version, const struct json *pdu,
                                 struct event *event_out)
{
    struct event e = {.version = version, .json = pdu};
    struct event_verdict v = check_types(pdu);
    if (!v.refused)
        v = check_signatures(json_get(pdu, STR("signatures")));
    if (!v.refused)
        v = read_edges(a, pdu, &e);
    if (!v.refused)
        v = read_numbers(pdu, &e);
    if (!v.refused)
        v = read_strings(pdu, &e);
    if (!v.refused)
        v = read_room_id(pdu, &e);
    if (!v.refused)
        v = read_redacts(pdu, &e);
    if (!v.refused)
        v = read_whole(a, pdu, &e);
    if (!v.refused)
        *event_out = e;
    return v;
}

struct str event_membership(const struct event *event)
{
    struct str membership = event ? json_str_at(event->content, STR("membership")) : STR("");
    return membership.p ? membership : STR("");
}

bool event_is_state(const struct event *event, struct str type, struct str state_key)
{
    return event->has_state_key && str_eq(event->type, type) && str_eq(event->state_key, state_key);
}

struct json event_next_depth(struct arena *a, const struct room_version *version, int64_t depth)
{
    int64_t limit = version->strict_json ? JSON_INT_MAX : INT64_MAX;
    int64_t next = depth < limit ? depth + 1 : limit;
    if (next <= JSON_INT_MAX)
        return json_int(next);
    return (struct json){.type = JSON_FLOAT, .s = str_fmt(a, "%" PRId64, next)};
}
