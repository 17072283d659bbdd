#include "store/filters.h"

#include "store/sql.h"

static const struct sql select_content = SQL("SELECT content FROM filters WHERE user_nid = $1 AND filter_nid = $2");
static const struct sql select_nid = SQL("SELECT filter_nid FROM filters WHERE user_nid = $1 AND content_hash = $2");
static const struct sql select_count = SQL("SELECT count(*) FROM filters WHERE user_nid = $1");
static const struct sql insert = SQL("INSERT INTO filters (user_nid, content_hash, content) VALUES ($1, $2, $3)"
                                     " RETURNING filter_nid");
static const struct sql delete_all = SQL("DELETE FROM filters WHERE user_nid = $1");
static const struct sql select_bytes = SQL("SELECT bytes FROM filter_sizes WHERE user_nid = $1");
static const struct sql add_bytes =
    SQL("INSERT INTO filter_sizes (user_nid, bytes) VALUES ($1, $2)"
        " ON CONFLICT (user_nid) DO UPDATE SET bytes = filter_sizes.bytes + excluded.bytes");
static const struct sql delete_bytes = SQL("DELETE FROM filter_sizes WHERE user_nid = $1");

struct str filters_get(struct store_tx *tx, int64_t user_nid, int64_t filter_nid, struct arena *a)
{
    struct sql_cursor c;
    struct str content = {0};
    sql_query(tx, &select_content, &c, SQL_INT(user_nid), SQL_INT(filter_nid));
    if (sql_next(&c))
        content = sql_text(&c, 0, a);
    sql_end(&c);
    return content;
}

int64_t filters_find(struct store_tx *tx, int64_t user_nid, struct str content_hash)
{
    return sql_int_of(tx, &select_nid, 0, SQL_INT(user_nid), SQL_BLOB(content_hash));
}

int64_t filters_count(struct store_tx *tx, int64_t user_nid)
{
    return sql_int_of(tx, &select_count, 0, SQL_INT(user_nid));
}

int64_t filters_bytes(struct store_tx *tx, int64_t user_nid)
{
    return sql_int_of(tx, &select_bytes, 0, SQL_INT(user_nid));
}

int64_t filters_insert(struct store_tx *tx, int64_t user_nid, struct str content_hash, struct str content)
{
    sql_exec(tx, &add_bytes, SQL_INT(user_nid), SQL_INT(content.n));
    return sql_int_of(tx, &insert, 0, SQL_INT(user_nid), SQL_BLOB(content_hash), SQL_TEXT(content));
}

void filters_delete_all(struct store_tx *tx, int64_t user_nid)
{
    sql_exec(tx, &delete_all, SQL_INT(user_nid));
    sql_exec(tx, &delete_bytes, SQL_INT(user_nid));
}
