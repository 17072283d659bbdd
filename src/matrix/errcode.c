#include "matrix/errcode.h"

#include <assert.h>

struct errcode_row {
    struct str name;
    int status;
};

#define ROW(code, http_status) [code] = {STR_INIT(#code), http_status}

static const struct errcode_row rows[ERRCODE_COUNT] = {
    [ERRCODE_NONE] = {STR_INIT(""), 200},
    ROW(M_BAD_ALIAS, 400),
    ROW(M_BAD_JSON, 400),
    ROW(M_BAD_STATE, 400),
    ROW(M_DUPLICATE_ANNOTATION, 400),
    ROW(M_EXCLUSIVE, 400),
    ROW(M_FORBIDDEN, 403),
    ROW(M_GUEST_ACCESS_FORBIDDEN, 403),
    ROW(M_INCOMPATIBLE_ROOM_VERSION, 400),
    ROW(M_INVALID_PARAM, 400),
    ROW(M_INVALID_ROOM_STATE, 400),
    ROW(M_INVALID_USERNAME, 400),
    ROW(M_KEY_TOO_LARGE, 400),
    ROW(M_LIMIT_EXCEEDED, 429),
    ROW(M_MISSING_PARAM, 400),
    ROW(M_MISSING_TOKEN, 401),
    ROW(M_NOT_FOUND, 404),
    ROW(M_NOT_JSON, 400),
    ROW(M_PROFILE_TOO_LARGE, 400),
    ROW(M_ROOM_IN_USE, 400),
    ROW(M_TOO_LARGE, 413),
    ROW(M_UNABLE_TO_AUTHORISE_JOIN, 400),
    ROW(M_UNAUTHORIZED, 401),
    ROW(M_UNKNOWN, 500),
    ROW(M_UNKNOWN_TOKEN, 401),
    ROW(M_UNRECOGNIZED, 404),
    ROW(M_UNSUPPORTED_ROOM_VERSION, 400),
    ROW(M_USER_DEACTIVATED, 403),
    ROW(M_USER_IN_USE, 400),
    ROW(M_USER_LOCKED, 401),
    ROW(M_USER_SUSPENDED, 403),
    ROW(M_WEAK_PASSWORD, 400),
};

struct str errcode_name(enum errcode code)
{
    assert(code < ERRCODE_COUNT);
    return rows[code].name;
}

int errcode_status(enum errcode code)
{
    assert(code < ERRCODE_COUNT);
    return rows[code].status;
}
