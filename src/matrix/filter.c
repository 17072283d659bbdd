#include "matrix/filter.h"

/* What a list may hold; beyond it a filter is refused. Patterns and paths are worked through for each event. */
#define FILTER_LIST_MAX    1000
#define FILTER_PATTERN_MAX 64
#define FILTER_STARS_MAX   4
#define FILTER_FIELDS_MAX  100
#define FILTER_STRING_MAX  255 /* bytes */

static struct fault bad(struct arena *a, const char *where, const char *what)
{
    return (struct fault){.code = M_BAD_JSON, .message = str_fmt(a, "filter: %s %s", where, what)};
}

static bool is_short_string(const struct json *v)
{
    return v->type == JSON_STRING && v->s.n <= FILTER_STRING_MAX;
}

/* An array of at most `max` strings, or NULL if it is absent. */
static struct fault read_strings(struct arena *a, const struct json *object, const char *name, size_t max,
                                 const struct json **out)
{
    const struct json *list = json_get(object, str_of(name));
    *out = NULL;
    if (!list || list->type == JSON_NULL)
        return FAULT_NONE;
    if (list->type != JSON_ARRAY)
        return bad(a, name, "must be a list of strings");
    if (list->count > max)
        return bad(a, name, "has too many entries");
    for (size_t i = 0; i < list->count; i++)
        if (!is_short_string(&list->items[i]))
            return bad(a, name, "must be a list of strings of at most 255 bytes");
    *out = list;
    return FAULT_NONE;
}

static struct fault read_list(struct arena *a, const struct json *object, const char *name, const struct json **out)
{
    return read_strings(a, object, name, FILTER_LIST_MAX, out);
}

static struct fault read_patterns(struct arena *a, const struct json *object, const char *name, const struct json **out)
{
    struct fault fault = read_strings(a, object, name, FILTER_PATTERN_MAX, out);
    for (size_t i = 0; !fault.code && *out && i < (*out)->count; i++) {
        struct str pattern = (*out)->items[i].s;
        size_t stars = 0;
        for (size_t j = 0; j < pattern.n; j++)
            stars += pattern.p[j] == '*';
        if (stars > FILTER_STARS_MAX)
            return bad(a, name, "has a pattern with too many '*'");
    }
    return fault;
}

static struct fault read_bool(struct arena *a, const struct json *object, const char *name, bool *out)
{
    const struct json *v = json_get(object, str_of(name));
    *out = false;
    if (!v || v->type == JSON_NULL)
        return FAULT_NONE;
    if (v->type != JSON_BOOL)
        return bad(a, name, "must be true or false");
    *out = v->b;
    return FAULT_NONE;
}

static struct fault read_limit(struct arena *a, const struct json *object, int64_t *out)
{
    const struct json *v = json_get(object, STR("limit"));
    *out = 0;
    if (!v || v->type == JSON_NULL)
        return FAULT_NONE;
    if (v->type != JSON_INT || v->i < 0)
        return bad(a, "limit", "must be an integer that is not negative");
    *out = v->i;
    return FAULT_NONE;
}

/* Runs readers until one finds a fault. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        struct fault fault_ = (call);                                                                                  \
        if (fault_.code)                                                                                               \
            return fault_;                                                                                             \
    } while (0)

static struct fault read_part(struct arena *a, const char *name, const struct json *json, struct event_filter *out)
{
    *out = (struct event_filter){0};
    if (!json || json->type == JSON_NULL)
        return FAULT_NONE;
    if (json->type != JSON_OBJECT)
        return bad(a, name, "must be an object");
    TRY(read_patterns(a, json, "types", &out->types));
    TRY(read_patterns(a, json, "not_types", &out->not_types));
    TRY(read_list(a, json, "senders", &out->senders));
    TRY(read_list(a, json, "not_senders", &out->not_senders));
    TRY(read_list(a, json, "rooms", &out->rooms));
    TRY(read_list(a, json, "not_rooms", &out->not_rooms));
    TRY(read_limit(a, json, &out->limit));
    TRY(read_bool(a, json, "contains_url", &out->contains_url));
    out->has_contains_url = json_is(json_get(json, STR("contains_url")), JSON_BOOL);
    TRY(read_bool(a, json, "lazy_load_members", &out->lazy_load_members));
    TRY(read_bool(a, json, "include_redundant_members", &out->include_redundant_members));
    TRY(read_bool(a, json, "unread_thread_notifications", &out->unread_thread_notifications));
    return FAULT_NONE;
}

struct fault event_filter_read(struct arena *a, const struct json *json, struct event_filter *out)
{
    return read_part(a, "it", json, out);
}

struct fault sync_filter_read(struct arena *a, const struct json *json, struct sync_filter *out)
{
    *out = (struct sync_filter){0};
    if (!json)
        return FAULT_NONE;
    if (json->type != JSON_OBJECT)
        return bad(a, "it", "must be an object");
    TRY(read_strings(a, json, "event_fields", FILTER_FIELDS_MAX, &out->event_fields));
    const struct json *format = json_get(json, STR("event_format"));
    out->federation_format = format && str_eq(json_str_at(json, STR("event_format")), STR("federation"));
    if (format && !out->federation_format && !str_eq(json_str_at(json, STR("event_format")), STR("client")))
        return bad(a, "event_format", "must be \"client\" or \"federation\"");
    TRY(read_part(a, "presence", json_get(json, STR("presence")), &out->presence));
    TRY(read_part(a, "account_data", json_get(json, STR("account_data")), &out->account_data));

    const struct json *room = json_get(json, STR("room"));
    if (!room || room->type == JSON_NULL)
        return FAULT_NONE;
    if (room->type != JSON_OBJECT)
        return bad(a, "room", "must be an object");
    TRY(read_list(a, room, "rooms", &out->rooms));
    TRY(read_list(a, room, "not_rooms", &out->not_rooms));
    TRY(read_bool(a, room, "include_leave", &out->include_leave));
    TRY(read_part(a, "room.state", json_get(room, STR("state")), &out->room_state));
    TRY(read_part(a, "room.timeline", json_get(room, STR("timeline")), &out->room_timeline));
    TRY(read_part(a, "room.ephemeral", json_get(room, STR("ephemeral")), &out->room_ephemeral));
    TRY(read_part(a, "room.account_data", json_get(room, STR("account_data")), &out->room_account_data));
    return FAULT_NONE;
}

/* '*' stands for any run of characters; linear in the text for each star. */
static bool glob_match(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t resume = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool list_has(const struct json *list, struct str s)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i].s, s))
            return true;
    return false;
}

static bool list_matches(const struct json *list, struct str type)
{
    for (size_t i = 0; i < list->count; i++)
        if (glob_match(list->items[i].s, type))
            return true;
    return false;
}

bool event_filter_match(const struct event_filter *f, struct str type, struct str sender, const struct json *content)
{
    if (f->not_types && list_matches(f->not_types, type))
        return false;
    if (f->types && !list_matches(f->types, type))
        return false;
    if (f->not_senders && list_has(f->not_senders, sender))
        return false;
    if (f->senders && !list_has(f->senders, sender))
        return false;
    return !f->has_contains_url || json_is(json_get(content, STR("url")), JSON_STRING) == f->contains_url;
}

static bool rooms_match(const struct json *rooms, const struct json *not_rooms, struct str room_id)
{
    return !(not_rooms && list_has(not_rooms, room_id)) && (!rooms || list_has(rooms, room_id));
}

bool event_filter_match_room(const struct event_filter *f, struct str room_id)
{
    return rooms_match(f->rooms, f->not_rooms, room_id);
}

bool sync_filter_match_room(const struct sync_filter *f, struct str room_id)
{
    return rooms_match(f->rooms, f->not_rooms, room_id);
}

/* The next name of a dotted path; "\." stands for a dot within a name, "\\" for a backslash. */
static struct str path_next(struct arena *a, struct str *path)
{
    char *name = arena_alloc(a, path->n + 1);
    size_t n = 0;
    size_t i = 0;
    for (; i < path->n && path->p[i] != '.'; i++) {
        if (path->p[i] == '\\' && i + 1 < path->n)
            i++;
        name[n++] = path->p[i];
    }
    *path = str_slice(*path, i + 1, path->n);
    return (struct str){name, n};
}

/* Copies what `path` leads to from one object into another, with the objects on the way; no deeper than JSON nests. An
 * object that is there already was either made here, and grows, or was copied whole, and then holds it all. */
static void copy_path(struct arena *a, const struct json *from, struct str path, struct json *to)
{
    struct str name = path_next(a, &path);
    const struct json *value = json_get(from, name);
    if (!value)
        return;
    if (path.n == 0) {
        json_set(a, to, name, *value);
        return;
    }
    if (value->type != JSON_OBJECT)
        return;
    if (!json_edit(to, name))
        json_set(a, to, name, *json_object(a));
    struct json *inner = json_edit(to, name);
    if (inner->cap || !inner->count)
        copy_path(a, value, path, inner);
}

const struct json *sync_filter_fields(struct arena *a, const struct sync_filter *f, const struct json *event)
{
    if (!f->event_fields)
        return event;
    struct json *out = json_object(a);
    for (size_t i = 0; i < f->event_fields->count; i++)
        copy_path(a, event, f->event_fields->items[i].s, out);
    return out;
}
