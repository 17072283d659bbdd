#include "store/memberships.h"

#include "store/row_cache.h"
#include "store/sql.h"
#include "store/tx.h"

#include <string.h>

static const struct str names[] = {
    [MEMBERSHIP_NONE] = STR_INIT(""),         [MEMBERSHIP_JOIN] = STR_INIT("join"),
    [MEMBERSHIP_INVITE] = STR_INIT("invite"), [MEMBERSHIP_KNOCK] = STR_INIT("knock"),
    [MEMBERSHIP_LEAVE] = STR_INIT("leave"),   [MEMBERSHIP_BAN] = STR_INIT("ban"),
};

struct str membership_name(enum membership m)
{
    return names[m];
}

enum membership membership_parse(struct str name)
{
    for (unsigned m = MEMBERSHIP_JOIN; m <= MEMBERSHIP_BAN; m++)
        if (str_eq(name, names[m]))
            return (enum membership)m;
    return MEMBERSHIP_NONE;
}

#define COLUMNS                                                                                                        \
    "user_nid, room_nid, membership, event_nid, pos, forgotten, read_pos, read_notify, read_highlight, joined_until"

/* The right-hand sides see the row as it was: its membership before this event. */
static const struct sql select_local =
    SQL("SELECT m.user_nid FROM accounts a JOIN memberships m ON m.user_nid = a.user_nid AND m.room_nid = $1"
        " WHERE m.membership = 'join' LIMIT $2");
static const struct sql upsert =
    SQL("INSERT INTO memberships (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, 0, $5, $6, $7, 0)"
        " ON CONFLICT (user_nid, room_nid) DO UPDATE SET membership = excluded.membership,"
        " event_nid = excluded.event_nid, pos = excluded.pos, forgotten = 0,"
        " read_pos = CASE WHEN memberships.membership = 'join' THEN memberships.read_pos ELSE excluded.read_pos END,"
        " read_notify = CASE WHEN memberships.membership = 'join' THEN memberships.read_notify"
        " ELSE excluded.read_notify END,"
        " read_highlight = CASE WHEN memberships.membership = 'join' THEN memberships.read_highlight"
        " ELSE excluded.read_highlight END,"
        " joined_until = CASE WHEN memberships.membership = 'join' AND excluded.membership <> 'join'"
        " THEN excluded.pos ELSE memberships.joined_until END");
static const struct sql update_read = SQL("UPDATE memberships SET read_pos = $3, read_notify = $4, read_highlight = $5"
                                          " WHERE user_nid = $1 AND room_nid = $2 AND read_pos < $3");
static const struct sql update_forgotten =
    SQL("UPDATE memberships SET forgotten = 1 WHERE user_nid = $1 AND room_nid = $2");
static const struct sql select_one = SQL("SELECT " COLUMNS " FROM memberships WHERE user_nid = $1 AND room_nid = $2");
static const struct sql select_of_user = SQL("SELECT " COLUMNS " FROM memberships WHERE user_nid = $1"
                                             " ORDER BY room_nid");
static const struct sql select_of_room =
    SQL("SELECT " COLUMNS " FROM memberships WHERE room_nid = $1 AND membership = $2"
        " ORDER BY pos LIMIT $3");
static const struct sql count_of_room = SQL("SELECT count(*) FROM memberships WHERE room_nid = $1 AND membership = $2");
/* An event may name a user twice. */
static const struct sql insert_push =
    SQL("INSERT INTO event_pushes (user_nid, room_nid, pos, notify_delta, highlight_delta) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (user_nid, room_nid, pos) DO NOTHING");
static const struct sql sum_pushes = SQL("SELECT sum(notify_delta), sum(highlight_delta) FROM event_pushes"
                                         " WHERE user_nid = $1 AND room_nid = $2 AND pos > $3 AND pos <= $4");

static void read_row(struct sql_cursor *c, struct membership_row *row)
{
    *row = (struct membership_row){
        .user_nid = sql_int(c, 0),
        .room_nid = sql_int(c, 1),
        .membership = membership_parse(sql_peek(c, 2)),
        .event_nid = sql_int(c, 3),
        .pos = sql_int(c, 4),
        .forgotten = sql_int(c, 5) != 0,
        .read_pos = sql_int(c, 6),
        .read_notify = sql_int(c, 7),
        .read_highlight = sql_int(c, 8),
        .joined_until = sql_int(c, 9),
    };
    if (row->membership == MEMBERSHIP_JOIN)
        row->joined_until = INT64_MAX;
}

static size_t read_rows(struct sql_cursor *c, struct arena *a, struct membership_row **rows_out)
{
    size_t count = 0;
    size_t cap = 0;
    struct membership_row *rows = NULL;
    while (sql_next(c)) {
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 16;
            rows = arena_grow(a, rows, cap * sizeof *rows, grown * sizeof *rows);
            cap = grown;
        }
        read_row(c, &rows[count++]);
    }
    sql_end(c);
    *rows_out = rows;
    return count;
}

void memberships_set(struct store_tx *tx, const struct membership_row *row)
{
    sql_push(tx, &upsert, SQL_INT(row->user_nid), SQL_INT(row->room_nid), SQL_TEXT(membership_name(row->membership)),
             SQL_INT(row->event_nid), SQL_INT(row->pos), SQL_INT(row->read_notify), SQL_INT(row->read_highlight));
}

void memberships_read(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t read_pos, int64_t read_notify,
                      int64_t read_highlight)
{
    sql_push(tx, &update_read, SQL_INT(user_nid), SQL_INT(room_nid), SQL_INT(read_pos), SQL_INT(read_notify),
             SQL_INT(read_highlight));
}

void memberships_forget(struct store_tx *tx, int64_t user_nid, int64_t room_nid)
{
    sql_push(tx, &update_forgotten, SQL_INT(user_nid), SQL_INT(room_nid));
}

bool memberships_get(struct store_tx *tx, int64_t user_nid, int64_t room_nid, struct membership_row *row_out)
{
    struct sql_cursor c;
    *row_out = (struct membership_row){.user_nid = user_nid, .room_nid = room_nid};
    sql_query(tx, &select_one, &c, SQL_INT(user_nid), SQL_INT(room_nid));
    bool found = sql_next(&c);
    if (found)
        read_row(&c, row_out);
    sql_end(&c);
    return found;
}

size_t memberships_of_user(struct store_tx *tx, int64_t user_nid, struct arena *a, struct membership_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_of_user, &c, SQL_INT(user_nid));
    return read_rows(&c, a, rows_out);
}

size_t memberships_of_room(struct store_tx *tx, int64_t room_nid, enum membership m, size_t limit, struct arena *a,
                           struct membership_row **rows_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_of_room, &c, SQL_INT(room_nid), SQL_TEXT(membership_name(m)), SQL_INT(limit));
    return read_rows(&c, a, rows_out);
}

size_t memberships_local(struct store_tx *tx, int64_t room_nid, size_t limit, struct arena *a, int64_t **user_nids_out)
{
    int64_t *nids = ARENA_ARRAY(a, limit, int64_t);
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, &select_local, &c, SQL_INT(room_nid), SQL_INT(limit));
    while (count < limit && sql_next(&c))
        nids[count++] = sql_int(&c, 0);
    sql_end(&c);
    *user_nids_out = nids;
    return count;
}

int64_t memberships_count(struct store_tx *tx, int64_t room_nid, enum membership m)
{
    return sql_int_of(tx, &count_of_room, 0, SQL_INT(room_nid), SQL_TEXT(membership_name(m)));
}

/* Kept where the roots themselves are: keys of nodes are a byte shorter, and what was counted is as old as its root. */
struct counts_key {
    char bytes[1 + sizeof(int64_t)];
};

struct memberships_counts memberships_counts(struct store_tx *tx, int64_t room_nid, int64_t root)
{
    struct memberships_counts counts;
    struct row_cache_bytes cached;
    struct counts_key key = {.bytes = {'c'}};
    struct str name = {key.bytes, sizeof key.bytes};
    memcpy(key.bytes + 1, &root, sizeof root);
    if (row_cache_get(tx->store->state_nodes, name, &cached)) {
        memcpy(&counts, cached.p, sizeof counts);
        return counts;
    }
    counts.joined = memberships_count(tx, room_nid, MEMBERSHIP_JOIN);
    counts.invited = memberships_count(tx, room_nid, MEMBERSHIP_INVITE);
    if (root && !store_tx_failed(tx))
        row_cache_put(tx->store->state_nodes, tx, root, name, (struct str){(const char *)&counts, sizeof counts});
    return counts;
}

void event_pushes_add(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t pos, int64_t notify_delta,
                      int64_t highlight_delta)
{
    sql_push(tx, &insert_push, SQL_INT(user_nid), SQL_INT(room_nid), SQL_INT(pos), SQL_INT(notify_delta),
             SQL_INT(highlight_delta));
}

void event_pushes_sum(struct store_tx *tx, int64_t user_nid, int64_t room_nid, int64_t pos, int64_t up_to,
                      int64_t *notify_out, int64_t *highlight_out)
{
    struct sql_cursor c;
    *notify_out = *highlight_out = 0;
    sql_query(tx, &sum_pushes, &c, SQL_INT(user_nid), SQL_INT(room_nid), SQL_INT(pos), SQL_INT(up_to));
    if (sql_next(&c)) {
        *notify_out = sql_int(&c, 0);
        *highlight_out = sql_int(&c, 1);
    }
    sql_end(&c);
}
