#include "base/memory.h"
#include "codec/json.h"
#include "codec/scan.h"
#include "codec/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Members of the containers that are still open wait on a stack, which starts on the thread's own stack and moves to
 * the heap when it grows. When a container ends, its members are sorted into one allocation of the arena: a node costs
 * no allocation of its own, and nothing is left behind by growing. Items of arrays stand there as members without a
 * key. */
enum { PENDING_FIRST = 64, RUN_LENGTH = 16 };

struct parser {
    const char *p;
    const char *end;
    struct arena *a;
    struct json_member *pending;
    size_t pending_count;
    size_t pending_cap;
    struct json_member *heap; /* `pending` if it has moved there */
    const char *error;
    const char *error_at;
    const char *begin;
};

static bool parse_value(struct parser *ps, struct json *out, unsigned depth_left);

static bool fail(struct parser *ps, const char *at, const char *error)
{
    ps->error = error;
    ps->error_at = at;
    return false;
}

static bool fail_unexpected(struct parser *ps, const char *error)
{
    return fail(ps, ps->p, ps->p == ps->end ? "unexpected end of text" : error);
}

static void skip_blanks(struct parser *ps)
{
    const char *p = ps->p;
    while (p < ps->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    ps->p = p;
}

static bool take(struct parser *ps, char c)
{
    if (ps->p == ps->end || *ps->p != c)
        return false;
    ps->p++;
    return true;
}

/* --- strings --- */

/* What the character after a backslash stands for; 'u' is seen to elsewhere. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b', ['f'] = '\f',
    ['n'] = '\n', ['r'] = '\r',  ['t'] = '\t', ['u'] = 'u',
};

static bool parse_hex4(const char *p, const char *end, uint32_t *out)
{
    uint32_t v = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* Reads a \u escape, or two that make a pair; *at stands on the backslash and is moved behind. */
static bool parse_unicode_escape(struct parser *ps, const char **at, const char *end, uint32_t *code_point)
{
    const char *p = *at;
    uint32_t low;
    if (!parse_hex4(p + 2, end, code_point))
        return fail(ps, p, "invalid escape in a string");
    *at = p + 6;
    if (*code_point < 0xd800 || *code_point > 0xdfff)
        return true;
    bool followed = end - p >= 8 && p[6] == '\\' && p[7] == 'u' && parse_hex4(p + 8, end, &low);
    if (*code_point > 0xdbff || !followed || low < 0xdc00 || low > 0xdfff)
        return fail(ps, p, "lone surrogate in a string");
    *code_point = 0x10000 + ((*code_point - 0xd800) << 10) + (low - 0xdc00);
    *at = p + 12;
    return true;
}

/* `raw` is the inside of a string, whose escapes are known to be a backslash and a letter of the table. */
static bool unescape(struct parser *ps, struct str raw, struct str *out)
{
    char *to = arena_alloc(ps->a, raw.n);
    out->p = to;
    const char *p = raw.p;
    const char *end = raw.p + raw.n;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((backslash ? backslash : end) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (!backslash)
            break;
        if (p[1] == 'u') {
            uint32_t code_point;
            if (!parse_unicode_escape(ps, &p, end, &code_point))
                return false;
            to += utf8_encode(code_point, to);
        } else {
            *to++ = escapes[(unsigned char)p[1]];
            p += 2;
        }
    }
    out->n = (size_t)(to - out->p);
    return true;
}

/* Steps over what is not plain ASCII: a run of characters beyond it, or one escape. */
static bool skip_special(struct parser *ps, const char **at, bool *escaped)
{
    const char *p = *at;
    if (*p == '\\') {
        if (ps->end - p < 2)
            return fail(ps, ps->end, "unexpected end of text");
        if (!escapes[(unsigned char)p[1]])
            return fail(ps, p, "invalid escape in a string");
        *escaped = true;
        *at = p + 2;
        return true;
    }
    if ((unsigned char)*p < 0x20)
        return fail(ps, p, "control character in a string");
    do {
        size_t size = utf8_size(p, (size_t)(ps->end - p));
        if (size == 0)
            return fail(ps, p, "invalid UTF-8");
        p += size;
    } while (p < ps->end && (unsigned char)*p >= 0x80);
    *at = p;
    return true;
}

/* Behind the opening quote. */
static bool parse_string(struct parser *ps, struct str *out)
{
    const char *start = ps->p;
    const char *p = start;
    bool escaped = false;
    for (;;) {
        p += scan_plain(p, (size_t)(ps->end - p));
        if (p == ps->end)
            return fail(ps, p, "unexpected end of text");
        if (*p == '"')
            break;
        if (!skip_special(ps, &p, &escaped))
            return false;
    }
    ps->p = p + 1;
    *out = (struct str){start, (size_t)(p - start)};
    return escaped ? unescape(ps, *out, out) : true;
}

/* --- numbers and names --- */

static bool is_digit(const struct parser *ps)
{
    return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

static bool skip_digits(struct parser *ps)
{
    if (!is_digit(ps))
        return fail_unexpected(ps, "invalid number");
    while (is_digit(ps))
        ps->p++;
    return true;
}

/* A fraction and an exponent, if they are there. */
static bool skip_fraction(struct parser *ps)
{
    if (take(ps, '.') && !skip_digits(ps))
        return false;
    if (take(ps, 'e') || take(ps, 'E')) {
        if (!take(ps, '+'))
            take(ps, '-');
        return skip_digits(ps);
    }
    return true;
}

static bool parse_number(struct parser *ps, struct json *out)
{
    const char *start = ps->p;
    bool negative = take(ps, '-');
    const char *digits = ps->p;
    uint64_t v = 0;
    if (!is_digit(ps))
        return fail_unexpected(ps, "invalid number");
    /* A number starts with no 0 but that of "0" itself. The sum may wrap for texts that are too long anyway. */
    if (!take(ps, '0')) {
        while (is_digit(ps))
            v = v * 10 + (uint64_t)(*ps->p++ - '0');
    }
    const char *whole_end = ps->p;
    if (!skip_fraction(ps))
        return false;
    bool is_int = ps->p == whole_end && ps->p - digits <= 16 && v <= JSON_INT_MAX && !(negative && v == 0);
    if (is_int)
        *out = (struct json){.type = JSON_INT, .i = negative ? -(int64_t)v : (int64_t)v};
    else
        *out = (struct json){.type = JSON_FLOAT, .s = {start, (size_t)(ps->p - start)}};
    return true;
}

static bool parse_name(struct parser *ps, struct str name, struct json value, struct json *out)
{
    if ((size_t)(ps->end - ps->p) < name.n || memcmp(ps->p, name.p, name.n) != 0)
        return fail(ps, ps->p, "unexpected character");
    ps->p += name.n;
    *out = value;
    return true;
}

/* --- containers --- */

static void push(struct parser *ps, const struct json_member *m)
{
    if (ps->pending_count == ps->pending_cap) {
        size_t cap = ps->pending_cap * 2;
        bool moved = ps->heap != NULL;
        ps->heap = memory_resize(ps->heap, cap * sizeof(*ps->heap));
        if (!moved)
            memcpy(ps->heap, ps->pending, ps->pending_count * sizeof(*ps->heap));
        ps->pending = ps->heap;
        ps->pending_cap = cap;
    }
    ps->pending[ps->pending_count++] = *m;
}

/* str_cmp(), with what mostly decides it tried before memcmp is called. */
static int compare_keys(struct str a, struct str b)
{
    if (a.n && b.n && a.p[0] != b.p[0])
        return (unsigned char)a.p[0] < (unsigned char)b.p[0] ? -1 : 1;
    return str_cmp(a, b);
}

static void sort_run(struct json_member *m, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct json_member moving = m[i];
        size_t at = i;
        for (; at > 0 && compare_keys(m[at - 1].key, moving.key) > 0; at--)
            m[at] = m[at - 1];
        m[at] = moving;
    }
}

static void merge(const struct json_member *left, size_t left_count, const struct json_member *right,
                  size_t right_count, struct json_member *to)
{
    while (left_count && right_count) {
        if (compare_keys(left->key, right->key) <= 0) {
            *to++ = *left++;
            left_count--;
        } else {
            *to++ = *right++;
            right_count--;
        }
    }
    memcpy(to, left, left_count * sizeof(*to));
    memcpy(to + left_count, right, right_count * sizeof(*to));
}

/* Sorts `from` into `to`, using both: runs by insertion, then merges to and fro. Equal keys stay in their order. */
static void sort_members(struct json_member *from, struct json_member *to, size_t n)
{
    struct json_member *source = from;
    struct json_member *target = to;
    for (size_t i = 0; i < n; i += RUN_LENGTH)
        sort_run(source + i, n - i < RUN_LENGTH ? n - i : RUN_LENGTH);
    for (size_t width = RUN_LENGTH; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t left = n - i < width ? n - i : width;
            size_t right = n - i - left < width ? n - i - left : width;
            merge(source + i, left, source + i + left, right, target + i);
        }
        struct json_member *swap = source;
        source = target;
        target = swap;
    }
    if (source == from)
        memcpy(to, from, n * sizeof(*to));
}

static bool refuse_duplicates(struct parser *ps, const struct json_member *m, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (!str_eq(m[i - 1].key, m[i].key))
            continue;
        /* A key that held escapes stands in the arena, not in the source: then the object's end has to do. */
        uintptr_t key = (uintptr_t)m[i].key.p;
        bool in_source = key >= (uintptr_t)ps->begin && key < (uintptr_t)ps->end;
        return fail(ps, in_source ? m[i].key.p - 1 : ps->p - 1, "duplicate key");
    }
    return true;
}

static bool finish_object(struct parser *ps, size_t first, bool sorted, struct json *out)
{
    struct json_member *from = ps->pending + first;
    size_t n = ps->pending_count - first;
    struct json_member *members = ARENA_ARRAY(ps->a, n, struct json_member);
    if (sorted)
        memcpy(members, from, n * sizeof(*members));
    else
        sort_members(from, members, n);
    ps->pending_count = first;
    *out = (struct json){.type = JSON_OBJECT, .count = (uint32_t)n, .cap = (uint32_t)n, .members = members};
    return sorted || refuse_duplicates(ps, members, n);
}

/* A member's name with its colon. `first` is where the members of the object start. */
static bool parse_key(struct parser *ps, size_t first, struct str *key, bool *sorted)
{
    skip_blanks(ps);
    const char *at = ps->p;
    if (!take(ps, '"'))
        return fail_unexpected(ps, "expected the name of a member");
    if (!parse_string(ps, key))
        return false;
    if (ps->pending_count > first) {
        int order = compare_keys(ps->pending[ps->pending_count - 1].key, *key);
        if (order == 0)
            return fail(ps, at, "duplicate key");
        *sorted = *sorted && order < 0;
    }
    skip_blanks(ps);
    return take(ps, ':') ? true : fail_unexpected(ps, "expected ':'");
}

/* Behind the opening brace. */
static bool parse_object(struct parser *ps, struct json *out, unsigned depth_left)
{
    size_t first = ps->pending_count;
    bool sorted = true;
    skip_blanks(ps);
    if (take(ps, '}'))
        return finish_object(ps, first, sorted, out);
    for (;;) {
        struct json_member m;
        if (!parse_key(ps, first, &m.key, &sorted) || !parse_value(ps, &m.value, depth_left))
            return false;
        push(ps, &m);
        skip_blanks(ps);
        if (take(ps, '}'))
            return finish_object(ps, first, sorted, out);
        if (!take(ps, ','))
            return fail_unexpected(ps, "expected ',' or '}'");
    }
}

static void finish_array(struct parser *ps, size_t first, struct json *out)
{
    size_t n = ps->pending_count - first;
    struct json *items = ARENA_ARRAY(ps->a, n, struct json);
    for (size_t i = 0; i < n; i++)
        items[i] = ps->pending[first + i].value;
    ps->pending_count = first;
    *out = (struct json){.type = JSON_ARRAY, .count = (uint32_t)n, .cap = (uint32_t)n, .items = items};
}

/* Behind the opening bracket. */
static bool parse_array(struct parser *ps, struct json *out, unsigned depth_left)
{
    size_t first = ps->pending_count;
    skip_blanks(ps);
    if (take(ps, ']')) {
        finish_array(ps, first, out);
        return true;
    }
    for (;;) {
        struct json_member m = {.key = {NULL, 0}};
        if (!parse_value(ps, &m.value, depth_left))
            return false;
        push(ps, &m);
        skip_blanks(ps);
        if (take(ps, ']'))
            break;
        if (!take(ps, ','))
            return fail_unexpected(ps, "expected ',' or ']'");
    }
    finish_array(ps, first, out);
    return true;
}

static bool parse_container(struct parser *ps, struct json *out, unsigned depth_left)
{
    if (depth_left == 0)
        return fail(ps, ps->p, "nested too deeply");
    return *ps->p++ == '{' ? parse_object(ps, out, depth_left - 1) : parse_array(ps, out, depth_left - 1);
}

static bool parse_value(struct parser *ps, struct json *out, unsigned depth_left)
{
    skip_blanks(ps);
    if (ps->p == ps->end)
        return fail(ps, ps->p, "unexpected end of text");
    switch (*ps->p) {
    case '"':
        ps->p++;
        *out = (struct json){.type = JSON_STRING};
        return parse_string(ps, &out->s);
    case '{':
    case '[':
        return parse_container(ps, out, depth_left);
    case 't':
        return parse_name(ps, STR("true"), json_bool(true), out);
    case 'f':
        return parse_name(ps, STR("false"), json_bool(false), out);
    case 'n':
        return parse_name(ps, STR("null"), json_null(), out);
    default:
        if (*ps->p == '-' || is_digit(ps))
            return parse_number(ps, out);
        return fail(ps, ps->p, "unexpected character");
    }
}

static bool parse_text(struct parser *ps, struct json *out, unsigned max_depth)
{
    /* So that 32 bits count every member. */
    if (ps->end - ps->p > UINT32_MAX)
        return fail(ps, ps->p, "text too long");
    if (!parse_value(ps, out, max_depth))
        return false;
    skip_blanks(ps);
    return ps->p == ps->end ? true : fail(ps, ps->p, "bytes after the value");
}

struct json_result json_parse(struct arena *a, struct str text, unsigned max_depth)
{
    assert(max_depth <= JSON_DEPTH_MAX);
    const char *begin = text.p ? text.p : "";
    struct json_member first_pending[PENDING_FIRST];
    struct parser ps = {
        .p = begin,
        .begin = begin,
        .end = begin + text.n,
        .a = a,
        .pending = first_pending,
        .pending_cap = PENDING_FIRST,
    };
    struct arena_mark mark = arena_mark(a);
    struct json *value = ARENA_NEW(a, struct json);
    bool ok = parse_text(&ps, value, max_depth);
    free(ps.heap);
    if (ok)
        return (struct json_result){.value = value};
    arena_release(a, mark);
    return (struct json_result){.error = ps.error, .offset = (size_t)(ps.error_at - begin)};
}
