#include "service/ignored_users.h"

#include "matrix/id.h"
#include "service/room_view.h"
#include "store/account_data.h"

#define UNREAD_SCAN_MAX 1000 /* unread events of one room that are looked at */
#define CHUNK           50
#define SHOWN_MAX       100 /* bytes of what is no user id, in the answer */

static const struct str member = STR_INIT("ignored_users");

struct fault ignored_users_check(struct arena *a, const struct json *content)
{
    const struct json *list = json_get(content, member);
    if (json_is(content, JSON_OBJECT) && content->count == 0)
        return FAULT_NONE; /* as clients clear account data */
    if (!json_is(list, JSON_OBJECT))
        return FAULT(M_BAD_JSON, "ignored_users: must be an object with a member for each user");
    if (list->count > IGNORED_USERS_MAX)
        return FAULT_STR(M_TOO_LARGE, str_fmt(a, "ignored_users: at most %d users", IGNORED_USERS_MAX));
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json_member *m = &list->members[i];
        if (!user_id_valid(m->key))
            return FAULT_STR(M_INVALID_PARAM, str_fmt(a, "ignored_users: \"%.*s\" is no user id",
                                                      STR_ARG(str_slice(m->key, 0, SHOWN_MAX))));
        if (!json_is(&m->value, JSON_OBJECT))
            return FAULT(M_BAD_JSON, "ignored_users: each user must have an object, {}");
    }
    return FAULT_NONE;
}

const struct json *ignored_users_read(struct store_tx *tx, struct arena *a, int64_t user_nid, struct str user_id)
{
    struct str text = account_data_get(tx, user_nid, 0, IGNORED_USERS_TYPE, a);
    const struct json *content = text.p ? json_parse(a, text, JSON_DEPTH_MAX).value : NULL;
    const struct json *list = json_get(content, member);
    /* What was stored before lists were checked may be anything. */
    if (!json_is(list, JSON_OBJECT) || list->count == 0 || list->count > IGNORED_USERS_MAX)
        return NULL;
    if (!json_get(list, user_id))
        return list;
    struct json *others = json_shallow_copy(a, list);
    json_unset(others, user_id);
    return others->count ? others : NULL;
}

bool ignored_users_has(const struct json *list, struct str user_id)
{
    return list && json_get(list, user_id);
}

/* --- unread counts --- */

struct scan {
    struct room_view *v;
    struct ignored_unread totals;
    struct ignored_unread ignored;
};

static void look(struct scan *s, const struct event_row *row)
{
    if (row->sub < 0)
        return; /* history that was fetched later counts for nobody */
    if (room_view_ignores(s->v, row)) {
        int64_t notify = 0;
        int64_t highlight = 0;
        event_pushes_sum(s->v->tx, s->v->own.user_nid, s->v->room_nid, row->pos - 1, row->pos, &notify, &highlight);
        s->ignored.notify += notify + row->notify_count - s->totals.notify;
        s->ignored.highlight += highlight + row->highlight_count - s->totals.highlight;
    }
    s->totals = (struct ignored_unread){row->notify_count, row->highlight_count};
}

struct ignored_unread ignored_users_unread(struct room_view *v, int64_t after, int64_t up_to,
                                           struct ignored_unread totals)
{
    struct scan s = {.v = v, .totals = totals};
    struct event_place from = EVENT_PLACE(after);
    for (size_t scanned = 0, count = CHUNK; count == CHUNK && scanned < UNREAD_SCAN_MAX; scanned += count) {
        struct event_row *rows;
        struct arena_mark mark = arena_mark(v->a);
        count = events_between(v->tx, v->room_nid, from, EVENT_PLACE(up_to), EVENTS_OLDEST_FIRST, CHUNK, v->a, &rows);
        for (size_t i = 0; i < count; i++)
            look(&s, &rows[i]);
        if (count)
            from = (struct event_place){rows[count - 1].pos, rows[count - 1].sub};
        arena_release(v->a, mark);
    }
    return s.ignored;
}
