/*
 * Events as servers see them (PDUs): the parsed form, its limits, hashes and ids.
 *
 * A `struct event` is a read-only view: slices and pointers into a JSON tree in an arena. It is made by event_parse()
 * from the tree of a stranger's PDU, by event_stored.h from one of the database, or built, hashed and signed by
 * event_sign.h for events of our own.
 *
 *     JSON of a PDU --event_parse()--> struct event --auth_check()--> accepted or refused
 *          |                                                       (server-server API, "Checks performed on receipt
 *          +--event_redact()--> what hash and signature cover       of a PDU": parse is check 1)
 *
 * Three byte strings are made of a PDU, all of them canonical JSON:
 *   - the whole of it, which must not be over EVENT_SIZE_MAX;
 *   - without unsigned, signatures and hashes: SHA-256 of it is the content hash;
 *   - its redacted form without unsigned and signatures (event_signed_text): SHA-256 of it is the reference hash, which
 *     names the event, and signatures sign it.
 *
 * Pure rules: no clock, no store, no network, no log.
 * Threads: an event that nobody changes may be read by any.
 */
#ifndef HEARTH_MATRIX_EVENT_H
#define HEARTH_MATRIX_EVENT_H

#include "codec/json.h"
#include "matrix/room_version.h"

#define EVENT_SIZE_MAX        65536 /* client-server API, "Size limits" */
#define EVENT_ID_FIELD_MAX    255   /* type, state_key, sender, room_id, event ids: bytes */
#define EVENT_PREV_EVENTS_MAX 20
#define EVENT_AUTH_EVENTS_MAX 10

struct event {
    const struct room_version *version;
    const struct json *json; /* the whole PDU */
    struct str event_id;     /* the reference hash; in versions 1 and 2 a member of the PDU */
    struct str room_id;      /* also of a v12 create event, where it follows from event_id */
    struct str type;
    struct str sender;
    bool has_state_key;
    struct str state_key;
    const struct json *content; /* an object */
    struct str redacts;         /* of m.room.redaction, from where the room version puts it; else empty */
    int64_t depth;
    int64_t origin_server_ts; /* as the sender says: any integer, also a negative one */
    const struct str *prev_events;
    size_t prev_events_count;
    const struct str *auth_events;
    size_t auth_events_count;
};

/* Why an event was refused; the text is constant and names the rule, for logs and answers. NULL: it was not. */
struct event_verdict {
    const char *refused;
};

/* Reads a PDU of a room of `version` (check 1): types of all fields, sizes in canonical form, counts, identifiers, and
 * since version 6 no floats. Computes event_id, since version 3 whatever the PDU says of it. The event points into
 * `pdu` and `a`. *event_out is set only if nothing was refused.
 *
 * In versions 1 and 2 prev_events and auth_events hold pairs of ids and hashes. The hashes are not looked at: an event
 * may well be known in its redacted form, and no rule asks for them.
 *
 * `unsigned` counts towards the size: drop from a stranger's PDU what is not to be kept before calling. A v12
 * m.room.create with a room_id is read (its room_id member is then ignored); auth rule 1.2 refuses it. */
struct event_verdict event_parse(struct arena *a, const struct room_version *version, const struct json *pdu,
                                 struct event *event_out) __attribute__((warn_unused_result));

/* The membership of an m.room.member event's content, empty if absent, no string, or `event` is NULL. */
struct str event_membership(const struct event *event);
bool event_is_state(const struct event *event, struct str type, struct str state_key);

/* The redacted copy of a PDU (room version pages, "Redactions"); `unsigned` is dropped, signatures and hashes kept.
 * Shares what it keeps with `pdu`. Takes any JSON value: fields of wrong types are dropped or kept by their names
 * alone. */
struct json *event_redact(struct arena *a, const struct room_version *version, const struct json *pdu);

/* What the reference hash and signatures cover: canonical JSON of the redacted PDU without signatures, floats as in
 * event_number.h (event_parse() refuses them where the version does). In the arena; p == NULL if it is longer than
 * EVENT_SIZE_MAX or holds a number beyond all doubles. */
struct str event_signed_text(struct arena *a, const struct room_version *version, const struct json *pdu);
/* The id of a PDU: since version 4 "$" + URL-safe unpadded base64 of its reference hash, in version 3 the same in
 * standard base64, before that its member event_id, of which nothing is checked. p == NULL if there is none, or as of
 * event_signed_text(). */
struct str event_reference_id(struct arena *a, const struct room_version *version, const struct json *pdu);
/* How other events cite `event` in prev_events and auth_events: its id, or in versions 1 and 2 [id, hashes], for which
 * the whole PDU is needed. */
struct json event_citation(struct arena *a, const struct event *event);
/* The id in an item of prev_events or auth_events; p == NULL if it is none. */
struct str event_cited_id(const struct room_version *version, const struct json *citation);

/* Unpadded base64 of the content hash, as in hashes.sha256; p == NULL if the PDU is no object, is longer than
 * EVENT_SIZE_MAX, or holds a number beyond all doubles. */
struct str event_content_hash(struct arena *a, const struct json *pdu);
/* True if hashes.sha256 is the content hash of the PDU; false if there is none. */
bool event_content_hash_matches(struct arena *a, const struct json *pdu);
/* Check 3: true if the content hash is right. If not, *event becomes its redacted copy, which is what the sender must
 * be taken to have sent ("Validating hashes and signatures on received events"). Id and signatures stay as they were,
 * since they never covered more. */
bool event_settle_hash(struct arena *a, struct event *event);

/* `depth` of an event whose prev_events are at most this deep: one more, up to the version's limit. */
struct json event_next_depth(struct arena *a, const struct room_version *version, int64_t depth);

#endif
