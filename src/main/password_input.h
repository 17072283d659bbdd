/*
 * How a command gets a password: the first line of a file, a pipe or standard input, made at random, or typed twice at
 * the terminal. Never from the command line, which every user of the machine can read.
 *
 * Threads: the main thread.
 */
#ifndef HEARTH_MAIN_PASSWORD_INPUT_H
#define HEARTH_MAIN_PASSWORD_INPUT_H

#include "main/command.h"

/* By the flags --password-file and --random-password, else by asking. *random_out tells whether it was made here, and
 * has to be shown. On failure the complaint has been said. */
enum command_exit password_input_read(struct command_line *line, struct str *password_out, bool *random_out)
    __attribute__((warn_unused_result));

#endif
