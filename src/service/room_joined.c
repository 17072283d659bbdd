#include "service/room_joined.h"

#include "service/room.h"
#include "service/wake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct room_joined *joined_alloc(size_t count)
{
    struct room_joined *list = malloc(sizeof *list + count * sizeof list->user_nids[0]);
    assert(list);
    atomic_init(&list->refs, 1);
    list->count = count;
    return list;
}

static int nid_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct room_joined *room_joined_new(const int64_t *user_nids, size_t count)
{
    struct room_joined *list = joined_alloc(count);
    if (count)
        memcpy(list->user_nids, user_nids, count * sizeof *user_nids);
    qsort(list->user_nids, count, sizeof list->user_nids[0], nid_order);
    return list;
}

/* Index of the first number that is not less than `user_nid`. */
static size_t joined_find(const struct room_joined *list, int64_t user_nid)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (list->user_nids[mid] < user_nid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool room_joined_has(const struct room_joined *list, int64_t user_nid)
{
    size_t i = joined_find(list, user_nid);
    return i < list->count && list->user_nids[i] == user_nid;
}

struct room_joined *room_joined_with(const struct room_joined *list, int64_t user_nid)
{
    size_t i = joined_find(list, user_nid);
    struct room_joined *more = joined_alloc(list->count + 1);
    memcpy(more->user_nids, list->user_nids, i * sizeof user_nid);
    more->user_nids[i] = user_nid;
    memcpy(more->user_nids + i + 1, list->user_nids + i, (list->count - i) * sizeof user_nid);
    return more;
}

struct room_joined *room_joined_without(const struct room_joined *list, int64_t user_nid)
{
    size_t i = joined_find(list, user_nid);
    assert(room_joined_has(list, user_nid));
    struct room_joined *less = joined_alloc(list->count - 1);
    memcpy(less->user_nids, list->user_nids, i * sizeof user_nid);
    memcpy(less->user_nids + i, list->user_nids + i + 1, (list->count - i - 1) * sizeof user_nid);
    return less;
}

struct room_joined *room_joined_ref(struct room_joined *list)
{
    atomic_fetch_add(&list->refs, 1);
    return list;
}

void room_joined_unref(struct room_joined **list)
{
    if (*list && atomic_fetch_sub(&(*list)->refs, 1) == 1)
        free(*list);
    *list = NULL;
}

void room_joined_wake(struct services *s, const struct room_joined *list)
{
    for (size_t i = 0; list && i < list->count; i++)
        wake_user(s->wake, list->user_nids[i]);
}

void room_wake_joined(struct services *s, struct room *room)
{
    struct room_joined *list = NULL;
    mutex_lock(&room->lock);
    if (room_head_load(s, room))
        list = room_joined_ref(room->head.joined);
    mutex_unlock(&room->lock);
    room_joined_wake(s, list);
    room_joined_unref(&list);
}
