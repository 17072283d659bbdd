/* Version 1 of the algorithm (room version 1 page, "State resolution"). */
#include "crypto/hash.h"
#include "matrix/state_resolution_graph.h"

#include <stdlib.h>
#include <string.h>

/* The events of one key, and what they are sorted by. */
struct candidate {
    struct resolution_node *node;
    uint8_t sha1[SHA1_SIZE];
};

/* Ascending depth, then descending sha1(event_id). */
static int by_depth(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    int64_t depth_a = a->node->event->depth, depth_b = b->node->event->depth;
    if (depth_a != depth_b)
        return depth_a < depth_b ? -1 : 1;
    return -memcmp(a->sha1, b->sha1, SHA1_SIZE);
}

static struct candidate *sort_candidates(struct resolution *r, const struct resolution_key *key)
{
    struct candidate *list = ARENA_ARRAY(r->arena, key->events.n, struct candidate);
    for (size_t i = 0; i < key->events.n; i++) {
        list[i].node = key->events.p[i];
        hash_sha1(list[i].node->event->event_id, list[i].sha1);
    }
    qsort(list, key->events.n, sizeof(*list), by_depth);
    return list;
}

static bool is_conflict(const struct resolution_key *key)
{
    return key->conflicted && key->events.n > 1;
}

/* Each event must be allowed in the state that the one before it makes; the first that is not ends it. Leaves R as it
 * was. */
static struct resolution_node *pick_auth_event(struct resolution *r, struct resolution_key *key)
{
    const struct candidate *list = sort_candidates(r, key);
    key->now = list[0].node;
    for (size_t i = 1; i < key->events.n && state_resolution_allowed(r, list[i].node, false); i++)
        key->now = list[i].node;
    struct resolution_node *picked = key->now;
    key->now = NULL;
    return picked;
}

/* The newest that is allowed, or the oldest. */
static struct resolution_node *pick_other(struct resolution *r, struct resolution_key *key)
{
    const struct candidate *list = sort_candidates(r, key);
    size_t i = key->events.n - 1;
    while (i > 0 && !state_resolution_allowed(r, list[i].node, false))
        i--;
    return list[i].node;
}

/* One pass: what it picks enters R when all of it is picked. Looking keys up adds to r->key_list, but none of these
 * is conflicted. */
static void pass(struct resolution *r, struct str type,
                 struct resolution_node *(*pick)(struct resolution *, struct resolution_key *))
{
    size_t count = r->key_count;
    struct resolution_node **picked = ARENA_ARRAY(r->arena, count, struct resolution_node *);
    for (size_t i = 0; i < count; i++) {
        struct resolution_key *key = r->key_list[i];
        if (is_conflict(key) && !key->now && (!type.p || str_eq(key->type, type)))
            picked[i] = pick(r, key);
    }
    for (size_t i = 0; i < count; i++) {
        if (picked[i])
            r->key_list[i]->now = picked[i];
    }
}

void state_resolution_v1(struct resolution *r)
{
    /* R is the union of the states but for conflicts: a key that some sets lack is none. */
    for (size_t i = 0; i < r->key_count; i++) {
        struct resolution_key *key = r->key_list[i];
        if (key->conflicted && key->events.n == 1)
            key->now = key->events.p[0];
    }
    pass(r, STR("m.room.power_levels"), pick_auth_event);
    pass(r, STR("m.room.join_rules"), pick_auth_event);
    pass(r, STR("m.room.member"), pick_auth_event);
    pass(r, (struct str){NULL, 0}, pick_other);
}
