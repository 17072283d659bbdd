/*
 * How long each connection may take for what it is doing, however diligently it moves a byte from time to time: the
 * idle timeout of libmicrohttpd starts anew with each byte, and ends nothing that is slow on purpose.
 *
 *     accepted, or the last response sent    a head has to be complete within the idle timeout and a grace
 *     its request line is there              the rest of the head within the grace
 *     a body arrives, a response is sent     the grace, and a second for each KiB
 *     the request is handled, or parked      no deadline
 *
 * The grace is the idle timeout, but at most 30 s. I/O threads say where a connection is; the watch thread looks now
 * and then, and shuts down those that are late, so that libmicrohttpd finds them closed.
 *
 * Ownership: one struct deadline a connection, from the notification of its start to that of its end; libmicrohttpd
 * closes the descriptor after that.
 * Threads: a deadline belongs to its connection's I/O thread; deadlines_enforce() to one other.
 */
#ifndef HEARTH_HTTP_DEADLINE_H
#define HEARTH_HTTP_DEADLINE_H

#include "base/thread.h"

#include <stdatomic.h>
#include <stdint.h>

struct deadline {
    struct deadlines *all;
    struct deadline *next, *previous;
    _Atomic int64_t at_ms; /* of clock_mono_ms(); INT64_MAX: none */
    int fd;
};

struct deadlines {
    struct mutex lock;
    struct deadline *first;
    int64_t idle_ms;
    int64_t grace_ms;
    int64_t look_ms; /* when to look again */
};

void deadlines_init(struct deadlines *all, int64_t idle_ms);
/* All have to be gone. */
void deadlines_fini(struct deadlines *all);

/* The descriptor stays the caller's. It waits for a head. */
struct deadline *deadline_new(struct deadlines *all, int fd);
void deadline_free(struct deadline **d);

void deadline_await_head(struct deadline *d, int64_t now_ms);
void deadline_begin_head(struct deadline *d, int64_t now_ms);
/* So many bytes have arrived, or are to be sent, since then. */
void deadline_transfer(struct deadline *d, int64_t since_ms, uint64_t bytes);
void deadline_clear(struct deadline *d);

/* Shuts down what is late; returns when to call it again. Cheap if called too early. */
int64_t deadlines_enforce(struct deadlines *all, int64_t now_ms);

#endif
