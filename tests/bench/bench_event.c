/*
 * What an event costs before the store sees it, on one core: sealing one of our own (hash, redact, sign, check),
 * reading a stranger's, and the authorisation rules. Prints microseconds.
 */
#include "base/clock.h"
#include "crypto/crypto.h"
#include "matrix/auth_rules.h"
#include "matrix/event_sign.h"

#include <assert.h>
#include <stdio.h>

static const char member[] = "{\"type\":\"m.room.member\",\"sender\":\"@alice:example.org\",\"state_key\":"
                             "\"@alice:example.org\",\"content\":{\"membership\":\"join\",\"displayname\":\"Alice\"}}";
static const char create[] = "{\"type\":\"m.room.create\",\"sender\":\"@alice:example.org\",\"state_key\":\"\","
                             "\"content\":{\"room_version\":\"11\"}}";
static const char message[] =
    "{\"type\":\"m.room.message\",\"sender\":\"@alice:example.org\",\"content\":{\"msgtype\":\"m.text\",\"body\":"
    "\"Shall we meet at the station at ten? I bring the bread and the cheese, if somebody has room for a basket in "
    "the car. And please somebody think of the dog.\",\"m.mentions\":{\"user_ids\":[\"@bob:example.org\"]}}}";

struct room {
    struct event create, member, power;
};

static const struct event *get(void *ctx, struct str type, struct str state_key)
{
    const struct room *room = ctx;
    const struct event *all[] = {&room->create, &room->member, &room->power};
    for (size_t i = 0; i < 3; i++) {
        if (event_is_state(all[i], type, state_key))
            return all[i];
    }
    return NULL;
}

static struct json *pdu_of(struct arena *a, const struct json *parsed)
{
    struct json *pdu = json_shallow_copy(a, parsed);
    struct json *list = json_array(a);
    for (int i = 0; i < 4; i++)
        json_push(a, list, json_string(STR("$2vZ3bZg6Qm0rXw5oQy4Jm1ZzQ7b3C1lqHkqQ8r1Tn0E")));
    json_set_str(a, pdu, STR("room_id"), STR("!kXfPzQvLmNbRtYwSgH:example.org"));
    json_set_int(a, pdu, STR("depth"), 4711);
    json_set_int(a, pdu, STR("origin_server_ts"), 1718035200123);
    json_set(a, pdu, STR("auth_events"), *list);
    json_set(a, pdu, STR("prev_events"), *list);
    return pdu;
}

static struct event seal(struct arena *a, const struct signing_key *key, const struct json *parsed)
{
    struct event e;
    struct event_verdict v = event_seal(a, room_version_find(STR("11")), pdu_of(a, parsed), key, &e);
    assert(!v.refused);
    return e;
}

/* m.room.power_levels with `users` users. */
static const struct json *power_levels(struct arena *a, int users)
{
    struct json *levels = json_object(a), *content = json_object(a), *pdu = json_object(a);
    json_set_int(a, levels, STR("@alice:example.org"), 100);
    for (int i = 0; i < users; i++)
        json_set_int(a, levels, str_fmt(a, "@u%d:s", i), 50);
    json_set(a, content, STR("users"), *levels);
    json_set_str(a, pdu, STR("type"), STR("m.room.power_levels"));
    json_set_str(a, pdu, STR("sender"), STR("@alice:example.org"));
    json_set_str(a, pdu, STR("state_key"), STR(""));
    json_set(a, pdu, STR("content"), *content);
    return pdu;
}

static void report(const char *what, int64_t start_us, int rounds)
{
    printf("%-44s %8.2f us\n", what, (double)(clock_mono_us() - start_us) / rounds);
}

static void measure(struct arena *a, const struct signing_key *key, struct room *room)
{
    enum { ROUNDS = 20000 };
    const struct json *parsed = json_parse(a, str_of(message), 10).value;
    struct event sealed = seal(a, key, parsed);
    struct str text = json_text(a, sealed.json);
    struct event e;
    printf("a message of %zu bytes\n", text.n);

    int64_t start = clock_mono_us();
    for (int i = 0; i < ROUNDS; i++) {
        struct arena_mark mark = arena_mark(a);
        (void)seal(a, key, parsed);
        arena_release(a, mark);
    }
    report("seal (of which the signature is some 20)", start, ROUNDS);

    start = clock_mono_us();
    for (int i = 0; i < ROUNDS; i++) {
        struct arena_mark mark = arena_mark(a);
        struct event_verdict v = event_parse(a, sealed.version, json_parse(a, text, JSON_DEPTH_MAX).value, &e);
        assert(!v.refused && event_content_hash_matches(a, e.json));
        arena_release(a, mark);
    }
    report("parse, from text, with both hashes", start, ROUNDS);

    start = clock_mono_us();
    for (int i = 0; i < ROUNDS; i++) {
        struct event_verdict v = auth_check(a, &sealed, (struct auth_state){get, room});
        assert(!v.refused);
    }
    report("auth rules, message", start, ROUNDS);

    start = clock_mono_us();
    for (int i = 0; i < ROUNDS / 100; i++) {
        struct event_verdict v = auth_check(a, &room->power, (struct auth_state){get, room});
        assert(!v.refused);
    }
    report("auth rules, power levels of 4,000 users", start, ROUNDS / 100);
}

int main(void)
{
    crypto_init();
    struct arena *a = arena_new();
    struct signing_key key = {.server_name = STR("example.org"), .key_id = STR("ed25519:a_Kx7q")};
    uint8_t seed[ED25519_SEED_SIZE];
    ed25519_generate(&key.key, seed);
    struct room room = {.create = seal(a, &key, json_parse(a, str_of(create), 10).value),
                        .member = seal(a, &key, json_parse(a, str_of(member), 10).value),
                        .power = seal(a, &key, power_levels(a, 4000))};
    measure(a, &key, &room);
    arena_free(&a);
    return 0;
}
