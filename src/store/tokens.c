#include "store/tokens.h"

#include "store/sql.h"

#define COLUMNS                                                                                                        \
    "SELECT t.token_nid, t.user_nid, t.device_nid, t.access_hash, t.refresh_hash, t.expires_ts, t.replaces_nid,"       \
    " u.user_id, d.device_id, a.is_admin, a.is_guest"                                                                  \
    " FROM tokens AS t JOIN users AS u ON u.user_nid = t.user_nid JOIN devices AS d ON d.device_nid = t.device_nid"    \
    " JOIN accounts AS a ON a.user_nid = t.user_nid"
/* Deactivation deletes the sessions; one that slipped in must not count all the same. */
#define IN_USE " AND a.deactivated_ts IS NULL"

static const struct sql select_access = SQL(COLUMNS " WHERE t.access_hash = $1" IN_USE);
static const struct sql select_refresh = SQL(COLUMNS " WHERE t.refresh_hash = $1" IN_USE);
static const struct sql insert =
    SQL("INSERT INTO tokens (user_nid, device_nid, access_hash, refresh_hash, expires_ts, replaces_nid)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING token_nid");
static const struct sql delete_replaced =
    SQL("DELETE FROM tokens WHERE token_nid = (SELECT replaces_nid FROM tokens WHERE token_nid = $1)");
static const struct sql update_used = SQL("UPDATE tokens SET replaces_nid = NULL WHERE token_nid = $1");
static const struct sql delete_replacing = SQL("DELETE FROM tokens WHERE replaces_nid = $1");
static const struct sql delete_of_device = SQL("DELETE FROM tokens WHERE device_nid = $1");

static bool find(struct store_tx *tx, const struct sql *sql, struct str hash, struct arena *a,
                 struct token_owner *owner_out)
{
    struct sql_cursor c;
    sql_query(tx, sql, &c, SQL_BLOB(hash));
    bool found = sql_next(&c);
    if (found)
        *owner_out = (struct token_owner){
            .token =
                {
                    .token_nid = sql_int(&c, 0),
                    .user_nid = sql_int(&c, 1),
                    .device_nid = sql_int(&c, 2),
                    .access_hash = sql_text(&c, 3, a),
                    .refresh_hash = sql_text(&c, 4, a),
                    .expires_ts = sql_int(&c, 5),
                    .replaces_nid = sql_int(&c, 6),
                },
            .user_id = sql_text(&c, 7, a),
            .device_id = sql_text(&c, 8, a),
            .is_admin = sql_int(&c, 9) != 0,
            .is_guest = sql_int(&c, 10) != 0,
        };
    sql_end(&c);
    return found;
}

bool tokens_find_access(struct store_tx *tx, struct str access_hash, struct arena *a, struct token_owner *owner_out)
{
    return find(tx, &select_access, access_hash, a, owner_out);
}

bool tokens_find_refresh(struct store_tx *tx, struct str refresh_hash, struct arena *a, struct token_owner *owner_out)
{
    return find(tx, &select_refresh, refresh_hash, a, owner_out);
}

int64_t tokens_insert(struct store_tx *tx, const struct token_row *row)
{
    return sql_int_of(tx, &insert, 0, SQL_INT(row->user_nid), SQL_INT(row->device_nid), SQL_BLOB(row->access_hash),
                      row->refresh_hash.p ? SQL_BLOB(row->refresh_hash) : SQL_NULL, SQL_INT_OR_NULL(row->expires_ts),
                      SQL_INT_OR_NULL(row->replaces_nid));
}

void tokens_first_use(struct store_tx *tx, int64_t token_nid)
{
    sql_exec(tx, &delete_replaced, SQL_INT(token_nid));
    sql_exec(tx, &update_used, SQL_INT(token_nid));
}

void tokens_delete_replacing(struct store_tx *tx, int64_t token_nid)
{
    sql_exec(tx, &delete_replacing, SQL_INT(token_nid));
}

void tokens_delete_of_device(struct store_tx *tx, int64_t device_nid)
{
    sql_exec(tx, &delete_of_device, SQL_INT(device_nid));
}
