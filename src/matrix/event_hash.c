/* The hashes of events ("Calculating the reference hash for an event", "... the content hash ..."). */
#include "codec/base64.h"
#include "crypto/hash.h"
#include "matrix/event.h"
#include "matrix/event_number.h"

#include <assert.h>
#include <string.h>

/* Canonical JSON within the limit, p == NULL otherwise. The buffer is the caller's to free, as long as the text lives.
 */
static struct str canonical_text(struct arena *a, struct buf *b, const struct json *v)
{
    buf_init(b, EVENT_SIZE_MAX);
    v = event_canonical(a, v);
    if (!v)
        return (struct str){NULL, 0};
    json_write(b, v);
    return buf_ok(b) ? buf_str(b) : (struct str){NULL, 0};
}

struct str event_signed_text(struct arena *a, const struct room_version *version, const struct json *pdu)
{
    struct json *redacted = event_redact(a, version, pdu);
    json_unset(redacted, STR("signatures"));
    struct buf b;
    struct str text = canonical_text(a, &b, redacted);
    if (text.p)
        text = str_copy(a, text);
    buf_fini(&b);
    return text;
}

static bool reference_hash(struct arena *a, const struct room_version *version, const struct json *pdu,
                           uint8_t out[SHA256_SIZE])
{
    struct str text = event_signed_text(a, version, pdu);
    if (text.p)
        hash_sha256(text, out);
    return text.p != NULL;
}

struct str event_reference_id(struct arena *a, const struct room_version *version, const struct json *pdu)
{
    uint8_t hash[SHA256_SIZE];
    if (version->event_format == EVENT_FORMAT_V1)
        return json_str_at(pdu, STR("event_id"));
    if (!reference_hash(a, version, pdu, hash))
        return (struct str){NULL, 0};
    bool url_safe = version->event_format == EVENT_FORMAT_V4;
    struct str text = url_safe ? base64_url_encode(a, hash, sizeof(hash)) : base64_encode(a, hash, sizeof(hash));
    return str_fmt(a, "$%.*s", STR_ARG(text));
}

struct json event_citation(struct arena *a, const struct event *event)
{
    uint8_t hash[SHA256_SIZE];
    if (event->version->event_format != EVENT_FORMAT_V1)
        return json_string(event->event_id);
    struct json *pair = json_array(a), *hashes = json_object(a);
    if (reference_hash(a, event->version, event->json, hash))
        json_set_str(a, hashes, STR("sha256"), base64_encode(a, hash, sizeof(hash)));
    json_push(a, pair, json_string(event->event_id));
    json_push(a, pair, *hashes);
    return *pair;
}

/* False if the PDU has no content hash. */
static bool content_hash(struct arena *a, const struct json *pdu, uint8_t out[SHA256_SIZE])
{
    if (!json_is(pdu, JSON_OBJECT))
        return false;
    struct json *covered = json_shallow_copy(a, pdu);
    json_unset(covered, STR("hashes"));
    json_unset(covered, STR("signatures"));
    json_unset(covered, STR("unsigned"));
    struct buf b;
    struct str text = canonical_text(a, &b, covered);
    if (text.p)
        hash_sha256(text, out);
    buf_fini(&b);
    return text.p != NULL;
}

struct str event_content_hash(struct arena *a, const struct json *pdu)
{
    uint8_t hash[SHA256_SIZE];
    if (!content_hash(a, pdu, hash))
        return (struct str){NULL, 0};
    return base64_encode(a, hash, sizeof(hash));
}

bool event_content_hash_matches(struct arena *a, const struct json *pdu)
{
    uint8_t want[SHA256_SIZE];
    struct str given = json_str_at(json_get(pdu, STR("hashes")), STR("sha256"));
    if (!given.p || !content_hash(a, pdu, want))
        return false;
    struct str decoded;
    return base64_decode_loose(a, given, &decoded) && decoded.n == sizeof(want) &&
           memcmp(decoded.p, want, sizeof(want)) == 0;
}

bool event_settle_hash(struct arena *a, struct event *event)
{
    if (event_content_hash_matches(a, event->json))
        return true;
    struct event redacted;
    struct event_verdict v = event_parse(a, event->version, event_redact(a, event->version, event->json), &redacted);
    /* All that the format asks for is kept, and nothing is added. */
    assert(!v.refused && str_eq(redacted.event_id, event->event_id));
    *event = redacted;
    return false;
}
