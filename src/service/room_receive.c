#include "service/room_receive.h"

#include "base/log.h"
#include "matrix/event_stored.h"
#include "matrix/push_default.h"
#include "service/room_enter.h"
#include "service/room_head.h"
#include "service/room_merge.h"
#include "service/room_relations.h"
#include "service/storage.h"
#include "service/wake.h"
#include "store/event_graph.h"
#include "store/state_keys.h"
#include "store/state_map.h"
#include "store/users.h"

#include <assert.h>

/* One PDU on its way. */
struct item {
    struct received_pdu *received;
    struct pdu pdu;
};

struct receive_job {
    struct store_job job;
    struct services *s;
    struct arena *a; /* the caller's: for what stays */
    struct room *room;
    const struct receive_options *options;
    struct item *items; /* all that passed the first checks */
    size_t count;
    size_t first; /* of those that this job lets in */
    int64_t head_version;
    struct room_entering x;
    int64_t state_root;            /* of options->state; STATE_UNKNOWN: not given */
    const struct item *state_user; /* the one PDU that it is the state before */
    int64_t history_pos;           /* the place in front of which history goes */
    int64_t history_sub;           /* of the first of all PDUs */
    int64_t history_notify;        /* the room's totals there */
    int64_t history_highlight;
    struct fault fault;
};

struct str receive_outcome_name(enum receive_outcome outcome)
{
    switch (outcome) {
    case RECEIVE_ACCEPTED:
        return STR("accepted");
    case RECEIVE_KNOWN:
        return STR("known");
    case RECEIVE_SOFT_FAILED:
        return STR("soft-failed");
    case RECEIVE_REJECTED:
        return STR("rejected");
    case RECEIVE_DROPPED:
        return STR("dropped");
    case RECEIVE_MISSING:
        return STR("missing");
    }
    return STR("");
}

static void decide(struct receive_job *job, struct item *item, enum receive_outcome outcome, const char *rule)
{
    struct received_pdu *received = item->received;
    received->outcome = outcome;
    received->rule = rule ? str_copy(job->a, str_of(rule)) : (struct str){0};
    if (outcome != RECEIVE_ACCEPTED && outcome != RECEIVE_KNOWN && outcome != RECEIVE_MISSING)
        log_info("room: event not let in", LOG_STR("room", job->room->room_id), LOG_STR("event", received->event_id),
                 LOG_STR("outcome", receive_outcome_name(outcome)), LOG_STR("rule", received->rule));
}

/* --- checks 1 to 3: before the lock --- */

/* False if the PDU is dropped. */
static bool check_alone(struct receive_job *job, struct item *item)
{
    struct received_pdu *received = item->received;
    const struct room *room = job->room;
    const char *refused = pdu_check(job->a, room->version, room->room_id, &job->options->keys, job->s->signing_key,
                                    received->pdu, &item->pdu);
    received->event_id = item->pdu.event.event_id;
    if (refused)
        decide(job, item, RECEIVE_DROPPED, refused);
    else if (item->pdu.redacted)
        log_info("room: content hash does not match, event redacted", LOG_STR("room", room->room_id),
                 LOG_STR("event", received->event_id));
    return !refused;
}

/* --- what it cites --- */

/* What is here of the events that an event cites. */
struct cited {
    struct stored_event *events[EVENT_PREV_EVENTS_MAX];
    int64_t nids[EVENT_PREV_EVENTS_MAX];
    size_t count;
    struct str *missing;
    size_t missing_count;
};

static_assert(EVENT_PREV_EVENTS_MAX >= EVENT_AUTH_EVENTS_MAX, "struct cited holds either");

/* True if the states around the event are known. */
static bool has_state(const struct stored_event *stored)
{
    return stored->row.state_after != STATE_UNKNOWN;
}

static struct cited find_cited(struct receive_job *job, const struct str *ids, size_t count, bool with_state)
{
    struct cited cited = {0};
    for (size_t i = 0; i < count; i++) {
        struct stored_event *stored = event_reader_id(&job->x.reader, ids[i]);
        if (stored && (!with_state || has_state(stored))) {
            cited.nids[cited.count] = stored->row.event_nid;
            cited.events[cited.count++] = stored;
            continue;
        }
        if (!cited.missing)
            cited.missing = ARENA_ARRAY(job->a, count, struct str);
        cited.missing[cited.missing_count++] = str_copy(job->a, ids[i]);
    }
    return cited;
}

/* --- checks 4 to 6: in the job --- */

struct auth_view {
    const struct cited *cited;
    const struct event *create;
};

static const struct event *auth_view_get(void *ctx, struct str type, struct str state_key)
{
    const struct auth_view *view = ctx;
    for (size_t i = 0; i < view->cited->count; i++)
        if (event_is_state(&view->cited->events[i]->event, type, state_key))
            return &view->cited->events[i]->event;
    return str_eq(type, STR("m.room.create")) && state_key.n == 0 ? view->create : NULL;
}

/* The room's m.room.create, or NULL while there is none. */
static const struct event *create_of(struct receive_job *job)
{
    struct event_reader *reader = &job->x.reader;
    struct stored_event *create = event_reader_state(reader, job->x.room_state, STR("m.room.create"), STR(""));
    if (!create && job->room->version->room_id_is_create_hash)
        create = event_reader_id(reader, create_of_room_id(reader->a, job->room->room_id));
    return create ? &create->event : NULL;
}

/* Check 4. */
static const char *check_by_auth_events(struct receive_job *job, const struct item *item, const struct cited *auth)
{
    const struct event *events[EVENT_AUTH_EVENTS_MAX];
    struct auth_view view = {auth, create_of(job)};
    for (size_t i = 0; i < auth->count; i++) {
        events[i] = &auth->events[i]->event;
        if (auth->events[i]->row.status == EVENT_REJECTED)
            return "auth_events cite an event that was rejected";
        if (auth->events[i]->row.room_nid != job->x.room_nid)
            return "auth_events cite an event of another room";
    }
    struct event_verdict verdict = auth_check_auth_events(&item->pdu.event, events, auth->count);
    if (verdict.refused)
        return verdict.refused;
    if (view.create && event_is_state(&item->pdu.event, STR("m.room.create"), STR("")))
        return "the room has an m.room.create already";
    return auth_check(job->x.reader.a, &item->pdu.event, (struct auth_state){auth_view_get, &view}).refused;
}

static const char *check_by_state(struct receive_job *job, const struct item *item, int64_t root)
{
    struct event_reader_view view = {&job->x.reader, root, create_of(job)};
    return auth_check(job->x.reader.a, &item->pdu.event, event_reader_auth_state(&view)).refused;
}

/* The state before an event: what follows from the states after its prev events, or what the caller gave. 0: it could
 * not be resolved. */
static int64_t state_before(struct receive_job *job, const struct item *item, const struct cited *prev)
{
    int64_t roots[EVENT_PREV_EVENTS_MAX];
    if (prev->missing_count > 0) {
        job->state_user = item;
        return job->state_root;
    }
    for (size_t i = 0; i < prev->count; i++)
        roots[i] = prev->events[i]->row.state_after;
    return room_resolve_states(&job->x.reader, roots, prev->count);
}

#define AWAITING_MAX 10000 /* events that await one, as far as they are looked at */

/* Redactions that came before their target: the first that may. */
static void apply_awaiting_redactions(struct receive_job *job, int64_t event_nid, struct str event_id)
{
    struct event_reader *reader = &job->x.reader;
    int64_t *waiting;
    size_t count = awaited_events_for(reader->tx, event_id, AWAITED_REDACTION, job->x.room_nid, AWAITING_MAX,
                                      job->x.reader.a, &waiting);
    bool done = false;
    for (size_t i = 0; i < count && !done; i++) {
        struct stored_event *redaction = event_reader_nid(reader, waiting[i]);
        struct stored_event *target = event_reader_nid(reader, event_nid);
        struct event_reader_view view = {reader, redaction ? redaction->row.state_before : 0, NULL};
        done = redaction && target && !str_eq(target->event.type, STR("m.room.create")) &&
               auth_may_redact(&redaction->event, &target->event, event_reader_auth_state(&view));
        if (done)
            room_enter_redaction(&job->x, target, redaction->row.event_nid);
        else
            event_reader_forget(reader, waiting[i]);
    }
    if (count > 0)
        awaited_events_remove(reader->tx, event_id, AWAITED_REDACTION);
}

/* Whether an event that was let in awaits this one as one it follows. */
static bool is_awaited_as_prev(struct receive_job *job, struct str event_id)
{
    return awaited_events_count(job->x.reader.tx, event_id, AWAITED_PREV, job->x.room_nid, 1) > 0;
}

/* Notes the prev events that are not here, and that this one is: gaps in front of others may be closed by it. */
static void note_gaps(struct receive_job *job, const struct room_entry *e, const struct cited *prev)
{
    struct store_tx *tx = job->x.reader.tx;
    struct arena *a = job->x.reader.a;
    struct awaited_row row = {.why = AWAITED_PREV, .event_nid = e->event_nid, .room_nid = job->x.room_nid};
    for (size_t i = 0; i < prev->missing_count; i++)
        awaited_events_add(tx, prev->missing[i], &row);
    int64_t *waiting;
    size_t count = awaited_events_for(tx, e->event->event_id, AWAITED_PREV, job->x.room_nid, AWAITING_MAX, a, &waiting);
    awaited_events_remove(tx, e->event->event_id, AWAITED_PREV);
    for (size_t i = 0; i < count; i++) {
        struct str *others;
        if (awaited_events_before(tx, waiting[i], 1, a, &others) == 0)
            events_close_gap(tx, waiting[i]);
    }
}

/* --- storing --- */

static struct room_entry entry_of(struct receive_job *job, const struct item *item, const struct stored_event *outlier)
{
    return (struct room_entry){
        .event = &item->pdu.event,
        .pdu = item->pdu.text,
        .outlier_nid = outlier ? outlier->row.event_nid : 0,
        .sender_nid = users_intern(job->x.reader.tx, item->pdu.event.sender),
        .state_before = STATE_UNKNOWN,
    };
}

static void keep(struct receive_job *job, struct item *item, struct room_entry *e, const struct cited *prev,
                 enum event_status status, const char *rule)
{
    static const enum receive_outcome outcomes[] = {[EVENT_ACCEPTED] = RECEIVE_ACCEPTED,
                                                    [EVENT_REJECTED] = RECEIVE_REJECTED,
                                                    [EVENT_SOFT_FAILED] = RECEIVE_SOFT_FAILED,
                                                    [EVENT_OUTLIER] = RECEIVE_ACCEPTED};
    e->status = status;
    e->reason = rule ? str_of(rule) : (struct str){0};
    room_keep(&job->x, e);
    apply_awaiting_redactions(job, e->event_nid, e->event->event_id);
    if (e->state_before != STATE_UNKNOWN)
        note_gaps(job, e, prev);
    decide(job, item, outcomes[status], rule);
}

/* What the default push rules say of it, by the power levels of the room as it is. */
static void judge_push(struct receive_job *job, struct room_entry *e)
{
    struct stored_event *levels =
        event_reader_state(&job->x.reader, job->x.room_state, STR("m.room.power_levels"), STR(""));
    struct power_levels pl = {create_of(job), levels ? &levels->event : NULL};
    if (!pl.create)
        return;
    struct push_outcome push = push_default_outcome(e->event, &pl);
    e->mentioned = push.mentioned;
    e->notify = push.notify;
    e->highlight = push.highlight;
}

/* A redaction whose target is not here, or that may not redact it, is let in, but nobody is shown it ("Handling
 * redactions"). */
static bool is_idle_redaction(struct receive_job *job, const struct event *event, int64_t root)
{
    if (!str_eq(event->type, STR("m.room.redaction")) || !event->redacts.n)
        return false;
    struct stored_event *target = event_reader_id(&job->x.reader, event->redacts);
    struct event_reader_view view = {&job->x.reader, root, NULL};
    /* Rules look into m.room.create, so that no server lets it be redacted. */
    return !target || str_eq(target->event.type, STR("m.room.create")) || target->row.room_nid != job->x.room_nid ||
           !auth_may_redact(event, &target->event, event_reader_auth_state(&view));
}

static bool enter(struct receive_job *job, struct item *item, struct room_entry *e, const struct cited *prev)
{
    e->gap = prev->missing_count > 0;
    e->hidden = is_idle_redaction(job, e->event, e->state_before);
    if (job->history_pos) {
        e->history = true;
        e->history_pos = job->history_pos;
        e->history_sub = job->history_sub + (item - job->items);
    } else {
        judge_push(job, e);
    }
    if (!room_enter(&job->x, e))
        return false;
    note_gaps(job, e, prev);
    apply_awaiting_redactions(job, e->event_nid, e->event->event_id);
    room_relations_arrive(&job->x, e->event_nid, e->event->event_id);
    decide(job, item, RECEIVE_ACCEPTED, NULL);
    return true;
}

/* --- one PDU, and all of them --- */

/* Whether all is known of the event that will be: of one that came as an outlier, its place is not, nor the states
 * around it, even if it was rejected. */
static bool is_here(const struct receive_job *job, const struct stored_event *stored)
{
    return stored && (has_state(stored) || job->options->outliers);
}

static bool is_of_another_room(const struct receive_job *job, const struct cited *cited)
{
    for (size_t i = 0; i < cited->count; i++)
        if (cited->events[i]->row.room_nid != job->x.room_nid)
            return true;
    return false;
}

static void tell_missing(struct receive_job *job, struct item *item, const struct cited *auth, const struct cited *prev)
{
    struct received_pdu *received = item->received;
    received->missing_auth = auth->missing;
    received->missing_auth_count = auth->missing_count;
    received->missing_prev = prev->missing;
    received->missing_prev_count = prev->missing_count;
    decide(job, item, RECEIVE_MISSING, NULL);
}

/* False: the store failed, or the states could not be resolved. */
static bool receive_one(struct receive_job *job, struct item *item)
{
    const struct event *event = &item->pdu.event;
    const struct stored_event *stored = event_reader_id(&job->x.reader, event->event_id);
    if (is_here(job, stored)) {
        decide(job, item, RECEIVE_KNOWN, NULL);
        return true;
    }
    bool outlier = job->options->outliers;
    struct cited auth = find_cited(job, event->auth_events, event->auth_events_count, false);
    struct cited prev = {0};
    if (!outlier)
        prev = find_cited(job, event->prev_events, event->prev_events_count, true);
    if (is_of_another_room(job, &prev)) {
        decide(job, item, RECEIVE_DROPPED, "prev_events name an event of another room");
        return true;
    }
    bool given = job->state_root != STATE_UNKNOWN && (!job->state_user || job->state_user == item);
    if (auth.missing_count > 0 || (prev.missing_count > 0 && !given)) {
        tell_missing(job, item, &auth, &prev);
        return true;
    }
    struct room_entry e = entry_of(job, item, stored);
    if (!outlier && event->prev_events_count == 0) {
        e.state_before = 0;
    } else if (!outlier && (e.state_before = state_before(job, item, &prev)) == 0) {
        decide(job, item, RECEIVE_DROPPED, "the states after its prev_events can not be resolved");
        return !store_tx_failed(job->x.reader.tx);
    }
    const char *rule = item->pdu.rejected ? item->pdu.rejected : check_by_auth_events(job, item, &auth);
    if (!rule && !outlier)
        rule = check_by_state(job, item, e.state_before);
    if (rule || outlier) {
        keep(job, item, &e, &prev, rule ? EVENT_REJECTED : EVENT_OUTLIER, rule);
        return true;
    }
    e.prev_nids = prev.nids;
    e.prev_count = prev.count;
    e.followed = is_awaited_as_prev(job, event->event_id);
    rule = job->history_pos ? NULL : check_by_state(job, item, job->x.room_state);
    if (rule) {
        keep(job, item, &e, &prev, EVENT_SOFT_FAILED, rule);
        return true;
    }
    return enter(job, item, &e, &prev);
}

/* The state map of the events that the caller names. */
static bool read_given_state(struct receive_job *job)
{
    const struct receive_options *options = job->options;
    struct store_tx *tx = job->x.reader.tx;
    job->state_root = STATE_UNKNOWN;
    if (!options->state)
        return true;
    int64_t root = 0;
    for (size_t i = 0; i < options->state_count; i++) {
        const struct stored_event *stored = event_reader_id(&job->x.reader, options->state[i]);
        if (!stored || !stored->event.has_state_key || stored->row.room_nid != job->x.room_nid) {
            job->fault = FAULT(M_NOT_FOUND, "The state names an event that is not here, or no state event of the room");
            return false;
        }
        if (stored->row.status != EVENT_REJECTED)
            root = state_map_set(tx, root, stored->row.state_key_nid, stored->row.event_nid);
    }
    job->state_root = root;
    return true;
}

/* Finds the place of history: as many places as there are PDUs, in front of those that are there. */
static bool find_history_place(struct receive_job *job)
{
    struct event_row row;
    if (!job->options->history_before.n)
        return true;
    if (!events_by_id(job->x.reader.tx, job->options->history_before, job->a, &row) ||
        row.room_nid != job->x.room_nid || row.pos <= 0) {
        job->fault = FAULT(M_NOT_FOUND, "history_before is no event of the room's timeline");
        return false;
    }
    job->history_pos = row.pos;
    job->history_sub = events_lowest_sub(job->x.reader.tx, job->x.room_nid, row.pos) - (int64_t)job->count;
    job->history_notify = row.notify_count;
    job->history_highlight = row.highlight_count;
    return true;
}

/* PDUs of one job: other rooms wait for it. */
#define BATCH 50

static bool receive_run(struct store_tx *tx, void *arg)
{
    struct receive_job *job = arg;
    if (!room_head_advance(job->s, tx, job->room->nid, job->head_version))
        return false;
    room_enter_begin(&job->x, job->s, tx, job->a, job->room->nid, job->room->version);
    bool ok = job->first > 0 || (read_given_state(job) && find_history_place(job));
    if (job->history_pos) {
        job->x.notify_count = job->history_notify;
        job->x.highlight_count = job->history_highlight;
    }
    /* What one PDU needs is given back before the next. */
    struct arena *scratch = job->x.reader.a = arena_new();
    for (size_t i = job->first; ok && i < job->count && i < job->first + BATCH; i++, arena_reset(scratch))
        ok = receive_one(job, &job->items[i]);
    job->x.reader.a = job->a;
    arena_free(&scratch);
    room_enter_end(&job->x);
    return ok;
}

static void receive_committed(void *arg)
{
    const struct receive_job *job = arg;
    if (job->x.newest_pos)
        room_news_event(job->s->rooms, job->room->nid, job->x.newest_pos);
}

static void receive_published(void *arg)
{
    const struct receive_job *job = arg;
    if (!job->x.newest_pos)
        return;
    room_joined_wake(job->s, job->room->joined);
    for (size_t i = 0; i < job->x.member_count; i++)
        wake_user(job->s->wake, job->x.members[i].user_nid);
}

#define TRIES_MAX 30 /* each one that fails means that another process wrote into the room */

/* One attempt, with the room's lock held. */
static enum store_result receive_locked(struct receive_job *job)
{
    struct room *room = job->room;
    if (!room_head_load(job->s, room))
        return STORE_FAILED;
    job->head_version = room_head_claim(job->s, room);
    job->job = (struct store_job){.run = receive_run,
                                  .committed = receive_committed,
                                  .published = receive_published,
                                  .arg = job,
                                  .epoch = room->head.epoch};
    store_submit(job->s->store, &job->job);
    enum store_result result = store_wait(job->s->store, &job->job);
    room_members_changed(room, job->x.members, result == STORE_OK ? job->x.member_count : 0);
    room_head_drop(room);
    return result;
}

static bool receive_batch(struct receive_job *job)
{
    enum store_result result = STORE_STALE;
    for (int tries = 0; tries < TRIES_MAX && result == STORE_STALE; tries++) {
        result = receive_locked(job);
        if (result == STORE_STALE && store_is_shared(job->s->store))
            room_head_contest(job->s, job->room, tries);
    }
    return result == STORE_OK;
}

struct fault room_receive(struct services *s, struct arena *a, struct room *room, const struct receive_options *options,
                          struct received_pdu *pdus, size_t count)
{
    struct receive_job job = {
        .s = s, .a = a, .room = room, .options = options, .state_root = STATE_UNKNOWN, .fault = STORAGE_FAULT};
    assert(count <= RECEIVE_MAX);
    job.items = ARENA_ARRAY(a, count, struct item);
    for (size_t i = 0; i < count; i++) {
        struct item *item = &job.items[job.count];
        *item = (struct item){.received = &pdus[i]};
        job.count += check_alone(&job, item);
    }
    if (job.count == 0)
        return FAULT_NONE;
    bool ok = true;
    bool whole = options->history_before.n > 0; /* its places are reserved with the first batch */
    if (whole)
        mutex_lock(&room->lock);
    for (; ok && job.first < job.count; job.first += BATCH) {
        if (!whole)
            mutex_lock(&room->lock);
        ok = receive_batch(&job);
        if (!whole)
            mutex_unlock(&room->lock);
    }
    if (whole)
        mutex_unlock(&room->lock);
    if (ok && job.x.extremity_count > ROOM_MERGE_ABOVE)
        room_merge(s, a, room);
    return ok ? FAULT_NONE : job.fault;
}
