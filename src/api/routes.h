/*
 * All route tables of the server, one line a module of the specification.
 *
 * To add a module: a file in this folder that ends with `const struct api_route routes_<module>[]`, and its name here.
 */
#ifndef HEARTH_API_ROUTES_H
#define HEARTH_API_ROUTES_H

#include "api/api.h"

/* clang-format off */
#define API_MODULES(X) \
    X(control)         \
    X(health)          \
    X(wellknown)       \
    X(versions)        \
    X(capabilities)    \
    X(login)           \
    X(register)        \
    X(account)         \
    X(devices)         \
    X(profile)         \
    X(account_data)    \
    X(tags)            \
    X(filters)         \
    X(pushrules)       \
    X(rooms)           \
    X(room_events)     \
    X(receipts)        \
    X(directory)       \
    X(sync)
/* clang-format on */

#define API_MODULE_DECLARE(module) extern const struct api_route routes_##module[];
API_MODULES(API_MODULE_DECLARE)

/* Every table; NULL ends the list. */
extern const struct api_route *const api_routes[];

#endif
