#include "codec/json.h"
#include "codec/scan.h"

#include <assert.h>
#include <string.h>

/* Where the next byte goes, and how many may follow: a copy of the buffer's state that the compiler can keep in
 * registers. After an overflow p == end, and there is never room again. */
struct out {
    struct buf *b;
    char *p;
    char *end;
    char nowhere; /* for p and end after an overflow */
};

static bool out_load(struct out *o, size_t n)
{
    struct buf *b = o->b;
    char *p = buf_reserve(b, n);
    o->p = p ? p : &o->nowhere;
    o->end = p ? b->p + (b->cap < b->max ? b->cap : b->max) : &o->nowhere;
    return p != NULL;
}

static void out_open(struct out *o, struct buf *b)
{
    o->b = b;
    (void)out_load(o, 0);
}

static void out_close(struct out *o)
{
    if (buf_ok(o->b))
        o->b->n = (size_t)(o->p - o->b->p);
}

static bool out_more(struct out *o, size_t n)
{
    out_close(o);
    return out_load(o, n);
}

static inline bool out_room(struct out *o, size_t n)
{
    return (size_t)(o->end - o->p) >= n || out_more(o, n);
}

static void put_char(struct out *o, char c)
{
    if (out_room(o, 1))
        *o->p++ = c;
}

static void put_text(struct out *o, struct str s)
{
    if (s.n && out_room(o, s.n)) {
        memcpy(o->p, s.p, s.n);
        o->p += s.n;
    }
}

static void put_int(struct out *o, int64_t i)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t left = i < 0 ? -(uint64_t)i : (uint64_t)i;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (i < 0)
        digits[--at] = '-';
    put_text(o, (struct str){digits + at, sizeof(digits) - at});
}

/* Canonical JSON: the short escape where there is one, \u00xx for other control characters, nothing else. */
static void put_escaped(struct out *o, char c)
{
    static const char letters[0x80] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)c;
    if (letters[byte]) {
        char text[] = {'\\', letters[byte]};
        put_text(o, (struct str){text, sizeof(text)});
    } else {
        char text[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
        put_text(o, (struct str){text, sizeof(text)});
    }
}

static void put_string(struct out *o, struct str s)
{
    const char *from = s.n ? s.p : "";
    if (!out_room(o, s.n + 2))
        return;
    *o->p++ = '"';
    size_t done = 0;
    for (;;) {
        size_t plain = scan_copy_unescaped(o->p, from + done, s.n - done);
        o->p += plain;
        done += plain;
        if (done == s.n)
            break;
        put_escaped(o, from[done++]);
        /* Each escape takes more than the byte that room was made for. */
        if (!out_room(o, s.n - done + 1))
            return;
    }
    *o->p++ = '"';
}

static void put_value(struct out *o, const struct json *v);

static void put_array(struct out *o, const struct json *v)
{
    put_char(o, '[');
    for (uint32_t i = 0; i < v->count; i++) {
        if (i)
            put_char(o, ',');
        put_value(o, &v->items[i]);
    }
    put_char(o, ']');
}

static void put_object(struct out *o, const struct json *v)
{
    put_char(o, '{');
    for (uint32_t i = 0; i < v->count; i++) {
        if (i)
            put_char(o, ',');
        put_string(o, v->members[i].key);
        put_char(o, ':');
        put_value(o, &v->members[i].value);
    }
    put_char(o, '}');
}

static void put_value(struct out *o, const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        put_text(o, STR("null"));
        return;
    case JSON_BOOL:
        put_text(o, v->b ? STR("true") : STR("false"));
        return;
    case JSON_INT:
        put_int(o, v->i);
        return;
    case JSON_FLOAT:
        put_text(o, v->s);
        return;
    case JSON_STRING:
        put_string(o, v->s);
        return;
    case JSON_ARRAY:
        put_array(o, v);
        return;
    case JSON_OBJECT:
        put_object(o, v);
        return;
    }
    assert(false && "a type of JSON");
}

void json_write(struct buf *b, const struct json *v)
{
    struct out o;
    out_open(&o, b);
    put_value(&o, v);
    out_close(&o);
}

void json_write_string(struct buf *b, struct str s)
{
    struct out o;
    out_open(&o, b);
    put_string(&o, s);
    out_close(&o);
}
