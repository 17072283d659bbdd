/* What was decoded strictly is written by its text, without the padding, and by no other. */
#include "base/arena.h"
#include "codec/base64.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    struct str bare = text;
    struct str out;
    struct str loose;
    while (bare.n && bare.p[bare.n - 1] == '=')
        bare.n--;
    bool strict = base64_decode(a, text, &out);
    if (strict)
        assert(str_eq(base64_encode(a, out.p, out.n), bare));
    if (base64_decode_loose(a, text, &loose))
        assert(!strict || str_eq(out, loose));
    else
        assert(!strict);
    if (base64_url_decode(a, text, &out))
        assert(str_eq(base64_url_encode(a, out.p, out.n), bare));
    bool ok = base64_decode(a, base64_encode(a, data, size), &out);
    assert(ok && str_eq(out, text));
    arena_free(&a);
    return 0;
}
