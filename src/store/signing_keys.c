#include "store/signing_keys.h"

#include "store/sql.h"
#include "store/tx.h"

static const struct sql select_known = SQL("SELECT value FROM meta WHERE name = 'signing_key'");
static const struct sql set_known = SQL("INSERT INTO meta (name, value) VALUES ('signing_key', $1)"
                                        " ON CONFLICT (name) DO UPDATE SET value = excluded.value");
static const struct sql insert_old = SQL("INSERT INTO meta (name, value) VALUES ('old_signing_key ' || $1, $2)"
                                         " ON CONFLICT (name) DO UPDATE SET value = excluded.value");
static const struct sql delete_old = SQL("DELETE FROM meta WHERE name = 'old_signing_key ' || $1");

static struct str text_of(struct arena *a, const struct signing_key_row *row)
{
    return str_fmt(a, "%.*s %.*s", STR_ARG(row->key_id), STR_ARG(row->public_key));
}

/* p == NULL if none is known. */
static struct str known_text(struct store_tx *tx, struct arena *a)
{
    struct sql_cursor c;
    struct str text = {0};
    sql_query0(tx, &select_known, &c);
    if (sql_next(&c))
        text = sql_text(&c, 0, a);
    sql_end(&c);
    return text;
}

struct signing_key_row signing_keys_known(struct store_tx *tx, struct arena *a)
{
    struct signing_key_row row = {0};
    struct str text = known_text(tx, a);
    if (text.p)
        row.key_id = str_cut(text, ' ', &row.public_key);
    return row;
}

bool signing_keys_take(struct store_tx *tx, const struct signing_key_row *row, bool unused)
{
    struct arena *a = store_tx_arena(tx);
    struct str known = known_text(tx, a), wanted = text_of(a, row);
    if (known.p && str_eq(known, wanted))
        return true;
    if (known.p && (!unused || tx_sharers(tx) > 0))
        return false;
    sql_exec(tx, &set_known, SQL_TEXT(wanted));
    return true;
}

bool signing_keys_change(struct store_tx *tx, const struct signing_key_row *row, int64_t now_ms)
{
    struct arena *a = store_tx_arena(tx);
    struct str known = known_text(tx, a), wanted = text_of(a, row);
    if (tx_sharers(tx) > 0)
        return false;
    if (known.p && str_eq(known, wanted))
        return true;
    if (known.p)
        sql_exec(tx, &insert_old, SQL_TEXT(known), SQL_TEXT(str_fmt(a, "%lld", (long long)now_ms)));
    sql_exec(tx, &delete_old, SQL_TEXT(wanted)); /* it is taken up again */
    sql_exec(tx, &set_known, SQL_TEXT(wanted));
    return true;
}
