#include "service/lazy_members.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdlib.h>

#define DEVICE_TOLD_MAX 10000
#define TOLD_MAX        250000 /* of all devices together: about 10 MB */
#define DEVICE_COST     16     /* what a device takes, counted in members */

struct device {
    struct device *newer, *older; /* in order of use */
    int64_t device_nid;
    uint64_t filter;
    int64_t low;
    int64_t high;
    struct map_u64 told;
};

struct lazy_members {
    struct mutex lock;
    struct map_u64 devices;
    struct device *newest, *oldest;
    size_t used;
};

struct lazy_members *lazy_members_new(void)
{
    struct lazy_members *m = memory_calloc(1, sizeof *m);
    mutex_init(&m->lock);
    map_u64_init(&m->devices);
    return m;
}

static void forget_told(struct lazy_members *m, struct device *d)
{
    m->used -= d->told.count;
    map_u64_fini(&d->told);
    map_u64_init(&d->told);
}

static void unlink_device(struct lazy_members *m, struct device *d)
{
    *(d->newer ? &d->newer->older : &m->newest) = d->older;
    *(d->older ? &d->older->newer : &m->oldest) = d->newer;
}

static void link_newest(struct lazy_members *m, struct device *d)
{
    d->newer = NULL;
    d->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = d;
    m->newest = d;
}

static void forget_oldest(struct lazy_members *m)
{
    struct device *d = m->oldest;
    unlink_device(m, d);
    forget_told(m, d);
    m->used -= DEVICE_COST;
    map_u64_remove(&m->devices, (uint64_t)d->device_nid);
    free(d);
}

void lazy_members_free(struct lazy_members **memory)
{
    struct lazy_members *m = *memory;
    if (!m)
        return;
    while (m->oldest)
        forget_oldest(m);
    map_u64_fini(&m->devices);
    mutex_fini(&m->lock);
    free(m);
    *memory = NULL;
}

/* Both numbers in one; 0, which nobody has, if they are too large for that. */
static uint64_t name_of(int64_t room_nid, int64_t key_nid)
{
    uint64_t room = (uint64_t)room_nid, key = (uint64_t)key_nid;
    return room <= UINT32_MAX && key <= UINT32_MAX ? room << 32 | key : 0;
}

static bool holds(const struct device *d, const struct lazy_answer *answer)
{
    return d && d->filter == answer->filter && answer->since && d->low <= answer->since && answer->since <= d->high;
}

bool lazy_members_knows(const struct lazy_answer *answer, int64_t room_nid, int64_t key_nid)
{
    struct lazy_members *m = answer->memory;
    uint64_t name = name_of(room_nid, key_nid);
    if (!m || !name)
        return false;
    mutex_lock(&m->lock);
    const struct device *d = map_u64_get(&m->devices, (uint64_t)answer->device_nid);
    bool knows = holds(d, answer) && map_u64_get(&d->told, name);
    mutex_unlock(&m->lock);
    return knows;
}

void lazy_members_tell(struct lazy_answer *answer, int64_t room_nid, int64_t key_nid)
{
    uint64_t name = name_of(room_nid, key_nid);
    if (!answer->memory || !name || answer->count == DEVICE_TOLD_MAX)
        return;
    if (answer->count == answer->cap) {
        size_t grown = answer->cap ? 2 * answer->cap : 64;
        answer->told = memory_resize(answer->told, grown * sizeof *answer->told);
        answer->cap = grown;
    }
    answer->told[answer->count++] = name;
}

void lazy_members_drop(struct lazy_answer *answer)
{
    free(answer->told);
    *answer = (struct lazy_answer){0};
}

/* The device's memory, as the newest one used. */
static struct device *use_device(struct lazy_members *m, int64_t device_nid)
{
    struct device *d = map_u64_get(&m->devices, (uint64_t)device_nid);
    if (d) {
        unlink_device(m, d);
    } else {
        d = memory_calloc(1, sizeof *d);
        d->device_nid = device_nid;
        map_u64_init(&d->told);
        map_u64_put(&m->devices, (uint64_t)device_nid, d);
        m->used += DEVICE_COST;
    }
    link_newest(m, d);
    return d;
}

void lazy_members_end(const struct lazy_answer *answer, int64_t next)
{
    struct lazy_members *m = answer->memory;
    if (!m)
        return;
    mutex_lock(&m->lock);
    struct device *d = use_device(m, answer->device_nid);
    if (!holds(d, answer) || answer->anew || d->told.count + answer->count > DEVICE_TOLD_MAX) {
        forget_told(m, d);
        d->filter = answer->filter;
        d->low = answer->since;
    }
    size_t before = d->told.count;
    for (size_t i = 0; i < answer->count; i++)
        map_u64_put(&d->told, answer->told[i], d);
    m->used += d->told.count - before;
    d->high = next;
    if (d->told.count > before)
        d->low = next;
    while (m->used > TOLD_MAX)
        forget_oldest(m);
    mutex_unlock(&m->lock);
}
