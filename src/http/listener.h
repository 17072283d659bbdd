/*
 * Listening sockets: opened, described, closed.
 *
 * Threads: the one that owns them.
 */
#ifndef HEARTH_HTTP_LISTENER_H
#define HEARTH_HTTP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct listener {
    int fd;         /* -1: closed */
    uint16_t port;  /* 0: a unix socket */
    char path[108]; /* of a unix socket, removed when it is closed */
    bool reserved;  /* its connections are counted apart */
};

/* See http_server_listen_...(); false with a line in the log. */
bool listener_open_tcp(struct listener *l, const char *address, uint16_t port) __attribute__((warn_unused_result));
bool listener_open_unix(struct listener *l, const char *path, unsigned mode) __attribute__((warn_unused_result));
void listener_close(struct listener *l);

#endif
