#include "crypto/random.h"

#include <assert.h>
#include <sodium.h>

void random_bytes(void *out, size_t size)
{
    randombytes_buf(out, size);
}

struct str random_string(struct arena *a, size_t n, struct str alphabet)
{
    assert(alphabet.n >= 2 && alphabet.n <= 256);
    /* Bytes at or above the largest multiple of the alphabet's size are drawn again: taking them modulo the size would
     * favour the first characters. The kernel is asked for many bytes at once, not a call a character. */
    size_t limit = 256 - 256 % alphabet.n;
    char *out = arena_alloc(a, n);
    size_t filled = 0;
    while (filled < n) {
        uint8_t draw[64];
        randombytes_buf(draw, sizeof(draw));
        for (size_t i = 0; i < sizeof(draw) && filled < n; i++) {
            if (draw[i] < limit)
                out[filled++] = alphabet.p[draw[i] % alphabet.n];
        }
        sodium_memzero(draw, sizeof(draw));
    }
    return (struct str){out, n};
}
