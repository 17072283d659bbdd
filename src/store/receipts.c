#include "store/receipts.h"

#include "store/sql.h"

static const struct sql upsert =
    SQL("INSERT INTO receipts (room_nid, user_nid, type, thread_id, event_nid, event_pos, ts, pos)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (room_nid, user_nid, type, thread_id) DO UPDATE SET event_nid = excluded.event_nid,"
        " event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos"
        " WHERE receipts.event_pos < excluded.event_pos");
static const struct sql select_between =
    SQL("SELECT r.user_nid, r.type, r.thread_id, r.event_nid, r.event_pos, r.ts, r.pos, u.user_id, e.event_id"
        " FROM receipts AS r JOIN users AS u ON u.user_nid = r.user_nid JOIN events AS e ON e.event_nid = r.event_nid"
        " WHERE r.room_nid = $1 AND r.pos > $2 AND r.pos <= $3 AND (r.type = 'm.read' OR r.user_nid = $4)"
        " ORDER BY r.pos");
static const struct sql select_last = SQL("SELECT max(pos) FROM receipts WHERE room_nid = $1");

bool receipts_set(struct store_tx *tx, struct receipt_row *row)
{
    row->pos = store_next_pos(tx);
    return sql_exec(tx, &upsert, SQL_INT(row->room_nid), SQL_INT(row->user_nid), SQL_TEXT(row->type),
                    SQL_TEXT(row->thread_id), SQL_INT(row->event_nid), SQL_INT(row->event_pos), SQL_INT(row->ts),
                    SQL_INT(row->pos)) == 1;
}

size_t receipts_between(struct store_tx *tx, int64_t room_nid, int64_t reader_nid, int64_t after, int64_t up_to,
                        struct arena *a, struct receipt_row **rows_out)
{
    struct receipt_row *rows = NULL;
    size_t count = 0;
    size_t cap = 0;
    struct sql_cursor c;
    sql_query(tx, &select_between, &c, SQL_INT(room_nid), SQL_INT(after), SQL_INT(up_to), SQL_INT(reader_nid));
    while (sql_next(&c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 16;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        rows[count++] = (struct receipt_row){
            .room_nid = room_nid,
            .user_nid = sql_int(&c, 0),
            .type = sql_text(&c, 1, a),
            .thread_id = sql_text(&c, 2, a),
            .event_nid = sql_int(&c, 3),
            .event_pos = sql_int(&c, 4),
            .ts = sql_int(&c, 5),
            .pos = sql_int(&c, 6),
            .user_id = sql_text(&c, 7, a),
            .event_id = sql_text(&c, 8, a),
        };
    }
    sql_end(&c);
    *rows_out = rows;
    return count;
}

int64_t receipts_last_pos(struct store_tx *tx, int64_t room_nid)
{
    return sql_int_of(tx, &select_last, 0, SQL_INT(room_nid));
}
