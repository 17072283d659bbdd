/*
 * Rooms while the disk fails: a layer below SQLite (a VFS) lets writes, syncs or reads fail. Whatever fails, an answer
 * that was good is in the room, one that was a fault may be sent again, and the room is sound.
 */
#include <sqlite3.h>

#include "room_fixture.h"

/* --- the faulty disk --- */

enum disk_fault { DISK_GOOD, WRITE_FAILS, SYNC_FAILS, READ_FAILS };

static struct {
    _Atomic int fault;
    _Atomic int countdown; /* operations of that kind that still work */
    sqlite3_vfs vfs;
    sqlite3_vfs *real_vfs;
    struct mutex lock; /* guards what follows while files are opened */
    int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
    int (*real_sync)(sqlite3_file *, int);
    int (*real_read)(sqlite3_file *, void *, int, sqlite3_int64);
    struct {
        const sqlite3_io_methods *real;
        sqlite3_io_methods faulty;
    } methods[4];
} disk;

static bool strikes(enum disk_fault fault)
{
    return disk.fault == (int)fault && disk.countdown-- <= 0;
}

static int faulty_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    return strikes(WRITE_FAILS) ? SQLITE_FULL : disk.real_write(file, p, n, at);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    return strikes(SYNC_FAILS) ? SQLITE_IOERR_FSYNC : disk.real_sync(file, flags);
}

static int faulty_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    return strikes(READ_FAILS) ? SQLITE_IOERR_READ : disk.real_read(file, p, n, at);
}

static void make_faulty(sqlite3_file *file)
{
    size_t i = 0;
    mutex_lock(&disk.lock);
    while (i < COUNT_OF(disk.methods) && disk.methods[i].real && disk.methods[i].real != file->pMethods)
        i++;
    assert_true(i < COUNT_OF(disk.methods));
    if (!disk.methods[i].real) {
        disk.real_write = file->pMethods->xWrite;
        disk.real_sync = file->pMethods->xSync;
        disk.real_read = file->pMethods->xRead;
        disk.methods[i].real = file->pMethods;
        disk.methods[i].faulty = *file->pMethods;
        disk.methods[i].faulty.xWrite = faulty_write;
        disk.methods[i].faulty.xSync = faulty_sync;
        disk.methods[i].faulty.xRead = faulty_read;
    }
    file->pMethods = &disk.methods[i].faulty;
    mutex_unlock(&disk.lock);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    (void)vfs;
    int rc = disk.real_vfs->xOpen(disk.real_vfs, name, file, flags, flags_out);
    if (rc == SQLITE_OK)
        make_faulty(file);
    return rc;
}

static int install_disk(void **state)
{
    (void)state;
    mutex_init(&disk.lock);
    disk.real_vfs = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real_vfs;
    disk.vfs.zName = "faulty";
    disk.vfs.pNext = NULL;
    disk.vfs.xOpen = faulty_open;
    return sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK ? 0 : -1;
}

static void break_disk(enum disk_fault fault, int countdown)
{
    disk.countdown = countdown;
    disk.fault = (int)fault;
}

static void mend_disk(void)
{
    disk.fault = DISK_GOOD;
}

/* A server is started more than once on the same file; this is the room's id beyond its first run. */
static struct str keep_id(struct str room, char kept[64])
{
    assert_true(room.n <= 64);
    memcpy(kept, room.p, room.n);
    return (struct str){kept, room.n};
}

/* --- one room, one user, one fault after the other --- */

static struct str event_known(struct fixture *f, struct str event_id)
{
    struct event_row row = {0};
    struct store_tx *tx = store_read_begin(f->services.store);
    bool found = events_by_id(tx, event_id, f->arena, &row);
    assert_true(store_read_end(&tx));
    return found ? row.event_id : (struct str){0};
}

/* What a request is to leave behind: an id that is in the room, or a fault of the database. */
static bool check_answer(struct fixture *f, struct fault fault, struct str event_id)
{
    if (fault.code) {
        assert_int_equal(fault.code, M_UNKNOWN);
        assert_int_equal(fault.status, 500);
        return false;
    }
    check_str(event_known(f, event_id), event_id, "acknowledged event");
    return true;
}

static struct fault act(struct fixture *f, const struct caller *alice, struct str room, int kind, int n,
                        struct str *id_out)
{
    struct services *s = &f->services;
    struct arena *a = f->arena;
    switch (kind) {
    case 0:
        return room_send(s, a, alice, room, STR("org.example"), str_fmt(a, "n%d", n), json_object(a), id_out);
    case 1:
        return room_put_state(s, a, alice, room, STR("org.example"), str_fmt(a, "k%d", n % 5),
                              quoted_json(a, CSTR(a, "{'n':%d}", n)), id_out);
    default:
        return room_redact(s, a, alice, room, *id_out, str_fmt(a, "n%d", n), NO_REASON, id_out);
    }
}

static void each_fault_in_turn(void **state)
{
    static const enum disk_fault faults[] = {WRITE_FAILS, SYNC_FAILS};
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(fixture_room(&f, &alice, "{}"), kept);
    struct str last = do_say(&f, &alice, room, "first");
    size_t stored = 7;
    int failed = 0;
    int n = 0;
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        for (int countdown = 0; countdown < 6; countdown++)
            for (int kind = 0; kind < 3; kind++) {
                struct str id = last;
                break_disk(faults[i], countdown);
                struct fault fault = act(&f, &alice, room, kind, n, &id);
                mend_disk();
                bool good = check_answer(&f, fault, id);
                failed += !good;
                /* The same again: the same event if it was good, else one that now is. */
                struct str again = last;
                check_ok(act(&f, &alice, room, kind, n, &again));
                assert_true(!good || str_eq(id, again));
                stored++;
                n++;
                assert_int_equal(replay(&f, room), stored);
                last = kind == 0 ? again : do_say(&f, &alice, room, "next");
                stored += kind != 0;
            }
    assert_true(failed > 5);
    fixture_fini(&f);

    fixture_init(&f, path); /* and so it is on disk */
    assert_int_equal(replay(&f, room), stored);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

/* A new room is there with all its events, or not at all. */
static void rooms_are_made_whole(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    const struct json *body = quoted_json(f.arena, "{'room_alias_name':'den'}");
    struct str room;
    struct json *rooms;
    for (int i = 0; i < 2; i++) {
        break_disk(i ? SYNC_FAILS : WRITE_FAILS, 0);
        check_fault(room_create(&f.services, f.arena, &alice, body, &room), M_UNKNOWN, "create");
        mend_disk();
        check_ok(room_read_joined_rooms(&f.services, f.arena, &alice, &rooms));
        assert_int_equal(rooms->count, 0);
    }
    check_ok(room_create(&f.services, f.arena, &alice, body, &room));
    replay(&f, room);
    fixture_fini(&f);
    free(path);
    scratch_remove(folder);
}

/* --- reads that fail --- */

/* The head must not remember "no such state" of a read that failed, nor stand on an event that was not written. */
static void failing_reads(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    struct fixture f;
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(fixture_room(&f, &alice, "{}"), kept);
    for (int i = 0; i < 400; i++) /* more than the caches of a connection hold */
        do_state(&f, &alice, room, "org.example", CSTR(f.arena, "%d", i), CSTR(f.arena, "{'x':'%02000d'}", i));
    size_t stored = 6 + 400;
    fixture_fini(&f);
    int failed = 0;
    for (int countdown = 0; countdown < 60; countdown += 2) {
        fixture_init(&f, path);
        alice = fixture_user(&f, "alice");
        struct str id;
        for (int n = 0; n < 2; n++) {
            break_disk(READ_FAILS, countdown);
            struct fault fault =
                n ? try_state(&f, &alice, room, "org.example", CSTR(f.arena, "%d", 37 * countdown % 400),
                              CSTR(f.arena, "{'n':%d}", countdown), &id)
                  : try_send(&f, &alice, room, "org.example", "{}", &id);
            mend_disk();
            failed += fault.code != ERRCODE_NONE;
            stored += fault.code == ERRCODE_NONE;
            if (fault.code && fault.code != M_FORBIDDEN) /* a room that cannot be read is as one that is not there */
                assert_int_equal(fault.code, M_UNKNOWN);
            check_ok(try_send(&f, &alice, room, "org.example", "{}", &id));
            stored++;
        }
        if (countdown % 10 == 0)
            assert_int_equal(replay(&f, room), stored);
        fixture_fini(&f);
    }
    assert_true(failed > 5);
    free(path);
    scratch_remove(folder);
}

/* --- many at once --- */

enum { THREADS = 8, SENDS = 60 };

struct sender {
    struct thread thread;
    struct fixture *f;
    struct caller who;
    struct str room;
    struct arena *arena;
    int number;
    int failed;
    struct str ids[SENDS];
    _Atomic bool *done;
};

/* Sends until each message is acknowledged. */
static void send_until_good(void *arg)
{
    struct sender *x = arg;
    struct arena *a = x->arena;
    for (int i = 0; i < SENDS;) {
        struct fault fault;
        if (x->number % 4 == 0 && i % 5 == 0)
            fault = room_put_state(&x->f->services, a, &x->who, x->room, STR("org.example"),
                                   str_fmt(a, "%d", x->number), quoted_json(a, CSTR(a, "{'n':%d}", i)), &x->ids[i]);
        else
            fault = room_send(&x->f->services, a, &x->who, x->room, STR("org.example"),
                              str_fmt(a, "%d.%d", x->number, i), json_object(a), &x->ids[i]);
        if (fault.code)
            x->failed++;
        else
            i++;
    }
}

static void break_now_and_then(void *arg)
{
    _Atomic bool *done = arg;
    for (int i = 0; !*done; i++) {
        break_disk(i % 2 ? WRITE_FAILS : SYNC_FAILS, i % 7);
        usleep(2000);
        mend_disk();
        usleep(6000);
    }
}

static void many_threads_and_a_bad_disk(void **state)
{
    (void)state;
    struct fixture f;
    char *folder = scratch_folder();
    char *path = scratch_path(folder, "db");
    fixture_init(&f, path);
    struct caller alice = fixture_user(&f, "alice");
    char kept[64];
    struct str room = keep_id(
        fixture_room(&f, &alice, "{'preset':'public_chat','power_level_content_override':{'state_default':0}}"), kept);
    struct sender senders[THREADS] = {0};
    _Atomic bool done = false;
    struct thread breaker;
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.f = &f, .room = room, .number = i, .arena = arena_new()};
        senders[i].who = fixture_user(&f, CSTR(f.arena, "u%d", i));
        do_join(&f, &senders[i].who, room);
    }
    assert_true(thread_start(&breaker, "breaker", 0, break_now_and_then, &done));
    for (int i = 0; i < THREADS; i++)
        assert_true(thread_start(&senders[i].thread, "sender", 0, send_until_good, &senders[i]));
    int failed = 0;
    for (int i = 0; i < THREADS; i++) {
        thread_join(&senders[i].thread);
        failed += senders[i].failed;
    }
    done = true;
    thread_join(&breaker);
    mend_disk();
    for (int i = 0; i < THREADS; i++)
        for (int n = 0; n < SENDS; n++)
            check_str(event_known(&f, senders[i].ids[n]), senders[i].ids[n], "acknowledged event");
    /* Each was stored once: what was sent again had not been stored, or was found. */
    assert_int_equal(replay(&f, room), 6 + THREADS + THREADS * SENDS);
    assert_true(failed > 0);
    do_say(&f, &alice, room, "after all");
    fixture_fini(&f);
    fixture_init(&f, path);
    assert_int_equal(replay(&f, room), 6 + THREADS + THREADS * SENDS + 1);
    fixture_fini(&f);
    for (int i = 0; i < THREADS; i++)
        arena_free(&senders[i].arena);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_in_turn),
        cmocka_unit_test(rooms_are_made_whole),
        cmocka_unit_test(failing_reads),
        cmocka_unit_test(many_threads_and_a_bad_disk),
    };
    return cmocka_run_group_tests(tests, install_disk, NULL);
}
