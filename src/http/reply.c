#include "http/reply.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Smaller buffers are left as large as they have grown. */
static const size_t shrink_from = 64 << 10;

const struct http_pair http_standard_headers[HTTP_STANDARD_HEADER_COUNT] = {
    {STR_INIT("Access-Control-Allow-Origin"), STR_INIT("*")},
    {STR_INIT("Access-Control-Allow-Methods"), STR_INIT("GET, POST, PUT, DELETE, OPTIONS")},
    {STR_INIT("Access-Control-Allow-Headers"), STR_INIT("X-Requested-With, Content-Type, Authorization")},
};

struct http_reply http_reply_take(int status, struct buf *body)
{
    if (!buf_ok(body)) {
        buf_fini(body);
        return http_reply_static(500, STR("{\"errcode\":\"M_UNKNOWN\",\"error\":\"The answer is too large\"}"));
    }
    struct http_reply r = {.status = status, .body = {.kind = HTTP_BODY_HEAP, .fd = -1}};
    size_t cap = body->cap;
    char *p = buf_take(body, &r.body.size);
    /* A client that reads slowly keeps it for long. */
    if (p && cap > shrink_from && cap - r.body.size > cap / 8)
        p = memory_resize(p, r.body.size);
    r.body.p = p;
    return r;
}

struct http_reply http_reply_static(int status, struct str body)
{
    return (struct http_reply){.status = status,
                               .body = {.kind = HTTP_BODY_STATIC, .p = body.p, .size = body.n, .fd = -1}};
}

struct http_reply http_reply_file(int status, int fd, uint64_t offset, size_t size, const char *content_type)
{
    return (struct http_reply){.status = status,
                               .content_type = content_type,
                               .body = {.kind = HTTP_BODY_FILE, .fd = fd, .offset = offset, .size = size}};
}

struct http_reply http_reply_error(int status, const char *errcode, const char *message)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_fmt(&b, "{\"errcode\":\"%s\",\"error\":\"%s\"}", errcode, message);
    return http_reply_take(status, &b);
}

struct http_reply http_reply_limited(const char *message, struct str seconds)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_fmt(&b, "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"error\":\"%s\",\"retry_after_ms\":%.*s000}", message,
            STR_ARG(seconds));
    struct http_reply reply = http_reply_take(429, &b);
    bool added = http_reply_header(&reply, STR("Retry-After"), seconds);
    assert(added);
    return reply;
}

struct http_reply http_reply_park(struct http_park park)
{
    assert(park.key_count <= HTTP_PARK_MAX_KEYS);
    return (struct http_reply){.parks = true, .park = park, .body = {.fd = -1}};
}

static bool is_header_text(struct str s)
{
    return s.n <= HTTP_REPLY_MAX_HEADER_BYTES && str_find(s, '\0') == s.n && str_find(s, '\r') == s.n &&
           str_find(s, '\n') == s.n;
}

bool http_reply_header(struct http_reply *r, struct str name, struct str value)
{
    if (r->header_count == HTTP_REPLY_MAX_HEADERS || name.n == 0 || !is_header_text(name) || !is_header_text(value))
        return false;
    r->headers[r->header_count++] = (struct http_pair){name, value};
    return true;
}

void http_reply_fini(struct http_reply *r)
{
    switch (r->body.kind) {
    case HTTP_BODY_HEAP: {
        /* The bytes were malloc'ed as char *; they are const only to those who read them. */
        void *p;
        memcpy(&p, &r->body.p, sizeof p);
        free(p);
        break;
    }
    case HTTP_BODY_FILE:
        close(r->body.fd);
        break;
    case HTTP_BODY_NONE:
    case HTTP_BODY_STATIC:
        break;
    }
    r->body = (struct http_body){.fd = -1};
}
