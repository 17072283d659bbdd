/* Rule 4.4.1: invitations of third-party identifiers, signed by an identity server's key. */
#include "codec/base64.h"
#include "crypto/crypto.h"
#include "matrix/auth_case.h"
#include "matrix/event_sign.h"

/* The invitation stands in the room with this content; %1 and %2 are the right public key and another. */
#define INVITED(content)                                                                                               \
    "{'type':'m.room.third_party_invite','sender':'@u:s','state_key':'token','content':" content "},"
#define ONE_KEY INVITED("{'public_key':'%1'}")

static const struct {
    const char *name, *state;
    const char *sender, *target;
    const char *signed_part; /* before it is signed; NULL: there is none */
    const char *refused;
} cases[] = {
    {"signed", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", NULL},
    {"more in `signed`", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@n:s','token':'token','x':1}", NULL},
    {"key in the list", ROOM INVITED("{'public_key':'%2','public_keys':[{'public_key':'%2'},{'public_key':'%1'}]}"),
     "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", NULL},
    {"key in the list, among rubbish", ROOM INVITED("{'public_keys':[null,1,{},{'public_key':1},{'public_key':'%1'}]}"),
     "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", NULL},
    {"sender has left", PEOPLE ONE_KEY MEMBER("@u:s", "leave"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}",
     NULL},
    {"sender may no longer invite", PEOPLE ONE_KEY POWER("{'invite':50}"), "@u:s", "@n:s",
     "{'mxid':'@n:s','token':'token'}", NULL},
    {"invited is banned", ROOM ONE_KEY MEMBER("@n:s", "ban"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}",
     "4.4.1.1"},
    {"no `signed`", ROOM ONE_KEY, "@u:s", "@n:s", NULL, "4.4.1.2"},
    {"`signed` is null", ROOM ONE_KEY, "@u:s", "@n:s", "null", "4.4.1.3"},
    {"`signed` is a list", ROOM ONE_KEY, "@u:s", "@n:s", "['@n:s']", "4.4.1.3"},
    {"no mxid", ROOM ONE_KEY, "@u:s", "@n:s", "{'token':'token'}", "4.4.1.3"},
    {"no token", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@n:s'}", "4.4.1.3"},
    {"token is a number", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@n:s','token':1}", "4.4.1.3"},
    {"mxid is null", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':null,'token':'token'}", "4.4.1.3"},
    {"mxid is another", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@o:s','token':'token'}", "4.4.1.4"},
    {"unknown token", ROOM ONE_KEY, "@u:s", "@n:s", "{'mxid':'@n:s','token':'other'}", "4.4.1.5"},
    {"no such invitation", ROOM, "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", "4.4.1.5"},
    {"of another sender", ROOM ONE_KEY, "@m:s", "@n:s", "{'mxid':'@n:s','token':'token'}", "4.4.1.6"},
    {"another key", ROOM INVITED("{'public_key':'%2'}"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", "4.4.1.8"},
    {"no key", ROOM INVITED("{}"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}", "4.4.1.8"},
    {"key of a wrong type", ROOM INVITED("{'public_key':1,'public_keys':{'public_key':'%1'}}"), "@u:s", "@n:s",
     "{'mxid':'@n:s','token':'token'}", "4.4.1.8"},
    {"key too short", ROOM INVITED("{'public_key':'AAAA'}"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}",
     "4.4.1.8"},
    {"key is no base64", ROOM INVITED("{'public_key':'****'}"), "@u:s", "@n:s", "{'mxid':'@n:s','token':'token'}",
     "4.4.1.8"},
};

static struct signing_key key_of(uint8_t seed_byte)
{
    struct signing_key key = {.server_name = STR("identity.example"), .key_id = STR("ed25519:0")};
    uint8_t seed[ED25519_SEED_SIZE] = {seed_byte};
    ed25519_from_seed(seed, &key.key);
    return key;
}

static struct str public_key(struct arena *a, const struct signing_key *key)
{
    return base64_encode(a, key->key.public_key, sizeof(key->key.public_key));
}

/* The text with %1 and %2 replaced. */
static const char *with_keys(struct arena *a, const char *text, struct str one, struct str two)
{
    struct buf b;
    buf_init(&b, 65536);
    for (const char *p = text; *p; p++) {
        if (*p == '%') {
            buf_add(&b, *++p == '1' ? one : two);
            continue;
        }
        buf_add_char(&b, *p);
    }
    const char *out = str_cstr(a, buf_str(&b));
    buf_fini(&b);
    return out;
}

static struct event invitation(struct case_room *room, const char *sender, const char *target,
                               const struct json *signed_part)
{
    struct arena *a = room->a;
    struct json *third_party = case_json(a, "{'display_name':'n...@e...'}");
    if (signed_part)
        json_set(a, third_party, STR("signed"), *signed_part);
    struct json *content = case_json(a, "{'membership':'invite'}");
    json_set(a, content, STR("third_party_invite"), *third_party);
    struct json *json = case_json(a, "{'type':'m.room.member'}");
    json_set_str(a, json, STR("sender"), str_of(sender));
    json_set_str(a, json, STR("state_key"), str_of(target));
    json_set(a, json, STR("content"), *content);
    return case_event(room, json);
}

static void test_cases(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = key_of(1), other = key_of(2);
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct case_room room =
                case_room(a, version, NULL, with_keys(a, cases[i].state, public_key(a, &key), public_key(a, &other)));
            struct json *signed_part = cases[i].signed_part ? case_json(a, cases[i].signed_part) : NULL;
            if (json_is(signed_part, JSON_OBJECT))
                json_sign(a, signed_part, &key);
            struct event e = invitation(&room, cases[i].sender, cases[i].target, signed_part);
            case_assert(version, cases[i].name, cases[i].refused, auth_check(a, &e, case_state(&room)));
        }
    }
    arena_free(&a);
}

/* What is done to a good `signed` after it was signed. */
static void test_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *name, *signatures, *more;
        const char *refused;
    } changes[] = {
        {"as it was", NULL, NULL, NULL},
        {"a member added", NULL, "x", "4.4.1.8"},
        {"no signatures", "null", NULL, "4.4.1.8"},
        {"signatures is a list", "[]", NULL, "4.4.1.8"},
        {"no server", "{}", NULL, "4.4.1.8"},
        {"server is no object", "{'s':'x'}", NULL, "4.4.1.8"},
        {"not base64", "{'s':{'ed25519:0':'?'}}", NULL, "4.4.1.8"},
        {"too short", "{'s':{'ed25519:0':'AAAA'}}", NULL, "4.4.1.8"},
        {"another algorithm", "{'s':{'rsa:0':'AAAA'}}", NULL, "4.4.1.8"},
    };
    struct arena *a = arena_new();
    struct signing_key key = key_of(1);
    const struct room_version *version = room_version_default();
    struct case_room room = case_room(a, version, NULL, with_keys(a, ROOM ONE_KEY, public_key(a, &key), STR("")));
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct json *signed_part = case_json(a, "{'mxid':'@n:s','token':'token'}");
        json_sign(a, signed_part, &key);
        if (changes[i].signatures)
            json_set(a, signed_part, STR("signatures"), *case_json(a, changes[i].signatures));
        if (changes[i].more)
            json_set_int(a, signed_part, str_of(changes[i].more), 1);
        struct event e = invitation(&room, "@u:s", "@n:s", signed_part);
        case_assert(version, changes[i].name, changes[i].refused, auth_check(a, &e, case_state(&room)));
    }
    arena_free(&a);
}

/* A signature under another server's name is as good; one behind hundreds of others is not looked for. */
static void test_many_signatures(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct signing_key key = key_of(1), other = key_of(2);
    const struct room_version *version = room_version_default();
    struct case_room room = case_room(a, version, NULL, with_keys(a, ROOM ONE_KEY, public_key(a, &key), STR("")));
    static const struct {
        size_t before;
        const char *refused;
    } runs[] = {{10, NULL}, {511, NULL}, {512, "4.4.1.8"}};
    for (size_t r = 0; r < COUNT(runs); r++) {
        struct json *signed_part = case_json(a, "{'mxid':'@n:s','token':'token'}");
        struct json *bad = case_json(a, "{'mxid':'@n:s','token':'token'}");
        json_sign(a, bad, &other);
        struct json good = *json_get(json_get(bad, STR("signatures")), other.server_name);
        struct json *signatures = json_object(a);
        struct json *list = json_object(a);
        for (size_t i = 0; i < runs[r].before; i++)
            json_set(a, list, str_fmt(a, "ed25519:%zu", i), good.members[0].value);
        json_set(a, signatures, STR("a"), *list);
        json_set(a, signed_part, STR("signatures"), *signatures);
        key.server_name = STR("z");
        json_sign(a, signed_part, &key);
        struct event e = invitation(&room, "@u:s", "@n:s", signed_part);
        case_assert(version, "many", runs[r].refused, auth_check(a, &e, case_state(&room)));
    }
    arena_free(&a);
}

/* Public keys may be in either alphabet: one whose two forms differ. */
static void test_url_safe_key(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint8_t seed_byte = 0;
    struct signing_key key;
    struct str text;
    do {
        key = key_of(++seed_byte);
        text = base64_url_encode(a, key.key.public_key, sizeof(key.key.public_key));
    } while (str_eq(text, public_key(a, &key)));
    struct case_room room = case_room(a, room_version_default(), NULL, with_keys(a, ROOM ONE_KEY, text, STR("")));
    struct json *signed_part = case_json(a, "{'mxid':'@n:s','token':'token'}");
    json_sign(a, signed_part, &key);
    struct event e = invitation(&room, "@u:s", "@n:s", signed_part);
    assert_null(auth_check(a, &e, case_state(&room)).refused);
    arena_free(&a);
}

/* Third-party invitations that are no objects are still third-party invitations. */
static void test_malformed(void **state)
{
    (void)state;
    static const char *const values[] = {"null", "1", "[]", "''", "{}"};
    struct arena *a = arena_new();
    const struct room_version *version;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct case_room room = case_room(a, version, NULL, ROOM);
        for (size_t i = 0; i < COUNT(values); i++) {
            struct json *json = case_json(a, MEMBERSHIP("@u:s", "@n:s", "invite"));
            struct json *content = case_json(a, "{'membership':'invite'}");
            json_set(a, content, STR("third_party_invite"), *case_json(a, values[i]));
            json_set(a, json, STR("content"), *content);
            struct event e = case_event(&room, json);
            case_assert(version, values[i], "4.4.1.2", auth_check(a, &e, case_state(&room)));
        }
    }
    arena_free(&a);
}

int main(void)
{
    crypto_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),        cmocka_unit_test(test_signatures), cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_url_safe_key), cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
