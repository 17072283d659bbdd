/*
 * What tests of relations begin with: a room of ours with two users of another server, and what is bundled with its
 * events. The clock stands still but where a test moves it.
 */
#ifndef HEARTH_TESTS_SERVICE_RELATIONS_STAGE_H
#define HEARTH_TESTS_SERVICE_RELATIONS_STAGE_H

#include "service/room_receive.h"

#include "remote.h"

#define EVE "@eve:remote.test"
#define BOB "@bob:remote.test"

struct stage {
    struct fixture f;
    struct caller alice;
    struct caller carol;
    struct str room_id;
    struct remote remote;
};

static int64_t now_ms = 1700000000000;

static inline int64_t test_clock(void)
{
    return now_ms;
}

static inline void stage_init(struct stage *st)
{
    clock_set_source(test_clock);
    fixture_init(&st->f, NULL);
    st->alice = fixture_user(&st->f, "alice");
    st->carol = fixture_user(&st->f, "carol");
    st->room_id = fixture_room(&st->f, &st->alice, "{'preset':'public_chat'}");
    do_join(&st->f, &st->carol, st->room_id);
    st->remote = remote_init(&st->f, "remote.test", st->room_id);
    remote_join(&st->remote, EVE);
    remote_join(&st->remote, BOB);
}

static inline const char *text(struct stage *st, struct str s)
{
    return str_cstr(st->f.arena, s);
}

/* m.relations of the event as /event gives it, or NULL. */
static inline const struct json *relations(struct stage *st, const struct caller *who, struct str event_id)
{
    struct json *event;
    check_ok(room_read_event(&st->f.services, st->f.arena, who, st->room_id, event_id, &event));
    return json_at(event, "unsigned m.relations");
}

static inline struct fault try_relate(struct stage *st, const struct caller *who, const char *rel_type,
                                      struct str parent, const char *more, struct str *event_id_out)
{
    return try_send(&st->f, who, st->room_id, "m.room.message",
                    CSTR(st->f.arena,
                         "{'msgtype':'m.text','body':'r','m.new_content':{'body':'n'},'m.relates_to':{'rel_type':'%s',"
                         "'event_id':'%.*s'%s}}",
                         rel_type, STR_ARG(parent), more),
                    event_id_out);
}

static inline struct str relate(struct stage *st, const struct caller *who, const char *rel_type, struct str parent)
{
    struct str event_id;
    check_ok(try_relate(st, who, rel_type, parent, "", &event_id));
    return event_id;
}

static inline void redact(struct stage *st, const struct caller *who, struct str event_id)
{
    struct str redaction;
    check_ok(room_redact(&st->f.services, st->f.arena, who, st->room_id, event_id, fixture_txn(&st->f), NO_REASON,
                         &redaction));
}

static inline struct str edit_of(const struct json *bundle)
{
    return json_str_at(json_get(bundle, STR("m.replace")), STR("event_id"));
}

static inline int64_t thread_count(const struct json *bundle)
{
    int64_t count = -1;
    (void)json_int_at(json_get(bundle, STR("m.thread")), STR("count"), &count);
    return count;
}

static inline struct str thread_latest(const struct json *bundle)
{
    return json_str_at(json_at(bundle, "m.thread latest_event"), STR("event_id"));
}

static inline uint32_t reference_count(const struct json *bundle)
{
    const struct json *chunk = json_at(bundle, "m.reference chunk");
    return chunk ? chunk->count : 0;
}

#endif
