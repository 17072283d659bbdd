/*
 * The engine that tests of the store, and of what stands on it, run on: SQLite, or PostgreSQL if HEARTH_TEST_DATABASE
 * is the URL of a database. There each database of a test is a schema of its own.
 */
#ifndef HEARTH_TESTS_DATABASE_H
#define HEARTH_TESTS_DATABASE_H

#include <libpq-fe.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

static inline const char *database_url(void)
{
    const char *url = getenv("HEARTH_TEST_DATABASE");
    return url && *url ? url : NULL;
}

static inline bool database_is_postgres(void)
{
    return database_url() != NULL;
}

static inline void database_run(const char *statement)
{
    PGconn *pg = PQconnectdb(database_url());
    PGresult *r = PQexec(pg, statement);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", statement, PQerrorMessage(pg));
    PQclear(r);
    PQfinish(pg);
}

/* What store_options.path is for a database that a test calls `name`: a path, or ":memory:" for a new one each time.
 * Good until 8 more were asked for. */
static inline const char *database_path(const char *name)
{
    static char urls[8][500];
    static unsigned asked, made;
    char schema[64], statement[160];
    if (!database_is_postgres())
        return name;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    if (strcmp(name, ":memory:") == 0)
        snprintf(schema, sizeof schema, "m%d_%u", (int)getpid(), made++);
    else
        snprintf(schema, sizeof schema, "n%llx", (unsigned long long)hash);
    snprintf(statement, sizeof statement, "SET client_min_messages = error; CREATE SCHEMA IF NOT EXISTS %s", schema);
    database_run(statement);
    char *url = urls[asked++ % 8];
    snprintf(url, sizeof urls[0], "%s%coptions=-csearch_path%%3D%s", database_url(),
             strchr(database_url(), '?') ? '&' : '?', schema);
    return url;
}

#endif
