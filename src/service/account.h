/*
 * Accounts of this server: who somebody is who shows a token, and what changes an account as a whole.
 *
 *      account.c            authentication, making, deactivating, passwords
 *      account_cache.c      access token -> caller, in memory
 *      account_session.c    login: devices and their tokens, refresh, logout
 *      account_login.c      identifier and password -> account
 *      account_password.c   hashing, a bounded number at once
 *      account_limit.c      how often somebody may guess
 *      account_departure.c  deactivated users leave their rooms, be it after a restart
 *      uia.c                User-Interactive Authentication; its sessions are in uia_session.c
 *      registration_token.c, device.c, profile.c, account_data.c: what their names say
 *
 * `struct accounts` is the memory of all of these; one is made at start and serves all threads.
 *
 * Threads: any. Each part has a lock of its own, held for moments only and never together with another lock.
 */
#ifndef HEARTH_SERVICE_ACCOUNT_H
#define HEARTH_SERVICE_ACCOUNT_H

#include "base/arena.h"
#include "matrix/errcode.h"
#include "service/account_departure.h"
#include "service/caller.h"
#include "service/services.h"

struct account_cache;
struct account_limits;
struct account_passwords;
struct device_sightings;
struct uia_sessions;

/* What the rooms have to do when an account changes; set at start, NULL where there are no rooms (commands, tests). */
struct account_hooks {
    /* The display name or avatar of the caller is another one now, and stored. */
    void (*profile_changed)(struct services *s, struct arena *a, const struct caller *caller);
    /* The user has gone: no room should count on them. The account is deactivated already. Leaves at most `rooms_max`
     * rooms; DEPARTURE_FAILED if the database failed. */
    enum account_departure (*user_deactivated)(struct services *s, int64_t user_nid, struct str user_id,
                                               size_t rooms_max);
};

struct accounts {
    struct account_cache *cache;
    struct account_limits *limits;
    struct account_passwords *passwords;
    struct device_sightings *sightings;
    struct uia_sessions *uia;
    struct account_departures departures;
    struct account_hooks hooks;
};

struct accounts *accounts_new(void);
/* Writes what is not written yet (last_seen of devices) and frees; s->accounts is NULL afterwards. Accepts none. */
void accounts_free(struct services *s);

/* Who shows this access token: M_UNKNOWN_TOKEN, with soft_logout if it is only expired (client-server API, "Using
 * access tokens", "Soft logout"). Mostly answered from memory; a token's first use after a refresh writes. */
struct fault account_authenticate(const struct services *s, struct arena *a, struct str token,
                                  struct caller *caller_out) __attribute__((warn_unused_result));
/* The number of the user of an access token that is in memory, as one is that has been used lately; else 0. For I/O
 * threads: reads no database. */
int64_t account_user_in_memory(const struct services *s, struct str token);

/* "alice" and "@alice:here" -> "@alice:here"; p == NULL for users of other servers and for what can be no user id. */
struct str account_user_id(const struct services *s, struct arena *a, struct str user);

struct account_info {
    int64_t user_nid;
    struct str user_id;
    bool is_admin;
    bool is_guest;
    bool deactivated;
    bool erased;
    int64_t created_ts;
    struct str password_hash; /* that of the password that was shown, if account_login_password() says this */
};

struct account_row;
struct account_info account_info_of(const struct account_row *row);

/* M_NOT_FOUND if there is no such account here. */
struct fault account_find(const struct services *s, struct arena *a, struct str user_id, struct account_info *out)
    __attribute__((warn_unused_result));
/* Accounts by user id, those after `after` (empty: from the start), at most `limit`. */
struct fault account_list(const struct services *s, struct arena *a, struct str after, int64_t limit,
                          struct account_info **infos_out, size_t *count_out) __attribute__((warn_unused_result));

/* Makes an account from the command line, without asking for anything but a usable name and password. */
struct fault account_create(const struct services *s, struct arena *a, struct str localpart, struct str password,
                            bool is_admin, struct account_info *out) __attribute__((warn_unused_result));

struct account_password_change {
    int64_t user_nid;
    struct str password;     /* the new one */
    struct str shown_hash;   /* of the old one, if it was asked for: it must be the account's until the new one is */
    bool logout;             /* delete all devices but one */
    int64_t keep_device_nid; /* 0: none */
};

/* Sets another password. M_WEAK_PASSWORD, M_INVALID_PARAM, M_USER_DEACTIVATED; M_FORBIDDEN if somebody else has changed
 * it since it was shown. */
struct fault account_set_password(const struct services *s, struct arena *a,
                                  const struct account_password_change *change) __attribute__((warn_unused_result));
struct fault account_set_admin(const struct services *s, int64_t user_nid, bool is_admin)
    __attribute__((warn_unused_result));
struct account_deactivation {
    int64_t user_nid;
    struct str user_id;
    struct str shown_hash; /* as in struct account_password_change */
    bool erase;
};

/* Ends all sessions, takes the password, with `erase` also profile, account data and filters, leaves all rooms. The
 * user id stays taken. M_USER_DEACTIVATED and M_FORBIDDEN only if a password was shown. (client-server API, "Account
 * deactivation") */
struct fault account_deactivate(struct services *s, const struct account_deactivation *deactivation)
    __attribute__((warn_unused_result));

/* M_INVALID_USERNAME or M_USER_IN_USE, or no fault and the user id a new account of that name would have (capitals
 * become small letters). */
struct fault account_name_free(const struct services *s, struct arena *a, struct str username, struct str *user_id_out)
    __attribute__((warn_unused_result));

#endif
