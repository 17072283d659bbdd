/*
 * State resolution in a room of 50,000 members and 60,000 state events, all in memory and without an index over auth
 * chains: two forks that differ in 10 events, and 1,000 forks of 2 events each. Prints milliseconds.
 */
#include "base/clock.h"
#include "crypto/crypto.h"

#include "forked_room.h"

static const struct event *get_event(void *ctx, uint64_t number)
{
    const struct room *room = ctx;
    return number <= room->count ? &room->event[number] : NULL;
}

static const uint64_t *get_auth_events(void *ctx, uint64_t number, size_t *count_out)
{
    const struct room *room = ctx;
    *count_out = room->auth_count[number];
    return room->auth[number];
}

static bool get_rejected(void *ctx, uint64_t number)
{
    (void)ctx, (void)number;
    return false;
}

static void get_each_state(void *ctx, bool (*visit)(void *visit_ctx, uint64_t number), void *visit_ctx)
{
    const struct room *room = ctx;
    size_t i = 0;
    const struct event *event;
    while ((event = map_str_next(&room->state, &i))) {
        if (!visit(visit_ctx, (uint64_t)(event - room->event)))
            return;
    }
}

static void measure(struct room *room, const struct forks *forks, int rounds)
{
    struct state_resolution_input input = {
        .version = room->version,
        .create = &room->event[1],
        .sets = forks->sets,
        .differences = forks->differences,
        .difference_count = forks->count,
        .source = {.ctx = room,
                   .event = get_event,
                   .auth_events = get_auth_events,
                   .rejected = get_rejected,
                   .state = state_number,
                   .each_state = get_each_state,
                   .ordered = true,
                   .events_max = 1000000},
    };
    struct arena *a = arena_new();
    struct state_resolution_result result;
    int64_t start = 0;
    size_t used = 0;
    for (int i = -1; i < rounds; i++) { /* the first one warms up */
        start = i == 0 ? clock_mono_us() : start;
        enum state_resolution_status status = state_resolution_run(a, &input, &result);
        assert(status == STATE_RESOLUTION_OK && result.count > 0);
        used = arena_used(a);
        arena_reset(a);
    }
    printf("%8.3f ms, %zu changes, %zu KB\n", (double)(clock_mono_us() - start) / rounds / 1000, result.count,
           used / 1024);
    arena_free(&a);
}

static void measure_version(const char *version, const char *what, void (*fork)(struct room *, struct forks *),
                            int rounds)
{
    struct arena *a = arena_new();
    struct room *room = room_new(a, version);
    struct forks *forks = ARENA_NEW(a, struct forks);
    fork(room, forks);
    printf("version %s, %-36s", version, what);
    measure(room, forks, rounds);
    map_str_fini(&room->state);
    arena_free(&a);
}

int main(void)
{
    static const char *const versions[] = {"11", "12"};
    crypto_init();
    for (size_t i = 0; i < 2; i++) {
        measure_version(versions[i], "two forks that differ in 10 events", two_forks, 50);
        measure_version(versions[i], "1,000 forks of 2 events", many_forks, 5);
    }
    return 0;
}
