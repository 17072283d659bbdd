/*
 * The parked requests: found by the keys that wake them, by their deadline, and by their id.
 *
 *     stripes[hash(key)]  { number of its last wake, list of links }  --> link --> entry
 *     array of the keys that are parked now                           --> link --> entry
 *     heap of deadlines                                               ----------> entry
 *     map of ids                                                      ----------> entry
 *
 * All of it under one lock, held for a few hundred nanoseconds at a time: parking and waking touch a handful of words.
 * An entry leaves all four at once, so exactly one of waker, clock and watcher gets it.
 *
 * The wake number (park_table_seq) counts wakes. A stripe remembers the number of its last wake: who looked at the
 * state after reading number n, and parks on a stripe whose last wake is later than n, may have missed it and is turned
 * away.
 *
 * A group of keys is woken at once, along whichever is shorter: its keys, or the keys that are parked. In the second
 * case the stripes of its keys are not marked one by one; the table remembers the number as the last wake of all
 * stripes (woken_all). So in either case, when the lock is released, each key of the group has a last wake with that
 * number or a later one, and who was parked on it is out: a wake is not lost between looking and parking. Somebody who
 * is not of the group may be turned away with the others, and looks again for nothing; that happens to those alone who
 * were between the two when a group larger than what is parked was woken.
 *
 * Ownership: an entry stands in its owner's struct; between a successful add and the moment one of the functions hands
 * it out again it belongs to the table.
 *
 * Threads: any.
 */
#ifndef HEARTH_HTTP_PARK_TABLE_H
#define HEARTH_HTTP_PARK_TABLE_H

#include "base/map.h"
#include "base/thread.h"
#include "http/reply.h"
#include "http/wake_group.h"

#include <stdatomic.h>

#define PARK_TABLE_STRIPES 4096

struct park_entry;

struct park_link {
    struct park_link *next;
    struct park_link **prev;
    struct park_entry *entry;
    uint64_t key;
    size_t index; /* in the array of parked keys */
};

struct park_entry {
    struct park_link links[HTTP_PARK_MAX_KEYS];
    unsigned link_count;
    unsigned heap_index;
    uint64_t id;
    int64_t deadline_ms;
    struct park_entry *next; /* in the lists that are handed out */
};

struct park_stripe {
    uint64_t woken;
    struct park_link *links;
};

struct park_parked {
    uint64_t key;
    struct park_link *link;
};

struct park_table {
    struct mutex lock;
    _Atomic uint64_t seq;
    struct park_stripe *stripes;
    uint64_t woken_all;         /* the last wake of all stripes at once */
    struct park_parked *parked; /* each link once, in no order */
    size_t parked_count;
    size_t parked_cap;
    struct park_entry **heap;
    size_t heap_count;
    size_t heap_cap;
    struct map_u64 by_id;
    bool closed;
};

enum park_result {
    PARK_DONE,
    PARK_DONE_EARLIEST, /* the same, and no other deadline is earlier: who waits for deadlines has to know */
    PARK_MOVED,         /* one of the keys was woken meanwhile */
    PARK_CLOSED         /* no parking any more */
};

void park_table_init(struct park_table *t);
/* The table must be empty. */
void park_table_fini(struct park_table *t);

uint64_t park_table_seq(const struct park_table *t);
/* `id` is not 0, and no other entry's. */
enum park_result park_table_add(struct park_table *t, struct park_entry *e, uint64_t id, const struct http_park *park)
    __attribute__((warn_unused_result));

/* These take entries out and hand them over as a list. */
struct park_entry *park_table_wake(struct park_table *t, uint64_t key) __attribute__((warn_unused_result));
struct park_entry *park_table_wake_group(struct park_table *t, const struct wake_group *group)
    __attribute__((warn_unused_result));
struct park_entry *park_table_expired(struct park_table *t, int64_t now_ms) __attribute__((warn_unused_result));
struct park_entry *park_table_take(struct park_table *t, uint64_t id) __attribute__((warn_unused_result));
/* All of them; from now on adding gives PARK_CLOSED. */
struct park_entry *park_table_close(struct park_table *t) __attribute__((warn_unused_result));

/* The earliest deadline, or INT64_MAX. */
int64_t park_table_next_deadline(struct park_table *t);
size_t park_table_count(struct park_table *t);

#endif
