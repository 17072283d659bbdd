/*
 * Signed JSON, and signing and sealing events (appendices, "Signing JSON"; server-server API, "Signing Events").
 *
 * What is signed is canonical JSON without `signatures` and `unsigned`; of an event, that of its redacted form, so that
 * the signature outlives a redaction. Whose keys are to be asked, and whether they were valid at origin_server_ts, is
 * the caller's concern: these functions are given the key.
 *
 * Threads: a struct signing_key is constant after it was made.
 */
#ifndef HEARTH_MATRIX_EVENT_SIGN_H
#define HEARTH_MATRIX_EVENT_SIGN_H

#include "crypto/ed25519.h"
#include "matrix/event.h"

/* The key with which a server signs. The strings live as long as the program. */
struct signing_key {
    struct str server_name;
    struct str key_id; /* "ed25519:abc" */
    struct ed25519_key key;
};

/* Canonical JSON of an object without signatures and unsigned, in the arena: what its signatures sign. p == NULL if
 * `object` is no object or holds fractions; an integer written as 1e3 is one (events are stricter: event_parse()). */
struct str json_signed_text(struct arena *a, const struct json *object);
/* Adds signatures[server_name][key_id] over json_signed_text(). Others' signatures stay; `signatures` that is no object
 * is replaced. `object` must hold no floats (asserted). */
void json_sign(struct arena *a, struct json *object, const struct signing_key *key);
/* True if `object` carries a signature of `server_name` by `key_id` that `public_key` verifies. */
bool json_verify(struct arena *a, const struct json *object, struct str server_name, struct str key_id,
                 const uint8_t public_key[ED25519_PUBLIC_SIZE]) __attribute__((warn_unused_result));

/* Completes a PDU of our own: sets hashes, signs the redacted form, computes the id and parses the result into
 * *event_out, which points into `pdu`. `pdu` holds everything but hashes and signatures (which are replaced); in
 * versions 1 and 2 also event_id, which event_id_make() gives. It is changed, and is not to be used when refused.
 * Refused if what was built breaks the format or its limits: an event too large, or floats in content, are the usual
 * reasons; where the version allows floats, they are written in the form that others hash (event_number.h). */
struct event_verdict event_seal(struct arena *a, const struct room_version *version, struct json *pdu,
                                const struct signing_key *key, struct event *event_out)
    __attribute__((warn_unused_result));

/* "$opaque:server_name", the id of an event of our own in versions 1 and 2. `opaque` is of the characters of opaque
 * identifiers, and random: whoever guesses an id can use it first. */
struct str event_id_make(struct arena *a, struct str opaque, struct str server_name);

/* Adds our signature to somebody else's complete PDU: invites to our users, restricted joins that we authorise. False
 * if it is too large to sign or holds floats. */
bool event_cosign(struct arena *a, const struct room_version *version, struct json *pdu, const struct signing_key *key)
    __attribute__((warn_unused_result));
/* True if the PDU carries a signature of `server_name` by `key_id` that `public_key` verifies (check 2). */
bool event_verify(struct arena *a, const struct room_version *version, const struct json *pdu, struct str server_name,
                  struct str key_id, const uint8_t public_key[ED25519_PUBLIC_SIZE]) __attribute__((warn_unused_result));

#endif
