/*
 * A look into the file of an SQLite database that may be another process's, or another server's: nothing is locked,
 * made or changed. What is in its write-ahead log alone is not seen.
 *
 * Threads: any.
 */
#ifndef HEARTH_STORE_SQLITE_PEEK_H
#define HEARTH_STORE_SQLITE_PEEK_H

#include "base/arena.h"
#include "base/str.h"

/* The first value of the first row of a query; p == NULL if there is none, or the file cannot be read so. */
struct str sqlite_peek(struct arena *a, const char *path, const char *query);

#endif
