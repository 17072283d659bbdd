#include "service/receipt.h"

#include "base/clock.h"
#include "codec/json.h"
#include "service/room.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/account_data.h"
#include "store/events.h"
#include "store/receipts.h"

struct receipt_job {
    struct services *s;
    struct receipt_row row;
    int64_t notify_count; /* the room's totals at the event */
    int64_t highlight_count;
    bool stored;
};

static bool receipt_run(struct store_tx *tx, void *arg)
{
    struct receipt_job *job = arg;
    job->stored = receipts_set(tx, &job->row);
    /* Reading a thread leaves the rest of the room as unread as it was. */
    if (!job->row.thread_id.n || str_eq(job->row.thread_id, STR("main")))
        memberships_read(tx, job->row.user_nid, job->row.room_nid, job->row.event_pos, job->notify_count,
                         job->highlight_count);
    return true;
}

static void receipt_committed(void *arg)
{
    struct receipt_job *job = arg;
    if (job->stored)
        room_news_receipt(job->s->rooms, job->row.room_nid, job->row.pos);
}

/* The event, if it is in the room and the caller is joined. */
static struct fault find_event(struct services *s, struct arena *a, const struct caller *caller,
                               const struct room *room, struct str event_id, struct event_row *row_out)
{
    struct membership_row own;
    struct store_tx *tx = store_read_begin(s->store);
    bool found = events_by_id(tx, event_id, a, row_out) && row_out->room_nid == room->nid;
    memberships_get(tx, caller->user_nid, room->nid, &own);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (own.membership != MEMBERSHIP_JOIN)
        return ROOM_NOT_JOINED;
    return found ? FAULT_NONE : FAULT(M_NOT_FOUND, "There is no such event in this room");
}

/* A thread is named by an event of the room. */
static struct fault check_thread(struct services *s, struct arena *a, const struct room *room, struct str thread_id)
{
    struct event_row row;
    if (!thread_id.p || str_eq(thread_id, STR("main")))
        return FAULT_NONE;
    struct store_tx *tx = store_read_begin(s->store);
    bool found = events_by_id(tx, thread_id, a, &row) && row.room_nid == room->nid;
    struct fault fault = storage_read_end(&tx);
    return fault.code || found ? fault : FAULT(M_INVALID_PARAM, "thread_id: there is no such event in this room");
}

static struct fault write_receipt(struct services *s, const struct caller *caller, struct room *room, struct str type,
                                  struct str thread_id, const struct event_row *event)
{
    struct receipt_job job = {
        .s = s,
        .row = {.room_nid = room->nid,
                .user_nid = caller->user_nid,
                .type = type,
                .thread_id = thread_id.p ? thread_id : STR(""),
                .event_nid = event->event_nid,
                .event_pos = event->pos,
                .ts = clock_now_ms()},
        .notify_count = event->notify_count,
        .highlight_count = event->highlight_count,
    };
    struct store_job write = {.run = receipt_run, .committed = receipt_committed, .arg = &job};
    struct fault fault = storage_write(s, write, NULL);
    if (fault.code || !job.stored)
        return fault;
    if (str_eq(type, STR("m.read")))
        room_wake_joined(s, room);
    else
        wake_user(s->wake, caller->user_nid);
    return FAULT_NONE;
}

struct fault receipt_set(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                         struct str type, struct str event_id, struct str thread_id)
{
    struct room *room;
    struct event_row event;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = find_event(s, a, caller, room, event_id, &event);
    if (!fault.code)
        fault = check_thread(s, a, room, thread_id);
    if (!fault.code)
        fault = write_receipt(s, caller, room, type, thread_id, &event);
    room_close(s, &room);
    return fault;
}

struct marker_job {
    int64_t user_nid;
    int64_t room_nid;
    struct str content;
};

static bool marker_run(struct store_tx *tx, void *arg)
{
    struct marker_job *job = arg;
    account_data_set(tx, job->user_nid, job->room_nid, STR("m.fully_read"), job->content);
    return true;
}

struct fault receipt_set_fully_read(struct services *s, struct arena *a, const struct caller *caller,
                                    struct str room_id, struct str event_id)
{
    struct room *room;
    struct event_row event;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    fault = find_event(s, a, caller, room, event_id, &event);
    if (!fault.code) {
        struct json *content = json_object(a);
        json_set_str(a, content, STR("event_id"), event_id);
        struct marker_job job = {caller->user_nid, room->nid, json_text(a, content)};
        fault = storage_write(s, (struct store_job){.run = marker_run, .arg = &job}, NULL);
        wake_user(s->wake, caller->user_nid);
    }
    room_close(s, &room);
    return fault;
}
