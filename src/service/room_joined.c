#include "service/room_joined.h"

#include "base/map.h"
#include "base/thread.h"
#include "service/room.h"
#include "service/wake.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define PAGE_WORDS 8
#define PAGE_USERS (PAGE_WORDS * 64)

struct page {
    uint64_t number; /* of the page: its first user is number * PAGE_USERS */
    unsigned count;
    uint64_t bits[PAGE_WORDS];
};

struct room_joined {
    atomic_uint refs;
    struct mutex lock; /* guards what follows */
    size_t count;
    struct map_u64 pages; /* number -> struct page; none is empty */
};

static uint64_t page_number(uint64_t user)
{
    return user / PAGE_USERS;
}

static uint64_t *word_of(struct page *page, uint64_t user)
{
    return &page->bits[user % PAGE_USERS / 64];
}

static uint64_t bit_of(uint64_t user)
{
    return UINT64_C(1) << user % 64;
}

static struct page *page_add(struct room_joined *set, uint64_t number)
{
    struct page *page = calloc(1, sizeof *page);
    assert(page);
    page->number = number;
    map_u64_put(&set->pages, number, page);
    return page;
}

static void put_locked(struct room_joined *set, uint64_t user, bool joined)
{
    struct page *page = map_u64_get(&set->pages, page_number(user));
    bool was = page && *word_of(page, user) & bit_of(user);
    if (was == joined)
        return;
    if (!page)
        page = page_add(set, page_number(user));
    *word_of(page, user) ^= bit_of(user);
    page->count += joined ? 1 : -1u;
    set->count += joined ? 1 : (size_t)-1;
    if (!page->count)
        free(map_u64_remove(&set->pages, page->number));
}

struct room_joined *room_joined_new(const int64_t *user_nids, size_t count)
{
    struct room_joined *set = calloc(1, sizeof *set);
    assert(set);
    atomic_init(&set->refs, 1);
    mutex_init(&set->lock);
    map_u64_init(&set->pages);
    for (size_t i = 0; i < count; i++)
        put_locked(set, (uint64_t)user_nids[i], true);
    return set;
}

size_t room_joined_bytes(struct room_joined *set)
{
    mutex_lock(&set->lock);
    size_t bytes = sizeof *set + set->pages.count * sizeof(struct page) + set->pages.cap * sizeof(struct map_u64_slot);
    mutex_unlock(&set->lock);
    return bytes;
}

struct room_joined *room_joined_ref(struct room_joined *set)
{
    atomic_fetch_add(&set->refs, 1);
    return set;
}

void room_joined_unref(struct room_joined **set_ptr)
{
    struct room_joined *set = *set_ptr;
    *set_ptr = NULL;
    if (!set || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    size_t i = 0;
    struct page *page;
    while ((page = map_u64_next(&set->pages, &i)))
        free(page);
    map_u64_fini(&set->pages);
    mutex_fini(&set->lock);
    free(set);
}

void room_joined_put(struct room_joined *set, int64_t user_nid, bool joined)
{
    mutex_lock(&set->lock);
    put_locked(set, (uint64_t)user_nid, joined);
    mutex_unlock(&set->lock);
}

/* As struct wake_group asks: with the lock held. */
static bool has_locked(const void *ctx, uint64_t user)
{
    const struct room_joined *set = ctx;
    struct page *page = map_u64_get(&set->pages, page_number(user));
    return page && *word_of(page, user) & bit_of(user);
}

static bool next_locked(const void *ctx, struct wake_cursor *cursor, uint64_t *user_out)
{
    const struct room_joined *set = ctx;
    const struct page *page = cursor->page;
    while (!cursor->rest) {
        /* `at` is the map's index, times the words of a page, plus the next word of this one */
        size_t word = cursor->at % PAGE_WORDS;
        size_t slot = cursor->at / PAGE_WORDS;
        if (word == 0 && !(cursor->page = page = map_u64_next(&set->pages, &slot)))
            return false;
        cursor->rest = page->bits[word];
        cursor->at = slot * PAGE_WORDS + (word + 1) % PAGE_WORDS;
        cursor->base = page->number * PAGE_USERS + word * 64;
    }
    *user_out = cursor->base + (uint64_t)__builtin_ctzll(cursor->rest);
    cursor->rest &= cursor->rest - 1;
    return true;
}

bool room_joined_has(struct room_joined *set, int64_t user_nid)
{
    mutex_lock(&set->lock);
    bool has = has_locked(set, (uint64_t)user_nid);
    mutex_unlock(&set->lock);
    return has;
}

size_t room_joined_count(struct room_joined *set)
{
    mutex_lock(&set->lock);
    size_t count = set->count;
    mutex_unlock(&set->lock);
    return count;
}

void room_joined_wake(struct services *s, struct room_joined *set)
{
    if (!set)
        return;
    mutex_lock(&set->lock);
    struct wake_group group = {.set = set, .count = set->count, .has = has_locked, .next = next_locked};
    wake_users(s->wake, &group);
    mutex_unlock(&set->lock);
}

void room_wake_joined(struct services *s, struct room *room)
{
    struct room_joined *set = NULL;
    mutex_lock(&room->lock);
    if (room_head_load(s, room))
        set = room_joined_ref(room->joined);
    mutex_unlock(&room->lock);
    room_joined_wake(s, set);
    room_joined_unref(&set);
}
