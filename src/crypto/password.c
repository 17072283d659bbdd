#include "crypto/password.h"

#include "codec/base64.h"
#include "crypto/random.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define PASSES       2ULL
#define MEMORY_BYTES (19U * 1024 * 1024)

static_assert(PASSWORD_HASH_MAX == crypto_pwhash_STRBYTES - 1, "libsodium's string with its NUL");

/* libsodium wants a NUL-terminated string in a buffer of full size. False if `hash` cannot be one. */
static bool hash_cstr(struct str hash, char out[crypto_pwhash_STRBYTES])
{
    if (hash.n == 0 || hash.n > PASSWORD_HASH_MAX || memchr(hash.p, '\0', hash.n))
        return false;
    memset(out, 0, crypto_pwhash_STRBYTES);
    memcpy(out, hash.p, hash.n);
    return true;
}

struct str password_hash(struct arena *a, struct str password)
{
    char out[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(out, password.p, password.n, PASSES, MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return (struct str){NULL, 0};
    return str_copy(a, str_of(out));
}

struct str password_decoy(struct arena *a)
{
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t hash[32];
    random_bytes(salt, sizeof(salt));
    random_bytes(hash, sizeof(hash));
    struct str decoy =
        str_fmt(a, "$argon2id$v=19$m=%u,t=%llu,p=1$%.*s$%.*s", MEMORY_BYTES / 1024, PASSES,
                STR_ARG(base64_encode(a, salt, sizeof(salt))), STR_ARG(base64_encode(a, hash, sizeof(hash))));
    assert(!password_needs_rehash(decoy));
    return decoy;
}

bool password_verify(struct str hash, struct str password)
{
    char cstr[crypto_pwhash_STRBYTES];
    return hash_cstr(hash, cstr) && crypto_pwhash_str_verify(cstr, password.p, password.n) == 0;
}

bool password_needs_rehash(struct str hash)
{
    char cstr[crypto_pwhash_STRBYTES];
    return !hash_cstr(hash, cstr) || crypto_pwhash_str_needs_rehash(cstr, PASSES, MEMORY_BYTES) != 0;
}
