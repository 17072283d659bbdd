/*
 * Who is at the other end: the peer of a connection, and the client behind it if the peer is a proxy that is trusted.
 *
 * A header like X-Forwarded-For is believed only from a trusted peer, and only as far back as hops are trusted: of
 * "a, b, c" the client is c unless c is a trusted proxy itself, then b, and so on. With nothing usable the peer is the
 * client. Proxies add to X-Forwarded-For much more often than to Forwarded, which then is what the client made up: if
 * both are there, X-Forwarded-For counts.
 *
 * Threads: a trust list is constant once made; everything else is pure.
 */
#ifndef HEARTH_HTTP_PEER_H
#define HEARTH_HTTP_PEER_H

#include "http/request.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* What the server knows of a connection; begins as a socket address, so that libmicrohttpd can keep it for us. */
struct peer {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    unsigned listener;
    bool reserved; /* see http_server_reserve() */
};

/* Room for the text of an address, with NUL. */
#define PEER_TEXT_MAX 46

struct peer_net;

struct peer_trust {
    struct peer_net *nets;
    size_t count;
    bool unix_sockets;
};

/* Entries as in struct http_server_options; false if one is malformed (*bad_out is its index; nothing to free then). */
bool peer_trust_init(struct peer_trust *t, const char *const *entries, size_t count, size_t *bad_out)
    __attribute__((warn_unused_result));
/* Whether it is such an entry: an address, a network ("10.0.0.0/8", "::ffff:10.0.0.0/104" for the same), or "unix". */
bool peer_network_valid(struct str entry);
void peer_trust_fini(struct peer_trust *t);
bool peer_is_trusted(const struct peer_trust *t, const struct peer *peer);

/* The client's address, written into `text`: IPv4 or IPv6 (one that maps IPv4 is IPv4), or "unix". */
struct str peer_client(const struct peer_trust *t, const struct peer *peer, const struct http_pair *headers,
                       size_t header_count, char text[PEER_TEXT_MAX]);

/* peer_group() of the client's address; 0 if that is a unix socket, or a trusted proxy that tells of no client. */
uint64_t peer_client_group(const struct peer_trust *t, const struct peer *peer, const struct http_pair *headers,
                           size_t header_count);

/* A number that is the same for all of one IPv4 address or IPv6 /64; 0 for a unix socket. */
uint64_t peer_group(const struct peer *peer);

#endif
