#include "http/response.h"

#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

/* Names, values and four bytes each of the reply's own headers; the rest of RESPONSE_HEAD_MAX is for what is always
 * there. */
static const size_t own_headers_max = RESPONSE_HEAD_MAX - 768;

/* libmicrohttpd takes a pointer that is not const and does not write through it. */
static void *unconst(const char *p)
{
    void *q;
    memcpy(&q, &p, sizeof q);
    return q;
}

static struct MHD_Response *with_body(struct http_body *b)
{
    switch (b->kind) {
    case HTTP_BODY_NONE:
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    case HTTP_BODY_STATIC:
        return MHD_create_response_from_buffer(b->size, unconst(b->p), MHD_RESPMEM_PERSISTENT);
    case HTTP_BODY_HEAP:
        return MHD_create_response_from_buffer(b->size, unconst(b->p), MHD_RESPMEM_MUST_FREE);
    case HTTP_BODY_FILE:
        return MHD_create_response_from_fd_at_offset64(b->size, b->fd, b->offset);
    }
    assert(false);
}

static void add_header(struct MHD_Response *response, struct str name, struct str value)
{
    char name_z[HTTP_REPLY_MAX_HEADER_BYTES + 1], value_z[HTTP_REPLY_MAX_HEADER_BYTES + 1];
    assert(name.n < sizeof name_z && value.n < sizeof value_z);
    memcpy(name_z, name.p, name.n);
    name_z[name.n] = '\0';
    memcpy(value_z, value.p, value.n);
    value_z[value.n] = '\0';
    if (MHD_add_response_header(response, name_z, value_z) != MHD_YES)
        log_error("header refused by libmicrohttpd", LOG_STR("name", name));
}

/* What makes the reply one that can not be sent; NULL if it can. */
static const char *defect_of(const struct http_reply *r)
{
    if (r->parks)
        return "parked although it was told to answer";
    if (r->status < 200 || r->status > 599)
        return "has no valid status";
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        n += r->headers[i].name.n + r->headers[i].value.n + 4;
    return n > own_headers_max ? "has too many bytes of headers" : NULL;
}

struct MHD_Response *response_new(struct http_reply *reply, bool close, unsigned *status_out)
{
    const char *defect = defect_of(reply);
    if (defect) {
        log_error("a handler's reply can not be sent", LOG_CSTR("reply", defect), LOG_INT("status", reply->status));
        http_reply_fini(reply);
        *reply = http_reply_error(500, "M_UNKNOWN", "Internal server error");
    }
    struct MHD_Response *response = with_body(&reply->body);
    if (!response)
        memory_exhausted(reply->body.size);
    const struct http_pair *own = reply->headers;
    for (size_t i = 0; i < reply->header_count; i++)
        add_header(response, own[i].name, own[i].value);
    for (size_t i = 0; i < HTTP_STANDARD_HEADER_COUNT; i++) {
        if (!http_pairs_header(own, reply->header_count, http_standard_headers[i].name).p)
            add_header(response, http_standard_headers[i].name, http_standard_headers[i].value);
    }
    if (reply->body.kind != HTTP_BODY_NONE && reply->status != 204 && reply->status != 304)
        add_header(response, STR("Content-Type"),
                   str_of(reply->content_type ? reply->content_type : "application/json"));
    if (close || reply->close)
        add_header(response, STR("Connection"), STR("close"));
    *status_out = (unsigned)reply->status;
    return response;
}

void response_refusal(struct buf *out, unsigned status, const char *errcode, const char *message, bool without_body)
{
    char body[512];
    int n = snprintf(body, sizeof body, "{\"errcode\":\"%s\",\"error\":\"%s\"}", errcode, message);
    assert(n > 0 && (size_t)n < sizeof body);
    buf_fmt(out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n",
            status, MHD_get_reason_phrase_for(status), n);
    for (size_t i = 0; i < HTTP_STANDARD_HEADER_COUNT; i++)
        buf_fmt(out, "%.*s: %.*s\r\n", STR_ARG(http_standard_headers[i].name), STR_ARG(http_standard_headers[i].value));
    buf_add(out, STR("\r\n"));
    if (!without_body)
        buf_add_bytes(out, body, (size_t)n);
}
