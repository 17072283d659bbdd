#include "service/sync_room.h"

#include "service/ignored_users.h"
#include "service/room.h"
#include "service/typing.h"
#include "store/account_data.h"
#include "store/receipts.h"

#include <stdlib.h>

#define ROOM_SHARE 2 /* a room may take this part of what is left to share out */

/* Writes {"events": [ ... ]} around what is written between the two. */
static void events_begin(struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, STR("events"));
    json_begin_array(w);
}

static void events_end(struct json_writer *w)
{
    json_end_array(w);
    json_end_object(w);
}

void sync_put_event(struct sync_section *x, const struct event_row *row, const struct event *event,
                    const enum membership *at)
{
    struct arena *a = x->f->a;
    const struct sync_filter *filter = &x->f->query->filter;
    struct json *json;
    if (filter->federation_format)
        json = room_view_federation_form(x->v, row, event);
    else
        json = room_view_client_form(x->v, row, event, at, false);
    json_put(x->f->w, sync_filter_fields(a, filter, json));
}

/* --- counts --- */

/* The room's totals less what they were where the user has read to, and what is the user's alone. */
static void write_unread(struct sync_section *x)
{
    struct json_writer *w = x->f->w;
    const struct membership_row *own = &x->v->own;
    struct event_row last;
    int64_t notify = 0;
    int64_t highlight = 0;
    event_pushes_sum(x->f->tx, own->user_nid, own->room_nid, own->read_pos, x->f->now, &notify, &highlight);
    if (events_last_numbers(x->f->tx, own->room_nid, x->f->now, &last)) {
        notify += last.notify_count - own->read_notify;
        highlight += last.highlight_count - own->read_highlight;
    }
    if (x->v->ignored && (notify > 0 || highlight > 0)) {
        struct ignored_unread at_read = {own->read_notify, own->read_highlight};
        struct ignored_unread ignored = ignored_users_unread(x->v, own->read_pos, x->f->now, at_read);
        notify -= ignored.notify;
        highlight -= ignored.highlight;
    }
    json_begin_object(w);
    json_field_int(w, STR("highlight_count"), highlight > 0 ? highlight : 0);
    json_field_int(w, STR("notification_count"), notify > 0 ? notify : 0);
    json_end_object(w);
}

/* --- ephemeral events and account data --- */

static void write_receipt(struct json_writer *w, const struct receipt_row *r)
{
    json_key(w, r->user_id);
    json_begin_object(w);
    json_field_int(w, STR("ts"), r->ts);
    if (r->thread_id.n)
        json_field_str(w, STR("thread_id"), r->thread_id);
    json_end_object(w);
}

/* {event_id: {type: {user_id: {ts, thread_id}}}} of receipts that are sorted, and of one thread. */
static void write_receipts_content(struct json_writer *w, const struct receipt_row *rows, size_t count)
{
    json_begin_object(w);
    for (size_t i = 0; i < count; i++) {
        const struct receipt_row *r = &rows[i];
        const struct receipt_row *last = i ? r - 1 : NULL;
        const struct receipt_row *next = i + 1 < count ? r + 1 : NULL;
        bool new_event = !last || !str_eq(last->event_id, r->event_id);
        bool event_ends = !next || !str_eq(next->event_id, r->event_id);
        if (new_event) {
            json_key(w, r->event_id);
            json_begin_object(w);
        }
        if (new_event || !str_eq(last->type, r->type)) {
            json_key(w, r->type);
            json_begin_object(w);
        }
        write_receipt(w, r);
        if (event_ends || !str_eq(next->type, r->type))
            json_end_object(w);
        if (event_ends)
            json_end_object(w);
    }
    json_end_object(w);
}

/* By thread; within one in the order in which they nest. */
static int receipt_order(const void *p, const void *q)
{
    const struct receipt_row *a = p, *b = q;
    int order = str_cmp(a->thread_id, b->thread_id);
    order = order ? order : str_cmp(a->event_id, b->event_id);
    order = order ? order : str_cmp(a->type, b->type);
    return order ? order : str_cmp(a->user_id, b->user_id);
}

static bool passes_ephemeral(const struct sync_section *x, struct str type)
{
    const struct event_filter *filter = &x->f->query->filter.room_ephemeral;
    return event_filter_match(filter, type, STR(""), NULL) && event_filter_match_room(filter, x->v->room_id);
}

/* Leaves out the receipts of users who are ignored; returns how many remain. */
static size_t drop_ignored(const struct sync_section *x, struct receipt_row *rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!ignored_users_has(x->v->ignored, rows[i].user_id))
            rows[kept++] = rows[i];
    return kept;
}

/* An event for each thread: within one, a user has one receipt of a type for an event, whatever thread it is of. */
static size_t write_receipts(struct sync_section *x)
{
    struct json_writer *w = x->f->w;
    struct receipt_row *rows;
    size_t written = 0;
    size_t count =
        receipts_between(x->f->tx, x->v->room_nid, x->v->caller.user_nid, x->after, x->f->now, x->f->a, &rows);
    bool passes = passes_ephemeral(x, STR("m.receipt"));
    count = drop_ignored(x, rows, count);
    if (count)
        qsort(rows, count, sizeof *rows, receipt_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && str_eq(rows[to].thread_id, rows[from].thread_id); to++)
            x->own_receipt |= rows[to].user_nid == x->v->caller.user_nid;
        if (!passes)
            continue;
        json_begin_object(w);
        json_key(w, STR("content"));
        write_receipts_content(w, rows + from, to - from);
        json_field_str(w, STR("type"), STR("m.receipt"));
        json_end_object(w);
        written++;
    }
    return written;
}

static void write_event(struct json_writer *w, struct str type, const struct json *content)
{
    json_begin_object(w);
    json_field(w, STR("content"), content);
    json_field_str(w, STR("type"), type);
    json_end_object(w);
}

static size_t write_ephemeral(struct sync_section *x)
{
    struct json_writer *w = x->f->w;
    const struct json *typing = typing_content(x->f->s, x->f->a, x->v->room_nid, x->after, x->f->now, x->v->ignored);
    events_begin(w);
    size_t written = write_receipts(x);
    if (typing && passes_ephemeral(x, STR("m.typing"))) {
        write_event(w, STR("m.typing"), typing);
        written++;
    }
    events_end(w);
    return written;
}

static size_t write_data(struct sync_frame *f, const struct account_data_row *rows, size_t count, int64_t room_nid,
                         const struct event_filter *filter, const struct json *extra)
{
    size_t written = 0;
    events_begin(f->w);
    for (size_t i = 0; i < count; i++) {
        const struct account_data_row *row = &rows[i];
        if (row->room_nid != room_nid || row->pos > f->now)
            continue;
        struct arena_mark mark = arena_mark(f->a);
        const struct json *content = json_parse(f->a, row->content, JSON_DEPTH_MAX).value;
        if (content && event_filter_match(filter, row->type, STR(""), content)) {
            write_event(f->w, row->type, content);
            written++;
        }
        arena_release(f->a, mark);
    }
    if (extra)
        json_put(f->w, extra);
    events_end(f->w);
    return written + (extra != NULL);
}

size_t sync_account_data(struct sync_frame *f, int64_t room_nid, const struct event_filter *filter,
                         const struct json *extra)
{
    return write_data(f, f->data, f->data_count, room_nid, filter, extra);
}

/* What changed for this room; all of it where the client begins anew, as after coming back to a room. */
static size_t write_room_data(struct sync_section *x)
{
    struct sync_frame *f = x->f;
    const struct event_filter *filter = &f->query->filter.room_account_data;
    struct account_data_row *rows = f->data;
    size_t count = f->data_count;
    if (!event_filter_match_room(filter, x->v->room_id))
        count = 0;
    else if (x->whole)
        count = account_data_of_room(f->tx, x->v->caller.user_nid, x->v->room_nid, f->a, &rows);
    return write_data(f, rows, count, x->v->room_nid, filter, NULL);
}

/* --- the room --- */

/* Whether the client has had the room since its last answer: the user was joined then. */
static bool is_known(const struct sync_frame *f, struct room_view *v)
{
    int64_t since = f->query->since;
    if (v->own.pos <= since)
        return since && v->own.membership == MEMBERSHIP_JOIN;
    return since && sync_membership_at(v, since) == MEMBERSHIP_JOIN;
}

/* Three quarters of what the answer may hold are shared out, so that of 128 MiB the first room may take 48: members of
 * 50,000 take 35. The rest is for what rooms are told of in any case. */
static size_t room_budget(const struct sync_frame *f)
{
    size_t shared = f->w->out->max / 4 * 3;
    size_t written = f->w->out->n;
    return written < shared ? (shared - written) / ROOM_SHARE : 0;
}

/* A client that has all of a room's events aggregates them itself; the others are told ("Aggregations of child
 * events"), as far as the room's share of the answer goes. */
static void bundle(struct sync_section *x)
{
    struct room_view *v = x->v;
    v->unbundled = !x->limited && !x->whole;
    v->federation_format = x->f->query->filter.federation_format;
    if (v->bundle_left > x->budget / 4)
        v->bundle_left = x->budget / 4;
}

/* Fills in what comes before the sections: where the client stands, the timeline, the three states. */
static void section_begin(struct sync_section *x, struct sync_frame *f, struct room_view *v, int64_t after,
                          int64_t up_to)
{
    bool known = is_known(f, v);
    *x = (struct sync_section){
        .f = f, .v = v, .whole = !known || f->query->full_state, .up_to = up_to, .budget = room_budget(f)};
    x->after = known ? f->query->since : after;
    f->lazy.anew |= x->whole;
    x->base_root = x->whole ? 0 : sync_root_at(v, f->query->since);
    x->end_root = sync_root_at(v, up_to);
    sync_timeline_collect(x);
    bundle(x);
    x->start_root = !x->count ? x->end_root : x->forked ? sync_root_at(v, x->rows[0].pos - 1) : x->rows[0].state_before;
}

/* Writes timeline and state; returns how many events of state there are. */
static size_t write_events(struct sync_section *x, const struct json *heroes)
{
    const struct sync_query *query = x->f->query;
    json_key(x->f->w, STR("timeline"));
    sync_timeline_write(x);
    json_key(x->f->w, query->use_state_after ? query->state_after_name : STR("state"));
    return sync_state_write(x, heroes);
}

static bool room_has_data(const struct sync_frame *f, int64_t room_nid)
{
    for (size_t i = 0; i < f->data_count; i++)
        if (f->data[i].room_nid == room_nid)
            return true;
    return false;
}

/* Writes all sections of a room; false if they say nothing that is new. */
static bool write_joined(struct sync_section *x)
{
    struct json_writer *w = x->f->w;
    bool summarise = x->whole || x->limited || sync_timeline_has_member(x);
    const struct json *heroes = summarise ? sync_heroes(x) : NULL;
    json_begin_object(w);
    size_t events = write_events(x, heroes);
    json_key(w, STR("ephemeral"));
    events += write_ephemeral(x);
    json_key(w, STR("account_data"));
    events += write_room_data(x);
    /* An own receipt that the filter keeps away still moves the unread counts. */
    if (!x->whole && !x->count && !x->limited && !events && !x->own_receipt)
        return false;
    if (summarise || x->members_changed) {
        json_key(w, STR("summary"));
        sync_summary_write(x, heroes ? heroes : sync_heroes(x));
    }
    json_key(w, STR("unread_notifications"));
    write_unread(x);
    json_end_object(w);
    return true;
}

bool sync_joined_room(struct sync_frame *f, struct room_view *v)
{
    int64_t since = f->query->since;
    bool whole = f->query->full_state || !is_known(f, v);
    struct room_news news = room_news(f->s, f->tx, v->room_nid);
    if (!whole && news.event_pos <= since && news.receipt_pos <= since && typing_last_pos(f->s, v->room_nid) <= since &&
        !room_has_data(f, v->room_nid))
        return false;
    struct sync_section x;
    section_begin(&x, f, v, 0, f->now);
    return write_joined(&x);
}

/* Those who have left see the state as it was when they did, whatever became of them later; those who were not there
 * since the last answer, as when an invitation came to nothing, see none. */
static void hide_later_state(struct sync_section *x)
{
    if (x->v->joined_until <= (x->f->query->full_state ? 0 : x->f->query->since)) {
        x->start_root = x->end_root = x->base_root;
    } else {
        x->end_root = sync_root_at(x->v, x->v->joined_until);
        if (!x->count || x->rows[0].pos > x->v->joined_until)
            x->start_root = x->end_root;
    }
}

bool sync_left_room(struct sync_frame *f, struct room_view *v)
{
    struct sync_section x;
    section_begin(&x, f, v, v->joined_until > f->query->since ? 0 : f->query->since, v->own.pos);
    hide_later_state(&x);
    json_begin_object(f->w);
    write_events(&x, NULL);
    json_key(f->w, STR("account_data"));
    sync_account_data(f, v->room_nid, &f->query->filter.room_account_data, NULL);
    json_end_object(f->w);
    return true;
}

/* State that tells an invited or knocking user what the room is ("Stripped state"). */
static const struct str stripped_types[] = {
    STR_INIT("m.room.create"),     STR_INIT("m.room.name"),       STR_INIT("m.room.avatar"),
    STR_INIT("m.room.topic"),      STR_INIT("m.room.join_rules"), STR_INIT("m.room.canonical_alias"),
    STR_INIT("m.room.encryption"),
};

static void put_stripped(struct sync_frame *f, struct room_view *v, int64_t event_nid)
{
    const struct json *event = room_view_stripped(v, event_nid);
    if (event)
        json_put(f->w, event);
}

bool sync_stripped_room(struct sync_frame *f, struct room_view *v, struct str name)
{
    struct event_row row;
    struct event own;
    if (!room_view_load(v, v->own.event_nid, &row, &own) || ignored_users_has(f->ignored, own.sender))
        return false;
    json_begin_object(f->w);
    json_key(f->w, name);
    events_begin(f->w);
    for (size_t i = 0; i < sizeof stripped_types / sizeof stripped_types[0]; i++)
        put_stripped(f, v, room_view_state_nid(v, row.state_after, stripped_types[i], STR("")));
    /* Who invites, so that the client can show them; then the user's own membership. */
    if (!str_eq(own.sender, v->caller.user_id))
        put_stripped(f, v, room_view_state_nid(v, row.state_after, STR("m.room.member"), own.sender));
    put_stripped(f, v, row.event_nid);
    events_end(f->w);
    json_end_object(f->w);
    return true;
}
