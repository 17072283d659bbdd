/*
 * Requests to the handlers without sockets: what the HTTP server would make of a method, a path and a body.
 *
 *     struct client c;
 *     client_init(&c, api_routes, NULL);
 *     client_ask(&c, HTTP_POST, "/_matrix/client/v3/login", "", "{...}");
 *     ... c.status, c.json ...
 *
 * Answers live until client_fini().
 */
#ifndef HEARTH_TESTS_API_CLIENT_H
#define HEARTH_TESTS_API_CLIENT_H

#include "api/dispatch.h"

#include <string.h>

#include "world.h"

struct client {
    struct world world;
    struct dispatch *dispatch;
    unsigned listener;
    /* of the last answer */
    int status;
    struct str text;
    const struct json *json; /* NULL if it is no JSON */
    struct http_pair headers[HTTP_REPLY_MAX_HEADERS];
    size_t header_count;
    struct http_verdict verdict; /* without a reply */
};

static inline void client_init(struct client *c, const struct api_route *const *routes,
                               const struct service_options *options)
{
    *c = (struct client){.listener = 1};
    world_init(&c->world, options);
    c->dispatch = dispatch_new(&(struct dispatch_options){
        .services = &c->world.services, .routes = routes, .max_request_size = (size_t)20 << 20});
    dispatch_set_control(c->dispatch, 9);
}

static inline void client_fini(struct client *c)
{
    dispatch_free(&c->dispatch);
    world_fini(&c->world);
}

static inline void client_keep(struct client *c, struct http_reply *reply)
{
    struct arena *a = c->world.arena;
    assert_false(reply->parks);
    c->status = reply->status;
    c->text = str_copy(a, (struct str){reply->body.p, reply->body.size});
    c->json = json_parse(a, c->text, JSON_DEPTH_MAX).value;
    c->header_count = reply->header_count;
    for (size_t i = 0; i < reply->header_count; i++)
        c->headers[i] = (struct http_pair){str_copy(a, reply->headers[i].name), str_copy(a, reply->headers[i].value)};
    http_reply_fini(reply);
}

/* `token` "": none; `body` NULL: none. */
static inline int client_ask_bytes(struct client *c, enum http_method method, const char *target, const char *token,
                                   struct str body)
{
    struct arena *a = c->world.arena;
    struct str query;
    struct str path = str_cut(str_of(target), '?', &query);
    struct str *segments = ARENA_ARRAY(a, HTTP_MAX_SEGMENTS, struct str);
    struct http_pair header = {STR("Authorization"), str_fmt(a, "Bearer %s", token)};
    struct http_scratch scratch = {{0}};
    struct http_request request = {
        .id = 1,
        .method = method,
        .path = path,
        .segments = segments,
        .segment_count = http_path_split(path, segments, HTTP_MAX_SEGMENTS),
        .headers = &header,
        .header_count = token[0] ? 1 : 0,
        .body = body,
        .client = STR("192.0.2.1"),
        .listener = c->listener,
        .arena = a,
        .scratch = &scratch,
    };
    request.query_count = http_query_parse(a, query, &request.query);
    struct http_request_head head = {
        .method = method,
        .path = path,
        .segments = segments,
        .segment_count = request.segment_count,
        .query = query,
        .headers = &header,
        .header_count = request.header_count,
        .listener = c->listener,
    };
    c->verdict = dispatch_classify(c->dispatch, &head);
    struct http_reply reply = c->verdict.answered ? c->verdict.reply : dispatch_request(c->dispatch, &request);
    client_keep(c, &reply);
    return c->status;
}

static inline int client_ask(struct client *c, enum http_method method, const char *target, const char *token,
                             const char *body)
{
    return client_ask_bytes(c, method, target, token, str_of(body));
}

static inline struct str client_errcode(const struct client *c)
{
    return json_str_at(c->json, STR("errcode"));
}

static inline struct str client_header(const struct client *c, struct str name)
{
    return http_pairs_header(c->headers, c->header_count, name);
}

/* A string member of the last answer, NUL-terminated. */
static inline const char *client_text(struct client *c, const char *key)
{
    struct str s = json_str_at(c->json, str_of(key));
    return s.p ? str_cstr(c->world.arena, s) : "";
}

#endif
