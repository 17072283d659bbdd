/*
 * What a client makes of its syncs: three users act at random in three rooms, and sync at random moments. Folding the
 * answers, as clients do, must give what an initial sync gives at the end: the same rooms, the same state, the same
 * counts, the same timeline, with gaps only where an answer said that it was limited.
 */
#include "room_fixture.h"

enum { USERS = 3, ROOMS = 3, STEPS = 120, SEEDS = 40, TIMELINE_MAX = 2000 };

struct event_seen {
    struct str event_id;
    bool after_gap; /* what comes between this one and the one before was left out */
};

/* One room as one client knows it. */
struct folded {
    const char *bucket; /* NULL: never heard of */
    struct json *state; /* "type state_key" -> event id */
    struct event_seen timeline[TIMELINE_MAX];
    size_t count;
    struct str unread;
    struct str summary;
};

struct client {
    struct caller who;
    int64_t since;
    bool state_after;
    int64_t limit; /* of the timeline */
    struct folded rooms[ROOMS];
};

struct game {
    struct fixture f;
    uint64_t number;
    uint64_t seed;
    struct str rooms[ROOMS];
    struct client clients[USERS];
    struct str last_event[ROOMS];
};

static unsigned roll(struct game *g, unsigned sides)
{
    g->seed = g->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(g->seed >> 33) % sides;
}

/* A clock that only moves with the game, so that an answer can be compared with another. */
static int64_t game_ms = INT64_C(1700000000000);

static int64_t game_now(void)
{
    return game_ms;
}

/* --- folding --- */

static void fold_state_event(struct game *g, struct folded *r, const struct json *event)
{
    struct arena *a = g->f.arena;
    const struct json *key = json_get(event, STR("state_key"));
    if (!key)
        return;
    struct str name = str_fmt(a, "%.*s %.*s", STR_ARG(json_str_at(event, STR("type"))), STR_ARG(key->s));
    json_set_str(a, r->state, name, json_str_at(event, STR("event_id")));
}

static void fold_timeline(struct folded *r, const struct json *timeline)
{
    const struct json *events = json_get(timeline, STR("events"));
    for (uint32_t i = 0; i < events->count; i++) {
        assert_true(r->count < TIMELINE_MAX);
        r->timeline[r->count++] = (struct event_seen){json_str_at(&events->items[i], STR("event_id")),
                                                      !i && json_bool_at(timeline, STR("limited"), false)};
    }
}

static void fold_room(struct game *g, struct client *c, struct folded *r, const struct json *room, const char *bucket)
{
    bool joined = strcmp(bucket, "join") == 0;
    bool was_joined = r->bucket && strcmp(r->bucket, "join") == 0;
    r->bucket = bucket;
    if (!joined)
        return;
    if (!was_joined) { /* a client that had left begins anew */
        r->state = json_object(g->f.arena);
        r->count = 0;
    }
    const struct json *state = json_at(json_get(room, c->state_after ? STR("state_after") : STR("state")), "events");
    assert_non_null(state);
    const struct json *timeline = json_get(room, STR("timeline"));
    for (uint32_t i = 0; i < state->count; i++)
        fold_state_event(g, r, &state->items[i]);
    for (uint32_t i = 0; !c->state_after && i < json_get(timeline, STR("events"))->count; i++)
        fold_state_event(g, r, &json_get(timeline, STR("events"))->items[i]);
    fold_timeline(r, timeline);
    r->unread = json_text(g->f.arena, json_get(room, STR("unread_notifications")));
    if (json_get(room, STR("summary")))
        r->summary = json_text(g->f.arena, json_get(room, STR("summary")));
}

static void fold_answer(struct game *g, struct client *c, const struct json *answer)
{
    static const char *const buckets[] = {"join", "invite", "knock", "leave"};
    for (size_t b = 0; b < COUNT_OF(buckets); b++)
        for (int i = 0; i < ROOMS; i++) {
            const struct json *room = sync_room_section(answer, buckets[b], g->rooms[i]);
            if (room)
                fold_room(g, c, &c->rooms[i], room, buckets[b]);
        }
    c->since = sync_next(answer);
}

static const struct json *ask(struct game *g, const struct client *c, int64_t since, int64_t limit)
{
    struct sync_query q = {.since = since, .use_state_after = c->state_after, .state_after_name = STR("state_after")};
    q.filter.room_timeline.limit = limit;
    return do_sync_query(&g->f, &c->who, &q, NULL);
}

static void client_sync(struct game *g, struct client *c)
{
    const struct json *answer = ask(g, c, c->since, c->limit);
    /* an answer that got lost is asked for again */
    check_str(json_text(g->f.arena, ask(g, c, c->since, c->limit)), json_text(g->f.arena, answer),
              CSTR(g->f.arena, "seed %d: same since", (int)g->number));
    fold_answer(g, c, answer);
}

/* --- acting --- */

/* Any of these may be refused; what matters is what comes of it. */
static void act(struct game *g)
{
    struct services *s = &g->f.services;
    struct arena *a = g->f.arena;
    const struct caller *who = &g->clients[roll(g, USERS)].who;
    const struct caller *whom = &g->clients[roll(g, USERS)].who;
    unsigned r = roll(g, ROOMS);
    struct str room = g->rooms[r];
    struct str id = {0};
    struct fault fault;
    game_ms += 10;
    switch (roll(g, 20)) {
    case 0:
    case 1:
    case 2:
        fault = room_join(s, a, who, room, NO_REASON);
        break;
    case 3:
        fault = room_leave(s, a, who, room, NO_REASON);
        break;
    case 4:
    case 5:
        fault = room_invite(s, a, who, room, whom->user_id, NO_REASON);
        break;
    case 6:
        fault = room_kick(s, a, who, room, whom->user_id, NO_REASON);
        break;
    case 7:
        fault = roll(g, 3) ? room_unban(s, a, who, room, whom->user_id, NO_REASON)
                           : room_ban(s, a, who, room, whom->user_id, NO_REASON);
        break;
    case 8:
    case 9:
        fault = try_state(&g->f, who, room, "m.room.topic", "", CSTR(a, "{'topic':'%u'}", roll(g, 1000)), &id);
        break;
    case 10:
        fault = try_state(&g->f, who, room, "m.room.history_visibility", "",
                          CSTR(a, "{'history_visibility':'%s'}",
                               (const char *[]){"joined", "shared", "invited", "world_readable"}[roll(g, 4)]),
                          &id);
        break;
    case 11:
        fault =
            try_state(&g->f, who, room, "m.room.join_rules", "",
                      CSTR(a, "{'join_rule':'%s'}", (const char *[]){"invite", "public", "knock"}[roll(g, 3)]), &id);
        break;
    case 12:
        fault = room_knock(s, a, who, room, NO_REASON);
        break;
    case 13:
        fault = g->last_event[r].n ? room_redact(s, a, who, room, g->last_event[r], fixture_txn(&g->f), NO_REASON, &id)
                                   : FAULT_NONE;
        break;
    case 14:
        fault = g->last_event[r].n ? receipt_set(s, a, who, room, roll(g, 2) ? STR("m.read") : STR("m.read.private"),
                                                 g->last_event[r], NO_REASON)
                                   : FAULT_NONE;
        break;
    case 15:
        fault = room_forget(s, who, room);
        break;
    default:
        fault = try_send(&g->f, who, room, "m.room.message", "{'msgtype':'m.text','body':'b'}", &id);
        if (!fault.code)
            g->last_event[r] = id;
        break;
    }
    assert_true(fault.status != 500 && fault.code != M_UNKNOWN + ERRCODE_COUNT);
}

/* --- comparing --- */

static void check_timeline(const struct folded *got, const struct folded *want, const char *what)
{
    /* The folded one, from its end: each event is the next one of the whole timeline, unless a gap was announced. A
     * client that came late has less than the whole, beginning somewhere; one that was there early may have what lies
     * behind a time when its user was away. */
    bool cut = want->count && want->timeline[0].after_gap;
    size_t w = want->count;
    for (size_t i = got->count; i-- > 0;) {
        bool gap = i + 1 < got->count && got->timeline[i + 1].after_gap;
        while (gap && w > 0 && !str_eq(want->timeline[w - 1].event_id, got->timeline[i].event_id))
            w--;
        if (w == 0 && cut)
            break;
        check_case(w > 0, what);
        check_str(got->timeline[i].event_id, want->timeline[--w].event_id, what);
    }
}

/* Compares a client with another of the same user who has only now begun. */
static void check_client(struct game *g, struct client *c)
{
    static struct client fresh;
    fresh = (struct client){.who = c->who, .state_after = c->state_after, .limit = 1000};
    fold_answer(g, &fresh, ask(g, &fresh, 0, 1000));
    assert_int_equal(fresh.since, c->since);
    for (int i = 0; i < ROOMS; i++) {
        const struct folded *got = &c->rooms[i];
        const struct folded *want = &fresh.rooms[i];
        const char *what = CSTR(g->f.arena, "seed %d: %.*s in room %d", (int)g->number, STR_ARG(c->who.user_id), i);
        bool left = got->bucket && strcmp(got->bucket, "leave") == 0;
        check_case(want->bucket ? got->bucket && strcmp(got->bucket, want->bucket) == 0 : left || !got->bucket, what);
        if (!want->bucket || strcmp(want->bucket, "join") != 0)
            continue;
        check_str(json_text(g->f.arena, got->state), json_text(g->f.arena, want->state), what);
        check_str(got->unread, want->unread, what);
        check_str(got->summary, want->summary, what);
        check_timeline(got, want, what);
    }
}

static void play(uint64_t seed)
{
    static struct game g;
    g = (struct game){.number = seed, .seed = seed};
    clock_set_source(game_now);
    fixture_init(&g.f, NULL);
    for (int i = 0; i < USERS; i++) {
        g.clients[i].who = fixture_user(&g.f, CSTR(g.f.arena, "u%d", i));
        g.clients[i].state_after = roll(&g, 3) == 0;
        g.clients[i].limit = 1 + roll(&g, 12);
    }
    for (int i = 0; i < ROOMS; i++)
        g.rooms[i] = fixture_room(&g.f, &g.clients[i].who,
                                  CSTR(g.f.arena,
                                       "{'preset':'public_chat','room_version':'%d','power_level_content_override':{"
                                       "'state_default':0,'events':{},'invite':0,'kick':0,'ban':0}}",
                                       10 + i));
    for (int i = 0; i < STEPS; i++) {
        if (roll(&g, 8) == 0)
            client_sync(&g, &g.clients[roll(&g, USERS)]);
        act(&g);
    }
    for (int i = 0; i < USERS; i++) {
        client_sync(&g, &g.clients[i]);
        check_client(&g, &g.clients[i]);
    }
    for (int i = 0; i < ROOMS; i++)
        replay(&g.f, g.rooms[i]);
    fixture_fini(&g.f);
    clock_set_source(NULL);
}

static void folding_gives_the_whole(void **state)
{
    const char *only = getenv("SYNC_FOLD_SEED");
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        if (only && strtoull(only, NULL, 10) != seed)
            continue;
        play(seed);
    }
}

/* --- while others write --- */

enum { WRITERS = 4, WRITES = 120 };

struct writer {
    struct thread thread;
    struct game *g;
    struct caller who;
    int number;
    _Atomic int *running;
};

static void write_away(void *arg)
{
    struct writer *w = arg;
    struct services *s = &w->g->f.services;
    for (int i = 0; i < WRITES; i++) {
        struct arena *a = arena_new();
        struct str room = w->g->rooms[i % ROOMS];
        struct str id;
        if (w->number == 0)
            check_ok(i / ROOMS % 2 ? room_leave(s, a, &w->who, room, NO_REASON)
                                   : room_join(s, a, &w->who, room, NO_REASON));
        else if (i % 5 == 0)
            check_ok(room_put_state(s, a, &w->who, room, STR("m.room.topic"), STR(""),
                                    quoted_json(a, CSTR(a, "{'topic':'%d.%d'}", w->number, i)), &id));
        else
            check_ok(room_send(s, a, &w->who, room, STR("m.room.message"), str_fmt(a, "%d", i),
                               quoted_json(a, "{'msgtype':'m.text','body':'b'}"), &id));
        arena_free(&a);
    }
    (*w->running)--;
}

/* An answer goes up to a position and misses nothing below it, whatever is being written. */
static void folding_while_others_write(void **state)
{
    static struct game g;
    struct writer writers[WRITERS];
    _Atomic int running = WRITERS;
    (void)state;
    g = (struct game){.seed = 1};
    fixture_init(&g.f, NULL);
    for (int i = 0; i < USERS; i++) {
        g.clients[i] = (struct client){.who = fixture_user(&g.f, CSTR(g.f.arena, "u%d", i)), .limit = 1000};
        g.clients[i].state_after = i == 1;
    }
    for (int i = 0; i < ROOMS; i++) {
        g.rooms[i] = fixture_room(&g.f, &g.clients[0].who,
                                  "{'preset':'public_chat','power_level_content_override':{'state_default':0}}");
        do_join(&g.f, &g.clients[1].who, g.rooms[i]);
        do_join(&g.f, &g.clients[2].who, g.rooms[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.g = &g, .number = i, .running = &running};
        writers[i].who = fixture_user(&g.f, CSTR(g.f.arena, "w%d", i));
        for (int r = 0; i && r < ROOMS; r++)
            do_join(&g.f, &writers[i].who, g.rooms[r]);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_true(thread_start(&writers[i].thread, "writer", 0, write_away, &writers[i]));
    do {
        for (int i = 0; i < USERS; i++)
            fold_answer(&g, &g.clients[i], ask(&g, &g.clients[i], g.clients[i].since, 1000));
    } while (running);
    for (int i = 0; i < WRITERS; i++)
        thread_join(&writers[i].thread);
    for (int i = 0; i < USERS; i++) {
        fold_answer(&g, &g.clients[i], ask(&g, &g.clients[i], g.clients[i].since, 1000));
        check_client(&g, &g.clients[i]);
        for (int r = 0; r < ROOMS; r++)
            assert_int_equal(g.clients[i].rooms[r].count, replay(&g.f, g.rooms[r])); /* not one is missing */
    }
    fixture_fini(&g.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_gives_the_whole),
        cmocka_unit_test(folding_while_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
