#include "store/state_node.h"

#include <assert.h>
#include <string.h>

/* Numbers of keys are given out one after the other: mixed, they fill the trie evenly. Each step can be undone, so two
 * keys never have the same 64 bits, and no path is longer than STATE_LEVELS. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0x9e3779b97f4a7c15;
    x ^= x >> 29;
    x *= 0xd1b54a32d192ed03;
    x ^= x >> 32;
    return x;
}

unsigned state_node_slot(int64_t key, int level)
{
    assert(level < STATE_LEVELS);
    return (unsigned)(mix((uint64_t)key) >> (60 - 4 * level)) & (STATE_FANOUT - 1);
}

static void put(struct state_node_bytes *out, int64_t number)
{
    assert(number >= 0);
    uint64_t v = (uint64_t)number;
    for (; v >= 0x80; v >>= 7)
        out->p[out->n++] = (char)(0x80 | (v & 0x7f));
    out->p[out->n++] = (char)v;
}

static void encode_leaf(const struct state_node *node, struct state_node_bytes *out)
{
    int64_t base = 0, last = 0;
    assert(node->count >= 1 && node->count <= STATE_LEAF_MAX);
    for (int64_t i = 0; i < node->count; i++)
        if (node->entries[i].event > base)
            base = node->entries[i].event;
    put(out, 1 + 2 * node->count);
    put(out, base);
    for (int64_t i = 0; i < node->count; i++) {
        const struct state_entry *e = &node->entries[i];
        assert(e->key > last && e->event > 0);
        put(out, e->key - last);
        put(out, base - e->event);
        last = e->key;
    }
    out->near = base;
}

static void encode_branch(const struct state_node *node, struct state_node_bytes *out)
{
    int64_t base = 0;
    unsigned bits = 0;
    assert(node->count > STATE_LEAF_MAX);
    for (unsigned i = 0; i < STATE_FANOUT; i++) {
        if (node->children[i] > base)
            base = node->children[i];
        if (node->children[i])
            bits |= 1u << i;
    }
    put(out, 0);
    put(out, base);
    put(out, node->count);
    out->p[out->n++] = (char)(bits & 0xff);
    out->p[out->n++] = (char)(bits >> 8);
    for (unsigned i = 0; i < STATE_FANOUT; i++)
        if (node->children[i])
            put(out, base - node->children[i]);
    out->near = -base;
}

void state_node_encode(const struct state_node *node, struct state_node_bytes *out)
{
    out->n = 0;
    if (node->is_leaf)
        encode_leaf(node, out);
    else
        encode_branch(node, out);
    assert(out->n <= sizeof out->p);
}

/* Reads with a sticky error: 0 once something was wrong. */
struct reader {
    struct str left;
    bool bad;
};

static unsigned take_byte(struct reader *r)
{
    if (r->left.n == 0) {
        r->bad = true;
        return 0;
    }
    r->left.n--;
    return (unsigned char)*r->left.p++;
}

static int64_t take(struct reader *r)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 63; shift += 7) {
        unsigned byte = take_byte(r);
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            r->bad |= byte == 0 && shift > 0; /* a longer word for the same number */
            return (int64_t)v;
        }
    }
    r->bad = true;
    return 0;
}

static void decode_leaf(struct reader *r, struct state_node *out)
{
    int64_t base = take(r), key = 0, newest = 0;
    for (int64_t i = 0; i < out->count && !r->bad; i++) {
        int64_t step = take(r), event = base - take(r);
        r->bad |= step < 1 || step > INT64_MAX - key || event < 1;
        if (r->bad)
            return;
        key += step;
        newest = event > newest ? event : newest;
        out->entries[i] = (struct state_entry){key, event};
    }
    r->bad |= newest != base;
}

static void decode_branch(struct reader *r, struct state_node *out)
{
    int64_t base = take(r), newest = 0;
    out->count = take(r);
    unsigned bits = take_byte(r);
    bits |= take_byte(r) << 8;
    for (unsigned i = 0; i < STATE_FANOUT && !r->bad; i++) {
        out->children[i] = bits >> i & 1 ? base - take(r) : 0;
        r->bad |= out->children[i] < (int64_t)(bits >> i & 1);
        newest = out->children[i] > newest ? out->children[i] : newest;
    }
    r->bad |= newest != base || out->count <= STATE_LEAF_MAX;
}

bool state_node_decode(struct str bytes, struct state_node *out)
{
    struct reader r = {bytes, false};
    int64_t first = take(&r);
    out->is_leaf = first & 1;
    out->count = first >> 1;
    if (r.bad || first == 1 || (first > 0 && !out->is_leaf) || out->count > STATE_LEAF_MAX)
        return false;
    if (out->is_leaf)
        decode_leaf(&r, out);
    else
        decode_branch(&r, out);
    return !r.bad && r.left.n == 0;
}
