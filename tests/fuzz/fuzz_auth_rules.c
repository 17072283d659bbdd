/* An array of PDUs: each that parses is checked against the state of those before it, whether these were refused or
 * not. */
#include "matrix/auth_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
struct room {
    struct event events[64];
    size_t count;
};

static const struct event *get(void *ctx, struct str type, struct str state_key)
{
    const struct room *room = ctx;
    size_t i = room->count;
    while (i > 0 && !event_is_state(&room->events[i - 1], type, state_key))
        i--;
    return i > 0 ? &room->events[i - 1] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct json_result r = json_parse(a, (struct str){(const char *)data, size}, JSON_DEPTH_MAX);
    for (size_t v = 0; json_is(r.value, JSON_ARRAY) && room_version_at(v); v++) {
        struct room room = {.count = 0};
        struct auth_state state = {get, &room};
        for (uint32_t i = 0; i < r.value->count && room.count < 64; i++) {
            struct event *e = &room.events[room.count];
            if (event_parse(a, room_version_at(v), &r.value->items[i], e).refused)
                continue;
            e->room_id = STR("!r:s"); /* version 12 names rooms by a hash, which no mutation finds */
            (void)!auth_check(a, e, state).refused;
            (void)!auth_check_auth_events(e, (const struct event *[]){&room.events[0], e}, 2).refused;
            (void)auth_may_redact(e, &room.events[0], state);
            room.count++;
        }
    }
    arena_free(&a);
    return 0;
}
