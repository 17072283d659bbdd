/*
 * Random bytes and strings that nobody can guess, from the kernel through libsodium.
 *
 * Threads: any.
 */
#ifndef HEARTH_CRYPTO_RANDOM_H
#define HEARTH_CRYPTO_RANDOM_H

#include "base/arena.h"
#include "base/str.h"

#define RANDOM_BASE62 STR("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
#define RANDOM_LOWER  STR("abcdefghijklmnopqrstuvwxyz")
#define RANDOM_DIGITS STR("0123456789")

void random_bytes(void *out, size_t size);
/* `n` characters, each drawn evenly from the 2 to 256 bytes of `alphabet`. The string is the arena's. */
struct str random_string(struct arena *a, size_t n, struct str alphabet);

#endif
