#include "service/sync.h"

#include "matrix/push_rules_default.h"
#include "service/ignored_users.h"
#include "service/room_head.h"
#include "service/storage.h"
#include "service/stream_token.h"
#include "service/sync_room.h"
#include "store/account_data.h"
#include "store/rooms.h"

#define TRIES 8 /* snapshots looked at, while the caller's own memberships change under the question */

/* The sections of rooms in the order of the answer. */
enum bucket { BUCKET_JOIN, BUCKET_INVITE, BUCKET_KNOCK, BUCKET_LEAVE, BUCKET_NONE };
static const struct str bucket_names[] = {
    [BUCKET_JOIN] = STR_INIT("join"),
    [BUCKET_INVITE] = STR_INIT("invite"),
    [BUCKET_KNOCK] = STR_INIT("knock"),
    [BUCKET_LEAVE] = STR_INIT("leave"),
};

/* Where a room belongs. Invites and knocks are told once; rooms that were left, when it happens, and otherwise only to
 * those who ask for them. */
static enum bucket bucket_of(const struct sync_query *q, const struct membership_row *row)
{
    bool everything = !q->since || q->full_state;
    bool changed = row->pos > q->since;
    switch (row->membership) {
    case MEMBERSHIP_JOIN:
        return BUCKET_JOIN;
    case MEMBERSHIP_INVITE:
        return everything || changed ? BUCKET_INVITE : BUCKET_NONE;
    case MEMBERSHIP_KNOCK:
        return everything || changed ? BUCKET_KNOCK : BUCKET_NONE;
    case MEMBERSHIP_LEAVE:
    case MEMBERSHIP_BAN:
        if (q->since && changed)
            return BUCKET_LEAVE; /* also if it is forgotten already: other devices have yet to hear of it */
        return everything && q->filter.include_leave && !row->forgotten ? BUCKET_LEAVE : BUCKET_NONE;
    case MEMBERSHIP_NONE:
        break;
    }
    return BUCKET_NONE;
}

/* Writes the room's id and what there is to tell; false as of sync_joined_room(). */
static bool write_room(struct sync_frame *f, const struct membership_row *row, enum bucket bucket)
{
    struct str room_id, version;
    struct room_view v;
    if (!rooms_get(f->tx, row->room_nid, f->a, &room_id, &version) ||
        !sync_filter_match_room(&f->query->filter, room_id))
        return false;
    room_view_init(&v, f->s, f->tx, f->a, row->room_nid, room_id, room_version_find(version), f->caller);
    v.ignored = f->ignored;
    json_key(f->w, room_id);
    switch (bucket) {
    case BUCKET_JOIN:
        return sync_joined_room(f, &v);
    case BUCKET_INVITE:
        return sync_stripped_room(f, &v, STR("invite_state"));
    case BUCKET_KNOCK:
        return sync_stripped_room(f, &v, STR("knock_state"));
    case BUCKET_LEAVE:
        return sync_left_room(f, &v);
    case BUCKET_NONE:
        break;
    }
    return false;
}

/* Writes the rooms of one bucket; each is put together in memory that is given back before the next. */
static size_t write_bucket(struct sync_frame *f, const struct membership_row *rows, size_t count, enum bucket bucket)
{
    size_t written = 0;
    json_key(f->w, bucket_names[bucket]);
    json_begin_object(f->w);
    for (size_t i = 0; i < count && buf_ok(f->w->out); i++) {
        if (bucket_of(f->query, &rows[i]) != bucket)
            continue;
        struct arena_mark memory = arena_mark(f->a);
        struct json_writer_mark text = json_writer_mark(f->w);
        if (write_room(f, &rows[i], bucket))
            written++;
        else
            json_writer_rewind(f->w, text);
        arena_release(f->a, memory);
    }
    json_end_object(f->w);
    return written;
}

/* Account data of the account; the push rules are there from the start. */
static size_t write_account(struct sync_frame *f)
{
    const struct event_filter *filter = &f->query->filter.account_data;
    if (f->query->since || !event_filter_match(filter, STR("m.push_rules"), STR(""), NULL))
        return sync_account_data(f, 0, filter, NULL);
    struct json *rules = json_object(f->a);
    json_set(f->a, rules, STR("content"), *push_rules_default(f->a, f->caller->user_id));
    json_set_str(f->a, rules, STR("type"), STR("m.push_rules"));
    return sync_account_data(f, 0, filter, rules);
}

static void write_answer(struct sync_frame *f, const struct membership_row *rows, size_t count, bool *empty_out)
{
    struct json_writer *w = f->w;
    json_begin_object(w);
    json_field_str(w, STR("next_batch"), stream_token_make(f->a, f->now));
    json_key(w, STR("account_data"));
    size_t news = write_account(f);
    json_key(w, STR("rooms"));
    json_begin_object(w);
    for (enum bucket b = BUCKET_JOIN; b < BUCKET_NONE; b++)
        news += write_bucket(f, rows, count, b);
    json_end_object(w);
    /* What other modules will fill; clients want the keys. */
    json_field_raw(w, STR("presence"), STR("{\"events\":[]}"));
    json_field_raw(w, STR("to_device"), STR("{\"events\":[]}"));
    json_field_raw(w, STR("device_lists"), STR("{\"changed\":[],\"left\":[]}"));
    json_field_raw(w, STR("device_one_time_keys_count"), STR("{}"));
    json_field_raw(w, STR("device_unused_fallback_key_types"), STR("[]"));
    json_end_object(w);
    *empty_out = news == 0;
}

/* True if a row tells of something later than `now`: rows of memberships are changed in place. */
static bool any_later(const struct membership_row *rows, size_t count, int64_t now)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].pos > now)
            return true;
    return false;
}

/* Members are remembered for devices that load them lazily and do not ask for redundant ones. */
static struct lazy_answer lazy_answer_of(const struct services *s, const struct caller *caller,
                                         const struct sync_query *query)
{
    const struct event_filter *state = &query->filter.room_state;
    bool remember = state->lazy_load_members && !state->include_redundant_members && caller->device_nid;
    return (struct lazy_answer){.memory = remember ? s->lazy_members : NULL,
                                .device_nid = caller->device_nid,
                                .filter = query->filter_hash,
                                .since = query->since};
}

struct fault sync_answer(struct services *s, struct arena *a, const struct caller *caller,
                         const struct sync_query *query, struct buf *out, bool *empty_out)
{
    struct sync_query anew = *query;
    for (int tries = 0; tries < TRIES; tries++) {
        struct json_writer w;
        struct sync_frame f = {
            .s = s, .a = a, .caller = caller, .query = &anew, .w = &w, .now = store_stable_pos(s->store)};
        struct membership_row *rows;
        /* A token from before a backup was restored: what the client knows may not have happened; it begins anew. */
        if (anew.since > f.now)
            anew.since = 0;
        f.lazy = lazy_answer_of(s, caller, &anew);
        f.tx = store_read_begin(s->store);
        size_t count = memberships_of_user(f.tx, caller->user_nid, a, &rows);
        bool later = any_later(rows, count, f.now);
        if (!later) {
            f.ignored = ignored_users_read(f.tx, a, caller->user_nid, caller->user_id);
            f.data_count = account_data_between(f.tx, caller->user_nid, anew.since, f.now, a, &f.data);
            json_writer_init(&w, out);
            write_answer(&f, rows, count, empty_out);
            *empty_out = *empty_out && anew.since == query->since;
        }
        struct fault fault = storage_read_end(&f.tx);
        if (!fault.code && !later && buf_ok(out))
            lazy_members_end(&f.lazy, f.now);
        lazy_members_drop(&f.lazy);
        if (fault.code || !later)
            return fault;
        room_wait_for_queue(s); /* what is later has been written, and its position is about to move */
    }
    return STORAGE_FAULT;
}
