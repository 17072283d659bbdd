#include "service/room_alias.h"

#include "room_fixture.h"

static struct str list(struct fixture *f, const struct caller *who, struct str room)
{
    struct json *aliases;
    check_ok(room_alias_list(&f->services, f->arena, who, room, &aliases));
    return json_text(f->arena, aliases);
}

static void set_list_delete(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct services *s = &f.services;
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob"), eve = fixture_user(&f, "eve");
    struct caller admin = fixture_user(&f, "admin");
    admin.is_admin = true;
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, room);
    const struct {
        const struct caller *who;
        const char *alias;
        enum errcode want;
    } sets[] = {
        {&alice, "#a:hearth.test", ERRCODE_NONE},  {&bob, "#b:hearth.test", ERRCODE_NONE},
        {&bob, "#c:hearth.test", ERRCODE_NONE},    {&alice, "#d:hearth.test", ERRCODE_NONE},
        {&bob, "#a:hearth.test", M_UNKNOWN},       {&eve, "#e:hearth.test", M_FORBIDDEN},
        {&alice, "#e:elsewhere", M_INVALID_PARAM}, {&alice, "e", M_INVALID_PARAM},
    };
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct fault fault = room_alias_set(s, f.arena, sets[i].who, str_of(sets[i].alias), room);
        check_fault(fault, sets[i].want, sets[i].alias);
        assert_true(sets[i].want != M_UNKNOWN || fault.status == 409);
    }
    check_fault(room_alias_set(s, f.arena, &alice, STR("#x:hearth.test"), STR("!none:x")), M_FORBIDDEN, "no room");
    check_str(list(&f, &bob, room),
              STR("[\"#a:hearth.test\",\"#b:hearth.test\",\"#c:hearth.test\",\"#d:hearth.test\"]"), "all");
    struct json *none;
    check_fault(room_alias_list(s, f.arena, &eve, room, &none), M_FORBIDDEN, "stranger");
    const struct {
        const struct caller *who;
        const char *alias;
        enum errcode want;
    } deletes[] = {
        {&eve, "#a:hearth.test", M_FORBIDDEN},    {&bob, "#a:hearth.test", M_FORBIDDEN},
        {&bob, "#b:hearth.test", ERRCODE_NONE},   {&bob, "#b:hearth.test", M_NOT_FOUND},
        {&alice, "#c:hearth.test", ERRCODE_NONE}, /* by power */
        {&admin, "#d:hearth.test", ERRCODE_NONE}, {&alice, "#e:elsewhere", M_INVALID_PARAM},
    };
    for (size_t i = 0; i < COUNT_OF(deletes); i++)
        check_fault(room_alias_delete(s, f.arena, deletes[i].who, str_of(deletes[i].alias)), deletes[i].want,
                    CSTR(f.arena, "delete %s", deletes[i].alias));
    check_str(list(&f, &alice, room), STR("[\"#a:hearth.test\"]"), "left");
    do_state(&f, &alice, room, "m.room.history_visibility", "", "{'history_visibility':'world_readable'}");
    check_str(list(&f, &eve, room), STR("[\"#a:hearth.test\"]"), "world_readable");
    replay(&f, room);
    fixture_fini(&f);
}

/* A deleted alias leaves m.room.canonical_alias, if who deletes it may write that; it is gone in any case. */
static void canonical(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct services *s = &f.services;
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat','room_alias_name':'a'}");
    do_join(&f, &bob, room);
    check_ok(room_alias_set(s, f.arena, &bob, STR("#b:hearth.test"), room));
    check_ok(room_alias_set(s, f.arena, &alice, STR("#c:hearth.test"), room));
    do_state(&f, &alice, room, "m.room.canonical_alias", "",
             "{'alias':'#a:hearth.test','alt_aliases':['#b:hearth.test','#c:hearth.test']}");
    const struct {
        const struct caller *who;
        const char *alias, *left;
    } steps[] = {
        {&bob, "#b:hearth.test",
         "{\"alias\":\"#a:hearth.test\",\"alt_aliases\":[\"#b:hearth.test\",\"#c:hearth.test\"]}"},
        {&alice, "#c:hearth.test", "{\"alias\":\"#a:hearth.test\",\"alt_aliases\":[\"#b:hearth.test\"]}"},
        {&alice, "#a:hearth.test", "{\"alt_aliases\":[\"#b:hearth.test\"]}"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct json content;
        struct str found;
        check_ok(room_alias_delete(s, f.arena, steps[i].who, str_of(steps[i].alias)));
        check_fault(room_resolve(s, f.arena, str_of(steps[i].alias), &found), M_NOT_FOUND, steps[i].alias);
        check_ok(
            room_read_state_event(s, f.arena, &bob, room, STR("m.room.canonical_alias"), STR(""), false, &content));
        check_str(json_text(f.arena, &content), str_of(steps[i].left), steps[i].alias);
    }
    replay(&f, room);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_list_delete),
        cmocka_unit_test(canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
