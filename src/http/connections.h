/*
 * How many connections there are, altogether and from each address, so that neither grows without bound.
 *
 * An IPv6 /64 counts as one address. Proxies that are trusted and unix sockets count only altogether.
 *
 * Threads: any.
 */
#ifndef HEARTH_HTTP_CONNECTIONS_H
#define HEARTH_HTTP_CONNECTIONS_H

#include "base/map.h"
#include "base/thread.h"
#include "http/peer.h"

struct connections {
    struct mutex lock;
    unsigned count;
    unsigned max;
    unsigned max_per_address;
    struct map_u64 by_group; /* peer_group() to its count */
    const struct peer_trust *trust;
};

void connections_init(struct connections *c, unsigned max, unsigned max_per_address, const struct peer_trust *trust);
void connections_fini(struct connections *c);

bool connections_are_full(struct connections *c);
/* Whether the peer may have one more. */
bool connections_allow(struct connections *c, const struct peer *peer);
void connections_opened(struct connections *c, const struct peer *peer);
void connections_closed(struct connections *c, const struct peer *peer);

#endif
