#include "service/room_chains.h"
#include "store/auth_chains.h"

#include "room_fixture.h"

static const struct sql places = SQL("SELECT event_nid, chain_nid, seq, 0 FROM auth_chains ORDER BY event_nid");
static const struct sql links =
    SQL("SELECT chain_nid, seq, to_chain_nid, to_seq FROM auth_links ORDER BY chain_nid, seq, to_chain_nid");
static struct sql delete_places = SQL("DELETE FROM auth_chains WHERE event_nid % 3 <> 0");
static struct sql delete_links = SQL("DELETE FROM auth_links");
static struct sql mark = SQL("INSERT INTO meta (name, value) VALUES ('auth_chains_missing', '1')");

/* The rows of a query of four numbers, as text. */
static struct str rows_of(struct fixture *f, const struct sql *sql)
{
    struct str text = STR("");
    struct sql_cursor c;
    struct store_tx *tx = store_read_begin(f->services.store);
    sql_query0(tx, sql, &c);
    while (sql_next(&c))
        text = str_fmt(f->arena, "%.*s %lld,%lld,%lld,%lld", STR_ARG(text), (long long)sql_int(&c, 0),
                       (long long)sql_int(&c, 1), (long long)sql_int(&c, 2), (long long)sql_int(&c, 3));
    sql_end(&c);
    assert_true(store_read_end(&tx));
    return text;
}

static void older_databases_get_what_new_events_get(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct caller bob = fixture_user(&f, "bob");
    static const char *const versions[] = {"1", "10", "12"};
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct str room =
            fixture_room(&f, &alice, CSTR(f.arena, "{'preset':'public_chat','room_version':'%s'}", versions[v]));
        for (int i = 0; i < 3; i++) {
            do_join(&f, &bob, room);
            do_state(&f, &alice, room, "m.room.topic", "", CSTR(f.arena, "{'topic':'%d'}", i));
            do_leave(&f, &bob, room);
        }
    }
    struct str places_before = rows_of(&f, &places);
    struct str links_before = rows_of(&f, &links);
    assert_true(room_chains_fill(&f.services)); /* nothing to do */
    check_str(rows_of(&f, &places), places_before, "untouched");

    assert_int_equal(scratch_exec(f.services.store, &delete_places), STORE_OK);
    assert_int_equal(scratch_exec(f.services.store, &delete_links), STORE_OK);
    assert_int_equal(scratch_exec(f.services.store, &mark), STORE_OK);
    assert_true(room_chains_fill(&f.services));
    check_str(rows_of(&f, &places), places_before, "places");
    check_str(rows_of(&f, &links), links_before, "links");
    struct store_tx *tx = store_read_begin(f.services.store);
    assert_false(auth_chains_missing(tx));
    assert_true(store_read_end(&tx));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(older_databases_get_what_new_events_get)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
