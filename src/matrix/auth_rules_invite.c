/*
 * Rule 4.4.1: an invitation that redeems one of a third-party identifier (an e-mail address, mostly).
 *
 * The room holds an m.room.third_party_invite with public keys; who shows that a user ID belongs to the identifier has
 * content.third_party_invite.signed signed with one of their secret halves.
 */
#include "codec/base64.h"
#include "matrix/auth_rules_check.h"
#include "matrix/event_sign.h"
#include "matrix/id.h"

/* Any signature may match any key, so a stranger sets both numbers: 600 of each fit into events, which would be 18
 * seconds of work. Real invitations have one signature and two keys; what is over this limit is not looked at. */
#define TRIES_MAX 512

struct signed_part {
    struct arena *arena;
    const struct json *signatures;
    struct str text;
    unsigned tries;
};

/* "using the standard or URL-safe alphabets" (m.room.third_party_invite). */
static bool decode(struct arena *a, const struct json *base64, size_t size, struct str *out)
{
    return json_is(base64, JSON_STRING) &&
           (base64_decode_loose(a, base64->s, out) || base64_url_decode(a, base64->s, out)) && out->n == size;
}

/* Whether a key verifies any signature of any server. */
static bool key_verifies(struct signed_part *part, const struct json *public_key)
{
    struct str key, signature;
    if (!decode(part->arena, public_key, ED25519_PUBLIC_SIZE, &key))
        return false;
    for (uint32_t i = 0; i < part->signatures->count; i++) {
        const struct json *server = &part->signatures->members[i].value;
        for (uint32_t k = 0; json_is(server, JSON_OBJECT) && k < server->count; k++) {
            if (!str_starts(server->members[k].key, STR("ed25519:")) ||
                !decode(part->arena, &server->members[k].value, ED25519_SIGNATURE_SIZE, &signature))
                continue;
            if (part->tries++ >= TRIES_MAX)
                return false;
            if (ed25519_verify((const uint8_t *)key.p, part->text, (const uint8_t *)signature.p))
                return true;
        }
    }
    return false;
}

static bool any_key_verifies(struct arena *a, const struct json *signed_object, const struct json *keys)
{
    struct signed_part part = {
        .arena = a,
        .signatures = json_get(signed_object, STR("signatures")),
        .text = json_signed_text(a, signed_object),
    };
    if (!part.text.p || !json_is(part.signatures, JSON_OBJECT))
        return false;
    if (key_verifies(&part, json_get(keys, STR("public_key")))) /* 4.4.1.7.1 */
        return true;
    const struct json *list = json_get(keys, STR("public_keys")); /* 4.4.1.7.2 */
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->count && part.tries < TRIES_MAX; i++) {
        if (key_verifies(&part, json_get(&list->items[i], STR("public_key"))))
            return true;
    }
    return false;
}

struct event_verdict auth_rules_invite_third_party(const struct auth_rules_check *check)
{
    const struct event *event = check->event;
    if (str_eq(auth_rules_membership(check, event->state_key), STR("ban"))) /* 4.4.1.1 */
        return AUTH_REFUSE_MEMBER(event, "3.1.1", "4.1.1", "third-party invite: the invited user is banned");
    const struct json *signed_object = json_get(json_get(event->content, STR("third_party_invite")), STR("signed"));
    if (!signed_object) /* 4.4.1.2 */
        return AUTH_REFUSE_MEMBER(event, "3.1.2", "4.1.2", "third-party invite: there is no `signed`");
    struct str mxid = json_str_at(signed_object, STR("mxid"));
    struct str token = json_str_at(signed_object, STR("token"));
    if (!mxid.p || !token.p) /* 4.4.1.3 */
        return AUTH_REFUSE_MEMBER(event, "3.1.3", "4.1.3", "third-party invite: `signed` has no mxid or no token");
    if (!str_eq(mxid, event->state_key)) /* 4.4.1.4 */
        return AUTH_REFUSE_MEMBER(event, "3.1.4", "4.1.4", "third-party invite: mxid is not the state_key");
    const struct event *invite = check->state.get(check->state.ctx, STR("m.room.third_party_invite"), token);
    if (!invite) /* 4.4.1.5 */
        return AUTH_REFUSE_MEMBER(event, "3.1.5", "4.1.5", "third-party invite: the room has none with this token");
    if (!str_eq(event->sender, invite->sender)) /* 4.4.1.6 */
        return AUTH_REFUSE_MEMBER(event, "3.1.6", "4.1.6", "third-party invite: the sender did not issue it");
    struct arena_mark mark = arena_mark(check->arena);
    bool verified = any_key_verifies(check->arena, signed_object, invite->content); /* 4.4.1.7 */
    arena_release(check->arena, mark);
    if (!verified) /* 4.4.1.8 */
        return AUTH_REFUSE_MEMBER(event, "3.1.8", "4.1.8", "third-party invite: no signature matches a key of it");
    return AUTH_ALLOW;
}
