/*
 * What a handler sees and says.
 *
 * A handler answers one endpoint: it reads fields, calls one service, writes the reply. Everything else happened before
 * it (dispatch.c, driven by the row of the route table): path and method matched, CORS, token checked, body limited and
 * parsed, and happens after it: standard headers, access log.
 *
 *     static struct http_reply profile_get(struct api_request *r)
 *     {
 *         const struct json *fields = NULL;
 *         struct fault fault = profile_read(r->services, r->arena, r->params[0], &fields);
 *         if (fault.code)
 *             return reply_fault(fault);
 *         return reply_json(fields);
 *     }
 *
 *     const struct api_route routes_profile[] = {
 *         {HTTP_GET, "/_matrix/client/v3/profile/{userId}", AUTH_NONE, BODY_NONE, .handler = profile_get},
 *         {0},
 *     };
 *
 * Each file of this folder that answers endpoints ends with its table; routes.h lists the tables. Paths under
 * /_matrix/client/v3/ are served under /r0/ too, as clients from before v1.1 ask there.
 *
 * Ownership: everything in the request lives in its arena until the reply has been made; a reply owns its bytes.
 * Threads: a request belongs to the worker that runs it.
 */
#ifndef HEARTH_API_API_H
#define HEARTH_API_API_H

#include "codec/json_writer.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"
#include "matrix/errcode.h"
#include "service/caller.h"
#include "service/services.h"

struct api_request {
    struct http_request *http;
    struct arena *arena;
    struct services *services;
    struct caller caller;     /* who asks; empty where the route takes no token */
    const struct str *params; /* the path's {parameters}, decoded, in order: UTF-8 without NUL, maybe empty */
    const struct json *body;  /* the JSON object of the body; an empty object where the route allows none */
};

/* Who may call a route. */
enum route_auth {
    AUTH_NONE,     /* no token is looked at */
    AUTH_OPTIONAL, /* a token is checked if it is there */
    AUTH_USER,     /* a valid access token, of anyone but a guest */
    AUTH_GUEST,    /* a valid access token, guests too */
    AUTH_CONTROL   /* only over the control socket of this machine (file permissions are the check) */
};

enum route_body {
    BODY_NONE,   /* whatever was sent is not looked at: up to 4 KiB */
    BODY_OBJECT, /* a JSON object is demanded */
    BODY_MAYBE   /* a JSON object, or nothing at all */
};

/* Values of api_route.body_max. */
#define BODY_MAX_EVENT   0        /* what an event or an account datum may need: 256 KiB; without a token 64 KiB */
#define BODY_MAX_REQUEST SIZE_MAX /* what the option max_request_size says */

typedef struct http_reply api_handler(struct api_request *r);

/* One row an endpoint. A table ends with a row without a handler. */
struct api_route {
    enum http_method method;
    const char *pattern; /* "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}" */
    enum route_auth auth;
    enum route_body body;
    size_t body_max; /* bytes, or one of BODY_MAX_... */
    bool slow;       /* talks to other servers or hashes passwords: runs on the elastic pool */
    api_handler *handler;
};

/* --- replies --- */

/* Begins the buffer of an answer that may be large: at most `max` bytes, counted while they are written. */
void reply_begin(struct api_request *r, struct buf *body, size_t max);

/* 200 with this JSON. */
struct http_reply reply_json(const struct json *value);
/* 200 with what a writer wrote; takes the buffer. An overflow becomes 500. */
struct http_reply reply_buf(struct buf *body);
/* 200 with {}. */
struct http_reply reply_empty(void);
/* The usual status of the code, {"errcode", "error"}. */
struct http_reply reply_error(enum errcode code, const char *message);
/* The same, with whatever else the fault says. */
struct http_reply reply_fault(struct fault fault);

/* --- reading the request: each returns a fault that names the field --- */

/* A string member of the body: demanded, or `otherwise` when it is absent (null counts as absent). */
struct fault body_str(struct api_request *r, struct str key, struct str *out) __attribute__((warn_unused_result));
struct fault body_str_opt(struct api_request *r, struct str key, struct str otherwise, struct str *out)
    __attribute__((warn_unused_result));
struct fault body_bool_opt(struct api_request *r, struct str key, bool otherwise, bool *out)
    __attribute__((warn_unused_result));
struct fault body_int_opt(struct api_request *r, struct str key, int64_t otherwise, int64_t *out)
    __attribute__((warn_unused_result));
/* A member of the given container type, or NULL when it is absent. */
struct fault body_container_opt(struct api_request *r, struct str key, enum json_type type, const struct json **out)
    __attribute__((warn_unused_result));

/* A query parameter, UTF-8 without NUL; p == NULL if absent. The first counts if it stands there twice. */
struct str query_str(struct api_request *r, struct str key);
/* All values of a parameter that may stand there more than once, in order; their number is returned. */
size_t query_all(struct api_request *r, struct str key, struct str **out);
/* M_INVALID_PARAM if it is there and no number within min..max. */
struct fault query_int_opt(struct api_request *r, struct str key, int64_t min, int64_t max, int64_t otherwise,
                           int64_t *out) __attribute__((warn_unused_result));
struct fault query_bool_opt(struct api_request *r, struct str key, bool otherwise, bool *out)
    __attribute__((warn_unused_result));

/* M_FORBIDDEN unless `user_id` (mostly of the path) is the caller's own. */
struct fault caller_must_be(const struct api_request *r, struct str user_id) __attribute__((warn_unused_result));

#endif
