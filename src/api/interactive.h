/*
 * User-Interactive Authentication in handlers (service/uia.h).
 *
 *     struct uia_result auth;
 *     struct http_reply reply;
 *     if (!interactive_auth(r, &uia_flow_password, 1, r->caller.user_nid, &auth, &reply))
 *         return reply;
 *     ... do it ...
 *     uia_finish(r->services, &auth);
 *
 * Threads: as handlers.
 */
#ifndef HEARTH_API_INTERACTIVE_H
#define HEARTH_API_INTERACTIVE_H

#include "api/api.h"
#include "service/uia.h"

/* Whether the client has authenticated for this method and path; if not, *reply_out is what to answer. `user_nid` is
 * whose password is asked for, 0 for anybody's. */
bool interactive_auth(struct api_request *r, const struct uia_flow *flows, size_t flow_count, int64_t user_nid,
                      struct uia_result *result_out, struct http_reply *reply_out) __attribute__((warn_unused_result));

#endif
