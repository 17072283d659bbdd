/*
 * Who makes a request: the user and device behind an access token.
 *
 * The strings live in the arena of the request.
 */
#ifndef HEARTH_SERVICE_CALLER_H
#define HEARTH_SERVICE_CALLER_H

#include "base/str.h"

struct caller {
    int64_t user_nid; /* 0: nobody */
    int64_t device_nid;
    struct str user_id;
    struct str device_id;
    bool is_admin;
    bool is_guest;
};

#endif
