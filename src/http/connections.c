#include "http/connections.h"

#include <assert.h>

void connections_init(struct connections *c, unsigned max, unsigned max_per_address, const struct peer_trust *trust)
{
    *c = (struct connections){.max = max, .max_per_address = max_per_address, .trust = trust};
    mutex_init(&c->lock);
    map_u64_init(&c->by_group);
}

void connections_fini(struct connections *c)
{
    map_u64_fini(&c->by_group);
    mutex_fini(&c->lock);
}

static bool has_room(const struct connections *c, bool reserved)
{
    mutex_assert_held(&c->lock);
    return reserved ? c->reserved_count < CONNECTIONS_RESERVED : c->count < c->max;
}

bool connections_have_room(struct connections *c, bool reserved)
{
    mutex_lock(&c->lock);
    bool room = has_room(c, reserved);
    mutex_unlock(&c->lock);
    return room;
}

/* 0 for those who are not counted by address. */
static uint64_t group_of(const struct connections *c, const struct peer *peer)
{
    return peer_is_trusted(c->trust, peer) ? 0 : peer_group(peer);
}

/* The map's values are the counts themselves. */
static uintptr_t count_of(struct connections *c, uint64_t group)
{
    mutex_assert_held(&c->lock);
    void *count = map_u64_get(&c->by_group, group);
    return (uintptr_t)count;
}

static void set_count(struct connections *c, uint64_t group, uintptr_t count)
{
    if (count > 0)
        map_u64_put(&c->by_group, group, (void *)count);
    else
        map_u64_remove(&c->by_group, group);
}

enum connections_taken connections_take(struct connections *c, const struct peer *peer)
{
    uint64_t group = group_of(c, peer);
    enum connections_taken result = CONNECTIONS_TAKEN;
    mutex_lock(&c->lock);
    if (!has_room(c, peer->reserved)) {
        result = CONNECTIONS_FULL;
    } else if (group && count_of(c, group) >= c->max_per_address) {
        result = CONNECTIONS_ADDRESS_FULL;
    } else {
        if (peer->reserved)
            c->reserved_count++;
        else
            c->count++;
        if (group)
            set_count(c, group, count_of(c, group) + 1);
    }
    mutex_unlock(&c->lock);
    return result;
}

void connections_give_back(struct connections *c, const struct peer *peer)
{
    uint64_t group = group_of(c, peer);
    mutex_lock(&c->lock);
    unsigned *count = peer->reserved ? &c->reserved_count : &c->count;
    assert(*count > 0 && (!group || count_of(c, group) > 0));
    --*count;
    if (group)
        set_count(c, group, count_of(c, group) - 1);
    mutex_unlock(&c->lock);
}

unsigned connections_count(struct connections *c)
{
    mutex_lock(&c->lock);
    unsigned count = c->count + c->reserved_count;
    mutex_unlock(&c->lock);
    return count;
}
