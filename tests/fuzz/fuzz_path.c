/* Paths and queries of strangers: the router and the query parser over arbitrary bytes. */
#include "http/route.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct router_row rows[] = {
    {HTTP_GET, "/_matrix/client/v3/pushrules/", "a"},
    {HTTP_GET, "/_matrix/client/v3/pushrules", "b"},
    {HTTP_PUT, "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}", "c"},
    {HTTP_GET, "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", "e"},
    {HTTP_GET, "/_matrix/client/v3/{what}/members/state", "f"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct router *router;
    if (!router)
        router = router_new(rows, sizeof rows / sizeof rows[0]);
    struct str query, path = str_cut((struct str){(const char *)data, size}, '?', &query);
    struct str segments[HTTP_MAX_SEGMENTS];
    struct arena *a = arena_new();
    size_t count = http_path_split(path, segments, HTTP_MAX_SEGMENTS);
    for (unsigned m = 0; count <= HTTP_MAX_SEGMENTS && m < HTTP_METHOD_COUNT; m++) {
        struct router_match raw = router_match(router, (enum http_method)m, segments, count, NULL);
        struct router_match match = router_match(router, (enum http_method)m, segments, count, a);
        assert(match.result == raw.result && match.row == raw.row && match.param_count == raw.param_count);
        for (size_t i = 0; i < match.param_count; i++)
            assert(match.params[i].n > 0 && match.params[i].n <= raw.params[i].n);
    }
    const struct http_pair *pairs;
    size_t pair_count = http_query_parse(a, query, &pairs);
    assert(pair_count <= HTTP_MAX_QUERY);
    for (size_t i = 0; i < pair_count; i++)
        assert(pairs[i].name.n + pairs[i].value.n <= query.n);
    arena_free(&a);
    return 0;
}
