#include "service/room_enter.h"

#include "base/log.h"
#include "matrix/push_default.h"
#include "service/room_relations.h"
#include "service/typing.h"
#include "store/auth_chains.h"
#include "store/event_graph.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

/* --- begin and end --- */

void room_enter_begin_line(struct room_entering *x, struct services *s, struct store_tx *tx, struct arena *a,
                           int64_t room_nid, const struct room_version *version, int64_t room_state)
{
    *x = (struct room_entering){.s = s, .room_nid = room_nid, .kept = a, .line = true, .room_state = room_state};
    event_reader_begin(&x->reader, tx, a, version);
}

void room_enter_begin(struct room_entering *x, struct services *s, struct store_tx *tx, struct arena *a,
                      int64_t room_nid, const struct room_version *version)
{
    struct event_row last;
    room_enter_begin_line(x, s, tx, a, room_nid, version, 0);
    x->line = false;
    x->extremity_count = forward_extremities_of(tx, room_nid, a, &x->extremities);
    x->quiet = room_states_get(tx, room_nid);
    if (events_last_numbers(tx, room_nid, INT64_MAX, &last)) {
        x->room_state = last.room_state;
        x->notify_count = last.notify_count;
        x->highlight_count = last.highlight_count;
    }
}

void room_enter_end(struct room_entering *x)
{
    event_reader_end(&x->reader);
}

size_t room_known_events(struct store_tx *tx, struct arena *a, const struct str *ids, size_t count, int64_t **nids_out)
{
    int64_t *nids = ARENA_ARRAY(a, count, int64_t);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        nids[known] = events_nid_of(tx, ids[i]);
        known += nids[known] != 0;
    }
    *nids_out = nids;
    return known;
}

/* --- state --- */

/* What the event makes of the state before it; false: the store failed. */
static bool state_after(struct room_entering *x, struct room_entry *e, struct event_row *row)
{
    struct store_tx *tx = x->reader.tx;
    const struct event *event = e->event;
    row->state_before = row->state_after = e->state_before;
    if (event->has_state_key) {
        row->state_key_nid = state_keys_intern(tx, event->type, event->state_key);
        if (!row->state_key_nid)
            return false;
        if (e->state_before != STATE_UNKNOWN && e->status != EVENT_REJECTED) {
            row->replaces_nid = state_map_get(tx, e->state_before, row->state_key_nid);
            row->state_after = state_map_set(tx, e->state_before, row->state_key_nid, row->event_nid);
        }
    }
    e->state_after = row->state_after;
    return true;
}

static void add_to_auth_chain(struct room_entering *x, const struct room_entry *e)
{
    struct store_tx *tx = x->reader.tx;
    struct arena *a = x->reader.a;
    int64_t *nids;
    int64_t same_key = 0;
    size_t count = room_known_events(tx, a, e->event->auth_events, e->event->auth_events_count, &nids);
    for (size_t i = 0; i < count; i++) {
        const struct stored_event *cited = event_reader_nid(&x->reader, nids[i]);
        if (cited && event_is_state(&cited->event, e->event->type, e->event->state_key))
            same_key = nids[i];
    }
    auth_chains_add(tx, e->event_nid, nids, count, same_key);
}

static void member_changed(struct room_entering *x, int64_t user_nid, bool joined)
{
    if (x->member_count == x->member_cap) {
        size_t cap = x->member_cap ? 2 * x->member_cap : 8;
        x->members = arena_grow(x->kept, x->members, x->member_cap * sizeof *x->members, cap * sizeof *x->members);
        x->member_cap = cap;
    }
    x->members[x->member_count++] = (struct room_member_change){user_nid, joined};
}

struct state_change {
    struct room_entering *x;
    int64_t pos;
};

/* One key of the room's state is another now. */
static bool state_changed(void *ctx, int64_t key, int64_t event_before, int64_t event_now)
{
    const struct state_change *change = ctx;
    struct room_entering *x = change->x;
    struct store_tx *tx = x->reader.tx;
    struct str type, state_key;
    (void)event_before;
    if (!state_keys_get(tx, key, x->reader.a, &type, &state_key) || !str_eq(type, STR("m.room.member")))
        return true;
    const struct stored_event *member = event_now ? event_reader_nid(&x->reader, event_now) : NULL;
    enum membership now = member ? membership_parse(event_membership(&member->event)) : MEMBERSHIP_LEAVE;
    struct membership_row row = {
        .user_nid = users_intern(tx, state_key),
        .room_nid = x->room_nid,
        .membership = now,
        .event_nid = event_now,
        .pos = change->pos,
        .read_notify = x->notify_count,
        .read_highlight = x->highlight_count,
    };
    memberships_set(tx, &row);
    if (now != MEMBERSHIP_JOIN)
        typing_left(x->s, tx, x->room_nid, row.user_nid);
    member_changed(x, row.user_nid, now == MEMBERSHIP_JOIN);
    return true;
}

/* --- the graph --- */

/* What follows from the states after some extremities and one more state (0: none); 0 if it cannot be resolved. */
static int64_t resolve_with(struct room_entering *x, const int64_t *extremities, size_t extremity_count, int64_t more)
{
    int64_t *roots = ARENA_ARRAY(x->reader.a, extremity_count + 1, int64_t);
    size_t count = 0;
    for (size_t i = 0; i < extremity_count; i++) {
        const struct stored_event *stored = event_reader_nid(&x->reader, extremities[i]);
        if (stored && stored->row.state_after != STATE_UNKNOWN)
            roots[count++] = stored->row.state_after;
    }
    if (more)
        roots[count++] = more;
    return count ? room_resolve_states(&x->reader, roots, count) : 0;
}

/* Too many extremities to keep: the oldest go, and the state that follows from them stays, since any of them may hold
 * the only trace of a ban. */
static void fold_extremities(struct room_entering *x)
{
    size_t kept = FORWARD_EXTREMITIES_MAX / 2;
    if (x->extremity_count <= FORWARD_EXTREMITIES_MAX)
        return;
    size_t folded = x->extremity_count - kept;
    int64_t root = resolve_with(x, x->extremities, folded, x->quiet.folded_root);
    if (root) {
        x->quiet.folded_root = root;
        room_states_set(x->reader.tx, x->room_nid, &x->quiet);
    }
    x->extremities += folded;
    x->extremity_count = kept;
}

/* Once there is one extremity whose state says all that the folded ones did, they are forgotten. */
static void forget_folded(struct room_entering *x, int64_t room_state, int64_t state_after)
{
    if (!x->quiet.folded_root || x->extremity_count != 1 || room_state != state_after)
        return;
    x->quiet.folded_root = 0;
    room_states_set(x->reader.tx, x->room_nid, &x->quiet);
}

static bool is_followed(const struct room_entry *e, int64_t extremity)
{
    for (size_t k = 0; k < e->prev_count; k++)
        if (e->prev_nids[k] == extremity)
            return true;
    return false;
}

static bool has_state_after(struct room_entering *x, int64_t event_nid, int64_t root)
{
    const struct stored_event *stored = event_reader_nid(&x->reader, event_nid);
    return stored && stored->row.state_after == root;
}

/* Puts the event in the place of those it follows. Returns the room's state then: the same as before if the states of
 * the forks could not be resolved, which is logged. */
static int64_t follow(struct room_entering *x, const struct room_entry *e)
{
    size_t count = 0;
    bool same_states = true; /* a message on a branch: the states are those that were there before */
    int64_t *now = ARENA_ARRAY(x->kept, x->extremity_count + 1, int64_t);
    for (size_t i = 0; i < x->extremity_count; i++) {
        if (!is_followed(e, x->extremities[i]))
            now[count++] = x->extremities[i];
        else
            same_states &= has_state_after(x, x->extremities[i], e->state_after);
    }
    same_states &= count < x->extremity_count && !e->followed;
    if (!e->followed || count == 0)
        now[count++] = e->event_nid;
    x->extremities = now;
    x->extremity_count = count;
    if (same_states && count > 1)
        return x->room_state;
    fold_extremities(x);
    if (count == 1 && now[0] == e->event_nid && !x->quiet.folded_root)
        return e->state_after;
    int64_t resolved = resolve_with(x, x->extremities, x->extremity_count, x->quiet.folded_root);
    if (count == 1 && now[0] == e->event_nid)
        forget_folded(x, resolved, e->state_after);
    return resolved ? resolved : x->room_state;
}

/* The room's state has changed with an event that has no place in the timeline: says so beside it. */
static void note_quiet_change(struct room_entering *x, const struct room_entry *e, int64_t room_state)
{
    if (room_state == x->room_state)
        return;
    x->quiet.pos = e->pos;
    x->quiet.state_root = room_state;
    room_states_set(x->reader.tx, x->room_nid, &x->quiet);
    x->newest_pos = e->pos;
}

/* --- redactions --- */

void room_enter_redaction(struct room_entering *x, struct stored_event *target, int64_t redaction_nid)
{
    struct arena *a = x->reader.a;
    room_relations_leave(x, target);
    struct str left = json_text(a, event_redact(a, x->reader.version, target->event.json));
    events_redact(x->reader.tx, target->row.event_nid, redaction_nid, left);
    event_reader_forget(&x->reader, target->row.event_nid);
}

/* Applies a redaction to its target, or notes that it waits for it. */
static void apply_redaction(struct room_entering *x, const struct room_entry *e)
{
    const struct event *event = e->event;
    if (!event->redacts.n || !str_eq(event->type, STR("m.room.redaction")))
        return;
    struct stored_event *target = event_reader_id(&x->reader, event->redacts);
    if (!target) {
        struct awaited_row row = {.why = AWAITED_REDACTION, .event_nid = e->event_nid, .room_nid = x->room_nid};
        awaited_events_add(x->reader.tx, event->redacts, &row);
    } else if (!e->hidden) {
        room_enter_redaction(x, target, e->event_nid);
    }
}

/* --- unread counts --- */

static void write_mentions(struct room_entering *x, const struct room_entry *e)
{
    struct store_tx *tx = x->reader.tx;
    const struct json *list = e->mentioned;
    struct membership_row member;
    if (!list || x->fresh)
        return;
    for (size_t i = 0; i < list->count && i < PUSH_MENTIONS_MAX; i++) {
        if (!json_is(&list->items[i], JSON_STRING))
            continue;
        int64_t user_nid = users_nid_of(tx, list->items[i].s);
        if (user_nid && user_nid != e->sender_nid && memberships_get(tx, user_nid, x->room_nid, &member) &&
            member.membership == MEMBERSHIP_JOIN)
            event_pushes_add(tx, user_nid, x->room_nid, e->pos, e->notify ? 0 : 1, e->highlight ? 0 : 1);
    }
}

/* --- entering --- */

static void write_row(struct room_entering *x, struct room_entry *e, struct event_row *row)
{
    if (e->outlier_nid)
        events_place(x->reader.tx, row);
    else
        events_insert(x->reader.tx, row);
    if (e->event->has_state_key && !e->outlier_nid)
        add_to_auth_chain(x, e);
    event_reader_forget(&x->reader, row->event_nid);
}

static struct event_row row_of(struct room_entering *x, struct room_entry *e)
{
    int64_t pos = e->history ? e->history_pos : store_next_pos(x->reader.tx);
    e->event_nid = e->outlier_nid ? e->outlier_nid : e->history ? store_next_pos(x->reader.tx) : pos;
    e->pos = pos;
    return (struct event_row){
        .event_nid = e->event_nid,
        .room_nid = x->room_nid,
        .pos = pos,
        .sub = e->history ? e->history_sub : 0,
        .sender_nid = e->sender_nid,
        .device_nid = e->txn_id.p ? e->device_nid : 0,
        .txn_id = e->txn_id,
        .gap = e->gap,
        .event_id = e->event->event_id,
        .reason = e->reason,
        .pdu = e->pdu,
    };
}

void room_keep(struct room_entering *x, struct room_entry *e)
{
    struct event_row row = row_of(x, e);
    row.pos = -e->event_nid;
    row.status = e->status;
    if (state_after(x, e, &row))
        write_row(x, e, &row);
}

/* The room's state moves on: who is in the room may change with it. */
static void move_room_state(struct room_entering *x, const struct room_entry *e, int64_t room_state)
{
    struct state_change change = {x, e->pos};
    if (room_state != x->room_state)
        state_map_diff(x->reader.tx, x->room_state, room_state, state_changed, &change);
    x->room_state = room_state;
}

bool room_enter(struct room_entering *x, struct room_entry *e)
{
    struct store_tx *tx = x->reader.tx;
    struct event_row row = row_of(x, e);
    if (!state_after(x, e, &row))
        return false;
    if (e->hidden)
        row.pos = -e->event_nid;
    if (!e->history) {
        x->notify_count += e->notify;
        x->highlight_count += e->highlight;
    }
    row.notify_count = x->notify_count;
    row.highlight_count = x->highlight_count;
    /* Resolution reads the row, so it comes first, and its room_state when that is known. */
    write_row(x, e, &row);
    if (!e->history) {
        int64_t room_state = e->state_after;
        if (!x->line) {
            room_state = follow(x, e);
            forward_extremities_set(tx, x->room_nid, x->extremities, x->extremity_count);
        } else if (e->hidden) {
            forward_extremities_set(tx, x->room_nid, &e->event_nid, 1);
        }
        if (room_state != e->state_after)
            events_set_room_state(tx, e->event_nid, room_state);
        if (e->hidden)
            note_quiet_change(x, e, room_state);
        else
            x->newest_pos = e->pos;
        move_room_state(x, e, room_state);
    }
    apply_redaction(x, e);
    if (!e->hidden)
        room_relations_enter(x, e);
    if (!e->hidden && !e->history) {
        write_mentions(x, e);
        memberships_read(tx, e->sender_nid, x->room_nid, e->pos, x->notify_count, x->highlight_count);
    }
    return !store_tx_failed(tx);
}
