#include "service/state_list.h"

#include "store/state_keys.h"
#include "store/state_map.h"

#include <stdlib.h>

struct collector {
    struct arena *a;
    struct state_list list;
    size_t cap;
};

static bool collect(void *ctx, int64_t key_nid, int64_t event_nid)
{
    struct collector *c = ctx;
    if (c->list.count == c->cap) {
        size_t grown = c->cap ? 2 * c->cap : 32;
        c->list.items =
            arena_grow(c->a, c->list.items, c->cap * sizeof(struct state_entry), grown * sizeof(struct state_entry));
        c->cap = grown;
    }
    c->list.items[c->list.count++] = (struct state_entry){key_nid, event_nid};
    return true;
}

static bool collect_newer(void *ctx, int64_t key_nid, int64_t old_event, int64_t new_event)
{
    (void)old_event;
    return !new_event || collect(ctx, key_nid, new_event);
}

static int by_event(const void *p, const void *q)
{
    const struct state_entry *x = p, *y = q;
    return (x->event_nid > y->event_nid) - (x->event_nid < y->event_nid);
}

static struct state_list sorted(struct state_list list)
{
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, by_event);
    return list;
}

struct state_list state_list_all(struct store_tx *tx, struct arena *a, int64_t root)
{
    struct collector c = {.a = a};
    state_map_each(tx, root, collect, &c);
    return sorted(c.list);
}

struct state_list state_list_changes(struct store_tx *tx, struct arena *a, int64_t from, int64_t to)
{
    struct collector c = {.a = a};
    state_map_diff(tx, from, to, collect_newer, &c);
    return sorted(c.list);
}

bool state_key_has_type(struct store_tx *tx, struct arena *a, int64_t key_nid, struct str type)
{
    struct str key_type, state_key;
    struct arena_mark mark = arena_mark(a);
    bool is = state_keys_get(tx, key_nid, a, &key_type, &state_key) && str_eq(key_type, type);
    arena_release(a, mark);
    return is;
}

/* Keys are looked up in the order of the events too: most got their numbers together with their first event. */
struct state_list state_list_of_type(struct store_tx *tx, struct arena *a, int64_t root, struct str type)
{
    struct state_list all = state_list_all(tx, a, root);
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++)
        if (state_key_has_type(tx, a, all.items[i].key_nid, type))
            all.items[kept++] = all.items[i];
    all.count = kept;
    return all;
}
