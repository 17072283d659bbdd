#include "store/event_graph.h"

#include "store/events.h"
#include "store/sql.h"

#include <assert.h>

static const struct sql select_extremities =
    SQL("SELECT event_nid FROM forward_extremities WHERE room_nid = $1 ORDER BY event_nid");
static const struct sql delete_extremities = SQL("DELETE FROM forward_extremities WHERE room_nid = $1");
static const struct sql insert_extremity = SQL("INSERT INTO forward_extremities (room_nid, event_nid) VALUES ($1, $2)");
static const struct sql insert_awaited = SQL("INSERT INTO awaited_events (event_id, why, event_nid, room_nid)"
                                             " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
static const struct sql select_awaited_for = SQL("SELECT event_nid FROM awaited_events WHERE event_id = $1 AND why = $2"
                                                 " AND room_nid = $3 ORDER BY event_nid LIMIT $4");
static const struct sql count_awaited_for = SQL("SELECT count(*) FROM (SELECT 1 FROM awaited_events WHERE event_id = $1"
                                                " AND why = $2 AND room_nid = $3 LIMIT $4) AS awaiting");
static const struct sql delete_awaited = SQL("DELETE FROM awaited_events WHERE event_id = $1 AND why = $2");
static const struct sql select_before =
    SQL("SELECT event_id FROM awaited_events WHERE event_nid = $1 AND why = 1 ORDER BY event_id LIMIT $2");

static const struct sql select_room_state =
    SQL("SELECT pos, state_root, folded_root FROM room_states WHERE room_nid = $1");
static const struct sql set_room_state =
    SQL("INSERT INTO room_states (room_nid, pos, state_root, folded_root) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (room_nid) DO UPDATE SET pos = $2, state_root = $3, folded_root = $4");
static const struct sql delete_room_state = SQL("DELETE FROM room_states WHERE room_nid = $1");

size_t forward_extremities_of(struct store_tx *tx, int64_t room_nid, struct arena *a, int64_t **event_nids_out)
{
    int64_t *nids = ARENA_ARRAY(a, FORWARD_EXTREMITIES_MAX, int64_t);
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, &select_extremities, &c, SQL_INT(room_nid));
    while (count < FORWARD_EXTREMITIES_MAX && sql_next(&c))
        nids[count++] = sql_int(&c, 0);
    sql_end(&c);
    struct event_row last;
    if (count == 0 && events_last_numbers(tx, room_nid, INT64_MAX, &last))
        nids[count++] = last.event_nid;
    *event_nids_out = nids;
    return count;
}

void forward_extremities_set(struct store_tx *tx, int64_t room_nid, const int64_t *event_nids, size_t count)
{
    struct event_row last;
    sql_push(tx, &delete_extremities, SQL_INT(room_nid));
    if (count == 1 && events_last_numbers(tx, room_nid, INT64_MAX, &last) && last.event_nid == event_nids[0])
        return;
    assert(count <= FORWARD_EXTREMITIES_MAX);
    for (size_t i = 0; i < count; i++)
        sql_push(tx, &insert_extremity, SQL_INT(room_nid), SQL_INT(event_nids[i]));
}

struct room_state_row room_states_get(struct store_tx *tx, int64_t room_nid)
{
    struct room_state_row row = {0};
    struct sql_cursor c;
    sql_query(tx, &select_room_state, &c, SQL_INT(room_nid));
    if (sql_next(&c))
        row = (struct room_state_row){sql_int(&c, 0), sql_int(&c, 1), sql_int(&c, 2)};
    sql_end(&c);
    return row;
}

void room_states_set(struct store_tx *tx, int64_t room_nid, const struct room_state_row *row)
{
    if (row->state_root || row->folded_root)
        sql_push(tx, &set_room_state, SQL_INT(room_nid), SQL_INT(row->pos), SQL_INT(row->state_root),
                 SQL_INT(row->folded_root));
    else
        sql_push(tx, &delete_room_state, SQL_INT(room_nid));
}

void awaited_events_add(struct store_tx *tx, struct str event_id, const struct awaited_row *row)
{
    sql_push(tx, &insert_awaited, SQL_TEXT(event_id), SQL_INT(row->why), SQL_INT(row->event_nid),
             SQL_INT(row->room_nid));
}

size_t awaited_events_count(struct store_tx *tx, struct str event_id, enum awaited why, int64_t room_nid, size_t limit)
{
    return (size_t)sql_int_of(tx, &count_awaited_for, 0, SQL_TEXT(event_id), SQL_INT(why), SQL_INT(room_nid),
                              SQL_INT(limit));
}

size_t awaited_events_for(struct store_tx *tx, struct str event_id, enum awaited why, int64_t room_nid, size_t limit,
                          struct arena *a, int64_t **event_nids_out)
{
    size_t count = 0;
    struct sql_cursor c;
    *event_nids_out = NULL;
    sql_query(tx, &select_awaited_for, &c, SQL_TEXT(event_id), SQL_INT(why), SQL_INT(room_nid), SQL_INT(limit));
    while (count < limit && sql_next(&c)) {
        if (count == 0)
            *event_nids_out = ARENA_ARRAY(a, limit, int64_t);
        (*event_nids_out)[count++] = sql_int(&c, 0);
    }
    sql_end(&c);
    return count;
}

void awaited_events_remove(struct store_tx *tx, struct str event_id, enum awaited why)
{
    sql_push(tx, &delete_awaited, SQL_TEXT(event_id), SQL_INT(why));
}

size_t awaited_events_before(struct store_tx *tx, int64_t event_nid, size_t limit, struct arena *a,
                             struct str **event_ids_out)
{
    struct str *ids = ARENA_ARRAY(a, limit, struct str);
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, &select_before, &c, SQL_INT(event_nid), SQL_INT(limit));
    while (count < limit && sql_next(&c))
        ids[count++] = sql_text(&c, 0, a);
    sql_end(&c);
    *event_ids_out = ids;
    return count;
}
