#include "service/sync_room.h"

#include "service/room.h"
#include "service/stream_token.h"
#include "service/typing.h"
#include "store/account_data.h"
#include "store/receipts.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

#include <stdlib.h>

#define TIMELINE_DEFAULT   10
#define TIMELINE_MAX       1000
#define SCAN_MAX           5000 /* events looked at for one timeline, when a filter lets few through */
#define CHUNK              16
#define TIMELINE_BYTES_MAX ((size_t)4 << 20) /* of events in the timeline of one room */
#define HEROES             5

/* One room while its sections are put together. */
struct section {
    struct sync_frame *f;
    struct room_view *v;
    bool whole;             /* the client knows nothing of the room yet, or asked for all */
    int64_t after;          /* events after this position are news */
    int64_t up_to;          /* and up to this one */
    struct event_row *rows; /* the timeline, oldest first */
    enum membership *at;
    size_t count;
    size_t bytes;   /* of the events in it */
    int64_t before; /* where the history goes on that the timeline leaves out */
    bool limited;
    bool members_changed;
    bool own_receipt;   /* one of the user's own receipts is news */
    int64_t base_root;  /* state that the client has */
    int64_t start_root; /* at the start of the timeline */
    int64_t end_root;   /* at its end */
};

static int64_t root_at(struct room_view *v, int64_t pos)
{
    struct event_row row;
    return pos > 0 && events_last_numbers(v->tx, v->room_nid, pos, &row) ? row.state_after : 0;
}

enum membership sync_membership_at(struct room_view *v, int64_t pos)
{
    int64_t nid = room_view_state_nid(v, root_at(v, pos), STR("m.room.member"), v->caller.user_id);
    struct event_row row;
    struct event event;
    if (!nid || !events_by_nid(v->tx, nid, v->a, &row) || !room_view_parse(v, &row, &event))
        return MEMBERSHIP_NONE;
    return membership_parse(event_membership(&event));
}

/* --- timeline --- */

static int64_t timeline_limit(const struct sync_filter *filter)
{
    int64_t limit = filter->room_timeline.limit ? filter->room_timeline.limit : TIMELINE_DEFAULT;
    return limit < TIMELINE_MAX ? limit : TIMELINE_MAX;
}

static bool matches(struct section *x, const struct event_row *row)
{
    struct event event;
    return room_view_parse(x->v, row, &event) &&
           event_filter_match(&x->f->query->filter.room_timeline, event.type, event.sender, event.content);
}

/* Puts an event of the timeline where the answer lives. */
static void keep_row(struct section *x, struct event_row row, enum membership at)
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
 * change of state that the user could not see: what lies behind such a gap is told as state. */
static void look_at_row(struct section *x, const struct event_row *row, size_t limit, bool *gap)
{
    enum membership at;
    bool visible = room_view_allows(x->v, row, &at);
    *gap |= !visible && row->state_after != row->state_before;
    if (!visible || !matches(x, row))
        return;
    if (x->count == limit || *gap || x->bytes >= TIMELINE_BYTES_MAX) {
        x->limited = true;
        x->before = row->pos;
    } else {
        keep_row(x, *row, at);
    }
}

static void reverse_rows(struct section *x)
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
static void collect_backwards(struct section *x, size_t limit, struct arena *scratch)
{
    bool gap = false;
    size_t scanned = 0;
    int64_t up_to = x->up_to;
    while (!x->limited) {
        struct event_row *rows;
        size_t wanted = limit + 1 - x->count < CHUNK ? limit + 1 - x->count : CHUNK;
        size_t count =
            events_between(x->f->tx, x->v->room_nid, x->after, up_to, EVENTS_NEWEST_FIRST, wanted, scratch, &rows);
        for (size_t i = 0; i < count && !x->limited; i++) {
            up_to = rows[i].pos - 1;
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

static void collect_timeline(struct section *x)
{
    size_t limit = (size_t)timeline_limit(&x->f->query->filter);
    x->rows = ARENA_ARRAY(x->f->a, limit, struct event_row);
    x->at = ARENA_ARRAY(x->f->a, limit, enum membership);
    x->before = x->after ? x->after : x->up_to;
    if (!event_filter_match_room(&x->f->query->filter.room_timeline, x->v->room_id))
        return;
    struct arena *scratch = arena_new();
    x->v->a = scratch;
    collect_backwards(x, limit, scratch);
    x->v->a = x->f->a;
    arena_free(&scratch);
    reverse_rows(x);
}

/* An event as the filter wants it: in which format, with which fields. For events of the timeline, `at` is what the
 * user's membership was; for state it is left out, because looking it up for each would cost too much. */
static const struct json *formatted(struct section *x, const struct event_row *row, const enum membership *at)
{
    const struct sync_filter *filter = &x->f->query->filter;
    if (filter->federation_format) {
        struct json *pdu = json_shallow_copy(x->f->a, json_parse(x->f->a, row->pdu, JSON_DEPTH_MAX).value);
        json_set_str(x->f->a, pdu, STR("event_id"), row->event_id);
        return sync_filter_fields(x->f->a, filter, pdu);
    }
    return sync_filter_fields(x->f->a, filter, room_view_event(x->v, row, at, false));
}

static struct json *timeline_json(struct section *x)
{
    struct arena *a = x->f->a;
    struct json *events = json_array(a);
    for (size_t i = 0; i < x->count; i++)
        json_push(a, events, *formatted(x, &x->rows[i], &x->at[i]));
    int64_t before = x->count ? x->rows[0].pos - 1 : x->before;
    struct json *timeline = json_object(a);
    json_set(a, timeline, STR("events"), *events);
    json_set(a, timeline, STR("limited"), json_bool(x->limited));
    json_set_str(a, timeline, STR("prev_batch"), stream_token_make(a, before));
    return timeline;
}

/* --- state --- */

/* What differs between two states, as event numbers of the newer one. */
struct delta {
    struct section *x;
    int64_t *nids;
    size_t count;
    size_t cap;
};

static bool delta_add(void *ctx, int64_t key_nid, int64_t old_event, int64_t new_event)
{
    struct delta *d = ctx;
    (void)key_nid;
    (void)old_event;
    if (!new_event)
        return true;
    if (d->count == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 32;
        d->nids = arena_grow(d->x->f->a, d->nids, d->cap * sizeof *d->nids, cap * sizeof *d->nids);
        d->cap = cap;
    }
    d->nids[d->count++] = new_event;
    return true;
}

/* Adds the newest membership event of a user unless it is among the events already. */
static void add_member(struct section *x, int64_t root, struct str user_id, struct json *seen, struct json *events)
{
    if (json_get(seen, user_id))
        return;
    json_set(x->f->a, seen, user_id, json_bool(true));
    int64_t nid = room_view_state_nid(x->v, root, STR("m.room.member"), user_id);
    struct event_row row;
    if (nid && events_by_nid(x->f->tx, nid, x->f->a, &row))
        json_push(x->f->a, events, *formatted(x, &row, NULL));
}

/* The members that a lazily loading client needs with this answer: who speaks, who names the room, and oneself. */
static void add_lazy_members(struct section *x, int64_t root, const struct json *heroes, struct json *seen,
                             struct json *events)
{
    for (size_t i = 0; i < x->count; i++) {
        struct event event;
        if (room_view_parse(x->v, &x->rows[i], &event))
            add_member(x, root, event.sender, seen, events);
    }
    for (size_t i = 0; heroes && i < heroes->count; i++)
        add_member(x, root, heroes->items[i].s, seen, events);
    if (x->whole)
        add_member(x, root, x->v->caller.user_id, seen, events);
}

/* State that changed between what the client has and the start (or the end) of the timeline. */
static struct json *state_json(struct section *x, const struct json *heroes)
{
    struct arena *a = x->f->a;
    const struct event_filter *filter = &x->f->query->filter.room_state;
    int64_t target = x->f->query->use_state_after ? x->end_root : x->start_root;
    struct json *events = json_array(a);
    struct json *seen = json_object(a);
    struct delta d = {.x = x};
    bool wanted = event_filter_match_room(filter, x->v->room_id);
    state_map_diff(x->f->tx, x->base_root, target, delta_add, &d);
    for (size_t i = 0; i < d.count; i++) {
        struct event_row row;
        struct event event;
        if (!events_by_nid(x->f->tx, d.nids[i], a, &row) || !room_view_parse(x->v, &row, &event))
            continue;
        bool member = str_eq(event.type, STR("m.room.member"));
        x->members_changed |= member;
        if (!wanted || !event_filter_match(filter, event.type, event.sender, event.content))
            continue;
        if (member && filter->lazy_load_members && x->whole)
            continue; /* those who matter are added below */
        if (member)
            json_set(a, seen, event.state_key, json_bool(true));
        json_push(a, events, *formatted(x, &row, NULL));
    }
    if (wanted && filter->lazy_load_members)
        add_lazy_members(x, target, heroes, seen, events);
    struct json *state = json_object(a);
    json_set(a, state, STR("events"), *events);
    return state;
}

/* --- summary and counts --- */

/* The first users who have one of two memberships, in the order of the stream; never the user themselves. */
static void add_heroes(struct section *x, enum membership m1, enum membership m2, struct json *heroes)
{
    struct arena *a = x->f->a;
    struct membership_row *first, *second;
    size_t n = memberships_of_room(x->f->tx, x->v->room_nid, m1, HEROES + 1, a, &first);
    size_t m = memberships_of_room(x->f->tx, x->v->room_nid, m2, HEROES + 1, a, &second);
    while ((n || m) && heroes->count < HEROES) {
        bool take_first = n && (!m || first->pos < second->pos);
        const struct membership_row *row = take_first ? first++ : second++;
        *(take_first ? &n : &m) -= 1;
        if (row->user_nid != x->v->caller.user_nid)
            json_push(a, heroes, json_string(users_id_of(x->f->tx, row->user_nid, a)));
    }
}

static struct json *heroes_of(struct section *x)
{
    struct json *heroes = json_array(x->f->a);
    add_heroes(x, MEMBERSHIP_JOIN, MEMBERSHIP_INVITE, heroes);
    if (!heroes->count)
        add_heroes(x, MEMBERSHIP_LEAVE, MEMBERSHIP_BAN, heroes);
    return heroes;
}

static bool has_member_event(struct section *x)
{
    for (size_t i = 0; i < x->count; i++) {
        struct event event;
        if (room_view_parse(x->v, &x->rows[i], &event) && event.has_state_key &&
            str_eq(event.type, STR("m.room.member")))
            return true;
    }
    return false;
}

static struct json *summary_json(struct section *x, const struct json *heroes)
{
    struct arena *a = x->f->a;
    struct json *summary = json_object(a);
    json_set(a, summary, STR("m.heroes"), *heroes);
    json_set_int(a, summary, STR("m.joined_member_count"),
                 memberships_count(x->f->tx, x->v->room_nid, MEMBERSHIP_JOIN));
    json_set_int(a, summary, STR("m.invited_member_count"),
                 memberships_count(x->f->tx, x->v->room_nid, MEMBERSHIP_INVITE));
    return summary;
}

/* The room's totals less what they were where the user has read to, and what is the user's alone. */
static struct json *unread_json(struct section *x)
{
    struct arena *a = x->f->a;
    const struct membership_row *own = &x->v->own;
    struct event_row last;
    int64_t notify = 0;
    int64_t highlight = 0;
    event_pushes_sum(x->f->tx, own->user_nid, own->room_nid, own->read_pos, x->f->now, &notify, &highlight);
    if (events_last_numbers(x->f->tx, own->room_nid, x->f->now, &last)) {
        notify += last.notify_count - own->read_notify;
        highlight += last.highlight_count - own->read_highlight;
    }
    struct json *unread = json_object(a);
    json_set_int(a, unread, STR("highlight_count"), highlight > 0 ? highlight : 0);
    json_set_int(a, unread, STR("notification_count"), notify > 0 ? notify : 0);
    return unread;
}

/* --- ephemeral events and account data --- */

/* The object member of that name, made if it is not there. */
static struct json *member_object(struct arena *a, struct json *object, struct str key)
{
    if (!json_edit(object, key))
        json_set(a, object, key, *json_object(a));
    return json_edit(object, key);
}

/* {event_id: {type: {user_id: {ts, thread_id}}}} of receipts that are sorted, and of one thread. */
static struct json *receipts_content(struct section *x, const struct receipt_row *rows, size_t count)
{
    struct arena *a = x->f->a;
    struct json *content = json_object(a);
    for (size_t i = 0; i < count; i++) {
        const struct receipt_row *r = &rows[i];
        struct json *receipt = json_object(a);
        json_set_int(a, receipt, STR("ts"), r->ts);
        if (r->thread_id.n)
            json_set_str(a, receipt, STR("thread_id"), r->thread_id);
        json_set(a, member_object(a, member_object(a, content, r->event_id), r->type), r->user_id, *receipt);
    }
    return content;
}

/* By thread; within one in the order in which JSON wants the keys, so that each goes to the end of its object. */
static int receipt_order(const void *p, const void *q)
{
    const struct receipt_row *a = p, *b = q;
    int order = str_cmp(a->thread_id, b->thread_id);
    order = order ? order : str_cmp(a->event_id, b->event_id);
    order = order ? order : str_cmp(a->type, b->type);
    return order ? order : str_cmp(a->user_id, b->user_id);
}

static void add_ephemeral(struct section *x, struct str type, const struct json *content, struct json *events)
{
    struct arena *a = x->f->a;
    const struct event_filter *filter = &x->f->query->filter.room_ephemeral;
    if (!content || !event_filter_match(filter, type, STR(""), content) ||
        !event_filter_match_room(filter, x->v->room_id))
        return;
    struct json *event = json_object(a);
    json_set(a, event, STR("content"), *content);
    json_set_str(a, event, STR("type"), type);
    json_push(a, events, *event);
}

/* An event for each thread: within one, a user has one receipt of a type for an event, whatever thread it is of. */
static void add_receipts(struct section *x, struct json *events)
{
    struct receipt_row *rows;
    size_t count =
        receipts_between(x->f->tx, x->v->room_nid, x->v->caller.user_nid, x->after, x->f->now, x->f->a, &rows);
    if (count)
        qsort(rows, count, sizeof *rows, receipt_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && str_eq(rows[to].thread_id, rows[from].thread_id); to++)
            x->own_receipt |= rows[to].user_nid == x->v->caller.user_nid;
        add_ephemeral(x, STR("m.receipt"), receipts_content(x, rows + from, to - from), events);
    }
}

static struct json *ephemeral_json(struct section *x)
{
    struct arena *a = x->f->a;
    struct json *events = json_array(a);
    add_receipts(x, events);
    add_ephemeral(x, STR("m.typing"), typing_content(x->f->s, a, x->v->room_nid, x->after, x->f->now), events);
    struct json *ephemeral = json_object(a);
    json_set(a, ephemeral, STR("events"), *events);
    return ephemeral;
}

static struct json *data_json(struct sync_frame *f, const struct account_data_row *rows, size_t count, int64_t room_nid,
                              const struct event_filter *filter)
{
    struct json *events = json_array(f->a);
    for (size_t i = 0; i < count; i++) {
        const struct account_data_row *row = &rows[i];
        const struct json *content = row->room_nid == room_nid && row->pos <= f->now
                                         ? json_parse(f->a, row->content, JSON_DEPTH_MAX).value
                                         : NULL;
        if (!content || !event_filter_match(filter, row->type, STR(""), content))
            continue;
        struct json *event = json_object(f->a);
        json_set(f->a, event, STR("content"), *content);
        json_set_str(f->a, event, STR("type"), row->type);
        json_push(f->a, events, *event);
    }
    struct json *section = json_object(f->a);
    json_set(f->a, section, STR("events"), *events);
    return section;
}

struct json *sync_account_data(struct sync_frame *f, int64_t room_nid, const struct event_filter *filter)
{
    return data_json(f, f->data, f->data_count, room_nid, filter);
}

/* What changed for this room; all of it where the client begins anew, as after coming back to a room. */
static struct json *room_data_json(struct section *x)
{
    struct sync_frame *f = x->f;
    const struct event_filter *filter = &f->query->filter.room_account_data;
    struct account_data_row *rows = f->data;
    size_t count = f->data_count;
    if (!event_filter_match_room(filter, x->v->room_id))
        count = 0;
    else if (x->whole)
        count = account_data_of_room(f->tx, x->v->caller.user_nid, x->v->room_nid, f->a, &rows);
    return data_json(f, rows, count, x->v->room_nid, filter);
}

/* --- the room --- */

static size_t events_in(const struct json *section)
{
    const struct json *events = json_get(section, STR("events"));
    return events ? events->count : 0;
}

/* Whether the client has had the room since its last answer: the user was joined then. */
static bool is_known(const struct sync_frame *f, struct room_view *v)
{
    int64_t since = f->query->since;
    if (v->own.pos <= since)
        return since && v->own.membership == MEMBERSHIP_JOIN;
    return since && sync_membership_at(v, since) == MEMBERSHIP_JOIN;
}

/* Fills in what comes before the sections: where the client stands, the timeline, the three states. */
static void section_begin(struct section *x, struct sync_frame *f, struct room_view *v, int64_t after, int64_t up_to)
{
    bool known = is_known(f, v);
    *x = (struct section){.f = f, .v = v, .whole = !known || f->query->full_state, .up_to = up_to};
    x->after = known ? f->query->since : after;
    collect_timeline(x);
    x->base_root = x->whole ? 0 : root_at(v, f->query->since);
    x->end_root = root_at(v, up_to);
    x->start_root = x->count ? x->rows[0].state_before : x->end_root;
}

static struct json *section_json(struct section *x, const struct json *heroes)
{
    struct arena *a = x->f->a;
    struct json *room = json_object(a);
    const struct json *state = state_json(x, heroes);
    json_set(a, room, STR("timeline"), *timeline_json(x));
    if (x->f->query->use_state_after)
        json_set(a, room, x->f->query->state_after_name, *state);
    else
        json_set(a, room, STR("state"), *state);
    return room;
}

static bool room_has_data(const struct sync_frame *f, int64_t room_nid)
{
    for (size_t i = 0; i < f->data_count; i++)
        if (f->data[i].room_nid == room_nid)
            return true;
    return false;
}

struct json *sync_joined_room(struct sync_frame *f, struct room_view *v)
{
    struct arena *a = f->a;
    int64_t since = f->query->since;
    bool whole = f->query->full_state || !is_known(f, v);
    struct room_news news = room_news(f->s, f->tx, v->room_nid);
    if (!whole && news.event_pos <= since && news.receipt_pos <= since && typing_last_pos(f->s, v->room_nid) <= since &&
        !room_has_data(f, v->room_nid))
        return NULL;

    struct section x;
    section_begin(&x, f, v, 0, f->now);
    bool summarise = whole || has_member_event(&x) || x.limited;
    const struct json *heroes = summarise ? heroes_of(&x) : NULL;
    struct json *room = section_json(&x, heroes);
    const struct json *ephemeral = ephemeral_json(&x);
    const struct json *data = room_data_json(&x);
    size_t state_events =
        events_in(json_get(room, f->query->use_state_after ? f->query->state_after_name : STR("state")));
    /* An own receipt that the filter keeps away still moves the unread counts. */
    if (!whole && !x.count && !x.limited && !state_events && !events_in(ephemeral) && !events_in(data) &&
        !x.own_receipt)
        return NULL;
    if (summarise || x.members_changed)
        json_set(a, room, STR("summary"), *summary_json(&x, heroes ? heroes : heroes_of(&x)));
    json_set(a, room, STR("ephemeral"), *ephemeral);
    json_set(a, room, STR("account_data"), *data);
    json_set(a, room, STR("unread_notifications"), *unread_json(&x));
    return room;
}

/* Those who have left see the state as it was when they did, whatever became of them later; those who were not there
 * since the last answer, as when an invitation came to nothing, see none. */
static void hide_later_state(struct section *x)
{
    if (x->v->joined_until <= (x->f->query->full_state ? 0 : x->f->query->since)) {
        x->start_root = x->end_root = x->base_root;
    } else {
        x->end_root = root_at(x->v, x->v->joined_until);
        if (!x->count || x->rows[0].pos > x->v->joined_until)
            x->start_root = x->end_root;
    }
}

struct json *sync_left_room(struct sync_frame *f, struct room_view *v)
{
    struct section x;
    section_begin(&x, f, v, v->joined_until > f->query->since ? 0 : f->query->since, v->own.pos);
    hide_later_state(&x);
    struct json *room = section_json(&x, NULL);
    json_set(f->a, room, STR("account_data"), *sync_account_data(f, v->room_nid, &f->query->filter.room_account_data));
    return room;
}

/* State that tells an invited or knocking user what the room is ("Stripped state"). */
static const struct str stripped_types[] = {
    STR_INIT("m.room.create"),     STR_INIT("m.room.name"),       STR_INIT("m.room.avatar"),
    STR_INIT("m.room.topic"),      STR_INIT("m.room.join_rules"), STR_INIT("m.room.canonical_alias"),
    STR_INIT("m.room.encryption"),
};

struct json *sync_stripped_room(struct sync_frame *f, struct room_view *v, struct str name)
{
    struct arena *a = f->a;
    struct event_row row;
    struct event own;
    struct json *events = json_array(a);
    if (!events_by_nid(f->tx, v->own.event_nid, a, &row) || !room_view_parse(v, &row, &own))
        return NULL;
    for (size_t i = 0; i < sizeof stripped_types / sizeof stripped_types[0]; i++) {
        const struct json *event =
            room_view_stripped(v, room_view_state_nid(v, row.state_after, stripped_types[i], STR("")));
        if (event)
            json_push(a, events, *event);
    }
    /* Who invites, so that the client can show them; then the user's own membership. */
    const struct json *sender =
        room_view_stripped(v, room_view_state_nid(v, row.state_after, STR("m.room.member"), own.sender));
    if (sender && !str_eq(own.sender, v->caller.user_id))
        json_push(a, events, *sender);
    json_push(a, events, *room_view_stripped(v, row.event_nid));
    struct json *section = json_object(a);
    struct json *room = json_object(a);
    json_set(a, section, STR("events"), *events);
    json_set(a, room, name, *section);
    return room;
}
