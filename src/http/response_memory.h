/*
 * How many bytes of answers there are that clients have not read yet, so that clients that ask for much and read
 * nothing do not fill the memory.
 *
 * A worker takes the bytes of its answer from here before it hands it to the I/O threads; they are given back when the
 * answer has been sent or the connection has ended. Answers below RESPONSE_MEMORY_FREE are not counted: there is at
 * most one a connection, and connections are limited.
 *
 * One address may hold half of what all others leave of the maximum: a single client can read a large answer or several
 * at once, and however many addresses hold their part, the next one still finds something. An address of 0 is limited
 * by the maximum only: that of a proxy which does not tell its clients.
 *
 * The deadlines of connections are generous to slow readers, so that many of them could hold the memory for hours. When
 * an answer is refused while more than half of the maximum is held, the connection whose answer has waited for longest,
 * and for more than RESPONSE_MEMORY_PATIENCE_MS, is shut down: who asks again finds room.
 *
 * Ownership: one struct response_hold a counted answer, from a take to its give_back; the descriptor stays the caller's
 * and is not closed before that.
 * Threads: any.
 */
#ifndef HEARTH_HTTP_RESPONSE_MEMORY_H
#define HEARTH_HTTP_RESPONSE_MEMORY_H

#include "base/map.h"
#include "base/thread.h"

#define RESPONSE_MEMORY_FREE        ((size_t)16 << 10)
#define RESPONSE_MEMORY_PATIENCE_MS INT64_C(60000)

/* In a list from the oldest to the newest, unless its connection has been shut down. */
struct response_hold {
    struct response_hold *next, *previous;
    uint64_t group;
    size_t bytes;
    int64_t since_ms;
    int fd;
    bool listed;
};

struct response_memory {
    struct mutex lock;
    size_t max;
    size_t held;
    struct map_u64 by_group; /* peer_client_group() to the bytes it holds */
    struct response_hold *first, *last;
};

void response_memory_init(struct response_memory *m, size_t max);
/* Everything has to be given back. */
void response_memory_fini(struct response_memory *m);

/* Takes so many bytes for an answer over the connection `fd`, or nothing and gives false. *hold_out is what to give
 * back, NULL if nothing was counted. `now_ms` is that of clock_mono_ms(). */
bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes, int fd, int64_t now_ms,
                          struct response_hold **hold_out) __attribute__((warn_unused_result));
/* Accepts NULL. */
void response_memory_give_back(struct response_memory *m, struct response_hold **hold);
size_t response_memory_held(struct response_memory *m);

#endif
