#include "store/store.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/migrations.h"
#include "store/row_cache.h"
#include "store/sqlite_peek.h"
#include "store/writer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned readers_default = 32;
static const size_t cache_default = (size_t)48 << 20;
/* A reader that nobody asked for so long is closed. */
static const int64_t reader_idle_ms = 60000;

static const struct sql select_server_name = SQL("SELECT value FROM meta WHERE name = 'server_name'");
static const struct sql insert_server_name = SQL("INSERT INTO meta (name, value) VALUES ('server_name', $1)");

/* --- transactions --- */

static struct store_tx *tx_new(struct store *store, enum driver_role role, struct store_error *error)
{
    struct store_tx *tx = memory_calloc(1, sizeof *tx);
    tx->store = store;
    tx->driver = store->driver;
    tx->writing = role == DRIVER_WRITER;
    tx->conn = store->driver->connect(store->db, role, error);
    if (!tx->conn && role == DRIVER_READER) /* who opens the store is told */
        tx_fail(tx, error->text);
    return tx;
}

static void tx_free(struct store_tx **tx)
{
    if (!*tx)
        return;
    if ((*tx)->conn)
        (*tx)->driver->disconnect((*tx)->conn);
    arena_free(&(*tx)->arena);
    free(*tx);
    *tx = NULL;
}

struct arena *store_tx_arena(struct store_tx *tx)
{
    if (!tx->arena)
        tx->arena = arena_new();
    return tx->arena;
}

bool store_tx_failed(const struct store_tx *tx)
{
    return tx->failed;
}

/* --- the pool of readers --- */

struct store_tx *store_read_begin(struct store *store)
{
    mutex_lock(&store->lock);
    while (!store->idle && store->open >= store->readers)
        cond_wait(&store->returned, &store->lock);
    struct store_tx *tx = store->idle;
    if (tx)
        store->idle = tx->next;
    else
        store->open++;
    mutex_unlock(&store->lock);
    struct store_error error;
    return tx ? tx : tx_new(store, DRIVER_READER, &error);
}

bool store_read_end(struct store_tx **txp)
{
    struct store_tx *tx = *txp;
    struct store *store = tx->store;
    *txp = NULL;
    assert(!tx->writing);
    bool ok = tx_commit(tx);
    if (tx->arena)
        arena_reset(tx->arena);
    tx->idle_since_ms = clock_mono_ms();
    if (!ok)
        tx_free(&tx); /* the next one gets a connection that nothing has happened to */
    mutex_lock(&store->lock);
    if (ok) {
        tx->next = store->idle;
        store->idle = tx;
    } else {
        store->open--;
    }
    mutex_unlock(&store->lock);
    cond_signal(&store->returned);
    return ok;
}

void store_trim(struct store *store)
{
    int64_t before = clock_mono_ms() - reader_idle_ms;
    mutex_lock(&store->lock);
    /* The oldest are at the end. */
    struct store_tx **keep = &store->idle;
    while (*keep && (*keep)->idle_since_ms > before)
        keep = &(*keep)->next;
    struct store_tx *old = *keep;
    *keep = NULL;
    for (const struct store_tx *tx = old; tx; tx = tx->next)
        store->open--;
    mutex_unlock(&store->lock);
    while (old) {
        struct store_tx *tx = old;
        old = tx->next;
        tx_free(&tx);
    }
}

/* --- open and close --- */

static const struct driver *driver_for(const char *path)
{
    return store_is_url(path) ? &driver_postgres : &driver_sqlite;
}

bool store_is_url(const char *path)
{
    return strncmp(path, "postgresql://", 13) == 0 || strncmp(path, "postgres://", 11) == 0;
}

static void say_foreign(struct str name, struct str want, struct store_error *error)
{
    snprintf(error->text, sizeof error->text,
             "the database belongs to the server %.*s, not to %.*s: a server's name cannot be changed", STR_ARG(name),
             STR_ARG(want));
    error->foreign = true;
}

bool store_may_belong(const char *path, struct str server_name, struct store_error *error)
{
    *error = (struct store_error){.text = ""};
    if (store_is_url(path))
        return true;
    struct arena *a = arena_new();
    struct str name = sqlite_peek(a, path, select_server_name.text);
    if (name.p && !str_eq(name, server_name))
        say_foreign(name, server_name, error);
    arena_free(&a);
    return !error->foreign;
}

static bool check_server_name(struct store_tx *tx, const struct store_options *options, struct store_error *error)
{
    struct str want = options->server_name;
    struct sql_cursor c;
    sql_query0(tx, &select_server_name, &c);
    bool found = sql_next(&c);
    struct str name = sql_peek(&c, 0);
    bool same = found && str_eq(name, want);
    if (found && !same)
        say_foreign(name, want, error);
    sql_end(&c);
    if (!found && !options->only_read)
        sql_exec(tx, &insert_server_name, SQL_TEXT(want));
    if (!tx_commit(tx)) {
        tx_say(tx, options->only_read ? "cannot read the database" : "cannot write to the database", error);
        return false;
    }
    return same || !found;
}

static void store_free(struct store *store)
{
    row_cache_free(&store->users);
    row_cache_free(&store->state_keys);
    row_cache_free(&store->state_nodes);
    if (store->db)
        store->driver->close(store->db);
    cond_fini(&store->returned);
    mutex_fini(&store->lock);
    free(store);
}

bool store_open(const struct store_options *given, struct store **store_out, struct store_error *error)
{
    struct store_options with_defaults = *given, *options = &with_defaults;
    struct store *store = memory_calloc(1, sizeof *store);
    options->readers = options->readers ? options->readers : readers_default;
    options->cache_bytes = options->cache_bytes ? options->cache_bytes : cache_default;
    store->driver = driver_for(options->path);
    store->readers = options->readers;
    store->only_read = options->only_read;
    mutex_init(&store->lock);
    cond_init(&store->returned);
    size_t rows = options->cache_bytes / 2;
    store->state_nodes = row_cache_new(rows / 2);
    store->state_keys = row_cache_new(rows / 4);
    store->users = row_cache_new(rows / 4);
    *store_out = NULL;
    *error = (struct store_error){.text = ""};

    struct store_tx *tx = NULL;
    store->db = store->driver->open(options, error);
    if (store->db)
        tx = tx_new(store, DRIVER_WRITER, error);
    if (tx && tx->conn && (options->only_read ? migrations_check(tx, error) : migrations_apply(tx, error)) &&
        check_server_name(tx, options, error))
        store->writer = writer_start(store, tx, error);
    if (!store->writer) {
        tx_free(&tx);
        store_free(store);
        return false;
    }
    *store_out = store;
    return true;
}

bool store_is_shared(const struct store *store)
{
    return store->driver->shared;
}

void store_close(struct store **storep)
{
    struct store *store = *storep;
    if (!store)
        return;
    struct store_tx *writing = writer_stop(&store->writer);
    while (store->idle) {
        struct store_tx *tx = store->idle;
        store->idle = tx->next;
        store->open--;
        tx_free(&tx);
    }
    assert(store->open == 0);
    tx_free(&writing); /* last: SQLite copies its log back when the last connection goes */
    store_free(store);
    *storep = NULL;
}
