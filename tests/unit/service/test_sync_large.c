/*
 * Answers of /sync that would grow beyond all bounds: what somebody has piled up in one room costs that room's members
 * neither the answer nor their other rooms.
 */
#include "room_fixture.h"

enum { PILED = 100, PILED_BYTES = 4000, ANSWER_MAX = 400000, ROOM_MAX = ANSWER_MAX / 8 * 3 };

static void pile_up(struct fixture *f, const struct caller *who, struct str room)
{
    char text[PILED_BYTES + 1];
    memset(text, 'x', PILED_BYTES);
    text[PILED_BYTES] = '\0';
    const char *content = CSTR(f->arena, "{'text':'%s'}", text);
    for (int i = 0; i < PILED; i++)
        do_state(f, who, room, "org.pile", CSTR(f->arena, "%d", i), content);
}

/* The state of a room in an answer of at most ANSWER_MAX bytes. */
static const struct json *state_of(struct fixture *f, const struct caller *who, struct str room,
                                   const struct sync_query *q, size_t *size_out)
{
    struct buf out;
    bool empty;
    buf_init(&out, ANSWER_MAX);
    check_ok(sync_answer(&f->services, f->arena, who, q, &out, &empty));
    assert_true(buf_ok(&out));
    const struct json *answer = json_parse(f->arena, str_copy(f->arena, buf_str(&out)), JSON_DEPTH_MAX).value;
    assert_non_null(answer);
    buf_fini(&out);
    const struct json *section = sync_room_section(answer, "join", room);
    assert_non_null(section);
    if (size_out)
        *size_out = json_text(f->arena, section).n;
    return json_at(section, "state events");
}

static bool has(const struct json *state, const char *type, const char *state_key)
{
    for (uint32_t i = 0; i < state->count; i++)
        if (str_eq(json_str_at(&state->items[i], STR("type")), str_of(type)) &&
            str_eq(json_str_at(&state->items[i], STR("state_key")), str_of(state_key)))
            return true;
    return false;
}

static void state_in_part(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str piled[3];
    for (size_t i = 0; i < COUNT_OF(piled); i++) {
        piled[i] = fixture_room(&f, &alice, "{'preset':'public_chat'}");
        pile_up(&f, &alice, piled[i]);
        do_state(&f, &alice, piled[i], "m.room.name", "", "{'name':'late'}");
        do_state(&f, &alice, piled[i], "m.room.encryption", "", "{'algorithm':'m.megolm.v1.aes-sha2'}");
        do_join(&f, &bob, piled[i]);
        for (int k = 0; k < 10; k++)
            do_say(&f, &alice, piled[i], "message");
    }
    struct str small = fixture_room(&f, &alice, "{'preset':'public_chat','name':'small'}");
    do_join(&f, &bob, small);
    do_say(&f, &alice, small, "1");
    for (int lazily = 0; lazily < 2; lazily++) {
        struct sync_query q = {.filter.room_state.lazy_load_members = lazily};
        for (size_t i = 0; i < COUNT_OF(piled); i++) {
            size_t size;
            const struct json *got = state_of(&f, &bob, piled[i], &q, &size);
            assert_true(has(got, "m.room.name", "") && has(got, "m.room.encryption", ""));
            assert_true(has(got, "m.room.create", "") && has(got, "m.room.power_levels", ""));
            assert_true(has(got, "org.pile", "0") && !has(got, "org.pile", "99"));
            assert_true(!lazily || (has(got, "m.room.member", "@alice:hearth.test") &&
                                    has(got, "m.room.member", "@bob:hearth.test")));
            assert_in_range(size, ROOM_MAX / 8, ROOM_MAX + 3 * PILED_BYTES);
        }
        q.filter.room_timeline.limit = 1;
        assert_int_equal(state_of(&f, &bob, small, &q, NULL)->count, 8);
    }
    fixture_fini(&f);
}

/* Changes too many for an answer are told in part, and the answer after it goes on from there. */
static void changes_in_part(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    struct sync_query q = {0};
    q.since = sync_next(do_sync_query(&f, &bob, &q, NULL));
    pile_up(&f, &alice, room);
    do_state(&f, &alice, room, "m.room.name", "", "{'name':'late'}");
    for (int k = 0; k < 20; k++)
        do_say(&f, &alice, room, "message");
    size_t size;
    const struct json *got = state_of(&f, &bob, room, &q, &size);
    assert_true(has(got, "m.room.name", "") && has(got, "org.pile", "0") && !has(got, "org.pile", "99"));
    assert_in_range(size, ROOM_MAX / 8, ROOM_MAX + 3 * PILED_BYTES);
    q.since = sync_next(do_sync_query(&f, &bob, &q, NULL));
    bool empty;
    do_sync_query(&f, &bob, &q, &empty);
    assert_true(empty);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_in_part),
        cmocka_unit_test(changes_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
