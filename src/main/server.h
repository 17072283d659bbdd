/*
 * A server without its network: configuration, store, signing key and services, built in order and torn down in
 * reverse. `hearth serve` puts HTTP before it; the commands use it as it is when no server runs.
 *
 * Ownership: a struct server owns the configurations it was given. Old ones are kept until the end, because requests
 * may still read their strings; a reload is rare and costs a few kilobytes.
 * Threads: the main thread opens, reloads and closes; what it holds may be used by any.
 */
#ifndef HEARTH_MAIN_SERVER_H
#define HEARTH_MAIN_SERVER_H

#include "main/config.h"
#include "service/services.h"
#include "service/wake.h"
#include "store/store.h"

#define SERVER_DATABASE    "hearth.db"
#define SERVER_SIGNING_KEY "signing.key"
#define SERVER_SOCKET      "hearth.sock"

struct server_options;

struct server {
    struct arena *arena;         /* lives as long as the server */
    const struct config *config; /* it was opened with: for options that need a restart */
    struct server_options *newest;
    struct store *store;
    struct signing_key signing_key;
    struct wake wake; /* set fn and ctx before the first request */
    struct services services;
};

/* Opens what the configuration names, and makes it if `create`. Takes the configuration, even on failure. False and a
 * text for people in *error_out. */
bool server_open(struct server *server, struct config *config, bool create, struct store_error *error_out)
    __attribute__((warn_unused_result));
/* Does nothing for a server that was not opened (all zero). */
void server_close(struct server *server);

/* The configuration that was put in place last: for options that a reload changes. */
const struct config *server_newest(const struct server *server);
/* Puts another configuration in place, which becomes the server's. Options that cannot change while it runs keep the
 * values they had at the start: server_restart_options() names them. */
void server_reload(struct server *server, struct config *config);
/* The names of options that need a restart and differ between the server's start and `after`, separated by commas, in
 * `a`; empty if there are none. */
struct str server_restart_options(const struct server *server, struct arena *a, const struct config *after);

/* <database_path>/<name>, NUL-terminated, in `a`. */
const char *server_path(struct arena *a, const struct config *config, const char *name);
/* What store_open() wants: the URL of the configured database, or the path of the one in database_path. */
const char *server_database(struct arena *a, const struct config *config);

#endif
