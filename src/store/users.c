#include "store/users.h"

#include "store/row_cache.h"
#include "store/sql.h"
#include "store/tx.h"

#include <string.h>

static const struct sql select_nid = SQL("SELECT user_nid FROM users WHERE user_id = $1");
static const struct sql select_id = SQL("SELECT user_id FROM users WHERE user_nid = $1");
static const struct sql insert = SQL("INSERT INTO users (user_id) VALUES ($1) RETURNING user_nid");

/* As a key of the cache; user ids begin with '@', so none looks like it. */
struct number_key {
    char bytes[1 + sizeof(int64_t)];
};

static struct str pack_number(struct number_key *out, int64_t nid)
{
    out->bytes[0] = '#';
    memcpy(out->bytes + 1, &nid, sizeof nid);
    return (struct str){out->bytes, sizeof out->bytes};
}

static void remember(struct store_tx *tx, int64_t nid, struct str user_id)
{
    struct number_key number;
    if (!nid || !str_starts(user_id, STR("@")))
        return;
    row_cache_put(tx->store->users, tx, nid, user_id, (struct str){(const char *)&nid, sizeof nid});
    row_cache_put(tx->store->users, tx, nid, pack_number(&number, nid), user_id);
}

int64_t users_nid_of(struct store_tx *tx, struct str user_id)
{
    struct row_cache_bytes cached;
    int64_t nid = 0;
    if (str_starts(user_id, STR("@")) && row_cache_get(tx->store->users, user_id, &cached)) {
        memcpy(&nid, cached.p, sizeof nid);
        return nid;
    }
    nid = sql_int_of(tx, &select_nid, 0, SQL_TEXT(user_id));
    remember(tx, nid, user_id);
    return nid;
}

int64_t users_intern(struct store_tx *tx, struct str user_id)
{
    int64_t nid = users_nid_of(tx, user_id);
    if (nid)
        return nid;
    nid = sql_int_of(tx, &insert, 0, SQL_TEXT(user_id));
    remember(tx, nid, user_id);
    return nid;
}

struct str users_id_of(struct store_tx *tx, int64_t user_nid, struct arena *a)
{
    struct row_cache_bytes cached;
    struct number_key number;
    if (row_cache_get(tx->store->users, pack_number(&number, user_nid), &cached))
        return str_copy(a, (struct str){cached.p, cached.n});
    struct sql_cursor c;
    struct str id = {0};
    sql_query(tx, &select_id, &c, SQL_INT(user_nid));
    if (sql_next(&c))
        id = sql_text(&c, 0, a);
    sql_end(&c);
    remember(tx, user_nid, id);
    return id;
}
