#include "matrix/relation.h"

enum relation_kind relation_kind_of(struct str rel_type)
{
    static const struct {
        struct str rel_type;
        enum relation_kind kind;
    } kinds[] = {{STR_INIT("m.replace"), RELATION_REPLACE},
                 {STR_INIT("m.thread"), RELATION_THREAD},
                 {STR_INIT("m.reference"), RELATION_REFERENCE},
                 {STR_INIT("m.annotation"), RELATION_ANNOTATION}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(rel_type, kinds[i].rel_type))
            return kinds[i].kind;
    return RELATION_OTHER;
}

struct relation relation_of(const struct event *event)
{
    const struct json *relates_to = json_get(event->content, STR("m.relates_to"));
    struct relation r = {.rel_type = json_str_at(relates_to, STR("rel_type")),
                         .event_id = json_str_at(relates_to, STR("event_id"))};
    if (!r.rel_type.n || r.rel_type.n > RELATION_TYPE_MAX || !r.event_id.n || r.event_id.n > EVENT_ID_FIELD_MAX)
        return (struct relation){0};
    r.kind = relation_kind_of(r.rel_type);
    if (r.kind == RELATION_ANNOTATION)
        r.key = json_str_at(relates_to, STR("key"));
    return r;
}

/* What replaces an encrypted event has its m.new_content inside. */
static bool has_new_content(const struct event *replacement)
{
    return str_eq(replacement->type, STR("m.room.encrypted")) ||
           json_is(json_get(replacement->content, STR("m.new_content")), JSON_OBJECT);
}

bool relation_is_replacement(const struct event *replacement, const struct event *original)
{
    return relation_of(replacement).kind == RELATION_REPLACE && relation_of(original).kind != RELATION_REPLACE &&
           str_eq(replacement->sender, original->sender) && str_eq(replacement->type, original->type) &&
           !replacement->has_state_key && !original->has_state_key && has_new_content(replacement);
}

bool relation_may_be_root(const struct event *event)
{
    return relation_of(event).kind == RELATION_NONE;
}
