/*
 * Control: what the commands of `hearth` do to a server, in one place for both ways of doing it.
 *
 *     hearth user create --- socket ---> POST /_hearth/control ---+
 *                      \                                          +---> control_run
 *                       `-- no server runs: opens the database ---+
 *
 * A command is a name ("user create") and an object of arguments; its result is an object. Errors are faults, whose
 * messages are for the person at the terminal.
 *
 * Threads: any.
 */
#ifndef HEARTH_SERVICE_CONTROL_H
#define HEARTH_SERVICE_CONTROL_H

#include "codec/json.h"
#include "matrix/errcode.h"
#include "service/services.h"

/* Runs a command; *result_out is an object in `a`, set on success. M_UNRECOGNIZED if there is no such command,
 * M_BAD_JSON or M_MISSING_PARAM if its arguments are wrong.
 *
 *     user create      {"name", "password", "admin"?}     -> {"user_id", "admin"}
 *     user list        {"after"?, "limit"?}               -> {"users": [{"user_id", "admin", ...}], "more"}
 *     user password    {"user", "password", "logout"?}    -> {"user_id"}
 *     user admin       {"user", "admin"}                  -> {"user_id", "admin"}
 *     user deactivate  {"user", "erase"?}                 -> {"user_id"}
 *     token create     {"token"?, "uses"?, "expires_in_ms"?} -> {"token", "uses_allowed"?, ...}
 *     token list       {}                                 -> {"tokens": [...]}
 *     token revoke     {"token"}                          -> {"token"}
 */
struct fault control_run(struct services *s, struct arena *a, struct str command, const struct json *args,
                         const struct json **result_out) __attribute__((warn_unused_result));

#endif
