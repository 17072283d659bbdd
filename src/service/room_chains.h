/*
 * Auth chains (store/auth_chains.h) of databases that were made before these were kept: filled in once, at start.
 *
 * Threads: the one that starts the server, before it serves.
 */
#ifndef HEARTH_SERVICE_ROOM_CHAINS_H
#define HEARTH_SERVICE_ROOM_CHAINS_H

#include "service/services.h"

#include <stdbool.h>

/* Does nothing if the database has them. False: the database failed; the next start begins anew. */
bool room_chains_fill(struct services *s) __attribute__((warn_unused_result));

#endif
