#include "store/postgres_value.h"

#include "base/memory.h"
#include "codec/utf8.h"

#include <assert.h>
#include <string.h>

/* --- text --- */

enum { ESCAPE = 0x01, NUL_MARK = 0x01, ESCAPE_MARK = 0x02, HALF = 0x10 };

/* How many bytes can stand as they are, and are no part of anything that cannot. */
static size_t plain_length(struct str s)
{
    size_t n = 0, size;
    while (n < s.n && (unsigned char)s.p[n] > ESCAPE && (size = utf8_size(s.p + n, s.n - n)) > 0)
        n += size;
    return n;
}

struct str postgres_text_escape(struct str s)
{
    size_t n = plain_length(s), out = n;
    if (n == s.n)
        return (struct str){NULL, 0};
    char *p = memory_alloc(n + 3 * (s.n - n));
    memcpy(p, s.p, n);
    while (n < s.n) {
        unsigned char c = (unsigned char)s.p[n];
        size_t size = c > ESCAPE ? utf8_size(s.p + n, s.n - n) : 0;
        if (size) {
            memcpy(p + out, s.p + n, size);
            out += size;
            n += size;
            continue;
        }
        p[out++] = ESCAPE;
        if (c <= ESCAPE) {
            p[out++] = c ? ESCAPE_MARK : NUL_MARK;
        } else {
            p[out++] = (char)(HALF | c >> 4);
            p[out++] = (char)(HALF | (c & 15));
        }
        n++;
    }
    return (struct str){p, out};
}

size_t postgres_text_unescape(char *p, size_t n)
{
    char *first = n ? memchr(p, ESCAPE, n) : NULL;
    size_t out = first ? (size_t)(first - p) : n;
    for (size_t i = out; i < n; i++) {
        if (p[i] != ESCAPE || i + 1 == n) {
            p[out++] = p[i];
        } else if (p[i + 1] == NUL_MARK || p[i + 1] == ESCAPE_MARK) {
            p[out++] = p[++i] == NUL_MARK ? '\0' : ESCAPE;
        } else if (i + 2 < n) {
            p[out++] = (char)((p[i + 1] & 15) << 4 | (p[i + 2] & 15));
            i += 2;
        }
    }
    return out;
}

/* --- numbers --- */

void postgres_put_i64(int64_t value, char out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)((uint64_t)value >> (56 - 8 * i));
}

/* Big-endian, with sign. */
static int64_t get(const char *p, size_t n)
{
    uint64_t v = (signed char)p[0] < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return (int64_t)v;
}

/* Four 16-bit numbers (how many digits, the power of the first, sign, decimals), then digits of base 10,000. */
static bool get_numeric(struct str cell, int64_t *out)
{
    if (cell.n < 8)
        return false;
    int64_t digits = get(cell.p, 2), weight = get(cell.p + 2, 2), sign = get(cell.p + 4, 2);
    if (digits < 0 || cell.n != 8 + 2 * (size_t)digits || (sign != 0 && sign != 0x4000))
        return false;
    int64_t v = 0;
    for (int64_t i = 0; i <= weight; i++) {
        int64_t digit = i < digits ? get(cell.p + 8 + 2 * i, 2) : 0;
        if (__builtin_mul_overflow(v, 10000, &v) || __builtin_sub_overflow(v, digit, &v))
            return false; /* counted below zero, where there is one more */
    }
    *out = v;
    return sign != 0 || !__builtin_sub_overflow(0, v, out);
}

bool postgres_integer(unsigned type, struct str cell, int64_t *out)
{
    switch (type) {
    case POSTGRES_BOOL:
        *out = cell.n == 1 && cell.p[0];
        return cell.n == 1;
    case POSTGRES_INT2:
    case POSTGRES_INT4:
    case POSTGRES_INT8:
        if (cell.n != 2 && cell.n != 4 && cell.n != 8)
            return false;
        *out = get(cell.p, cell.n);
        return true;
    case POSTGRES_NUMERIC:
        return get_numeric(cell, out);
    default:
        return false;
    }
}
