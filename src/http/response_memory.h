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
 * Threads: any.
 */
#ifndef HEARTH_HTTP_RESPONSE_MEMORY_H
#define HEARTH_HTTP_RESPONSE_MEMORY_H

#include "base/map.h"
#include "base/thread.h"

#define RESPONSE_MEMORY_FREE ((size_t)16 << 10)

struct response_memory {
    struct mutex lock;
    size_t max;
    size_t held;
    struct map_u64 by_group; /* peer_client_group() to the bytes it holds */
};

void response_memory_init(struct response_memory *m, size_t max);
/* Everything has to be given back. */
void response_memory_fini(struct response_memory *m);

/* Takes so many bytes, or nothing and gives false. Of fewer than RESPONSE_MEMORY_FREE nothing is counted, here as when
 * they are given back. */
bool response_memory_take(struct response_memory *m, uint64_t group, size_t bytes) __attribute__((warn_unused_result));
void response_memory_give_back(struct response_memory *m, uint64_t group, size_t bytes);
size_t response_memory_held(struct response_memory *m);

#endif
