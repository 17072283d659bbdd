#include "store/relations.h"

#include "crypto/hash.h"
#include "store/sql.h"

#include <string.h>

static const struct sql insert_relation =
    SQL("INSERT INTO relations (parent_nid, pos, sub, event_nid, sender_nid, kind, rel_type, type, edit_ts, edit_id,"
        " annotation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING");
static const struct sql delete_relation =
    SQL("DELETE FROM relations WHERE parent_nid = $1 AND kind = $2 AND pos = $3 AND sub = $4");
static const struct sql note_related =
    SQL("UPDATE events SET related = related | $2 WHERE event_nid = $1 AND (related & $2) = 0");

static const struct sql add_to_thread =
    SQL("INSERT INTO threads (root_nid, room_nid, events, last_pos, last_sub) VALUES ($1, $2, 1, $3, $4)"
        " ON CONFLICT (root_nid) DO UPDATE SET events = threads.events + 1");
static const struct sql take_from_thread = SQL("UPDATE threads SET events = events - 1 WHERE root_nid = $1");
static const struct sql delete_empty_thread = SQL("DELETE FROM threads WHERE root_nid = $1 AND events <= 0");
static const struct sql set_thread_end = SQL("UPDATE threads SET last_pos = $2, last_sub = $3"
                                             " WHERE root_nid = $1 AND (last_pos <> $2 OR last_sub <> $3)");
static const struct sql select_thread = SQL("SELECT events, last_pos, last_sub FROM threads WHERE root_nid = $1");
static const struct sql select_thread_end = SQL("SELECT pos, sub FROM relations WHERE parent_nid = $1 AND kind = 2"
                                                " ORDER BY pos DESC, sub DESC LIMIT 1");
static const struct sql select_thread_events =
    SQL("SELECT event_nid FROM relations WHERE parent_nid = $1 AND kind = 2 ORDER BY pos DESC, sub DESC LIMIT $2");
static const struct sql select_participant =
    SQL("SELECT 1 FROM relations WHERE parent_nid = $1 AND sender_nid = $2 AND kind = 2 LIMIT 1");

static const struct sql select_edits =
    SQL("SELECT event_nid FROM relations WHERE parent_nid = $1 AND edit_id IS NOT NULL"
        " ORDER BY edit_ts DESC, edit_id DESC LIMIT $2");
static const struct sql select_references =
    SQL("SELECT e.event_nid, e.room_nid, e.pos, e.sub, e.sender_nid, e.state_key_nid, e.state_before, e.state_after,"
        " e.event_id FROM relations AS r JOIN events AS e ON e.event_nid = r.event_nid"
        " WHERE r.parent_nid = $1 AND r.kind = 3 ORDER BY r.pos, r.sub LIMIT $2");
static const struct sql select_annotation =
    SQL("SELECT 1 FROM relations WHERE parent_nid = $1 AND sender_nid = $2 AND kind = 4"
        " AND annotation = $3 LIMIT 1");

/* --- threads --- */

/* Where the thread ends now. */
static void settle_thread(struct store_tx *tx, int64_t root_nid)
{
    struct sql_cursor c;
    sql_query(tx, &select_thread_end, &c, SQL_INT(root_nid));
    bool found = sql_next(&c);
    int64_t pos = found ? sql_int(&c, 0) : 0;
    int64_t sub = found ? sql_int(&c, 1) : 0;
    sql_end(&c);
    if (found)
        sql_push(tx, &set_thread_end, SQL_INT(root_nid), SQL_INT(pos), SQL_INT(sub));
    else
        sql_push(tx, &delete_empty_thread, SQL_INT(root_nid));
}

bool relations_thread(struct store_tx *tx, int64_t root_nid, struct thread_row *row_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_thread, &c, SQL_INT(root_nid));
    bool found = sql_next(&c);
    if (found)
        *row_out = (struct thread_row){root_nid, sql_int(&c, 0), sql_int(&c, 1), sql_int(&c, 2)};
    sql_end(&c);
    return found;
}

bool relations_thread_has(struct store_tx *tx, int64_t root_nid, int64_t sender_nid)
{
    return sql_int_of(tx, &select_participant, 0, SQL_INT(root_nid), SQL_INT(sender_nid)) != 0;
}

/* --- writing --- */

/* What is the same twice. With the type in it, the index answers alone: SQLite takes another one otherwise. */
static void hash_annotation(struct store_tx *tx, struct str type, struct str key, uint8_t out[SHA256_SIZE])
{
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    char *p = arena_alloc(a, type.n + 1 + key.n);
    memcpy(p, type.p, type.n);
    p[type.n] = '\0';
    memcpy(p + type.n + 1, key.p, key.n);
    hash_sha256((struct str){p, type.n + 1 + key.n}, out);
    arena_release(a, mark);
}

void relations_add(struct store_tx *tx, const struct relation_row *row)
{
    uint8_t hash[SHA256_SIZE];
    struct sql_value annotation = SQL_NULL;
    bool is_other = row->kind == RELATION_OTHER;
    if (row->key.p) {
        hash_annotation(tx, row->type, row->key, hash);
        annotation = SQL_BLOB(((struct str){(const char *)hash, sizeof hash}));
    }
    int64_t added = sql_exec(tx, &insert_relation, SQL_INT(row->parent_nid), SQL_INT(row->pos), SQL_INT(row->sub),
                             SQL_INT(row->event_nid), SQL_INT(row->sender_nid), SQL_INT(row->kind),
                             is_other ? SQL_TEXT(row->rel_type) : SQL_NULL, SQL_TEXT(row->type),
                             row->is_edit ? SQL_INT(row->edit_ts) : SQL_NULL,
                             row->is_edit ? SQL_TEXT(row->event_id) : SQL_NULL, annotation);
    if (!added)
        return;
    sql_push(tx, &note_related, SQL_INT(row->parent_nid), SQL_INT(RELATED(row->kind)));
    if (row->kind == RELATION_THREAD) {
        sql_push(tx, &add_to_thread, SQL_INT(row->parent_nid), SQL_INT(row->room_nid), SQL_INT(row->pos),
                 SQL_INT(row->sub));
        settle_thread(tx, row->parent_nid);
    }
}

void relations_remove(struct store_tx *tx, int64_t parent_nid, enum relation_kind kind, int64_t pos, int64_t sub)
{
    int64_t removed = sql_exec(tx, &delete_relation, SQL_INT(parent_nid), SQL_INT(kind), SQL_INT(pos), SQL_INT(sub));
    if (!removed || kind != RELATION_THREAD)
        return;
    sql_push(tx, &take_from_thread, SQL_INT(parent_nid));
    settle_thread(tx, parent_nid);
}

/* --- reading --- */

static size_t read_nids(struct store_tx *tx, const struct sql *sql, int64_t parent_nid, size_t limit, int64_t *nids_out)
{
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, sql, &c, SQL_INT(parent_nid), SQL_INT(limit));
    while (count < limit && sql_next(&c))
        nids_out[count++] = sql_int(&c, 0);
    sql_end(&c);
    return count;
}

size_t relations_edits(struct store_tx *tx, int64_t parent_nid, size_t limit, int64_t *nids_out)
{
    return read_nids(tx, &select_edits, parent_nid, limit, nids_out);
}

size_t relations_thread_events(struct store_tx *tx, int64_t root_nid, size_t limit, int64_t *nids_out)
{
    return read_nids(tx, &select_thread_events, root_nid, limit, nids_out);
}

size_t relations_references(struct store_tx *tx, int64_t parent_nid, size_t limit, struct arena *a,
                            struct event_row **rows_out)
{
    struct event_row *rows = ARENA_ARRAY(a, limit, struct event_row);
    size_t count = 0;
    struct sql_cursor c;
    sql_query(tx, &select_references, &c, SQL_INT(parent_nid), SQL_INT(limit));
    while (count < limit && sql_next(&c))
        rows[count++] = (struct event_row){
            .event_nid = sql_int(&c, 0),
            .room_nid = sql_int(&c, 1),
            .pos = sql_int(&c, 2),
            .sub = sql_int(&c, 3),
            .sender_nid = sql_int(&c, 4),
            .state_key_nid = sql_int(&c, 5),
            .state_before = sql_int(&c, 6),
            .state_after = sql_int(&c, 7),
            .event_id = sql_text(&c, 8, a),
        };
    sql_end(&c);
    *rows_out = rows;
    return count;
}

bool relations_is_annotated(struct store_tx *tx, int64_t parent_nid, int64_t sender_nid, struct str type,
                            struct str key)
{
    uint8_t hash[SHA256_SIZE];
    hash_annotation(tx, type, key, hash);
    return sql_int_of(tx, &select_annotation, 0, SQL_INT(parent_nid), SQL_INT(sender_nid),
                      SQL_BLOB(((struct str){(const char *)hash, sizeof hash}))) != 0;
}
