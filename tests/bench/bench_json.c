/*
 * How fast JSON becomes a sorted tree and canonical text again: parse, UTF-8 check, key sort, write.
 * Prints megabytes of source a second on one core, for several shapes of events.
 */
#include "base/clock.h"
#include "codec/json.h"

#include <assert.h>
#include <stdio.h>

static const char sorted_event[] =
    "{\"auth_events\":[\"$Qd1HlT5oO7eFEVqT0cWbG2kx8XqSzWg8yZgC8mUPV3A\",\"$"
    "2vZ3bZg6Qm0rXw5oQy4Jm1ZzQ7b3C1lqHkqQ8r1Tn0E\","
    "\"$3kA9mJp7dYb1Ue5sRf2Wc8xNz4Lq6Th0VoGiDyKtPQs\",\"$7hJ2kLm9Qw4Er6Ty8Ui0OpAs3Df5Gh1Zx-Cv_BnMqWeR\",\"$"
    "8iK3lMn0Rx5Fs7Uz9Vj1PqBt4Eg6Hi2Ay-Dw_CoNrXfS\"],\"content\":{\"body\":\"Shall we meet at the station at ten? I "
    "bring "
    "the bread and the cheese, if somebody has room for a basket in the "
    "car.\",\"msgtype\":\"m.text\",\"m.mentions\":{\"user_ids\":[\"@bob:example.org\"]}},"
    "\"depth\":48213,\"hashes\":{\"sha256\":\"pW5zJt2aX7nVYkQh0uLr4mBc9sDf1gEo6iTj8yKxZ3w\"},\"origin_server_ts\":"
    "1718035200123,"
    "\"prev_events\":[\"$9fQm2Xr7Lc5Vb1Nz8Kd4Jh6Gs3Ap0Wo-Ty_UeIiRqEs\",\"$0gRn3Ys8Md6Wc2Oa9Le5Ki7Ht4Bq1Xp-Uz_"
    "VfJjSrFt\"],\"room_id\":\"!kXfPzQvLmNbRtYwSgH:example."
    "org\","
    "\"sender\":\"@alice.liddell:example.org\",\"signatures\":{\"example.org\":{\"ed25519:a_Kx7q\":"
    "\"Vd7x1Zb9Qk3Lm5Np8Rs2Tu4Wy6Ac0Ef-Gh_JiKlMoPqStUvXwYzBdCfEgHjIkLnOm1P3Q5R7S9T0U2V4W6\"}},\"type\":\"m.room."
    "message\","
    "\"unsigned\":{\"age_ts\":1718035200123,\"transaction_id\":\"m1718035200123.42\"}}";

static const char unsorted_event[] =
    "{\"type\": \"m.room.message\", \"sender\": \"@j\\u00fcrgen:example.org\", \"room_id\": "
    "\"!kXfPzQvLmNbRtYwSgH:example.org\", "
    "\"content\": {\"msgtype\": \"m.text\", \"body\": \"Gr\xc3\xbc\xc3\x9f Gott!\\nWir treffen uns um zehn am "
    "\\\"Bahnhof\\\", \xe6\x97\xa5\xe6\x9c\xac"
    "\xe8\xaa\x9e\xe3\x82\x82\xe5\xb0\x91\xe3\x81\x97 \xf0\x9f\x9a\x82 "
    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \\ud83d\\ude80\", "
    "\"format\": \"org.matrix.custom.html\", \"formatted_body\": \"<p>Gr\xc3\xbc\xc3\x9f Gott!<br/>Wir treffen uns um "
    "zehn</p>\", "
    "\"m.relates_to\": {\"rel_type\": \"m.thread\", \"event_id\": \"$9fQm2Xr7Lc5Vb1Nz8Kd4Jh6Gs3Ap0Wo-Ty_UeIiRqEs\", "
    "\"is_falling_back\": true}}, \"origin_server_ts\": 1718035200123, \"depth\": 48213, \"prev_events\": "
    "[\"$9fQm2Xr7Lc5Vb1Nz8Kd4Jh6Gs3Ap0Wo-Ty_UeIiRqEs\"], \"auth_events\": "
    "[\"$Qd1HlT5oO7eFEVqT0cWbG2kx8XqSzWg8yZgC8mUPV3A\", "
    "\"$2vZ3bZg6Qm0rXw5oQy4Jm1ZzQ7b3C1lqHkqQ8r1Tn0E\"], \"hashes\": {\"sha256\": "
    "\"pW5zJt2aX7nVYkQh0uLr4mBc9sDf1gEo6iTj8yKxZ3w\"}, "
    "\"signatures\": {\"example.org\": {\"ed25519:a_Kx7q\": "
    "\"Vd7x1Zb9Qk3Lm5Np8Rs2Tu4Wy6Ac0Ef-Gh_JiKlMoPqStUvXwYzBdCfEgHj\"}}}";

/* A sync answer in miniature: rooms by id, each with a timeline of events. */
static struct str big_nested(struct arena *a)
{
    struct buf b;
    buf_init(&b, (size_t)16 << 20);
    buf_add(&b, STR("{\"rooms\":{\"join\":{"));
    for (int room = 0; room < 100; room++) {
        buf_fmt(&b, "%s\"!room%d:example.org\":{\"timeline\":{\"events\":[", room ? "," : "", (room * 37) % 100);
        for (int event = 0; event < 10; event++)
            buf_fmt(&b, "%s%s", event ? "," : "", event % 2 ? unsorted_event : sorted_event);
        buf_add(&b, STR("],\"limited\":false},\"state\":{\"events\":[]},\"ephemeral\":{\"events\":[]}}"));
    }
    buf_add(&b, STR("}}}"));
    assert(buf_ok(&b));
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* Every place in the object taken by a number, in the worst order for a sort by insertion. */
static struct str many_members(struct arena *a)
{
    struct buf b;
    buf_init(&b, (size_t)16 << 20);
    for (int i = 0; i < 100000; i++)
        buf_fmt(&b, "%c\"key%06d\":%d", i ? ',' : '{', 100000 - i, i);
    buf_add_char(&b, '}');
    assert(buf_ok(&b));
    struct str text = str_copy(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

static void run(const char *name, struct str text)
{
    const int64_t duration_us = 600000;
    struct arena *a = arena_new();
    struct buf out;
    buf_init(&out, (size_t)64 << 20);
    int64_t start = clock_mono_us();
    int64_t used = 0;
    size_t bytes = 0;
    while (used < duration_us) {
        for (size_t round = 0; round <= 100000 / text.n; round++) {
            struct json_result r = json_parse(a, text, JSON_DEPTH_MAX);
            assert(r.value);
            buf_clear(&out);
            json_write(&out, r.value);
            assert(buf_ok(&out));
            arena_reset(a);
            bytes += text.n;
        }
        used = clock_mono_us() - start;
    }
    printf("json canonical: %.0f MB/s  %s (%zu bytes)\n", (double)bytes / (double)used, name, text.n);
    buf_fini(&out);
    arena_free(&a);
}

int main(void)
{
    struct arena *a = arena_new();
    run("event, sorted", str_of(sorted_event));
    run("event, unsorted, not ASCII, escapes", str_of(unsorted_event));
    run("100 rooms of 10 events", big_nested(a));
    run("100,000 members, backwards", many_members(a));
    arena_free(&a);
    return 0;
}
