/*
 * Writing JSON straight into a buffer, for answers that need no tree.
 *
 *     json_begin_object(&w);
 *     json_field_str(&w, STR("user_id"), id);
 *     json_key(&w, STR("rooms")); json_begin_array(&w); ... json_end_array(&w);
 *     json_end_object(&w);
 *
 * Commas are put in by the writer. Begin and end must match, and in objects keys and values alternate (asserted); at
 * most 64 levels. Errors are those of the buffer: check buf_ok() once at the end.
 *
 * Threads: a writer belongs to one thread at a time.
 */
#ifndef HEARTH_CODEC_JSON_WRITER_H
#define HEARTH_CODEC_JSON_WRITER_H

#include "codec/json.h"

struct json_writer {
    struct buf *out;
    uint64_t has_items; /* bit n: the container at depth n holds something already */
    uint64_t is_object; /* bit n: the container at depth n is an object */
    unsigned depth;
    bool after_key;
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
/* A place in the text that is being written, to go back to when what followed turns out not to be wanted. Marks are
 * good until the container in which they were taken ends. */
struct json_writer_mark {
    struct json_writer state;
    size_t n;
};
struct json_writer_mark json_writer_mark(const struct json_writer *w);
void json_writer_rewind(struct json_writer *w, struct json_writer_mark mark);
/* A member's name; exactly one value must follow. */
void json_key(struct json_writer *w, struct str key);
void json_put_str(struct json_writer *w, struct str s);
void json_put_int(struct json_writer *w, int64_t i);
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
void json_put(struct json_writer *w, const struct json *v);
/* Text that is known to be one JSON value already. */
void json_put_raw(struct json_writer *w, struct str text);

void json_field_str(struct json_writer *w, struct str key, struct str value);
void json_field_int(struct json_writer *w, struct str key, int64_t value);
void json_field_bool(struct json_writer *w, struct str key, bool value);
void json_field(struct json_writer *w, struct str key, const struct json *value);
void json_field_raw(struct json_writer *w, struct str key, struct str text);

#endif
