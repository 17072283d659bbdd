/*
 * How a command reaches the data: through the running server, or through the database itself when none runs.
 *
 *     <database_path>/hearth.sock answers   -> POST /_hearth/control there
 *     nobody listens                        -> open the database, control_run(), close it
 *
 * While a server starts or stops it holds the database and does not listen: both are then tried again for some seconds.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_CONTROL_CLIENT_H
#define HEARTH_MAIN_CONTROL_CLIENT_H

#include "main/command.h"

/* Runs a command of service/control.h with the configuration of the command line. The result, an object in
 * line->arena; NULL if it failed, which has been said then. */
const struct json *control_client_run(struct command_line *line, const char *command, const struct json *args)
    __attribute__((warn_unused_result));

#endif
