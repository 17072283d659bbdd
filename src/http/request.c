#include "http/request.h"

#include "codec/url.h"

static const struct str method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = STR_INIT("GET"),       [HTTP_POST] = STR_INIT("POST"),       [HTTP_PUT] = STR_INIT("PUT"),
    [HTTP_DELETE] = STR_INIT("DELETE"), [HTTP_OPTIONS] = STR_INIT("OPTIONS"), [HTTP_PATCH] = STR_INIT("PATCH"),
    [HTTP_OTHER] = STR_INIT(""),
};

struct str http_pairs_header(const struct http_pair *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name))
            return headers[i].value;
    }
    return (struct str){NULL, 0};
}

struct str http_header(const struct http_request *r, struct str name)
{
    return http_pairs_header(r->headers, r->header_count, name);
}

struct str http_query(const struct http_request *r, struct str name)
{
    for (size_t i = 0; i < r->query_count; i++) {
        if (str_eq(r->query[i].name, name))
            return r->query[i].value;
    }
    return (struct str){NULL, 0};
}

struct str http_method_name(enum http_method m)
{
    return method_names[m];
}

enum http_method http_method_parse(struct str name)
{
    if (str_eq(name, STR("HEAD")))
        return HTTP_GET;
    for (unsigned m = 0; m < HTTP_OTHER; m++) {
        if (str_eq(name, method_names[m]))
            return (enum http_method)m;
    }
    return HTTP_OTHER;
}

size_t http_path_split(struct str path, struct str *segments, size_t max)
{
    if (path.n == 0 || path.p[0] != '/')
        return 0;
    size_t count = 0;
    for (size_t at = 1;;) {
        if (count == max)
            return max + 1;
        struct str rest = str_slice(path, at, path.n);
        size_t n = str_find(rest, '/');
        segments[count++] = str_slice(rest, 0, n);
        if (n == rest.n)
            return count;
        at += n + 1;
    }
}

static struct str decode_or_leave(struct arena *a, struct str s)
{
    struct str decoded;
    return url_decode(a, s, URL_PLUS_IS_SPACE, &decoded) ? decoded : s;
}

size_t http_query_parse(struct arena *a, struct str query, const struct http_pair **out)
{
    size_t room = 1;
    for (size_t i = 0; i < query.n && room < HTTP_MAX_QUERY; i++)
        room += query.p[i] == '&';
    struct http_pair *pairs = ARENA_ARRAY(a, room, struct http_pair);
    size_t count = 0;
    while (query.n > 0 && count < room) {
        struct str pair = str_cut(query, '&', &query);
        if (pair.n == 0)
            continue;
        struct str value;
        struct str name = str_cut(pair, '=', &value);
        pairs[count++] = (struct http_pair){decode_or_leave(a, name), decode_or_leave(a, value)};
    }
    *out = pairs;
    return count;
}
