/* Components of paths and queries: what was decoded can be encoded, and comes back. */
#include "base/arena.h"
#include "codec/url.h"
#include "http/request.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_comes_back(struct arena *a, struct str bytes)
{
    struct str back;
    bool ok = url_decode(a, url_encode(a, bytes), URL_PLUS_IS_SPACE, &back);
    assert(ok && str_eq(back, bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    struct str out;
    const struct http_pair *pairs;
    check_comes_back(a, text);
    for (unsigned flags = 0; flags < 2; flags++) {
        bool ok = url_decode(a, text, flags, &out);
        assert(ok == url_valid(text));
        if (ok) {
            assert(out.n <= size);
            check_comes_back(a, out);
        }
    }
    size_t count = http_query_parse(a, text, &pairs);
    assert(count <= HTTP_MAX_QUERY);
    for (size_t i = 0; i < count; i++) {
        const struct http_request r = {.query = pairs, .query_count = count};
        check_comes_back(a, pairs[i].value);
        assert(http_query(&r, pairs[i].name).p);
    }
    arena_free(&a);
    return 0;
}
