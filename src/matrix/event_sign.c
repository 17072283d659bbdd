#include "matrix/event_sign.h"

#include "codec/base64.h"
#include "matrix/event_number.h"
#include "matrix/id.h"

#include <assert.h>

static const struct str hashes_key = STR_INIT("hashes");
static const struct str signatures_key = STR_INIT("signatures");
static const struct str unsigned_key = STR_INIT("unsigned");

/* A container that may be changed: a copy of the member if it is an object, else a new one. */
static struct json *own_object(struct arena *a, const struct json *object, struct str key)
{
    const struct json *member = json_get(object, key);
    return json_is(member, JSON_OBJECT) ? json_shallow_copy(a, member) : json_object(a);
}

static void add_signature(struct arena *a, struct json *object, const struct signing_key *key, struct str text)
{
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    ed25519_sign(&key->key, text, signature);
    struct json *signatures = own_object(a, object, signatures_key);
    struct json *ours = own_object(a, signatures, key->server_name);
    json_set_str(a, ours, key->key_id, base64_encode(a, signature, sizeof(signature)));
    json_set(a, signatures, key->server_name, *ours);
    json_set(a, object, signatures_key, *signatures);
}

static bool verify_text(struct arena *a, const struct json *object, struct str server_name, struct str key_id,
                        const uint8_t public_key[ED25519_PUBLIC_SIZE], struct str text)
{
    struct str given = json_str_at(json_get(json_get(object, signatures_key), server_name), key_id);
    struct str signature;
    return text.p && given.p && base64_decode_loose(a, given, &signature) && signature.n == ED25519_SIGNATURE_SIZE &&
           ed25519_verify(public_key, text, (const uint8_t *)signature.p);
}

struct str json_signed_text(struct arena *a, const struct json *object)
{
    if (!json_is(object, JSON_OBJECT))
        return (struct str){NULL, 0};
    struct json *covered = json_shallow_copy(a, object);
    json_unset(covered, signatures_key);
    json_unset(covered, unsigned_key);
    const struct json *canonical = json_canonical(a, covered);
    return canonical ? json_text(a, canonical) : (struct str){NULL, 0};
}

void json_sign(struct arena *a, struct json *object, const struct signing_key *key)
{
    struct str text = json_signed_text(a, object);
    assert(text.p);
    add_signature(a, object, key, text);
}

bool json_verify(struct arena *a, const struct json *object, struct str server_name, struct str key_id,
                 const uint8_t public_key[ED25519_PUBLIC_SIZE])
{
    return verify_text(a, object, server_name, key_id, public_key, json_signed_text(a, object));
}

struct event_verdict event_seal(struct arena *a, const struct room_version *version, struct json *pdu,
                                const struct signing_key *key, struct event *event_out)
{
    assert(json_is(pdu, JSON_OBJECT));
    json_unset(pdu, signatures_key);
    const struct json *canonical = event_canonical(a, pdu);
    if (!canonical || (version->strict_json && canonical != pdu))
        return (struct event_verdict){"event format: holds a number that canonical JSON cannot express"};
    *pdu = *canonical;
    struct str hash = event_content_hash(a, pdu);
    if (!hash.p)
        return (struct event_verdict){"event format: larger than 65536 bytes"};
    struct json *hashes = json_object(a);
    json_set_str(a, hashes, STR("sha256"), hash);
    json_set(a, pdu, hashes_key, *hashes);
    if (!event_cosign(a, version, pdu, key))
        return (struct event_verdict){"event format: larger than 65536 bytes"};
    return event_parse(a, version, pdu, event_out);
}

bool event_cosign(struct arena *a, const struct room_version *version, struct json *pdu, const struct signing_key *key)
{
    struct str text = event_signed_text(a, version, pdu);
    if (text.p)
        add_signature(a, pdu, key, text);
    return text.p != NULL;
}

bool event_verify(struct arena *a, const struct room_version *version, const struct json *pdu, struct str server_name,
                  struct str key_id, const uint8_t public_key[ED25519_PUBLIC_SIZE])
{
    return verify_text(a, pdu, server_name, key_id, public_key, event_signed_text(a, version, pdu));
}

struct str event_id_make(struct arena *a, struct str opaque, struct str server_name)
{
    assert(opaque_id_valid(opaque));
    return str_fmt(a, "$%.*s:%.*s", STR_ARG(opaque), STR_ARG(server_name));
}
