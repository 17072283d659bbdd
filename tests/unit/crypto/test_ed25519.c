/* Ed25519 against RFC 8032, section 7.1, and what must not verify. */
#include "crypto/crypto.h"
#include "crypto/ed25519.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

static void from_hex(const char *hex, uint8_t *out, size_t n)
{
    assert_int_equal(strlen(hex), 2 * n);
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
}

static const struct {
    const char *seed, *public_key;
    struct str message;
    const char *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", STR_INIT(""),
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", STR_INIT("\x72"),
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", STR_INIT("\xaf\x82"),
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea1ec40a"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        uint8_t seed[ED25519_SEED_SIZE], public_key[ED25519_PUBLIC_SIZE];
        uint8_t want[ED25519_SIGNATURE_SIZE], got[ED25519_SIGNATURE_SIZE];
        from_hex(vectors[i].seed, seed, sizeof(seed));
        from_hex(vectors[i].public_key, public_key, sizeof(public_key));
        from_hex(vectors[i].signature, want, sizeof(want));
        struct ed25519_key key;
        ed25519_from_seed(seed, &key);
        assert_memory_equal(key.public_key, public_key, sizeof(public_key));
        ed25519_sign(&key, vectors[i].message, got);
        assert_memory_equal(got, want, sizeof(want));
        assert_true(ed25519_verify(public_key, vectors[i].message, want));
    }
}

static void test_refuses(void **state)
{
    (void)state;
    uint8_t seed[ED25519_SEED_SIZE], signature[ED25519_SIGNATURE_SIZE];
    struct ed25519_key key, other;
    ed25519_generate(&key, seed);
    ed25519_sign(&key, STR("message"), signature);
    assert_true(ed25519_verify(key.public_key, STR("message"), signature));
    assert_false(ed25519_verify(key.public_key, STR("messagE"), signature));
    assert_false(ed25519_verify(key.public_key, STR("message "), signature));
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit += 7) {
        uint8_t bent[ED25519_SIGNATURE_SIZE];
        memcpy(bent, signature, sizeof(bent));
        bent[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(ed25519_verify(key.public_key, STR("message"), bent));
    }
    ed25519_generate(&other, seed);
    assert_memory_not_equal(other.public_key, key.public_key, ED25519_PUBLIC_SIZE);
    assert_false(ed25519_verify(other.public_key, STR("message"), signature));

    /* The neutral element and all ones: a key of small order, and no point at all. */
    const uint8_t small_order[ED25519_PUBLIC_SIZE] = {1};
    uint8_t ones[ED25519_PUBLIC_SIZE];
    memset(ones, 0xff, sizeof(ones));
    const uint8_t zero_signature[ED25519_SIGNATURE_SIZE] = {1};
    assert_false(ed25519_verify(small_order, STR("message"), zero_signature));
    assert_false(ed25519_verify(ones, STR("message"), signature));
}

static void test_seed_gives_key_back(void **state)
{
    (void)state;
    uint8_t seed[ED25519_SEED_SIZE];
    struct ed25519_key made, read;
    ed25519_generate(&made, seed);
    ed25519_from_seed(seed, &read);
    assert_memory_equal(&made, &read, sizeof(made));
    const struct ed25519_key wiped = {.public_key = {0}};
    ed25519_wipe(&made);
    assert_memory_equal(&made, &wiped, sizeof(made));
}

int main(void)
{
    crypto_init();
    crypto_init(); /* twice does no harm */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_seed_gives_key_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
