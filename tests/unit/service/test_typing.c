#include "service/typing.h"

#include "room_fixture.h"

static int64_t now_ms;

static int64_t clock_now(void)
{
    return now_ms;
}

struct scene {
    struct fixture f;
    struct caller alice, bob;
    struct str room_id;
    struct room *room;
    int woken;
};

static void count_wakes(void *ctx, uint64_t key)
{
    struct scene *s = ctx;
    (void)key;
    s->woken++;
}

static void scene_init(struct scene *s)
{
    now_ms = INT64_C(1700000000000);
    clock_set_source(clock_now);
    fixture_init(&s->f, NULL);
    s->alice = fixture_user(&s->f, "alice");
    s->bob = fixture_user(&s->f, "bob");
    s->room_id = fixture_room(&s->f, &s->alice, "{'preset':'public_chat'}");
    do_join(&s->f, &s->bob, s->room_id);
    s->room = do_open(&s->f, s->room_id);
    s->f.wake = (struct wake){.fn = count_wakes, .ctx = s};
    s->woken = 0;
}

static void scene_fini(struct scene *s)
{
    room_close(&s->f.services, &s->room);
    fixture_fini(&s->f);
    clock_set_source(NULL);
}

static void type(struct scene *s, const struct caller *who, int64_t timeout_ms)
{
    check_ok(typing_set(&s->f.services, s->f.arena, who, s->room_id, timeout_ms));
}

/* The list as a sync since `after` tells it; "" if it does not. */
static struct str told(struct scene *s, int64_t after)
{
    struct sync_query q = {.since = after};
    const struct json *room = sync_room_section(do_sync_query(&s->f, &s->bob, &q, NULL), "join", s->room_id);
    const struct json *events = json_at(room, "ephemeral events");
    for (uint32_t i = 0; events && i < events->count; i++)
        if (str_eq(json_str_at(&events->items[i], STR("type")), STR("m.typing")))
            return json_text(s->f.arena, json_at(&events->items[i], "content user_ids"));
    return STR("");
}

static int64_t position(struct scene *s)
{
    return store_stable_pos(s->f.services.store);
}

/* Where nothing is news. On PostgreSQL a batch that has begun a transaction may take a position for itself. */
static void check_no_news(struct scene *s, int64_t before)
{
    if (!database_is_postgres())
        assert_int_equal(position(s), before);
    check_str(told(s, before), STR(""), "no news");
}

static void told_once(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    int64_t start = position(&s);
    check_str(told(&s, start), STR(""), "nobody");
    type(&s, &s.alice, 30000);
    assert_int_equal(s.woken, 2);
    int64_t typing = position(&s);
    assert_true(typing > start);
    assert_int_equal(typing_last_pos(&s.f.services, s.room->nid), typing);
    check_str(told(&s, start), STR("[\"@alice:hearth.test\"]"), "alice");
    check_str(told(&s, typing), STR(""), "told already");
    type(&s, &s.alice, 30000); /* still: no news */
    assert_int_equal(s.woken, 2);
    check_no_news(&s, typing);
    type(&s, &s.bob, 30000);
    check_str(told(&s, typing), STR("[\"@alice:hearth.test\",\"@bob:hearth.test\"]"), "both");
    int64_t both = position(&s);
    type(&s, &s.alice, 0);
    check_str(told(&s, both), STR("[\"@bob:hearth.test\"]"), "bob");
    check_str(told(&s, start), STR("[\"@bob:hearth.test\"]"), "bob, from before");
    int64_t last = position(&s);
    type(&s, &s.alice, 0); /* was not typing */
    check_no_news(&s, last);
    type(&s, &s.bob, 0);
    check_str(told(&s, last), STR("[]"), "nobody any more");
    assert_null(typing_content(&s.f.services, s.f.arena, s.room->nid + 1, 0, INT64_MAX, NULL));
    assert_int_equal(typing_last_pos(&s.f.services, s.room->nid + 1), 0);
    scene_fini(&s);
}

static void expires(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    type(&s, &s.alice, 10000);
    type(&s, &s.bob, 20000);
    int64_t since = position(&s);
    now_ms += 9999;
    typing_expire(&s.f.services);
    check_no_news(&s, since);
    type(&s, &s.alice, 5000); /* goes on typing */
    now_ms += 4999;
    typing_expire(&s.f.services);
    check_no_news(&s, since);
    now_ms += 1;
    s.woken = 0;
    typing_expire(&s.f.services);
    assert_int_equal(s.woken, 2);
    check_str(told(&s, since), STR("[\"@bob:hearth.test\"]"), "alice's time is up");
    since = position(&s);
    now_ms += 5001;
    typing_expire(&s.f.services);
    check_str(told(&s, since), STR("[]"), "bob's too");
    since = position(&s);
    /* no time is too long, and what is over for long is forgotten */
    type(&s, &s.alice, INT64_MAX);
    now_ms += TYPING_TIMEOUT_MAX_MS;
    typing_expire(&s.f.services);
    check_str(told(&s, since), STR("[]"), "a bound");
    now_ms += 10 * TYPING_TIMEOUT_MAX_MS;
    typing_expire(&s.f.services);
    assert_int_equal(typing_last_pos(&s.f.services, s.room->nid), 0);
    check_str(told(&s, since), STR(""), "forgotten");
    scene_fini(&s);
}

/* More typists than are shown; each leaves when it stops. */
static void crowd(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 150; i++) {
        struct caller who = fixture_user(&s.f, CSTR(s.f.arena, "c%d", i));
        do_join(&s.f, &who, s.room_id);
        type(&s, &who, 1000);
    }
    const struct json *content = typing_content(&s.f.services, s.f.arena, s.room->nid, 0, INT64_MAX, NULL);
    assert_int_equal(json_get(content, STR("user_ids"))->count, 100);
    now_ms += 1000;
    typing_expire(&s.f.services);
    content = typing_content(&s.f.services, s.f.arena, s.room->nid, 0, INT64_MAX, NULL);
    assert_int_equal(json_get(content, STR("user_ids"))->count, 0);
    scene_fini(&s);
}

/* Who leaves or is thrown out does not type there any more, and who is not joined never does. */
static void leaves(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    struct caller carol = fixture_user(&s.f, "carol");
    do_join(&s.f, &carol, s.room_id);
    type(&s, &s.alice, 30000);
    type(&s, &carol, 30000);
    int64_t since = position(&s);
    do_leave(&s.f, &carol, s.room_id);
    check_str(told(&s, since), STR("[\"@alice:hearth.test\"]"), "carol has left");
    check_fault(typing_set(&s.f.services, s.f.arena, &carol, s.room_id, 30000), M_FORBIDDEN, "left");
    check_fault(typing_set(&s.f.services, s.f.arena, &carol, STR("!none:x"), 30000), M_FORBIDDEN, "unknown");
    do_join(&s.f, &carol, s.room_id);
    since = position(&s);
    do_say(&s.f, &carol, s.room_id, "1"); /* a membership event or a message of who stays changes nothing */
    check_str(told(&s, since), STR(""), "as before");
    type(&s, &carol, 30000);
    since = position(&s);
    do_kick(&s.f, &s.alice, s.room_id, &carol);
    check_str(told(&s, since), STR("[\"@alice:hearth.test\"]"), "carol was kicked");
    scene_fini(&s);
}

/* All rooms whose time is up are told of at one position of the clock, and all quiet ones are forgotten at once. */
static void many_rooms_at_once(void **state)
{
    enum { ROOMS = 20 };
    (void)state;
    struct scene s;
    struct str ids[ROOMS];
    scene_init(&s);
    for (int i = 0; i < ROOMS; i++) {
        ids[i] = fixture_room(&s.f, &s.alice, "{}");
        check_ok(typing_set(&s.f.services, s.f.arena, &s.alice, ids[i], 1000));
    }
    now_ms += 1000;
    s.woken = 0;
    typing_expire(&s.f.services);
    assert_int_equal(s.woken, ROOMS);
    now_ms += 1000000;
    typing_expire(&s.f.services);
    for (int i = 0; i < ROOMS; i++) {
        struct room *room = do_open(&s.f, ids[i]);
        assert_int_equal(typing_last_pos(&s.f.services, room->nid), 0);
        room_close(&s.f.services, &room);
    }
    scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_once),
        cmocka_unit_test(expires),
        cmocka_unit_test(crowd),
        cmocka_unit_test(leaves),
        cmocka_unit_test(many_rooms_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
