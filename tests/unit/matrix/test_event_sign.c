/*
 * Signing against the specification's "Cryptographic Test Vectors" (appendices), and our own events through the whole
 * way.
 *
 * The event vectors are of room versions 1 and 2: they have no depth or prev_events in part, an `origin`, and one has
 * an `event_id`. The third is of Synapse's tests. Content hash, redaction and signature up to version 10 are made from
 * the same bytes, and so have to come out the same. Versions 11 and 12 drop `origin` when redacting, so there only the
 * content hash must. What the vectors cannot test is event_parse(), whose format they break.
 */
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "matrix/event_sign.h"

#include <string.h>

#include "testing.h"

static const char *const seed_base64 = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1";

static struct json *parse(struct arena *a, const char *text)
{
    struct json_result r = json_parse(a, str_of(text), JSON_DEPTH_MAX);
    assert_non_null(r.value);
    return json_shallow_copy(a, r.value);
}

static struct signing_key test_key(struct arena *a)
{
    struct signing_key key = {.server_name = STR("domain"), .key_id = STR("ed25519:1")};
    struct str seed;
    /* The vector's seed ends in bits that a strict reader would refuse. */
    assert_true(base64_decode_loose(a, str_of(seed_base64), &seed));
    assert_int_equal(seed.n, ED25519_SEED_SIZE);
    ed25519_from_seed((const uint8_t *)seed.p, &key.key);
    return key;
}

static struct str signature_of(const struct json *object)
{
    return json_str_at(json_get(json_get(object, STR("signatures")), STR("domain")), STR("ed25519:1"));
}

static void test_json_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *object, *signature, *whole;
    } cases[] = {
        {"{}", "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ", NULL},
        {"{\"one\":1,\"two\":\"Two\"}",
         "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
         "{\"one\":1,\"signatures\":{\"domain\":{\"ed25519:1\":\"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/"
         "fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw\"}},\"two\":\"Two\"}"},
        {"{\"one\":1,\"two\":\"Two\",\"unsigned\":{\"age\":1.5},\"signatures\":{}}",
         "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw", NULL},
    };
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json *object = parse(a, cases[i].object);
        json_sign(a, object, &key);
        assert_true(str_eq(signature_of(object), str_of(cases[i].signature)));
        assert_true(!cases[i].whole || str_eq(json_text(a, object), str_of(cases[i].whole)));
        assert_true(json_verify(a, object, key.server_name, key.key_id, key.key.public_key));
    }
    arena_free(&a);
}

static const char minimal[] = "{\"room_id\":\"!x:domain\",\"sender\":\"@a:domain\",\"origin\":\"domain\","
                              "\"origin_server_ts\":1000000,\"signatures\":{},\"hashes\":{},\"type\":\"X\","
                              "\"content\":{},\"prev_events\":[],\"auth_events\":[],\"depth\":3,"
                              "\"unsigned\":{\"age_ts\":1000000}}";
static const char redactable[] = "{\"content\":{\"body\":\"Here is the message content\"},\"event_id\":\"$0:domain\","
                                 "\"origin\":\"domain\",\"origin_server_ts\":1000000,\"type\":\"m.room.message\","
                                 "\"room_id\":\"!r:domain\",\"sender\":\"@u:domain\",\"signatures\":{},"
                                 "\"unsigned\":{\"age_ts\":1000000}}";

static const char bare[] = "{\"event_id\":\"$0:domain\",\"origin\":\"domain\",\"origin_server_ts\":1000000,"
                           "\"signatures\":{},\"type\":\"X\",\"unsigned\":{\"age_ts\":1000000}}";

static void test_event_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *event, *hash, *signature;
    } cases[] = {
        {minimal, "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos",
         "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"},
        {redactable, "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g",
         "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA"},
        {bare, "6tJjLpXtggfke8UxFhAKg82QVkJzvKOVOOSjUDK4ZSI",
         "2Wptgo4CwmLo/Y8B8qinxApKaCkBG2fjTWB7AbP5Uy+aIbygsSdLOFzvdDjww8zUVKCmI02eP9xtyJxc/cLiBA"},
    };
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct room_version *version;
        for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
            struct json *event = parse(a, cases[i].event);
            struct str hash = event_content_hash(a, event);
            assert_true(str_eq(hash, str_of(cases[i].hash)));
            struct json *hashes = json_object(a);
            json_set_str(a, hashes, STR("sha256"), hash);
            json_set(a, event, STR("hashes"), *hashes);
            assert_true(event_content_hash_matches(a, event));
            assert_true(event_cosign(a, version, event, &key));
            bool same = str_eq(signature_of(event), str_of(cases[i].signature));
            assert_int_equal(same, version->redaction != REDACTION_V11);
            assert_true(event_verify(a, version, event, key.server_name, key.key_id, key.key.public_key));
            assert_true(json_get(event, STR("unsigned")) != NULL);
        }
    }
    arena_free(&a);
}

static const struct json *parse_list(struct arena *a, const char *text)
{
    return json_parse(a, str_of(text), JSON_DEPTH_MAX).value;
}

static struct json *message(struct arena *a)
{
    return parse(a, "{\"type\":\"m.room.message\",\"room_id\":\"!r:domain\",\"sender\":\"@u:domain\","
                    "\"content\":{\"msgtype\":\"m.text\",\"body\":\"hello\"},\"depth\":7,\"origin_server_ts\":1000000,"
                    "\"prev_events\":[\"$p\"],\"auth_events\":[\"$c\",\"$m\"]}");
}

static void test_seal(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    const struct room_version *version = room_version_find(STR("11"));
    struct json *pdu = message(a);
    struct event e;
    assert_null(event_seal(a, version, pdu, &key, &e).refused);
    assert_true(event_content_hash_matches(a, pdu));
    assert_true(event_verify(a, version, pdu, STR("domain"), STR("ed25519:1"), key.key.public_key));
    assert_true(str_eq(e.event_id, event_reference_id(a, version, pdu)));
    assert_int_equal(e.event_id.n, 44);
    assert_true(str_eq(e.type, STR("m.room.message")));
    /* A redacted copy keeps id and signature; its content hash no longer matches. */
    struct json *redacted = event_redact(a, version, pdu);
    assert_true(str_eq(e.event_id, event_reference_id(a, version, redacted)));
    assert_true(event_verify(a, version, redacted, STR("domain"), STR("ed25519:1"), key.key.public_key));
    assert_false(event_content_hash_matches(a, redacted));
    /* Sealing again replaces what was there, and comes to the same. */
    struct event again;
    assert_null(event_seal(a, version, pdu, &key, &again).refused);
    assert_true(str_eq(e.event_id, again.event_id));
    arena_free(&a);
}

static void test_seal_refuses(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    const struct room_version *version = room_version_find(STR("12"));
    struct event e = {.depth = -1};
    struct json *pdu = message(a); /* room_id of the old form is fine for the format */
    json_set(a, pdu, STR("content"), *parse(a, "{\"x\":1.5}"));
    assert_non_null(event_seal(a, version, pdu, &key, &e).refused);
    pdu = message(a);
    char *big = arena_alloc(a, EVENT_SIZE_MAX);
    memset(big, 'x', EVENT_SIZE_MAX);
    /* Too large with the content; and too large only with hash and signature. */
    static const size_t sizes[] = {EVENT_SIZE_MAX, EVENT_SIZE_MAX - 300};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct json *content = json_object(a);
        json_set_str(a, content, STR("body"), (struct str){big, sizes[i]});
        json_set(a, pdu, STR("content"), *content);
        assert_non_null(event_seal(a, version, pdu, &key, &e).refused);
    }
    pdu = message(a);
    json_unset(pdu, STR("sender"));
    assert_non_null(event_seal(a, version, pdu, &key, &e).refused);
    assert_int_equal(e.depth, -1);
    arena_free(&a);
}

/* What stands in `signatures` of a stranger's object: none of it verifies. */
static void test_verify_refuses(void **state)
{
    (void)state;
    static const char *const signatures[] = {
        "null",
        "[]",
        "{}",
        "{\"domain\":null}",
        "{\"domain\":{}}",
        "{\"domain\":{\"ed25519:1\":null}}",
        "{\"domain\":{\"ed25519:1\":\"\"}}",
        "{\"domain\":{\"ed25519:1\":\"!\"}}",
        "{\"domain\":{\"ed25519:1\":\"AAAA\"}}",
        "{\"domain\":{\"ed25519:2\":\"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/"
        "7Xg4ahLwYGYZzuHGZKM5ZAQ\"}}",
        "{\"other\":{\"ed25519:1\":\"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/"
        "7Xg4ahLwYGYZzuHGZKM5ZAQ\"}}",
    };
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    for (size_t i = 0; i < COUNT(signatures); i++) {
        struct json *object = json_object(a);
        json_set(a, object, STR("signatures"), *parse(a, signatures[i]));
        assert_false(json_verify(a, object, STR("domain"), STR("ed25519:1"), key.key.public_key));
        assert_false(
            event_verify(a, room_version_default(), object, STR("domain"), STR("ed25519:1"), key.key.public_key));
        json_sign(a, object, &key);
        assert_true(json_verify(a, object, STR("domain"), STR("ed25519:1"), key.key.public_key));
    }
    assert_false(json_verify(a, NULL, STR("domain"), STR("ed25519:1"), key.key.public_key));
    assert_null(json_signed_text(a, parse(a, "{\"x\":0.5}")).p);
    arena_free(&a);
}

static void test_cosign_keeps_others(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = test_key(a), other = test_key(a);
    other.server_name = STR("other");
    other.key_id = STR("ed25519:z");
    const struct room_version *version = room_version_find(STR("10"));
    struct json *pdu = message(a);
    struct event e;
    assert_null(event_seal(a, version, pdu, &key, &e).refused);
    assert_true(event_cosign(a, version, pdu, &other));
    assert_true(event_verify(a, version, pdu, STR("domain"), STR("ed25519:1"), key.key.public_key));
    assert_true(event_verify(a, version, pdu, STR("other"), STR("ed25519:z"), key.key.public_key));
    assert_true(str_eq(e.event_id, event_reference_id(a, version, pdu)));
    arena_free(&a);
}

/* Our own events in every version; where the server gives the id, the content hash covers it. */
static void test_seal_in_every_version(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = message(a);
        struct event e;
        if (version->event_format == EVENT_FORMAT_V1) {
            json_set(a, pdu, STR("prev_events"), *parse_list(a, "[[\"$p:x\",{\"sha256\":\"h\"}]]"));
            json_set(a, pdu, STR("auth_events"), *parse_list(a, "[]"));
            struct json *without = json_shallow_copy(a, pdu);
            assert_non_null(event_seal(a, version, without, &key, &e).refused);
            json_set_str(a, pdu, STR("event_id"), event_id_make(a, STR("Zz09._~-"), key.server_name));
        }
        assert_null(event_seal(a, version, pdu, &key, &e).refused);
        assert_true(event_content_hash_matches(a, pdu));
        assert_true(event_verify(a, version, pdu, STR("domain"), STR("ed25519:1"), key.key.public_key));
        assert_true(str_eq(e.event_id, event_reference_id(a, version, pdu)));
        bool given = version->event_format == EVENT_FORMAT_V1;
        assert_true(given ? str_eq(e.event_id, STR("$Zz09._~-:domain")) : e.event_id.n == 44);
        assert_true(event_settle_hash(a, &e));
        json_set_str(a, pdu, STR("event_id"), STR("$other:domain"));
        assert_false(event_content_hash_matches(a, pdu));
    }
    arena_free(&a);
}

/* Floats in versions that know none of canonical JSON's limits come out as others hash them. */
static void test_seal_floats(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = test_key(a);
    const struct room_version *version;
    for (size_t v = 2; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = message(a);
        json_set(a, pdu, STR("content"), *parse(a, "{\"x\":[1.50,-0,1e2,12345678901234567890]}"));
        struct event e;
        struct event_verdict verdict = event_seal(a, version, pdu, &key, &e);
        assert_int_equal(verdict.refused != NULL, version->strict_json);
        if (verdict.refused)
            continue;
        assert_true(str_eq(json_text(a, e.content), STR("{\"x\":[1.5,0,100.0,12345678901234567890]}")));
        /* Written in another way it is the same event. */
        json_set(a, pdu, STR("content"), *parse(a, "{\"x\":[15e-1,0,100.0,12345678901234567890]}"));
        assert_true(event_content_hash_matches(a, pdu));
    }
    arena_free(&a);
}

int main(void)
{
    crypto_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_vectors),
        cmocka_unit_test(test_event_vectors),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_seal_refuses),
        cmocka_unit_test(test_seal_in_every_version),
        cmocka_unit_test(test_seal_floats),
        cmocka_unit_test(test_verify_refuses),
        cmocka_unit_test(test_cosign_keeps_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
