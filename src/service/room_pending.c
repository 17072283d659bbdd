#include "service/room_pending.h"

#include "matrix/event_stored.h"
#include "store/events.h"

#define SAME_TXN_MAX 8 /* events of one transaction id: one for each type, rarely more than one at all */

void room_pending_add(struct room *room, struct room_pending *pending, const struct room_draft *draft)
{
    mutex_assert_held(&room->lock);
    *pending = (struct room_pending){.next = room->pending,
                                     .number = ++room->pending_number,
                                     .device_nid = draft->device_nid,
                                     .txn_id = draft->txn_id,
                                     .type = draft->type,
                                     .redacts = draft->redacts};
    room->pending = pending;
}

void room_pending_remove(struct room *room, struct room_pending *pending)
{
    mutex_assert_held(&room->lock);
    struct room_pending **link = &room->pending;
    while (*link != pending)
        link = &(*link)->next;
    *link = pending->next;
}

struct room_pending *room_pending_find(const struct room *room, const struct room_draft *draft, uint64_t waited)
{
    for (struct room_pending *p = room->pending; p; p = p->next)
        if (p->number > waited && p->device_nid == draft->device_nid && str_eq(p->txn_id, draft->txn_id) &&
            str_eq(p->type, draft->type) && str_eq(p->redacts, draft->redacts))
            return p;
    return NULL;
}

bool room_sent_before(struct arena *a, struct room_head_reader *reader, struct room_draft *draft)
{
    struct event_row *rows;
    if (!reader->tx)
        reader->tx = store_read_begin(reader->s->store);
    size_t count =
        events_by_txn(reader->tx, draft->device_nid, draft->txn_id, reader->room->nid, SAME_TXN_MAX, a, &rows);
    for (size_t i = 0; i < count; i++) {
        struct event event;
        if (!event_read_stored(a, reader->room->version, rows[i].event_id, rows[i].pdu, &event) ||
            !str_eq(event.type, draft->type) || !str_eq(event.redacts, draft->redacts))
            continue;
        draft->event_id = rows[i].event_id;
        draft->pos = 0;
        return true;
    }
    return false;
}
