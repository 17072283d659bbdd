#include "codec/base64.h"

#include "base/arena.h"

#include <limits.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *a, const char *letter, const unsigned char *p, size_t size)
{
    size_t n = size / 3 * 4 + (size % 3 ? size % 3 + 1 : 0);
    char *to = arena_alloc(a, n);
    struct str text = {to, n};
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | p[i];
        for (held += 8; held >= 6; held -= 6)
            *to++ = letter[bits >> (held - 6) & 63];
    }
    if (held)
        *to = letter[bits << (6 - held) & 63];
    return text;
}

struct str base64_encode(struct arena *a, const void *bytes, size_t size)
{
    return encode(a, standard, bytes, size);
}

struct str base64_url_encode(struct arena *a, const void *bytes, size_t size)
{
    return encode(a, url_safe, bytes, size);
}

/* The 6 bits of a letter, or -1. */
static int value_of(char c, const char *letter)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == letter[62])
        return 62;
    return c == letter[63] ? 63 : -1;
}

/* Without padding; a text whose padding is not what its length wants stays as it is, and '=' is no letter. */
static struct str without_padding(struct str text)
{
    size_t n = text.n;
    while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    return text.n % 4 == 0 ? str_slice(text, 0, n) : text;
}

static bool decode(struct arena *a, const char *letter, struct str padded, bool loose, struct str *out)
{
    struct str text = without_padding(padded);
    if (text.n % 4 == 1)
        return false;
    struct arena_mark mark = arena_mark(a);
    char *to = arena_alloc(a, text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0));
    const char *start = to;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.n; i++) {
        int value = value_of(text.p[i], letter);
        if (value < 0) {
            arena_release(a, mark);
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *to++ = (char)(bits >> held & UCHAR_MAX);
        }
    }
    if (!loose && (bits & ((1u << held) - 1))) {
        arena_release(a, mark);
        return false;
    }
    *out = (struct str){start, (size_t)(to - start)};
    return true;
}

bool base64_decode(struct arena *a, struct str text, struct str *bytes_out)
{
    return decode(a, standard, text, false, bytes_out);
}

bool base64_url_decode(struct arena *a, struct str text, struct str *bytes_out)
{
    return decode(a, url_safe, text, false, bytes_out);
}

bool base64_decode_loose(struct arena *a, struct str text, struct str *bytes_out)
{
    return decode(a, standard, text, true, bytes_out);
}
