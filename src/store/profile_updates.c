#include "store/profile_updates.h"

#include "store/sql.h"

static const struct sql select_one =
    SQL("SELECT user_nid, number, after_room FROM profile_updates WHERE user_nid = $1");
static const struct sql select_next =
    SQL("SELECT user_nid, number, after_room FROM profile_updates ORDER BY turn LIMIT $1");
static const struct sql upsert =
    SQL("INSERT INTO profile_updates (user_nid, number, after_room, turn) VALUES ($1, $2, 0, $2)"
        " ON CONFLICT (user_nid) DO UPDATE SET number = excluded.number, after_room = 0");
static const struct sql update_after =
    SQL("UPDATE profile_updates SET after_room = $3, turn = $4 WHERE user_nid = $1 AND number = $2");
static const struct sql delete_one = SQL("DELETE FROM profile_updates WHERE user_nid = $1 AND number = $2");

static size_t read_rows(struct sql_cursor *c, struct profile_update *out, size_t max)
{
    size_t count = 0;
    while (sql_next(c) && count < max)
        out[count++] = (struct profile_update){sql_int(c, 0), sql_int(c, 1), sql_int(c, 2)};
    sql_end(c);
    return count;
}

bool profile_updates_get(struct store_tx *tx, int64_t user_nid, struct profile_update *out)
{
    struct sql_cursor c;
    sql_query(tx, &select_one, &c, SQL_INT(user_nid));
    return read_rows(&c, out, 1) == 1;
}

size_t profile_updates_next(struct store_tx *tx, struct profile_update *out, size_t max)
{
    struct sql_cursor c;
    sql_query(tx, &select_next, &c, SQL_INT(max));
    return read_rows(&c, out, max);
}

void profile_updates_add(struct store_tx *tx, int64_t user_nid)
{
    sql_exec(tx, &upsert, SQL_INT(user_nid), SQL_INT(store_next_pos(tx)));
}

void profile_updates_move(struct store_tx *tx, const struct profile_update *update)
{
    sql_exec(tx, &update_after, SQL_INT(update->user_nid), SQL_INT(update->number), SQL_INT(update->after_room),
             SQL_INT(store_next_pos(tx)));
}

void profile_updates_done(struct store_tx *tx, const struct profile_update *update)
{
    sql_exec(tx, &delete_one, SQL_INT(update->user_nid), SQL_INT(update->number));
}
