/*
 * Another server, for tests of what comes from others: it has a key, and makes events of a room of ours as it sees fit.
 *
 *     struct remote eve = remote_init(&f, "remote.test", room_id);
 *     const struct json *join = remote_event(&eve, &(struct remote_draft){.type = "m.room.member", ...});
 *     remote_deliver(&eve, join, RECEIVE_ACCEPTED);
 *
 * What a draft does not say is taken from the room as it is: prev_events from its forward extremities, auth_events from
 * its state.
 */
#ifndef HEARTH_TESTS_SERVICE_REMOTE_H
#define HEARTH_TESTS_SERVICE_REMOTE_H

#include "matrix/id.h"
#include "service/room_receive.h"

#include "room_fixture.h"

struct remote {
    struct fixture *f;
    struct signing_key key;
    struct str room_id;
    int64_t valid_until_ms; /* of its key; 0: for ever */
    unsigned made;          /* events of versions 1 and 2, whose ids are numbers */
};

static inline bool remote_find_key(void *ctx, struct str server, struct str key_id, int64_t valid_at_ms,
                                   uint8_t public_key_out[ED25519_PUBLIC_SIZE])
{
    const struct remote *remote = ctx;
    if (!str_eq(server, remote->key.server_name) || !str_eq(key_id, remote->key.key_id) ||
        (remote->valid_until_ms && valid_at_ms > remote->valid_until_ms))
        return false;
    memcpy(public_key_out, remote->key.key.public_key, ED25519_PUBLIC_SIZE);
    return true;
}

static inline struct remote remote_init(struct fixture *f, const char *server_name, struct str room_id)
{
    struct remote remote = {.f = f, .room_id = room_id};
    uint8_t seed[ED25519_SEED_SIZE] = {42};
    remote.key.server_name = str_of(server_name);
    remote.key.key_id = STR("ed25519:r");
    ed25519_from_seed(seed, &remote.key.key);
    return remote;
}

/* Strings are NUL-terminated; NULL: not given. Lists end with an empty string. */
struct remote_draft {
    const char *type;
    const char *sender;
    const char *state_key;
    const char *content; /* with ' for " */
    const char *redacts;
    const char *event_id; /* in versions 1 and 2 */
    struct str prev[EVENT_PREV_EVENTS_MAX];
    struct str auth[EVENT_AUTH_EVENTS_MAX];
    int64_t ts;
    int64_t depth;
};

static inline struct room *remote_open(struct remote *r)
{
    struct room *room;
    check_ok(room_open(&r->f->services, r->room_id, ROOM_UNKNOWN, &room));
    return room;
}

/* An id as the room's version cites it, without hashes, at which nobody looks. */
static inline struct json remote_citation(struct arena *a, const struct room *room, struct str id)
{
    struct json *pair = json_array(a);
    json_push(a, pair, json_string(id));
    json_push(a, pair, *json_object(a));
    return room->version->event_format == EVENT_FORMAT_V1 ? *pair : json_string(id);
}

static inline struct json *remote_ids(struct arena *a, const struct room *room, const struct str *ids, size_t max)
{
    struct json *list = json_array(a);
    for (size_t i = 0; i < max && ids[i].n; i++)
        json_push(a, list, remote_citation(a, room, ids[i]));
    return list;
}

/* The ids of the state events that the event should cite as the room is now. */
static inline struct json *remote_auth(struct remote *r, struct room *room, const struct remote_draft *d,
                                       const struct json *content)
{
    struct arena *a = r->f->arena;
    struct auth_key keys[AUTH_KEYS_MAX];
    struct json *list = json_array(a);
    size_t count = auth_keys_select(room->version, str_of(d->type), str_of(d->sender), d->state_key != NULL,
                                    d->state_key ? str_of(d->state_key) : (struct str){0}, content, keys);
    for (size_t i = 0; i < count; i++) {
        const struct event *event;
        check_ok(room_state_now(&r->f->services, a, room, keys[i].type, keys[i].state_key, &event));
        if (event)
            json_push(a, list, remote_citation(a, room, event->event_id));
    }
    return list;
}

static inline struct json *remote_prev(struct remote *r, struct room *room)
{
    struct json *list = json_array(r->f->arena);
    mutex_lock(&room->lock);
    assert_true(room_head_load(&r->f->services, room));
    for (size_t i = 0; i < room->head.prev_count; i++)
        json_push(r->f->arena, list, *json_deep_copy(r->f->arena, room->head.prev_events[i]));
    mutex_unlock(&room->lock);
    return list;
}

/* The event before it is hashed and signed. */
static inline struct json *remote_unsealed(struct remote *r, const struct remote_draft *d)
{
    struct arena *a = r->f->arena;
    struct room *room = remote_open(r);
    struct json *pdu = json_object(a);
    struct json *content = quoted_json(a, d->content ? d->content : "{}");
    if (d->redacts && room->version->redacts_in_content)
        json_set_str(a, content, STR("redacts"), str_of(d->redacts));
    else if (d->redacts)
        json_set_str(a, pdu, STR("redacts"), str_of(d->redacts));
    if (room->version->event_format == EVENT_FORMAT_V1)
        json_set_str(a, pdu, STR("event_id"),
                     d->event_id ? str_of(d->event_id)
                                 : str_fmt(a, "$%u:%.*s", ++r->made, STR_ARG(r->key.server_name)));
    json_set_str(a, pdu, STR("type"), str_of(d->type));
    json_set_str(a, pdu, STR("sender"), str_of(d->sender));
    if (d->state_key)
        json_set_str(a, pdu, STR("state_key"), str_of(d->state_key));
    json_set(a, pdu, STR("content"), *content);
    json_set_str(a, pdu, STR("room_id"), r->room_id);
    json_set_int(a, pdu, STR("origin_server_ts"), d->ts ? d->ts : clock_now_ms());
    json_set_int(a, pdu, STR("depth"), d->depth ? d->depth : 10);
    json_set(a, pdu, STR("prev_events"),
             d->prev[0].n ? *remote_ids(a, room, d->prev, EVENT_PREV_EVENTS_MAX) : *remote_prev(r, room));
    json_set(a, pdu, STR("auth_events"),
             d->auth[0].n ? *remote_ids(a, room, d->auth, EVENT_AUTH_EVENTS_MAX) : *remote_auth(r, room, d, content));
    room_close(&r->f->services, &room);
    return pdu;
}

/* The event, hashed and signed; its id goes to *event_id_out, which may be NULL. */
static inline struct json *remote_event(struct remote *r, const struct remote_draft *d, struct str *event_id_out)
{
    struct room *room = remote_open(r);
    struct event event;
    struct json *pdu = remote_unsealed(r, d);
    struct event_verdict verdict = event_seal(r->f->arena, room->version, pdu, &r->key, &event);
    if (verdict.refused)
        fail_msg("event_seal: %s", verdict.refused);
    if (event_id_out)
        *event_id_out = event.event_id;
    room_close(&r->f->services, &room);
    return pdu;
}

/* Lets PDUs in as the options say, without looking at the outcome. */
static inline struct fault remote_receive(struct remote *r, struct receive_options options, struct received_pdu *pdus,
                                          size_t count)
{
    struct room *room = remote_open(r);
    options.keys = (struct key_source){remote_find_key, r};
    struct fault fault = room_receive(&r->f->services, r->f->arena, room, &options, pdus, count);
    room_close(&r->f->services, &room);
    return fault;
}

static inline struct received_pdu remote_deliver_at(struct remote *r, const struct json *pdu, enum receive_outcome want,
                                                    const char *what, const char *file, int line)
{
    struct received_pdu received = {.pdu = pdu};
    check_fault_at(remote_receive(r, (struct receive_options){0}, &received, 1), ERRCODE_NONE, what, file, line);
    if (received.outcome != want) {
        print_error("%s: got %.*s \"%.*s\", want %.*s\n", what, STR_ARG(receive_outcome_name(received.outcome)),
                    STR_ARG(received.rule), STR_ARG(receive_outcome_name(want)));
        _fail(file, line);
    }
    return received;
}
#define remote_deliver(r, pdu, want, what) remote_deliver_at((r), (pdu), (want), (what), __FILE__, __LINE__)

/* Makes and delivers in one; returns the event's id. */
static inline struct str remote_send_at(struct remote *r, const struct remote_draft *d, const char *file, int line)
{
    struct str event_id;
    const struct json *pdu = remote_event(r, d, &event_id);
    remote_deliver_at(r, pdu, RECEIVE_ACCEPTED, d->type, file, line);
    return event_id;
}
#define remote_send(r, ...) remote_send_at((r), &(struct remote_draft){__VA_ARGS__}, __FILE__, __LINE__)

static inline struct str remote_join_at(struct remote *r, const char *user_id, const char *file, int line)
{
    return remote_send_at(
        r,
        &(struct remote_draft){
            .type = "m.room.member", .sender = user_id, .state_key = user_id, .content = "{'membership':'join'}"},
        file, line);
}
#define remote_join(r, user_id) remote_join_at((r), (user_id), __FILE__, __LINE__)

#endif
