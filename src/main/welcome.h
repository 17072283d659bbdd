/*
 * What `hearth serve --welcome` prints for somebody who has just typed `make run`: the address, a registration token,
 * and the next two steps.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_WELCOME_H
#define HEARTH_MAIN_WELCOME_H

#include "main/command.h"
#include "service/services.h"

/* Tokens made here begin so: by it they are found at the next start, and known in `hearth token list`. */
#define WELCOME_TOKEN_PREFIX "welcome-"

/* A registration token for any number of accounts that is good for some time yet: the one of an earlier start, else a
 * new one for a day. Removes those of earlier starts that have ended. In `a`; empty if the store fails. */
struct str welcome_token(struct services *services, struct arena *a);

/* `address` is what clients reach: "127.0.0.1:8008". */
void welcome_print(struct command_line *line, struct services *services, struct str address);

#endif
