#include "store/rooms.h"

#include "store/sql.h"

static const struct sql select_nid = SQL("SELECT room_nid FROM rooms WHERE room_id = $1");
static const struct sql select_room = SQL("SELECT room_id, version FROM rooms WHERE room_nid = $1");
static const struct sql insert_room = SQL("INSERT INTO rooms (room_id, version) VALUES ($1, $2) RETURNING room_nid");
static const struct sql select_head = SQL("SELECT head_version FROM rooms WHERE room_nid = $1");
static const struct sql update_head =
    SQL("UPDATE rooms SET head_version = head_version + 1 WHERE room_nid = $1 AND head_version = $2");
static const struct sql select_alias = SQL("SELECT room_nid, creator_nid FROM room_aliases WHERE alias = $1");
static const struct sql insert_alias = SQL("INSERT INTO room_aliases (alias, room_nid, creator_nid) VALUES ($1, $2, $3)"
                                           " ON CONFLICT (alias) DO NOTHING");
static const struct sql delete_alias = SQL("DELETE FROM room_aliases WHERE alias = $1");
static const struct sql move_aliases = SQL("UPDATE room_aliases SET room_nid = $2 WHERE room_nid = $1");
static const struct sql select_aliases = SQL("SELECT alias FROM room_aliases WHERE room_nid = $1 ORDER BY alias");

int64_t rooms_nid_of(struct store_tx *tx, struct str room_id)
{
    return sql_int_of(tx, &select_nid, 0, SQL_TEXT(room_id));
}

bool rooms_get(struct store_tx *tx, int64_t room_nid, struct arena *a, struct str *room_id_out, struct str *version_out)
{
    struct sql_cursor c;
    sql_query(tx, &select_room, &c, SQL_INT(room_nid));
    bool found = sql_next(&c);
    if (found) {
        *room_id_out = sql_text(&c, 0, a);
        *version_out = sql_text(&c, 1, a);
    }
    sql_end(&c);
    return found;
}

int64_t rooms_insert(struct store_tx *tx, struct str room_id, struct str version)
{
    return sql_int_of(tx, &insert_room, 0, SQL_TEXT(room_id), SQL_TEXT(version));
}

int64_t rooms_head_version(struct store_tx *tx, int64_t room_nid)
{
    return sql_int_of(tx, &select_head, -1, SQL_INT(room_nid));
}

bool rooms_head_advance(struct store_tx *tx, int64_t room_nid, int64_t built_on)
{
    return sql_exec(tx, &update_head, SQL_INT(room_nid), SQL_INT(built_on)) == 1;
}

int64_t room_aliases_find(struct store_tx *tx, struct str alias, int64_t *creator_nid_out)
{
    struct sql_cursor c;
    int64_t room_nid = 0;
    *creator_nid_out = 0;
    sql_query(tx, &select_alias, &c, SQL_TEXT(alias));
    if (sql_next(&c)) {
        room_nid = sql_int(&c, 0);
        *creator_nid_out = sql_int(&c, 1);
    }
    sql_end(&c);
    return room_nid;
}

bool room_aliases_insert(struct store_tx *tx, struct str alias, int64_t room_nid, int64_t creator_nid)
{
    return sql_exec(tx, &insert_alias, SQL_TEXT(alias), SQL_INT(room_nid), SQL_INT(creator_nid)) == 1;
}

void room_aliases_delete(struct store_tx *tx, struct str alias)
{
    sql_exec(tx, &delete_alias, SQL_TEXT(alias));
}

void room_aliases_move(struct store_tx *tx, int64_t from_nid, int64_t to_nid)
{
    sql_exec(tx, &move_aliases, SQL_INT(from_nid), SQL_INT(to_nid));
}

struct room_aliases room_aliases_of(struct store_tx *tx, int64_t room_nid, struct arena *a)
{
    struct room_aliases list = {0};
    size_t cap = 0;
    struct sql_cursor c;
    sql_query(tx, &select_aliases, &c, SQL_INT(room_nid));
    while (sql_next(&c)) {
        if (list.count == cap) {
            size_t grown = cap ? 2 * cap : 4;
            list.items = arena_grow(a, list.items, cap * sizeof *list.items, grown * sizeof *list.items);
            cap = grown;
        }
        list.items[list.count++] = sql_text(&c, 0, a);
    }
    sql_end(&c);
    return list;
}
