/*
 * A disk that fails when it is told to: a layer below SQLite (a VFS) that lets writes, syncs or reads fail.
 *
 *     cmocka_run_group_tests(tests, faulty_disk_install, NULL);
 *     ...
 *     faulty_disk_break(SYNC_FAILS, 2, false);   the third sync from now fails, and all after it
 *     ...
 *     faulty_disk_mend();
 *
 * Stores that are opened after it was installed are on it, those in memory are not.
 * Threads: breaking and mending from one thread at a time, while any others use the disk.
 */
#ifndef HEARTH_TESTS_FAULTY_DISK_H
#define HEARTH_TESTS_FAULTY_DISK_H

#include "base/thread.h"

#include <sqlite3.h>

#include "check.h"

enum disk_fault { DISK_GOOD, WRITE_FULL, WRITE_FAILS, SYNC_FAILS, READ_FAILS };

static struct {
    _Atomic int fault;
    _Atomic int countdown; /* operations of that kind that still work */
    _Atomic bool once;     /* only one fails */
    sqlite3_vfs vfs;
    sqlite3_vfs *real_vfs;
    struct mutex lock; /* guards what follows while files are opened */
    int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
    int (*real_sync)(sqlite3_file *, int);
    int (*real_read)(sqlite3_file *, void *, int, sqlite3_int64);
    struct {
        const sqlite3_io_methods *real;
        sqlite3_io_methods faulty;
    } methods[4]; /* a file is locked in one of several ways, and has its functions by that */
} faulty_disk;

static inline bool faulty_disk_strikes(enum disk_fault fault)
{
    if (faulty_disk.fault != (int)fault)
        return false;
    int left = faulty_disk.countdown--;
    return faulty_disk.once ? left == 0 : left <= 0;
}

static inline int faulty_disk_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    if (faulty_disk_strikes(WRITE_FULL))
        return SQLITE_FULL;
    return faulty_disk_strikes(WRITE_FAILS) ? SQLITE_IOERR_WRITE : faulty_disk.real_write(file, p, n, at);
}

static inline int faulty_disk_sync(sqlite3_file *file, int flags)
{
    return faulty_disk_strikes(SYNC_FAILS) ? SQLITE_IOERR_FSYNC : faulty_disk.real_sync(file, flags);
}

static inline int faulty_disk_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    return faulty_disk_strikes(READ_FAILS) ? SQLITE_IOERR_READ : faulty_disk.real_read(file, p, n, at);
}

static inline void faulty_disk_wrap(sqlite3_file *file)
{
    size_t i = 0;
    mutex_lock(&faulty_disk.lock);
    while (i < COUNT_OF(faulty_disk.methods) && faulty_disk.methods[i].real &&
           faulty_disk.methods[i].real != file->pMethods)
        i++;
    assert_true(i < COUNT_OF(faulty_disk.methods));
    if (!faulty_disk.methods[i].real) {
        assert_true(!faulty_disk.real_write || faulty_disk.real_write == file->pMethods->xWrite);
        faulty_disk.real_write = file->pMethods->xWrite;
        faulty_disk.real_sync = file->pMethods->xSync;
        faulty_disk.real_read = file->pMethods->xRead;
        faulty_disk.methods[i].real = file->pMethods;
        faulty_disk.methods[i].faulty = *file->pMethods;
        faulty_disk.methods[i].faulty.xWrite = faulty_disk_write;
        faulty_disk.methods[i].faulty.xSync = faulty_disk_sync;
        faulty_disk.methods[i].faulty.xRead = faulty_disk_read;
    }
    file->pMethods = &faulty_disk.methods[i].faulty;
    mutex_unlock(&faulty_disk.lock);
}

static inline int faulty_disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    (void)vfs;
    int rc = faulty_disk.real_vfs->xOpen(faulty_disk.real_vfs, name, file, flags, flags_out);
    if (rc == SQLITE_OK)
        faulty_disk_wrap(file);
    return rc;
}

/* For the setup of a group of tests. */
static inline int faulty_disk_install(void **state)
{
    (void)state;
    mutex_init(&faulty_disk.lock);
    faulty_disk.real_vfs = sqlite3_vfs_find(NULL);
    faulty_disk.vfs = *faulty_disk.real_vfs;
    faulty_disk.vfs.zName = "faulty";
    faulty_disk.vfs.pNext = NULL;
    faulty_disk.vfs.xOpen = faulty_disk_open;
    return sqlite3_vfs_register(&faulty_disk.vfs, 1) == SQLITE_OK ? 0 : -1;
}

static inline void faulty_disk_break(enum disk_fault fault, int countdown, bool once)
{
    faulty_disk.once = once;
    faulty_disk.countdown = countdown;
    faulty_disk.fault = (int)fault;
}

static inline void faulty_disk_mend(void)
{
    faulty_disk.fault = DISK_GOOD;
}

#endif
