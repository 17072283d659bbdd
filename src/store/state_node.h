/*
 * One node of a state map as bytes, and where keys belong: the pure part of state_map.h.
 *
 * Which nodes there are follows from the map alone. All entries below a point of the trie stand in one leaf if they are
 * at most STATE_LEAF_MAX, else in a branch, which parts them by the next four bits of their keys' mixed bits. Below a
 * half, a quarter or an eighth of a branch's slots it is the same: the largest of these that has few enough entries has
 * them in one leaf, which is the child of each of its slots. So a leaf that is full becomes two, not sixteen:
 *
 *                 branch (count 70)                level 0: bits 60-63
 *            0-7 /    | 8-b     \ c-f
 *         leaf (31)  leaf (22)  leaf (17)          level 1
 *
 *     leaf:    1 + 2 * count, base, then for each entry, keys ascending: key - key before, base - event
 *              base is the newest event
 *     branch:  0, base, count, two bytes with a bit for each slot that has a child, then for each of those: base -
 * child base is the newest child
 *
 * All numbers but the two bytes are varints: seven bits a byte, lowest first, bit 7 set if another byte follows.
 *
 * Threads: all functions are pure.
 */
#ifndef HEARTH_STORE_STATE_NODE_H
#define HEARTH_STORE_STATE_NODE_H

#include "base/str.h"

#define STATE_FANOUT   16
#define STATE_LEVELS   16
#define STATE_LEAF_MAX 32
/* The longest node: a leaf of 32 entries with numbers of nine bytes each. */
#define STATE_NODE_BYTES_MAX 704
#define STATE_HASH_SIZE      16

struct state_entry {
    int64_t key;   /* above 0 */
    int64_t event; /* above 0 */
};

struct state_node {
    bool is_leaf;
    int64_t count; /* entries below */
    union {
        struct state_entry entries[STATE_LEAF_MAX]; /* of a leaf: keys ascending */
        int64_t children[STATE_FANOUT];             /* of a branch: node numbers, 0 where there is none */
    };
};

struct state_node_bytes {
    size_t n;
    int64_t near; /* see migration 0004 */
    char p[STATE_NODE_BYTES_MAX];
};

/* Which child of a branch at `level` the key belongs under. */
unsigned state_node_slot(int64_t key, int level);

void state_node_encode(const struct state_node *node, struct state_node_bytes *out);
/* False if the bytes are none that state_node_encode writes. */
bool state_node_decode(struct str bytes, struct state_node *out) __attribute__((warn_unused_result));

#endif
