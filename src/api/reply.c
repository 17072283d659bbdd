#include "api/api.h"

#include <assert.h>

/* Larger than any answer the server makes; a body beyond it is a bug that must not take the machine's memory. */
#define REPLY_MAX ((size_t)256 << 20)
#define ERROR_MAX 8192

struct http_reply reply_json(const struct json *value)
{
    struct buf b;
    buf_init(&b, REPLY_MAX);
    json_write(&b, value);
    return reply_buf(&b);
}

void reply_begin(struct api_request *r, struct buf *body, size_t max)
{
    struct http_answer_memory *memory = r->http->answer;
    if (memory)
        buf_init_metered(body, max < memory->max ? max : memory->max, &memory->meter);
    else
        buf_init(body, max);
}

struct http_reply reply_buf(struct buf *body)
{
    return http_reply_take(200, body);
}

struct http_reply reply_empty(void)
{
    return http_reply_static(200, STR("{}"));
}

struct http_reply reply_error(enum errcode code, const char *message)
{
    return reply_fault((struct fault){.code = code, .message = str_of(message)});
}

/* A reply has no arena for a number's digits, and nobody needs it to the second: the next longer of these. */
static struct str retry_after(int64_t ms)
{
    static const struct {
        int64_t seconds;
        struct str text;
    } steps[] = {
        {1, STR_INIT("1")},     {2, STR_INIT("2")},     {3, STR_INIT("3")},     {5, STR_INIT("5")},
        {10, STR_INIT("10")},   {20, STR_INIT("20")},   {30, STR_INIT("30")},   {60, STR_INIT("60")},
        {120, STR_INIT("120")}, {300, STR_INIT("300")}, {600, STR_INIT("600")}, {3600, STR_INIT("3600")},
    };
    size_t last = sizeof steps / sizeof steps[0] - 1;
    size_t i = 0;
    while (i < last && steps[i].seconds * 1000 < ms)
        i++;
    return steps[i].text;
}

struct http_reply reply_fault(struct fault fault)
{
    assert(fault.code != ERRCODE_NONE && fault.code < ERRCODE_COUNT);
    struct buf b;
    struct json_writer w;
    buf_init(&b, ERROR_MAX);
    json_writer_init(&w, &b);
    json_begin_object(&w);
    json_field_str(&w, STR("errcode"), errcode_name(fault.code));
    json_field_str(&w, STR("error"), str_slice(fault.message, 0, ERROR_MAX / 8));
    if (fault.code == M_LIMIT_EXCEEDED)
        json_field_int(&w, STR("retry_after_ms"), fault.retry_after_ms);
    if (fault.soft_logout)
        json_field_bool(&w, STR("soft_logout"), true);
    json_end_object(&w);

    struct http_reply reply = http_reply_take(fault.status ? fault.status : errcode_status(fault.code), &b);
    if (fault.code == M_LIMIT_EXCEEDED) {
        bool added = http_reply_header(&reply, STR("Retry-After"), retry_after(fault.retry_after_ms));
        assert(added);
    }
    return reply;
}
