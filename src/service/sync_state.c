#include "base/map.h"
#include "service/state_list.h"
#include "service/sync_room.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

#define HEROES 5

int64_t sync_root_at(struct room_view *v, int64_t pos)
{
    struct event_row row;
    return pos > 0 && events_last_numbers(v->tx, v->room_nid, pos, &row) ? row.room_state : 0;
}

enum membership sync_membership_at(struct room_view *v, int64_t pos)
{
    struct event_row row;
    struct event event;
    int64_t nid = room_view_state_nid(v, sync_root_at(v, pos), STR("m.room.member"), v->caller.user_id);
    return room_view_load(v, nid, &row, &event) ? membership_parse(event_membership(&event)) : MEMBERSHIP_NONE;
}

/* --- state --- */

/* What clients cannot do without (with the state key ""). There are so few of them that a room may always have them. */
static const struct str core_types[] = {
    STR_INIT("m.room.create"),
    STR_INIT("m.room.power_levels"),
    STR_INIT("m.room.join_rules"),
    STR_INIT("m.room.encryption"),
    STR_INIT("m.room.history_visibility"),
    STR_INIT("m.room.guest_access"),
    STR_INIT("m.room.name"),
    STR_INIT("m.room.topic"),
    STR_INIT("m.room.avatar"),
    STR_INIT("m.room.canonical_alias"),
    STR_INIT("m.room.tombstone"),
    STR_INIT("m.room.pinned_events"),
    STR_INIT("m.room.server_acl"),
};
enum { CORE_TYPES = sizeof core_types / sizeof core_types[0] };

struct state_writer {
    struct sync_section *x;
    const struct event_filter *filter;
    int64_t root; /* the state to tell of */
    bool wanted;  /* the filter lets state of this room through */
    size_t end;   /* length of the answer at which the room has had its share */
    size_t written;
    int64_t core_keys[CORE_TYPES];
    struct map_u64 lazy; /* keys of members that were written because a lazily loading client needs them */
};

static bool is_full(const struct state_writer *sw)
{
    return sw->x->f->w->out->n >= sw->end || !buf_ok(sw->x->f->w->out);
}

/* Reads one event and writes it if the filter lets it through. `lazily`: a member whom the client asked for by loading
 * members lazily. */
static void write_event(struct state_writer *sw, int64_t event_nid, bool lazily)
{
    struct sync_section *x = sw->x;
    struct event_row row;
    struct event event;
    int64_t told = 0;
    struct arena_mark mark = arena_mark(x->f->a);
    if (room_view_load(x->v, event_nid, &row, &event)) {
        bool member = str_eq(event.type, STR("m.room.member"));
        x->members_changed |= !lazily && member;
        if (sw->wanted && (lazily || event_filter_match(sw->filter, event.type, event.sender, event.content))) {
            sync_put_event(x, &row, &event, NULL);
            sw->written++;
            told = member ? row.state_key_nid : 0;
        }
    }
    arena_release(x->f->a, mark);
    if (told)
        lazy_members_tell(&x->f->lazy, x->v->room_nid, told);
}

/* Writes a member, unless the answer or an earlier one has done so. */
static void write_member(struct state_writer *sw, struct str user_id)
{
    int64_t key = state_keys_find(sw->x->f->tx, STR("m.room.member"), user_id);
    if (!key || is_full(sw) || (!sw->x->whole && lazy_members_knows(&sw->x->f->lazy, sw->x->v->room_nid, key)) ||
        map_u64_put(&sw->lazy, (uint64_t)key, sw))
        return;
    write_event(sw, state_map_get(sw->x->f->tx, sw->root, key), true);
}

/* The members that a lazily loading client needs with this answer: oneself, who names the room, and who speaks. */
static void write_lazy_members(struct state_writer *sw, const struct json *heroes)
{
    struct sync_section *x = sw->x;
    if (x->whole)
        write_member(sw, x->v->caller.user_id);
    for (size_t i = 0; heroes && i < heroes->count; i++)
        write_member(sw, heroes->items[i].s);
    for (size_t i = 0; i < x->count; i++) {
        struct event event;
        struct arena_mark mark = arena_mark(x->f->a);
        if (room_view_parse(x->v, &x->rows[i], &event))
            write_member(sw, event.sender);
        arena_release(x->f->a, mark);
    }
}

static bool is_core(const struct state_writer *sw, int64_t key)
{
    for (size_t i = 0; i < CORE_TYPES; i++)
        if (sw->core_keys[i] == key)
            return true;
    return false;
}

/* Of all members, a lazily loading client that begins gets those alone whom it needs; of changes it gets every one. */
static bool is_left_out(struct state_writer *sw, int64_t key)
{
    struct sync_section *x = sw->x;
    return sw->filter->lazy_load_members && x->whole &&
           state_key_has_type(x->f->tx, x->f->a, key, STR("m.room.member"));
}

static void write_changes(struct state_writer *sw, const struct state_list *changes, const struct json *heroes)
{
    for (size_t i = 0; i < CORE_TYPES; i++)
        sw->core_keys[i] = changes->count ? state_keys_find(sw->x->f->tx, core_types[i], STR("")) : 0;
    for (size_t i = 0; i < changes->count; i++)
        if (is_core(sw, changes->items[i].key_nid))
            write_event(sw, changes->items[i].event_nid, false);
    if (sw->wanted && sw->filter->lazy_load_members)
        write_lazy_members(sw, heroes);
    for (size_t i = 0; i < changes->count && !is_full(sw); i++) {
        const struct state_entry *entry = &changes->items[i];
        if (map_u64_get(&sw->lazy, (uint64_t)entry->key_nid))
            sw->x->members_changed = true;
        else if (!is_core(sw, entry->key_nid) && !is_left_out(sw, entry->key_nid))
            write_event(sw, entry->event_nid, false);
    }
}

static bool is_in_timeline(const struct sync_section *x, int64_t key_nid)
{
    for (size_t i = 0; i < x->count; i++)
        if (x->rows[i].state_key_nid == key_nid)
            return true;
    return false;
}

/* Where the room has forked, state resolution changes what no event of the timeline does: such keys are told as they
 * are at the end of it, so that state and timeline together make the state that the room has. */
static struct state_list with_resolved(struct sync_section *x, struct state_list changes)
{
    struct state_list resolved = state_list_changes(x->f->tx, x->f->a, x->start_root, x->end_root);
    struct state_entry *items = ARENA_ARRAY(x->f->a, changes.count + resolved.count, struct state_entry);
    struct state_list both = {items, 0};
    struct map_u64 told;
    map_u64_init(&told);
    for (size_t i = 0; i < resolved.count; i++) {
        if (is_in_timeline(x, resolved.items[i].key_nid))
            continue;
        map_u64_put(&told, (uint64_t)resolved.items[i].key_nid, x);
        items[both.count++] = resolved.items[i];
    }
    for (size_t i = 0; i < changes.count; i++)
        if (!map_u64_get(&told, (uint64_t)changes.items[i].key_nid))
            items[both.count++] = changes.items[i];
    map_u64_fini(&told);
    return both;
}

size_t sync_state_write(struct sync_section *x, const struct json *heroes)
{
    const struct sync_frame *f = x->f;
    struct state_writer sw = {
        .x = x,
        .filter = &f->query->filter.room_state,
        .root = f->query->use_state_after ? x->end_root : x->start_root,
        .wanted = event_filter_match_room(&f->query->filter.room_state, x->v->room_id),
        .end = f->w->out->n + x->budget,
    };
    map_u64_init(&sw.lazy);
    json_begin_object(f->w);
    json_key(f->w, STR("events"));
    json_begin_array(f->w);
    /* Where nothing may be told, changes are looked at for members alone, who change the summary. */
    struct state_list changes = {0};
    if (sw.wanted || !x->whole)
        changes = state_list_changes(f->tx, f->a, x->base_root, sw.root);
    if ((sw.wanted || !x->whole) && x->forked && !f->query->use_state_after)
        changes = with_resolved(x, changes);
    write_changes(&sw, &changes, heroes);
    json_end_array(f->w);
    json_end_object(f->w);
    x->members_changed |= is_full(&sw);
    map_u64_fini(&sw.lazy);
    return sw.written;
}

/* --- summary --- */

/* The first users who have one of two memberships, in the order of the stream; never the user themselves. */
static void add_heroes(struct sync_section *x, enum membership m1, enum membership m2, struct json *heroes)
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

struct json *sync_heroes(struct sync_section *x)
{
    struct json *heroes = json_array(x->f->a);
    add_heroes(x, MEMBERSHIP_JOIN, MEMBERSHIP_INVITE, heroes);
    if (!heroes->count)
        add_heroes(x, MEMBERSHIP_LEAVE, MEMBERSHIP_BAN, heroes);
    return heroes;
}

void sync_summary_write(struct sync_section *x, const struct json *heroes)
{
    struct json_writer *w = x->f->w;
    struct memberships_counts counts = memberships_counts(x->f->tx, x->v->room_nid, sync_root_at(x->v, INT64_MAX));
    json_begin_object(w);
    json_field(w, STR("m.heroes"), heroes);
    json_field_int(w, STR("m.joined_member_count"), counts.joined);
    json_field_int(w, STR("m.invited_member_count"), counts.invited);
    json_end_object(w);
}
