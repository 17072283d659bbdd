/*
 * How many bytes of answers there are, made or being made, that clients have not read yet, so that clients that ask for
 * much and read nothing do not fill the memory.
 *
 * A worker takes the bytes of its answer from here while the answer grows, and does not go on without: what is held is
 * what there is. They are given back when the answer has been sent or the connection has ended. Answers below
 * RESPONSE_MEMORY_FREE are not counted: there is at most one a connection, and connections are limited.
 *
 * A group is one client: a user or an address, as the owner decides. It may hold half of what all others leave of the
 * maximum: a single client can read a large answer or several at once, and however many hold their part, the next one
 * still finds something. A group of 0 is limited by the maximum only: that of a proxy which does not tell its clients.
 *
 * A group that was refused while answers of its own wait to be read gets nothing until one of them has been read or
 * given up: who does not read is refused at the first bytes of an answer, and not after it was made for nothing.
 *
 * The deadlines of connections are generous to slow readers, so that many of them could hold the memory for hours. When
 * an answer is refused while more than half of the maximum is held, the connection whose answer has waited for longest,
 * and for more than RESPONSE_MEMORY_PATIENCE_MS, is shut down: who asks again finds room.
 *
 * Ownership: one struct response_hold a counted answer, from its first bytes to its give_back; the descriptor stays the
 * caller's and is not closed before that.
 * Threads: any; a hold belongs to one thread at a time.
 */
#ifndef HEARTH_HTTP_RESPONSE_MEMORY_H
#define HEARTH_HTTP_RESPONSE_MEMORY_H

#include "base/map.h"
#include "base/thread.h"

#define RESPONSE_MEMORY_FREE        ((size_t)16 << 10)
#define RESPONSE_MEMORY_PATIENCE_MS INT64_C(60000)

/* When complete: in a list from the oldest to the newest, unless its connection has been shut down. */
struct response_hold {
    struct response_hold *next, *previous;
    uint64_t group;
    size_t bytes;
    int64_t since_ms;
    int fd;
    bool complete; /* the answer has been made and waits to be read */
    bool listed;
};

/* What a group holds, while it holds something. */
struct response_share {
    size_t held;
    unsigned waiting; /* complete answers */
    bool refused;     /* since the last of them was given back */
};

struct response_memory {
    struct mutex lock;
    size_t max;
    size_t held;
    struct map_u64 by_group; /* to struct response_share */
    struct response_hold *first, *last;
};

void response_memory_init(struct response_memory *m, size_t max);
/* Everything has to be given back. */
void response_memory_fini(struct response_memory *m);

/* Takes bytes for an answer over the connection `fd` that is being made, so that it has `bytes` in all; *hold, NULL at
 * first, is what to give back. False: there are not so many, and *hold is as it was. `now_ms` is of clock_mono_ms(). */
bool response_memory_grow(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold) __attribute__((warn_unused_result));
/* The answer is there, of `bytes` in all: takes what is missing, or gives back what is too much. False: there are not
 * so many, nothing is held and *hold is NULL, as it also is if nothing has to be counted. */
bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold) __attribute__((warn_unused_result));
/* Accepts NULL. */
void response_memory_give_back(struct response_memory *m, struct response_hold **hold);
/* What a group can hold at most, if there is no other. */
size_t response_memory_most(const struct response_memory *m);
size_t response_memory_held(struct response_memory *m);

#endif
