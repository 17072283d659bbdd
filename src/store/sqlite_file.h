/*
 * The files of an SQLite database: who owns them, and where they are.
 *
 * One process owns a database: an flock on PATH.lock says so. It cannot be on the database itself, because closing any
 * descriptor of that file would drop the locks SQLite holds on it. The sqlite3 shell may still read a running server's
 * database.
 *
 * ":memory:" is a file too, in a folder of its own below $TMPDIR that is removed on release: an in-memory database of
 * SQLite has no snapshots, a reader would block the writer.
 *
 * Threads: take and release by who opens and closes the store; between the two nothing changes.
 */
#ifndef HEARTH_STORE_SQLITE_FILE_H
#define HEARTH_STORE_SQLITE_FILE_H

#include "store/store.h"

/* "Hrth": where SQLite's application_id stands in the file, for file(1) and for us. */
#define SQLITE_FILE_MARK "Hrth"

struct sqlite_file {
    char *path;   /* without links, so that PATH.lock is the same for all that lead to it */
    char *folder; /* the private folder of ":memory:", else NULL */
    int lock_fd;
};

/* Takes the database for this process, and makes an empty file if the options allow it. On failure nothing is held;
 * what is no database of ours has not been touched, and no lock been made beside it. */
bool sqlite_file_take(const struct store_options *options, struct sqlite_file *file_out, struct store_error *error_out)
    __attribute__((warn_unused_result));
/* To be called when SQLite has closed the file. */
void sqlite_file_release(struct sqlite_file *file);

#endif
