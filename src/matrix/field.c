#include "matrix/field.h"

static struct fault wrong_type(struct arena *a, struct str key, const char *wanted)
{
    return FAULT_STR(M_BAD_JSON, str_fmt(a, "'%.*s' must be %s", STR_ARG(key), wanted));
}

const struct json *field_get(const struct json *object, struct str key)
{
    const struct json *v = json_get(object, key);
    return json_is(v, JSON_NULL) ? NULL : v;
}

struct fault field_str(struct arena *a, const struct json *object, struct str key, struct str otherwise,
                       struct str *out)
{
    const struct json *v = field_get(object, key);
    if (v && v->type != JSON_STRING)
        return wrong_type(a, key, "a string");
    *out = v ? v->s : otherwise;
    return FAULT_NONE;
}

struct fault field_bool(struct arena *a, const struct json *object, struct str key, bool otherwise, bool *out)
{
    const struct json *v = field_get(object, key);
    if (v && v->type != JSON_BOOL)
        return wrong_type(a, key, "true or false");
    *out = v ? v->b : otherwise;
    return FAULT_NONE;
}

struct fault field_int(struct arena *a, const struct json *object, struct str key, int64_t otherwise, int64_t *out)
{
    const struct json *v = field_get(object, key);
    if (v && v->type != JSON_INT)
        return wrong_type(a, key, "an integer");
    *out = v ? v->i : otherwise;
    return FAULT_NONE;
}

struct fault field_container(struct arena *a, const struct json *object, struct str key, enum json_type type,
                             const struct json **out)
{
    const struct json *v = field_get(object, key);
    if (v && v->type != type)
        return wrong_type(a, key, type == JSON_ARRAY ? "an array" : "an object");
    *out = v;
    return FAULT_NONE;
}
