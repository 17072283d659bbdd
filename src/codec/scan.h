/*
 * Looking at 16 bytes at a time: where does a run of ordinary bytes end?
 *
 * Nearly all of JSON is runs of bytes that mean nothing special. These functions measure such a run, by SSE2 where
 * the compiler has it (every x86-64) and by 64-bit words elsewhere. None reads a byte outside the given range. They
 * are inline because most runs are a key or an id, shorter than a function call is long.
 *
 * Define SCAN_PORTABLE to try the version without SSE2.
 *
 * Threads: all functions are pure but for the destination of scan_copy_unescaped().
 */
#ifndef HEARTH_CODEC_SCAN_H
#define HEARTH_CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#define SCAN_SSE2 1
#include <emmintrin.h>
#else
#define SCAN_SSE2 0
#endif

#define SCAN_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t scan_load(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* Not 0 if one of the 8 bytes is '"', '\\' or a control character. A borrow may mark a byte above one that is marked
 * rightly, so this tells whether there is one, not which. */
static inline uint64_t scan_word_escaped(uint64_t x)
{
    uint64_t quote = x ^ SCAN_EACH_BYTE('"');
    uint64_t backslash = x ^ SCAN_EACH_BYTE('\\');
    uint64_t found = ((quote - SCAN_EACH_BYTE(1)) & ~quote) | ((backslash - SCAN_EACH_BYTE(1)) & ~backslash) |
                     ((x - SCAN_EACH_BYTE(0x20)) & ~x);
    return found & SCAN_EACH_BYTE(0x80);
}

static inline bool scan_byte_escaped(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

#if SCAN_SSE2
/* Bit i: byte i is '"', '\\' or a control character. */
static inline unsigned scan_block_escaped(__m128i x)
{
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}
#endif

/* How many bytes at the start are ASCII and can stand in a JSON string as they are. */
static inline size_t scan_plain(const char *p, size_t n)
{
    size_t i = 0;
#if SCAN_SSE2
    for (; n - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        unsigned special = scan_block_escaped(x) | (unsigned)_mm_movemask_epi8(x);
        if (special)
            return i + (unsigned)__builtin_ctz(special);
    }
#else
    while (n - i >= 8 && !((scan_load(p + i) & SCAN_EACH_BYTE(0x80)) | scan_word_escaped(scan_load(p + i))))
        i += 8;
#endif
    while (i < n && !scan_byte_escaped(p[i]) && (unsigned char)p[i] < 0x80)
        i++;
    return i;
}

/* How many bytes at the start are ASCII. */
static inline size_t scan_ascii(const char *p, size_t n)
{
    size_t i = 0;
#if SCAN_SSE2
    for (; n - i >= 16; i += 16) {
        unsigned high = (unsigned)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i)));
        if (high)
            return i + (unsigned)__builtin_ctz(high);
    }
#endif
    while (n - i >= 8 && !(scan_load(p + i) & SCAN_EACH_BYTE(0x80)))
        i += 8;
    while (i < n && (unsigned char)p[i] < 0x80)
        i++;
    return i;
}

/* Copies bytes up to the first that a JSON string must escape, and says how many. All `n` bytes at `to` may have been
 * written over, also those after the copy. The source and `to` do not overlap. */
static inline size_t scan_copy_unescaped(char *restrict to, const char *restrict p, size_t n)
{
    size_t i = 0;
#if SCAN_SSE2
    for (; n - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), x);
        unsigned special = scan_block_escaped(x);
        if (special)
            return i + (unsigned)__builtin_ctz(special);
    }
#endif
    for (; n - i >= 8; i += 8) {
        uint64_t x = scan_load(p + i);
        if (scan_word_escaped(x))
            break;
        memcpy(to + i, &x, sizeof(x));
    }
    /* The rest is below 8 bytes: the last 8 of the whole, half of which are copied a second time, are one step. */
    if (n >= 8 && n - i < 8 && !scan_word_escaped(scan_load(p + n - 8))) {
        memcpy(to + n - 8, p + n - 8, 8);
        return n;
    }
    for (; i < n && !scan_byte_escaped(p[i]); i++)
        to[i] = p[i];
    return i;
}

#endif
