#include "http/framing.h"
#include "http/response.h"
#include "http/server_parts.h"

#include <string.h>

/* What libmicrohttpd takes for each header and cookie in the connection's memory. */
static const size_t header_record = 64;

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                  const char *value, size_t value_n)
{
    struct exchange_headers *list = cls;
    (void)kind;
    if (list->count++ >= HTTP_MAX_HEADERS)
        return MHD_NO;
    list->pairs[list->count - 1] = (struct http_pair){{name, name_n}, {value ? value : "", value_n}};
    return MHD_YES;
}

void exchange_read_headers(struct MHD_Connection *connection, struct exchange_headers *out)
{
    out->count = 0;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, out);
}

void exchange_trim_headers(struct exchange_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        headers->pairs[i].value = str_trim(headers->pairs[i].value);
}

struct str exchange_path(const struct exchange *x)
{
    return (struct str){x->target, x->path_n};
}

struct str exchange_query(const struct exchange *x)
{
    if (x->path_n == x->target_n)
        return (struct str){NULL, 0};
    return (struct str){x->target + x->path_n + 1, x->target_n - x->path_n - 1};
}

/* libmicrohttpd hands out the memory that it parses in place as const; it is not. */
static void poke(const char *at, char c)
{
    memcpy((char *)(uintptr_t)at, &c, 1);
}

/*
 * libmicrohttpd would make a record of 64 bytes in the connection's memory of each query parameter. The query is parsed
 * here anyway, so it is made to look empty until the head is complete.
 */
void exchange_take_target(struct exchange *x, const char *target)
{
    x->target = target;
    x->target_n = (uint32_t)strlen(x->target);
    x->path_n = (uint32_t)str_find((struct str){x->target, x->target_n}, '?');
    if (x->path_n < x->target_n) {
        x->query_first = x->target[x->path_n + 1];
        poke(x->target + x->path_n + 1, '\0');
    }
}

void exchange_restore_target(struct exchange *x)
{
    if (x->path_n == x->target_n)
        return;
    poke(x->target + x->path_n, '?');
    poke(x->target + x->path_n + 1, x->query_first);
}

bool exchange_head_fits(const struct exchange *x, const struct framing_head *h)
{
    size_t bytes = (size_t)(h->end - h->block);
    int cookies = MHD_get_connection_values(x->connection, MHD_COOKIE_KIND, NULL, NULL);
    size_t records = h->header_count + (cookies > 0 ? (size_t)cookies : 0);
    size_t copy = http_pairs_header(h->headers, h->header_count, STR("Cookie")).n + 16;
    const struct http_server *s = x->server;
    return bytes <= s->options.max_header_bytes &&
           bytes + copy + records * header_record + RESPONSE_HEAD_MAX <= s->connection_memory;
}

/* Origin-form, absolute-form, or "*" with OPTIONS. */
bool exchange_cut_target(struct exchange *x)
{
    struct str path = exchange_path(x);
    if (path.n > 0 && path.p[0] == '/')
        return true;
    if (str_eq(path, STR("*")) && x->method == HTTP_OPTIONS)
        return true;
    size_t scheme = str_find_str(path, STR("://"));
    struct str name = str_slice(path, 0, scheme);
    if (scheme == path.n || !(str_eq_nocase(name, STR("http")) || str_eq_nocase(name, STR("https"))))
        return false;
    size_t slash = scheme + 3 + str_find(str_slice(path, scheme + 3, path.n), '/');
    if (slash >= path.n)
        return false;
    x->target += slash;
    x->target_n -= (uint32_t)slash;
    x->path_n -= (uint32_t)slash;
    return true;
}
