#include "service/pdu_check.h"

#include "matrix/event_signers.h"

#include <string.h>

#define SIGNATURES_MAX 8 /* of one server that are looked at */

struct check {
    struct arena *a;
    const struct room_version *version;
    const struct key_source *keys;
    const struct signing_key *own;
    const struct event *event;
};

static bool find_key(const struct check *c, struct str server, struct str key_id, int64_t at_ms,
                     uint8_t key_out[ED25519_PUBLIC_SIZE])
{
    if (str_eq(server, c->own->server_name) && str_eq(key_id, c->own->key_id)) {
        memcpy(key_out, c->own->key.public_key, ED25519_PUBLIC_SIZE);
        return true;
    }
    return c->keys->find && c->keys->find(c->keys->ctx, server, key_id, at_ms, key_out);
}

/* Whether one of the server's signatures holds. */
static bool is_signed_by(const struct check *c, struct str server)
{
    const struct json *by = json_get(json_get(c->event->json, STR("signatures")), server);
    int64_t at_ms = c->version->key_validity_enforced ? c->event->origin_server_ts : 0;
    uint8_t key[ED25519_PUBLIC_SIZE];
    if (!json_is(by, JSON_OBJECT))
        return false;
    for (size_t i = 0; i < by->count && i < SIGNATURES_MAX; i++) {
        struct str key_id = by->members[i].key;
        if (find_key(c, server, key_id, at_ms, key) &&
            event_verify(c->a, c->version, c->event->json, server, key_id, key))
            return true;
    }
    return false;
}

/* Check 2, and the rule of restricted joins that asks for a signature. */
static const char *check_signatures(const struct check *c, struct pdu *pdu)
{
    struct event_signer signers[EVENT_SIGNERS_MAX];
    size_t count = event_required_signers(c->event, signers);
    for (size_t i = 0; i < count; i++) {
        if (is_signed_by(c, signers[i].server_name))
            continue;
        if (!signers[i].rejected)
            return signers[i].refused;
        pdu->rejected = signers[i].refused;
    }
    return NULL;
}

const char *pdu_check(struct arena *a, const struct room_version *version, struct str room_id,
                      const struct key_source *keys, const struct signing_key *own, const struct json *json,
                      struct pdu *pdu_out)
{
    *pdu_out = (struct pdu){0};
    if (!json_is(json, JSON_OBJECT))
        return "check 1: the PDU is no object";
    struct json *pdu = json_shallow_copy(a, json);
    json_unset(pdu, STR("unsigned"));
    struct event_verdict verdict = event_parse(a, version, pdu, &pdu_out->event);
    if (verdict.refused)
        return verdict.refused;
    if (!str_eq(pdu_out->event.room_id, room_id))
        return "check 1: room_id is that of another room";
    struct check check = {a, version, keys, own, &pdu_out->event};
    const char *refused = check_signatures(&check, pdu_out);
    if (refused)
        return refused;
    pdu_out->redacted = !event_settle_hash(a, &pdu_out->event);
    pdu_out->text = json_text(a, pdu_out->event.json);
    return NULL;
}
