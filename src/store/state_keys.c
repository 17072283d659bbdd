#include "store/state_keys.h"

#include "store/row_cache.h"
#include "store/sql.h"
#include "store/tx.h"

#include <string.h>

static const struct sql select_nid = SQL("SELECT state_key_nid FROM state_keys WHERE type = $1 AND state_key = $2");
static const struct sql select_pair = SQL("SELECT type, state_key FROM state_keys WHERE state_key_nid = $1");
static const struct sql insert =
    SQL("INSERT INTO state_keys (type, state_key) VALUES ($1, $2) RETURNING state_key_nid");

/* Keys of the cache begin with what they are: names are strangers' bytes and could look like a number. */
enum { TAG_PAIR = 'p', TAG_NUMBER = 'n' };

struct pair_head {
    char tag;
    char zero[3];
    uint32_t type_n;
};

/* A pair as bytes: a head, the type, the state key; n is 0 if that is too long to be remembered. */
static struct str pack(struct row_cache_bytes *out, struct str type, struct str state_key)
{
    struct pair_head head = {.tag = TAG_PAIR, .type_n = (uint32_t)type.n};
    if (type.n + state_key.n > sizeof out->p - sizeof head)
        return (struct str){NULL, 0};
    out->n = sizeof head + type.n + state_key.n;
    memcpy(out->p, &head, sizeof head);
    memcpy(out->p + sizeof head, type.p ? type.p : "", type.n);
    memcpy(out->p + sizeof head + type.n, state_key.p ? state_key.p : "", state_key.n);
    return (struct str){out->p, out->n};
}

static void unpack(struct str pair, struct arena *a, struct str *type_out, struct str *state_key_out)
{
    struct pair_head head;
    memcpy(&head, pair.p, sizeof head);
    struct str names = str_slice(pair, sizeof head, pair.n);
    *type_out = str_copy(a, str_slice(names, 0, head.type_n));
    *state_key_out = str_copy(a, str_slice(names, head.type_n, names.n));
}

struct number_key {
    char bytes[1 + sizeof(int64_t)];
};

static struct str pack_number(struct number_key *out, int64_t nid)
{
    out->bytes[0] = TAG_NUMBER;
    memcpy(out->bytes + 1, &nid, sizeof nid);
    return (struct str){out->bytes, sizeof out->bytes};
}

static void remember(struct store_tx *tx, int64_t nid, struct str pair)
{
    struct number_key number;
    if (!pair.n || !nid)
        return;
    row_cache_put(tx->store->state_keys, tx, nid, pair, (struct str){(const char *)&nid, sizeof nid});
    row_cache_put(tx->store->state_keys, tx, nid, pack_number(&number, nid), pair);
}

int64_t state_keys_find(struct store_tx *tx, struct str type, struct str state_key)
{
    struct row_cache_bytes packed, cached;
    struct str pair = pack(&packed, type, state_key);
    int64_t nid = 0;
    if (pair.n && row_cache_get(tx->store->state_keys, pair, &cached)) {
        memcpy(&nid, cached.p, sizeof nid);
        return nid;
    }
    nid = sql_int_of(tx, &select_nid, 0, SQL_BLOB(type), SQL_BLOB(state_key));
    remember(tx, nid, pair);
    return nid;
}

int64_t state_keys_intern(struct store_tx *tx, struct str type, struct str state_key)
{
    int64_t nid = state_keys_find(tx, type, state_key);
    if (nid)
        return nid;
    struct row_cache_bytes packed;
    nid = sql_int_of(tx, &insert, 0, SQL_BLOB(type), SQL_BLOB(state_key));
    remember(tx, nid, pack(&packed, type, state_key));
    return nid;
}

bool state_keys_get(struct store_tx *tx, int64_t nid, struct arena *a, struct str *type_out, struct str *state_key_out)
{
    struct row_cache_bytes bytes;
    struct number_key number;
    if (row_cache_get(tx->store->state_keys, pack_number(&number, nid), &bytes)) {
        unpack((struct str){bytes.p, bytes.n}, a, type_out, state_key_out);
        return true;
    }
    struct sql_cursor c;
    sql_query(tx, &select_pair, &c, SQL_INT(nid));
    bool found = sql_next(&c);
    if (found) {
        *type_out = sql_text(&c, 0, a);
        *state_key_out = sql_text(&c, 1, a);
        remember(tx, nid, pack(&bytes, *type_out, *state_key_out));
    }
    sql_end(&c);
    return found;
}
