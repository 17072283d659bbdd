#include "store/account_data.h"

#include "store/sql.h"

#define COLUMNS "SELECT room_nid, type, content, pos FROM account_data"

static const struct sql select_content =
    SQL("SELECT content FROM account_data WHERE user_nid = $1 AND room_nid = $2 AND type = $3");
static const struct sql select_between = SQL(COLUMNS " WHERE user_nid = $1 AND pos > $2 AND pos <= $3 ORDER BY pos");
static const struct sql select_of_room = SQL(COLUMNS " WHERE user_nid = $1 AND room_nid = $2 ORDER BY type");
static const struct sql select_count = SQL("SELECT count(*) FROM account_data WHERE user_nid = $1");
static const struct sql upsert =
    SQL("INSERT INTO account_data (user_nid, room_nid, type, content, pos) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (user_nid, room_nid, type) DO UPDATE SET content = excluded.content, pos = excluded.pos");
static const struct sql delete_all = SQL("DELETE FROM account_data WHERE user_nid = $1");
static const struct sql select_bytes = SQL("SELECT bytes FROM account_data_sizes WHERE user_nid = $1");
static const struct sql add_bytes = SQL("INSERT INTO account_data_sizes (user_nid, bytes) VALUES ($1, $2)"
                                        " ON CONFLICT (user_nid) DO UPDATE"
                                        " SET bytes = account_data_sizes.bytes + excluded.bytes");
static const struct sql delete_bytes = SQL("DELETE FROM account_data_sizes WHERE user_nid = $1");

struct str account_data_get(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct str type, struct arena *a)
{
    struct sql_cursor c;
    struct str content = {0};
    sql_query(tx, &select_content, &c, SQL_INT(user_nid), SQL_INT(room_nid), SQL_TEXT(type));
    if (sql_next(&c))
        content = sql_text(&c, 0, a);
    sql_end(&c);
    return content;
}

/* Reads all rows of a running query and ends it. */
static size_t read_rows(struct sql_cursor *c, struct arena *a, struct account_data_row **rows_out)
{
    struct account_data_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    while (sql_next(c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 16;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = (struct account_data_row){
            .room_nid = sql_int(c, 0),
            .type = sql_text(c, 1, a),
            .content = sql_text(c, 2, a),
            .pos = sql_int(c, 3),
        };
    }
    sql_end(c);
    *rows_out = rows;
    return count;
}

size_t account_data_between(struct store_tx *tx, int64_t user_nid, int64_t after, int64_t up_to, struct arena *a,
                            struct account_data_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_between, &c, SQL_INT(user_nid), SQL_INT(after), SQL_INT(up_to));
    return read_rows(&c, a, rows_out);
}

size_t account_data_of_room(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct arena *a,
                            struct account_data_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_of_room, &c, SQL_INT(user_nid), SQL_INT(room_nid));
    return read_rows(&c, a, rows_out);
}

int64_t account_data_count(struct store_tx *tx, int64_t user_nid)
{
    return sql_int_of(tx, &select_count, 0, SQL_INT(user_nid));
}

int64_t account_data_bytes(struct store_tx *tx, int64_t user_nid)
{
    return sql_int_of(tx, &select_bytes, 0, SQL_INT(user_nid));
}

int64_t account_data_set(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct str type, struct str content)
{
    int64_t pos = store_next_pos(tx);
    struct str before = account_data_get(tx, user_nid, room_nid, type, store_tx_arena(tx));
    sql_exec(tx, &add_bytes, SQL_INT(user_nid), SQL_INT((int64_t)content.n - (int64_t)before.n));
    sql_exec(tx, &upsert, SQL_INT(user_nid), SQL_INT(room_nid), SQL_TEXT(type), SQL_TEXT(content), SQL_INT(pos));
    return pos;
}

void account_data_delete_all(struct store_tx *tx, int64_t user_nid)
{
    sql_exec(tx, &delete_all, SQL_INT(user_nid));
    sql_exec(tx, &delete_bytes, SQL_INT(user_nid));
}
