#include "store/auth_chains.h"

#include "base/map.h"
#include "store/sql.h"

#include <stdlib.h>

static const struct sql insert_place = SQL("INSERT INTO auth_chains (event_nid, chain_nid, seq) VALUES ($1, $2, $3)");
static const struct sql insert_link =
    SQL("INSERT INTO auth_links (chain_nid, seq, to_chain_nid, to_seq) VALUES ($1, $2, $3, $4)");
static const struct sql select_place = SQL("SELECT chain_nid, seq FROM auth_chains WHERE event_nid = $1");
static const struct sql select_at = SQL("SELECT event_nid FROM auth_chains WHERE chain_nid = $1 AND seq = $2");
static const struct sql select_between =
    SQL("SELECT event_nid FROM auth_chains WHERE chain_nid = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq");
static const struct sql select_links = SQL("SELECT seq, to_chain_nid, to_seq FROM auth_links"
                                           " WHERE chain_nid = $1 AND seq > $2 AND seq <= $3 ORDER BY seq");
static const struct sql select_links_to =
    SQL("SELECT chain_nid, seq FROM auth_links WHERE to_chain_nid = $1 AND to_seq >= $2");

static const struct sql select_missing = SQL("SELECT 1 FROM meta WHERE name = 'auth_chains_missing'");
static const struct sql delete_missing = SQL("DELETE FROM meta WHERE name = 'auth_chains_missing'");
static const struct sql delete_places = SQL("DELETE FROM auth_chains");
static const struct sql delete_links = SQL("DELETE FROM auth_links");

bool auth_chains_missing(struct store_tx *tx)
{
    return sql_int_of0(tx, &select_missing, 0) != 0;
}

void auth_chains_clear(struct store_tx *tx)
{
    sql_exec0(tx, &delete_links);
    sql_exec0(tx, &delete_places);
}

void auth_chains_complete(struct store_tx *tx)
{
    sql_exec0(tx, &delete_missing);
}

/* --- sets of places: one number a chain --- */

struct link {
    struct auth_place from;
    struct auth_place to;
};

/* What was read, where several sets are looked at: most of what one of them touches, others touch too. */
struct read_chain {
    struct link *links; /* by the place they come from */
    size_t count;
    size_t cap;
    int64_t up_to;
};

struct memory {
    struct map_u64 chains; /* chain_nid -> struct read_chain */
    struct map_u64 places; /* event_nid -> struct auth_place */
};

/* A chain that a set touches. */
struct touched {
    int64_t chain_nid;
    int64_t seq;     /* up to here, or from here on */
    int64_t scanned; /* its links up to here, or from here on, have been followed */
    bool queued;
    struct touched *next; /* in the queue */
};

struct reach {
    struct arena *a;
    struct map_u64 chains; /* chain_nid -> struct touched */
    struct touched *queue;
    struct link *links; /* those that were followed, if `keep_links` */
    size_t link_count;
    size_t link_cap;
    bool keep_links;
    struct memory *memory; /* or NULL: each question is asked of the tables */
};

static struct reach reach_begin(struct arena *a)
{
    struct reach r = {.a = a};
    map_u64_init(&r.chains);
    return r;
}

static void reach_end(struct reach *r)
{
    map_u64_fini(&r->chains);
}

/* The number of the chain, or 0. */
static int64_t reach_of(const struct reach *r, int64_t chain_nid)
{
    const struct touched *t = map_u64_get(&r->chains, (uint64_t)chain_nid);
    return t ? t->seq : 0;
}

static struct touched *reach_touch(struct reach *r, int64_t chain_nid)
{
    struct touched *t = map_u64_get(&r->chains, (uint64_t)chain_nid);
    if (!t) {
        t = ARENA_NEW(r->a, struct touched);
        t->chain_nid = chain_nid;
        map_u64_put(&r->chains, (uint64_t)chain_nid, t);
    }
    return t;
}

static void reach_queue(struct reach *r, struct touched *t)
{
    if (t->queued)
        return;
    t->queued = true;
    t->next = r->queue;
    r->queue = t;
}

static struct touched *reach_next(struct reach *r)
{
    struct touched *t = r->queue;
    if (t) {
        r->queue = t->next;
        t->queued = false;
    }
    return t;
}

/* Takes in all of a chain up to the place. */
static void reach_raise(struct reach *r, struct auth_place place)
{
    if (place.seq < 1)
        return;
    struct touched *t = reach_touch(r, place.chain_nid);
    if (t->seq >= place.seq)
        return;
    t->seq = place.seq;
    reach_queue(r, t);
}

static void keep_link(struct reach *r, struct link link)
{
    if (r->link_count == r->link_cap) {
        size_t cap = r->link_cap ? 2 * r->link_cap : 32;
        r->links = arena_grow(r->a, r->links, r->link_cap * sizeof *r->links, cap * sizeof *r->links);
        r->link_cap = cap;
    }
    r->links[r->link_count++] = link;
}

/* The links of a chain, as far as they are wanted. */
static const struct read_chain *remember_links(struct store_tx *tx, struct reach *r, int64_t chain_nid, int64_t up_to)
{
    struct read_chain *chain = map_u64_get(&r->memory->chains, (uint64_t)chain_nid);
    if (!chain) {
        chain = ARENA_NEW(r->a, struct read_chain);
        map_u64_put(&r->memory->chains, (uint64_t)chain_nid, chain);
    }
    if (chain->up_to >= up_to)
        return chain;
    struct sql_cursor c;
    sql_query(tx, &select_links, &c, SQL_INT(chain_nid), SQL_INT(chain->up_to), SQL_INT(up_to));
    while (sql_next(&c)) {
        if (chain->count == chain->cap) {
            size_t cap = chain->cap ? 2 * chain->cap : 4;
            chain->links =
                arena_grow(r->a, chain->links, chain->cap * sizeof *chain->links, cap * sizeof *chain->links);
            chain->cap = cap;
        }
        chain->links[chain->count++] =
            (struct link){.from = {chain_nid, sql_int(&c, 0)}, .to = {sql_int(&c, 1), sql_int(&c, 2)}};
    }
    sql_end(&c);
    chain->up_to = up_to;
    return chain;
}

static void follow_remembered(struct store_tx *tx, struct reach *r, int64_t chain_nid, int64_t after, int64_t up_to)
{
    const struct read_chain *chain = remember_links(tx, r, chain_nid, up_to);
    size_t low = 0;
    size_t high = chain->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chain->links[middle].from.seq <= after)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < chain->count && chain->links[low].from.seq <= up_to; low++)
        reach_raise(r, chain->links[low].to);
}

/* Follows the links of a chain from places above `after`, up to `up_to`. */
static void follow_links(struct store_tx *tx, struct reach *r, int64_t chain_nid, int64_t after, int64_t up_to)
{
    struct sql_cursor c;
    if (r->memory) {
        follow_remembered(tx, r, chain_nid, after, up_to);
        return;
    }
    sql_query(tx, &select_links, &c, SQL_INT(chain_nid), SQL_INT(after), SQL_INT(up_to));
    while (sql_next(&c)) {
        struct auth_place to = {sql_int(&c, 1), sql_int(&c, 2)};
        if (r->keep_links)
            keep_link(r, (struct link){.from = {chain_nid, sql_int(&c, 0)}, .to = to});
        reach_raise(r, to);
    }
    sql_end(&c);
}

/* Takes in all that is reached from what it has. */
static void reach_follow(struct store_tx *tx, struct reach *r)
{
    struct touched *t;
    while (!store_tx_failed(tx) && (t = reach_next(r))) {
        int64_t after = t->scanned;
        t->scanned = t->seq;
        follow_links(tx, r, t->chain_nid, after, t->seq);
    }
}

/* Takes in the auth chain of the event at a place, without itself. */
static void reach_below(struct store_tx *tx, struct reach *r, struct auth_place place)
{
    reach_raise(r, (struct auth_place){place.chain_nid, place.seq - 1});
    follow_links(tx, r, place.chain_nid, place.seq - 1, place.seq);
}

/* --- adding --- */

struct auth_place auth_chains_place(struct store_tx *tx, int64_t event_nid)
{
    struct auth_place place = {0};
    struct sql_cursor c;
    sql_query(tx, &select_place, &c, SQL_INT(event_nid));
    if (sql_next(&c))
        place = (struct auth_place){sql_int(&c, 0), sql_int(&c, 1)};
    sql_end(&c);
    return place;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

/* The place behind the event with the same key if that ends its chain; else the first of a new chain. */
static struct auth_place place_for(struct store_tx *tx, int64_t event_nid, int64_t same_key)
{
    struct auth_place before = same_key ? auth_chains_place(tx, same_key) : (struct auth_place){0};
    if (before.seq && !sql_int_of(tx, &select_at, 0, SQL_INT(before.chain_nid), SQL_INT(before.seq + 1)))
        return (struct auth_place){before.chain_nid, before.seq + 1};
    return (struct auth_place){event_nid, 1};
}

void auth_chains_add(struct store_tx *tx, int64_t event_nid, const int64_t *auth, size_t count, int64_t same_key)
{
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    struct auth_place place = place_for(tx, event_nid, same_key);
    sql_push(tx, &insert_place, SQL_INT(event_nid), SQL_INT(place.chain_nid), SQL_INT(place.seq));

    struct reach known = reach_begin(a);
    reach_raise(&known, (struct auth_place){place.chain_nid, place.seq - 1});
    reach_follow(tx, &known);
    /* The newest first: what follows from one of them was there before it. */
    int64_t *cited = ARENA_ARRAY(a, count, int64_t);
    for (size_t i = 0; i < count; i++)
        cited[i] = auth[i];
    if (count > 1)
        qsort(cited, count, sizeof *cited, newest_first);
    for (size_t i = 0; i < count; i++) {
        struct auth_place to = auth_chains_place(tx, cited[i]);
        if (!to.seq || reach_of(&known, to.chain_nid) >= to.seq)
            continue;
        sql_push(tx, &insert_link, SQL_INT(place.chain_nid), SQL_INT(place.seq), SQL_INT(to.chain_nid),
                 SQL_INT(to.seq));
        reach_raise(&known, to);
        reach_follow(tx, &known);
    }
    reach_end(&known);
    arena_release(a, mark);
}

/* --- asking --- */

bool auth_chains_reach(struct store_tx *tx, int64_t event, int64_t ancestor)
{
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    struct auth_place want = auth_chains_place(tx, ancestor);
    struct reach r = reach_begin(a);
    reach_below(tx, &r, auth_chains_place(tx, event));
    reach_follow(tx, &r);
    bool reached = want.seq && reach_of(&r, want.chain_nid) >= want.seq;
    reach_end(&r);
    arena_release(a, mark);
    return reached;
}

/* Events of one chain, appended to a list that grows in the arena. */
struct found {
    struct arena *a;
    int64_t *events;
    size_t count;
    size_t cap;
};

static void found_add(struct found *f, int64_t event)
{
    if (f->count == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 16;
        f->events = arena_grow(f->a, f->events, f->cap * sizeof *f->events, cap * sizeof *f->events);
        f->cap = cap;
    }
    f->events[f->count++] = event;
}

static void found_add_range(struct store_tx *tx, struct found *f, int64_t chain_nid, int64_t from, int64_t to)
{
    struct sql_cursor c;
    if (from > to)
        return;
    sql_query(tx, &select_between, &c, SQL_INT(chain_nid), SQL_INT(from), SQL_INT(to));
    while (sql_next(&c))
        found_add(f, sql_int(&c, 0));
    sql_end(&c);
}

static size_t found_end(struct found *f, int64_t **events_out)
{
    if (f->count > 1)
        qsort(f->events, f->count, sizeof *f->events, oldest_first);
    *events_out = f->events;
    return f->count;
}

/* Lowers the place in a chain from which on everything leads to what is looked for. */
static void reach_lower(struct reach *r, struct auth_place place)
{
    struct touched *t = reach_touch(r, place.chain_nid);
    if (t->seq && t->seq <= place.seq)
        return;
    t->seq = place.seq;
    reach_queue(r, t);
}

/* True if the event at the place is in the auth chain of an event that all sets have: goes from it to what cites it,
 * and mostly ends after a step or two, at the newest membership or power levels. */
static bool is_common(struct store_tx *tx, struct arena *a, struct auth_place place, struct auth_common common)
{
    struct reach citing = reach_begin(a);
    struct touched *t;
    bool found = common.highest(common.ctx, tx, place.chain_nid) > place.seq;
    reach_lower(&citing, place);
    while (!found && !store_tx_failed(tx) && (t = reach_next(&citing))) {
        struct sql_cursor c;
        sql_query(tx, &select_links_to, &c, SQL_INT(t->chain_nid), SQL_INT(t->seq));
        while (!found && sql_next(&c)) {
            struct auth_place from = {sql_int(&c, 0), sql_int(&c, 1)};
            found = common.highest(common.ctx, tx, from.chain_nid) >= from.seq;
            reach_lower(&citing, from);
        }
        sql_end(&c);
    }
    reach_end(&citing);
    return found;
}

/* The lowest place above `low` and up to `high` that is not common, or `high` + 1: with a place, all before it are. */
static int64_t first_uncommon(struct store_tx *tx, struct arena *a, int64_t chain_nid, int64_t low, int64_t high,
                              struct auth_common common)
{
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        struct arena_mark mark = arena_mark(a);
        bool is = is_common(tx, a, (struct auth_place){chain_nid, middle}, common);
        arena_release(a, mark);
        if (is)
            low = middle;
        else
            high = middle - 1;
    }
    return low + 1;
}

static struct auth_place remember_place(struct store_tx *tx, struct reach *r, int64_t event_nid)
{
    struct auth_place *place = map_u64_get(&r->memory->places, (uint64_t)event_nid);
    if (!place) {
        place = ARENA_NEW(r->a, struct auth_place);
        *place = auth_chains_place(tx, event_nid);
        map_u64_put(&r->memory->places, (uint64_t)event_nid, place);
    }
    return *place;
}

/* All that is in an auth chain of the events. */
static struct reach reach_of_set(struct store_tx *tx, struct arena *a, struct memory *memory,
                                 const struct auth_set *set)
{
    struct reach r = reach_begin(a);
    r.memory = memory;
    for (size_t i = 0; i < set->count; i++)
        reach_below(tx, &r, remember_place(tx, &r, set->events[i]));
    reach_follow(tx, &r);
    return r;
}

size_t auth_chains_difference(struct store_tx *tx, struct arena *a, const struct auth_set *sets, size_t set_count,
                              struct auth_common common, int64_t **events_out)
{
    struct found found = {.a = a};
    struct reach all = reach_begin(a); /* the union */
    struct reach *each = ARENA_ARRAY(a, set_count, struct reach);
    struct memory memory;
    map_u64_init(&memory.chains);
    map_u64_init(&memory.places);
    for (size_t i = 0; i < set_count; i++) {
        each[i] = reach_of_set(tx, a, &memory, &sets[i]);
        size_t at = 0;
        const struct touched *t;
        while ((t = map_u64_next(&each[i].chains, &at)))
            reach_raise(&all, (struct auth_place){t->chain_nid, t->seq});
    }
    size_t at = 0;
    const struct touched *t;
    while ((t = map_u64_next(&all.chains, &at))) {
        int64_t low = t->seq; /* up to here it is in all of them */
        for (size_t i = 0; i < set_count; i++) {
            int64_t seq = reach_of(&each[i], t->chain_nid);
            low = seq < low ? seq : low;
        }
        if (low < t->seq)
            found_add_range(tx, &found, t->chain_nid, first_uncommon(tx, a, t->chain_nid, low, t->seq, common), t->seq);
    }
    for (size_t i = 0; i < set_count; i++)
        reach_end(&each[i]);
    map_u64_fini(&memory.places);
    map_u64_fini(&memory.chains);
    reach_end(&all);
    return found_end(&found, events_out);
}

static int by_target(const void *a, const void *b)
{
    const struct link *x = a;
    const struct link *y = b;
    if (x->to.chain_nid != y->to.chain_nid)
        return x->to.chain_nid < y->to.chain_nid ? -1 : 1;
    return (x->to.seq > y->to.seq) - (x->to.seq < y->to.seq);
}

/* The first of the links, which are sorted by target, that leads into the chain at `seq` or above. */
static size_t first_link_to(const struct reach *r, int64_t chain_nid, int64_t seq)
{
    struct link want = {.to = {chain_nid, seq}};
    size_t low = 0;
    size_t high = r->link_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_target(&r->links[middle], &want) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t auth_chains_subgraph(struct store_tx *tx, struct arena *a, struct auth_set conflicted, int64_t **events_out)
{
    struct found found = {.a = a};
    struct reach down = reach_begin(a); /* up to where each chain is in an auth chain of theirs, or is one of them */
    struct reach up = reach_begin(a);   /* from where on each chain has one of them in its auth chain, or is one */
    down.keep_links = true;
    for (size_t i = 0; i < conflicted.count; i++) {
        struct auth_place place = auth_chains_place(tx, conflicted.events[i]);
        if (!place.seq)
            continue;
        reach_raise(&down, place);
        reach_lower(&up, place);
    }
    reach_follow(tx, &down);
    if (down.link_count > 1)
        qsort(down.links, down.link_count, sizeof *down.links, by_target);
    struct touched *t;
    while ((t = reach_next(&up))) {
        for (size_t i = first_link_to(&down, t->chain_nid, t->seq);
             i < down.link_count && down.links[i].to.chain_nid == t->chain_nid; i++)
            reach_lower(&up, down.links[i].from);
    }
    size_t at = 0;
    while ((t = map_u64_next(&up.chains, &at)))
        found_add_range(tx, &found, t->chain_nid, t->seq, reach_of(&down, t->chain_nid));
    reach_end(&up);
    reach_end(&down);
    return found_end(&found, events_out);
}
