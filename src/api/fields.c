#include "api/api.h"
#include "matrix/field.h"

struct fault body_str(struct api_request *r, struct str key, struct str *out)
{
    if (!field_get(r->body, key))
        return FAULT_STR(M_MISSING_PARAM, str_fmt(r->arena, "'%.*s' is missing", STR_ARG(key)));
    return body_str_opt(r, key, (struct str){0}, out);
}

struct fault body_str_opt(struct api_request *r, struct str key, struct str otherwise, struct str *out)
{
    return field_str(r->arena, r->body, key, otherwise, out);
}

struct fault body_bool_opt(struct api_request *r, struct str key, bool otherwise, bool *out)
{
    return field_bool(r->arena, r->body, key, otherwise, out);
}

struct fault body_int_opt(struct api_request *r, struct str key, int64_t otherwise, int64_t *out)
{
    return field_int(r->arena, r->body, key, otherwise, out);
}

struct fault body_container_opt(struct api_request *r, struct str key, enum json_type type, const struct json **out)
{
    return field_container(r->arena, r->body, key, type, out);
}

struct str query_str(struct api_request *r, struct str key)
{
    return http_query(r->http, key);
}

size_t query_all(struct api_request *r, struct str key, struct str **out)
{
    struct str *values = ARENA_ARRAY(r->arena, r->http->query_count, struct str);
    size_t count = 0;
    for (size_t i = 0; i < r->http->query_count; i++)
        if (str_eq(r->http->query[i].name, key))
            values[count++] = r->http->query[i].value;
    *out = values;
    return count;
}

struct fault query_int_opt(struct api_request *r, struct str key, int64_t min, int64_t max, int64_t otherwise,
                           int64_t *out)
{
    struct str text = query_str(r, key);
    if (!text.p) {
        *out = otherwise;
        return FAULT_NONE;
    }
    if (!str_to_i64(text, out) || *out < min || *out > max)
        return FAULT_STR(M_INVALID_PARAM, str_fmt(r->arena, "'%.*s' must be a number from %lld to %lld", STR_ARG(key),
                                                  (long long)min, (long long)max));
    return FAULT_NONE;
}

struct fault query_bool_opt(struct api_request *r, struct str key, bool otherwise, bool *out)
{
    struct str text = query_str(r, key);
    *out = text.p ? str_eq(text, STR("true")) : otherwise;
    if (text.p && !*out && !str_eq(text, STR("false")))
        return FAULT_STR(M_INVALID_PARAM, str_fmt(r->arena, "'%.*s' must be true or false", STR_ARG(key)));
    return FAULT_NONE;
}

struct fault caller_must_be(const struct api_request *r, struct str user_id)
{
    if (!str_eq(r->caller.user_id, user_id))
        return FAULT(M_FORBIDDEN, "You may do this only for yourself");
    return FAULT_NONE;
}
