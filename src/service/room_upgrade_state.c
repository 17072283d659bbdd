#include "service/room_upgrade_state.h"

#include "base/log.h"
#include "matrix/id.h"
#include "matrix/power_upgrade.h"
#include "service/state_list.h"
#include "service/storage.h"
#include "store/rooms.h"
#include "store/users.h"

#define TOMBSTONES_MAX 1000 /* that are followed back */

/* One reading of the old room. */
struct reading {
    struct arena *a;
    struct room *old;
    int64_t root;
    const struct json *creators;
    struct room_upgrade_state *out;
    size_t many; /* bans and children so far */
};

/* The content as the new version can have it; NULL if it cannot (fractions, since version 6). */
static const struct json *content_in(struct reading *r, const struct json *content)
{
    return r->out->carried.version->strict_json ? json_canonical(r->a, content) : content;
}

static void carry(struct reading *r, struct str type, struct str state_key, const struct json *content)
{
    const struct json *fit = content_in(r, content);
    if (fit)
        room_plan_state(&r->out->carried, type, state_key, fit);
    else
        log_info("room: state is not carried over, as the new version does not allow its numbers",
                 LOG_STR("room", r->old->room_id), LOG_STR("type", type));
}

static const struct json *content_of(struct reading *r, int64_t root, struct str type)
{
    const struct stored_event *stored = event_reader_state(&r->out->reader, root, type, STR(""));
    return stored ? stored->event.content : NULL;
}

/* --- single events --- */

static void carry_as_it_is(struct reading *r)
{
    static const struct str types[] = {
        STR_INIT("m.room.server_acl"),
        STR_INIT("m.room.encryption"),
        STR_INIT("m.room.name"),
        STR_INIT("m.room.avatar"),
        STR_INIT("m.room.topic"),
        STR_INIT("m.room.guest_access"),
        STR_INIT("m.room.history_visibility"),
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct json *content = content_of(r, r->root, types[i]);
        if (content)
            carry(r, types[i], STR(""), content);
    }
}

/* The rule itself, or the nearest that the version has and that lets in nobody else. */
static struct str join_rule_in(const struct room_version *version, struct str rule)
{
    if (str_eq(rule, STR("knock_restricted")) && !version->knock_restricted)
        rule = version->restricted_join ? STR("restricted") : STR("knock");
    if (str_eq(rule, STR("restricted")) && !version->restricted_join)
        rule = STR("invite");
    if (str_eq(rule, STR("knock")) && !version->knock)
        rule = STR("invite");
    return rule;
}

static void carry_join_rules(struct reading *r)
{
    const struct json *content = content_of(r, r->root, STR("m.room.join_rules"));
    struct str before = json_str_at(content, STR("join_rule"));
    struct str rule = join_rule_in(r->out->carried.version, before);
    if (!content)
        return;
    struct json *changed = json_shallow_copy(r->a, content);
    if (!str_eq(rule, before)) {
        json_set_str(r->a, changed, STR("join_rule"), rule);
        if (!str_eq(rule, STR("restricted")))
            json_unset(changed, STR("allow"));
    }
    carry(r, STR("m.room.join_rules"), STR(""), changed);
}

static bool is_among(const struct room_aliases *aliases, const struct json *alias)
{
    for (size_t i = 0; json_is(alias, JSON_STRING) && i < aliases->count; i++)
        if (str_eq(aliases->items[i], alias->s))
            return true;
    return false;
}

/* With the aliases that move: those of other servers lead to the old room still. */
static void carry_canonical_alias(struct reading *r)
{
    const struct json *content = content_of(r, r->root, STR("m.room.canonical_alias"));
    const struct json *alias = json_get(content, STR("alias"));
    const struct json *alternatives = json_get(content, STR("alt_aliases"));
    struct room_aliases moving = room_aliases_of(r->out->reader.tx, r->old->nid, r->a);
    struct json *moved = json_object(r->a);
    struct json *list = json_array(r->a);
    if (is_among(&moving, alias))
        json_set(r->a, moved, STR("alias"), *alias);
    for (size_t i = 0; json_is(alternatives, JSON_ARRAY) && i < alternatives->count; i++)
        if (is_among(&moving, &alternatives->items[i]))
            json_push(r->a, list, alternatives->items[i]);
    if (list->count)
        json_set(r->a, moved, STR("alt_aliases"), *list);
    if (moved->count)
        carry(r, STR("m.room.canonical_alias"), STR(""), moved);
}

/* --- lists --- */

/* Without `via` it is a child that was taken out (m.space.child). */
static bool is_child(const struct event *event)
{
    const struct json *via = json_get(event->content, STR("via"));
    return via && via->type == JSON_ARRAY && via->count > 0 && room_id_valid(event->state_key);
}

static void carry_children(struct reading *r)
{
    if (!str_eq(json_str_at(r->out->create->content, STR("type")), STR("m.space")))
        return;
    struct state_list list = state_list_of_type(r->out->reader.tx, r->a, r->root, STR("m.space.child"));
    for (size_t i = 0; i < list.count && r->many <= ROOM_UPGRADE_MANY_MAX; i++) {
        const struct stored_event *child = event_reader_nid(&r->out->reader, list.items[i].event_nid);
        if (!child || !is_child(&child->event))
            continue;
        carry(r, STR("m.space.child"), child->event.state_key, child->event.content);
        r->many++;
    }
}

static bool is_creator(const struct reading *r, struct str user_id)
{
    for (size_t i = 0; r->creators && i < r->creators->count; i++)
        if (str_eq(r->creators->items[i].s, user_id))
            return true;
    return false;
}

static struct str ban_reason(struct reading *r, struct arena *scratch, int64_t event_nid)
{
    struct str pdu = events_pdu(r->out->reader.tx, event_nid, scratch);
    const struct json *event = pdu.p ? json_parse(scratch, pdu, JSON_DEPTH_MAX).value : NULL;
    struct str reason = json_str_at(json_get(event, STR("content")), STR("reason"));
    return reason.p ? str_copy(r->a, reason) : reason;
}

static void carry_bans(struct reading *r)
{
    struct membership_row *rows;
    struct arena *scratch = arena_new();
    size_t count =
        memberships_of_room(r->out->reader.tx, r->old->nid, MEMBERSHIP_BAN, ROOM_UPGRADE_MANY_MAX + 1, r->a, &rows);
    for (size_t i = 0; i < count; i++, r->many++) {
        struct str user_id = users_id_of(r->out->reader.tx, rows[i].user_nid, r->a);
        /* Nobody has the power to ban a creator. */
        if (!user_id_valid(user_id) || is_creator(r, user_id))
            continue;
        struct json *content = json_object(r->a);
        struct str reason = ban_reason(r, scratch, rows[i].event_nid);
        arena_reset(scratch);
        json_set_str(r->a, content, STR("membership"), STR("ban"));
        if (reason.p)
            json_set_str(r->a, content, STR("reason"), reason);
        room_plan_state(&r->out->carried, STR("m.room.member"), user_id, content);
    }
    arena_free(&scratch);
}

/* --- power levels --- */

/* What was before the first tombstone, if the room has been silenced since and nothing else. */
static const struct json *open_levels(struct reading *r, const struct json *now)
{
    const struct stored_event *tombstone =
        event_reader_state(&r->out->reader, r->root, STR("m.room.tombstone"), STR(""));
    const struct stored_event *first = tombstone;
    for (int i = 0; tombstone && tombstone->row.replaces_nid && i < TOMBSTONES_MAX; i++) {
        tombstone = event_reader_nid(&r->out->reader, tombstone->row.replaces_nid);
        first = tombstone ? tombstone : first;
    }
    const struct json *before =
        first && now ? content_of(r, first->row.state_before, STR("m.room.power_levels")) : NULL;
    return before && json_eq(power_upgrade_close(r->a, r->old->version, before), now) ? before : now;
}

/* --- all of it --- */

static struct fault read_all(struct reading *r)
{
    struct room_upgrade_state *out = r->out;
    struct event_row last;
    const struct stored_event *create = NULL;
    if (events_last(r->out->reader.tx, r->old->nid, INT64_MAX, r->a, &last)) {
        r->root = last.room_state;
        create = event_reader_state(&r->out->reader, r->root, STR("m.room.create"), STR(""));
    }
    if (!create)
        return STORAGE_FAULT; /* also a room of which this server has left-overs only */
    out->create = &create->event;
    out->last_event_id = last.event_id;
    out->power_levels = open_levels(r, content_of(r, r->root, STR("m.room.power_levels")));
    carry_as_it_is(r);
    carry_canonical_alias(r);
    carry_children(r);
    carry_bans(r);
    carry_join_rules(r);
    return r->many > ROOM_UPGRADE_MANY_MAX
               ? FAULT_STATUS(M_TOO_LARGE, 400, "The room has more bans or children than can be carried over")
               : FAULT_NONE;
}

struct fault room_upgrade_state_read(const struct room_plan *to, struct room *old, const struct json *creators,
                                     struct room_upgrade_state *out)
{
    *out = (struct room_upgrade_state){.carried = *to};
    struct reading r = {.a = to->a, .old = old, .creators = creators, .out = out};
    struct store_tx *tx = store_read_begin(to->s->store);
    event_reader_begin(&out->reader, tx, to->a, old->version);
    struct fault fault = read_all(&r);
    struct fault failed = storage_read_end(&tx);
    return failed.code ? failed : fault;
}

void room_upgrade_state_fini(struct room_upgrade_state *state)
{
    event_reader_end(&state->reader);
}
