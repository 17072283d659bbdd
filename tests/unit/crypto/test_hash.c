/* SHA-256, SHA-1 and HMAC against published vectors (FIPS 180-2 appendix B, RFC 4231, RFC 2202). */
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

static void assert_hex(const uint8_t *bytes, size_t n, const char *want)
{
    char hex[2 * SHA256_SIZE + 1] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(hex, want);
}

static void test_sha256(void **state)
{
    (void)state;
    static const struct {
        struct str input;
        const char *want;
    } cases[] = {
        {STR_INIT(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {STR_INIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {STR_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {STR_INIT("\0"), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[SHA256_SIZE];
        hash_sha256(cases[i].input, out);
        assert_hex(out, sizeof(out), cases[i].want);
    }
    uint8_t out[SHA256_SIZE];
    hash_sha256((struct str){NULL, 0}, out);
    assert_hex(out, sizeof(out), cases[0].want);
}

static void test_sha1(void **state)
{
    (void)state;
    static const struct {
        struct str input;
        const char *want;
    } cases[] = {
        {STR_INIT(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {STR_INIT("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {STR_INIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[SHA1_SIZE];
        hash_sha1(cases[i].input, out);
        assert_hex(out, sizeof(out), cases[i].want);
    }
}

static void test_hmac(void **state)
{
    (void)state;
    static const struct {
        struct str key, data;
        const char *sha256, *sha1;
    } cases[] = {
        {STR_INIT("Jefe"), STR_INIT("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {STR_INIT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
         STR_INIT("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
         "b617318655057264e28bc0b6fb378c8ef146be00"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t out[SHA256_SIZE];
        hash_hmac_sha256(cases[i].key, cases[i].data, out);
        assert_hex(out, SHA256_SIZE, cases[i].sha256);
        hash_hmac_sha1(cases[i].key, cases[i].data, out);
        assert_hex(out, SHA1_SIZE, cases[i].sha1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_sha1),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
