/*
 * What /.well-known/matrix/ says, for those who say it elsewhere too.
 *
 * Threads: any.
 */
#ifndef HEARTH_API_WELLKNOWN_H
#define HEARTH_API_WELLKNOWN_H

#include "codec/json.h"
#include "service/services.h"

/* {"m.homeserver": {"base_url": ...}}, or NULL if the option well_known.client is not set. */
const struct json *wellknown_client(struct arena *a, const struct service_options *options);

#endif
