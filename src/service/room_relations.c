#include "service/room_relations.h"

#include "service/room_view.h"
#include "store/event_graph.h"
#include "store/relations.h"

#define AWAITING_MAX 1000 /* relations that wait for one event; those that come later are not aggregated */

/* The child's row, with its number, place and sender filled in. */
static void add(struct room_entering *x, struct relation_row row, const struct event *child,
                const struct stored_event *parent)
{
    struct relation relation = relation_of(child);
    if (relation.kind == RELATION_NONE || parent->row.room_nid != x->room_nid || parent->row.event_nid == row.event_nid)
        return;
    row.parent_nid = parent->row.event_nid;
    row.room_nid = x->room_nid;
    row.kind = relation.kind;
    row.rel_type = relation.rel_type;
    row.type = child->type;
    row.is_edit = relation_is_replacement(child, &parent->event);
    row.edit_ts = child->origin_server_ts;
    row.event_id = child->event_id;
    row.key = relation.key;
    relations_add(x->reader.tx, &row);
}

void room_relations_enter(struct room_entering *x, const struct room_entry *e)
{
    struct relation relation = relation_of(e->event);
    if (relation.kind == RELATION_NONE)
        return;
    const struct stored_event *parent = event_reader_id(&x->reader, relation.event_id);
    if (parent) {
        struct relation_row row = {.event_nid = e->event_nid,
                                   .pos = e->pos,
                                   .sub = e->history ? e->history_sub : 0,
                                   .sender_nid = e->sender_nid};
        add(x, row, e->event, parent);
    } else if (awaited_events_count(x->reader.tx, relation.event_id, AWAITED_RELATION, x->room_nid, AWAITING_MAX) <
               AWAITING_MAX) {
        struct awaited_row row = {.why = AWAITED_RELATION, .event_nid = e->event_nid, .room_nid = x->room_nid};
        awaited_events_add(x->reader.tx, relation.event_id, &row);
    }
}

void room_relations_arrive(struct room_entering *x, int64_t event_nid, struct str event_id)
{
    struct event_reader *reader = &x->reader;
    int64_t *children;
    size_t count =
        awaited_events_for(reader->tx, event_id, AWAITED_RELATION, x->room_nid, AWAITING_MAX, reader->a, &children);
    if (count == 0)
        return;
    const struct stored_event *parent = event_reader_nid(reader, event_nid);
    for (size_t i = 0; parent && i < count; i++) {
        const struct stored_event *child = event_reader_nid(reader, children[i]);
        if (!child || child->row.redacted_by_nid)
            continue;
        struct relation_row row = {.event_nid = child->row.event_nid,
                                   .pos = child->row.pos,
                                   .sub = child->row.sub,
                                   .sender_nid = child->row.sender_nid};
        add(x, row, &child->event, parent);
    }
    awaited_events_remove(reader->tx, event_id, AWAITED_RELATION);
}

void room_relations_leave(struct room_entering *x, const struct stored_event *child)
{
    struct relation relation = relation_of(&child->event);
    int64_t parent_nid = relation.kind == RELATION_NONE ? 0 : events_nid_of(x->reader.tx, relation.event_id);
    if (parent_nid)
        relations_remove(x->reader.tx, parent_nid, relation.kind, child->row.pos, child->row.sub);
}

/* Of an event that the sender may not see, no more is told than of one that is not there. */
static bool find_parent(struct arena *a, struct room_head_reader *reader, const struct room_draft *draft,
                        struct str event_id, struct event_row *row_out, struct event *event_out)
{
    struct room_view v;
    enum membership at;
    const struct room *room = reader->room;
    struct caller sender = {.user_nid = draft->sender_nid, .user_id = draft->sender};
    room_view_init(&v, reader->s, reader->tx, a, room->nid, room->room_id, room->version, &sender);
    return events_by_id(reader->tx, event_id, a, row_out) && row_out->room_nid == room->nid && row_out->pos > 0 &&
           room_view_permits(&v, row_out, &at) && room_view_parse(&v, row_out, event_out);
}

struct fault room_relations_check(struct arena *a, struct room_head_reader *reader, const struct room_draft *draft)
{
    struct event event = {.content = draft->content};
    struct relation relation = relation_of(&event);
    bool thread = relation.kind == RELATION_THREAD;
    if (draft->has_state_key || !(thread || (relation.kind == RELATION_ANNOTATION && relation.key.p)))
        return FAULT_NONE;
    const struct event *own = room_head_get(reader, STR("m.room.member"), draft->sender);
    if (!own || !str_eq(event_membership(own), STR("join")))
        return FAULT_NONE; /* refused for that, and told nothing of the room */
    if (!reader->tx)
        reader->tx = store_read_begin(reader->s->store);
    struct event_row row;
    struct event parent;
    if (!find_parent(a, reader, draft, relation.event_id, &row, &parent))
        return FAULT_NONE;
    if (thread && !relation_may_be_root(&parent))
        return FAULT_STATUS(M_UNKNOWN, 400, "A thread cannot start at an event that is related to another one");
    if (!thread && relations_is_annotated(reader->tx, row.event_nid, draft->sender_nid, draft->type, relation.key))
        return FAULT(M_DUPLICATE_ANNOTATION, "You have annotated the event so already");
    return FAULT_NONE;
}
