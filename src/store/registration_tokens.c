#include "store/registration_tokens.h"

#include "store/sql.h"

#define USABLE                                                                                                         \
    " WHERE token = $1 AND (uses_allowed IS NULL OR completed < uses_allowed)"                                         \
    " AND (expires_ts IS NULL OR expires_ts > $2)"

static const struct sql select_usable = SQL("SELECT 1 FROM registration_tokens" USABLE);
static const struct sql update_use = SQL("UPDATE registration_tokens SET completed = completed + 1" USABLE);
static const struct sql select_list = SQL("SELECT token, uses_allowed, completed, created_ts, expires_ts"
                                          " FROM registration_tokens ORDER BY created_ts, token");
static const struct sql insert = SQL("INSERT INTO registration_tokens (token, uses_allowed, created_ts, expires_ts)"
                                     " VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO NOTHING");
static const struct sql delete_token = SQL("DELETE FROM registration_tokens WHERE token = $1");

bool registration_tokens_usable(struct store_tx *tx, struct str token, int64_t now)
{
    return sql_int_of(tx, &select_usable, 0, SQL_TEXT(token), SQL_INT(now)) == 1;
}

size_t registration_tokens_list(struct store_tx *tx, struct arena *a, struct registration_token_row **rows_out)
{
    struct registration_token_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    struct sql_cursor c;
    sql_query0(tx, &select_list, &c);
    while (sql_next(&c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 8;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = (struct registration_token_row){
            .token = sql_text(&c, 0, a),
            .uses_allowed = sql_is_null(&c, 1) ? -1 : sql_int(&c, 1),
            .completed = sql_int(&c, 2),
            .created_ts = sql_int(&c, 3),
            .expires_ts = sql_int(&c, 4),
        };
    }
    sql_end(&c);
    *rows_out = rows;
    return count;
}

bool registration_tokens_insert(struct store_tx *tx, const struct registration_token_row *row)
{
    return sql_exec(tx, &insert, SQL_TEXT(row->token), row->uses_allowed < 0 ? SQL_NULL : SQL_INT(row->uses_allowed),
                    SQL_INT(row->created_ts), SQL_INT_OR_NULL(row->expires_ts)) == 1;
}

bool registration_tokens_use(struct store_tx *tx, struct str token, int64_t now)
{
    return sql_exec(tx, &update_use, SQL_TEXT(token), SQL_INT(now)) == 1;
}

bool registration_tokens_delete(struct store_tx *tx, struct str token)
{
    return sql_exec(tx, &delete_token, SQL_TEXT(token)) == 1;
}
