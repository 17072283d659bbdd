#include "crypto/hash.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

void hash_sha256(struct str data, uint8_t out[SHA256_SIZE])
{
    int rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, data.p, data.n, out);
    assert(rc == 0);
}

void hash_sha1(struct str data, uint8_t out[SHA1_SIZE])
{
    int rc = gnutls_hash_fast(GNUTLS_DIG_SHA1, data.p, data.n, out);
    assert(rc == 0);
}

void hash_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE])
{
    int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.p, key.n, data.p, data.n, out);
    assert(rc == 0);
}

void hash_hmac_sha1(struct str key, struct str data, uint8_t out[SHA1_SIZE])
{
    int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA1, key.p, key.n, data.p, data.n, out);
    assert(rc == 0);
}
