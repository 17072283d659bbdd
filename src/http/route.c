#include "http/route.h"

#include "base/memory.h"
#include "codec/url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Longest literal segment of a pattern; what decodes to more matches none. */
#define MAX_LITERAL 128

struct node {
    struct str label;       /* empty string for a trailing "/" */
    struct node **children; /* literals, in the order of str_cmp */
    size_t child_count;
    struct node *param;
    unsigned methods;
    const void *rows[HTTP_METHOD_COUNT];
};

struct router {
    struct node root;
};

/* --- building --- */

/* Where `label` stands among the children, or where it belongs. */
static size_t child_index(const struct node *n, struct str label, bool *found)
{
    size_t low = 0, high = n->child_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(n->children[middle]->label, label);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static struct node *node_new(struct str label)
{
    struct node *n = memory_calloc(1, sizeof *n);
    n->label = label;
    return n;
}

static struct node *add_literal(struct node *n, struct str label)
{
    assert(label.n <= MAX_LITERAL);
    bool found;
    size_t at = child_index(n, label, &found);
    if (found)
        return n->children[at];
    n->children = memory_resize(n->children, (n->child_count + 1) * sizeof(struct node *));
    memmove(n->children + at + 1, n->children + at, (n->child_count - at) * sizeof(struct node *));
    n->child_count++;
    return n->children[at] = node_new(label);
}

static bool is_param(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

static void add_row(struct router *r, const struct router_row *row)
{
    struct str segments[HTTP_MAX_SEGMENTS];
    size_t count = http_path_split(str_of(row->pattern), segments, HTTP_MAX_SEGMENTS);
    assert(count > 0 && count <= HTTP_MAX_SEGMENTS && row->row && row->method < HTTP_METHOD_COUNT);
    struct node *n = &r->root;
    size_t params = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_param(segments[i])) {
            assert(str_find(segments[i], '{') == segments[i].n && str_find(segments[i], '}') == segments[i].n);
            n = add_literal(n, segments[i]);
            continue;
        }
        params++;
        if (!n->param)
            n->param = node_new(segments[i]);
        n = n->param;
    }
    assert(params <= ROUTER_MAX_PARAMS && !n->rows[row->method]);
    n->rows[row->method] = row->row;
    n->methods |= 1u << row->method;
}

struct router *router_new(const struct router_row *rows, size_t count)
{
    struct router *r = memory_calloc(1, sizeof *r);
    for (size_t i = 0; i < count; i++)
        add_row(r, &rows[i]);
    return r;
}

/* As deep as the longest pattern. */
static void node_fini(struct node *n)
{
    for (size_t i = 0; i < n->child_count; i++) {
        node_fini(n->children[i]);
        free(n->children[i]);
    }
    free(n->children);
    if (n->param)
        node_fini(n->param);
    free(n->param);
}

void router_free(struct router **r)
{
    if (!*r)
        return;
    node_fini(&(*r)->root);
    free(*r);
    *r = NULL;
}

/* --- matching --- */

struct search {
    const struct str *segments;
    size_t count;
    enum http_method method;
    struct router_match match;
};

static const struct node *literal_child(const struct node *n, struct str segment)
{
    char decoded[MAX_LITERAL];
    if (str_find(segment, '%') < segment.n && !url_decode_into(decoded, sizeof decoded, segment, 0, &segment))
        return NULL;
    bool found;
    size_t at = child_index(n, segment, &found);
    return found ? n->children[at] : NULL;
}

/* Visits each node at most once: every node is reached by one path only. As deep as the longest pattern. */
static bool search_from(struct search *s, const struct node *n, size_t depth, size_t params)
{
    if (depth == s->count) {
        s->match.methods |= n->methods;
        s->match.row = n->rows[s->method];
        s->match.param_count = params;
        return s->match.row != NULL;
    }
    const struct node *child = literal_child(n, s->segments[depth]);
    if (child && search_from(s, child, depth + 1, params))
        return true;
    if (!n->param || s->segments[depth].n == 0)
        return false;
    s->match.params[params] = s->segments[depth];
    return search_from(s, n->param, depth + 1, params + 1);
}

struct router_match router_match(const struct router *r, enum http_method method, const struct str *segments,
                                 size_t segment_count, struct arena *arena)
{
    struct search s = {.segments = segments, .count = segment_count, .method = method};
    for (size_t i = 0; i < segment_count; i++) {
        if (!url_valid(segments[i])) {
            s.match.result = ROUTER_MALFORMED;
            return s.match;
        }
    }
    if (!search_from(&s, &r->root, 0, 0)) {
        s.match.param_count = 0;
        s.match.result = s.match.methods ? ROUTER_METHOD : ROUTER_UNKNOWN;
        return s.match;
    }
    s.match.result = ROUTER_FOUND;
    for (size_t i = 0; arena && i < s.match.param_count; i++) {
        bool decoded = url_decode(arena, s.match.params[i], 0, &s.match.params[i]);
        assert(decoded);
    }
    return s.match;
}

struct str router_allow(struct arena *arena, unsigned methods)
{
    struct str list = STR("");
    for (unsigned m = 0; m < HTTP_OTHER; m++) {
        if (!(methods & 1u << m))
            continue;
        struct str name = m == HTTP_GET ? STR("GET, HEAD") : http_method_name((enum http_method)m);
        list = str_fmt(arena, "%.*s%s%.*s", STR_ARG(list), list.n ? ", " : "", STR_ARG(name));
    }
    return list;
}
