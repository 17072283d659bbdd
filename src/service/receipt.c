#include "service/receipt.h"

#include "base/clock.h"
#include "codec/json.h"
#include "service/room.h"
#include "service/room_view.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/account_data.h"
#include "store/events.h"
#include "store/receipts.h"

/* What one request sets: receipts, the fully-read marker, or both; all of it or nothing. */
struct receipt {
    struct receipt_row row;
    int64_t notify_count; /* the room's totals at the event */
    int64_t highlight_count;
    bool stored;
};

struct receipt_job {
    struct services *s;
    int64_t room_nid;
    int64_t user_nid;
    struct receipt receipts[2];
    size_t count;
    struct str fully_read; /* content of m.fully_read; p == NULL: not set */
};

static void write_receipt(struct store_tx *tx, struct receipt *r)
{
    r->stored = receipts_set(tx, &r->row);
    /* Reading a thread leaves the rest of the room as unread as it was. */
    if (!r->row.thread_id.n || str_eq(r->row.thread_id, STR("main")))
        memberships_read(tx, r->row.user_nid, r->row.room_nid, r->row.event_pos, r->notify_count, r->highlight_count);
}

static bool receipt_run(struct store_tx *tx, void *arg)
{
    struct receipt_job *job = arg;
    for (size_t i = 0; i < job->count; i++)
        write_receipt(tx, &job->receipts[i]);
    if (job->fully_read.p)
        account_data_set(tx, job->user_nid, job->room_nid, STR("m.fully_read"), job->fully_read);
    return true;
}

static void receipt_committed(void *arg)
{
    struct receipt_job *job = arg;
    for (size_t i = 0; i < job->count; i++)
        if (job->receipts[i].stored)
            room_news_receipt(job->s->rooms, job->room_nid, job->receipts[i].row.pos);
}

static struct fault run_job(struct services *s, struct room *room, struct receipt_job *job)
{
    bool everybody = false;
    bool any = job->fully_read.p != NULL;
    struct store_job write = {.run = receipt_run, .committed = receipt_committed, .arg = job};
    struct fault fault = storage_write(s, write, NULL);
    if (fault.code)
        return fault;
    for (size_t i = 0; i < job->count; i++) {
        any |= job->receipts[i].stored;
        everybody |= job->receipts[i].stored && str_eq(job->receipts[i].row.type, STR("m.read"));
    }
    if (everybody)
        room_wake_joined(s, room);
    else if (any)
        wake_user(s->wake, job->user_nid);
    return FAULT_NONE;
}

/* --- what a request asks for --- */

/* Whether the event is in the room, and the caller may see it: ids cannot be tried out. */
static bool is_visible(struct room_view *v, struct str event_id, struct event_row *row_out)
{
    enum membership at;
    return events_by_id(v->tx, event_id, v->a, row_out) && row_out->room_nid == v->room_nid && row_out->pos > 0 &&
           room_view_permits(v, row_out, &at);
}

/* The event, if the caller is joined and may see it. */
static struct fault find_event(struct services *s, struct arena *a, const struct caller *caller,
                               const struct room *room, struct str event_id, struct event_row *row_out)
{
    struct room_view v;
    struct store_tx *tx = store_read_begin(s->store);
    room_view_init(&v, s, tx, a, room->nid, room->room_id, room->version, caller);
    bool found = is_visible(&v, event_id, row_out);
    struct fault fault = storage_read_end(&tx);
    if (fault.code)
        return fault;
    if (v.own.membership != MEMBERSHIP_JOIN)
        return ROOM_NOT_JOINED;
    return found ? FAULT_NONE : FAULT(M_NOT_FOUND, "There is no such event in this room, or you may not see it");
}

/* A thread is named by an event of the room. */
static struct fault check_thread(struct services *s, struct arena *a, const struct caller *caller,
                                 const struct room *room, struct str thread_id)
{
    struct room_view v;
    struct event_row row;
    if (!thread_id.p || str_eq(thread_id, STR("main")))
        return FAULT_NONE;
    struct store_tx *tx = store_read_begin(s->store);
    room_view_init(&v, s, tx, a, room->nid, room->room_id, room->version, caller);
    bool found = is_visible(&v, thread_id, &row);
    struct fault fault = storage_read_end(&tx);
    return fault.code || found ? fault : FAULT(M_INVALID_PARAM, "thread_id: there is no such event in this room");
}

static struct receipt_job job_of(struct services *s, const struct caller *caller, const struct room *room)
{
    return (struct receipt_job){.s = s, .room_nid = room->nid, .user_nid = caller->user_nid};
}

static void add_receipt(struct receipt_job *job, struct str type, struct str thread_id, const struct event_row *event)
{
    job->receipts[job->count++] = (struct receipt){
        .row = {.room_nid = job->room_nid,
                .user_nid = job->user_nid,
                .type = type,
                .thread_id = thread_id.p ? thread_id : STR(""),
                .event_nid = event->event_nid,
                .event_pos = event->pos,
                .ts = clock_now_ms()},
        .notify_count = event->notify_count,
        .highlight_count = event->highlight_count,
    };
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
        fault = check_thread(s, a, caller, room, thread_id);
    if (!fault.code) {
        struct receipt_job job = job_of(s, caller, room);
        add_receipt(&job, type, thread_id, &event);
        fault = run_job(s, room, &job);
    }
    room_close(s, &room);
    return fault;
}

static struct fault plan_markers(struct services *s, struct arena *a, const struct caller *caller,
                                 const struct room *room, const struct receipt_markers *markers,
                                 struct receipt_job *job)
{
    const struct {
        struct str type;
        struct str event_id;
    } receipts[] = {{STR("m.read"), markers->read}, {STR("m.read.private"), markers->read_private}};
    struct event_row event;
    struct fault fault = FAULT_NONE;
    for (size_t i = 0; i < sizeof receipts / sizeof receipts[0] && !fault.code; i++) {
        if (!receipts[i].event_id.p)
            continue;
        fault = find_event(s, a, caller, room, receipts[i].event_id, &event);
        if (!fault.code)
            add_receipt(job, receipts[i].type, (struct str){0}, &event);
    }
    if (fault.code || !markers->fully_read.p)
        return fault;
    struct json *content = json_object(a);
    json_set_str(a, content, STR("event_id"), markers->fully_read);
    job->fully_read = json_text(a, content);
    return find_event(s, a, caller, room, markers->fully_read, &event);
}

struct fault receipt_set_markers(struct services *s, struct arena *a, const struct caller *caller, struct str room_id,
                                 const struct receipt_markers *markers)
{
    struct room *room;
    struct fault fault = room_open(s, room_id, ROOM_NOT_JOINED, &room);
    if (fault.code)
        return fault;
    struct receipt_job job = job_of(s, caller, room);
    fault = plan_markers(s, a, caller, room, markers, &job);
    if (!fault.code && (job.count || job.fully_read.p))
        fault = run_job(s, room, &job);
    room_close(s, &room);
    return fault;
}
