#include <assert.h>

#include "room_fixture.h"

/* The same room is one struct for all who have it open, however they found it. */
static void one_room_one_struct(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct services *s = &f.services;
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{}");
    for (int round = 0; round < 2; round++) {
        struct room *one = do_open(&f, room_id);
        struct room *two;
        check_ok(room_open_nid(s, one->nid, ROOM_UNKNOWN, &two));
        struct room *three = do_open(&f, room_id);
        assert_true(one && one == two && two == three);
        check_str(one->room_id, room_id, "id");
        check_str(one->version->name, STR("12"), "version");
        room_close(s, &one);
        room_close(s, &two);
        room_close(s, &three);
        assert_null(three);
        room_close(s, &three);
        fixture_forget(&f);
    }
    struct room *none = NULL;
    check_fault(room_open(s, STR("!none:hearth.test"), ROOM_NOT_JOINED, &none), M_FORBIDDEN, "no such room");
    check_fault(room_open(s, STR(""), ROOM_UNKNOWN, &none), M_NOT_FOUND, "no id");
    check_fault(room_open_nid(s, 12345, ROOM_UNKNOWN, &none), M_NOT_FOUND, "no such number");
    assert_null(none);
    fixture_fini(&f);
}

/* More rooms than are kept: those in use stay, the others come back as they were. */
static void eviction(void **state)
{
    enum { ROOMS = 700, IDLE = 1 << 20 };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct services *s = &f.services;
    struct caller alice = fixture_user(&f, "alice");
    struct str ids[ROOMS];
    rooms_set_idle_bytes(s->rooms, IDLE);
    ids[0] = fixture_room(&f, &alice, "{}");
    struct room *kept = do_open(&f, ids[0]);
    assert_int_equal(rooms_idle_bytes(s->rooms), 0); /* it is in use */
    for (int i = 1; i < ROOMS; i++) {
        ids[i] = fixture_room(&f, &alice, "{}");
        do_say(&f, &alice, ids[i], "1");
        assert_in_range(rooms_idle_bytes(s->rooms), i < 100 ? i * 1000 : IDLE / 10, IDLE);
    }
    struct room *again = do_open(&f, ids[0]);
    assert_ptr_equal(kept, again);
    room_close(s, &again);
    for (int i = 1; i < ROOMS; i += 50) {
        do_say(&f, &alice, ids[i], "2");
        assert_int_equal(replay(&f, ids[i]), 6 + 2);
    }
    room_close(s, &kept);
    assert_int_equal(replay(&f, ids[0]), 6);
    fixture_fini(&f);
}

/* A room that is larger than what may be kept is not. */
static void too_large_to_keep(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct services *s = &f.services;
    struct caller alice = fixture_user(&f, "alice");
    struct str small = fixture_room(&f, &alice, "{}"), large = fixture_room(&f, &alice, "{}");
    fixture_forget(&f);
    rooms_set_idle_bytes(s->rooms, 128 << 10);
    do_say(&f, &alice, small, "1");
    size_t one = rooms_idle_bytes(s->rooms);
    assert_in_range(one, 1000, 64 << 10);
    for (int i = 0; i < 60; i++)
        do_state(&f, &alice, large, "org.example", CSTR(f.arena, "%d", i), CSTR(f.arena, "{'x':'%05000d'}", i));
    assert_in_range(rooms_idle_bytes(s->rooms), 0, 128 << 10);
    assert_int_equal(replay(&f, large), 6 + 60);
    assert_int_equal(replay(&f, small), 6 + 1);
    fixture_fini(&f);
}

static struct room_news news_of(struct fixture *f, int64_t room_nid)
{
    struct store_tx *tx = store_read_begin(f->services.store);
    struct room_news news = room_news(&f->services, tx, room_nid);
    assert_true(store_read_end(&tx));
    return news;
}

/* The numbers that let sync pass a room by are never behind what was committed, in memory or read from the store. */
static void news(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str room_id = fixture_room(&f, &alice, "{}");
    struct room *room = do_open(&f, room_id);
    int64_t nid = room->nid;
    room_close(&f.services, &room);
    for (int round = 0; round < 6; round++) {
        if (round % 3 == 2)
            fixture_forget(&f);
        struct str said = do_say(&f, &alice, room_id, "1");
        int64_t pos = store_stable_pos(f.services.store);
        assert_int_equal(news_of(&f, nid).event_pos, pos);
        assert_true(news_of(&f, nid).receipt_pos < pos);
        check_ok(receipt_set(&f.services, f.arena, &alice, room_id, STR("m.read"), said, NO_REASON));
        assert_int_equal(news_of(&f, nid).event_pos, pos);
        assert_int_equal(news_of(&f, nid).receipt_pos, store_stable_pos(f.services.store));
        if (round % 2)
            fixture_forget(&f);
        assert_int_equal(news_of(&f, nid).event_pos, pos);
        assert_int_equal(news_of(&f, nid).receipt_pos, store_stable_pos(f.services.store));
    }
    assert_int_equal(news_of(&f, nid + 1).event_pos, 0);
    fixture_fini(&f);
}

/* --- threads that open, close and push out --- */

struct opener {
    struct thread thread;
    struct fixture *f;
    const struct str *ids;
    size_t count;
    unsigned seed;
};

static void open_and_close(void *arg)
{
    struct opener *o = arg;
    for (int i = 0; i < 400; i++) {
        o->seed = o->seed * 1103515245 + 12345;
        struct room *room;
        struct str room_id = o->ids[(o->seed >> 16) % o->count];
        assert(!room_open(&o->f->services, room_id, ROOM_UNKNOWN, &room).code);
        mutex_lock(&room->lock);
        assert(room_head_load(&o->f->services, room));
        mutex_unlock(&room->lock);
        room_close(&o->f->services, &room);
    }
}

static void many_openers(void **state)
{
    enum { ROOMS = 600, THREADS = 4 };
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct caller alice = fixture_user(&f, "alice");
    struct str ids[ROOMS];
    for (int i = 0; i < ROOMS; i++)
        ids[i] = fixture_room(&f, &alice, "{}");
    fixture_forget(&f);
    rooms_set_idle_bytes(f.services.rooms, 2 << 20);
    struct opener openers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        openers[i] = (struct opener){.f = &f, .ids = ids, .count = ROOMS, .seed = i + 1};
        assert_true(thread_start(&openers[i].thread, "opener", 0, open_and_close, &openers[i]));
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(&openers[i].thread);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_room_one_struct), cmocka_unit_test(eviction),
        cmocka_unit_test(too_large_to_keep),   cmocka_unit_test(news),
        cmocka_unit_test(many_openers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
