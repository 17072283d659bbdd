/*
 * The one way in which an event of our own enters a room. See room.h for the drawing.
 */
#include "base/clock.h"
#include "base/log.h"
#include "crypto/random.h"
#include "matrix/event_stored.h"
#include "matrix/id.h"
#include "matrix/push_default.h"
#include "service/room_enter.h"
#include "service/room_head.h"
#include "service/room_pending.h"
#include "service/room_relations.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/events.h"
#include "store/rooms.h"
#include "store/users.h"

#include <assert.h>

/* One event on its way. */
struct item {
    struct room_draft *draft;
    struct event event;
    struct str pdu;
    const struct json *mentioned; /* users whom it highlights by name */
    bool notify;
    bool highlight;
    int64_t notify_count; /* the room's totals with this event */
    int64_t highlight_count;
};

struct append_job {
    struct store_job job;
    struct services *s;
    struct arena *a;
    struct room *room; /* NULL while a new room is being made */
    int64_t room_nid;
    const struct room_version *version;
    struct str room_id;
    struct str alias; /* of a new room: to be claimed with it; or empty */
    bool alias_taken;
    uint64_t generation;
    int64_t head_version;
    struct item *items;
    size_t count;
    bool line;                /* the room is one */
    int64_t state_root;       /* before the first event; after the job, behind the last */
    struct room_joined *tell; /* who is joined; until the job is on disk, who was before it */
    struct room_entering x;
};

/* --- in the writer --- */

static bool write_item(struct room_entering *x, struct append_job *job, struct item *item)
{
    struct room_draft *draft = item->draft;
    struct room_entry e = {
        .event = &item->event,
        .pdu = item->pdu,
        .sender_nid = draft->sender_nid,
        .device_nid = draft->device_nid,
        .txn_id = draft->txn_id,
        .state_before = job->state_root,
        .hidden = draft->hidden,
        .mentioned = item->mentioned,
        .notify = item->notify,
        .highlight = item->highlight,
    };
    if (!x->line) {
        int64_t *nids;
        e.prev_count =
            room_known_events(x->reader.tx, x->reader.a, item->event.prev_events, item->event.prev_events_count, &nids);
        e.prev_nids = nids;
    }
    if (!room_enter(x, &e))
        return false;
    job->state_root = e.state_after;
    draft->pos = e.pos;
    if (draft->aliases_to_nid)
        room_aliases_move(x->reader.tx, x->room_nid, draft->aliases_to_nid);
    return true;
}

static bool append_run(struct store_tx *tx, void *arg)
{
    struct append_job *job = arg;
    if (job->room && job->generation <= atomic_load(&job->room->failed_generation))
        return false;
    if (job->room && !room_head_advance(job->s, tx, job->room_nid, job->head_version))
        return false;
    if (!job->room) {
        job->room_nid = rooms_insert(tx, job->room_id, job->version->name);
        job->alias_taken =
            job->alias.n && !room_aliases_insert(tx, job->alias, job->room_nid, job->items[0].draft->sender_nid);
        if (job->alias_taken)
            return false;
    }
    struct room_entering *x = &job->x;
    if (job->line) {
        room_enter_begin_line(x, job->s, tx, job->a, job->room_nid, job->version, job->state_root);
        x->fresh = !job->room;
        x->notify_count = job->items[0].notify_count - job->items[0].notify;
        x->highlight_count = job->items[0].highlight_count - job->items[0].highlight;
    } else {
        room_enter_begin(x, job->s, tx, job->a, job->room_nid, job->version);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < job->count; i++)
        ok = write_item(x, job, &job->items[i]);
    room_enter_end(x);
    return ok || store_tx_failed(tx);
}

static void append_committed(void *arg)
{
    struct append_job *job = arg;
    if (job->x.newest_pos)
        room_news_event(job->s->rooms, job->room_nid, job->x.newest_pos);
}

static void append_published(void *arg)
{
    struct append_job *job = arg;
    room_joined_wake(job->s, job->tell);
    for (size_t i = 0; i < job->x.member_count; i++)
        wake_user(job->s->wake, job->x.members[i].user_nid);
}

/* --- building --- */

static void cite_auth_events(struct arena *a, struct room_head_reader *reader, const struct room_draft *draft,
                             struct json *pdu)
{
    struct auth_key keys[AUTH_KEYS_MAX];
    size_t count = auth_keys_select(reader->room->version, draft->type, draft->sender, draft->has_state_key,
                                    draft->state_key, draft->content, keys);
    struct json *ids = json_array(a);
    for (size_t i = 0; i < count; i++) {
        const struct event *event = room_head_get(reader, keys[i].type, keys[i].state_key);
        if (event) {
            /* The head may be gone when the job reads it. */
            struct json citation = event_citation(a, event);
            json_push(a, ids, *json_deep_copy(a, &citation));
        }
    }
    json_set(a, pdu, STR("auth_events"), *ids);
}

static struct json *build_pdu(struct arena *a, struct room_head_reader *reader, const struct room_draft *draft)
{
    const struct room *room = reader->room;
    const struct room_head *head = &room->head;
    struct json *pdu = json_object(a);
    struct json *prev_events = json_array(a);
    for (size_t i = 0; i < head->prev_count; i++)
        json_push(a, prev_events, *json_deep_copy(a, head->prev_events[i]));
    cite_auth_events(a, reader, draft, pdu);
    json_set(a, pdu, STR("content"), *draft->content);
    json_set(a, pdu, STR("depth"), event_next_depth(a, room->version, head->depth));
    if (room->version->event_format == EVENT_FORMAT_V1)
        json_set_str(a, pdu, STR("event_id"),
                     event_id_make(a, random_string(a, 18, RANDOM_BASE62), reader->s->options->server_name));
    /* In version 12 nothing else tells two rooms apart that somebody makes alike in the same millisecond. */
    bool create = draft->has_state_key && str_eq(draft->type, STR("m.room.create"));
    json_set_int(a, pdu, STR("origin_server_ts"), create ? rooms_creation_ms(reader->s->rooms) : clock_now_ms());
    json_set(a, pdu, STR("prev_events"), *prev_events);
    if (room->room_id.n)
        json_set_str(a, pdu, STR("room_id"), room->room_id);
    json_set_str(a, pdu, STR("sender"), draft->sender);
    json_set_str(a, pdu, STR("type"), draft->type);
    if (draft->has_state_key)
        json_set_str(a, pdu, STR("state_key"), draft->state_key);
    if (draft->redacts.n && room->version->redacts_in_content) {
        struct json *content = json_shallow_copy(a, draft->content);
        json_set_str(a, content, STR("redacts"), draft->redacts);
        json_set(a, pdu, STR("content"), *content);
    } else if (draft->redacts.n) {
        json_set_str(a, pdu, STR("redacts"), draft->redacts);
    }
    return pdu;
}

static struct fault refused(struct arena *a, enum errcode code, const char *why)
{
    return (struct fault){.code = code, .message = str_copy(a, str_of(why))};
}

/* Finds the target of a redaction and what will be left of it. Users redact what they sent themselves; what others
 * sent, with the power to redact ("Handling redactions"; module "Redactions"). */
static struct fault prepare_redaction(struct arena *a, struct room_head_reader *reader, struct item *item)
{
    struct room *room = reader->room;
    struct event_row row;
    struct event target;
    const struct event *own = room_head_get(reader, STR("m.room.member"), item->draft->sender);
    if (!own || !str_eq(event_membership(own), STR("join")))
        return FAULT(M_FORBIDDEN, "You are not in this room"); /* before it tells whether the room has the event */
    if (!reader->tx)
        reader->tx = store_read_begin(reader->s->store);
    if (!events_by_id(reader->tx, item->draft->redacts, a, &row) || row.room_nid != room->nid || row.pos <= 0 ||
        !event_read_stored(a, room->version, row.event_id, row.pdu, &target))
        return FAULT(M_NOT_FOUND, "The event to redact is not in this room");
    if (str_eq(target.type, STR("m.room.create")))
        return FAULT(M_FORBIDDEN, "m.room.create cannot be redacted");
    struct power_levels pl = {room_head_get(reader, STR("m.room.create"), STR("")),
                              room_head_get(reader, STR("m.room.power_levels"), STR(""))};
    if (!str_eq(target.sender, item->draft->sender) &&
        power_level_of(&pl, item->draft->sender) < power_level_to(&pl, POWER_REDACT))
        return FAULT(M_FORBIDDEN, "You may redact only events that you have sent yourself");
    return FAULT_NONE;
}

/* Other servers will judge the event by the state after those that it follows, which are not all the branches. */
static struct event_verdict check_by_partial_state(struct arena *a, struct room_head_reader *reader,
                                                   const struct event *event)
{
    struct room *room = reader->room;
    struct event_reader events;
    if (!reader->tx)
        reader->tx = store_read_begin(reader->s->store);
    event_reader_begin(&events, reader->tx, a, room->version);
    struct event_reader_view view = {&events, room->head.partial_root, NULL};
    struct event_verdict verdict = auth_check(a, event, event_reader_auth_state(&view));
    event_reader_end(&events);
    return verdict;
}

/* Authorises the event against the head, and moves the head on to it. */
static struct fault admit(struct arena *a, struct room_head_reader *reader, struct item *item)
{
    struct room *room = reader->room;
    struct room_head *head = &room->head;
    struct event *event = &item->event;
    struct auth_state state = room_head_auth_state(reader);
    struct event_verdict verdict = auth_check(a, event, state);
    if (!verdict.refused && head->partial)
        verdict = check_by_partial_state(a, reader, event);
    if (verdict.refused) {
        log_debug("room: event refused", LOG_STR("room", room->room_id), LOG_STR("sender", event->sender),
                  LOG_STR("type", event->type), LOG_CSTR("rule", verdict.refused));
        return refused(a, M_FORBIDDEN, verdict.refused);
    }
    head->partial = false; /* what comes next follows this one */
    if (event->has_state_key)
        room_head_put(room, event->type, event->state_key, event);
    struct power_levels pl = {room_head_get(reader, STR("m.room.create"), STR("")),
                              room_head_get(reader, STR("m.room.power_levels"), STR(""))};
    struct push_outcome push = push_default_outcome(event, &pl);
    item->mentioned = push.mentioned;
    item->notify = push.notify;
    item->highlight = push.highlight;
    item->notify_count = head->notify_count += push.notify;
    item->highlight_count = head->highlight_count += push.highlight;
    room_head_set_prev(room, event);
    return FAULT_NONE;
}

static struct fault build_item(struct arena *a, struct room_head_reader *reader, struct item *item)
{
    struct room_draft *draft = item->draft;
    struct fault fault = draft->redacts.n ? prepare_redaction(a, reader, item) : room_relations_check(a, reader, draft);
    if (fault.code)
        return fault;
    struct json *pdu = build_pdu(a, reader, draft);
    if (reader->room->version->strict_json && !json_is_canonical(pdu))
        return FAULT(M_BAD_JSON, "content: numbers in events must be integers of at most 53 bits");
    struct event_verdict verdict = event_seal(a, reader->room->version, pdu, reader->s->signing_key, &item->event);
    if (verdict.refused) {
        item->pdu = json_text(a, pdu);
        return refused(a, item->pdu.n > EVENT_SIZE_MAX ? M_TOO_LARGE : M_BAD_JSON, verdict.refused);
    }
    item->pdu = json_text(a, item->event.json);
    draft->event_id = item->event.event_id;
    return admit(a, reader, item);
}

/* True if the state is what the draft would make of it already, and the sender might still say so: who may not is to be
 * told. */
static bool is_repetition(struct arena *a, struct room_head_reader *reader, struct room_draft *draft)
{
    if (!draft->has_state_key || draft->repeat)
        return false;
    const struct event *now = room_head_get(reader, draft->type, draft->state_key);
    if (!now || !str_eq(now->sender, draft->sender) || !json_eq(now->content, draft->content) ||
        auth_check(a, now, room_head_auth_state(reader)).refused)
        return false;
    draft->event_id = now->event_id;
    draft->pos = 0;
    return true;
}

static struct fault build_items(struct arena *a, struct room_head_reader *reader, struct room_draft *drafts,
                                size_t count, struct append_job *job)
{
    job->items = ARENA_ARRAY(a, count, struct item);
    job->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_repetition(a, reader, &drafts[i])) {
            drafts[i].event_id = str_copy(a, drafts[i].event_id);
            continue;
        }
        struct item *item = &job->items[job->count++];
        item->draft = &drafts[i];
        struct fault fault = build_item(a, reader, item);
        if (fault.code)
            return fault;
    }
    return FAULT_NONE;
}

/* --- appending --- */

/* A redaction may have changed an event that the head remembers. */
static bool redacts_anything(const struct append_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].draft->redacts.n)
            return true;
    return false;
}

static bool is_plain_message(const struct append_job *job)
{
    return job->count == 1 && !job->items[0].event.has_state_key && !job->items[0].draft->redacts.n && job->line;
}

static void job_failed(struct room *room, const struct append_job *job, enum store_result result)
{
    uint64_t failed = atomic_load(&room->failed_generation);
    while (failed < job->generation &&
           !atomic_compare_exchange_weak(&room->failed_generation, &failed, job->generation))
        ;
    if (result != STORE_STALE)
        log_error("room: an event could not be stored", LOG_STR("room", room->room_id), LOG_INT("result", result));
}

/* Queues the job and waits for it; a plain message lets go of the room's lock meanwhile. Returns with the lock held. */
static enum store_result write_job(struct services *s, struct room *room, struct append_job *job)
{
    struct room_draft *first = job->items[0].draft;
    struct room_pending pending;
    job->job = (struct store_job){
        .run = append_run,
        .committed = append_committed,
        .published = append_published,
        .arg = job,
        .epoch = room->head.epoch,
    };
    job->generation = room->generation;
    job->head_version = room_head_claim(s, room);
    job->tell = room_joined_ref(room->joined);
    bool message = is_plain_message(job);
    room_pending_add(room, &pending, first);
    store_submit(s->store, &job->job);
    if (message)
        mutex_unlock(&room->lock);
    enum store_result result = store_wait(s->store, &job->job);
    if (message)
        mutex_lock(&room->lock);
    room_pending_remove(room, &pending);
    room_joined_unref(&job->tell);
    if (result != STORE_OK) {
        job_failed(room, job, result);
    } else if (!message) {
        room->head.state_root = job->state_root;
        room_members_changed(room, job->x.members, job->x.member_count);
        if (redacts_anything(job) || !job->line)
            room_head_drop(room);
    }
    return result;
}

/* Each one that fails means that somebody else got on: a commit failed, or another process wrote. */
#define TRIES_MAX 30

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_WAITED };

/* One attempt, with the lock held. ATTEMPT_AGAIN: what it was built on has gone. ATTEMPT_WAITED: the same transaction
 * was on its way, and is on disk or refused by now, even if its thread has not come round to take it off the list; were
 * that waited for, those who wait would keep it from the lock. */
static enum attempt append_locked(struct services *s, struct arena *a, struct room *room, struct room_draft *drafts,
                                  size_t count, uint64_t *waited, struct fault *fault_out)
{
    if (!room_head_load(s, room)) {
        *fault_out = STORAGE_FAULT;
        return ATTEMPT_DONE;
    }
    struct room_head_reader reader = {.s = s, .room = room};
    struct append_job job = {
        .s = s, .a = a, .room = room, .room_nid = room->nid, .version = room->version, .line = room->head.line};
    if (drafts[0].txn_id.p) {
        const struct room_pending *same = room_pending_find(room, &drafts[0], *waited);
        if (same) {
            *waited = same->number;
            mutex_unlock(&room->lock);
            room_wait_for_queue(s);
            mutex_lock(&room->lock);
            return ATTEMPT_WAITED;
        }
        if (room_sent_before(a, &reader, &drafts[0])) {
            *fault_out = room_head_reader_end(&reader) ? FAULT_NONE : STORAGE_FAULT;
            return ATTEMPT_DONE;
        }
    }
    job.state_root = room->head.partial ? room->head.partial_root : room->head.state_root;
    *fault_out = build_items(a, &reader, drafts, count, &job);
    bool read_ok = room_head_reader_end(&reader);
    if (!read_ok)
        *fault_out = STORAGE_FAULT;
    if (fault_out->code) {
        /* Earlier drafts have moved the head on; or it takes for absent what could not be read. */
        if (job.count > 1 || !read_ok)
            room_head_drop(room);
        return ATTEMPT_DONE;
    }
    if (job.count == 0)
        return ATTEMPT_DONE;
    enum store_result result = write_job(s, room, &job);
    *fault_out = result == STORE_OK ? FAULT_NONE : STORAGE_FAULT;
    return result == STORE_STALE || result == STORE_ABORTED ? ATTEMPT_AGAIN : ATTEMPT_DONE;
}

struct fault room_append(struct services *s, struct arena *a, struct room *room, struct room_draft *drafts,
                         size_t count)
{
    struct fault fault = STORAGE_FAULT;
    uint64_t waited = 0;
    assert(count > 0);
    mutex_lock(&room->lock);
    for (int tries = 0; tries < TRIES_MAX;) {
        enum attempt attempt = append_locked(s, a, room, drafts, count, &waited, &fault);
        if (attempt == ATTEMPT_DONE)
            break;
        if (attempt == ATTEMPT_AGAIN && store_is_shared(s->store))
            room_head_contest(s, room, tries);
        tries += attempt == ATTEMPT_AGAIN;
    }
    mutex_unlock(&room->lock);
    return fault;
}

struct fault room_append_new(struct services *s, struct arena *a, const struct room_version *version,
                             struct room_draft *drafts, size_t count, struct str alias, struct str *room_id_out)
{
    /* A room of nobody else's yet: its head lives here while it is built. */
    struct room fresh = {.version = version, .room_id = *room_id_out};
    mutex_init(&fresh.lock);
    mutex_lock(&fresh.lock);
    room_head_init(&fresh, store_epoch(s->store));
    struct room_head_reader reader = {.s = s, .room = &fresh};
    struct append_job job = {.s = s, .a = a, .version = version, .alias = alias, .line = true};

    struct fault fault = build_items(a, &reader, drafts, 1, &job);
    if (!fault.code) {
        struct item create = job.items[0];
        fresh.room_id = create.event.room_id; /* given, or made of its hash */
        fault = build_items(a, &reader, drafts + 1, count - 1, &job);
        struct item *items = ARENA_ARRAY(a, job.count + 1, struct item);
        items[0] = create;
        for (size_t i = 0; i < job.count; i++)
            items[i + 1] = job.items[i];
        job.items = items;
        job.count++;
    }
    job.room_id = *room_id_out = fresh.room_id;
    bool read_ok = room_head_reader_end(&reader);
    room_head_drop(&fresh);
    mutex_unlock(&fresh.lock);
    mutex_fini(&fresh.lock);
    if (fault.code)
        return fault;

    job.job = (struct store_job){
        .run = append_run, .committed = append_committed, .published = append_published, .arg = &job};
    store_submit(s->store, &job.job);
    enum store_result result = store_wait(s->store, &job.job);
    if (result == STORE_ABORTED && job.alias_taken)
        return FAULT(M_ROOM_IN_USE, "The room alias is taken");
    return result == STORE_OK && read_ok ? FAULT_NONE : STORAGE_FAULT;
}
