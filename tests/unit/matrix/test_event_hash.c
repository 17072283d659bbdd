/*
 * The hashes of events. The specification has vectors for content hashes (test_event_sign.c); it has none for reference
 * hashes, so here the bytes that are hashed are compared, and the hash of them with an independent computation.
 */
#include "codec/base64.h"
#include "crypto/hash.h"
#include "matrix/event.h"

#include <string.h>

#include "testing.h"

static const char pdu_text[] =
    "{\"type\":\"m.room.message\",\"content\":{\"body\":\"\\u00e4\\n\"},\"origin\":\"s\",\"depth\":1,"
    "\"unsigned\":{\"age\":5},\"signatures\":{\"s\":{\"k\":\"v\"}},\"hashes\":{\"sha256\":\"h\"},\"sender\":\"@a:s\"}";

static struct json *parse(struct arena *a, const char *text)
{
    struct json_result r = json_parse(a, str_of(text), JSON_DEPTH_MAX);
    assert_non_null(r.value);
    return json_shallow_copy(a, r.value);
}

static void test_signed_text(void **state)
{
    (void)state;
    static const char v10[] = "{\"content\":{},\"depth\":1,\"hashes\":{\"sha256\":\"h\"},\"origin\":\"s\","
                              "\"sender\":\"@a:s\",\"type\":\"m.room.message\"}";
    static const char v11[] = "{\"content\":{},\"depth\":1,\"hashes\":{\"sha256\":\"h\"},\"sender\":\"@a:s\","
                              "\"type\":\"m.room.message\"}";
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct str want = str_of(version->redaction == REDACTION_V9 ? v10 : v11);
        struct json *pdu = parse(a, pdu_text);
        assert_true(str_eq(event_signed_text(a, version, pdu), want));
        uint8_t hash[SHA256_SIZE];
        hash_sha256(want, hash);
        struct str id = event_reference_id(a, version, pdu);
        assert_true(str_eq(str_slice(id, 1, id.n), base64_url_encode(a, hash, sizeof(hash))));
        assert_int_equal(id.p[0], '$');
        /* What hash and signature do not cover does not change the id; what they cover does. */
        json_unset(pdu, STR("unsigned"));
        json_unset(pdu, STR("signatures"));
        json_set(a, pdu, STR("content"), *json_object(a));
        assert_true(str_eq(event_reference_id(a, version, pdu), id));
        json_set_int(a, pdu, STR("depth"), 2);
        assert_false(str_eq(event_reference_id(a, version, pdu), id));
    }
    arena_free(&a);
}

static void test_content_hash(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct json *pdu = parse(a, pdu_text);
    uint8_t hash[SHA256_SIZE];
    hash_sha256(STR("{\"content\":{\"body\":\"\xc3\xa4\\n\"},\"depth\":1,\"origin\":\"s\",\"sender\":\"@a:s\","
                    "\"type\":\"m.room.message\"}"),
                hash);
    struct str want = base64_encode(a, hash, sizeof(hash));
    assert_true(str_eq(event_content_hash(a, pdu), want));
    assert_false(event_content_hash_matches(a, pdu));

    const struct {
        struct json value;
        bool matches;
    } given[] = {
        {json_string(want), true},
        {json_string(str_fmt(a, "%.*s=", STR_ARG(want))), true},
        {json_string(str_slice(want, 0, want.n - 1)), false},
        {json_string(str_fmt(a, "%.*sAAAA", STR_ARG(want))), false},
        {json_string(STR("")), false},
        {json_string(STR("not base64!")), false},
        {json_int(1), false},
        {json_null(), false},
    };
    for (size_t i = 0; i < COUNT(given); i++) {
        struct json *hashes = json_object(a);
        json_set(a, hashes, STR("sha256"), given[i].value);
        json_set(a, pdu, STR("hashes"), *hashes);
        assert_int_equal(event_content_hash_matches(a, pdu), given[i].matches);
    }
    json_set(a, pdu, STR("hashes"), json_null());
    assert_false(event_content_hash_matches(a, pdu));
    json_unset(pdu, STR("hashes"));
    assert_false(event_content_hash_matches(a, pdu));
    arena_free(&a);
}

static void test_no_hash(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version = room_version_default();
    assert_null(event_content_hash(a, parse(a, "[]")).p);
    assert_null(event_content_hash(a, parse(a, "{\"x\":1.5}")).p);
    assert_null(event_reference_id(a, version, parse(a, "{\"depth\":1.5}")).p);
    char *big = arena_alloc(a, EVENT_SIZE_MAX);
    memset(big, 'x', EVENT_SIZE_MAX);
    struct json *pdu = json_object(a);
    json_set_str(a, pdu, STR("type"), (struct str){big, EVENT_SIZE_MAX});
    assert_null(event_content_hash(a, pdu).p);
    assert_null(event_reference_id(a, version, pdu).p);
    assert_false(event_content_hash_matches(a, pdu));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_text),
        cmocka_unit_test(test_content_hash),
        cmocka_unit_test(test_no_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
