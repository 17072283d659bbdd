#include "service/room_read.h"

#include "service/room.h"
#include "service/room_view.h"
#include "service/storage.h"
#include "service/stream_token.h"
#include "store/rooms.h"
#include "store/state_keys.h"
#include "store/state_map.h"

#define PAGE_MAX       1000 /* events in one answer */
#define SCAN_MAX       4000 /* events looked at for one answer, when a filter or the visibility lets few through */
#define CHUNK          16
#define PAGE_BYTES_MAX ((size_t)8 << 20) /* of events in one answer */

static const struct fault no_room = {.code = M_FORBIDDEN, .message = STR_INIT("You are not in this room")};

/* One question about one room: a snapshot, the caller's view, and how much of the room is theirs to see. */
struct reading {
    struct store_tx *tx;
    struct room *room;
    struct room_view view;
    int64_t until; /* newest position that may be looked at */
    int64_t root;  /* state at that position */
};

/* Members see the room as it is; those who were members, as it was when they ceased to be; others only a room that is
 * world-readable. Ends itself on a fault. */
static struct fault reading_begin(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                  struct reading *r)
{
    *r = (struct reading){0};
    struct fault fault = room_open(s, room_id, no_room, &r->room);
    if (fault.code)
        return fault;
    r->tx = store_read_begin(s->store);
    room_view_init(&r->view, s, r->tx, a, r->room->nid, r->room->room_id, r->room->version, caller);
    struct event_row row;
    enum membership own = r->view.own.membership;
    bool any = events_last_numbers(r->tx, r->room->nid, INT64_MAX, &row);
    if (any && own != MEMBERSHIP_JOIN && room_view_is_world_readable(&r->view, row.state_after)) {
        r->until = row.pos;
        r->root = row.state_after;
        return FAULT_NONE;
    }
    if (own == MEMBERSHIP_LEAVE || own == MEMBERSHIP_BAN) {
        /* A ban that came later does not show them more. */
        if (!r->view.own.forgotten && r->view.joined_until > 0 &&
            events_last_numbers(r->tx, r->room->nid, r->view.joined_until, &row)) {
            r->until = row.pos;
            r->root = row.state_after;
        }
    } else if (any) {
        r->until = row.pos;
        r->root = row.state_after;
    }
    bool member = own == MEMBERSHIP_JOIN ||
                  (r->root && own != MEMBERSHIP_NONE && own != MEMBERSHIP_INVITE && own != MEMBERSHIP_KNOCK);
    if (!member) {
        bool ok = store_read_end(&r->tx);
        room_close(s, &r->room);
        return ok ? no_room : STORAGE_FAULT;
    }
    return FAULT_NONE;
}

static struct fault reading_end(struct services *s, struct reading *r, struct fault fault)
{
    bool ok = store_read_end(&r->tx);
    room_close(s, &r->room);
    return ok ? fault : STORAGE_FAULT;
}

/* --- state --- */

struct collector {
    struct reading *r;
    struct json *out;
    const struct members_query *members; /* NULL: all state */
    int64_t *nids;
    size_t count;
    size_t cap;
};

static bool collect_nid(void *ctx, int64_t key_nid, int64_t event_nid)
{
    (void)key_nid;
    struct collector *c = ctx;
    if (c->count == c->cap) {
        size_t grown = c->cap ? 2 * c->cap : 64;
        c->nids = arena_grow(c->r->view.a, c->nids, c->cap * sizeof *c->nids, grown * sizeof *c->nids);
        c->cap = grown;
    }
    c->nids[c->count++] = event_nid;
    return true;
}

struct fault room_read_state(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct json **events_out)
{
    struct reading r;
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    struct collector c = {.r = &r};
    state_map_each(r.tx, r.root, collect_nid, &c);
    *events_out = json_array(a);
    for (size_t i = 0; i < c.count; i++) {
        struct json *event = room_view_event_nid(&r.view, c.nids[i], true);
        if (event)
            json_push(a, *events_out, *event);
    }
    return reading_end(s, &r, FAULT_NONE);
}

struct fault room_read_state_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                   struct str type, struct str state_key, bool whole, struct json *out)
{
    struct reading r;
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    int64_t event_nid = room_view_state_nid(&r.view, r.root, type, state_key);
    const struct json *event = event_nid ? room_view_event_nid(&r.view, event_nid, true) : NULL;
    if (event && !whole)
        event = json_get(event, STR("content"));
    if (event)
        *out = *event;
    else
        fault = FAULT(M_NOT_FOUND, "The room has no such state event");
    return reading_end(s, &r, fault);
}

/* --- members --- */

static bool wants_membership(const struct members_query *query, struct str membership)
{
    if (!query->membership.n && !query->not_membership.n)
        return true;
    return (query->membership.n && str_eq(membership, query->membership)) ||
           (query->not_membership.n && !str_eq(membership, query->not_membership));
}

/* Member events under a root, in client form, as the query wants them. */
static void collect_members(struct reading *r, int64_t root, const struct members_query *query, struct json *out)
{
    struct arena *a = r->view.a;
    struct collector c = {.r = r};
    state_map_each(r->tx, root, collect_nid, &c);
    for (size_t i = 0; i < c.count; i++) {
        const struct json *event = room_view_event_nid(&r->view, c.nids[i], true);
        if (str_eq(json_str_at(event, STR("type")), STR("m.room.member")) &&
            wants_membership(query, json_str_at(json_get(event, STR("content")), STR("membership"))))
            json_push(a, out, *event);
    }
}

struct fault room_read_members(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               const struct members_query *query, struct json **events_out)
{
    struct reading r;
    int64_t at;
    if (query->at.n && !stream_token_read(query->at, &at))
        return FAULT(M_INVALID_PARAM, "at: not a token of this server");
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    int64_t root = r.root;
    struct event_row row;
    enum membership then;
    if (query->at.n && at < r.until)
        root =
            events_last(r.tx, r.room->nid, at, a, &row) && room_view_allows(&r.view, &row, &then) ? row.state_after : 0;
    if (!root)
        return reading_end(s, &r, FAULT(M_FORBIDDEN, "You may not see the members of that time"));
    *events_out = json_array(a);
    if (root)
        collect_members(&r, root, query, *events_out);
    return reading_end(s, &r, FAULT_NONE);
}

struct fault room_read_joined_members(struct services *s, struct arena *a, const struct caller *caller,
                                      struct str room_id, struct json **joined_out)
{
    struct reading r;
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    if (r.view.own.membership != MEMBERSHIP_JOIN)
        return reading_end(s, &r, no_room);
    struct json *events = json_array(a);
    struct members_query query = {.membership = STR("join")};
    collect_members(&r, r.root, &query, events);
    *joined_out = json_object(a);
    for (size_t i = 0; i < events->count; i++) {
        const struct json *content = json_get(&events->items[i], STR("content"));
        struct str display_name = json_str_at(content, STR("displayname"));
        struct str avatar_url = json_str_at(content, STR("avatar_url"));
        struct json *profile = json_object(a);
        if (display_name.p)
            json_set_str(a, profile, STR("display_name"), display_name);
        if (avatar_url.p)
            json_set_str(a, profile, STR("avatar_url"), avatar_url);
        json_set(a, *joined_out, json_str_at(&events->items[i], STR("state_key")), *profile);
    }
    return reading_end(s, &r, FAULT_NONE);
}

/* --- messages --- */

/* A walk along the timeline, in one direction. */
struct walk {
    bool backwards;
    int64_t after; /* positions that remain: after < pos <= up_to */
    int64_t up_to;
    int64_t limit;
    const struct event_filter *filter;
    struct json *chunk;
    size_t bytes;   /* of the events in it */
    bool exhausted; /* nothing remains in that direction */
};

static bool walk_takes(struct reading *r, const struct walk *w, const struct event_row *row,
                       enum membership *membership_out)
{
    struct event event;
    return room_view_parse(&r->view, row, &event) &&
           event_filter_match(w->filter, event.type, event.sender, event.content) &&
           room_view_allows(&r->view, row, membership_out);
}

/* Keeps an event that the walk takes: its row moves to where the answer lives. */
static void walk_keep(struct reading *r, struct walk *w, struct event_row row, enum membership at)
{
    struct arena *a = r->view.a;
    w->bytes += row.pdu.n;
    row.pdu = str_copy(a, row.pdu);
    row.event_id = str_copy(a, row.event_id);
    row.txn_id = row.txn_id.p ? str_copy(a, row.txn_id) : row.txn_id;
    json_push(a, w->chunk, *room_view_event(&r->view, &row, &at, true));
}

static bool walk_is_full(const struct walk *w)
{
    return w->chunk->count >= w->limit || w->bytes >= PAGE_BYTES_MAX;
}

/* One look at the timeline; returns how many events were looked at. What is not taken is forgotten with `scratch`. */
static size_t walk_step(struct reading *r, struct walk *w, struct arena *scratch)
{
    struct arena *a = r->view.a;
    struct event_row *rows;
    size_t wanted = (size_t)(w->limit - w->chunk->count) + 1;
    if (wanted > CHUNK)
        wanted = CHUNK;
    size_t count = events_between(r->tx, r->room->nid, w->after, w->up_to,
                                  w->backwards ? EVENTS_NEWEST_FIRST : EVENTS_OLDEST_FIRST, wanted, scratch, &rows);
    w->exhausted = count < wanted;
    for (size_t i = 0; i < count; i++) {
        enum membership at;
        if (walk_is_full(w)) {
            w->exhausted = false; /* this row is still to be read */
            break;
        }
        r->view.a = scratch;
        bool taken = walk_takes(r, w, &rows[i], &at);
        r->view.a = a;
        if (taken)
            walk_keep(r, w, rows[i], at);
        *(w->backwards ? &w->up_to : &w->after) = rows[i].pos - (w->backwards ? 1 : 0);
    }
    return count;
}

static void walk_run(struct reading *r, struct walk *w)
{
    struct arena *scratch = arena_new();
    for (size_t scanned = 0; !walk_is_full(w) && scanned < SCAN_MAX && !w->exhausted; arena_reset(scratch))
        scanned += walk_step(r, w, scratch);
    arena_free(&scratch);
}

/* The member events of those who sent what is in the chunk, as a lazily loading client wants them. */
static struct json *senders_state(struct reading *r, int64_t root, const struct json *chunk)
{
    struct arena *a = r->view.a;
    struct json *seen = json_object(a);
    struct json *state = json_array(a);
    for (size_t i = 0; i < chunk->count; i++) {
        struct str sender = json_str_at(&chunk->items[i], STR("sender"));
        if (json_get(seen, sender))
            continue;
        json_set(a, seen, sender, json_bool(true));
        int64_t nid = room_view_state_nid(&r->view, root, STR("m.room.member"), sender);
        const struct json *event = nid ? room_view_event_nid(&r->view, nid, true) : NULL;
        if (event)
            json_push(a, state, *event);
    }
    return state;
}

static int64_t min_i64(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

struct fault room_read_messages(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                const struct messages_query *query, struct json **page_out)
{
    struct reading r;
    int64_t from = query->backwards ? INT64_MAX : 0;
    int64_t to = query->backwards ? 0 : INT64_MAX;
    if (query->from.n && !stream_token_read(query->from, &from))
        return FAULT(M_INVALID_PARAM, "from: not a token of this server");
    if (query->to.n && !stream_token_read(query->to, &to))
        return FAULT(M_INVALID_PARAM, "to: not a token of this server");
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;

    struct walk w = {.backwards = query->backwards,
                     .limit = min_i64(query->limit, PAGE_MAX),
                     .filter = &query->filter,
                     .chunk = json_array(a)};
    from = min_i64(from, r.until);
    w.up_to = min_i64(query->backwards ? from : to, r.until);
    w.after = query->backwards ? to : from;
    if (event_filter_match_room(&query->filter, r.room->room_id))
        walk_run(&r, &w);
    else
        w.exhausted = true;

    struct json *page = json_object(a);
    json_set(a, page, STR("chunk"), *w.chunk);
    json_set_str(a, page, STR("start"), stream_token_make(a, from));
    if (!w.exhausted)
        json_set_str(a, page, STR("end"), stream_token_make(a, query->backwards ? w.up_to : w.after));
    if (query->filter.lazy_load_members)
        json_set(a, page, STR("state"), *senders_state(&r, r.root, w.chunk));
    *page_out = page;
    return reading_end(s, &r, FAULT_NONE);
}

/* --- single events --- */

static struct fault find_event(struct reading *r, struct str event_id, struct event_row *row_out,
                               struct json **event_out)
{
    enum membership at;
    if (!events_by_id(r->tx, event_id, r->view.a, row_out) || row_out->room_nid != r->room->nid ||
        row_out->pos > r->until || !room_view_allows(&r->view, row_out, &at))
        return FAULT(M_NOT_FOUND, "There is no such event, or you may not see it");
    *event_out = room_view_event(&r->view, row_out, &at, true);
    return FAULT_NONE;
}

struct fault room_read_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct str event_id, struct json **event_out)
{
    struct reading r;
    struct event_row row;
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault.code == M_FORBIDDEN ? FAULT(M_NOT_FOUND, "There is no such event, or you may not see it") : fault;
    return reading_end(s, &r, find_event(&r, event_id, &row, event_out));
}

struct fault room_read_context(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               struct str event_id, int64_t limit, const struct event_filter *filter,
                               struct json **context_out)
{
    struct reading r;
    struct event_row row;
    struct json *event;
    struct fault fault = reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    fault = find_event(&r, event_id, &row, &event);
    if (fault.code)
        return reading_end(s, &r, fault);

    limit = min_i64(limit, PAGE_MAX);
    struct walk before = {
        .backwards = true, .up_to = row.pos - 1, .limit = limit / 2, .filter = filter, .chunk = json_array(a)};
    struct walk after = {
        .after = row.pos, .up_to = r.until, .limit = limit - limit / 2, .filter = filter, .chunk = json_array(a)};
    walk_run(&r, &before);
    walk_run(&r, &after);

    struct event_row last;
    int64_t root = events_last_numbers(r.tx, r.room->nid, after.after, &last) ? last.state_after : r.root;
    struct json *context = json_object(a);
    json_set_str(a, context, STR("start"), stream_token_make(a, before.up_to));
    json_set_str(a, context, STR("end"), stream_token_make(a, after.after));
    json_set(a, context, STR("event"), *event);
    json_set(a, context, STR("events_before"), *before.chunk);
    json_set(a, context, STR("events_after"), *after.chunk);
    struct json *state = json_array(a);
    if (filter->lazy_load_members) {
        struct json *all = json_array(a);
        json_push(a, all, *event);
        for (size_t i = 0; i < before.chunk->count; i++)
            json_push(a, all, before.chunk->items[i]);
        for (size_t i = 0; i < after.chunk->count; i++)
            json_push(a, all, after.chunk->items[i]);
        state = senders_state(&r, root, all);
    }
    struct collector c = {.r = &r};
    state_map_each(r.tx, root, collect_nid, &c);
    for (size_t i = 0; i < c.count; i++) {
        const struct json *state_event = room_view_event_nid(&r.view, c.nids[i], true);
        bool member = str_eq(json_str_at(state_event, STR("type")), STR("m.room.member"));
        if (state_event && !(member && filter->lazy_load_members))
            json_push(a, state, *state_event);
    }
    json_set(a, context, STR("state"), *state);
    *context_out = context;
    return reading_end(s, &r, FAULT_NONE);
}

struct fault room_read_joined_rooms(struct services *s, struct arena *a, const struct caller *caller,
                                    struct json **ids_out)
{
    struct membership_row *rows;
    struct json *ids = json_array(a);
    struct store_tx *tx = store_read_begin(s->store);
    size_t count = memberships_of_user(tx, caller->user_nid, a, &rows);
    for (size_t i = 0; i < count; i++) {
        struct str room_id;
        struct str version;
        if (rows[i].membership == MEMBERSHIP_JOIN && rooms_get(tx, rows[i].room_nid, a, &room_id, &version))
            json_push(a, ids, json_string(room_id));
    }
    *ids_out = ids;
    return store_read_end(&tx) ? FAULT_NONE : STORAGE_FAULT;
}
