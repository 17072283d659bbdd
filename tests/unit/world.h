/*
 * A server without sockets, for tests of services and handlers: a store in memory, accounts, a clock that stands still.
 *
 *     struct world w;
 *     world_init(&w, NULL);
 *     ... w.services, w.arena ...
 *     world_fini(&w);
 *
 * The clock is one for the process: one world at a time.
 */
#ifndef HEARTH_TESTS_WORLD_H
#define HEARTH_TESTS_WORLD_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/crypto.h"
#include "service/account.h"
#include "service/account_session.h"
#include "service/wake.h"
#include "store/store.h"

#include "check.h"
#include "database.h"

struct world {
    struct arena *arena;
    struct service_options options;
    struct services services;
    struct wake wake;
    unsigned woken; /* how often somebody was woken */
    int64_t woken_nid;
};

/* The store's thread reads it too. */
static inline _Atomic int64_t *world_clock(void)
{
    static _Atomic int64_t now;
    return &now;
}

static inline int64_t world_now(void)
{
    return *world_clock();
}

static inline void world_wake(void *ctx, uint64_t key)
{
    struct world *w = ctx;
    w->woken++;
    w->woken_nid = (int64_t)key;
}

static inline void world_init(struct world *w, const struct service_options *options)
{
    static const struct service_options usual = {
        .server_name = STR_INIT("example.org"),
        .allow_registration = true,
        .access_token_ttl_ms = 60000,
    };
    struct store_error error;
    crypto_init();
    *world_clock() = INT64_C(1700000000000);
    clock_set_source(world_now);
    *w = (struct world){.arena = arena_new(), .options = options ? *options : usual};
    struct store_options store = {
        .path = database_path(":memory:"), .server_name = w->options.server_name, .create = true};
    w->wake = (struct wake){.fn = world_wake, .ctx = w};
    w->services = (struct services){.options = &w->options, .wake = &w->wake};
    if (!store_open(&store, &w->services.store, &error))
        fail_msg("%s", error.text);
    w->services.accounts = accounts_new();
}

static inline void world_fini(struct world *w)
{
    accounts_free(&w->services);
    store_close(&w->services.store);
    arena_free(&w->arena);
    clock_set_source(NULL);
}

/* An account whose password is "correct horse". */
#define WORLD_PASSWORD STR("correct horse")
static inline struct account_info world_user(struct world *w, struct str localpart)
{
    struct account_info info;
    struct fault fault = account_create(&w->services, w->arena, localpart, WORLD_PASSWORD, false, &info);
    assert_int_equal(fault.code, ERRCODE_NONE);
    return info;
}

/* A session of that account; with `refresh` one that expires. */
static inline struct session world_login(struct world *w, int64_t user_nid, struct str device_id, bool refresh)
{
    struct session session;
    struct account_info account = {.user_nid = user_nid};
    struct session_ask ask = {.device_id = device_id, .device_name = STR("phone"), .refresh = refresh};
    struct fault fault = account_session_begin(&w->services, w->arena, &account, &ask, &session);
    assert_int_equal(fault.code, ERRCODE_NONE);
    return session;
}

static inline struct caller world_caller(struct world *w, struct str token)
{
    struct caller caller;
    struct fault fault = account_authenticate(&w->services, w->arena, token, &caller);
    assert_int_equal(fault.code, ERRCODE_NONE);
    return caller;
}

#endif
