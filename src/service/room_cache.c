/*
 * Which rooms are in memory: found by number and by id, counted while in use, and kept for a while after.
 */
#include "base/clock.h"
#include "service/room_head.h"
#include "service/room_upgrade_turn.h"
#include "service/storage.h"
#include "store/event_graph.h"
#include "store/events.h"
#include "store/receipts.h"
#include "store/rooms.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_BYTES ((size_t)16 << 20) /* of rooms kept although nobody uses them, unless told otherwise */
#define NEWS_MAX   65536              /* rooms whose newest positions are remembered */

struct rooms {
    struct mutex lock;
    struct map_u64 by_nid;
    struct map_str by_id;
    struct room *idle_oldest;
    struct room *idle_newest;
    size_t idle_bytes;
    size_t idle_bytes_max;
    struct map_u64 news; /* room_nid -> struct news_entry */
    uint64_t news_clears;
    uint64_t others;     /* store_others() that the news know of */
    int64_t creation_ms; /* newest given out */
    struct room_upgrade_turns *upgrades;
};

/* Filled by the writer as positions are committed, and completed from the store by the first who asks. */
struct news_entry {
    struct room_news news;
    bool complete;
};

struct rooms *rooms_new(void)
{
    struct rooms *rooms = calloc(1, sizeof *rooms);
    assert(rooms);
    rooms->idle_bytes_max = IDLE_BYTES;
    mutex_init(&rooms->lock);
    map_u64_init(&rooms->by_nid);
    map_str_init(&rooms->by_id);
    map_u64_init(&rooms->news);
    rooms->upgrades = room_upgrade_turns_new();
    return rooms;
}

struct room_upgrade_turns *rooms_upgrades(struct rooms *rooms)
{
    return rooms->upgrades;
}

void rooms_set_idle_bytes(struct rooms *rooms, size_t bytes)
{
    rooms->idle_bytes_max = bytes;
}

size_t rooms_idle_bytes(struct rooms *rooms)
{
    mutex_lock(&rooms->lock);
    size_t bytes = rooms->idle_bytes;
    mutex_unlock(&rooms->lock);
    return bytes;
}

static void room_free(struct room *room)
{
    room_head_drop(room);
    room_joined_unref(&room->joined);
    mutex_fini(&room->lock);
    free(room);
}

static void news_clear(struct rooms *rooms)
{
    size_t i = 0;
    void *entry;
    while ((entry = map_u64_next(&rooms->news, &i)))
        free(entry);
    map_u64_fini(&rooms->news);
    map_u64_init(&rooms->news);
    rooms->news_clears++;
}

void rooms_free(struct rooms **rooms_ptr)
{
    struct rooms *rooms = *rooms_ptr;
    if (!rooms)
        return;
    size_t i = 0;
    struct room *room;
    while ((room = map_u64_next(&rooms->by_nid, &i))) {
        assert(room->refs == 0);
        room_free(room);
    }
    map_u64_fini(&rooms->by_nid);
    map_str_fini(&rooms->by_id);
    news_clear(rooms);
    map_u64_fini(&rooms->news);
    room_upgrade_turns_free(&rooms->upgrades);
    mutex_fini(&rooms->lock);
    free(rooms);
    *rooms_ptr = NULL;
}

static void idle_remove(struct rooms *rooms, struct room *room)
{
    *(room->older ? &room->older->newer : &rooms->idle_oldest) = room->newer;
    *(room->newer ? &room->newer->older : &rooms->idle_newest) = room->older;
    room->older = room->newer = NULL;
    rooms->idle_bytes -= room->idle_bytes;
}

/* Of a room that nobody uses: nobody has its lock, and who comes next has to get past that of `rooms`. */
static size_t bytes_of(const struct room *room)
{
    size_t bytes = sizeof *room + room->room_id.n + 2 * (sizeof(struct map_u64_slot) + sizeof(struct map_str_slot));
    if (room->head.arena)
        bytes += arena_held(room->head.arena) + room->head.state.cap * sizeof(struct map_str_slot);
    return bytes + (room->joined ? room_joined_bytes(room->joined) : 0);
}

static void idle_append(struct rooms *rooms, struct room *room)
{
    room->idle_bytes = bytes_of(room);
    room->older = rooms->idle_newest;
    room->newer = NULL;
    *(rooms->idle_newest ? &rooms->idle_newest->newer : &rooms->idle_oldest) = room;
    rooms->idle_newest = room;
    rooms->idle_bytes += room->idle_bytes;
}

static struct room *room_ref(struct rooms *rooms, struct room *room)
{
    mutex_assert_held(&rooms->lock);
    if (room && room->refs++ == 0)
        idle_remove(rooms, room);
    return room;
}

/* A room of which memory knows nothing yet; NULL if its version is unknown to this program. */
static struct room *room_make(int64_t nid, struct str room_id, struct str version_name)
{
    const struct room_version *version = room_version_find(version_name);
    if (!version)
        return NULL;
    struct room *room = calloc(1, sizeof *room + room_id.n);
    assert(room);
    char *id = (char *)(room + 1);
    memcpy(id, room_id.p, room_id.n);
    room->nid = nid;
    room->room_id = (struct str){id, room_id.n};
    room->version = version;
    mutex_init(&room->lock);
    return room;
}

/* Adds a room that was just read, unless another thread was quicker. */
static struct room *room_enter(struct rooms *rooms, struct room *fresh)
{
    mutex_lock(&rooms->lock);
    struct room *room = map_u64_get(&rooms->by_nid, (uint64_t)fresh->nid);
    if (room) {
        room_ref(rooms, room);
    } else {
        room = fresh;
        room->refs = 1;
        map_u64_put(&rooms->by_nid, (uint64_t)room->nid, room);
        map_str_put(&rooms->by_id, room->room_id, room);
        fresh = NULL;
    }
    mutex_unlock(&rooms->lock);
    if (fresh)
        room_free(fresh);
    return room;
}

int64_t rooms_creation_ms(struct rooms *rooms)
{
    int64_t now = clock_now_ms();
    mutex_lock(&rooms->lock);
    rooms->creation_ms = now > rooms->creation_ms ? now : rooms->creation_ms + 1;
    now = rooms->creation_ms;
    mutex_unlock(&rooms->lock);
    return now;
}

static struct fault room_read(struct services *s, int64_t room_nid, struct str room_id, struct fault unknown,
                              struct room **room_out)
{
    struct arena *a = arena_new();
    struct store_tx *tx = store_read_begin(s->store);
    struct str version = {0};
    struct room *room = NULL;
    if (!room_nid)
        room_nid = rooms_nid_of(tx, room_id);
    if (room_nid && rooms_get(tx, room_nid, a, &room_id, &version))
        room = room_make(room_nid, room_id, version);
    struct fault fault = storage_read_end(&tx);
    if (fault.code && room) {
        room_free(room);
        room = NULL;
    }
    arena_free(&a);
    if (room)
        *room_out = room_enter(s->rooms, room);
    return fault.code || room ? fault : unknown;
}

struct fault room_open(struct services *s, struct str room_id, struct fault unknown, struct room **room_out)
{
    mutex_lock(&s->rooms->lock);
    *room_out = room_ref(s->rooms, map_str_get(&s->rooms->by_id, room_id));
    mutex_unlock(&s->rooms->lock);
    return *room_out ? FAULT_NONE : room_read(s, 0, room_id, unknown, room_out);
}

struct fault room_open_nid(struct services *s, int64_t room_nid, struct fault unknown, struct room **room_out)
{
    mutex_lock(&s->rooms->lock);
    *room_out = room_ref(s->rooms, map_u64_get(&s->rooms->by_nid, (uint64_t)room_nid));
    mutex_unlock(&s->rooms->lock);
    return *room_out ? FAULT_NONE : room_read(s, room_nid, (struct str){0}, unknown, room_out);
}

void room_close(struct services *s, struct room **room_ptr)
{
    struct room *room = *room_ptr;
    struct room *evicted = NULL; /* a list */
    if (!room)
        return;
    *room_ptr = NULL;
    struct rooms *rooms = s->rooms;
    mutex_lock(&rooms->lock);
    assert(room->refs > 0);
    if (--room->refs == 0)
        idle_append(rooms, room);
    while (rooms->idle_bytes > rooms->idle_bytes_max) {
        struct room *oldest = rooms->idle_oldest;
        idle_remove(rooms, oldest);
        map_u64_remove(&rooms->by_nid, (uint64_t)oldest->nid);
        map_str_remove(&rooms->by_id, oldest->room_id);
        oldest->newer = evicted;
        evicted = oldest;
    }
    mutex_unlock(&rooms->lock);
    while (evicted) {
        struct room *next = evicted->newer;
        room_free(evicted);
        evicted = next;
    }
}

/* The entry of a room, made if need be; a full table is emptied, and filled again from the store as rooms are asked
 * for. */
static struct news_entry *news_entry(struct rooms *rooms, int64_t room_nid)
{
    mutex_assert_held(&rooms->lock);
    struct news_entry *entry = map_u64_get(&rooms->news, (uint64_t)room_nid);
    if (entry)
        return entry;
    if (rooms->news.count >= NEWS_MAX)
        news_clear(rooms);
    entry = calloc(1, sizeof *entry);
    assert(entry);
    map_u64_put(&rooms->news, (uint64_t)room_nid, entry);
    return entry;
}

static void news_raise(struct news_entry *entry, int64_t event_pos, int64_t receipt_pos)
{
    if (entry->news.event_pos < event_pos)
        entry->news.event_pos = event_pos;
    if (entry->news.receipt_pos < receipt_pos)
        entry->news.receipt_pos = receipt_pos;
}

struct room_news room_news(struct services *s, struct store_tx *tx, int64_t room_nid)
{
    struct rooms *rooms = s->rooms;
    uint64_t others = store_others(s->store);
    mutex_lock(&rooms->lock);
    if (rooms->others != others) {
        news_clear(rooms); /* another process has written: nobody told us where */
        rooms->others = others;
    }
    const struct news_entry *known = map_u64_get(&rooms->news, (uint64_t)room_nid);
    struct news_entry found = known ? *known : (struct news_entry){0};
    uint64_t clears = rooms->news_clears;
    mutex_unlock(&rooms->lock);
    if (found.complete)
        return found.news;

    struct event_row last;
    if (events_last_numbers(tx, room_nid, INT64_MAX, &last))
        found.news.event_pos = last.pos > found.news.event_pos ? last.pos : found.news.event_pos;
    int64_t quiet_pos = room_states_get(tx, room_nid).pos;
    found.news.event_pos = quiet_pos > found.news.event_pos ? quiet_pos : found.news.event_pos;
    int64_t receipt_pos = receipts_last_pos(tx, room_nid);
    found.news.receipt_pos = receipt_pos > found.news.receipt_pos ? receipt_pos : found.news.receipt_pos;

    /* What the writer told meanwhile is in the entry, unless the table was emptied in between. */
    mutex_lock(&rooms->lock);
    if (clears == rooms->news_clears) {
        struct news_entry *entry = news_entry(rooms, room_nid);
        news_raise(entry, found.news.event_pos, found.news.receipt_pos);
        entry->complete = clears == rooms->news_clears;
    }
    mutex_unlock(&rooms->lock);
    return found.news;
}

void room_news_event(struct rooms *rooms, int64_t room_nid, int64_t pos)
{
    mutex_lock(&rooms->lock);
    news_raise(news_entry(rooms, room_nid), pos, 0);
    mutex_unlock(&rooms->lock);
}

void room_news_receipt(struct rooms *rooms, int64_t room_nid, int64_t pos)
{
    mutex_lock(&rooms->lock);
    news_raise(news_entry(rooms, room_nid), 0, pos);
    mutex_unlock(&rooms->lock);
}
