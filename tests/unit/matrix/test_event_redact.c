/* What a redaction keeps, by version and type: the tables of the room version pages. */
#include "matrix/event.h"

#include <stdio.h>

#include "testing.h"

#define TO(version)   ((1 << (version)) - 1)
#define FROM(version) (TO(12) & ~TO((version)-1))
#define ALL           TO(12)

static const char everything_on_top[] =
    "{\"auth_events\":[],\"content\":{},\"depth\":1,\"event_id\":\"$x\",\"hashes\":{},\"membership\":\"join\","
    "\"origin\":\"s\",\"origin_server_ts\":1,\"prev_events\":[],\"prev_state\":[],\"redacts\":\"$y\","
    "\"room_id\":\"!r:s\",\"sender\":\"@a:s\",\"signatures\":{\"s\":{\"k\":\"v\"}},\"state_key\":\"\",\"type\":\"t\","
    "\"unsigned\":{\"age\":1},\"replaces_state\":\"$z\",\"user_id\":\"@a:s\",\"m.other\":1}";
static const char top_v1[] =
    "{\"auth_events\":[],\"content\":{},\"depth\":1,\"event_id\":\"$x\",\"hashes\":{},\"membership\":\"join\","
    "\"origin\":\"s\",\"origin_server_ts\":1,\"prev_events\":[],\"prev_state\":[],\"room_id\":\"!r:s\","
    "\"sender\":\"@a:s\",\"signatures\":{\"s\":{\"k\":\"v\"}},\"state_key\":\"\",\"type\":\"t\"}";
static const char top_v11[] =
    "{\"auth_events\":[],\"content\":{},\"depth\":1,\"event_id\":\"$x\",\"hashes\":{},\"origin_server_ts\":1,"
    "\"prev_events\":[],\"room_id\":\"!r:s\",\"sender\":\"@a:s\",\"signatures\":{\"s\":{\"k\":\"v\"}},"
    "\"state_key\":\"\",\"type\":\"t\"}";

/* Contents: the type, what it had, what is left. */
static const struct {
    int versions;
    const char *type, *content, *want;
} cases[] = {
    {TO(8), "m.room.member",
     "{\"avatar_url\":\"u\",\"join_authorised_via_users_server\":\"@b:s\",\"membership\":\"join\"}",
     "{\"membership\":\"join\"}"},
    {FROM(9), "m.room.member",
     "{\"avatar_url\":\"u\",\"displayname\":\"d\",\"join_authorised_via_users_server\":\"@b:s\",\"membership\":"
     "\"join\","
     "\"reason\":\"r\"}",
     "{\"join_authorised_via_users_server\":\"@b:s\",\"membership\":\"join\"}"},
    {TO(10), "m.room.member",
     "{\"membership\":\"invite\",\"third_party_invite\":{\"display_name\":\"d\",\"signed\":{}}}",
     "{\"membership\":\"invite\"}"},
    {FROM(11), "m.room.member",
     "{\"membership\":\"invite\",\"third_party_invite\":{\"display_name\":\"d\",\"signed\":{\"token\":\"t\"}}}",
     "{\"membership\":\"invite\",\"third_party_invite\":{\"signed\":{\"token\":\"t\"}}}"},
    {FROM(11), "m.room.member", "{\"third_party_invite\":{\"display_name\":\"d\"}}", "{\"third_party_invite\":{}}"},
    {FROM(11), "m.room.member", "{\"third_party_invite\":\"signed\"}", "{}"},
    {ALL, "m.room.member", "{\"membership\":[1,{\"a\":null}]}", "{\"membership\":[1,{\"a\":null}]}"},
    {TO(10), "m.room.create", "{\"creator\":\"@a:s\",\"m.federate\":false,\"room_version\":\"10\"}",
     "{\"creator\":\"@a:s\"}"},
    {FROM(11), "m.room.create", "{\"additional_creators\":[],\"m.federate\":false,\"room_version\":\"12\",\"x\":1}",
     "{\"additional_creators\":[],\"m.federate\":false,\"room_version\":\"12\",\"x\":1}"},
    {TO(7), "m.room.join_rules", "{\"allow\":[],\"deny\":[],\"join_rule\":\"restricted\"}",
     "{\"join_rule\":\"restricted\"}"},
    {FROM(8), "m.room.join_rules", "{\"allow\":[],\"deny\":[],\"join_rule\":\"restricted\"}",
     "{\"allow\":[],\"join_rule\":\"restricted\"}"},
    {TO(10), "m.room.power_levels",
     "{\"ban\":1,\"events\":{\"a\":2},\"events_default\":3,\"invite\":4,\"kick\":5,\"notifications\":{\"room\":6},"
     "\"redact\":7,\"state_default\":8,\"users\":{\"@a:s\":9},\"users_default\":10}",
     "{\"ban\":1,\"events\":{\"a\":2},\"events_default\":3,\"kick\":5,\"redact\":7,\"state_default\":8,"
     "\"users\":{\"@a:s\":9},\"users_default\":10}"},
    {FROM(11), "m.room.power_levels",
     "{\"ban\":1,\"events\":{\"a\":2},\"events_default\":3,\"invite\":4,\"kick\":5,\"notifications\":{\"room\":6},"
     "\"redact\":7,\"state_default\":8,\"users\":{\"@a:s\":9},\"users_default\":10}",
     "{\"ban\":1,\"events\":{\"a\":2},\"events_default\":3,\"invite\":4,\"kick\":5,\"redact\":7,\"state_default\":8,"
     "\"users\":{\"@a:s\":9},\"users_default\":10}"},
    {ALL, "m.room.history_visibility", "{\"history_visibility\":\"shared\",\"x\":1}",
     "{\"history_visibility\":\"shared\"}"},
    {TO(10), "m.room.redaction", "{\"reason\":\"r\",\"redacts\":\"$e\"}", "{}"},
    {FROM(11), "m.room.redaction", "{\"reason\":\"r\",\"redacts\":\"$e\"}", "{\"redacts\":\"$e\"}"},
    {TO(5), "m.room.aliases", "{\"aliases\":[\"#a:s\"],\"x\":1}", "{\"aliases\":[\"#a:s\"]}"},
    {FROM(6), "m.room.aliases", "{\"aliases\":[\"#a:s\"]}", "{}"},
    {ALL, "m.room.server_acl", "{\"allow\":[\"*\"]}", "{}"},
    {ALL, "m.room.message", "{\"body\":\"b\",\"membership\":\"join\",\"msgtype\":\"m.text\"}", "{}"},
    {ALL, "m.room.name", "{\"name\":\"n\"}", "{}"},
    {ALL, "m.room.Member", "{\"membership\":\"join\"}", "{}"},
    {ALL, "", "{\"membership\":\"join\"}", "{}"},
};

static struct str redact(struct arena *a, const struct room_version *version, struct str pdu)
{
    struct json_result r = json_parse(a, pdu, JSON_DEPTH_MAX);
    assert_non_null(r.value);
    return json_text(a, event_redact(a, version, r.value));
}

static void assert_text(struct str got, struct str want, struct str version, size_t index)
{
    if (!str_eq(got, want))
        fail_msg("version %.*s, case %zu: got %.*s, want %.*s", STR_ARG(version), index, STR_ARG(got), STR_ARG(want));
}

static void test_top(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct str want = str_of(version->redaction == REDACTION_V11 ? top_v11 : top_v1);
        struct str got = redact(a, version, str_of(everything_on_top));
        assert_text(got, want, version->name, 0);
        assert_text(redact(a, version, got), want, version->name, 1);
    }
    arena_free(&a);
}

static void test_contents(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!(cases[i].versions & 1 << v))
                continue;
            struct str pdu = str_fmt(a, "{\"content\":%s,\"type\":\"%s\"}", cases[i].content, cases[i].type);
            struct str want = str_fmt(a, "{\"content\":%s,\"type\":\"%s\"}", cases[i].want, cases[i].type);
            assert_text(redact(a, version, pdu), want, version->name, i);
        }
    }
    arena_free(&a);
}

/* Anything may stand where an object should. */
static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *pdu, *want;
    } malformed[] = {
        {"null", "{\"content\":{}}"},
        {"[]", "{\"content\":{}}"},
        {"{}", "{\"content\":{}}"},
        {"{\"content\":[1],\"type\":\"m.room.create\"}", "{\"content\":{},\"type\":\"m.room.create\"}"},
        {"{\"content\":null,\"type\":\"m.room.member\"}", "{\"content\":{},\"type\":\"m.room.member\"}"},
        {"{\"content\":{\"membership\":\"join\"},\"type\":[\"m.room.member\"]}",
         "{\"content\":{},\"type\":[\"m.room.member\"]}"},
    };
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(malformed); i++)
            assert_text(redact(a, version, str_of(malformed[i].pdu)), str_of(malformed[i].want), version->name, i);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_top),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
