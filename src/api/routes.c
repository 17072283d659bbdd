#include "api/routes.h"

#define API_MODULE_ENTRY(module) routes_##module,

const struct api_route *const api_routes[] = {API_MODULES(API_MODULE_ENTRY) NULL};
