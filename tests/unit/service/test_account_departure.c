#include "service/account_departure.h"
#include "store/accounts.h"

#include "world.h"

/* The rooms, played: how many each user has to leave, and whether the disk works. */
static struct {
    struct str user_id;
    size_t rooms;
} users[3];
static bool broken;
static size_t most; /* rooms left by one call */

static enum account_departure leave_rooms(struct services *s, int64_t user_nid, struct str user_id, size_t rooms_max)
{
    (void)s;
    (void)user_nid;
    size_t i = 0;
    while (!str_eq(users[i].user_id, user_id))
        assert_true(++i < COUNT_OF(users));
    if (broken)
        return DEPARTURE_FAILED;
    size_t left = users[i].rooms < rooms_max ? users[i].rooms : rooms_max;
    most = left > most ? left : most;
    users[i].rooms -= left;
    return users[i].rooms > 0 ? DEPARTURE_MORE : DEPARTURE_DONE;
}

static void begin(struct world *w)
{
    world_init(w, NULL);
    w->services.accounts->hooks.user_deactivated = leave_rooms;
    broken = false;
    most = 0;
}

static void deactivate(struct world *w, size_t i, const char *name, size_t rooms)
{
    struct account_info info = world_user(w, str_of(name));
    users[i].user_id = info.user_id;
    users[i].rooms = rooms;
    struct account_deactivation deactivation = {.user_nid = info.user_nid, .user_id = info.user_id};
    assert_int_equal(account_deactivate(&w->services, &deactivation).code, ERRCODE_NONE);
}

/* The next start of the server: the memory of accounts is another. */
static void restart(struct world *w)
{
    accounts_free(&w->services);
    w->services.accounts = accounts_new();
    w->services.accounts->hooks.user_deactivated = leave_rooms;
}

static size_t departing(struct world *w)
{
    size_t count = 0;
    struct store_tx *tx = store_read_begin(w->services.store);
    for (int64_t nid = 0; (nid = accounts_departing(tx, nid)); count++)
        ;
    assert_true(store_read_end(&tx));
    return count;
}

static void ticks(struct world *w, int count)
{
    for (int i = 0; i < count; i++) {
        *world_clock() += 1000;
        account_departure_tick(&w->services);
    }
}

static void at_once(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    deactivate(&w, 0, "alice", 1000);
    assert_int_equal(users[0].rooms, 0);
    assert_int_equal(departing(&w), 0);
    world_fini(&w);
}

static void after_a_failure(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    ticks(&w, 3);
    broken = true;
    deactivate(&w, 0, "alice", 2);
    deactivate(&w, 1, "bob", 2);
    assert_int_equal(departing(&w), 2);
    broken = false;
    ticks(&w, ACCOUNT_DEPARTURE_RETRY_MS / 1000 - 1);
    assert_int_equal(departing(&w), 2);
    ticks(&w, 2);
    assert_int_equal(departing(&w), 0);
    assert_int_equal(users[0].rooms + users[1].rooms, 0);
    world_fini(&w);
}

/* Some at a time, so that main is soon back. */
static void after_a_restart(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    broken = true;
    deactivate(&w, 0, "alice", 3 * (size_t)ACCOUNT_DEPARTURE_ROOMS - 1);
    deactivate(&w, 1, "bob", 0);
    deactivate(&w, 2, "carol", 1);
    broken = false;
    restart(&w);
    ticks(&w, 2);
    assert_int_equal(departing(&w), 3);
    ticks(&w, 3);
    assert_int_equal(departing(&w), 0);
    assert_int_equal(most, ACCOUNT_DEPARTURE_ROOMS);
    assert_int_equal(users[0].rooms + users[2].rooms, 0);
    world_fini(&w);
}

/* One who cannot leave holds nobody up, and is tried again. */
static void while_it_fails(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    broken = true;
    deactivate(&w, 0, "alice", 1);
    deactivate(&w, 1, "bob", 1);
    restart(&w);
    ticks(&w, 3); /* both, and the end of the round */
    broken = false;
    ticks(&w, ACCOUNT_DEPARTURE_RETRY_MS / 1000 - 1);
    assert_int_equal(departing(&w), 2);
    ticks(&w, 2);
    assert_int_equal(departing(&w), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_once),
        cmocka_unit_test(after_a_failure),
        cmocka_unit_test(after_a_restart),
        cmocka_unit_test(while_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
