/*
 * The checks on receipt of a PDU that need neither its room's events nor a lock: format, signatures, content hash
 * (server-server API, "Checks performed on receipt of a PDU", 1 to 3).
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_PDU_CHECK_H
#define HEARTH_SERVICE_PDU_CHECK_H

#include "matrix/event_sign.h"

/* Finds keys of other servers. */
struct key_source {
    /* The public key, if `server_name` had it at `valid_at_ms` (0: at any time); it must not block. */
    bool (*find)(void *ctx, struct str server_name, struct str key_id, int64_t valid_at_ms,
                 uint8_t public_key_out[ED25519_PUBLIC_SIZE]);
    void *ctx;
};

/* A PDU that goes on. */
struct pdu {
    struct event event;
    struct str text;      /* what is stored: canonical JSON, without `unsigned` */
    bool redacted;        /* the content hash did not match: it is what a redaction leaves */
    const char *rejected; /* it is to be rejected, by a rule that only signatures can tell; or NULL */
};

/* Checks a PDU of the room; NULL if it goes on, else the rule for which it is dropped (pdu_out->event.event_id is set
 * if it was known by then). `own` is our key, which is known without `keys`. Points into `a` and `json`. */
const char *pdu_check(struct arena *a, const struct room_version *version, struct str room_id,
                      const struct key_source *keys, const struct signing_key *own, const struct json *json,
                      struct pdu *pdu_out) __attribute__((warn_unused_result));

#endif
