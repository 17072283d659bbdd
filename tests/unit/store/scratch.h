/*
 * What tests of the store begin with: a store that is gone afterwards, a folder of their own, and writes in one line.
 */
#ifndef HEARTH_TESTS_STORE_SCRATCH_H
#define HEARTH_TESTS_STORE_SCRATCH_H

#include "store/sql.h"

#include <string.h>

#include "check.h"
#include "database.h"

#define SCRATCH_SERVER STR("hearth.test")

/* At a path or URL as it stands: an SQLite database, whatever engine the tests run on. */
static inline struct store *scratch_open_path(const char *path)
{
    struct store *store = NULL;
    struct store_error error;
    struct store_options options = {.path = path, .server_name = SCRATCH_SERVER, .create = true};
    if (!store_open(&options, &store, &error)) {
        print_error("store_open: %s\n", error.text);
        fail();
    }
    return store;
}

static inline struct store *scratch_open_at(const char *path)
{
    return scratch_open_path(database_path(path));
}

static inline struct store *scratch_open(void)
{
    return scratch_open_at(":memory:");
}

/* A new folder below $TMPDIR; its name is malloc'ed. */
static inline char *scratch_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *name = NULL;
    assert_true(asprintf(&name, "%s/hearth-test-XXXXXX", parent ? parent : "/tmp") > 0);
    assert_non_null(mkdtemp(name));
    return name;
}

static inline char *scratch_path(const char *folder, const char *file)
{
    char *name = NULL;
    assert_true(asprintf(&name, "%s/%s", folder, file) > 0);
    return name;
}

/* Removes the folder with the database files in it, and frees the name. */
static inline void scratch_remove(char *folder)
{
    static const char *const files[] = {"db", "db-wal", "db-shm", "db.lock"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char *path = scratch_path(folder, files[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}

/* Runs a statement without values in a job of its own. */
static inline bool scratch_run_exec(struct store_tx *tx, void *arg)
{
    sql_exec0(tx, (const struct sql *)arg);
    return true;
}

static inline enum store_result scratch_exec(struct store *store, struct sql *sql)
{
    return store_write(store, scratch_run_exec, sql);
}

/* The number that a query answers, from a snapshot of its own; fails the test if it cannot be read. */
static inline int64_t scratch_int(struct store *store, const struct sql *sql)
{
    struct store_tx *tx = store_read_begin(store);
    int64_t found = sql_int_of0(tx, sql, -1);
    assert_true(store_read_end(&tx));
    return found;
}

#endif
