/*
 * Small whole files: configuration, keys, templates. Read at once, written so that a crash leaves the old content or
 * the new, never a part.
 *
 * Not for media or the database, which are too large to stand in memory. Paths are slices; one that holds a NUL byte
 * or is longer than the system's PATH_MAX is FILE_BAD_PATH.
 *
 * Threads: any; all functions block on the disk.
 */
#ifndef HEARTH_BASE_FILE_H
#define HEARTH_BASE_FILE_H

#include "base/str.h"

#include <sys/types.h>

struct arena;

enum file_result {
    FILE_OK,
    FILE_NOT_FOUND,     /* neither the file nor, when writing, its folder is there */
    FILE_DENIED,        /* permissions, or a read-only file system */
    FILE_NOT_REGULAR,   /* a folder, pipe, socket or device where a file was expected */
    FILE_NOT_DIRECTORY, /* a file where a folder was expected */
    FILE_TOO_LARGE,     /* more than the caller's limit, or the system's */
    FILE_NO_SPACE,      /* the disk or a quota is full */
    FILE_BAD_PATH,      /* empty, too long, a NUL byte, or a loop of symbolic links */
    FILE_IO_ERROR,      /* anything else: errno tells */
};

/* English words for people, such as "no such file or folder". */
const char *file_result_text(enum file_result result);

/* The content of a regular file of at most `max_bytes`, in the arena. On failure *out is empty and the arena as it
 * was; errno is set except for FILE_NOT_REGULAR, FILE_TOO_LARGE and FILE_BAD_PATH, which may not come from the system.
 */
enum file_result file_read(struct arena *a, struct str path, size_t max_bytes, struct str *out)
    __attribute__((warn_unused_result));

/* Replaces the file by one with this content and exactly these permissions. FILE_OK means that it is on disk. A
 * symbolic link at `path` is replaced, not followed. On failure what was at `path` is as before (only if the folder
 * could not be synced, the new content may be there already), and no temporary file is left. */
enum file_result file_write_atomic(struct str path, struct str bytes, mode_t mode) __attribute__((warn_unused_result));

/* Makes the folder and those above it that are missing, with these permissions less the umask; FILE_OK if it is there
 * already, whatever its permissions. What was made is on disk. */
enum file_result file_mkdirs(struct str path, mode_t mode) __attribute__((warn_unused_result));

#endif
