/* Replies as values, and what becomes of them on the wire. */
#include <fcntl.h>
#include <stdlib.h>

#include "raw_client.h"

static struct str body_of(const struct http_reply *r)
{
    return (struct str){r->body.p, r->body.size};
}

static void takes_buffers(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_add(&b, STR("hello"));
    struct http_reply r = http_reply_take(201, &b);
    assert_int_equal(r.status, 201);
    check_str(body_of(&r), STR("hello"), "body");
    http_reply_fini(&r);
    http_reply_fini(&r);
    buf_init(&b, 3);
    buf_add(&b, STR("hello"));
    r = http_reply_take(200, &b);
    assert_int_equal(r.status, 500);
    http_reply_fini(&r);
    buf_init(&b, 3);
    r = http_reply_take(200, &b);
    assert_int_equal(r.body.size, 0);
    http_reply_fini(&r);
}

static void refuses_headers(void **state)
{
    static char large[HTTP_REPLY_MAX_HEADER_BYTES + 1];
    static const struct {
        struct str name, value;
        bool ok;
    } cases[] = {
        {STR_INIT("Location"), STR_INIT("https://h/?a=b"), true},
        {STR_INIT("X"), STR_INIT(""), true},
        {STR_INIT(""), STR_INIT("x"), false},
        {STR_INIT("X"), STR_INIT("a\r\nSet-Cookie: b"), false},
        {STR_INIT("X"), STR_INIT("a\rb"), false},
        {STR_INIT("X"), STR_INIT("a\nb"), false},
        {STR_INIT("X"), STR_INIT("a\0b"), false},
        {STR_INIT("X\n"), STR_INIT("a"), false},
        {STR_INIT("X"), {large, sizeof large - 1}, true},
        {STR_INIT("X"), {large, sizeof large}, false},
    };
    (void)state;
    memset(large, 'l', sizeof large);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_reply r = http_reply_static(200, STR("{}"));
        check_case(http_reply_header(&r, cases[i].name, cases[i].value) == cases[i].ok, cases[i].value.p);
        check_case(r.header_count == cases[i].ok, cases[i].value.p);
    }
    struct http_reply r = http_reply_static(200, STR("{}"));
    for (unsigned i = 0; i < HTTP_REPLY_MAX_HEADERS; i++)
        assert_true(http_reply_header(&r, STR("X"), STR("x")));
    assert_false(http_reply_header(&r, STR("X"), STR("x")));
}

/* --- on the wire --- */

static char large_value[HTTP_REPLY_MAX_HEADER_BYTES];

static struct http_reply make_reply(struct http_request *r)
{
    struct str kind = r->segments[0];
    struct http_reply reply = http_reply_static(200, STR("static"));
    bool ok = true;
    if (str_eq(kind, STR("none"))) {
        reply = (struct http_reply){.status = 204};
    } else if (str_eq(kind, STR("headers"))) {
        ok = http_reply_header(&reply, STR("Location"), str_fmt(r->arena, "https://h/%d", 5)) &&
             http_reply_header(&reply, STR("access-control-allow-origin"), STR("https://only.me"));
        reply.content_type = "text/html; charset=utf-8";
    } else if (str_eq(kind, STR("close"))) {
        reply.close = true;
    } else if (str_eq(kind, STR("large"))) {
        ok = http_reply_header(&reply, STR("X-L"), (struct str){large_value, sizeof large_value});
    } else if (str_eq(kind, STR("too-large"))) {
        ok = http_reply_header(&reply, STR("X-L"), (struct str){large_value, sizeof large_value}) &&
             http_reply_header(&reply, STR("X-M"), (struct str){large_value, sizeof large_value});
    } else if (str_eq(kind, STR("no-status"))) {
        reply.status = 0;
    } else if (str_eq(kind, STR("parks-for-ever"))) {
        reply = http_reply_park((struct http_park){.deadline_ms = clock_mono_ms() + 10});
    } else if (str_eq(kind, STR("file"))) {
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        reply = http_reply_file(206, fd, 1, 3, "application/octet-stream");
    }
    assert_true(ok);
    return reply;
}

static struct http_reply handle(void *ctx, struct http_request *r)
{
    (void)ctx;
    return make_reply(r);
}

static void sends_them(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *body;
        const char *head[3];
        const char *not_head;
    } cases[] = {
        {GET("/static"), 200, "static", {"Content-Type: application/json\r\n", "Content-Length: 6\r\n"}, "Connection:"},
        {GET("/none"), 204, "", {"Access-Control-Allow-Origin: *\r\n"}, "Content-Type:"},
        {GET("/headers"),
         200,
         "static",
         {"Location: https://h/5\r\n", "access-control-allow-origin: https://only.me\r\n",
          "Content-Type: text/html; charset=utf-8\r\n"},
         "Origin: *"},
        {GET("/close"), 200, "static", {"Connection: close\r\n"}, "X-Nothing:"},
        {GET("/large"), 200, "static", {"X-L: lll"}, "X-Nothing:"},
        {GET("/too-large"),
         500,
         "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Internal server error\"}",
         {"Allow-Origin: *"},
         "X-L"},
        {GET("/no-status"),
         500,
         "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Internal server error\"}",
         {"Allow-Origin: *"},
         "X-Nothing:"},
        {GET("/parks-for-ever"),
         500,
         "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Internal server error\"}",
         {"Allow-Origin: *"},
         "X-Nothing:"},
        {GET("/file"),
         206,
         "ELF",
         {"Content-Type: application/octet-stream\r\n", "Content-Length: 3\r\n"},
         "X-Nothing:"},
    };
    (void)state;
    memset(large_value, 'l', sizeof large_value);
    const struct http_callbacks callbacks = {raw_classify, handle, NULL};
    struct http_server *s = http_server_new(&(struct http_server_options){0}, &callbacks);
    assert_non_null(s);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", 0), 0);
    assert_true(http_server_start(s));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct raw_response r = raw_ask(http_server_port(s, 0), cases[i].request);
        check_case(r.status == cases[i].status, cases[i].request);
        check_str(str_of(r.body), str_of(cases[i].body), cases[i].request);
        for (unsigned k = 0; k < 3 && cases[i].head[k]; k++)
            check_case(strstr(r.head, cases[i].head[k]), cases[i].request);
        check_case(!strstr(r.head, cases[i].not_head), cases[i].request);
    }
    http_server_free(&s);
}

/* The largest head of a response beside the largest of a request. */
static void sends_large_heads_after_large_heads(void **state)
{
    static char request[9000];
    (void)state;
    memset(large_value, 'l', sizeof large_value);
    const struct http_callbacks callbacks = {raw_classify, handle, NULL};
    struct http_server *s = http_server_new(&(struct http_server_options){0}, &callbacks);
    assert_non_null(s);
    assert_int_equal(http_server_listen_tcp(s, "127.0.0.1", 0), 0);
    assert_true(http_server_start(s));
    for (int pad = 7000; pad < 8300; pad += 13) {
        sprintf(request, "GET /large HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n", pad, 0);
        struct raw_response r = raw_ask(http_server_port(s, 0), request);
        assert_true(r.status == 200 || r.status == 431);
        assert_int_equal(r.status == 200, strlen(request) <= 8 << 10 && strlen(request) + 2 * 64 + 16 <= 8 << 10);
    }
    http_server_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_buffers),
        cmocka_unit_test(refuses_headers),
        cmocka_unit_test(sends_them),
        cmocka_unit_test(sends_large_heads_after_large_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
