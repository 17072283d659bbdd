#include "store/devices.h"

#include "store/sql.h"

#define COLUMNS                                                                                                        \
    "SELECT device_nid, user_nid, device_id, display_name, created_ts, last_seen_ts, last_seen_ip FROM devices"

static const struct sql select_device = SQL(COLUMNS " WHERE user_nid = $1 AND device_id = $2");
static const struct sql select_list = SQL(COLUMNS " WHERE user_nid = $1 ORDER BY device_nid");
static const struct sql select_count = SQL("SELECT count(*) FROM devices WHERE user_nid = $1");
static const struct sql insert = SQL("INSERT INTO devices (user_nid, device_id, display_name, created_ts)"
                                     " VALUES ($1, $2, $3, $4) RETURNING device_nid");
static const struct sql update_name =
    SQL("UPDATE devices SET display_name = $3 WHERE user_nid = $1 AND device_id = $2");
static const struct sql update_seen =
    SQL("UPDATE devices SET last_seen_ts = $2, last_seen_ip = $3 WHERE device_nid = $1");
static const struct sql delete_device = SQL("DELETE FROM devices WHERE device_nid = $1");

static struct device_row row_of(struct sql_cursor *c, struct arena *a)
{
    return (struct device_row){
        .device_nid = sql_int(c, 0),
        .user_nid = sql_int(c, 1),
        .device_id = sql_text(c, 2, a),
        .display_name = sql_text(c, 3, a),
        .created_ts = sql_int(c, 4),
        .last_seen_ts = sql_int(c, 5),
        .last_seen_ip = sql_text(c, 6, a),
    };
}

bool devices_find(struct store_tx *tx, int64_t user_nid, struct str device_id, struct arena *a,
                  struct device_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_device, &c, SQL_INT(user_nid), SQL_TEXT(device_id));
    bool found = sql_next(&c);
    if (found)
        *row_out = row_of(&c, a);
    sql_end(&c);
    return found;
}

size_t devices_list(struct store_tx *tx, int64_t user_nid, struct arena *a, struct device_row **rows_out)
{
    struct device_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    struct sql_cursor c;
    sql_query(tx, &select_list, &c, SQL_INT(user_nid));
    while (sql_next(&c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 8;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = row_of(&c, a);
    }
    sql_end(&c);
    *rows_out = rows;
    return count;
}

int64_t devices_count(struct store_tx *tx, int64_t user_nid)
{
    return sql_int_of(tx, &select_count, 0, SQL_INT(user_nid));
}

int64_t devices_insert(struct store_tx *tx, const struct device_row *row)
{
    return sql_int_of(tx, &insert, 0, SQL_INT(row->user_nid), SQL_TEXT(row->device_id),
                      SQL_TEXT_OR_NULL(row->display_name), SQL_INT(row->created_ts));
}

bool devices_rename(struct store_tx *tx, int64_t user_nid, struct str device_id, struct str display_name)
{
    return sql_exec(tx, &update_name, SQL_INT(user_nid), SQL_TEXT(device_id), SQL_TEXT_OR_NULL(display_name)) == 1;
}

void devices_seen(struct store_tx *tx, int64_t device_nid, int64_t ts, struct str ip)
{
    sql_exec(tx, &update_seen, SQL_INT(device_nid), SQL_INT(ts), SQL_TEXT_OR_NULL(ip));
}

void devices_delete(struct store_tx *tx, int64_t device_nid)
{
    sql_exec(tx, &delete_device, SQL_INT(device_nid));
}
