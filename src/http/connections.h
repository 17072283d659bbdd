/*
 * How many connections there are, altogether and from each address, so that neither grows without bound.
 *
 * An IPv6 /64 counts as one address. Proxies that are trusted, and unix sockets, count only altogether. The connections
 * of a reserved listener are counted apart, so that no load on the others locks out who administers the server.
 *
 * A connection is counted when it is accepted, where that is decided, and not when libmicrohttpd's threads come to it:
 * a burst would be past the limits before the first was counted.
 *
 * Threads: any.
 */
#ifndef HEARTH_HTTP_CONNECTIONS_H
#define HEARTH_HTTP_CONNECTIONS_H

#include "base/map.h"
#include "base/thread.h"
#include "http/peer.h"

#define CONNECTIONS_RESERVED 16

struct connections {
    struct mutex lock;
    unsigned count; /* without those that are reserved */
    unsigned reserved_count;
    unsigned max;
    unsigned max_per_address;
    struct map_u64 by_group; /* peer_group() to its count */
    const struct peer_trust *trust;
};

void connections_init(struct connections *c, unsigned max, unsigned max_per_address, const struct peer_trust *trust);
void connections_fini(struct connections *c);

/* Whether there may be one more, of a reserved listener if `reserved`. */
bool connections_have_room(struct connections *c, bool reserved);

enum connections_taken { CONNECTIONS_TAKEN, CONNECTIONS_FULL, CONNECTIONS_ADDRESS_FULL };
/* Counts one of this peer, if there may be one more; to be given back if it is taken. */
enum connections_taken connections_take(struct connections *c, const struct peer *peer)
    __attribute__((warn_unused_result));
void connections_give_back(struct connections *c, const struct peer *peer);
/* Of all kinds. */
unsigned connections_count(struct connections *c);

#endif
