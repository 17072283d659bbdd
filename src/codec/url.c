#include "codec/url.h"

#include "base/arena.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes the character at text.p[*at] and moves *at behind it; -1 if it is a malformed escape. */
static int decode_one(struct str text, size_t *at, unsigned flags)
{
    char c = text.p[*at];
    if (c != '%') {
        *at += 1;
        return c == '+' && (flags & URL_PLUS_IS_SPACE) ? ' ' : (unsigned char)c;
    }
    if (text.n - *at < 3)
        return -1;
    int high = hex_value(text.p[*at + 1]);
    int low = hex_value(text.p[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_coded(struct str text, unsigned flags)
{
    return str_find(text, '%') < text.n || ((flags & URL_PLUS_IS_SPACE) && str_find(text, '+') < text.n);
}

bool url_valid(struct str text)
{
    for (size_t at = str_find(text, '%'); at < text.n;) {
        if (decode_one(text, &at, 0) < 0)
            return false;
    }
    return true;
}

bool url_decode_into(char *to, size_t room, struct str text, unsigned flags, struct str *out)
{
    size_t n = 0;
    for (size_t at = 0; at < text.n;) {
        int c = decode_one(text, &at, flags);
        if (c < 0 || n == room)
            return false;
        to[n++] = (char)c;
    }
    *out = (struct str){to, n};
    return true;
}

bool url_decode(struct arena *a, struct str text, unsigned flags, struct str *out)
{
    if (!is_coded(text, flags)) {
        *out = text;
        return true;
    }
    struct arena_mark mark = arena_mark(a);
    if (url_decode_into(arena_alloc(a, text.n), text.n, text, flags, out))
        return true;
    arena_release(a, mark);
    return false;
}

static bool is_unreserved(char c)
{
    char lower = (char)(c | 0x20);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

struct str url_encode(struct arena *a, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t coded = 0;
    for (size_t i = 0; i < text.n; i++)
        coded += !is_unreserved(text.p[i]);
    if (coded == 0)
        return text;
    size_t n = text.n + 2 * coded;
    char *to = arena_alloc(a, n);
    struct str out = {to, n};
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (is_unreserved(text.p[i])) {
            *to++ = text.p[i];
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    return out;
}
