#include "service/room_bundle.h"

#include "store/relations.h"

#define LOOK_MAX       8   /* children that are looked at for one that may be seen */
#define THREAD_MAX     100 /* events of a thread that are looked at for who ignores somebody */
#define REFERENCES_MAX 100 /* in one aggregation: the first ones */

/* How deep an event stands in what is written: the newest event of a thread has its edits bundled, an edit has nothing.
 */
enum { DEPTH_EVENT, DEPTH_OF_THREAD, DEPTH_MAX };

static bool take(struct room_view *v, size_t bytes)
{
    bool fits = bytes <= v->bundle_left;
    v->bundle_left -= fits ? bytes : 0;
    return fits;
}

/* The first of the events that may be seen; *skipped_out is how many come before it. False: none, or it is too long for
 * what is left. */
static bool find_visible(struct room_view *v, const int64_t *nids, size_t count, struct event_row *row_out,
                         enum membership *at_out, size_t *skipped_out)
{
    for (size_t i = 0; i < count; i++) {
        if (!events_by_nid(v->tx, nids[i], v->a, row_out) || !room_view_allows(v, row_out, at_out))
            continue;
        *skipped_out = i;
        return take(v, row_out->pdu.n);
    }
    return false;
}

/* A child in the form that its parent has. */
static struct json *child_form(struct room_view *v, const struct event_row *row, enum membership at, int depth)
{
    struct event event;
    struct json *out = NULL;
    int outside = v->bundle_depth;
    v->bundle_depth = depth;
    if (room_view_parse(v, row, &event))
        out = v->federation_format ? room_view_federation_form(v, row, &event)
                                   : room_view_client_form(v, row, &event, &at, true);
    v->bundle_depth = outside;
    return out;
}

/* "Server-side aggregation of m.replace relationships". */
static const struct json *newest_edit(struct room_view *v, const struct event_row *row)
{
    int64_t nids[LOOK_MAX];
    struct event_row edit;
    enum membership at;
    size_t skipped;
    size_t count = relations_edits(v->tx, row->event_nid, LOOK_MAX, nids);
    return find_visible(v, nids, count, &edit, &at, &skipped) ? child_form(v, &edit, at, DEPTH_MAX) : NULL;
}

/* How many of them are of users who are ignored; without a list, none is looked at. */
static int64_t count_ignored(struct room_view *v, const int64_t *nids, size_t count)
{
    int64_t ignored = 0;
    struct event_row row;
    for (size_t i = 0; v->ignored && i < count; i++)
        ignored += events_numbers(v->tx, nids[i], &row) && room_view_ignores(v, &row);
    return ignored;
}

/* "Server-side aggregation of m.thread relationships". Whoever has left cannot see the newest events, and does not
 * count them. */
static const struct json *thread(struct room_view *v, const struct event_row *row)
{
    int64_t nids[THREAD_MAX];
    struct thread_row thread;
    struct event_row newest;
    enum membership at;
    size_t skipped;
    if (!relations_thread(v->tx, row->event_nid, &thread))
        return NULL;
    size_t count = relations_thread_events(v->tx, row->event_nid, v->ignored ? THREAD_MAX : LOOK_MAX, nids);
    if (!find_visible(v, nids, count, &newest, &at, &skipped))
        return NULL;
    const struct json *event = child_form(v, &newest, at, DEPTH_OF_THREAD);
    if (!event)
        return NULL;
    struct json *out = json_object(v->a);
    json_set_int(v->a, out, STR("count"),
                 thread.count - (int64_t)skipped - count_ignored(v, nids + skipped, count - skipped));
    json_set(v->a, out, STR("current_user_participated"),
             json_bool(row->sender_nid == v->caller.user_nid ||
                       relations_thread_has(v->tx, row->event_nid, v->caller.user_nid)));
    json_set(v->a, out, STR("latest_event"), *event);
    return out;
}

/* What changes the state is judged by its content too. */
static bool may_see_reference(struct room_view *v, struct event_row *row)
{
    enum membership at;
    if (row->state_after != row->state_before && !events_by_nid(v->tx, row->event_nid, v->a, row))
        return false;
    return room_view_allows(v, row, &at);
}

/* "Server-side aggregation of m.reference". */
static const struct json *references(struct room_view *v, const struct event_row *row)
{
    struct event_row *rows;
    struct json *chunk = json_array(v->a);
    size_t count = relations_references(v->tx, row->event_nid, REFERENCES_MAX, v->a, &rows);
    for (size_t i = 0; i < count; i++) {
        if (!may_see_reference(v, &rows[i]) || !take(v, rows[i].event_id.n))
            continue;
        struct json *item = json_object(v->a);
        json_set_str(v->a, item, STR("event_id"), rows[i].event_id);
        json_push(v->a, chunk, *item);
    }
    if (chunk->count == 0)
        return NULL;
    struct json *out = json_object(v->a);
    json_set(v->a, out, STR("chunk"), *chunk);
    return out;
}

static void put(struct room_view *v, struct json *out, struct str rel_type, const struct json *aggregation)
{
    if (aggregation)
        json_set(v->a, out, rel_type, *aggregation);
}

const struct json *room_bundle(struct room_view *v, const struct event_row *row, const struct event *event)
{
    if (!row->related || v->unbundled || event->has_state_key || v->bundle_depth >= DEPTH_MAX)
        return NULL;
    struct json *out = json_object(v->a);
    if (row->related & RELATED(RELATION_REFERENCE))
        put(v, out, STR("m.reference"), references(v, row));
    if ((row->related & RELATED(RELATION_REPLACE)) && !row->redacted_by_nid)
        put(v, out, STR("m.replace"), newest_edit(v, row));
    if ((row->related & RELATED(RELATION_THREAD)) && v->bundle_depth == DEPTH_EVENT && relation_may_be_root(event))
        put(v, out, STR("m.thread"), thread(v, row));
    return out->count ? out : NULL;
}
