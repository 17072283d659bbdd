/*
 * The folder that database_path names: where it is, whether a server can work in it, and whether it is still the one
 * in which the server has begun.
 *
 * Relative paths count from the folder in which the program is started, as conduwuit and Tuwunel have it. That is
 * easily another one than was meant, where a new and empty database would be made without a word: see
 * data_folder_astray().
 *
 * Threads: the main thread. Nothing here makes or changes anything.
 */
#ifndef HEARTH_MAIN_DATA_FOLDER_H
#define HEARTH_MAIN_DATA_FOLDER_H

#include "main/config.h"

#include <sys/types.h>

/* `path` as seen from the root; itself, if it begins there or the current folder cannot be told. */
struct str data_folder_absolute(struct arena *a, struct str path);

/* Why a server should not make a database here: database_path is relative, nothing of a server is there, and the
 * program was started in another folder than that of the configuration file, which names it. Empty if all is well: also
 * if the folder is there and empty, because then somebody has made it, and if the environment names the path. */
struct str data_folder_astray(struct arena *a, const struct config *config, const char *config_path,
                              char *const *environment);

/* What a server finds wrong with the folder, seen without making it. What depends on the user who runs it is only a
 * warning, unless the folder is this user's. Both are empty if all is well. */
struct data_folder_fault {
    struct str error, warning;
};
struct data_folder_fault data_folder_check(struct arena *a, const struct config *config);

/* What must stay in its place while a server runs. */
#define DATA_FOLDER_FILES 2
struct data_folder_watch {
    const char *paths[DATA_FOLDER_FILES];
    dev_t devices[DATA_FOLDER_FILES];
    ino_t numbers[DATA_FOLDER_FILES];
    bool there[DATA_FOLDER_FILES]; /* with this number, when we looked last */
    bool used[DATA_FOLDER_FILES];  /* it was there at the start */
};
/* Remembers the files as they are; the paths are in `a`. */
void data_folder_watch_init(struct data_folder_watch *watch, struct arena *a, const struct config *config);
/* Logs an error for each file that has gone or been replaced since it was looked at last; returns how many those are.
 */
size_t data_folder_watch_look(struct data_folder_watch *watch);

#endif
