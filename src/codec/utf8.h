/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Text from strangers is checked once, where it comes in (the JSON parser does so itself); behind that, code may take
 * every string for valid.
 *
 * Threads: all functions are pure.
 */
#ifndef HEARTH_CODEC_UTF8_H
#define HEARTH_CODEC_UTF8_H

#include "base/str.h"

#define UTF8_MAX_BYTES 4

bool utf8_valid(struct str s);
/* How many bytes at the start are valid, whole characters; s.n if all are. */
size_t utf8_valid_length(struct str s);
/* Decodes the first character: its size in bytes and *code_point_out, or 0 if it is invalid, cut off or missing. */
size_t utf8_decode(struct str s, uint32_t *code_point_out);
/* Writes the character and says its size in bytes; 0 for surrogates and numbers above U+10FFFF. */
size_t utf8_encode(uint32_t code_point, char out[UTF8_MAX_BYTES]);
/* Code points in valid UTF-8. (In other bytes: those that do not continue a character.) */
size_t utf8_count(struct str s);

/* The size of the character at the start of `n` bytes, or 0 if it is invalid, cut off or missing. Inline for the JSON
 * parser, which comes here for every character that is not ASCII. */
static inline size_t utf8_size(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (n < 2 || (p[1] & 0xc0) != 0x80 || p[0] < 0xc2)
        return 0;
    if (p[0] < 0xe0)
        return 2;
    if (n < 3 || (p[2] & 0xc0) != 0x80)
        return 0;
    if (p[0] < 0xf0) {
        /* E0 would be overlong below A0, ED is the surrogates from A0 on. */
        bool refused = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0);
        return refused ? 0 : 3;
    }
    if (n < 4 || (p[3] & 0xc0) != 0x80 || p[0] > 0xf4)
        return 0;
    /* F0 would be overlong below 90, F4 is above U+10FFFF from 90 on. */
    bool refused = (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90);
    return refused ? 0 : 4;
}

#endif
