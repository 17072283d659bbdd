/*
 * The services of one server, built in src/main at start and passed down; nothing here is global.
 *
 * Each service is a struct of its own, owned by whoever built it. Handlers reach them through `struct services`.
 * Threads: the struct is constant after start, but for the options; each service's header says what its functions need.
 */
#ifndef HEARTH_SERVICE_SERVICES_H
#define HEARTH_SERVICE_SERVICES_H

#include "base/str.h"
#include "matrix/event_sign.h"

/* What the configuration says, as far as services want to know; strings live as long as the program. */
struct service_options {
    struct str server_name;
    struct str well_known_client; /* base URL for clients; empty: not given */
    struct str well_known_server; /* host:port for servers; empty: not given */
    struct str support_page;
    struct str support_email;
    struct str support_mxid;
    struct str support_role;
    bool allow_registration;
    bool open_registration;        /* allow_registration without any token was asked for explicitly */
    struct str registration_token; /* a fixed token from the configuration; empty: none */
    int64_t access_token_ttl_ms;   /* for clients that asked for refresh tokens */
    int64_t sync_timeout_max_ms;
    struct str default_room_version;
    bool allow_room_creation;
    bool allow_federation;
};

struct store;
struct http_server;
struct accounts;
struct rooms;
struct typing;
struct lazy_members;
struct wake;

struct services {
    /* SIGHUP puts another in its place; the old one, and its strings, stay until the server stops. So a pointer taken
     * once is good for the whole request. */
    const struct service_options *_Atomic options;
    const struct signing_key *signing_key;
    struct store *store;
    struct accounts *accounts;         /* service/account.h: tokens and interactive-auth sessions */
    struct rooms *rooms;               /* service/room.h: heads of rooms in memory */
    struct typing *typing;             /* service/typing.h */
    struct lazy_members *lazy_members; /* service/lazy_members.h */
    struct wake *wake;                 /* service/wake.h: wakes parked requests of users */
};

#endif
