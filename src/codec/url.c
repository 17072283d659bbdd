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

/* Decodes the character at text.p[*at] and moves *at behind it. */
static bool decode_one(struct str text, size_t *at, unsigned flags, char *out)
{
    char c = text.p[*at];
    if (c == '%') {
        if (text.n - *at < 3)
            return false;
        int high = hex_value(text.p[*at + 1]);
        int low = hex_value(text.p[*at + 2]);
        if (high < 0 || low < 0)
            return false;
        c = (char)(high * 16 + low);
        *at += 3;
    } else {
        if (c == '+' && (flags & URL_PLUS_IS_SPACE))
            c = ' ';
        *at += 1;
    }
    *out = c;
    return c != '\0' || !(flags & URL_REFUSE_NUL);
}

static bool is_coded(struct str text, unsigned flags)
{
    return str_find(text, '%') < text.n || ((flags & URL_PLUS_IS_SPACE) && str_find(text, '+') < text.n);
}

bool url_decode(struct arena *a, struct str text, unsigned flags, struct str *out)
{
    if (!is_coded(text, flags)) {
        *out = text;
        return !(flags & URL_REFUSE_NUL) || str_find(text, '\0') == text.n;
    }
    struct arena_mark mark = arena_mark(a);
    char *to = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t at = 0; at < text.n; n++) {
        if (!decode_one(text, &at, flags, &to[n])) {
            arena_release(a, mark);
            return false;
        }
    }
    *out = (struct str){to, n};
    return true;
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

static size_t count_parts(struct str text)
{
    size_t count = 0;
    while (text.n)
        count += str_cut(text, '&', &text).n > 0;
    return count;
}

bool url_parse_query(struct arena *a, struct str text, unsigned flags, size_t max_pairs, struct url_query *out)
{
    size_t count = count_parts(text);
    if (count > max_pairs)
        return false;
    struct arena_mark mark = arena_mark(a);
    *out = (struct url_query){.pairs = ARENA_ARRAY(a, count, struct url_pair)};
    while (text.n) {
        struct str value;
        struct str part = str_cut(text, '&', &text);
        if (part.n == 0)
            continue;
        struct str key = str_cut(part, '=', &value);
        struct url_pair *pair = &out->pairs[out->count++];
        if (!url_decode(a, key, flags | URL_PLUS_IS_SPACE, &pair->key) ||
            !url_decode(a, value, flags | URL_PLUS_IS_SPACE, &pair->value)) {
            arena_release(a, mark);
            *out = (struct url_query){.pairs = NULL};
            return false;
        }
    }
    return true;
}

struct str url_query_get(const struct url_query *query, struct str key)
{
    for (size_t i = 0; i < query->count; i++) {
        if (str_eq(query->pairs[i].key, key))
            return query->pairs[i].value;
    }
    return (struct str){NULL, 0};
}
