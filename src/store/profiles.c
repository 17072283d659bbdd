#include "store/profiles.h"

#include "store/sql.h"

static const struct sql select_list = SQL("SELECT name, value FROM profile_fields WHERE user_nid = $1 ORDER BY name");
static const struct sql select_value = SQL("SELECT value FROM profile_fields WHERE user_nid = $1 AND name = $2");
static const struct sql upsert = SQL("INSERT INTO profile_fields (user_nid, name, value) VALUES ($1, $2, $3)"
                                     " ON CONFLICT (user_nid, name) DO UPDATE SET value = excluded.value");
static const struct sql delete_field = SQL("DELETE FROM profile_fields WHERE user_nid = $1 AND name = $2");
static const struct sql delete_all = SQL("DELETE FROM profile_fields WHERE user_nid = $1");

size_t profiles_list(struct store_tx *tx, int64_t user_nid, struct arena *a, struct profile_row **rows_out)
{
    struct profile_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    struct sql_cursor c;
    sql_query(tx, &select_list, &c, SQL_INT(user_nid));
    while (sql_next(&c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 4;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = (struct profile_row){.name = sql_text(&c, 0, a), .value = sql_text(&c, 1, a)};
    }
    sql_end(&c);
    *rows_out = rows;
    return count;
}

struct str profiles_get(struct store_tx *tx, int64_t user_nid, struct str name, struct arena *a)
{
    struct sql_cursor c;
    struct str value = {0};
    sql_query(tx, &select_value, &c, SQL_INT(user_nid), SQL_TEXT(name));
    if (sql_next(&c))
        value = sql_text(&c, 0, a);
    sql_end(&c);
    return value;
}

void profiles_set(struct store_tx *tx, int64_t user_nid, struct str name, struct str value)
{
    sql_exec(tx, &upsert, SQL_INT(user_nid), SQL_TEXT(name), SQL_TEXT(value));
}

void profiles_delete(struct store_tx *tx, int64_t user_nid, struct str name)
{
    sql_exec(tx, &delete_field, SQL_INT(user_nid), SQL_TEXT(name));
}

void profiles_delete_all(struct store_tx *tx, int64_t user_nid)
{
    sql_exec(tx, &delete_all, SQL_INT(user_nid));
}
