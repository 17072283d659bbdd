/*
 * Error codes of the specification, each with the HTTP status it usually travels with.
 *
 * Services answer with a `struct fault`: a value that says what went wrong in Matrix terms; code 0 is success. The text
 * is for people; it names the field or the rule, and lives as long as the request.
 *
 * Threads: the table is constant.
 */
#ifndef HEARTH_MATRIX_ERRCODE_H
#define HEARTH_MATRIX_ERRCODE_H

#include "base/str.h"

enum errcode {
    ERRCODE_NONE = 0,
    M_BAD_ALIAS,
    M_BAD_JSON,
    M_BAD_STATE,
    M_DUPLICATE_ANNOTATION,
    M_EXCLUSIVE,
    M_FORBIDDEN,
    M_GUEST_ACCESS_FORBIDDEN,
    M_INCOMPATIBLE_ROOM_VERSION,
    M_INVALID_PARAM,
    M_INVALID_ROOM_STATE,
    M_INVALID_USERNAME,
    M_KEY_TOO_LARGE,
    M_LIMIT_EXCEEDED,
    M_MISSING_PARAM,
    M_MISSING_TOKEN,
    M_NOT_FOUND,
    M_NOT_JSON,
    M_PROFILE_TOO_LARGE,
    M_ROOM_IN_USE,
    M_TOO_LARGE,
    M_UNABLE_TO_AUTHORISE_JOIN,
    M_UNAUTHORIZED,
    M_UNKNOWN,
    M_UNKNOWN_TOKEN,
    M_UNRECOGNIZED,
    M_UNSUPPORTED_ROOM_VERSION,
    M_USER_DEACTIVATED,
    M_USER_IN_USE,
    M_USER_LOCKED,
    M_USER_SUSPENDED,
    M_WEAK_PASSWORD,
    ERRCODE_COUNT
};

struct str errcode_name(enum errcode code);
/* The usual HTTP status of the code (client-server API, "Standard error response"). */
int errcode_status(enum errcode code);

struct fault {
    enum errcode code; /* ERRCODE_NONE: no fault */
    int status;        /* HTTP status where it is not the usual one; else 0 */
    struct str message;
    int64_t retry_after_ms; /* M_LIMIT_EXCEEDED: when it is worth asking again; else 0 */
    bool soft_logout;       /* M_UNKNOWN_TOKEN, M_USER_LOCKED: the client may keep what it has stored */
};

#define FAULT_NONE ((struct fault){.code = ERRCODE_NONE, .message = {"", 0}})
/* A fault with a constant text. */
#define FAULT(errcode, text) ((struct fault){.code = (errcode), .message = STR_INIT(text)})
#define FAULT_STATUS(errcode, http_status, text)                                                                       \
    ((struct fault){.code = (errcode), .status = (http_status), .message = STR_INIT(text)})
/* A fault whose text was made for the occasion and lives as long as the request. */
#define FAULT_STR(errcode, text) ((struct fault){.code = (errcode), .message = (text)})

#endif
