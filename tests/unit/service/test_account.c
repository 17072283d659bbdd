#include "base/thread.h"
#include "service/account.h"
#include "service/account_login.h"
#include "service/device.h"
#include "store/gate.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static enum errcode code_of(struct world *w, struct str token)
{
    struct caller caller;
    return account_authenticate(&w->services, w->arena, token, &caller).code;
}

static void names(void **state)
{
    static const struct {
        const char *name;
        enum errcode want;
        const char *user_id;
    } cases[] = {
        {"alice", ERRCODE_NONE, "@alice:example.org"},
        {"ALICE2", ERRCODE_NONE, "@alice2:example.org"},
        {"a/b.c=d_e-f+1", ERRCODE_NONE, "@a/b.c=d_e-f+1:example.org"},
        {"taken", M_USER_IN_USE, ""},
        {"TaKen", M_USER_IN_USE, ""},
        {"", M_INVALID_USERNAME, ""},
        {"a b", M_INVALID_USERNAME, ""},
        {"a:b", M_INVALID_USERNAME, ""},
        {"@alice", M_INVALID_USERNAME, ""},
        {"\xc3\xa9", M_INVALID_USERNAME, ""},
    };
    struct world w;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("taken"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str user_id = STR("");
        struct fault fault = account_name_free(&w.services, w.arena, str_of(cases[i].name), &user_id);
        check_case(fault.code == cases[i].want, cases[i].name);
        check_str(user_id, str_of(cases[i].user_id), cases[i].name);
    }
    char lots[300];
    memset(lots, 'a', sizeof lots);
    struct str user_id;
    assert_int_equal(account_name_free(&w.services, w.arena, (struct str){lots, 242}, &user_id).code, ERRCODE_NONE);
    assert_int_equal(account_name_free(&w.services, w.arena, (struct str){lots, 243}, &user_id).code,
                     M_INVALID_USERNAME);
    world_fini(&w);
}

static void user_ids(void **state)
{
    static const struct {
        const char *user;
        const char *want;
    } cases[] = {
        {"alice", "@alice:example.org"}, {"@alice:example.org", "@alice:example.org"},
        {"@alice:example.com", NULL},    {"@alice", NULL},
        {"alice:example.org", NULL},
    };
    struct world w;
    (void)state;
    world_init(&w, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str user_id = account_user_id(&w.services, w.arena, str_of(cases[i].user));
        if (cases[i].want)
            check_str(user_id, str_of(cases[i].want), cases[i].user);
        else
            check_case(user_id.p == NULL && user_id.n == 0, cases[i].user);
    }
    world_fini(&w);
}

static void authenticates_until_logout(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session one = world_login(&w, alice.user_nid, STR("ONE"), false);
    struct session two = world_login(&w, alice.user_nid, STR("TWO"), false);
    for (int round = 0; round < 2; round++) { /* from the database, then from memory */
        struct caller caller = world_caller(&w, one.access_token);
        check_str(caller.user_id, STR("@alice:example.org"), "user id");
        check_str(caller.device_id, STR("ONE"), "device id");
        assert_int_equal(caller.user_nid, alice.user_nid);
        assert_int_equal(caller.device_nid, one.device_nid);
        assert_false(caller.is_admin);
        assert_false(caller.is_guest);
    }
    assert_int_equal(code_of(&w, STR("hs_nonsense")), M_UNKNOWN_TOKEN);

    struct caller caller = world_caller(&w, one.access_token);
    assert_int_equal(account_session_end(&w.services, &caller).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, one.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(code_of(&w, two.access_token), ERRCODE_NONE);

    caller = world_caller(&w, two.access_token);
    assert_int_equal(account_session_end_all(&w.services, &caller).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, two.access_token), M_UNKNOWN_TOKEN);
    world_fini(&w);
}

static void a_device_logs_in_again(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session old = world_login(&w, alice.user_nid, STR("ONE"), false);
    assert_int_equal(code_of(&w, old.access_token), ERRCODE_NONE);
    struct session new = world_login(&w, alice.user_nid, STR("ONE"), false);
    assert_int_equal(new.device_nid, old.device_nid);
    assert_int_equal(code_of(&w, old.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(code_of(&w, new.access_token), ERRCODE_NONE);
    world_fini(&w);
}

static void expires(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session session = world_login(&w, alice.user_nid, STR("ONE"), true);
    assert_int_equal(session.expires_in_ms, 60000);
    assert_non_null(session.refresh_token.p);
    struct session other = world_login(&w, alice.user_nid, STR("TWO"), true);
    assert_int_equal(code_of(&w, session.access_token), ERRCODE_NONE);
    *world_clock() += 60000;
    /* One stands in memory, the other only in the database. */
    struct str tokens[] = {session.access_token, other.access_token};
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        struct caller caller;
        struct fault fault = account_authenticate(&w.services, w.arena, tokens[i], &caller);
        assert_int_equal(fault.code, M_UNKNOWN_TOKEN);
        assert_true(fault.soft_logout);
    }
    assert_int_equal(account_session_refresh(&w.services, w.arena, session.refresh_token, &session).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, session.access_token), ERRCODE_NONE);
    world_fini(&w);
}

static struct session refresh(struct world *w, struct str token, enum errcode want)
{
    struct session session = {0};
    assert_int_equal(account_session_refresh(&w->services, w->arena, token, &session).code, want);
    return session;
}

static void refresh_token_lives_until_the_new_one_is_used(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session first = world_login(&w, alice.user_nid, STR("ONE"), true);
    assert_int_equal(code_of(&w, first.access_token), ERRCODE_NONE);

    /* The answer got lost: the same token is good again, and what was lost is not. */
    struct session lost = refresh(&w, first.refresh_token, ERRCODE_NONE);
    assert_int_equal(code_of(&w, first.access_token), ERRCODE_NONE);
    struct session second = refresh(&w, first.refresh_token, ERRCODE_NONE);
    assert_int_equal(code_of(&w, lost.access_token), M_UNKNOWN_TOKEN);
    refresh(&w, lost.refresh_token, M_UNKNOWN_TOKEN);

    /* Use of the new access token ends the old pair. */
    assert_int_equal(code_of(&w, second.access_token), ERRCODE_NONE);
    assert_int_equal(code_of(&w, first.access_token), M_UNKNOWN_TOKEN);
    refresh(&w, first.refresh_token, M_UNKNOWN_TOKEN);

    /* And so does use of the new refresh token. */
    struct session third = refresh(&w, second.refresh_token, ERRCODE_NONE);
    struct session fourth = refresh(&w, third.refresh_token, ERRCODE_NONE);
    refresh(&w, second.refresh_token, M_UNKNOWN_TOKEN);
    assert_int_equal(code_of(&w, second.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(code_of(&w, fourth.access_token), ERRCODE_NONE);
    assert_int_equal(fourth.device_nid, first.device_nid);
    world_fini(&w);
}

/* Strangers must not keep the writer busy: it stands still here, and they are answered all the same. */
static void unknown_refresh_tokens_do_not_reach_the_writer(void **state)
{
    static const char *const tokens[] = {"", "nonsense", "hr_abcdefghijklmnopqrstuvwxyz012345"};
    struct world w;
    struct gate gate;
    (void)state;
    world_init(&w, NULL);
    gate_close(&gate, w.services.store);
    alarm(20);
    for (size_t i = 0; i < COUNT_OF(tokens); i++)
        refresh(&w, str_of(tokens[i]), M_UNKNOWN_TOKEN);
    alarm(0);
    assert_int_equal(gate_open(&gate), STORE_OK);
    world_fini(&w);
}

static void password_changes(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session mine = world_login(&w, alice.user_nid, STR("MINE"), false);
    struct session other = world_login(&w, alice.user_nid, STR("OTHER"), false);
    struct account_password_change change = {
        .user_nid = alice.user_nid, .password = STR("short"), .logout = true, .keep_device_nid = mine.device_nid};
    assert_int_equal(account_set_password(&w.services, w.arena, &change).code, M_WEAK_PASSWORD);
    change.password = STR("12345678");
    change.logout = false;
    assert_int_equal(account_set_password(&w.services, w.arena, &change).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, other.access_token), ERRCODE_NONE);
    change.password = STR("87654321");
    change.logout = true;
    assert_int_equal(account_set_password(&w.services, w.arena, &change).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, mine.access_token), ERRCODE_NONE);
    assert_int_equal(code_of(&w, other.access_token), M_UNKNOWN_TOKEN);
    world_fini(&w);
}

static struct account_info shown(struct world *w, struct str password)
{
    struct account_info info;
    assert_int_equal(
        account_login_password(&w->services, w->arena, STR("alice"), password, STR("192.0.2.1"), &info).code,
        ERRCODE_NONE);
    return info;
}

static struct fault begin(struct world *w, const struct account_info *account)
{
    struct session session;
    struct session_ask ask = {.device_id = STR("LATE")};
    return account_session_begin(&w->services, w->arena, account, &ask, &session);
}

static struct fault set_password(struct world *w, int64_t user_nid, struct str password, struct str shown_hash,
                                 bool logout)
{
    struct account_password_change change = {
        .user_nid = user_nid, .password = password, .shown_hash = shown_hash, .logout = logout};
    return account_set_password(&w->services, w->arena, &change);
}

static struct fault deactivate(struct world *w, const struct account_info *account, struct str shown_hash, bool erase)
{
    return account_deactivate(&w->services, &(struct account_deactivation){.user_nid = account->user_nid,
                                                                           .user_id = account->user_id,
                                                                           .shown_hash = shown_hash,
                                                                           .erase = erase});
}

/* Between the moment when a password is checked and the one when something comes of it, the account may change. */
static void what_was_shown_before_a_change_is_worth_nothing(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    int64_t nid = alice.user_nid;
    struct str one = STR("ONE");
    struct session session = world_login(&w, nid, one, false);
    struct account_info before = shown(&w, WORLD_PASSWORD);
    assert_int_equal(begin(&w, &before).code, ERRCODE_NONE);
    assert_int_equal(set_password(&w, nid, STR("another horse"), (struct str){0}, false).code, ERRCODE_NONE);
    assert_int_equal(begin(&w, &before).code, M_FORBIDDEN);
    assert_int_equal(set_password(&w, nid, STR("a third horse"), before.password_hash, true).code, M_FORBIDDEN);
    struct device_deletion deletion = {
        .user_nid = nid, .shown_hash = before.password_hash, .device_ids = &one, .count = 1};
    assert_int_equal(device_delete(&w.services, &deletion).code, M_FORBIDDEN);
    assert_int_equal(deactivate(&w, &alice, before.password_hash, false).code, M_FORBIDDEN);
    assert_int_equal(code_of(&w, session.access_token), ERRCODE_NONE);

    struct account_info after = shown(&w, STR("another horse"));
    deletion.shown_hash = after.password_hash;
    assert_int_equal(device_delete(&w.services, &deletion).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, session.access_token), M_UNKNOWN_TOKEN);
    assert_int_equal(begin(&w, &after).code, ERRCODE_NONE);
    assert_int_equal(deactivate(&w, &alice, after.password_hash, false).code, ERRCODE_NONE);
    assert_int_equal(begin(&w, &after).code, M_USER_DEACTIVATED);
    assert_int_equal(device_delete(&w.services, &deletion).code, M_USER_DEACTIVATED);
    assert_int_equal(deactivate(&w, &alice, after.password_hash, true).code, M_USER_DEACTIVATED);
    assert_int_equal(set_password(&w, nid, STR("a third horse"), after.password_hash, true).code, M_USER_DEACTIVATED);
    assert_int_equal(set_password(&w, nid, STR("a third horse"), (struct str){0}, true).code, M_USER_DEACTIVATED);
    world_fini(&w);
}

static void deactivation(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session session = world_login(&w, alice.user_nid, STR("ONE"), false);
    assert_int_equal(code_of(&w, session.access_token), ERRCODE_NONE);
    assert_int_equal(deactivate(&w, &alice, (struct str){0}, true).code, ERRCODE_NONE);
    assert_int_equal(code_of(&w, session.access_token), M_UNKNOWN_TOKEN);
    struct str user_id;
    assert_int_equal(account_name_free(&w.services, w.arena, STR("alice"), &user_id).code, M_USER_IN_USE);
    struct account_info info;
    assert_int_equal(account_find(&w.services, w.arena, alice.user_id, &info).code, ERRCODE_NONE);
    assert_true(info.deactivated && info.erased);
    world_fini(&w);
}

static void admin_shows_at_once(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    struct session session = world_login(&w, alice.user_nid, STR("ONE"), false);
    assert_false(world_caller(&w, session.access_token).is_admin);
    assert_int_equal(account_set_admin(&w.services, alice.user_nid, true).code, ERRCODE_NONE);
    assert_true(world_caller(&w, session.access_token).is_admin);
    world_fini(&w);
}

static void lists(void **state)
{
    struct world w;
    struct account_info *infos;
    size_t count;
    (void)state;
    world_init(&w, NULL);
    world_user(&w, STR("bob"));
    world_user(&w, STR("alice"));
    world_user(&w, STR("carol"));
    assert_int_equal(account_list(&w.services, w.arena, STR(""), 2, &infos, &count).code, ERRCODE_NONE);
    assert_int_equal(count, 2);
    check_str(infos[0].user_id, STR("@alice:example.org"), "first");
    assert_int_equal(account_list(&w.services, w.arena, infos[1].user_id, 2, &infos, &count).code, ERRCODE_NONE);
    assert_int_equal(count, 1);
    check_str(infos[0].user_id, STR("@carol:example.org"), "last");
    world_fini(&w);
}

struct reader {
    struct world *w;
    struct str token;
    atomic_bool *ended;  /* the logout has been answered */
    atomic_uint *passed; /* how often the token was good after that */
    atomic_uint *before; /* and before */
};

static void keep_asking(void *arg)
{
    struct reader *r = arg;
    for (int after = 0; after < 200;) {
        struct arena *a = arena_new();
        struct caller caller;
        bool ended = atomic_load(r->ended);
        bool good = account_authenticate(&r->w->services, a, r->token, &caller).code == ERRCODE_NONE;
        if (good)
            atomic_fetch_add(ended ? r->passed : r->before, 1);
        after += ended;
        arena_free(&a);
    }
}

/* Readers that come from the database while the token ends must not put it back into memory. */
static void logout_is_final(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, NULL);
    struct account_info alice = world_user(&w, STR("alice"));
    for (int round = 0; round < 20; round++) {
        struct session session = world_login(&w, alice.user_nid, STR("ONE"), false);
        struct thread threads[4];
        atomic_bool ended = false;
        atomic_uint passed = 0;
        atomic_uint before = 0;
        struct reader reader = {&w, session.access_token, &ended, &passed, &before};
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            assert_true(thread_start(&threads[i], "reader", 0, keep_asking, &reader));
        while (atomic_load(&before) == 0)
            sched_yield();
        struct caller caller = {.user_nid = alice.user_nid, .device_id = STR("ONE")};
        assert_int_equal(account_session_end(&w.services, &caller).code, ERRCODE_NONE);
        atomic_store(&ended, true);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            thread_join(&threads[i]);
        assert_int_equal(atomic_load(&passed), 0);
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(user_ids),
        cmocka_unit_test(authenticates_until_logout),
        cmocka_unit_test(a_device_logs_in_again),
        cmocka_unit_test(expires),
        cmocka_unit_test(refresh_token_lives_until_the_new_one_is_used),
        cmocka_unit_test(unknown_refresh_tokens_do_not_reach_the_writer),
        cmocka_unit_test(password_changes),
        cmocka_unit_test(what_was_shown_before_a_change_is_worth_nothing),
        cmocka_unit_test(deactivation),
        cmocka_unit_test(admin_shows_at_once),
        cmocka_unit_test(lists),
        cmocka_unit_test(logout_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
