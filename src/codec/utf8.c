#include "codec/utf8.h"

#include "codec/scan.h"

size_t utf8_valid_length(struct str s)
{
    size_t i = 0;
    for (;;) {
        i += scan_ascii(s.p + i, s.n - i);
        size_t size;
        do {
            size = utf8_size(s.p + i, s.n - i);
            i += size;
        } while (size > 1);
        /* An ASCII character ends a run of others; a size of 0 is the end, good or bad. */
        if (size == 0)
            return i;
    }
}

bool utf8_valid(struct str s)
{
    return s.n == 0 || utf8_valid_length(s) == s.n;
}

size_t utf8_decode(struct str s, uint32_t *code_point_out)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = utf8_size(s.p, s.n);
    if (size == 0)
        return 0;
    uint32_t c = (unsigned char)s.p[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++)
        c = c << 6 | ((unsigned char)s.p[i] & 0x3fu);
    *code_point_out = c;
    return size;
}

static char continuation(uint32_t bits)
{
    return (char)(0x80 | (bits & 0x3f));
}

size_t utf8_encode(uint32_t c, char out[UTF8_MAX_BYTES])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = continuation(c);
        return 2;
    }
    if (c < 0x10000) {
        if (c >= 0xd800 && c < 0xe000)
            return 0;
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = continuation(c >> 6);
        out[2] = continuation(c);
        return 3;
    }
    if (c > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = continuation(c >> 12);
    out[2] = continuation(c >> 6);
    out[3] = continuation(c);
    return 4;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.n; i++)
        count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return count;
}
