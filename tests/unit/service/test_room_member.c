#include "service/room_member.h"

#include <sqlite3.h>

#include "room_fixture.h"

/* --- every action of every person in every position --- */

enum action { JOIN, LEAVE, KNOCK, INVITE, KICK, BAN, UNBAN };
static const char *const action_names[] = {"join", "leave", "knock", "invite", "kick", "ban", "unban"};

static struct fault act(struct fixture *f, enum action action, const struct caller *who, struct str room,
                        struct str target)
{
    struct services *s = &f->services;
    switch (action) {
    case JOIN:
        return room_join(s, f->arena, who, room, NO_REASON);
    case LEAVE:
        return room_leave(s, f->arena, who, room, NO_REASON);
    case KNOCK:
        return room_knock(s, f->arena, who, room, NO_REASON);
    case INVITE:
        return room_invite(s, f->arena, who, room, target, NO_REASON);
    case KICK:
        return room_kick(s, f->arena, who, room, target, NO_REASON);
    case BAN:
        return room_ban(s, f->arena, who, room, target, NO_REASON);
    case UNBAN:
        return room_unban(s, f->arena, who, room, target, NO_REASON);
    }
    fail();
    return FAULT_NONE;
}

static enum membership membership_of(struct fixture *f, struct str room, const struct caller *who)
{
    struct membership_row row;
    struct store_tx *tx = store_read_begin(f->services.store);
    memberships_get(tx, who->user_nid, rooms_nid_of(tx, room), &row);
    assert_true(store_read_end(&tx));
    return row.membership;
}

/* Brings @bob into a position, by @alice who owns the room. */
static void bring(struct fixture *f, const struct caller *alice, const struct caller *bob, struct str room,
                  enum membership m)
{
    if (m == MEMBERSHIP_JOIN || m == MEMBERSHIP_INVITE || m == MEMBERSHIP_LEAVE)
        do_invite(f, alice, room, bob);
    if (m == MEMBERSHIP_JOIN || m == MEMBERSHIP_LEAVE)
        do_join(f, bob, room);
    if (m == MEMBERSHIP_LEAVE)
        do_leave(f, bob, room);
    if (m == MEMBERSHIP_BAN)
        do_ban(f, alice, room, bob);
    if (m == MEMBERSHIP_KNOCK)
        check_ok(room_knock(&f->services, f->arena, bob, room, NO_REASON));
    assert_int_equal(membership_of(f, room, bob), m);
}

/* The table of memberships ("Room membership", auth rule 4): who acts, in which position the target is, under which
 * join rule, and what comes of it. NONE stands for "refused". */
static void memberships(void **state)
{
    enum {
        NONE = MEMBERSHIP_NONE,
        J = MEMBERSHIP_JOIN,
        I = MEMBERSHIP_INVITE,
        K = MEMBERSHIP_KNOCK,
        L = MEMBERSHIP_LEAVE,
        B = MEMBERSHIP_BAN
    };
    static const struct {
        enum action action;
        bool self; /* @bob acts on himself; else @alice on him */
        const char *rule;
        int from_none, from_join, from_invite, from_knock, from_leave, from_ban;
    } rows[] = {
        {JOIN, true, "public", J, J, J, -1, J, NONE},
        {JOIN, true, "invite", NONE, J, J, -1, NONE, NONE},
        {JOIN, true, "knock", NONE, J, J, NONE, NONE, NONE},
        {KNOCK, true, "public", NONE, NONE, NONE, -1, NONE, NONE},
        {KNOCK, true, "knock", K, NONE, NONE, K, K, NONE},
        {LEAVE, true, "invite", NONE, L, L, -1, L, NONE},
        {LEAVE, true, "knock", NONE, L, L, L, L, NONE},
        {INVITE, false, "invite", I, NONE, I, -1, I, NONE},
        {INVITE, false, "knock", I, NONE, I, I, I, NONE},
        {KICK, false, "knock", NONE, L, L, L, NONE, NONE},
        {BAN, false, "knock", B, B, B, B, B, B},
        {UNBAN, false, "knock", NONE, NONE, NONE, NONE, NONE, L},
    };
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++) {
        struct fixture f;
        fixture_init(&f, NULL);
        struct caller alice = fixture_user(&f, "alice");
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            const int wants[] = {rows[i].from_none,  rows[i].from_join,  rows[i].from_invite,
                                 rows[i].from_knock, rows[i].from_leave, rows[i].from_ban};
            static const enum membership froms[] = {MEMBERSHIP_NONE,  MEMBERSHIP_JOIN,  MEMBERSHIP_INVITE,
                                                    MEMBERSHIP_KNOCK, MEMBERSHIP_LEAVE, MEMBERSHIP_BAN};
            for (size_t p = 0; p < COUNT_OF(froms); p++) {
                if (wants[p] < 0 || (!version->knock && !strcmp(rows[i].rule, "knock")))
                    continue; /* nobody can be there under that rule, or there is none */
                struct caller bob = fixture_user(&f, CSTR(f.arena, "bob%d.%d", (int)i, (int)p));
                struct str room =
                    fixture_room(&f, &alice,
                                 CSTR(f.arena,
                                      "{'room_version':'%.*s','initial_state':[{'type':'m.room.join_rules',"
                                      "'content':{'join_rule':'%s'}}]}",
                                      STR_ARG(version->name), rows[i].rule));
                bring(&f, &alice, &bob, room, froms[p]);
                struct fault fault = act(&f, rows[i].action, rows[i].self ? &bob : &alice, room, bob.user_id);
                const char *what = CSTR(f.arena, "%s, %s, from %.*s", action_names[rows[i].action], rows[i].rule,
                                        STR_ARG(membership_name(froms[p])));
                check_case((fault.code == ERRCODE_NONE) == (wants[p] != NONE), what);
                enum membership want = wants[p] == NONE ? froms[p] : (enum membership)wants[p];
                check_case(membership_of(&f, room, &bob) == want, what);
                replay(&f, room);
            }
        }
        fixture_fini(&f);
    }
}

/* Without the power, and against those who stand as high. */
static void power(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), mod = fixture_user(&f, "mod"), bob = fixture_user(&f, "bob");
    struct caller peer = fixture_user(&f, "peer"), stranger = fixture_user(&f, "stranger");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &mod, room);
    do_join(&f, &peer, room);
    do_join(&f, &bob, room);
    do_state(&f, &alice, room, "m.room.power_levels", "",
             "{'users':{'@mod:hearth.test':50,'@peer:hearth.test':50},'invite':50}");
    const struct {
        enum action action;
        const struct caller *who, *whom;
        enum errcode want;
    } cases[] = {
        {KICK, &bob, &peer, M_FORBIDDEN},       {BAN, &bob, &stranger, M_FORBIDDEN},
        {INVITE, &bob, &stranger, M_FORBIDDEN}, {KICK, &mod, &peer, M_FORBIDDEN},
        {BAN, &mod, &alice, M_FORBIDDEN},       {INVITE, &mod, &stranger, ERRCODE_NONE},
        {KICK, &mod, &stranger, ERRCODE_NONE},  {BAN, &mod, &bob, ERRCODE_NONE},
        {UNBAN, &peer, &bob, ERRCODE_NONE},     {KICK, &alice, &peer, ERRCODE_NONE},
        {KICK, &stranger, &mod, M_FORBIDDEN},   {LEAVE, &stranger, &stranger, ERRCODE_NONE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_fault(act(&f, cases[i].action, cases[i].who, room, cases[i].whom->user_id), cases[i].want,
                    CSTR(f.arena, "%d %s", (int)i, action_names[cases[i].action]));
    check_fault(act(&f, INVITE, &alice, room, STR("nobody")), M_INVALID_PARAM, "no user id");
    check_fault(act(&f, INVITE, &alice, room, STR("@a:elsewhere")), M_UNKNOWN, "another server");
    check_fault(act(&f, JOIN, &alice, STR("!none:x"), STR("")), M_NOT_FOUND, "no room");
    replay(&f, room);
    fixture_fini(&f);
}

/* --- restricted rooms --- */

static void restricted(void **state)
{
    static const char *const rules[] = {"restricted", "knock_restricted"};
    const struct room_version *version;
    (void)state;
    for (size_t v = 0; (version = room_version_at(v)) != NULL; v++)
        for (size_t i = 0; i < COUNT_OF(rules); i++) {
            if (!(i ? version->knock_restricted : version->restricted_join))
                continue;
            struct fixture f;
            fixture_init(&f, NULL);
            struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
            struct caller carol = fixture_user(&f, "carol"), dave = fixture_user(&f, "dave");
            struct str hall = fixture_room(&f, &alice, "{'preset':'public_chat'}");
            struct str room = fixture_room(
                &f, &alice,
                CSTR(f.arena,
                     "{'room_version':'%.*s','power_level_content_override':{'invite':50},'initial_state':[{'type':"
                     "'m.room.join_rules','content':{'join_rule':'%s','allow':[{'type':'m.room_membership','room_id':"
                     "'!none:x'},{'type':'other','room_id':'%.*s'},{'type':'m.room_membership','room_id':'%.*s'}]}}]}",
                     STR_ARG(version->name), rules[i], STR_ARG(hall), STR_ARG(hall)));
            check_fault(room_join(&f.services, f.arena, &bob, room, NO_REASON), M_FORBIDDEN, "not in the hall");
            do_join(&f, &bob, hall);
            do_join(&f, &bob, room);
            struct json member;
            check_ok(room_read_state_event(&f.services, f.arena, &bob, room, STR("m.room.member"), bob.user_id, false,
                                           &member));
            check_str(json_str_at(&member, STR("join_authorised_via_users_server")), alice.user_id, "authoriser");
            /* an invitation needs none */
            do_invite(&f, &alice, room, &carol);
            do_join(&f, &carol, room);
            /* knocking where it is said, and not joining from a knock */
            struct fault knock = room_knock(&f.services, f.arena, &dave, room, NO_REASON);
            check_fault(knock, i ? ERRCODE_NONE : M_FORBIDDEN, rules[i]);
            check_fault(room_join(&f.services, f.arena, &dave, room, NO_REASON), M_FORBIDDEN, "knocked");
            /* banned is banned */
            do_ban(&f, &alice, room, &bob);
            check_fault(room_join(&f.services, f.arena, &bob, room, NO_REASON), M_FORBIDDEN, "banned");
            /* left the hall: the door is closed again */
            do_join(&f, &dave, hall);
            do_leave(&f, &dave, hall);
            check_fault(room_join(&f.services, f.arena, &dave, room, NO_REASON), M_FORBIDDEN, "left the hall");
            /* nobody is left who could authorise */
            do_join(&f, &dave, hall);
            do_leave(&f, &alice, room);
            check_fault(room_join(&f.services, f.arena, &dave, room, NO_REASON), M_FORBIDDEN, "no authoriser");
            replay(&f, room);
            fixture_fini(&f);
        }
}

/* --- forgetting, leaving the server, aliases --- */

static void forgetting(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    struct services *s = &f.services;
    const struct json *events;
    do_join(&f, &bob, room);
    check_fault(room_forget(s, &bob, room), M_UNKNOWN, "still there");
    check_fault(room_forget(s, &bob, STR("!none:x")), M_NOT_FOUND, "unknown");
    do_leave(&f, &bob, room);
    check_ok(read_state(&f, &bob, room, &events));
    check_ok(room_forget(s, &bob, room));
    check_ok(room_forget(s, &bob, room));
    check_fault(read_state(&f, &bob, room, &events), M_FORBIDDEN, "forgotten");
    do_join(&f, &bob, room);
    check_ok(read_state(&f, &bob, room, &events));
    fixture_fini(&f);
}

/* Who has left reads on up to there, however often they were asked back since. */
static void asked_back_for_ever(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str room = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    const struct json *events;
    do_join(&f, &bob, room);
    do_state(&f, &alice, room, "org.example", "", "{}");
    do_leave(&f, &bob, room);
    do_state(&f, &alice, room, "org.example", "later", "{}");
    for (int i = 0; i < 60; i++) {
        do_invite(&f, &alice, room, &bob);
        do_leave(&f, &bob, room);
    }
    check_ok(read_state(&f, &bob, room, &events));
    assert_int_equal(events->count, 6 + 2);
    fixture_fini(&f);
}

/* --- the column joined_until in databases from before it --- */

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Puts what all users' rows say of one room into `out`; returns how many are neither 0 nor for ever. */
static int read_until(const char *path, struct str room_id, int64_t *out, int users)
{
    struct fixture f;
    int between = 0;
    fixture_init(&f, path);
    struct store_tx *tx = store_read_begin(f.services.store);
    int64_t room_nid = rooms_nid_of(tx, room_id);
    for (int i = 0; i < users; i++) {
        struct membership_row row;
        memberships_get(tx, i + 1, room_nid, &row);
        out[i] = row.joined_until;
        between += row.joined_until > 0 && row.joined_until < INT64_MAX;
    }
    assert_true(store_read_end(&tx));
    fixture_fini(&f);
    return between;
}

static void joined_until_of_old_databases(void **state)
{
    enum { USERS = 30, STEPS = 600 };
    (void)state;
    if (database_is_postgres()) /* there were none on it */
        skip();
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct fixture f;
    unsigned seed = 1;
    int64_t before[USERS], after[USERS];
    char kept[64];
    fixture_init(&f, path);
    struct caller users[USERS];
    for (int i = 0; i < USERS; i++)
        users[i] = fixture_user(&f, CSTR(f.arena, "u%d", i));
    struct str made = fixture_room(&f, &users[0], "{'preset':'public_chat'}");
    memcpy(kept, made.p, made.n);
    struct str room = {kept, made.n};
    for (int i = 0; i < STEPS; i++) {
        seed = seed * 1103515245 + 12345;
        const struct caller *who = &users[1 + (seed >> 8) % (USERS - 1)];
        enum action action = (enum action)((seed >> 16) % 7);
        bool own = action == JOIN || action == LEAVE || action == KNOCK;
        (void)act(&f, action, own ? who : &users[0], room, who->user_id); /* many are refused */
    }
    fixture_fini(&f);
    assert_true(read_until(path, room, before, USERS) > 5);
    run_sql(path, "ALTER TABLE memberships DROP COLUMN joined_until; DELETE FROM migrations WHERE number = 5");
    read_until(path, room, after, USERS);
    assert_memory_equal(before, after, sizeof before);
    free(path);
    scratch_remove(folder);
}

/* Those who leave the server leave the rooms. */
static void deactivation(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice"), bob = fixture_user(&f, "bob");
    struct str rooms[4];
    for (int i = 0; i < 4; i++)
        rooms[i] = fixture_room(&f, &alice, "{'preset':'public_chat'}");
    do_join(&f, &bob, rooms[0]);
    do_join(&f, &bob, rooms[1]);
    do_invite(&f, &alice, rooms[2], &bob);
    do_ban(&f, &alice, rooms[3], &bob);
    /* Whatever fails, the user has not left yet. */
    static struct sql broken[][2] = {
        {SQL("ALTER TABLE memberships RENAME TO away"), SQL("ALTER TABLE away RENAME TO memberships")},
        {SQL("ALTER TABLE events RENAME TO away"), SQL("ALTER TABLE away RENAME TO events")},
    };
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        assert_int_equal(scratch_exec(f.services.store, &broken[i][0]), STORE_OK);
        assert_int_equal(rooms_user_deactivated(&f.services, bob.user_nid, bob.user_id, 9), DEPARTURE_FAILED);
        assert_int_equal(scratch_exec(f.services.store, &broken[i][1]), STORE_OK);
        assert_int_equal(membership_of(&f, rooms[0], &bob), MEMBERSHIP_JOIN);
    }
    assert_int_equal(rooms_user_deactivated(&f.services, bob.user_nid, bob.user_id, 2), DEPARTURE_MORE);
    assert_int_equal(rooms_user_deactivated(&f.services, bob.user_nid, bob.user_id, 2), DEPARTURE_DONE);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(membership_of(&f, rooms[i], &bob), i < 3 ? MEMBERSHIP_LEAVE : MEMBERSHIP_BAN);
        replay(&f, rooms[i]);
    }
    fixture_fini(&f);
}

static void resolving(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room = fixture_room(&f, &alice, "{'room_alias_name':'den'}");
    const struct {
        const char *name;
        enum errcode want;
    } cases[] = {
        {CSTR(f.arena, "%.*s", STR_ARG(room)), ERRCODE_NONE},
        {"#den:hearth.test", ERRCODE_NONE},
        {"#none:hearth.test", M_NOT_FOUND},
        {"#den:elsewhere", M_NOT_FOUND},
        {"den", M_INVALID_PARAM},
        {"", M_INVALID_PARAM},
        {"!", M_INVALID_PARAM},
        {"#den", M_INVALID_PARAM},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str found;
        check_fault(room_resolve(&f.services, f.arena, str_of(cases[i].name), &found), cases[i].want, cases[i].name);
        if (!cases[i].want)
            check_str(found, room, cases[i].name);
    }
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memberships),         cmocka_unit_test(power),
        cmocka_unit_test(restricted),          cmocka_unit_test(forgetting),
        cmocka_unit_test(asked_back_for_ever), cmocka_unit_test(joined_until_of_old_databases),
        cmocka_unit_test(deactivation),        cmocka_unit_test(resolving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
