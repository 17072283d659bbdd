#include "store/migrations.h"

#include "base/buf.h"
#include "base/log.h"
#include "crypto/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct migration migrations[] = {
#include "migrations.inc"
};

static const size_t text_max = (size_t)1 << 20;

/* The table that remembers them is no schema change itself: it is there before the first. */
static const char create_table[] = "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY NOT NULL, name "
                                   "TEXT NOT NULL, hash TEXT NOT NULL);";

static const struct sql select_applied = SQL("SELECT number, name, hash FROM migrations ORDER BY number");
static const struct sql select_one = SQL("SELECT 1 FROM migrations WHERE number = $1");
static const struct sql insert_applied = SQL("INSERT INTO migrations (number, name, hash) VALUES ($1, $2, $3)");

#define HASH_HEX (2 * 16)

/* Without comments, runs of blanks as one space. */
static void hash_of(const struct migration *m, char hex_out[HASH_HEX + 1])
{
    struct buf b;
    buf_init(&b, text_max);
    struct str rest = str_of(m->text);
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        line = str_slice(line, 0, str_find_str(line, STR("--")));
        while ((line = str_trim(line)).n) {
            size_t word = 0;
            while (word < line.n && line.p[word] != ' ' && line.p[word] != '\t')
                word++;
            buf_add(&b, str_slice(line, 0, word));
            buf_add_char(&b, ' ');
            line = str_slice(line, word, line.n);
        }
    }
    assert(buf_ok(&b));
    uint8_t hash[SHA256_SIZE];
    hash_sha256(buf_str(&b), hash);
    buf_fini(&b);
    for (size_t i = 0; i < HASH_HEX / 2; i++)
        snprintf(hex_out + 2 * i, 3, "%02x", hash[i]);
}

/* A line with {words} filled in. */
static void fill_in(struct buf *b, struct str line, const struct driver *driver)
{
    const struct {
        struct str word;
        const char *text;
    } words[] = {{STR("{id}"), driver->id},
                 {STR("{clustered}"), driver->clustered},
                 {STR("{blob}"), driver->blob},
                 {STR("TEXT"), driver->text}};
    for (size_t i = 0; i < line.n;) {
        struct str rest = str_slice(line, i, line.n);
        size_t w = 0;
        while (w < sizeof words / sizeof *words && !str_starts(rest, words[w].word))
            w++;
        if (w < sizeof words / sizeof *words) {
            buf_add(b, str_of(words[w].text));
            i += words[w].word.n;
        } else {
            buf_add_char(b, line.p[i++]);
        }
    }
    buf_add_char(b, '\n');
}

/* Takes the engine's name off a line that is for one engine only; false if it is for another. */
static bool for_engine(struct str *line, const char *engine)
{
    static const char *const engines[] = {"sqlite", "postgresql"};
    if (!str_starts(*line, STR("{")))
        return true;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        size_t n = strlen(engines[i]);
        if (line->n > n + 1 && line->p[n + 1] == '}' && str_eq(str_slice(*line, 1, n + 1), str_of(engines[i]))) {
            *line = str_slice(*line, n + 2, line->n);
            return strcmp(engines[i], engine) == 0;
        }
    }
    return true;
}

static bool run(struct store_tx *tx, const char *text)
{
    struct buf b;
    buf_init(&b, text_max);
    struct str rest = str_of(text);
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        if (for_engine(&line, tx->driver->name))
            fill_in(&b, line, tx->driver);
    }
    buf_add_char(&b, '\0');
    assert(buf_ok(&b));
    bool ok = tx_begin(tx);
    if (ok && !(ok = tx->driver->script(tx->conn, b.p)))
        tx_fail(tx, tx->driver->error(tx->conn));
    buf_fini(&b);
    return ok;
}

static bool apply(struct store_tx *tx, const struct migration *m, struct store_error *error)
{
    char hash[HASH_HEX + 1];
    hash_of(m, hash);
    /* Another process may have been faster, since they were looked at. */
    if (sql_int_of(tx, &select_one, 0, SQL_INT(m->number)) == 0 && run(tx, m->text))
        (void)sql_exec(tx, &insert_applied, SQL_INT(m->number), SQL_TEXT(str_of(m->name)), SQL_TEXT(str_of(hash)));
    if (!tx_commit(tx)) {
        char what[120];
        snprintf(what, sizeof what, "schema change %d (%s) failed", m->number, m->name);
        tx_say(tx, what, error);
        return false;
    }
    return true;
}

/* What the database says was applied, against what the program knows. */
static bool check_one(struct sql_cursor *c, const struct migration *list, size_t count, bool *applied,
                      struct store_error *error)
{
    int64_t number = sql_int(c, 0);
    struct str name = sql_peek(c, 1);
    size_t i = 0;
    while (i < count && list[i].number != number)
        i++;
    if (i == count) {
        snprintf(error->text, sizeof error->text,
                 "the database is newer than this program: it has schema change %" PRId64
                 " (%.*s), which Hearth " HEARTH_VERSION
                 " does not know; start a newer Hearth, or restore a backup from before the update",
                 number, STR_ARG(name));
        return false;
    }
    char hash[HASH_HEX + 1];
    hash_of(&list[i], hash);
    if (!str_eq(sql_peek(c, 2), str_of(hash))) {
        snprintf(
            error->text, sizeof error->text,
            "the database was made by another edition of Hearth: its schema change %d (%s) differs from this program's",
            list[i].number, list[i].name);
        return false;
    }
    applied[i] = true;
    return true;
}

/* Reads which are applied; false if they are not those of the list. Leaves the transaction open. */
static bool read_applied(struct store_tx *tx, const struct migration *list, size_t count, bool *applied,
                         struct store_error *error)
{
    struct sql_cursor c;
    bool ok = true;
    sql_query0(tx, &select_applied, &c);
    while (ok && sql_next(&c))
        ok = check_one(&c, list, count, applied, error);
    sql_end(&c);
    return ok;
}

static bool end_reading(struct store_tx *tx, bool ok, struct store_error *error)
{
    if (tx_commit(tx))
        return ok;
    tx_say(tx, "cannot read the database", error);
    return false;
}

bool migrations_apply_list(struct store_tx *tx, const struct migration *list, size_t count, struct store_error *error)
{
    struct arena *a = arena_new();
    bool *applied = ARENA_ARRAY(a, count, bool);
    bool ok = run(tx, create_table) && read_applied(tx, list, count, applied, error) && !tx->failed;
    /* Goes on in the same transaction: if the first change fails, the table that was made for it is gone too. */
    bool first = ok && count > 0 && !applied[0];
    ok = first || end_reading(tx, ok, error);
    for (size_t i = 0; ok && i < count; i++) {
        assert(i == 0 || list[i - 1].number < list[i].number);
        ok = applied[i] || apply(tx, &list[i], error);
    }
    arena_free(&a);
    return ok;
}

bool migrations_apply(struct store_tx *tx, struct store_error *error)
{
    return migrations_apply_list(tx, migrations, sizeof migrations / sizeof *migrations, error);
}

bool migrations_check(struct store_tx *tx, struct store_error *error)
{
    enum { COUNT = sizeof migrations / sizeof *migrations };
    bool applied[COUNT] = {false};
    bool ok = end_reading(tx, read_applied(tx, migrations, COUNT, applied, error), error);
    for (size_t i = 0; ok && i < COUNT; i++)
        if (!applied[i]) {
            snprintf(error->text, sizeof error->text,
                     "the database is older than this program: it lacks schema change %d (%s). It is only read here, "
                     "and stays as it is; start this Hearth on it once (hearth serve), which applies the change",
                     migrations[i].number, migrations[i].name);
            ok = false;
        }
    return ok;
}
