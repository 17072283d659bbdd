/* Identifier grammars (appendices), each function with what it takes and what it refuses. */
#include "matrix/id.h"

#include <string.h>

#include "testing.h"

#define A10  "aaaaaaaaaa"
#define A50  A10 A10 A10 A10 A10
#define A250 A50 A50 A50 A50 A50
#define HASH "Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"

static const struct {
    const char *grammar;
    bool (*valid)(struct str);
    struct str input;
    bool want;
} cases[] = {
    {"server name", server_name_valid, STR_INIT("matrix.org"), true},
    {"server name", server_name_valid, STR_INIT("matrix.org:8888"), true},
    {"server name", server_name_valid, STR_INIT("1.2.3.4"), true},
    {"server name", server_name_valid, STR_INIT("1.2.3.4:1234"), true},
    {"server name", server_name_valid, STR_INIT("[1234:5678::abcd]"), true},
    {"server name", server_name_valid, STR_INIT("[1234:5678::abcd]:5678"), true},
    {"server name", server_name_valid, STR_INIT("[::ffff:1.2.3.4]"), true},
    {"server name", server_name_valid, STR_INIT("[::]"), true},
    {"server name", server_name_valid, STR_INIT("localhost"), true},
    {"server name", server_name_valid, STR_INIT("MATRIX.org"), true},
    {"server name: of digits, and so a DNS name", server_name_valid, STR_INIT("1.2.3.400"), true},
    {"server name: the grammar wants only digits", server_name_valid, STR_INIT("a:99999"), true},
    {"server name: 255 bytes", server_name_valid, STR_INIT(A250 "aaaaa"), true},
    {"server name: 256 bytes", server_name_valid, STR_INIT(A250 "aaaaaa"), false},
    {"server name: empty", server_name_valid, STR_INIT(""), false},
    {"server name: port of 6 digits", server_name_valid, STR_INIT("a:123456"), false},
    {"server name: empty port", server_name_valid, STR_INIT("a:"), false},
    {"server name: no host", server_name_valid, STR_INIT(":80"), false},
    {"server name: two ports", server_name_valid, STR_INIT("a:80:80"), false},
    {"server name: port of letters", server_name_valid, STR_INIT("a:8x"), false},
    {"server name: negative port", server_name_valid, STR_INIT("a:-1"), false},
    {"server name: underscore", server_name_valid, STR_INIT("a_b"), false},
    {"server name: space", server_name_valid, STR_INIT("a b"), false},
    {"server name: slash", server_name_valid, STR_INIT("a/b"), false},
    {"server name: user", server_name_valid, STR_INIT("u@a"), false},
    {"server name: NUL", server_name_valid, STR_INIT("a\0b"), false},
    {"server name: not ASCII", server_name_valid, STR_INIT("\xc3\xa4.org"), false},
    {"server name: IPv6 without brackets", server_name_valid, STR_INIT("::1"), false},
    {"server name: IPv6 not closed", server_name_valid, STR_INIT("[::1"), false},
    {"server name: IPv6 with what follows", server_name_valid, STR_INIT("[::1]a"), false},
    {"server name: IPv6 with empty port", server_name_valid, STR_INIT("[::1]:"), false},
    {"server name: IPv6 empty", server_name_valid, STR_INIT("[]"), false},
    {"server name: IPv6 zone", server_name_valid, STR_INIT("[fe80::1%eth0]"), false},
    {"server name: IPv6 with two gaps", server_name_valid, STR_INIT("[1::2::3]"), false},
    {"server name: IPv6 with nine parts", server_name_valid, STR_INIT("[1:2:3:4:5:6:7:8:9]"), false},
    {"server name: IPv6 of 45 characters", server_name_valid,
     STR_INIT("[0000:0000:0000:0000:0000:0000:255.255.255.255]"), true},
    {"server name: IPv6 of 46 characters", server_name_valid,
     STR_INIT("[00000:0000:0000:0000:0000:0000:255.255.255.255]"), false},
    {"server name: IPv6 very long", server_name_valid, STR_INIT("[" A50 "]"), false},

    {"user id", user_id_valid, STR_INIT("@alice:example.org"), true},
    {"user id: port", user_id_valid, STR_INIT("@alice:example.org:8448"), true},
    {"user id: IPv6", user_id_valid, STR_INIT("@alice:[::1]"), true},
    {"user id: historical, upper case", user_id_valid, STR_INIT("@Alice:example.org"), true},
    {"user id: historical, Unicode", user_id_valid, STR_INIT("@\xf0\x9f\x90\xb1:example.org"), true},
    {"user id: historical, control characters", user_id_valid, STR_INIT("@a\nb\x01:example.org"), true},
    {"user id: historical, empty localpart", user_id_valid, STR_INIT("@:example.org"), true},
    {"user id: 255 bytes", user_id_valid, STR_INIT("@" A250 ":abc"), true},
    {"user id: 256 bytes", user_id_valid, STR_INIT("@" A250 ":abcd"), false},
    {"user id: empty", user_id_valid, STR_INIT(""), false},
    {"user id: sigil alone", user_id_valid, STR_INIT("@"), false},
    {"user id: no server", user_id_valid, STR_INIT("@alice"), false},
    {"user id: empty server", user_id_valid, STR_INIT("@alice:"), false},
    {"user id: no sigil", user_id_valid, STR_INIT("alice:example.org"), false},
    {"user id: other sigil", user_id_valid, STR_INIT("#alice:example.org"), false},
    {"user id: NUL", user_id_valid, STR_INIT("@al\0ice:example.org"), false},
    {"user id: bad server", user_id_valid, STR_INIT("@alice:example org"), false},
    {"user id: colon in localpart", user_id_valid, STR_INIT("@al:ice:example.org"), false},

    {"localpart", user_localpart_valid, STR_INIT("a.b_c=d-e/f+9"), true},
    {"localpart: empty", user_localpart_valid, STR_INIT(""), false},
    {"localpart: upper case", user_localpart_valid, STR_INIT("Alice"), false},
    {"localpart: tilde", user_localpart_valid, STR_INIT("a~b"), false},
    {"localpart: colon", user_localpart_valid, STR_INIT("a:b"), false},
    {"localpart: space", user_localpart_valid, STR_INIT("a b"), false},

    {"alias", room_alias_valid, STR_INIT("#room:example.org"), true},
    {"alias: Unicode and spaces", room_alias_valid, STR_INIT("#r\xc3\xa4um 1:example.org"), true},
    {"alias: 255 bytes", room_alias_valid, STR_INIT("#" A250 ":abc"), true},
    {"alias: 256 bytes", room_alias_valid, STR_INIT("#" A250 ":abcd"), false},
    {"alias: empty localpart", room_alias_valid, STR_INIT("#:example.org"), false},
    {"alias: no server", room_alias_valid, STR_INIT("#room"), false},
    {"alias: NUL", room_alias_valid, STR_INIT("#r\0m:example.org"), false},
    {"alias: other sigil", room_alias_valid, STR_INIT("!room:example.org"), false},

    {"room id", room_id_valid, STR_INIT("!abc:example.org"), true},
    {"room id: opaque part of any characters", room_id_valid, STR_INIT("!a b/\xc3\xa4:example.org"), true},
    {"room id: hash", room_id_valid, STR_INIT("!" HASH), true},
    {"room id: hash one too short", room_id_valid, STR_INIT("!Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Z"), false},
    {"room id: hash one too long", room_id_valid, STR_INIT("!" HASH "a"), false},
    {"room id: hash in the other alphabet", room_id_valid, STR_INIT("!Rqnc+F/dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"),
     false},
    {"room id: 255 bytes", room_id_valid, STR_INIT("!" A250 ":abc"), true},
    {"room id: 256 bytes", room_id_valid, STR_INIT("!" A250 ":abcd"), false},
    {"room id: empty opaque part", room_id_valid, STR_INIT("!:example.org"), false},
    {"room id: sigil alone", room_id_valid, STR_INIT("!"), false},
    {"room id: an event id", room_id_valid, STR_INIT("$" HASH), false},

    {"event id", event_id_valid, STR_INIT("$" HASH), true},
    {"event id: old form", event_id_valid, STR_INIT("$143273582443PhrSn:example.org"), true},
    {"event id: 255 bytes", event_id_valid, STR_INIT("$" A250 "aaaa"), true},
    {"event id: 256 bytes", event_id_valid, STR_INIT("$" A250 "aaaaa"), false},
    {"event id: sigil alone", event_id_valid, STR_INIT("$"), false},
    {"event id: empty", event_id_valid, STR_INIT(""), false},
    {"event id: NUL", event_id_valid, STR_INIT("$a\0b"), false},
    {"event id with server", event_id_with_server_valid, STR_INIT("$143273582443PhrSn:example.org"), true},
    {"event id with server: port", event_id_with_server_valid, STR_INIT("$a/b:c:1"), true},
    {"event id with server: IPv6", event_id_with_server_valid, STR_INIT("$a:[::1]:8448"), true},
    {"event id with server: 256 bytes", event_id_with_server_valid, STR_INIT("$" A250 "aa:ss"), false},
    {"event id with server: none", event_id_with_server_valid, STR_INIT("$" HASH), false},
    {"event id with server: nothing else", event_id_with_server_valid, STR_INIT("$:s"), false},
    {"event id with server: other sigil", event_id_with_server_valid, STR_INIT("!a:s"), false},
    {"event id: other sigil", event_id_valid, STR_INIT("!" HASH), false},

    {"opaque id", opaque_id_valid, STR_INIT("aZ09-._~"), true},
    {"opaque id: 255", opaque_id_valid, STR_INIT(A250 "aaaaa"), true},
    {"opaque id: 256", opaque_id_valid, STR_INIT(A250 "aaaaaa"), false},
    {"opaque id: empty", opaque_id_valid, STR_INIT(""), false},
    {"opaque id: slash", opaque_id_valid, STR_INIT("a/b"), false},
    {"opaque id: not ASCII", opaque_id_valid, STR_INIT("\xc3\xa4"), false},

    {"key id", key_id_valid, STR_INIT("ed25519:a_XRhW"), true},
    {"key id: other algorithm", key_id_valid, STR_INIT("signed_curve25519:AAAAHg"), true},
    {"key id: no name", key_id_valid, STR_INIT("ed25519:"), false},
    {"key id: no algorithm", key_id_valid, STR_INIT(":1"), false},
    {"key id: no colon", key_id_valid, STR_INIT("ed25519"), false},
    {"key id: two colons", key_id_valid, STR_INIT("ed25519:a:b"), false},
    {"key id: dash", key_id_valid, STR_INIT("ed25519:a-b"), false},

    {"mxc", mxc_uri_valid, STR_INIT("mxc://example.org/AbC_-9"), true},
    {"mxc: port", mxc_uri_valid, STR_INIT("mxc://example.org:8448/a"), true},
    {"mxc: no media id", mxc_uri_valid, STR_INIT("mxc://example.org/"), false},
    {"mxc: no slash", mxc_uri_valid, STR_INIT("mxc://example.org"), false},
    {"mxc: no server", mxc_uri_valid, STR_INIT("mxc:///a"), false},
    {"mxc: other scheme", mxc_uri_valid, STR_INIT("http://example.org/a"), false},
    {"mxc: path", mxc_uri_valid, STR_INIT("mxc://example.org/a/b"), false},
    {"mxc: dots", mxc_uri_valid, STR_INIT("mxc://example.org/.."), false},
    {"mxc: query", mxc_uri_valid, STR_INIT("mxc://example.org/a?b"), false},
};

static void test_grammars(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].valid(cases[i].input) != cases[i].want)
            fail_msg("%s: \"%.*s\" is %s", cases[i].grammar, STR_ARG(cases[i].input),
                     cases[i].want ? "refused" : "accepted");
        assert_false(cases[i].valid((struct str){NULL, 0}));
    }
}

static void test_split(void **state)
{
    (void)state;
    struct str localpart, server;
    assert_true(user_id_split(STR("@alice:[::1]:80"), &localpart, &server));
    assert_true(str_eq(localpart, STR("alice")));
    assert_true(str_eq(server, STR("[::1]:80")));
    assert_true(str_eq(id_server(STR("@alice:example.org:80")), STR("example.org:80")));
    assert_true(str_eq(id_server(STR("!" HASH)), STR("")));
    assert_true(str_eq(id_server(STR("!a:")), STR("")));
    assert_true(str_eq(id_server((struct str){NULL, 0}), STR("")));
}

static void test_make(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_true(str_eq(user_id_make(a, STR("alice"), STR("example.org")), STR("@alice:example.org")));
    assert_true(str_eq(user_id_make(a, STR(""), STR("x")), STR("@:x")));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammars),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
