#include "store/accounts.h"

#include "store/sql.h"
#include "store/users.h"

#define COLUMNS                                                                                                        \
    "SELECT a.user_nid, u.user_id, a.password_hash, a.is_admin, a.is_guest, a.created_ts, a.deactivated_ts, a.erased"  \
    " FROM accounts AS a JOIN users AS u ON u.user_nid = a.user_nid"

static const struct sql select_account = SQL(COLUMNS " WHERE u.user_id = $1");
static const struct sql select_nid = SQL(COLUMNS " WHERE a.user_nid = $1");
static const struct sql select_list = SQL(COLUMNS " WHERE u.user_id > $1 ORDER BY u.user_id LIMIT $2");
static const struct sql insert = SQL("INSERT INTO accounts (user_nid, password_hash, is_admin, is_guest, created_ts)"
                                     " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_nid) DO NOTHING");
static const struct sql update_password =
    SQL("UPDATE accounts SET password_hash = $2 WHERE user_nid = $1 AND deactivated_ts IS NULL");
static const struct sql update_admin = SQL("UPDATE accounts SET is_admin = $2 WHERE user_nid = $1");
static const struct sql update_deactivate =
    SQL("UPDATE accounts SET password_hash = NULL, deactivated_ts = coalesce(deactivated_ts, $2),"
        " erased = CASE WHEN $3 = 1 THEN 1 ELSE erased END WHERE user_nid = $1");
static const struct sql insert_departure =
    SQL("INSERT INTO departures (user_nid) VALUES ($1) ON CONFLICT (user_nid) DO NOTHING");
static const struct sql delete_departure = SQL("DELETE FROM departures WHERE user_nid = $1");
static const struct sql select_departing = SQL("SELECT min(user_nid) FROM departures WHERE user_nid > $1");

static struct account_row row_of(struct sql_cursor *c, struct arena *a)
{
    return (struct account_row){
        .user_nid = sql_int(c, 0),
        .user_id = sql_text(c, 1, a),
        .password_hash = sql_text(c, 2, a),
        .is_admin = sql_int(c, 3) != 0,
        .is_guest = sql_int(c, 4) != 0,
        .created_ts = sql_int(c, 5),
        .deactivated_ts = sql_int(c, 6),
        .erased = sql_int(c, 7) != 0,
    };
}

static bool first(struct sql_cursor *c, struct arena *a, struct account_row *row_out)
{
    bool found = sql_next(c);
    if (found)
        *row_out = row_of(c, a);
    sql_end(c);
    return found;
}

bool accounts_find(struct store_tx *tx, struct str user_id, struct arena *a, struct account_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_account, &c, SQL_TEXT(user_id));
    return first(&c, a, row_out);
}

bool accounts_get(struct store_tx *tx, int64_t user_nid, struct arena *a, struct account_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_nid, &c, SQL_INT(user_nid));
    return first(&c, a, row_out);
}

size_t accounts_list(struct store_tx *tx, struct str after, int64_t limit, struct arena *a,
                     struct account_row **rows_out)
{
    struct account_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    struct sql_cursor c;
    sql_query(tx, &select_list, &c, SQL_TEXT(after), SQL_INT(limit));
    while (sql_next(&c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 16;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = row_of(&c, a);
    }
    sql_end(&c);
    *rows_out = rows;
    return count;
}

bool accounts_insert(struct store_tx *tx, struct account_row *row)
{
    row->user_nid = users_intern(tx, row->user_id);
    return sql_exec(tx, &insert, SQL_INT(row->user_nid), SQL_TEXT_OR_NULL(row->password_hash), SQL_INT(row->is_admin),
                    SQL_INT(row->is_guest), SQL_INT(row->created_ts)) == 1;
}

bool accounts_set_password(struct store_tx *tx, int64_t user_nid, struct str password_hash)
{
    return sql_exec(tx, &update_password, SQL_INT(user_nid), SQL_TEXT_OR_NULL(password_hash)) == 1;
}

void accounts_set_admin(struct store_tx *tx, int64_t user_nid, bool is_admin)
{
    sql_exec(tx, &update_admin, SQL_INT(user_nid), SQL_INT(is_admin));
}

void accounts_deactivate(struct store_tx *tx, int64_t user_nid, int64_t ts, bool erase)
{
    sql_exec(tx, &update_deactivate, SQL_INT(user_nid), SQL_INT(ts), SQL_INT(erase));
    sql_exec(tx, &insert_departure, SQL_INT(user_nid));
}

void accounts_departed(struct store_tx *tx, int64_t user_nid)
{
    sql_exec(tx, &delete_departure, SQL_INT(user_nid));
}

int64_t accounts_departing(struct store_tx *tx, int64_t after)
{
    return sql_int_of(tx, &select_departing, 0, SQL_INT(after));
}
