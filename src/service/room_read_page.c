/*
 * Pages of a room's history, and single events with what stands around them.
 */
#include "base/map.h"
#include "service/room_read.h"
#include "service/room_reading.h"
#include "service/state_list.h"
#include "service/stream_token.h"
#include "store/users.h"

#define PAGE_MAX       1000 /* events in one answer */
#define SCAN_MAX       4000 /* events looked at for one answer, when a filter or the visibility lets few through */
#define CHUNK          16
#define PAGE_BYTES_MAX ((size_t)8 << 20) /* of events in one answer */

static int64_t min_i64(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

static struct event_place first_place(struct event_place x, struct event_place y)
{
    return event_place_order(x, y) < 0 ? x : y;
}

/* --- walking --- */

/* A walk along the timeline, in one direction, that writes what it takes. */
struct walk {
    struct room_reading *r;
    struct json_writer *w;
    bool backwards;
    struct event_place after; /* places that remain: after < place <= up_to */
    struct event_place up_to;
    int64_t limit;
    const struct event_filter *filter;
    struct map_u64 *senders; /* of what was taken */
    int64_t count;           /* events taken */
    size_t bytes;            /* of them */
    bool exhausted;          /* nothing remains in that direction */
};

static void walk_look(struct walk *k, const struct event_row *row)
{
    struct room_view *v = &k->r->view;
    struct event event;
    enum membership at;
    if (!room_view_parse(v, row, &event) || !event_filter_match(k->filter, event.type, event.sender, event.content) ||
        !room_view_allows(v, row, &at))
        return;
    json_put(k->w, room_view_client_form(v, row, &event, &at, true));
    map_u64_put(k->senders, (uint64_t)row->sender_nid, k);
    k->count++;
    k->bytes += row->pdu.n;
}

static bool walk_is_full(const struct walk *k)
{
    return k->count >= k->limit || k->bytes >= PAGE_BYTES_MAX;
}

/* One look at the timeline; returns how many events were looked at. */
static size_t walk_step(struct walk *k, struct arena *scratch)
{
    struct event_row *rows;
    size_t wanted = (size_t)(k->limit - k->count) + 1;
    if (wanted > CHUNK)
        wanted = CHUNK;
    size_t count = events_between(k->r->tx, k->r->room->nid, k->after, k->up_to,
                                  k->backwards ? EVENTS_NEWEST_FIRST : EVENTS_OLDEST_FIRST, wanted, scratch, &rows);
    k->exhausted = count < wanted;
    for (size_t i = 0; i < count; i++) {
        if (walk_is_full(k)) {
            k->exhausted = false; /* this row is still to be read */
            break;
        }
        walk_look(k, &rows[i]);
        if (k->backwards)
            k->up_to = event_place_before(&rows[i]);
        else
            k->after = (struct event_place){rows[i].pos, rows[i].sub};
    }
    return count;
}

/* Writes an array of events; all that it reads is forgotten with `scratch`. */
static void walk_run(struct walk *k)
{
    struct arena *kept = k->r->view.a;
    struct arena *scratch = arena_new();
    k->r->view.a = scratch;
    json_begin_array(k->w);
    for (size_t scanned = 0; !walk_is_full(k) && scanned < SCAN_MAX && !k->exhausted; arena_reset(scratch))
        scanned += walk_step(k, scratch);
    json_end_array(k->w);
    k->r->view.a = kept;
    arena_free(&scratch);
}

/* The member events of those who sent what was taken, as a lazily loading client wants them. */
static void put_senders(struct room_reading *r, int64_t root, const struct map_u64 *senders, struct json_writer *w)
{
    for (size_t i = 0; i < senders->cap; i++) {
        if (!senders->slots[i].value)
            continue;
        struct arena_mark mark = arena_mark(r->view.a);
        struct str user_id = users_id_of(r->tx, (int64_t)senders->slots[i].key, r->view.a);
        int64_t member = user_id.p ? room_view_state_nid(&r->view, root, STR("m.room.member"), user_id) : 0;
        arena_release(r->view.a, mark);
        room_reading_put_event(r, member, NULL, w);
    }
}

/* --- messages --- */

static struct fault read_tokens(const struct messages_query *query, struct event_place *from_out,
                                struct event_place *to_out)
{
    *from_out = EVENT_PLACE(query->backwards ? INT64_MAX : 0);
    *to_out = EVENT_PLACE(query->backwards ? 0 : INT64_MAX);
    if (query->from.n && !stream_token_read_place(query->from, from_out))
        return FAULT(M_INVALID_PARAM, "from: not a token of this server");
    if (query->to.n && !stream_token_read_place(query->to, to_out))
        return FAULT(M_INVALID_PARAM, "to: not a token of this server");
    return FAULT_NONE;
}

static void write_page(struct walk *k, const struct messages_query *query, struct event_place from)
{
    struct room_reading *r = k->r;
    json_begin_object(k->w);
    json_field_str(k->w, STR("start"), stream_token_make_place(r->view.a, from));
    json_key(k->w, STR("chunk"));
    walk_run(k);
    /* Whoever asks for no events would otherwise be sent on to where they are, for ever. */
    if (!k->exhausted && k->limit)
        json_field_str(k->w, STR("end"), stream_token_make_place(r->view.a, k->backwards ? k->up_to : k->after));
    if (query->filter.lazy_load_members) {
        json_key(k->w, STR("state"));
        json_begin_array(k->w);
        put_senders(r, r->root, k->senders, k->w);
        json_end_array(k->w);
    }
    json_end_object(k->w);
}

struct fault room_read_messages(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                const struct messages_query *query, struct buf *out)
{
    struct room_reading r;
    struct json_writer w;
    struct map_u64 senders;
    struct event_place from, to;
    struct fault fault = read_tokens(query, &from, &to);
    if (!fault.code)
        fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    from = first_place(from, EVENT_PLACE(r.until));
    struct walk k = {.r = &r,
                     .w = &w,
                     .backwards = query->backwards,
                     .after = query->backwards ? to : from,
                     .up_to = first_place(query->backwards ? from : to, EVENT_PLACE(r.until)),
                     .limit = min_i64(query->limit, PAGE_MAX),
                     .filter = &query->filter,
                     .senders = &senders,
                     .exhausted = !event_filter_match_room(&query->filter, r.room->room_id)};
    json_writer_init(&w, out);
    map_u64_init(&senders);
    write_page(&k, query, from);
    map_u64_fini(&senders);
    return room_reading_end(&r, FAULT_NONE, out);
}

/* --- single events --- */

static struct fault find_event(struct room_reading *r, struct str event_id, struct event_row *row_out,
                               struct json **event_out)
{
    enum membership at;
    if (!events_by_id(r->tx, event_id, r->view.a, row_out) || row_out->room_nid != r->room->nid || row_out->pos <= 0 ||
        row_out->pos > r->until || !room_view_allows(&r->view, row_out, &at))
        return FAULT(M_NOT_FOUND, "There is no such event, or you may not see it");
    *event_out = room_view_event(&r->view, row_out, &at, true);
    return FAULT_NONE;
}

struct fault room_read_event(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                             struct str event_id, struct json **event_out)
{
    struct room_reading r;
    struct event_row row;
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault.code == M_FORBIDDEN ? FAULT(M_NOT_FOUND, "There is no such event, or you may not see it") : fault;
    return room_reading_end(&r, find_event(&r, event_id, &row, event_out), NULL);
}

/* The state of a context; of members, a lazily loading client wants those alone who speak. */
static void put_state(struct room_reading *r, int64_t root, const struct event_filter *filter,
                      const struct map_u64 *senders, struct json_writer *w)
{
    bool lazy = filter->lazy_load_members;
    struct arena *a = r->view.a;
    struct state_list state = state_list_all(r->tx, a, root);
    json_begin_array(w);
    if (lazy)
        put_senders(r, root, senders, w);
    for (size_t i = 0; i < state.count && buf_ok(w->out); i++)
        if (!lazy || !state_key_has_type(r->tx, a, state.items[i].key_nid, STR("m.room.member")))
            room_reading_put_event(r, state.items[i].event_nid, filter, w);
    json_end_array(w);
}

static void write_context(struct room_reading *r, const struct event_row *row, const struct json *event, int64_t limit,
                          const struct event_filter *filter, struct json_writer *w)
{
    struct map_u64 senders;
    struct event_row last;
    struct walk before = {.r = r, .w = w, .filter = filter, .senders = &senders, .limit = limit / 2};
    struct walk after = before;
    map_u64_init(&senders);
    map_u64_put(&senders, (uint64_t)row->sender_nid, r);
    before.backwards = true;
    before.up_to = event_place_before(row);
    after.after = (struct event_place){row->pos, row->sub};
    after.up_to = EVENT_PLACE(r->until);
    after.limit = limit - limit / 2;
    json_begin_object(w);
    json_field(w, STR("event"), event);
    json_key(w, STR("events_before"));
    walk_run(&before);
    json_key(w, STR("events_after"));
    walk_run(&after);
    json_field_str(w, STR("start"), stream_token_make_place(r->view.a, before.up_to));
    json_field_str(w, STR("end"), stream_token_make_place(r->view.a, after.after));
    json_key(w, STR("state"));
    bool found = events_last_numbers(r->tx, r->room->nid, after.after.pos, &last);
    put_state(r, found ? last.room_state : r->root, filter, &senders, w);
    json_end_object(w);
    map_u64_fini(&senders);
}

struct fault room_read_context(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                               struct str event_id, int64_t limit, const struct event_filter *filter, struct buf *out)
{
    struct room_reading r;
    struct event_row row;
    struct json *event;
    struct json_writer w;
    struct fault fault = room_reading_begin(s, a, caller, room_id, &r);
    if (fault.code)
        return fault;
    fault = find_event(&r, event_id, &row, &event);
    if (!fault.code) {
        json_writer_init(&w, out);
        write_context(&r, &row, event, min_i64(limit, PAGE_MAX), filter, &w);
    }
    return room_reading_end(&r, fault, out);
}
