#include "crypto/token.h"

#include <sodium.h>
#include <string.h>

struct str token_new(struct arena *a, struct str prefix)
{
    struct str random = random_string(a, TOKEN_RANDOM_CHARS, RANDOM_BASE62);
    char *out = arena_alloc(a, prefix.n + random.n);
    if (prefix.n > 0)
        memcpy(out, prefix.p, prefix.n);
    memcpy(out + prefix.n, random.p, random.n);
    return (struct str){out, prefix.n + random.n};
}

bool token_has_form(struct str token, struct str prefix)
{
    if (token.n != prefix.n + TOKEN_RANDOM_CHARS || !str_starts(token, prefix))
        return false;
    for (size_t i = prefix.n; i < token.n; i++) {
        char c = token.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return true;
}

void token_hash(struct str token, uint8_t out[TOKEN_HASH_SIZE])
{
    hash_sha256(token, out);
}

bool token_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}
