#include "codec/json_writer.h"

#include <assert.h>

enum { DEPTH_MAX = 64 };

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static uint64_t top_bit(const struct json_writer *w)
{
    return UINT64_C(1) << (w->depth - 1);
}

static void comma(struct json_writer *w)
{
    if (w->has_items & top_bit(w))
        buf_add_char(w->out, ',');
    w->has_items |= top_bit(w);
}

/* Before a value: the comma, unless the value belongs to a name or stands alone. */
static void separate(struct json_writer *w)
{
    if (w->depth == 0)
        return;
    assert(w->after_key == ((w->is_object & top_bit(w)) != 0));
    if (!w->after_key)
        comma(w);
    w->after_key = false;
}

static void begin(struct json_writer *w, bool object)
{
    separate(w);
    assert(w->depth < DEPTH_MAX);
    w->depth++;
    w->has_items &= ~top_bit(w);
    w->is_object = object ? w->is_object | top_bit(w) : w->is_object & ~top_bit(w);
    buf_add_char(w->out, object ? '{' : '[');
}

static void end(struct json_writer *w, bool object)
{
    assert(w->depth > 0 && !w->after_key);
    assert(object == ((w->is_object & top_bit(w)) != 0));
    buf_add_char(w->out, object ? '}' : ']');
    w->depth--;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, true);
}

void json_end_object(struct json_writer *w)
{
    end(w, true);
}

void json_begin_array(struct json_writer *w)
{
    begin(w, false);
}

void json_end_array(struct json_writer *w)
{
    end(w, false);
}

struct json_writer_mark json_writer_mark(const struct json_writer *w)
{
    return (struct json_writer_mark){.state = *w, .n = w->out->n};
}

void json_writer_rewind(struct json_writer *w, struct json_writer_mark mark)
{
    assert(w->depth >= mark.state.depth && w->out->n >= mark.n);
    *w = mark.state;
    w->out->n = mark.n;
}

void json_key(struct json_writer *w, struct str key)
{
    assert(w->depth > 0 && !w->after_key && (w->is_object & top_bit(w)));
    comma(w);
    json_write_string(w->out, key);
    buf_add_char(w->out, ':');
    w->after_key = true;
}

void json_put_str(struct json_writer *w, struct str s)
{
    separate(w);
    json_write_string(w->out, s);
}

void json_put_int(struct json_writer *w, int64_t i)
{
    separate(w);
    buf_add_i64(w->out, i);
}

void json_put_bool(struct json_writer *w, bool b)
{
    separate(w);
    buf_add(w->out, b ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    separate(w);
    buf_add(w->out, STR("null"));
}

void json_put(struct json_writer *w, const struct json *v)
{
    separate(w);
    json_write(w->out, v);
}

void json_put_raw(struct json_writer *w, struct str text)
{
    assert(text.n > 0);
    separate(w);
    buf_add(w->out, text);
}

void json_field_str(struct json_writer *w, struct str key, struct str value)
{
    json_key(w, key);
    json_put_str(w, value);
}

void json_field_int(struct json_writer *w, struct str key, int64_t value)
{
    json_key(w, key);
    json_put_int(w, value);
}

void json_field_bool(struct json_writer *w, struct str key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

void json_field(struct json_writer *w, struct str key, const struct json *value)
{
    json_key(w, key);
    json_put(w, value);
}

void json_field_raw(struct json_writer *w, struct str key, struct str text)
{
    json_key(w, key);
    json_put_raw(w, text);
}
