#include "http/response_memory.h"

#include <assert.h>

void response_memory_init(struct response_memory *m, size_t max)
{
    *m = (struct response_memory){.max = max};
    mutex_init(&m->lock);
    map_u64_init(&m->by_group);
}

void response_memory_fini(struct response_memory *m)
{
    assert(m->held == 0);
    map_u64_fini(&m->by_group);
    mutex_fini(&m->lock);
}

/* The map's values are the numbers themselves. */
static size_t held_by(struct response_memory *m, uint64_t group)
{
    mutex_assert_held(&m->lock);
    void *held = group ? map_u64_get(&m->by_group, group) : NULL;
    return (uintptr_t)held;
}

static void set_held_by(struct response_memory *m, uint64_t group, uintptr_t held)
{
    if (held > 0)
        map_u64_put(&m->by_group, group, (void *)held);
    else
        map_u64_remove(&m->by_group, group);
}

bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes)
{
    if (bytes < RESPONSE_MEMORY_FREE)
        return true;
    mutex_lock(&m->lock);
    size_t own = held_by(m, group), left = m->max - (m->held - own);
    size_t most = group ? left / 2 : left;
    bool fits = own <= most && bytes <= most - own;
    if (fits) {
        m->held += bytes;
        if (group)
            set_held_by(m, group, own + bytes);
    }
    mutex_unlock(&m->lock);
    return fits;
}

void response_memory_give_back(struct response_memory *m, uint64_t group, size_t bytes)
{
    if (bytes < RESPONSE_MEMORY_FREE)
        return;
    mutex_lock(&m->lock);
    size_t own = held_by(m, group);
    assert(m->held >= bytes && (!group || own >= bytes));
    m->held -= bytes;
    if (group)
        set_held_by(m, group, own - bytes);
    mutex_unlock(&m->lock);
}

size_t response_memory_held(struct response_memory *m)
{
    mutex_lock(&m->lock);
    size_t held = m->held;
    mutex_unlock(&m->lock);
    return held;
}
