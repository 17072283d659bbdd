/* Reading PDUs: each field missing, of a wrong type, and at its limits; sizes are counted in bytes. */
#include "matrix/event.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

#define TO(version)   ((1 << (version)) - 1)
#define FROM(version) (TO(12) & ~TO((version)-1))
#define ALL           TO(12)

#define HASH "Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"

static const char base_v1[] =
    "{\"auth_events\":[[\"$a:x\",{}]],\"content\":{\"body\":\"x\"},\"depth\":5,\"event_id\":\"$e:s\",\"hashes\":{"
    "\"sha256\":\"aaaa\"},\"origin_server_ts\":1000,\"prev_events\":[[\"$b:y\",{\"sha256\":\"cccc\"}],[\"$c\",{\"x\":1}"
    "]"
    "],\"room_id\":\"!r:s\",\"sender\":\"@a:s\",\"signatures\":{\"s\":{\"ed25519:1\":\"bbbb\"}},\"type\":"
    "\"m.room.message\"}";
static const char base_v3[] =
    "{\"auth_events\":[\"$a\"],\"content\":{\"body\":\"x\"},\"depth\":5,\"hashes\":{\"sha256\":\"aaaa\"},"
    "\"origin_server_ts\":1000,\"prev_events\":[\"$b\",\"$c\"],\"room_id\":\"!r:s\",\"sender\":\"@a:s\","
    "\"signatures\":{\"s\":{\"ed25519:1\":\"bbbb\"}},\"type\":\"m.room.message\"}";
static const char base_v12[] =
    "{\"auth_events\":[\"$a\"],\"content\":{\"body\":\"x\"},\"depth\":5,\"hashes\":{\"sha256\":\"aaaa\"},"
    "\"origin_server_ts\":1000,\"prev_events\":[\"$b\",\"$c\"],\"room_id\":\"!" HASH "\",\"sender\":\"@a:s\","
    "\"signatures\":{\"s\":{\"ed25519:1\":\"bbbb\"}},\"type\":\"m.room.message\"}";

/* The base event with one member set to a value, or without it (value NULL). */
static const struct {
    int versions;
    const char *key, *value;
    const char *refused; /* a part of the verdict; NULL: accepted */
} cases[] = {
    {ALL, "x", "1", NULL},
    {ALL, "auth_events", NULL, "auth_events is missing"},
    {ALL, "auth_events", "{}", "auth_events is missing or no array"},
    {ALL, "auth_events", "null", "auth_events"},
    {ALL, "auth_events", "[]", NULL},
    {ALL, "auth_events", "[1]", "auth_events holds"},
    {ALL, "auth_events", "[\"a\"]", "auth_events holds"},
    {ALL, "auth_events", "[\"$\"]", "auth_events holds"},
    {FROM(3), "auth_events", "[[\"$a\",{}]]", "auth_events holds"},
    {TO(2), "auth_events", "[\"$a:x\"]", "auth_events holds"},
    {TO(2), "auth_events", "[[]]", "auth_events holds"},
    {TO(2), "auth_events", "[[\"$a:x\"]]", "auth_events holds"},
    {TO(2), "auth_events", "[[\"$a:x\",{},{}]]", "auth_events holds"},
    {TO(2), "auth_events", "[[\"$a:x\",\"hash\"]]", "auth_events holds"},
    {TO(2), "auth_events", "[[{},\"$a:x\"]]", "auth_events holds"},
    {TO(2), "auth_events", "[[1,{}]]", "auth_events holds"},
    {TO(2), "auth_events", "[[\"a:x\",{}]]", "auth_events holds"},
    {TO(2), "auth_events", "[[\"$b:x\",{}],[\"$e:s\",{}]]", "hold the event itself"},
    {TO(2), "prev_events", "[[\"$e:s\",{}]]", "hold the event itself"},
    {ALL, "prev_events", NULL, "prev_events is missing"},
    {ALL, "prev_events", "\"$b\"", "prev_events is missing or no array"},
    {ALL, "prev_events", "[]", NULL},
    {ALL, "prev_events", "[null]", "prev_events holds"},
    {ALL, "prev_events", "[\"!b\"]", "prev_events holds"},
    {ALL, "content", NULL, "content is missing"},
    {ALL, "content", "[]", "content is missing or no object"},
    {ALL, "content", "null", "content"},
    {ALL, "content", "\"{}\"", "content"},
    {ALL, "content", "{}", NULL},
    {FROM(6), "content", "{\"x\":1.5}", "canonical JSON"},
    {TO(5), "content", "{\"x\":1.5}", NULL},
    {FROM(6), "content", "{\"x\":[{\"y\":1e3}]}", "canonical JSON"},
    {TO(5), "content", "{\"x\":[{\"y\":1e3}]}", NULL},
    {FROM(6), "content", "{\"x\":-0}", "canonical JSON"},
    {TO(5), "content", "{\"x\":-0}", NULL},
    {ALL, "content", "{\"x\":9007199254740991}", NULL},
    {ALL, "content", "{\"x\":-9007199254740991}", NULL},
    {FROM(6), "content", "{\"x\":9007199254740992}", "canonical JSON"},
    {TO(5), "content", "{\"x\":9007199254740992}", NULL},
    {FROM(6), "content", "{\"x\":-9007199254740992}", "canonical JSON"},
    {TO(5), "content", "{\"x\":-9007199254740992}", NULL},
    {ALL, "depth", NULL, "depth is missing"},
    {ALL, "depth", "\"5\"", "depth is missing, too large, or no integer"},
    {ALL, "depth", "5.0", "depth"},
    {ALL, "depth", "null", "depth"},
    {ALL, "depth", "-1", "depth is negative"},
    {ALL, "depth", "0", NULL},
    {ALL, "depth", "9007199254740991", NULL},
    {FROM(6), "depth", "9007199254740992", "canonical JSON"},
    {TO(5), "depth", "9007199254740992", NULL},
    {TO(5), "depth", "9223372036854775807", NULL},
    {ALL, "depth", "9223372036854775808", "depth is missing, too large"},
    {ALL, "depth", "-9223372036854775808", "depth is negative"},
    {ALL, "depth", "1e3", "depth"},
    {TO(5), "origin_server_ts", "9223372036854775807", NULL},
    {TO(5), "origin_server_ts", "9223372036854775808", "origin_server_ts is missing, too large"},
    {TO(5), "content", "{\"x\":1e308}", NULL},
    {TO(5), "content", "{\"x\":[1e309]}", "beyond all doubles"},
    {FROM(3), "event_id", "1", NULL}, /* whatever the sender says of it */
    {TO(2), "event_id", NULL, "event_id is missing"},
    {TO(2), "event_id", "1", "event_id is missing"},
    {TO(2), "event_id", "\"\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"e:s\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$e\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$:s\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$e:\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$e:s/\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$e\\u0000:s\"", "no event ID with a server name"},
    {TO(2), "event_id", "\"$e:[::1]:80\"", NULL},
    {ALL, "hashes", NULL, "hashes is missing"},
    {ALL, "hashes", "[]", "hashes is missing or no object"},
    {ALL, "hashes", "{}", "hashes.sha256"},
    {ALL, "hashes", "{\"sha256\":1}", "hashes.sha256"},
    {ALL, "hashes", "{\"sha256\":\"\"}", NULL},
    {ALL, "origin_server_ts", NULL, "origin_server_ts is missing"},
    {ALL, "origin_server_ts", "\"1\"", "origin_server_ts is missing, too large, or no integer"},
    {ALL, "origin_server_ts", "1.5", "origin_server_ts"},
    {ALL, "origin_server_ts", "true", "origin_server_ts"},
    {ALL, "origin_server_ts", "-1", NULL},
    {ALL, "origin_server_ts", "9007199254740991", NULL},
    {ALL, "sender", NULL, "sender is missing"},
    {ALL, "sender", "1", "sender is missing or no string"},
    {ALL, "sender", "\"\"", "sender is no user ID"},
    {ALL, "sender", "\"alice\"", "sender is no user ID"},
    {ALL, "sender", "\"@alice\"", "sender is no user ID"},
    {ALL, "sender", "\"@a\\u0000:s\"", "sender is no user ID"},
    {ALL, "sender", "\"@a:s/../\"", "sender is no user ID"},
    {ALL, "sender", "\"@A \xc3\xa4:s\"", NULL},
    {ALL, "signatures", NULL, "signatures is missing"},
    {ALL, "signatures", "[]", "signatures is missing or no object"},
    {ALL, "signatures", "{}", NULL},
    {ALL, "signatures", "{\"s\":\"x\"}", "signatures of a server"},
    {ALL, "signatures", "{\"s\":{\"k\":1}}", "a signature is no string"},
    {ALL, "type", NULL, "type is missing"},
    {ALL, "type", "[]", "type is missing or no string"},
    {ALL, "type", "\"\"", NULL},
    {ALL, "state_key", "1", "state_key is no string"},
    {ALL, "state_key", "null", "state_key is no string"},
    {ALL, "state_key", "\"\"", NULL},
    {ALL, "unsigned", "[]", "unsigned is no object"},
    {ALL, "unsigned", "null", "unsigned is no object"},
    {ALL, "unsigned", "{}", NULL},
    {FROM(6), "unsigned", "{\"age\":0.5}", "canonical JSON"},
    {TO(5), "unsigned", "{\"age\":0.5}", NULL},
    {ALL, "room_id", NULL, "room_id is missing"},
    {ALL, "room_id", "1", "room_id is no string"},
    {ALL, "room_id", "\"\"", "room_id is no room ID"},
    {ALL, "room_id", "\"#r:s\"", "room_id is no room ID"},
    {ALL, "room_id", "\"!r\"", "room_id is no room ID"},
    {ALL, "redacts", "1", NULL}, /* means nothing on a message */
    {FROM(3), "auth_events", "[\"$0\",\"$1\",\"$2\",\"$3\",\"$4\",\"$5\",\"$6\",\"$7\",\"$8\",\"$9\"]", NULL},
    {TO(2), "auth_events",
     "[[\"$0\",{}],[\"$1\",{}],[\"$2\",{}],[\"$3\",{}],[\"$4\",{}],[\"$5\",{}],[\"$6\",{}],[\"$7\",{}],[\"$8\",{}],[\"$"
     "9\",{}]]",
     NULL},
    {FROM(3), "auth_events", "[\"$0\",\"$1\",\"$2\",\"$3\",\"$4\",\"$5\",\"$6\",\"$7\",\"$8\",\"$9\",\"$10\"]",
     "more than 10 auth_events"},
    {TO(2), "auth_events",
     "[[\"$0\",{}],[\"$1\",{}],[\"$2\",{}],[\"$3\",{}],[\"$4\",{}],[\"$5\",{}],[\"$6\",{}],[\"$7\",{}],[\"$8\",{}],[\"$"
     "9\",{}],[\"$10\",{}]]",
     "more than 10 auth_events"},
    {FROM(3), "prev_events",
     "[\"$0\",\"$1\",\"$2\",\"$3\",\"$4\",\"$5\",\"$6\",\"$7\",\"$8\",\"$9\",\"$10\",\"$11\",\"$12\",\"$13\",\"$14\","
     "\"$15\",\"$16\",\"$17\",\"$18\",\"$19\"]",
     NULL},
    {TO(2), "prev_events",
     "[[\"$0\",{}],[\"$1\",{}],[\"$2\",{}],[\"$3\",{}],[\"$4\",{}],[\"$5\",{}],[\"$6\",{}],[\"$7\",{}],[\"$8\",{}],[\"$"
     "9\",{}],[\"$10\",{}],[\"$11\",{}],[\"$12\",{}],[\"$13\",{}],[\"$14\",{}],[\"$15\",{}],[\"$16\",{}],[\"$17\",{}],["
     "\"$18\",{}],[\"$19\",{}]]",
     NULL},
    {FROM(3), "prev_events",
     "[\"$0\",\"$1\",\"$2\",\"$3\",\"$4\",\"$5\",\"$6\",\"$7\",\"$8\",\"$9\",\"$10\",\"$11\",\"$12\",\"$13\",\"$14\","
     "\"$15\",\"$16\",\"$17\",\"$18\",\"$19\",\"$20\"]",
     "more than 20 prev_events"},
    {TO(2), "prev_events",
     "[[\"$0\",{}],[\"$1\",{}],[\"$2\",{}],[\"$3\",{}],[\"$4\",{}],[\"$5\",{}],[\"$6\",{}],[\"$7\",{}],[\"$8\",{}],[\"$"
     "9\",{}],[\"$10\",{}],[\"$11\",{}],[\"$12\",{}],[\"$13\",{}],[\"$14\",{}],[\"$15\",{}],[\"$16\",{}],[\"$17\",{}],["
     "\"$18\",{}],[\"$19\",{}],[\"$20\",{}]]",
     "more than 20 prev_events"},
};

static struct json *parse(struct arena *a, struct str text)
{
    struct json_result r = json_parse(a, text, JSON_DEPTH_MAX);
    if (!r.value)
        fail_msg("%s at %zu: %.*s", r.error, r.offset, STR_ARG(text));
    return json_shallow_copy(a, r.value);
}

static struct json *base(struct arena *a, const struct room_version *version)
{
    if (version->event_format == EVENT_FORMAT_V1)
        return parse(a, str_of(base_v1));
    return parse(a, str_of(version->room_id_is_create_hash ? base_v12 : base_v3));
}

static void assert_verdict(struct event_verdict v, const char *refused, struct str version, size_t index)
{
    bool right = refused ? v.refused && strstr(v.refused, refused) : !v.refused;
    if (!right)
        fail_msg("version %.*s, case %zu: got \"%s\", want \"%s\"", STR_ARG(version), index,
                 v.refused ? v.refused : "accepted", refused ? refused : "accepted");
}

static void test_fields(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct json *pdu = base(a, version);
            if (cases[i].value)
                json_set(a, pdu, str_of(cases[i].key), *parse(a, str_of(cases[i].value)));
            else
                json_unset(pdu, str_of(cases[i].key));
            struct event e;
            assert_verdict(event_parse(a, version, pdu, &e), cases[i].refused, version->name, i);
        }
    }
    arena_free(&a);
}

static void test_values(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = base(a, version);
        struct event e;
        assert_null(event_parse(a, version, pdu, &e).refused);
        assert_ptr_equal(e.version, version);
        assert_ptr_equal(e.json, pdu);
        assert_true(str_eq(e.event_id, event_reference_id(a, version, pdu)));
        bool given = version->event_format == EVENT_FORMAT_V1;
        assert_true(given ? str_eq(e.event_id, STR("$e:s")) : e.event_id.n == 44 && e.event_id.p[0] == '$');
        assert_true(str_eq(e.room_id, json_str_at(pdu, STR("room_id"))));
        assert_true(str_eq(e.type, STR("m.room.message")));
        assert_true(str_eq(e.sender, STR("@a:s")));
        assert_false(e.has_state_key);
        assert_int_equal(e.state_key.n, 0);
        assert_true(str_eq(json_str_at(e.content, STR("body")), STR("x")));
        assert_int_equal(e.depth, 5);
        assert_int_equal(e.origin_server_ts, 1000);
        assert_int_equal(e.prev_events_count, 2);
        assert_true(str_eq(e.prev_events[0], given ? STR("$b:y") : STR("$b")) && str_eq(e.prev_events[1], STR("$c")));
        assert_int_equal(e.auth_events_count, 1);
        assert_true(str_eq(e.auth_events[0], given ? STR("$a:x") : STR("$a")));
        assert_true(str_eq(event_membership(&e), STR("")));

        json_set(a, pdu, STR("state_key"), json_string(STR("")));
        json_set(a, pdu, STR("content"), *parse(a, STR("{\"membership\":\"join\"}")));
        assert_null(event_parse(a, version, pdu, &e).refused);
        assert_true(event_is_state(&e, STR("m.room.message"), STR("")));
        assert_false(event_is_state(&e, STR("m.room.message"), STR("x")));
        assert_true(str_eq(event_membership(&e), STR("join")));
    }
    assert_true(str_eq(event_membership(NULL), STR("")));
    arena_free(&a);
}

/* Strings that fill their limits: 255 bytes, also when these are fewer characters. */
static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *key, *before, *fill, *after;
        size_t bytes;
        bool accepted;
    } lengths[] = {
        {"type", "", "x", "", 255, true},
        {"type", "", "x", "", 256, false},
        {"type", "t", "\xc3\xa4", "", 255, true},
        {"type", "", "\xc3\xa4", "", 256, false},
        {"state_key", "", "x", "", 255, true},
        {"state_key", "", "x", "", 256, false},
        {"sender", "@", "x", ":s", 255, true},
        {"sender", "@", "x", ":s", 256, false},
        {"sender", "@", "\xc3\xa4", ":s", 255, true},
        {"sender", "@x", "\xc3\xa4", ":s", 256, false},
        {"room_id", "!", "x", ":s", 255, true},
        {"room_id", "!", "x", ":s", 256, false},
        {"prev_events", "$", "x", "", 255, true},
        {"prev_events", "$", "x", "", 256, false},
        {"auth_events", "$", "x", "", 255, true},
        {"auth_events", "$", "x", "", 256, false},
        {"event_id", "$", "x", ":s", 255, true},
        {"event_id", "$", "x", ":s", 256, false},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(lengths); i++) {
            struct buf text;
            buf_init(&text, 4096);
            buf_add(&text, str_of(lengths[i].before));
            size_t end = lengths[i].bytes - strlen(lengths[i].after);
            while (text.n < end)
                buf_add(&text, str_of(lengths[i].fill));
            buf_add(&text, str_of(lengths[i].after));
            assert_int_equal(text.n, lengths[i].bytes);
            struct json *pdu = base(a, version);
            struct json value = json_string(str_copy(a, buf_str(&text)));
            buf_fini(&text);
            if (strstr(lengths[i].key, "events")) {
                struct json *list = json_array(a), *pair = json_array(a);
                json_push(a, pair, value);
                json_push(a, pair, *json_object(a));
                json_push(a, list, version->event_format == EVENT_FORMAT_V1 ? *pair : value);
                value = *list;
            }
            json_set(a, pdu, str_of(lengths[i].key), value);
            struct event e;
            struct event_verdict verdict = event_parse(a, version, pdu, &e);
            bool no_matter = !strcmp(lengths[i].key, "event_id") && version->event_format != EVENT_FORMAT_V1;
            if ((verdict.refused == NULL) != (lengths[i].accepted || no_matter))
                fail_msg("version %.*s: %s of %zu bytes: %s", STR_ARG(version->name), lengths[i].key, lengths[i].bytes,
                         verdict.refused ? verdict.refused : "accepted");
        }
    }
    arena_free(&a);
}

/* The whole PDU: 65536 bytes of canonical JSON, signatures and all. */
static void test_size(void **state)
{
    (void)state;
    static const struct {
        const char *fill;
        size_t written; /* bytes of one fill in canonical form */
    } fills[] = {{"x", 1}, {"\xc3\xa4", 2}, {"\n", 2}, {"\x01", 6}};
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t f = 0; f < COUNT(fills); f++) {
            for (size_t over = 0; over < 2; over++) {
                struct json *pdu = base(a, version);
                struct buf body;
                buf_init(&body, 2 * EVENT_SIZE_MAX);
                size_t left = EVENT_SIZE_MAX + over - json_text(a, pdu).n - strlen("\"more\":\"\",");
                while (left >= fills[f].written) {
                    buf_add(&body, str_of(fills[f].fill));
                    left -= fills[f].written;
                }
                for (; left; left--)
                    buf_add_char(&body, 'x');
                json_set_str(a, pdu, STR("more"), str_copy(a, buf_str(&body)));
                buf_fini(&body);
                assert_int_equal(json_text(a, pdu).n, EVENT_SIZE_MAX + over);
                struct event e;
                assert_verdict(event_parse(a, version, pdu, &e), over ? "larger than 65536 bytes" : NULL, version->name,
                               f);
            }
        }
    }
    arena_free(&a);
}

static void test_redacts(void **state)
{
    (void)state;
    static const struct {
        int versions;
        const char *top, *content, *want;
        const char *refused;
    } redactions[] = {
        {TO(10), "\"$t\"", "{}", "$t", NULL},
        {TO(10), "\"$t\"", "{\"redacts\":\"$c\"}", "$t", NULL},
        {TO(10), NULL, "{\"redacts\":\"$c\"}", "", NULL},
        {TO(10), "1", "{}", NULL, "redacts is no event ID"},
        {TO(10), "\"t\"", "{}", NULL, "redacts is no event ID"},
        {FROM(11), "\"$t\"", "{\"redacts\":\"$c\"}", "$c", NULL},
        {FROM(11), "\"$t\"", "{}", "", NULL},
        {FROM(11), "1", "{\"redacts\":\"$c\"}", "$c", NULL},
        {FROM(11), NULL, "{\"redacts\":[\"$c\"]}", "", NULL},
        {FROM(11), NULL, "{\"redacts\":\"c\"}", "", NULL},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(redactions); i++) {
            if (!(redactions[i].versions & 1 << v))
                continue;
            struct json *pdu = base(a, version);
            json_set_str(a, pdu, STR("type"), STR("m.room.redaction"));
            json_set(a, pdu, STR("content"), *parse(a, str_of(redactions[i].content)));
            if (redactions[i].top)
                json_set(a, pdu, STR("redacts"), *parse(a, str_of(redactions[i].top)));
            struct event e;
            struct event_verdict verdict = event_parse(a, version, pdu, &e);
            assert_verdict(verdict, redactions[i].refused, version->name, i);
            if (!verdict.refused)
                assert_true(str_eq(e.redacts, str_of(redactions[i].want)));
        }
    }
    arena_free(&a);
}

/* A v12 create event has no room_id and names the room; those before must have one. */
static void test_create_room_id(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = base(a, version);
        json_set_str(a, pdu, STR("type"), STR("m.room.create"));
        json_set_str(a, pdu, STR("state_key"), STR(""));
        struct event e;
        assert_null(event_parse(a, version, pdu, &e).refused);
        json_unset(pdu, STR("room_id"));
        if (!version->room_id_is_create_hash) {
            assert_verdict(event_parse(a, version, pdu, &e), "room_id is missing", version->name, 0);
            continue;
        }
        assert_null(event_parse(a, version, pdu, &e).refused);
        assert_int_equal(e.room_id.n, 44);
        assert_int_equal(e.room_id.p[0], '!');
        assert_true(str_eq(str_slice(e.room_id, 1, 44), str_slice(e.event_id, 1, 44)));
        /* With one, the format lets it pass (the rules do not), and the room is still named by the hash. */
        json_set_str(a, pdu, STR("room_id"), STR("!elsewhere:s"));
        assert_null(event_parse(a, version, pdu, &e).refused);
        assert_true(str_eq(str_slice(e.room_id, 1, 44), str_slice(e.event_id, 1, 44)));
    }
    arena_free(&a);
}

static void test_no_object(void **state)
{
    (void)state;
    static const char *const texts[] = {"null", "[]", "\"x\"", "1", "true"};
    struct arena *a = arena_new();
    struct event e = {.depth = -7};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct event_verdict v = event_parse(a, room_version_default(), parse(a, str_of(texts[i])), &e);
        assert_verdict(v, "not an object", STR("12"), i);
    }
    assert_non_null(event_parse(a, room_version_default(), NULL, &e).refused);
    assert_int_equal(e.depth, -7);
    arena_free(&a);
}

/* The id is computed where it can be, whatever the sender says. */
static void test_id_is_computed(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 2; (version = room_version_at(v)) != NULL; v++) {
        struct json *pdu = base(a, version);
        json_set_str(a, pdu, STR("event_id"), STR("$e:s"));
        struct event e;
        assert_null(event_parse(a, version, pdu, &e).refused);
        assert_int_equal(e.event_id.n, 44);
        assert_true(str_eq(e.event_id, event_reference_id(a, version, pdu)));
    }
    arena_free(&a);
}

static void test_next_depth(void **state)
{
    (void)state;
    static const struct {
        int versions;
        int64_t depth;
        const char *want;
    } depths[] = {
        {ALL, 0, "1"},
        {ALL, 9007199254740990, "9007199254740991"},
        {FROM(6), 9007199254740991, "9007199254740991"},
        {TO(5), 9007199254740991, "9007199254740992"},
        {TO(5), INT64_MAX - 1, "9223372036854775807"},
        {TO(5), INT64_MAX, "9223372036854775807"},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(depths); i++) {
            if (!(depths[i].versions & 1 << v))
                continue;
            struct json depth = event_next_depth(a, version, depths[i].depth);
            assert_true(str_eq(json_text(a, &depth), str_of(depths[i].want)));
            struct json *pdu = base(a, version);
            json_set(a, pdu, STR("depth"), depth);
            struct event e;
            assert_null(event_parse(a, version, pdu, &e).refused);
            assert_true(e.depth >= depths[i].depth);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),    cmocka_unit_test(test_values),         cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_size),      cmocka_unit_test(test_redacts),        cmocka_unit_test(test_create_room_id),
        cmocka_unit_test(test_no_object), cmocka_unit_test(test_id_is_computed), cmocka_unit_test(test_next_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
