#include "store/events.h"

#include "store/sql.h"

#define NUMBERS_BUT_ROOM_STATE                                                                                         \
    "event_nid, room_nid, pos, sender_nid, state_key_nid, state_before, state_after, replaces_nid, redacted_by_nid,"   \
    " device_nid, notify_count, highlight_count, sub, status, gap, "
#define NUMBERS NUMBERS_BUT_ROOM_STATE "coalesce(room_state, state_after)"
/* Of the newest event up to position $2: what came after it without a place may have moved the room's state on. */
#define NEWEST_NUMBERS                                                                                                 \
    NUMBERS_BUT_ROOM_STATE                                                                                             \
    "coalesce((SELECT s.state_root FROM room_states s WHERE s.room_nid = events.room_nid AND s.state_root > 0"         \
    " AND s.pos > events.pos AND s.pos <= $2), room_state, state_after)"
#define STRINGS ", event_id, txn_id, pdu, reason, related"
#define COLUMNS NUMBERS STRINGS

static const struct sql insert_event =
    SQL("INSERT INTO events (event_nid, room_nid, pos, sender_nid, state_key_nid, state_before, state_after,"
        " replaces_nid, device_nid, notify_count, highlight_count, event_id, txn_id, pdu, sub, status, gap, room_state,"
        " reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
static const struct sql place_event =
    SQL("UPDATE events SET pos = $2, sub = $3, state_before = $4, state_after = $5, room_state = $6, replaces_nid = $7,"
        " status = $8, gap = $9, reason = $10, notify_count = $11, highlight_count = $12 WHERE event_nid = $1");
static const struct sql close_gap = SQL("UPDATE events SET gap = 0 WHERE event_nid = $1");
static const struct sql set_room_state = SQL("UPDATE events SET room_state = $2 WHERE event_nid = $1");
static const struct sql select_nid = SQL("SELECT event_nid FROM events WHERE event_id = $1");
static const struct sql select_by_nid = SQL("SELECT " COLUMNS " FROM events WHERE event_nid = $1");
static const struct sql select_by_id = SQL("SELECT " COLUMNS " FROM events WHERE event_id = $1");
static const struct sql select_last =
    SQL("SELECT " NEWEST_NUMBERS STRINGS
        " FROM events WHERE room_nid = $1 AND pos <= $2 AND pos > 0 ORDER BY pos DESC, sub DESC LIMIT 1");
static const struct sql select_last_numbers =
    SQL("SELECT " NEWEST_NUMBERS
        " FROM events WHERE room_nid = $1 AND pos <= $2 AND pos > 0 ORDER BY pos DESC, sub DESC LIMIT 1");
static const struct sql select_lowest_sub =
    SQL("SELECT sub FROM events WHERE room_nid = $1 AND pos = $2 ORDER BY sub LIMIT 1");
static const struct sql select_numbers = SQL("SELECT " NUMBERS " FROM events WHERE event_nid = $1");
static const struct sql select_state_after =
    SQL("SELECT event_nid FROM events WHERE event_nid > $1 AND state_key_nid IS NOT NULL ORDER BY event_nid LIMIT $2");
static const struct sql select_pdu = SQL("SELECT pdu FROM events WHERE event_nid = $1");
static const struct sql select_id = SQL("SELECT event_id FROM events WHERE event_nid = $1");
static const struct sql select_newest = SQL("SELECT " COLUMNS " FROM events WHERE room_nid = $1"
                                            " AND (pos, sub) > ($2, $3) AND (pos, sub) <= ($4, $5)"
                                            " ORDER BY pos DESC, sub DESC LIMIT $6");
static const struct sql select_oldest = SQL("SELECT " COLUMNS " FROM events WHERE room_nid = $1"
                                            " AND (pos, sub) > ($2, $3) AND (pos, sub) <= ($4, $5)"
                                            " ORDER BY pos, sub LIMIT $6");
/* The sign keeps SQLite, which has no statistics, from going through the whole room. */
static const struct sql select_txn = SQL("SELECT " COLUMNS " FROM events WHERE device_nid = $1 AND txn_id = $2"
                                         " AND +room_nid = $3 LIMIT $4");
static const struct sql update_redacted = SQL("UPDATE events SET pdu = $2, redacted_by_nid = $3 WHERE event_nid = $1");

static void read_numbers(struct sql_cursor *c, struct event_row *row)
{
    row->event_nid = sql_int(c, 0);
    row->room_nid = sql_int(c, 1);
    row->pos = sql_int(c, 2);
    row->sender_nid = sql_int(c, 3);
    row->state_key_nid = sql_int(c, 4);
    row->state_before = sql_int(c, 5);
    row->state_after = sql_int(c, 6);
    row->replaces_nid = sql_int(c, 7);
    row->redacted_by_nid = sql_int(c, 8);
    row->device_nid = sql_int(c, 9);
    row->notify_count = sql_int(c, 10);
    row->highlight_count = sql_int(c, 11);
    row->sub = sql_int(c, 12);
    int64_t status = sql_int(c, 13);
    row->status = (enum event_status)status;
    row->gap = sql_int(c, 14) != 0;
    row->room_state = sql_int(c, 15);
}

static void read_row(struct sql_cursor *c, struct arena *a, struct event_row *row)
{
    read_numbers(c, row);
    row->event_id = sql_text(c, 16, a);
    row->txn_id = sql_text(c, 17, a);
    row->pdu = sql_text(c, 18, a);
    row->reason = sql_text(c, 19, a);
    row->related = sql_int(c, 20);
}

static bool read_one(struct sql_cursor *c, struct arena *a, struct event_row *row)
{
    bool found = sql_next(c);
    if (found)
        read_row(c, a, row);
    sql_end(c);
    return found;
}

void events_insert(struct store_tx *tx, const struct event_row *row)
{
    sql_push(tx, &insert_event, SQL_INT(row->event_nid), SQL_INT(row->room_nid), SQL_INT(row->pos),
             SQL_INT(row->sender_nid), SQL_INT_OR_NULL(row->state_key_nid), SQL_INT(row->state_before),
             SQL_INT(row->state_after), SQL_INT_OR_NULL(row->replaces_nid), SQL_INT_OR_NULL(row->device_nid),
             SQL_INT(row->notify_count), SQL_INT(row->highlight_count), SQL_TEXT(row->event_id),
             SQL_TEXT_OR_NULL(row->txn_id), SQL_TEXT(row->pdu), SQL_INT(row->sub), SQL_INT(row->status),
             SQL_INT(row->gap), SQL_INT_OR_NULL(row->room_state == row->state_after ? 0 : row->room_state),
             SQL_TEXT_OR_NULL(row->reason));
}

void events_place(struct store_tx *tx, const struct event_row *row)
{
    sql_push(tx, &place_event, SQL_INT(row->event_nid), SQL_INT(row->pos), SQL_INT(row->sub),
             SQL_INT(row->state_before), SQL_INT(row->state_after),
             SQL_INT_OR_NULL(row->room_state == row->state_after ? 0 : row->room_state),
             SQL_INT_OR_NULL(row->replaces_nid), SQL_INT(row->status), SQL_INT(row->gap), SQL_TEXT_OR_NULL(row->reason),
             SQL_INT(row->notify_count), SQL_INT(row->highlight_count));
}

void events_close_gap(struct store_tx *tx, int64_t event_nid)
{
    sql_push(tx, &close_gap, SQL_INT(event_nid));
}

void events_set_room_state(struct store_tx *tx, int64_t event_nid, int64_t room_state)
{
    sql_push(tx, &set_room_state, SQL_INT(event_nid), SQL_INT(room_state));
}

int64_t events_nid_of(struct store_tx *tx, struct str event_id)
{
    return sql_int_of(tx, &select_nid, 0, SQL_TEXT(event_id));
}

bool events_by_nid(struct store_tx *tx, int64_t event_nid, struct arena *a, struct event_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_by_nid, &c, SQL_INT(event_nid));
    return read_one(&c, a, row_out);
}

bool events_by_id(struct store_tx *tx, struct str event_id, struct arena *a, struct event_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_by_id, &c, SQL_TEXT(event_id));
    return read_one(&c, a, row_out);
}

bool events_last(struct store_tx *tx, int64_t room_nid, int64_t pos, struct arena *a, struct event_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_last, &c, SQL_INT(room_nid), SQL_INT(pos));
    return read_one(&c, a, row_out);
}

/* Ends the cursor. */
static bool read_one_numbers(struct sql_cursor *c, struct event_row *row_out)
{
    *row_out = (struct event_row){0};
    bool found = sql_next(c);
    if (found)
        read_numbers(c, row_out);
    sql_end(c);
    return found;
}

bool events_last_numbers(struct store_tx *tx, int64_t room_nid, int64_t pos, struct event_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_last_numbers, &c, SQL_INT(room_nid), SQL_INT(pos));
    return read_one_numbers(&c, row_out);
}

bool events_numbers(struct store_tx *tx, int64_t event_nid, struct event_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_numbers, &c, SQL_INT(event_nid));
    return read_one_numbers(&c, row_out);
}

size_t events_state_after(struct store_tx *tx, int64_t after, size_t limit, struct arena *a, int64_t **nids_out)
{
    int64_t *nids = ARENA_ARRAY(a, limit, int64_t);
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, &select_state_after, &c, SQL_INT(after), SQL_INT(limit));
    while (count < limit && sql_next(&c))
        nids[count++] = sql_int(&c, 0);
    sql_end(&c);
    *nids_out = nids;
    return count;
}

int64_t events_lowest_sub(struct store_tx *tx, int64_t room_nid, int64_t pos)
{
    return sql_int_of(tx, &select_lowest_sub, 0, SQL_INT(room_nid), SQL_INT(pos));
}

static struct str select_text(struct store_tx *tx, const struct sql *sql, int64_t event_nid, struct arena *a)
{
    struct str text = {0};
    struct sql_cursor c;
    sql_query(tx, sql, &c, SQL_INT(event_nid));
    if (sql_next(&c))
        text = sql_text(&c, 0, a);
    sql_end(&c);
    return text;
}

struct str events_pdu(struct store_tx *tx, int64_t event_nid, struct arena *a)
{
    return select_text(tx, &select_pdu, event_nid, a);
}

struct str events_id(struct store_tx *tx, int64_t event_nid, struct arena *a)
{
    return select_text(tx, &select_id, event_nid, a);
}

/* Reads all rows of the cursor, at most `limit`, and ends it. */
static size_t read_rows(struct sql_cursor *c, size_t limit, struct arena *a, struct event_row **rows_out)
{
    size_t count = 0;
    size_t cap = limit < 16 ? limit : 16;
    struct event_row *rows = ARENA_ARRAY(a, cap, struct event_row);
    while (count < limit && sql_next(c)) {
        if (count == cap) {
            rows = arena_grow(a, rows, cap * sizeof *rows, 2 * cap * sizeof *rows);
            cap *= 2;
        }
        read_row(c, a, &rows[count++]);
    }
    sql_end(c);
    *rows_out = rows;
    return count;
}

size_t events_between(struct store_tx *tx, int64_t room_nid, struct event_place after, struct event_place up_to,
                      enum events_order order, size_t limit, struct arena *a, struct event_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, order == EVENTS_NEWEST_FIRST ? &select_newest : &select_oldest, &c, SQL_INT(room_nid),
              SQL_INT(after.pos), SQL_INT(after.sub), SQL_INT(up_to.pos), SQL_INT(up_to.sub), SQL_INT(limit));
    return read_rows(&c, limit, a, rows_out);
}

size_t events_by_txn(struct store_tx *tx, int64_t device_nid, struct str txn_id, int64_t room_nid, size_t limit,
                     struct arena *a, struct event_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_txn, &c, SQL_INT(device_nid), SQL_TEXT(txn_id), SQL_INT(room_nid), SQL_INT(limit));
    return read_rows(&c, limit, a, rows_out);
}

void events_redact(struct store_tx *tx, int64_t event_nid, int64_t redaction_nid, struct str redacted_pdu)
{
    sql_push(tx, &update_redacted, SQL_INT(event_nid), SQL_TEXT(redacted_pdu), SQL_INT(redaction_nid));
}
