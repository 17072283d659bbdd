/*
 * `hearth serve`: a server from its start to its stop.
 *
 *     config -> log -> server_open (store, key, services) -> dispatch -> HTTP -> READY
 *        main thread: signals; once a second typing and watchdog
 *     STOPPING -> drain HTTP -> free HTTP -> dispatch -> server_close
 *
 * SIGTERM and SIGINT drain and stop; another, later one ends the process at once, which costs no acknowledged write.
 * SIGHUP reads the configuration again. These signals are blocked in every thread and waited for in one.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_SERVE_H
#define HEARTH_MAIN_SERVE_H

#include "main/command.h"

/* Runs until it is told to stop. Takes the configuration. `welcome`: print what to do next, once it is ready. */
enum command_exit serve_run(struct command_line *line, struct config *config, bool welcome);

#endif
