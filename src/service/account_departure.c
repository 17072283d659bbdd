#include "service/account_departure.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/account.h"
#include "service/storage.h"
#include "store/accounts.h"
#include "store/users.h"

#include <stdatomic.h>

void account_departures_init(struct account_departures *departures)
{
    *departures = (struct account_departures){.due_ms = 0};
}

static bool run_departed(struct store_tx *tx, void *arg)
{
    const int64_t *user_nid = arg;
    accounts_departed(tx, *user_nid);
    return true;
}

/* Leaves up to `rooms_max` rooms, and takes the note away after the last. */
static enum account_departure leave(struct services *s, int64_t user_nid, struct str user_id, size_t rooms_max)
{
    const struct account_hooks *hooks = &s->accounts->hooks;
    enum account_departure result =
        hooks->user_deactivated ? hooks->user_deactivated(s, user_nid, user_id, rooms_max) : DEPARTURE_FAILED;
    if (result != DEPARTURE_DONE)
        return result;
    struct fault fault = storage_write(s, (struct store_job){.run = run_departed, .arg = &user_nid}, NULL);
    return fault.code ? DEPARTURE_FAILED : DEPARTURE_DONE;
}

void account_departure_begin(struct services *s, int64_t user_nid, struct str user_id)
{
    if (leave(s, user_nid, user_id, SIZE_MAX) != DEPARTURE_DONE)
        s->accounts->departures.due_ms = clock_mono_ms() + ACCOUNT_DEPARTURE_RETRY_MS;
}

/* The next who departs after `after`, in the order of their numbers: 0 if there is none. */
static struct fault next(const struct services *s, struct arena *a, int64_t after, int64_t *user_nid_out,
                         struct str *user_id_out)
{
    struct store_tx *tx = store_read_begin(s->store);
    *user_nid_out = accounts_departing(tx, after);
    *user_id_out = *user_nid_out ? users_id_of(tx, *user_nid_out, a) : (struct str){0};
    return storage_read_end(&tx);
}

void account_departure_tick(struct services *s)
{
    struct account_departures *departures = &s->accounts->departures;
    int64_t due_ms = departures->due_ms;
    int64_t now = clock_mono_ms();
    int64_t user_nid;
    struct str user_id;
    if (now < due_ms)
        return;
    struct arena *a = arena_new();
    struct fault fault = next(s, a, departures->after, &user_nid, &user_id);
    if (!fault.code && user_nid) {
        enum account_departure result = leave(s, user_nid, user_id, ACCOUNT_DEPARTURE_ROOMS);
        departures->failed |= result == DEPARTURE_FAILED;
        /* With rooms left, the same again. */
        departures->after = result == DEPARTURE_MORE ? departures->after : user_nid;
        if (result == DEPARTURE_DONE)
            log_info("a deactivated user has left the rooms", LOG_STR("user", user_id));
    } else {
        /* The end of a round. Whoever deactivates just now has set a time that must stay. */
        bool again = fault.code || departures->failed;
        departures->after = 0;
        departures->failed = false;
        atomic_compare_exchange_strong(&departures->due_ms, &due_ms,
                                       again ? now + ACCOUNT_DEPARTURE_RETRY_MS : INT64_MAX);
    }
    arena_free(&a);
}
