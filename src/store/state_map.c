#include "store/state_map.h"

#include "crypto/hash.h"
#include "store/row_cache.h"
#include "store/sql.h"
#include "store/state_node.h"
#include "store/tx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct sql select_node = SQL("SELECT node FROM state_nodes WHERE node_nid = $1");
static const struct sql select_same = SQL("SELECT node_nid, node FROM state_nodes WHERE near = $1 AND hash = $2");
static const struct sql insert_node = SQL("INSERT INTO state_nodes (near, hash, node) VALUES ($1, $2, $3)"
                                          " ON CONFLICT (near, hash) DO NOTHING RETURNING node_nid");

static const struct state_node empty = {.is_leaf = true};

/* --- nodes in the database --- */

static struct str cache_key(const int64_t *nid)
{
    return (struct str){(const char *)nid, sizeof *nid};
}

static void remember(struct store_tx *tx, int64_t nid, struct str bytes)
{
    row_cache_put(tx->store->state_nodes, tx, nid, cache_key(&nid), bytes);
}

/* The node that stands at `level`; the empty leaf for 0 and on failure. */
static void load(struct store_tx *tx, int64_t nid, int level, struct state_node *out)
{
    struct row_cache_bytes cached;
    *out = empty;
    if (nid == 0 || tx->failed)
        return;
    if (level == STATE_LEVELS) {
        sql_fail(tx, "a state map has no end");
        return;
    }
    if (row_cache_get(tx->store->state_nodes, cache_key(&nid), &cached)) {
        bool ok = state_node_decode((struct str){cached.p, cached.n}, out);
        assert(ok); /* it was looked at before it was remembered */
        return;
    }
    struct sql_cursor c;
    sql_query(tx, &select_node, &c, SQL_INT(nid));
    struct str bytes = sql_next(&c) ? sql_peek(&c, 0) : (struct str){NULL, 0};
    if (state_node_decode(bytes, out)) {
        remember(tx, nid, bytes);
    } else {
        sql_fail(tx, bytes.p ? "a node of a state map is damaged" : "a node of a state map is missing");
        *out = empty;
    }
    sql_end(&c);
}

static int64_t find_same(struct store_tx *tx, const struct state_node_bytes *bytes, struct str hash)
{
    struct sql_cursor c;
    int64_t nid = 0;
    sql_query(tx, &select_same, &c, SQL_INT(bytes->near), SQL_BLOB(hash));
    if (sql_next(&c)) {
        nid = sql_int(&c, 0);
        if (!str_eq(sql_peek(&c, 1), (struct str){bytes->p, bytes->n}))
            sql_fail(tx, "two different nodes of state maps have the same hash");
    }
    sql_end(&c);
    return nid;
}

static int64_t store_node(struct store_tx *tx, const struct state_node *node)
{
    struct state_node_bytes bytes;
    uint8_t sha256[SHA256_SIZE];
    state_node_encode(node, &bytes);
    struct str content = {bytes.p, bytes.n};
    hash_sha256(content, sha256);
    struct str hash = {(const char *)sha256, STATE_HASH_SIZE};
    int64_t nid = sql_int_of(tx, &insert_node, 0, SQL_INT(bytes.near), SQL_BLOB(hash), SQL_BLOB(content));
    if (!nid)
        nid = find_same(tx, &bytes, hash);
    if (nid)
        remember(tx, nid, content);
    return nid;
}

/* Where the slots end that have the child of slot `s`. */
static int run_end(const struct state_node *branch, int s)
{
    int end = s + 1;
    while (end < STATE_FANOUT && branch->children[s] && branch->children[end] == branch->children[s])
        end++;
    return end;
}

/* --- looking up --- */

static int64_t find_entry(const struct state_node *leaf, int64_t key)
{
    for (int64_t i = 0; i < leaf->count && leaf->entries[i].key <= key; i++)
        if (leaf->entries[i].key == key)
            return leaf->entries[i].event;
    return 0;
}

int64_t state_map_get(struct store_tx *tx, int64_t root, int64_t key)
{
    struct state_node node;
    load(tx, root, 0, &node);
    for (int level = 0; !node.is_leaf; level++)
        load(tx, node.children[state_node_slot(key, level)], level + 1, &node);
    return find_entry(&node, key);
}

int64_t state_map_count(struct store_tx *tx, int64_t root)
{
    struct state_node node;
    load(tx, root, 0, &node);
    return node.count;
}

/* --- changing --- */

static int compare_keys(const void *a, const void *b)
{
    const struct state_entry *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Parts entries by slot: those of slot i stand from starts[i] to starts[i + 1] of the result, in the order in which
 * they stood before. */
static struct state_entry *part(struct arena *a, const struct state_entry *entries, size_t n, int level,
                                size_t starts[STATE_FANOUT + 1])
{
    struct state_entry *parted = ARENA_ARRAY(a, n, struct state_entry);
    size_t next[STATE_FANOUT + 1] = {0};
    for (size_t i = 0; i < n; i++)
        next[state_node_slot(entries[i].key, level) + 1]++;
    for (int s = 0; s < STATE_FANOUT; s++)
        next[s + 1] += next[s];
    memcpy(starts, next, sizeof next);
    for (size_t i = 0; i < n; i++)
        parted[next[state_node_slot(entries[i].key, level)]++] = entries[i];
    return parted;
}

static int64_t build(struct store_tx *tx, struct arena *a, const struct state_entry *entries, size_t n, int level);

/* The children for `size` slots of a branch at `level`, from slot `lo` on. Parted entries are put into another order.
 */
static void build_block(struct store_tx *tx, struct arena *a, struct state_entry *parted, const size_t *starts, int lo,
                        int size, int level, int64_t *children)
{
    struct state_entry *entries = parted + starts[lo];
    size_t n = starts[lo + size] - starts[lo];
    if (size > 1 && n > STATE_LEAF_MAX) {
        build_block(tx, a, parted, starts, lo, size / 2, level, children);
        build_block(tx, a, parted, starts, lo + size / 2, size / 2, level, children);
        return;
    }
    if (size > 1)
        qsort(entries, n, sizeof *entries, compare_keys);
    int64_t nid = build(tx, a, entries, n, level + 1);
    for (int s = lo; s < lo + size; s++)
        children[s] = nid;
}

/* A trie for entries with ascending keys. */
static int64_t build(struct store_tx *tx, struct arena *a, const struct state_entry *entries, size_t n, int level)
{
    struct state_node node = {.is_leaf = n <= STATE_LEAF_MAX, .count = (int64_t)n};
    if (n == 0 || tx->failed)
        return 0;
    if (node.is_leaf) {
        memcpy(node.entries, entries, n * sizeof *entries);
        return store_node(tx, &node);
    }
    struct arena_mark mark = arena_mark(a);
    size_t starts[STATE_FANOUT + 1];
    struct state_entry *parted = part(a, entries, n, level, starts);
    build_block(tx, a, parted, starts, 0, STATE_FANOUT, level, node.children);
    arena_release(a, mark);
    return tx->failed ? 0 : store_node(tx, &node);
}

struct collector {
    struct state_entry *entries;
    size_t count, max;
};

static bool collect(void *ctx, int64_t key, int64_t event)
{
    struct collector *c = ctx;
    if (c->count == c->max)
        return false;
    c->entries[c->count++] = (struct state_entry){key, event};
    return true;
}

static bool each_below(struct store_tx *tx, const struct state_node *node, int level,
                       bool (*visit)(void *ctx, int64_t key, int64_t event), void *ctx);

/* The entries below a node with the changes made; keys ascending. */
static struct state_entry *merge(struct store_tx *tx, struct arena *a, const struct state_node *node, int level,
                                 const struct state_entry *changes, size_t n, size_t *count_out)
{
    struct collector c = {.max = (size_t)node->count};
    c.entries = ARENA_ARRAY(a, c.max, struct state_entry);
    if ((!each_below(tx, node, level, collect, &c) || c.count != c.max) && !tx->failed)
        sql_fail(tx, "a node of a state map counts its entries wrong");
    qsort(c.entries, c.count, sizeof *c.entries, compare_keys);

    struct state_entry *merged = ARENA_ARRAY(a, c.count + n, struct state_entry);
    size_t count = 0, i = 0, j = 0;
    while (i < c.count || j < n) {
        bool changed = i == c.count || (j < n && changes[j].key <= c.entries[i].key);
        if (changed && i < c.count && changes[j].key == c.entries[i].key)
            i++;
        const struct state_entry *e = changed ? &changes[j++] : &c.entries[i++];
        if (e->event)
            merged[count++] = *e;
    }
    *count_out = count;
    return merged;
}

static bool is_same(const struct state_node *node, const struct state_entry *entries, size_t n)
{
    return node->is_leaf && (size_t)node->count == n && memcmp(node->entries, entries, n * sizeof *entries) == 0;
}

/* What became of a subtree. */
struct changed {
    int64_t nid;
    int64_t grown_by; /* entries */
};

static struct changed change(struct store_tx *tx, struct arena *a, int64_t nid, const struct state_entry *changes,
                             size_t n, int level);

/* Makes changes below the slots from `s` to `end`, which have one child. */
static struct changed change_run(struct store_tx *tx, struct arena *a, struct state_node *branch, int s, int end,
                                 struct state_entry *changes, size_t n, int level)
{
    struct changed result = {branch->children[s], 0};
    if (end == s + 1) {
        result = change(tx, a, branch->children[s], changes, n, level + 1);
        branch->children[s] = result.nid;
        return result;
    }
    struct state_node leaf;
    size_t count = 0, starts[STATE_FANOUT + 1];
    load(tx, branch->children[s], level + 1, &leaf);
    if (!leaf.is_leaf)
        sql_fail(tx, "a node of a state map has a branch in two places");
    if (tx->failed)
        return result;
    qsort(changes, n, sizeof *changes, compare_keys);
    const struct state_entry *merged = merge(tx, a, &leaf, level + 1, changes, n, &count);
    if (is_same(&leaf, merged, count))
        return result;
    struct state_entry *parted = part(a, merged, count, level, starts);
    build_block(tx, a, parted, starts, s, end - s, level, branch->children);
    return (struct changed){branch->children[s], (int64_t)count - leaf.count};
}

/* Puts blocks of slots that have few entries by now into one leaf each. counts[s] is that of the child which begins
 * with slot s. */
static void regroup(struct store_tx *tx, struct arena *a, struct state_node *branch, const int64_t *counts, int lo,
                    int size, int level)
{
    struct collector c = {0};
    if (size == 1 || run_end(branch, lo) >= lo + size || tx->failed)
        return;
    for (int s = lo; s < lo + size; s = run_end(branch, s))
        c.max += (size_t)counts[s];
    if (c.max > STATE_LEAF_MAX) {
        regroup(tx, a, branch, counts, lo, size / 2, level);
        regroup(tx, a, branch, counts, lo + size / 2, size / 2, level);
        return;
    }
    c.entries = ARENA_ARRAY(a, c.max, struct state_entry);
    for (int s = lo; s < lo + size; s = run_end(branch, s)) {
        struct state_node child;
        load(tx, branch->children[s], level + 1, &child);
        (void)each_below(tx, &child, level + 1, collect, &c);
    }
    qsort(c.entries, c.count, sizeof *c.entries, compare_keys);
    int64_t nid = build(tx, a, c.entries, c.count, level + 1);
    for (int s = lo; s < lo + size; s++)
        branch->children[s] = nid;
}

/* Makes changes below a branch that stays one. */
static struct changed change_branch(struct store_tx *tx, struct arena *a, int64_t nid, const struct state_node *before,
                                    const struct state_entry *changes, size_t n, int level)
{
    struct changed result = {nid, 0};
    struct state_node node = *before;
    size_t starts[STATE_FANOUT + 1];
    struct state_entry *parted = part(a, changes, n, level, starts);
    bool loose = false; /* blocks may have become few entries, or an empty one has some */
    for (int s = 0, end; s < STATE_FANOUT; s = end) {
        end = run_end(before, s);
        if (starts[s] == starts[end])
            continue;
        struct changed run = change_run(tx, a, &node, s, end, parted + starts[s], starts[end] - starts[s], level);
        loose |= run.grown_by < 0 || !before->children[s];
        result.grown_by += run.grown_by;
    }
    if (loose) {
        int64_t counts[STATE_FANOUT] = {0};
        for (int s = 0; s < STATE_FANOUT; s = run_end(&node, s)) {
            struct state_node child;
            load(tx, node.children[s], level + 1, &child);
            counts[s] = child.count;
        }
        regroup(tx, a, &node, counts, 0, STATE_FANOUT, level);
    }
    node.count += result.grown_by;
    if (memcmp(node.children, before->children, sizeof node.children) != 0 && !tx->failed)
        result.nid = store_node(tx, &node);
    return result;
}

/* Makes changes (event 0: remove) with ascending keys below the node `nid`. */
static struct changed change(struct store_tx *tx, struct arena *a, int64_t nid, const struct state_entry *changes,
                             size_t n, int level)
{
    struct state_node node;
    load(tx, nid, level, &node);
    if (n == 0 || tx->failed)
        return (struct changed){nid, 0};
    struct arena_mark mark = arena_mark(a);
    struct changed result = {nid, 0};
    if (node.count <= STATE_LEAF_MAX + (int64_t)n) { /* it is a leaf, or may become one */
        size_t count = 0;
        const struct state_entry *merged = merge(tx, a, &node, level, changes, n, &count);
        if (!is_same(&node, merged, count))
            result = (struct changed){build(tx, a, merged, count, level), (int64_t)count - node.count};
    } else {
        result = change_branch(tx, a, nid, &node, changes, n, level);
    }
    arena_release(a, mark);
    return result;
}

static int64_t change_root(struct store_tx *tx, int64_t root, const struct state_entry *changes, size_t n)
{
    assert(tx->writing);
    int64_t nid = change(tx, store_tx_arena(tx), root, changes, n, 0).nid;
    return tx->failed ? 0 : nid;
}

int64_t state_map_set(struct store_tx *tx, int64_t root, int64_t key, int64_t event)
{
    assert(key > 0 && event > 0);
    return change_root(tx, root, &(struct state_entry){key, event}, 1);
}

int64_t state_map_remove(struct store_tx *tx, int64_t root, int64_t key)
{
    assert(key > 0);
    return change_root(tx, root, &(struct state_entry){key, 0}, 1);
}

int64_t state_map_set_many(struct store_tx *tx, int64_t root, const int64_t *keys, const int64_t *events, size_t n)
{
    struct arena *a = store_tx_arena(tx);
    struct arena_mark mark = arena_mark(a);
    struct state_entry *changes = ARENA_ARRAY(a, n, struct state_entry);
    for (size_t i = 0; i < n; i++)
        changes[i] = (struct state_entry){keys[i], events[i]};
    qsort(changes, n, sizeof *changes, compare_keys);
    for (size_t i = 0; i < n; i++)
        assert(changes[i].event >= 0 && changes[i].key > (i ? changes[i - 1].key : 0));
    int64_t new_root = change_root(tx, root, changes, n);
    arena_release(a, mark);
    return new_root;
}

/* --- visiting --- */

static bool each_below(struct store_tx *tx, const struct state_node *node, int level,
                       bool (*visit)(void *ctx, int64_t key, int64_t event), void *ctx)
{
    bool go_on = true;
    if (node->is_leaf) {
        for (int64_t i = 0; go_on && i < node->count; i++)
            go_on = visit(ctx, node->entries[i].key, node->entries[i].event);
        return go_on;
    }
    for (int s = 0; go_on && s < STATE_FANOUT; s = run_end(node, s)) {
        struct state_node child;
        load(tx, node->children[s], level + 1, &child);
        go_on = !tx->failed && each_below(tx, &child, level + 1, visit, ctx);
    }
    return go_on;
}

void state_map_each(struct store_tx *tx, int64_t root, bool (*visit)(void *ctx, int64_t key, int64_t event), void *ctx)
{
    struct state_node node;
    load(tx, root, 0, &node);
    (void)each_below(tx, &node, 0, visit, ctx);
}

struct differ {
    struct store_tx *tx;
    bool (*visit)(void *ctx, int64_t key, int64_t event_a, int64_t event_b);
    void *ctx;
};

static bool diff_leaves(const struct differ *d, const struct state_node *a, const struct state_node *b)
{
    int64_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        bool from_a = j == b->count || (i < a->count && a->entries[i].key <= b->entries[j].key);
        bool from_b = i == a->count || (j < b->count && b->entries[j].key <= a->entries[i].key);
        int64_t key = from_a ? a->entries[i].key : b->entries[j].key;
        int64_t event_a = from_a ? a->entries[i++].event : 0;
        int64_t event_b = from_b ? b->entries[j++].event : 0;
        if (event_a != event_b && !d->visit(d->ctx, key, event_a, event_b))
            return false;
    }
    return true;
}

/* What stands below one slot of a node: of a leaf, the entries that would be there. */
static void below(const struct differ *d, const struct state_node *node, unsigned slot, int level,
                  struct state_node *out)
{
    struct state_node leaf;
    if (!node->is_leaf) {
        load(d->tx, node->children[slot], level + 1, &leaf);
        *out = leaf;
    } else {
        leaf = *node;
    }
    if (!leaf.is_leaf)
        return;
    *out = empty;
    for (int64_t i = 0; i < leaf.count; i++)
        if (state_node_slot(leaf.entries[i].key, level) == slot)
            out->entries[out->count++] = leaf.entries[i];
}

static bool diff_nodes(const struct differ *d, const struct state_node *a, const struct state_node *b, int level)
{
    if (a->is_leaf && b->is_leaf)
        return diff_leaves(d, a, b);
    for (unsigned s = 0; s < STATE_FANOUT; s++) {
        if (!a->is_leaf && !b->is_leaf && a->children[s] == b->children[s])
            continue;
        struct state_node x, y;
        below(d, a, s, level, &x);
        below(d, b, s, level, &y);
        if (d->tx->failed || !diff_nodes(d, &x, &y, level + 1))
            return false;
    }
    return true;
}

void state_map_diff(struct store_tx *tx, int64_t root_a, int64_t root_b,
                    bool (*visit)(void *ctx, int64_t key, int64_t event_a, int64_t event_b), void *ctx)
{
    if (root_a == root_b)
        return;
    struct differ d = {tx, visit, ctx};
    struct state_node a, b;
    load(tx, root_a, 0, &a);
    load(tx, root_b, 0, &b);
    if (!tx->failed)
        (void)diff_nodes(&d, &a, &b, 0);
}
