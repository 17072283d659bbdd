/*
 * The router: from a method and a path to a row of somebody's route table.
 *
 *     static const struct router_row rows[] = {
 *         {HTTP_GET, "/_matrix/client/v3/profile/{userId}", &route_profile},
 *         {HTTP_GET, "/_matrix/client/v3/pushrules/", &route_pushrules},       the empty last segment counts
 *     };
 *     struct router *router = router_new(rows, 2);
 *
 * Inside it is a trie over path segments, built once and never changed: a lookup is a binary search a segment and
 * allocates nothing but the parameters that hold escapes. A literal segment wins over a parameter; if the literal leads
 * nowhere, the parameter is tried (so /a/b/c matches /a/{x}/c beside /a/b/d). Literals are compared after decoding: it
 * is the same path if a client escapes more than it has to. A parameter is never empty: a row that wants an empty last
 * segment names it.
 *
 * Ownership: the router keeps no pointer to the rows array, but the patterns must live as long as it does.
 * Threads: a router is immutable; any thread.
 */
#ifndef HEARTH_HTTP_ROUTE_H
#define HEARTH_HTTP_ROUTE_H

#include "http/request.h"

#define ROUTER_MAX_PARAMS 8

struct router;

struct router_row {
    enum http_method method;
    const char *pattern; /* "/a/{param}/c"; "{...}" is a whole segment */
    const void *row;     /* whatever the table's owner wants back */
};

enum router_result {
    ROUTER_FOUND,
    ROUTER_METHOD,   /* the path is known, not with this method: 405, see allow_text */
    ROUTER_UNKNOWN,  /* 404 */
    ROUTER_MALFORMED /* a segment holds a malformed escape: 400 */
};

struct router_match {
    enum router_result result;
    const void *row;
    struct str params[ROUTER_MAX_PARAMS]; /* decoded, in the order of the pattern */
    size_t param_count;
    unsigned methods; /* bit 1u << enum http_method: methods the path knows */
};

/* Patterns that are malformed, have too many parameters or stand there twice are bugs of the table: asserted. */
struct router *router_new(const struct router_row *rows, size_t count);
void router_free(struct router **r);

/* `segments` as in struct http_request. With an arena the parameters are decoded; with NULL (for classifying, where
 * only the row is wanted) they stay raw and nothing is allocated. */
struct router_match router_match(const struct router *r, enum http_method method, const struct str *segments,
                                 size_t segment_count, struct arena *arena);

/* The value of an Allow header for a set of methods ("GET, PUT, OPTIONS"; HEAD comes with GET), in the arena. */
struct str router_allow(struct arena *arena, unsigned methods);

#endif
