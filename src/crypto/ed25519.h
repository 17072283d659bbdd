/*
 * Ed25519 signatures (RFC 8032), over libsodium: the only signing algorithm of Matrix.
 *
 * Keys, signatures and messages are raw bytes here; base64 and the canonical form of what is signed belong to
 * matrix/event_sign.h. Cost on one core: 20 us to sign, 50 us to verify.
 *
 * Ownership: a struct ed25519_key is the caller's. It holds the secret: wipe it with ed25519_wipe() when it goes.
 * Threads: any; keys are constant after they were made.
 */
#ifndef HEARTH_CRYPTO_ED25519_H
#define HEARTH_CRYPTO_ED25519_H

#include "base/str.h"

#define ED25519_SEED_SIZE      32
#define ED25519_PUBLIC_SIZE    32
#define ED25519_SIGNATURE_SIZE 64

struct ed25519_key {
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    uint8_t secret_key[64]; /* libsodium's form: seed and public key */
};

/* The key of a 32-byte seed. Signing key files and the specification's test vectors hold the seed. */
void ed25519_from_seed(const uint8_t seed[ED25519_SEED_SIZE], struct ed25519_key *key_out);
/* A new key, and the seed to keep it by. */
void ed25519_generate(struct ed25519_key *key_out, uint8_t seed_out[ED25519_SEED_SIZE]);
void ed25519_wipe(struct ed25519_key *key);

void ed25519_sign(const struct ed25519_key *key, struct str message, uint8_t signature_out[ED25519_SIGNATURE_SIZE]);
/* False for a signature or a public key that is no point of the curve too; any 32 and 64 bytes may be given. */
bool ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], struct str message,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]) __attribute__((warn_unused_result));

#endif
