/*
 * From a reply to what goes over the wire: a response of libmicrohttpd, or the text of a refusal.
 *
 * Threads: any.
 */
#ifndef HEARTH_HTTP_RESPONSE_H
#define HEARTH_HTTP_RESPONSE_H

#include "http/reply.h"

struct MHD_Response;

/* What the head of a response may take in the memory of its connection, all headers included. */
#define RESPONSE_HEAD_MAX 3072

/* Takes over what the reply owns, and copies its headers. `close` ends the connection after it. *status_out is the
 * status to send, which is not the reply's if the reply can not be sent as it is. */
struct MHD_Response *response_new(struct http_reply *reply, bool close, unsigned *status_out)
    __attribute__((warn_unused_result, returns_nonnull));

/* The whole text of an error response that ends its connection. `errcode` and `message` need no escaping in JSON. */
void response_refusal(struct buf *out, unsigned status, const char *errcode, const char *message, bool without_body);

#endif
