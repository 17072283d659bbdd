#include "service/stream_token.h"
#include "service/sync_room.h"
#include "store/state_map.h"

#define TIMELINE_DEFAULT   10
#define TIMELINE_MAX       1000
#define SCAN_MAX           5000 /* events looked at for one timeline, when a filter lets few through */
#define CHUNK              16
#define TIMELINE_BYTES_MAX ((size_t)4 << 20) /* of events in the timeline of one room */

static int64_t timeline_limit(const struct sync_filter *filter)
{
    int64_t limit = filter->room_timeline.limit ? filter->room_timeline.limit : TIMELINE_DEFAULT;
    return limit < TIMELINE_MAX ? limit : TIMELINE_MAX;
}

/* One event fits always, or a client would never get past a large one. */
static bool is_full(const struct sync_section *x, size_t limit)
{
    size_t bytes_max = x->budget / 4 < TIMELINE_BYTES_MAX ? x->budget / 4 : TIMELINE_BYTES_MAX;
    return x->count == limit || (x->count && x->bytes >= bytes_max);
}

static bool matches(struct sync_section *x, const struct event_row *row)
{
    struct event event;
    return room_view_parse(x->v, row, &event) &&
           event_filter_match(&x->f->query->filter.room_timeline, event.type, event.sender, event.content);
}

/* Puts an event of the timeline where the answer lives. */
static void keep_row(struct sync_section *x, struct event_row row, enum membership at)
{
    struct arena *a = x->f->a;
    x->bytes += row.pdu.n;
    row.pdu = str_copy(a, row.pdu);
    row.event_id = str_copy(a, row.event_id);
    row.txn_id = row.txn_id.p ? str_copy(a, row.txn_id) : row.txn_id;
    x->rows[x->count] = row;
    x->at[x->count++] = at;
}

/* Looks at one event, going backwards. The timeline is limited by one more that would fit, and so by one before a
 * change of state that the user could not see, and by a gap in the history: what lies behind is told as state. */
static void look_at_row(struct sync_section *x, const struct event_row *row, size_t limit, bool *gap)
{
    enum membership at;
    bool visible = room_view_allows(x->v, row, &at);
    *gap |= (!visible && row->state_after != row->state_before) || (x->count && x->rows[x->count - 1].gap);
    if (!visible || !matches(x, row))
        return;
    if (*gap || is_full(x, limit)) {
        x->limited = true;
        x->before = EVENT_PLACE(row->pos);
    } else {
        keep_row(x, *row, at);
    }
}

/* Notices where the state before an event is not the room's state that was left behind by the one before it. */
static void note_fork(struct sync_section *x, const struct event_row *row)
{
    x->forked |= row->room_state != x->newer_root || row->room_state != row->state_after;
    x->newer_root = row->state_before;
}

static void reverse_rows(struct sync_section *x)
{
    for (size_t i = 0; i < x->count / 2; i++) {
        size_t j = x->count - 1 - i;
        struct event_row row = x->rows[i];
        enum membership at = x->at[i];
        x->rows[i] = x->rows[j];
        x->at[i] = x->at[j];
        x->rows[j] = row;
        x->at[j] = at;
    }
}

/* Collects the newest events backwards until there are enough; what is not taken is forgotten with `scratch`. */
static void collect_backwards(struct sync_section *x, size_t limit, struct arena *scratch)
{
    bool gap = false;
    size_t scanned = 0;
    struct event_place up_to = EVENT_PLACE(x->up_to);
    while (!x->limited) {
        struct event_row *rows;
        size_t wanted = limit + 1 - x->count < CHUNK ? limit + 1 - x->count : CHUNK;
        size_t count = events_between(x->f->tx, x->v->room_nid, EVENT_PLACE(x->after), up_to, EVENTS_NEWEST_FIRST,
                                      wanted, scratch, &rows);
        for (size_t i = 0; i < count && !x->limited; i++) {
            up_to = event_place_before(&rows[i]);
            note_fork(x, &rows[i]);
            look_at_row(x, &rows[i], limit, &gap);
        }
        scanned += count;
        arena_reset(scratch);
        if (count < wanted)
            break;
        if (!x->limited && scanned >= SCAN_MAX) {
            x->limited = true;
            x->before = up_to;
        }
    }
}

/* Whether the row's state event is not what the room has for its key, nor overruled by a later one of the timeline. */
static bool has_lost(struct sync_section *x, size_t at)
{
    int64_t key = x->rows[at].state_key_nid;
    for (size_t i = at + 1; i < x->count && key; i++)
        if (x->rows[i].state_key_nid == key)
            return false;
    return key && state_map_get(x->f->tx, x->end_root, key) != x->rows[at].event_nid;
}

/* Clients take the last event of a key for the state. Where state resolution has overruled it, the timeline begins
 * behind it, so that they are told the state as it is; the event is found by paging back. */
static void cut_behind_losers(struct sync_section *x)
{
    size_t cut = x->count;
    while (cut > 0 && !has_lost(x, cut - 1))
        cut--;
    if (cut == 0)
        return;
    const struct event_row *loser = &x->rows[cut - 1];
    x->before = (struct event_place){loser->pos, loser->sub};
    x->limited = true;
    x->rows += cut;
    x->at += cut;
    x->count -= cut;
}

void sync_timeline_collect(struct sync_section *x)
{
    size_t limit = (size_t)timeline_limit(&x->f->query->filter);
    x->rows = ARENA_ARRAY(x->f->a, limit, struct event_row);
    x->at = ARENA_ARRAY(x->f->a, limit, enum membership);
    x->before = EVENT_PLACE(x->after ? x->after : x->up_to);
    x->newer_root = x->end_root;
    if (!event_filter_match_room(&x->f->query->filter.room_timeline, x->v->room_id))
        return;
    struct arena *scratch = arena_new();
    x->v->a = scratch;
    collect_backwards(x, limit, scratch);
    x->v->a = x->f->a;
    arena_free(&scratch);
    reverse_rows(x);
    if (x->forked)
        cut_behind_losers(x);
}

void sync_timeline_write(struct sync_section *x)
{
    struct json_writer *w = x->f->w;
    json_begin_object(w);
    json_key(w, STR("events"));
    json_begin_array(w);
    for (size_t i = 0; i < x->count; i++) {
        struct event event;
        struct arena_mark mark = arena_mark(x->f->a);
        if (room_view_parse(x->v, &x->rows[i], &event))
            sync_put_event(x, &x->rows[i], &event, &x->at[i]);
        arena_release(x->f->a, mark);
    }
    json_end_array(w);
    json_field_bool(w, STR("limited"), x->limited);
    json_field_str(w, STR("prev_batch"),
                   stream_token_make_place(x->f->a, x->count ? event_place_before(&x->rows[0]) : x->before));
    json_end_object(w);
}

bool sync_timeline_has_member(struct sync_section *x)
{
    bool found = false;
    for (size_t i = 0; i < x->count && !found; i++) {
        struct event event;
        struct arena_mark mark = arena_mark(x->f->a);
        found = x->rows[i].state_key_nid && room_view_parse(x->v, &x->rows[i], &event) &&
                str_eq(event.type, STR("m.room.member"));
        arena_release(x->f->a, mark);
    }
    return found;
}
