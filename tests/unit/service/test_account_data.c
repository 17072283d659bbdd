#include "service/account_data.h"
#include "store/account_data.h"
#include "store/rooms.h"

#include <string.h>

#include "world.h"

#define ROOM STR("!room:example.org")

static bool make_room(struct store_tx *tx, void *arg)
{
    (void)arg;
    return rooms_insert(tx, ROOM, STR("12")) != 0;
}

static void begin(struct world *w, struct caller *caller)
{
    world_init(w, NULL);
    struct account_info alice = world_user(w, STR("alice"));
    *caller = (struct caller){.user_nid = alice.user_nid, .user_id = alice.user_id};
    assert_int_equal(store_write(w->services.store, make_room, NULL), STORE_OK);
}

static struct str read_text(struct world *w, const struct caller *caller, struct str room_id, const char *type)
{
    const struct json *content = NULL;
    struct fault fault = account_data_read(&w->services, w->arena, caller, room_id, str_of(type), &content);
    return fault.code ? errcode_name(fault.code) : json_text(w->arena, content);
}

static void puts_and_reads(void **state)
{
    static const struct {
        const char *room_id; /* NULL: of the account */
        const char *type;
        enum errcode want;
        int status;
    } cases[] = {
        {NULL, "m.direct", ERRCODE_NONE, 0},
        {"!room:example.org", "org.example", ERRCODE_NONE, 0},
        {"!other:example.org", "org.example", M_NOT_FOUND, 0},
        {"room", "org.example", M_INVALID_PARAM, 0},
        {"", "org.example", M_INVALID_PARAM, 0},
        {NULL, "", M_INVALID_PARAM, 0},
        {NULL, "m.push_rules", M_BAD_JSON, 405},
        {NULL, "m.fully_read", M_BAD_JSON, 405},
        {"!room:example.org", "m.fully_read", M_BAD_JSON, 405},
    };
    struct world w;
    struct caller caller;
    (void)state;
    begin(&w, &caller);
    const struct json *content = json_parse(w.arena, STR("{\"b\":1,\"a\":0.50}"), 10).value;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str room_id = cases[i].room_id ? str_of(cases[i].room_id) : (struct str){0};
        w.woken = 0;
        struct fault fault = account_data_put(&w.services, w.arena, &caller, room_id, str_of(cases[i].type), content);
        check_case(fault.code == cases[i].want && fault.status == cases[i].status, cases[i].type);
        check_case(w.woken == (fault.code ? 0 : 1), cases[i].type);
        if (!fault.code)
            check_str(read_text(&w, &caller, room_id, cases[i].type), STR("{\"a\":0.50,\"b\":1}"), cases[i].type);
    }
    assert_int_equal(w.woken_nid, 0 + caller.user_nid);
    check_str(read_text(&w, &caller, (struct str){0}, "org.example"), STR("M_NOT_FOUND"), "not of the account");
    check_str(read_text(&w, &caller, ROOM, "m.direct"), STR("M_NOT_FOUND"), "not of the room");
    assert_true(str_starts(read_text(&w, &caller, (struct str){0}, "m.push_rules"), STR("{\"global\":{")));
    world_fini(&w);
}

static void changes_have_positions(void **state)
{
    struct world w;
    struct caller caller;
    struct account_data_row *rows;
    (void)state;
    begin(&w, &caller);
    const struct json *empty = json_object(w.arena);
    int64_t before = store_stable_pos(w.services.store);
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, STR("a"), empty).code, 0);
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, ROOM, STR("b"), empty).code, 0);
    int64_t middle = store_stable_pos(w.services.store);
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, STR("a"), empty).code, 0);
    int64_t after = store_stable_pos(w.services.store);

    struct store_tx *tx = store_read_begin(w.services.store);
    assert_int_equal(account_data_between(tx, caller.user_nid, before, after, w.arena, &rows), 2);
    check_str(rows[0].type, STR("b"), "first");
    assert_true(rows[0].room_nid != 0);
    check_str(rows[1].type, STR("a"), "second");
    assert_int_equal(account_data_between(tx, caller.user_nid, middle, after, w.arena, &rows), 1);
    assert_int_equal(account_data_between(tx, caller.user_nid, before, middle, w.arena, &rows), 1);
    assert_int_equal(account_data_between(tx, caller.user_nid + 1, before, after, w.arena, &rows), 0);
    assert_true(store_read_end(&tx));
    world_fini(&w);
}

static void tags(void **state)
{
    static const struct {
        const char *tag;
        const char *value; /* NULL: delete */
        enum errcode want;
        const char *tags;
    } steps[] = {
        {"m.favourite", "{\"order\":0.5}", ERRCODE_NONE, "{\"tags\":{\"m.favourite\":{\"order\":0.5}}}"},
        {"u.work", "{}", ERRCODE_NONE, "{\"tags\":{\"m.favourite\":{\"order\":0.5},\"u.work\":{}}}"},
        {"m.favourite", "{\"order\":1}", ERRCODE_NONE, "{\"tags\":{\"m.favourite\":{\"order\":1},\"u.work\":{}}}"},
        {"m.favourite", NULL, ERRCODE_NONE, "{\"tags\":{\"u.work\":{}}}"},
        {"m.favourite", NULL, ERRCODE_NONE, "{\"tags\":{\"u.work\":{}}}"},
        {"x", "{\"order\":1.1}", M_INVALID_PARAM, "{\"tags\":{\"u.work\":{}}}"},
        {"x", "{\"order\":-0.1}", M_INVALID_PARAM, "{\"tags\":{\"u.work\":{}}}"},
        {"x", "{\"order\":\"1\"}", M_INVALID_PARAM, "{\"tags\":{\"u.work\":{}}}"},
        {"", "{}", M_INVALID_PARAM, "{\"tags\":{\"u.work\":{}}}"},
        {"u.work", NULL, ERRCODE_NONE, "{\"tags\":{}}"},
    };
    struct world w;
    struct caller caller;
    (void)state;
    begin(&w, &caller);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        const char *what = str_cstr(w.arena, str_fmt(w.arena, "step %zu", i));
        const struct json *value = steps[i].value ? json_parse(w.arena, str_of(steps[i].value), 10).value : NULL;
        const struct json *now = NULL;
        struct fault fault = account_data_tag(&w.services, &caller, ROOM, str_of(steps[i].tag), value);
        check_case(fault.code == steps[i].want, what);
        assert_int_equal(account_data_tags(&w.services, w.arena, &caller, ROOM, &now).code, ERRCODE_NONE);
        check_str(json_text(w.arena, now), str_of(steps[i].tags), what);
    }
    check_str(read_text(&w, &caller, ROOM, "m.tag"), STR("{\"tags\":{}}"), "event");

    char name[TAG_MAX + 1];
    memset(name, 'x', sizeof name);
    const struct json *empty = json_object(w.arena);
    assert_int_equal(account_data_tag(&w.services, &caller, ROOM, (struct str){name, TAG_MAX}, empty).code, 0);
    assert_int_equal(account_data_tag(&w.services, &caller, ROOM, (struct str){name, TAG_MAX + 1}, empty).code,
                     M_INVALID_PARAM);
    world_fini(&w);
}

/* All that is kept for a user is bounded in bytes; what makes room is taken again. */
static void bytes_are_bounded(void **state)
{
    struct world w;
    struct caller caller;
    (void)state;
    begin(&w, &caller);
    size_t n = 250000;
    char *text = arena_alloc(w.arena, n);
    memset(text, 'x', n);
    struct json *large = json_object(w.arena), *small = json_object(w.arena);
    json_set_str(w.arena, large, STR("text"), (struct str){text, n});
    int kept = 0;
    struct fault fault = FAULT_NONE;
    while (!fault.code && kept < 100) {
        struct str type = str_fmt(w.arena, "org.example.%d", kept);
        fault = account_data_put(&w.services, w.arena, &caller, (struct str){0}, type, large);
        kept += !fault.code;
    }
    assert_int_equal(fault.code, M_TOO_LARGE);
    assert_int_equal(kept, ACCOUNT_DATA_BYTES_MAX / (n + strlen("{\"text\":\"\"}")));
    struct str first = STR("org.example.0"), next = STR("org.example.next");
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, first, large).code, ERRCODE_NONE);
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, next, large).code, M_TOO_LARGE);
    check_str(read_text(&w, &caller, (struct str){0}, "org.example.next"), STR("M_NOT_FOUND"), "refused");
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, first, small).code, ERRCODE_NONE);
    assert_int_equal(account_data_put(&w.services, w.arena, &caller, (struct str){0}, next, large).code, ERRCODE_NONE);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_and_reads),
        cmocka_unit_test(changes_have_positions),
        cmocka_unit_test(tags),
        cmocka_unit_test(bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
