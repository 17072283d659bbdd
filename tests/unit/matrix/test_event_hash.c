/*
 * The hashes of events. The specification has vectors for content hashes (test_event_sign.c) and none for reference
 * hashes: here the bytes that are hashed are compared, the hash of them with an independent computation, and ids with
 * those of events that were sent in public rooms and that other servers test with.
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

static const struct json *parse_list(struct arena *a, const char *text)
{
    return json_parse(a, str_of(text), JSON_DEPTH_MAX).value;
}

static void test_signed_text(void **state)
{
    (void)state;
    static const char v1[] = "{\"content\":{},\"depth\":1,\"hashes\":{\"sha256\":\"h\"},\"origin\":\"s\","
                             "\"sender\":\"@a:s\",\"type\":\"m.room.message\"}";
    static const char v11[] = "{\"content\":{},\"depth\":1,\"hashes\":{\"sha256\":\"h\"},\"sender\":\"@a:s\","
                              "\"type\":\"m.room.message\"}";
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct str want = str_of(version->redaction == REDACTION_V11 ? v11 : v1);
        struct json *pdu = parse(a, pdu_text);
        assert_true(str_eq(event_signed_text(a, version, pdu), want));
        if (version->event_format == EVENT_FORMAT_V1)
            continue;
        uint8_t hash[SHA256_SIZE];
        hash_sha256(want, hash);
        struct str id = event_reference_id(a, version, pdu);
        bool url_safe = version->event_format == EVENT_FORMAT_V4;
        struct str text = url_safe ? base64_url_encode(a, hash, sizeof(hash)) : base64_encode(a, hash, sizeof(hash));
        assert_true(str_eq(str_slice(id, 1, id.n), text));
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
    assert_null(event_content_hash(a, parse(a, "{\"x\":1e400}")).p);
    assert_null(event_reference_id(a, version, parse(a, "{\"depth\":1e400}")).p);
    assert_null(event_reference_id(a, room_version_at(0), parse(a, "{}")).p);
    char *big = arena_alloc(a, EVENT_SIZE_MAX);
    memset(big, 'x', EVENT_SIZE_MAX);
    struct json *pdu = json_object(a);
    json_set_str(a, pdu, STR("type"), (struct str){big, EVENT_SIZE_MAX});
    assert_null(event_content_hash(a, pdu).p);
    assert_null(event_reference_id(a, version, pdu).p);
    assert_false(event_content_hash_matches(a, pdu));
    arena_free(&a);
}

/* Events of public rooms, as other servers' tests have them: an m.room.create of version 5 by Synapse, whose id in
 * version 3 those tests give as well; a join of version 5 by another server; a name of version 1 by Dendrite, with its
 * hash. */
static const char public_create[] =
    "{\"auth_events\":[],\"prev_events\":[],\"type\":\"m.room.create\",\"room_id\":\"!uXDCzlYgCTHtiWCkEx:jki.re\","
    "\"sender\":\"@erikj:jki.re\",\"content\":{\"room_version\":\"5\",\"predecessor\":{\"room_id\":"
    "\"!gdRMqOrTFdOCYHNwOo:half-shot.uk\",\"event_id\":\"$LP7ROBc4b+cMc1UE9haIz8q5AK2AIW4eJ90FfKLvyZI\"},\"creator\":"
    "\"@erikj:jki.re\"},\"depth\":1,\"prev_state\":[],\"state_key\":\"\",\"origin\":\"jki.re\",\"origin_server_ts\":"
    "1560284621137,\"hashes\":{\"sha256\":\"IX6zuNiJpJPNf70BLleL3HSCpjKeq9Uhu7uUpyDjBmc\"},\"signatures\":{\"jki.re\":{"
    "\"ed25519:auto\":\"O4IyFfF2PPtGp5uaDm8t57dZbdh8vc8Q64LgCwvzYRVItAMI0uisfiAFaxkVT7MRpzh6N2QNN5NMRXZKmgPYDA\"}},"
    "\"unsigned\":{\"age\":1321650}}";
static const char public_join[] =
    "{\"auth_events\":[\"$OKPes_DblGAyobzyE1URoHA2-3CIpX3uvjQYrZ5hejo\",\"$RrGxF28UrHLmoASHndYb9Jb_"
    "1SFww2ptmtur9INS438\","
    "\"$5jwb0LeojBscEuVzdk-YBeuhiSa6ob6ygWA8EmXwfzg\",\"$eoyXjfFijYvWm3JZ5NQfPzrhiboPdvutpROmD9dYelg\"],\"content\":{"
    "\"avatar_url\":\"mxc://matrix.vgorcum.com/ZRlwJNjWFesIsuEjRevGtxkB\",\"displayname\":\"Mathijs\",\"membership\":"
    "\"join\"},\"depth\":36,\"hashes\":{\"sha256\":\"AAvLiR0HgSgxRfmRn+zy3nC4FK0pHo8YCd4yB2uwMM8\"},\"origin\":"
    "\"matrix.vgorcum.com\",\"origin_server_ts\":1560285821015,\"prev_events\":["
    "\"$eoyXjfFijYvWm3JZ5NQfPzrhiboPdvutpROmD9dYelg\"],\"prev_state\":[],\"room_id\":\"!uXDCzlYgCTHtiWCkEx:jki.re\","
    "\"sender\":\"@mathijs:matrix.vgorcum.com\",\"state_key\":\"@mathijs:matrix.vgorcum.com\",\"type\":\"m.room."
    "member\","
    "\"signatures\":{\"half-shot.uk\":{\"ed25519:a_fBAF\":"
    "\"H01dNRn4xNjxmJ+X/JDSPmryfBpmu5Ktacbmrnu32b32Skb+qwjBEee5o6DAUno3n/U6KCkI8JVRd7DxI/"
    "ZsBg\"}},\"unsigned\":{\"age\":42}}";
static const char public_name[] =
    "{\"auth_events\":[[\"$oXL79cT7fFxR7dPH:localhost\",{\"sha256\":\"abjkiDSg1RkuZrbj2jZoGMlQaaj1Ue3Jhi7I7NlKfXY\"}],"
    "[\"$IVUsaSkm1LBAZYYh:localhost\",{\"sha256\":\"X7RUj46hM/8sUHNBIFkStbOauPvbDzjSdH4NibYWnko\"}],"
    "[\"$VS2QT0EeArZYi8wf:localhost\",{\"sha256\":\"k9eM6utkCH8vhLW9/oRsH74jOBS/6RVK42iGDFbylno\"}]],\"content\":{"
    "\"name\":\"test3\"},\"depth\":7,\"event_id\":\"$yvN1b43rlmcOs5fY:localhost\",\"hashes\":{\"sha256\":"
    "\"Oh1mwI1jEqZ3tgJ+V1Dmu5nOEGpCE4RFUqyJv2gQXKs\"},\"origin\":\"localhost\",\"origin_server_ts\":1510854416361,"
    "\"prev_events\":[[\"$FqI6TVvWpcbcnJ97:localhost\",{\"sha256\":\"upCsBqUhNUgT2/+zkzg8TbqdQpWWKQnZpGJc6KcbUC4\"}]],"
    "\"prev_state\":[],\"room_id\":\"!19Mp0U9hjajeIiw1:localhost\",\"sender\":\"@test:localhost\",\"signatures\":{"
    "\"localhost\":{\"ed25519:u9kP\":"
    "\"5IzSuRXkxvbTp0vZhhXYZeOe+619iG3AybJXr7zfNn/4vHz4TH7qSJVQXSaHHvcTcDodAKHnTG1WDulgO5okAQ\"}},\"state_key\":\"\","
    "\"type\":\"m.room.name\"}";

static void test_public_events(void **state)
{
    (void)state;
    static const struct {
        struct str version;
        const char *pdu, *id;
    } cases[] = {
        {STR_INIT("1"), public_name, "$yvN1b43rlmcOs5fY:localhost"},
        {STR_INIT("2"), public_name, "$yvN1b43rlmcOs5fY:localhost"},
        {STR_INIT("3"), public_create, "$RrGxF28UrHLmoASHndYb9Jb/1SFww2ptmtur9INS438"},
        {STR_INIT("4"), public_create, "$RrGxF28UrHLmoASHndYb9Jb_1SFww2ptmtur9INS438"},
        {STR_INIT("5"), public_create, "$RrGxF28UrHLmoASHndYb9Jb_1SFww2ptmtur9INS438"},
        {STR_INIT("5"), public_join, "$tTPjEB-7HV7dpw4dbSAcW-zF9fgCmcBOvsS9X8DFEy4"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct room_version *version = room_version_find(cases[i].version);
        struct event e;
        struct event_verdict v = event_parse(a, version, parse(a, cases[i].pdu), &e);
        if (v.refused || !str_eq(e.event_id, str_of(cases[i].id)))
            fail_msg("case %zu: %s, got %.*s", i, v.refused ? v.refused : "", STR_ARG(e.event_id));
        assert_true(event_settle_hash(a, &e));
    }
    arena_free(&a);
}

/* [id, {"sha256": reference hash}] in versions 1 and 2, and what was cited reads back. */
static void test_citation(void **state)
{
    (void)state;
    static const char covered[] =
        "{\"auth_events\":[],\"content\":{},\"depth\":1,\"event_id\":\"$e:s\",\"hashes\":{\"sha256\":\"h\"},"
        "\"origin_server_ts\":1,\"prev_events\":[],\"room_id\":\"!r:s\",\"sender\":\"@a:s\",\"type\":\"t\"}";
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = parse(a, covered);
        json_set(a, pdu, STR("signatures"), *json_object(a));
        struct event e;
        assert_null(event_parse(a, version, pdu, &e).refused);
        struct json citation = event_citation(a, &e);
        assert_true(str_eq(event_cited_id(version, &citation), e.event_id));
        uint8_t hash[SHA256_SIZE];
        hash_sha256(str_of(covered), hash);
        struct str want =
            version->event_format == EVENT_FORMAT_V1
                ? str_fmt(a, "[\"$e:s\",{\"sha256\":\"%.*s\"}]", STR_ARG(base64_encode(a, hash, sizeof(hash))))
                : str_fmt(a, "\"%.*s\"", STR_ARG(e.event_id));
        assert_true(str_eq(json_text(a, &citation), want));
    }
    arena_free(&a);
}

/* A whole PDU with a right content hash. */
static struct json *pdu_in(struct arena *a, const struct room_version *version)
{
    bool pairs = version->event_format == EVENT_FORMAT_V1;
    struct json *pdu =
        parse(a, "{\"auth_events\":[],\"content\":{\"body\":\"x\"},\"depth\":1,\"event_id\":\"$e:s\",\"hashes\":{},"
                 "\"origin_server_ts\":1,\"room_id\":\"!r:s\",\"sender\":\"@a:s\",\"signatures\":{},\"type\":\"t\"}");
    json_set(a, pdu, STR("prev_events"), *parse_list(a, pairs ? "[[\"$p:s\",{}],[\"$q:s\",{}]]" : "[\"$p\",\"$q\"]"));
    struct json *hashes = json_object(a);
    json_set_str(a, hashes, STR("sha256"), event_content_hash(a, pdu));
    json_set(a, pdu, STR("hashes"), *hashes);
    return pdu;
}

/* Check 3: who changes what the signature does not cover has sent the redacted event. */
static void test_settle_hash(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = pdu_in(a, version);
        struct event right, wrong;
        assert_null(event_parse(a, version, pdu, &right).refused);
        assert_true(event_settle_hash(a, &right));
        assert_true(right.json == pdu && str_eq(json_str_at(right.content, STR("body")), STR("x")));

        struct json *changed = json_shallow_copy(a, pdu);
        json_set(a, changed, STR("content"), *parse(a, "{\"body\":\"y\"}"));
        json_set(a, changed, STR("unsigned"), *json_object(a));
        json_set_int(a, changed, STR("more"), 1);
        assert_null(event_parse(a, version, changed, &wrong).refused);
        assert_false(event_settle_hash(a, &wrong));
        assert_int_equal(wrong.content->count, 0);
        assert_true(json_eq(wrong.json, event_redact(a, version, changed)));
        assert_true(str_eq(wrong.event_id, right.event_id) && str_eq(wrong.room_id, right.room_id));
        assert_int_equal(wrong.prev_events_count, 2);
        assert_false(event_settle_hash(a, &wrong)); /* nor does its hash match now */
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_text),   cmocka_unit_test(test_content_hash), cmocka_unit_test(test_no_hash),
        cmocka_unit_test(test_public_events), cmocka_unit_test(test_citation),     cmocka_unit_test(test_settle_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
