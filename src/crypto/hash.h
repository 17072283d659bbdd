/*
 * SHA-256, SHA-1 and HMAC, over GnuTLS.
 *
 * Every event is hashed twice on its way in, so the choice of library shows. Measured on one core with SHA
 * instructions, hashes a second:
 *
 *                                  64 bytes     1 KB
 *     gnutls_hash_fast            9,500,000  1,510,000     taken
 *     nettle, called directly     9,500,000  1,410,000     what GnuTLS calls; one more library to name
 *     libsodium                   2,490,000    323,000     portable code, no SHA instructions
 *
 * Threads: any; all functions are pure.
 */
#ifndef HEARTH_CRYPTO_HASH_H
#define HEARTH_CRYPTO_HASH_H

#include "base/str.h"

#define SHA256_SIZE 32
#define SHA1_SIZE   20

void hash_sha256(struct str data, uint8_t out[SHA256_SIZE]);
/* For version 1 of state resolution, which orders events by it. */
void hash_sha1(struct str data, uint8_t out[SHA1_SIZE]);
void hash_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE]);
/* For protocols that ask for it and nothing else: TURN credentials, Synapse's shared-secret registration. */
void hash_hmac_sha1(struct str key, struct str data, uint8_t out[SHA1_SIZE]);

#endif
