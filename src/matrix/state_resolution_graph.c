/* Nodes, walks along auth_events, the auth difference, the conflicted state subgraph. */
#include "matrix/state_resolution_graph.h"

#include <string.h>

/* --- nodes and lists --- */

void state_resolution_push(struct resolution *r, struct resolution_list *list, struct resolution_node *node)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        const size_t size = sizeof(struct resolution_node *);
        list->p = arena_grow(r->arena, list->p, list->cap * size, cap * size);
        list->cap = cap;
    }
    list->p[list->n++] = node;
}

/* Beyond the limit a node is still made, so that callers need no branch of their own: their loops end by the status,
 * and what one event cites is limited. */
struct resolution_node *state_resolution_node(struct resolution *r, uint64_t number)
{
    struct resolution_node *node = map_u64_get(&r->nodes, number);
    if (node)
        return node;
    if (r->nodes.count >= r->input->source.events_max)
        r->status = STATE_RESOLUTION_TOO_LARGE;
    node = ARENA_NEW(r->arena, struct resolution_node);
    node->number = number;
    map_u64_put(&r->nodes, number, node);
    return node;
}

const struct event *state_resolution_event(struct resolution *r, struct resolution_node *node)
{
    if (!node->fetched) {
        node->event = r->input->source.event(r->input->source.ctx, node->number);
        node->fetched = true;
    }
    return node->event;
}

void state_resolution_read_auth_events(struct resolution *r, struct resolution_node *node)
{
    if (node->has_auth_events)
        return;
    node->has_auth_events = true;
    size_t count = 0;
    const uint64_t *numbers = r->input->source.auth_events(r->input->source.ctx, node->number, &count);
    node->auth_events = ARENA_ARRAY(r->arena, count, struct resolution_node *);
    for (size_t i = 0; i < count; i++)
        node->auth_events[i] = state_resolution_node(r, numbers[i]);
    node->auth_count = count;
}

struct resolution_node *state_resolution_auth_event(struct resolution *r, struct resolution_node *node, struct str type,
                                                    struct str state_key)
{
    state_resolution_read_auth_events(r, node);
    for (size_t i = 0; i < node->auth_count; i++) {
        const struct event *event = state_resolution_event(r, node->auth_events[i]);
        if (event && event_is_state(event, type, state_key))
            return node->auth_events[i];
    }
    return NULL;
}

/* --- heaps --- */

void state_resolution_heap_push(struct resolution *r, struct resolution_list *heap, resolution_before *before,
                                struct resolution_node *node)
{
    state_resolution_push(r, heap, node);
    size_t at = heap->n - 1;
    while (at > 0 && before(node, heap->p[(at - 1) / 2])) {
        heap->p[at] = heap->p[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->p[at] = node;
}

struct resolution_node *state_resolution_heap_pop(struct resolution_list *heap, resolution_before *before)
{
    struct resolution_node *top = heap->p[0];
    struct resolution_node *last = heap->p[--heap->n];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->n)
            break;
        if (child + 1 < heap->n && before(heap->p[child + 1], heap->p[child]))
            child++;
        if (!before(heap->p[child], last))
            break;
        heap->p[at] = heap->p[child];
        at = child;
    }
    heap->p[at] = last;
    return top;
}

/* --- walks --- */

uint64_t state_resolution_floor(const struct resolution *r, const struct resolution_list *list)
{
    uint64_t floor = r->input->source.ordered ? UINT64_MAX : 0;
    for (size_t i = 0; i < list->n; i++)
        floor = list->p[i]->number < floor ? list->p[i]->number : floor;
    return floor;
}

static void walk_to(struct resolution *r, struct resolution_list *list, struct resolution_node *node)
{
    if (node->walk == r->walks)
        return;
    node->walk = r->walks;
    node->index = list->n;
    state_resolution_push(r, list, node);
}

struct resolution_list state_resolution_walk(struct resolution *r, const struct resolution_list *roots, uint64_t floor)
{
    struct resolution_list list = {NULL, 0, 0};
    r->walks++;
    for (size_t i = 0; i < roots->n; i++)
        walk_to(r, &list, roots->p[i]);
    for (size_t i = 0; i < list.n && r->status == STATE_RESOLUTION_OK; i++) {
        struct resolution_node *node = list.p[i];
        state_resolution_read_auth_events(r, node);
        for (size_t k = 0; k < node->auth_count; k++) {
            if (node->auth_events[k]->number >= floor)
                walk_to(r, &list, node->auth_events[k]);
        }
    }
    return list;
}

bool state_resolution_in_walk(const struct resolution_list *list, const struct resolution_node *node)
{
    return node->index < list->n && list->p[node->index] == node;
}

struct resolution_citing state_resolution_citing(struct resolution *r, const struct resolution_list *walk)
{
    struct resolution_citing c = {.first = ARENA_ARRAY(r->arena, walk->n + 2, size_t)};
    size_t edges = 0;
    /* first[i + 2] counts, then first[i + 1] is where node i's begin, and ends as where they end. */
    for (size_t i = 0; i < walk->n; i++) {
        for (size_t k = 0; k < walk->p[i]->auth_count; k++) {
            const struct resolution_node *cited = walk->p[i]->auth_events[k];
            if (state_resolution_in_walk(walk, cited)) {
                c.first[cited->index + 2]++;
                edges++;
            }
        }
    }
    for (size_t i = 2; i < walk->n + 2; i++)
        c.first[i] += c.first[i - 1];
    c.citing = ARENA_ARRAY(r->arena, edges, struct resolution_node *);
    for (size_t i = 0; i < walk->n; i++) {
        for (size_t k = 0; k < walk->p[i]->auth_count; k++) {
            const struct resolution_node *cited = walk->p[i]->auth_events[k];
            if (state_resolution_in_walk(walk, cited))
                c.citing[c.first[cited->index + 1]++] = walk->p[i];
        }
    }
    return c;
}

void state_resolution_add_full(struct resolution *r, struct resolution_node *node)
{
    if (node->full)
        return;
    const struct event *event = state_resolution_event(r, node);
    if (!event || !event->has_state_key)
        return;
    node->full = true;
    state_resolution_push(r, &r->full, node);
}

/* --- auth difference ---
 *
 * The auth chain of set i is U, the chains of the unconflicted state, and D_i, the chains of its events for conflicted
 * keys. An event is in the difference if it is in some D_i, not in all, and not in U.
 *
 * The D_i of all sets are walked at once, from the highest number down, each node passing the bits of its sets on to
 * what it cites. When all nodes that wait have all bits, so has everything below them, and the walk ends. Where numbers
 * are not ordered a node may get bits after it has passed its own on; it is then queued again. */

struct difference_walk {
    struct resolution *r;
    struct resolution_list heap;
    struct resolution_list seen;
    size_t partial; /* nodes in the heap that are not in all chains */
};

static bool higher_number(const struct resolution_node *x, const struct resolution_node *y)
{
    return x->number > y->number;
}

static bool in_all_chains(const struct resolution *r, const struct resolution_node *node)
{
    size_t sets = r->input->sets;
    for (size_t w = 0; w < r->words; w++) {
        size_t bits = sets - w * 64;
        uint64_t all = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
        if ((node->chain[w] & all) != all)
            return false;
    }
    return true;
}

static bool in_some_chain(const struct resolution *r, const struct resolution_node *node)
{
    for (size_t w = 0; w < r->words; w++) {
        if (node->chain[w])
            return true;
    }
    return false;
}

static void difference_meet(struct difference_walk *walk, struct resolution_node *node)
{
    if (node->chain)
        return;
    node->chain = ARENA_ARRAY(walk->r->arena, walk->r->words, uint64_t);
    state_resolution_push(walk->r, &walk->seen, node);
}

static void difference_queue(struct difference_walk *walk, struct resolution_node *node)
{
    if (node->queued)
        return;
    node->queued = true;
    walk->partial += !in_all_chains(walk->r, node);
    state_resolution_heap_push(walk->r, &walk->heap, higher_number, node);
}

/* Gives `to` the sets of `from`; true if any was new to it. */
static bool difference_add(const struct resolution *r, struct resolution_node *to, const struct resolution_node *from)
{
    bool grown = false;
    for (size_t w = 0; w < r->words; w++) {
        uint64_t bits = from->chain[w] | (from->sets ? from->sets[w] : 0);
        grown = grown || (bits & ~to->chain[w]);
        to->chain[w] |= bits;
    }
    return grown;
}

static void difference_pass_on(struct difference_walk *walk, struct resolution_node *from)
{
    struct resolution *r = walk->r;
    state_resolution_read_auth_events(r, from);
    for (size_t i = 0; i < from->auth_count; i++) {
        struct resolution_node *to = from->auth_events[i];
        difference_meet(walk, to);
        bool was_partial = to->queued && !in_all_chains(r, to);
        if (!difference_add(r, to, from))
            continue;
        if (was_partial)
            walk->partial -= in_all_chains(r, to);
        difference_queue(walk, to);
    }
}

static struct resolution_list difference_of_conflicted(struct resolution *r)
{
    struct difference_walk walk = {.r = r};
    for (size_t i = 0; i < r->conflicted.n; i++) {
        difference_meet(&walk, r->conflicted.p[i]);
        difference_queue(&walk, r->conflicted.p[i]);
    }
    bool ordered = r->input->source.ordered;
    while (walk.heap.n > 0 && (walk.partial > 0 || !ordered) && r->status == STATE_RESOLUTION_OK) {
        struct resolution_node *node = state_resolution_heap_pop(&walk.heap, higher_number);
        node->queued = false;
        walk.partial -= !in_all_chains(r, node);
        difference_pass_on(&walk, node);
    }
    struct resolution_list some = {NULL, 0, 0};
    for (size_t i = 0; i < walk.seen.n; i++) {
        if (in_some_chain(r, walk.seen.p[i]) && !in_all_chains(r, walk.seen.p[i]))
            state_resolution_push(r, &some, walk.seen.p[i]);
    }
    return some;
}

/* --- auth chains of unconflicted state --- */

struct descent {
    struct resolution *r;
    struct resolution_list stack;
    uint64_t floor;
    size_t left; /* candidates not reached yet */
};

static void descend_to(struct descent *d, uint64_t number)
{
    if (number < d->floor)
        return;
    struct resolution_node *node = state_resolution_node(d->r, number);
    if (node->reached)
        return;
    node->reached = true;
    d->left -= node->walk == d->r->walks;
    state_resolution_push(d->r, &d->stack, node);
}

/* Most state is cited by nobody: it gets no node. */
static bool descend(void *ctx, uint64_t number)
{
    struct descent *d = ctx;
    struct resolution *r = d->r;
    if (number <= d->floor)
        return true;
    const struct resolution_node *known = map_u64_get(&r->nodes, number);
    /* Of set 0's events for conflicted keys nothing follows for the other sets. */
    if (known && known->key)
        return true;
    size_t count = 0;
    const uint64_t *cited = r->input->source.auth_events(r->input->source.ctx, number, &count);
    for (size_t i = 0; i < count; i++)
        descend_to(d, cited[i]);
    while (d->stack.n > 0 && r->status == STATE_RESOLUTION_OK) {
        struct resolution_node *node = d->stack.p[--d->stack.n];
        state_resolution_read_auth_events(r, node);
        for (size_t i = 0; i < node->auth_count; i++)
            descend_to(d, node->auth_events[i]->number);
    }
    return d->left > 0 && r->status == STATE_RESOLUTION_OK;
}

static void mark_reached(struct resolution *r, struct resolution_list *candidates)
{
    struct descent d = {.r = r, .floor = state_resolution_floor(r, candidates), .left = candidates->n};
    r->walks++;
    for (size_t i = 0; i < candidates->n; i++)
        candidates->p[i]->walk = r->walks;
    r->input->source.each_state(r->input->source.ctx, descend, &d);
}

void state_resolution_add_auth_difference(struct resolution *r)
{
    struct resolution_list candidates = difference_of_conflicted(r);
    if (candidates.n == 0 || r->status != STATE_RESOLUTION_OK)
        return;
    mark_reached(r, &candidates);
    for (size_t i = 0; i < candidates.n; i++) {
        if (!candidates.p[i]->reached)
            state_resolution_add_full(r, candidates.p[i]);
    }
}

/* --- conflicted state subgraph --- */

void state_resolution_add_subgraph(struct resolution *r)
{
    uint64_t floor = state_resolution_floor(r, &r->conflicted);
    struct resolution_list below = state_resolution_walk(r, &r->conflicted, floor);
    struct resolution_citing citing = state_resolution_citing(r, &below);
    /* All of `below` are reached from the conflicted state set; those on a path are those that reach it, too. */
    struct resolution_list on_path = {NULL, 0, 0};
    r->walks++;
    for (size_t i = 0; i < r->conflicted.n; i++) {
        r->conflicted.p[i]->walk = r->walks;
        state_resolution_push(r, &on_path, r->conflicted.p[i]);
    }
    for (size_t i = 0; i < on_path.n; i++) {
        struct resolution_node *node = on_path.p[i];
        state_resolution_add_full(r, node);
        for (size_t k = citing.first[node->index]; k < citing.first[node->index + 1]; k++) {
            if (citing.citing[k]->walk == r->walks)
                continue;
            citing.citing[k]->walk = r->walks;
            state_resolution_push(r, &on_path, citing.citing[k]);
        }
    }
}
