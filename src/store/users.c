#include "store/users.h"

#include "store/sql.h"

static const struct sql select_nid = SQL("SELECT user_nid FROM users WHERE user_id = $1");
static const struct sql select_id = SQL("SELECT user_id FROM users WHERE user_nid = $1");
static const struct sql insert = SQL("INSERT INTO users (user_id) VALUES ($1) RETURNING user_nid");

int64_t users_nid_of(struct store_tx *tx, struct str user_id)
{
    return sql_int_of(tx, &select_nid, 0, SQL_TEXT(user_id));
}

int64_t users_intern(struct store_tx *tx, struct str user_id)
{
    int64_t nid = users_nid_of(tx, user_id);
    return nid ? nid : sql_int_of(tx, &insert, 0, SQL_TEXT(user_id));
}

struct str users_id_of(struct store_tx *tx, int64_t user_nid, struct arena *a)
{
    struct sql_cursor c;
    struct str id = {0};
    sql_query(tx, &select_id, &c, SQL_INT(user_nid));
    if (sql_next(&c))
        id = sql_text(&c, 0, a);
    sql_end(&c);
    return id;
}
