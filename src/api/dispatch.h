/*
 * Dispatch: from an HTTP request to its handler and back, driven by the rows of the route tables.
 *
 *     classify (I/O thread): row of the path -> limit of the body, pool; or 404 at once; OPTIONS at once;
 *                            401 at once if the row wants a token and there is none, or what can be none of ours
 *     request  (worker):     row -> token -> guest? -> body -> handler -> reply, access log
 *
 * Everything that is the same for all endpoints is here, so that it holds for all of them: authentication, M_NOT_JSON
 * and M_BAD_JSON, 404 and 405 M_UNRECOGNIZED, the r0 names of v3 paths, which listener serves which routes.
 *
 * Threads: constant once the server runs; any.
 */
#ifndef HEARTH_API_DISPATCH_H
#define HEARTH_API_DISPATCH_H

#include "api/api.h"
#include "http/server.h"

struct dispatch;

struct dispatch_options {
    struct services *services;
    const struct api_route *const *routes; /* tables, NULL at the end: api_routes, or those of a test */
    size_t max_request_size;               /* bytes; lowers what rows allow, all of it for BODY_MAX_REQUEST */
};

/* The tables must live as long as the dispatch. Two rows of one method and path are a bug (asserted). */
struct dispatch *dispatch_new(const struct dispatch_options *options);
/* Accepts NULL; sets *d to NULL. */
void dispatch_free(struct dispatch **d);
/* The listener (a number of http_server_listen_...) that serves the AUTH_CONTROL routes, and no others. Before the
 * server starts; without a call those routes are served nowhere. */
void dispatch_set_control(struct dispatch *d, unsigned listener);

/* For http_server_new. */
struct http_callbacks dispatch_callbacks(struct dispatch *d);
/* The two callbacks, for tests. */
struct http_verdict dispatch_classify(struct dispatch *d, const struct http_request_head *head);
struct http_reply dispatch_request(struct dispatch *d, struct http_request *request);

#endif
