#include "crypto/ed25519.h"

#include <assert.h>
#include <sodium.h>

static_assert(ED25519_SEED_SIZE == crypto_sign_SEEDBYTES, "libsodium's seed");
static_assert(ED25519_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES, "libsodium's public key");
static_assert(ED25519_SIGNATURE_SIZE == crypto_sign_BYTES, "libsodium's signature");
static_assert(sizeof(((struct ed25519_key *)0)->secret_key) == crypto_sign_SECRETKEYBYTES, "libsodium's secret key");

/* libsodium declares its bytes unsigned char; a slice holds char. */
static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)s.p;
}

void ed25519_from_seed(const uint8_t seed[ED25519_SEED_SIZE], struct ed25519_key *key_out)
{
    int rc = crypto_sign_seed_keypair(key_out->public_key, key_out->secret_key, seed);
    assert(rc == 0);
}

void ed25519_generate(struct ed25519_key *key_out, uint8_t seed_out[ED25519_SEED_SIZE])
{
    randombytes_buf(seed_out, ED25519_SEED_SIZE);
    ed25519_from_seed(seed_out, key_out);
}

void ed25519_wipe(struct ed25519_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

void ed25519_sign(const struct ed25519_key *key, struct str message, uint8_t signature_out[ED25519_SIGNATURE_SIZE])
{
    int rc = crypto_sign_detached(signature_out, NULL, bytes_of(message), message.n, key->secret_key);
    assert(rc == 0);
}

bool ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], struct str message,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached(signature, bytes_of(message), message.n, public_key) == 0;
}
