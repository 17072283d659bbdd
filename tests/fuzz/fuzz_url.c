/* Components of paths and queries: what was decoded can be encoded, and comes back. */
#include "base/arena.h"
#include "codec/url.h"

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
    struct url_query q;
    check_comes_back(a, text);
    for (unsigned flags = 0; flags < 4; flags++) {
        if (url_decode(a, text, flags, &out)) {
            assert(out.n <= size && (!(flags & URL_REFUSE_NUL) || str_find(out, '\0') == out.n));
            check_comes_back(a, out);
        }
    }
    if (url_parse_query(a, text, URL_REFUSE_NUL, 16, &q)) {
        assert(q.count <= 16);
        for (size_t i = 0; i < q.count; i++) {
            check_comes_back(a, q.pairs[i].value);
            assert(url_query_get(&q, q.pairs[i].key).p);
        }
    }
    arena_free(&a);
    return 0;
}
