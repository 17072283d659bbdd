/* Over real sockets: what matters is what libmicrohttpd makes of the bytes, and whether that is noticed. */
#include "raw_client.h"

#define HOST "Host: h\r\n"

static void accepts_what_is_well_formed(void **state)
{
    static const struct {
        const char *name, *request, *body;
    } cases[] = {
        {"plain", GET("/echo"), "GET /echo client=127.0.0.1 listener=0 headers=1 runs=0 tag=tag body="},
        {"raw path", GET("/echo/%2F%41/+//x/"), "GET /echo/%2F%41/+//x/ client"},
        {"query", GET("/echo?a=%20b+c&d"), "body= a= b c d="},
        {"empty query", GET("/echo?"), "body="},
        {"one byte of query", GET("/echo?x"), "body= x="},
        {"question marks", GET("/echo?a=?&b=??"), "body= a=? b=??"},
        {"white space around a value", "GET /echo HTTP/1.1\r\nHost:  h\r\nX-A:\tb c \r\nX-B:\r\n\r\n", "headers=3"},
        {"blanks behind a value", "GET /echo HTTP/1.1\r\nHost: h\r\nX-Echo: \t b c \t \r\n\r\n", "X-Echo=[b c]"},
        {"a value of blanks", "GET /echo HTTP/1.1\r\nHost: h\r\nX-Echo: \t \r\n\r\n", "X-Echo=[]"},
        {"blanks behind Host", "GET /echo HTTP/1.1\r\nHost: h:80 \t\r\n\r\n", "headers=1"},
        {"HTTP/1.0 without Host", "GET /echo HTTP/1.0\r\n\r\n", "headers=0"},
        {"empty lines before", "\r\n\r\n" GET("/echo"), "GET /echo"},
        {"absolute form", "GET http://h:80/echo/x?q=1 HTTP/1.1\r\n" HOST "\r\n",
         "GET /echo/x client=127.0.0.1 listener=0 "
         "headers=1 runs=0 tag=tag body= q=1"},
        {"body", "POST /echo HTTP/1.1\r\n" HOST "content-length: 5\r\n\r\nhello", "body=hello"},
        {"body of length 0", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "body="},
        {"chunks",
         "PUT /echo HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: x\r\n\r\n",
         "PUT /echo client=127.0.0.1 listener=0 headers=2 runs=0 tag=tag body=hello"},
        {"unknown method", "PROPFIND /echo HTTP/1.1\r\n" HOST "\r\n", " /echo client"},
        {"cookies", "GET /echo HTTP/1.1\r\n" HOST "Cookie: a=b; c=d\r\n\r\n", "headers=2"},
    };
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct raw_response r = raw_ask(port, cases[i].request);
        check_case(r.status == 200, cases[i].name);
        if (!strstr(r.body, cases[i].body))
            check_str(str_of(r.body), str_of(cases[i].body), cases[i].name);
    }
    http_server_free(&s);
}

/* What this layer refuses carries the standard headers and a JSON body; what libmicrohttpd refuses, only the status. */
static void refuses_what_is_not(void **state)
{
    static const struct {
        const char *name, *request;
        int status;
        bool by_library;
    } cases[] = {
        {"both lengths",
         "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, false},
        {"both, the other way",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, false},
        {"two equal lengths", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400,
         false},
        {"two lengths", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400,
         false},
        {"two encodings",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400, false},
        {"gzip, chunked", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400,
         false},
        {"identity", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 400, false},
        {"empty encoding", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 400, false},
        {"xchunked", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, false},
        {"vertical tab before chunked", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
         400, false},
        {"encoding in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, false},
        {"length of letters", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: five\r\n\r\nhello", 400, true},
        {"negative length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\nhello", 400, true},
        {"signed length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello", 400, true},
        {"hexadecimal length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello", 400, true},
        {"list of lengths", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", 400, true},
        {"empty length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400, true},
        {"length with a blank behind", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5 \r\n\r\nhello", 400, true},
        {"too large a length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\nhello", 413,
         true},
        {"blank before the colon", "GET /echo HTTP/1.1\r\n" HOST "X-A : b\r\n\r\n", 400, false},
        {"tab before the colon", "GET /echo HTTP/1.1\r\n" HOST "X-A\t: b\r\n\r\n", 400, false},
        {"blank before the colon of a length", "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\nhello", 400,
         false},
        {"no name", "GET /echo HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400, false},
        {"no colon", "GET /echo HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 400, true},
        {"folded", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n", 400, false},
        {"folded with a tab", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\r\n\tc\r\n\r\n", 400, false},
        {"folded, nothing behind", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\r\n \r\n\r\n", 400, false},
        {"folded, a header behind", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\r\n \r\nX-B: c\r\n\r\n", 400, false},
        {"folded encoding", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400,
         false},
        {"folded name", "POST /echo HTTP/1.1\r\n" HOST "Transfer-: chunked\r\n Encoding\r\n\r\n0\r\n\r\n", 400, false},
        {"first header folded", "GET /echo HTTP/1.1\r\n Host: h\r\n\r\n", 400, false},
        {"bare LF", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\nX-B: c\r\n\r\n", 400, false},
        {"bare LF after the request line", "GET /echo HTTP/1.1\n" HOST "\r\n", 400, false},
        {"bare LF at the end", "GET /echo HTTP/1.1\r\n" HOST "\n", 400, false},
        {"only bare LF", "GET /echo HTTP/1.1\nHost: h\n\n", 400, false},
        {"bare CR", "GET /echo HTTP/1.1\r\n" HOST "X-A: b\rX-B: c\r\n\r\n", 400, false},
        {"control character", "GET /echo HTTP/1.1\r\n" HOST "X-A: \x01\r\n\r\n", 400, false},
        {"no Host", "GET /echo HTTP/1.1\r\nX-A: b\r\n\r\n", 400, false},
        {"two Hosts", "GET /echo HTTP/1.1\r\n" HOST "host: h\r\n\r\n", 400, false},
        {"two Hosts in HTTP/1.0", "GET /echo HTTP/1.0\r\n" HOST "Host: i\r\n\r\n", 400, false},
        {"Host with a list", "GET /echo HTTP/1.1\r\nHost: h, i\r\n\r\n", 400, false},
        {"Host with a blank inside", "GET /echo HTTP/1.1\r\nHost: h i \r\n\r\n", 400, false},
        {"chunked with a blank behind", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
         400, false},
        {"Host with a path", "GET /echo HTTP/1.1\r\nHost: h/i\r\n\r\n", 400, false},
        {"two blanks before the target", "GET  /echo HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"two blanks behind it", "GET /echo  HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"blank in it", "GET /echo /x HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"blank behind the version", "GET /echo HTTP/1.1 \r\n" HOST "\r\n", 400, true},
        {"no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400, true},
        {"control character in the target", "GET /echo\x01 HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"relative target", "GET echo HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"authority form", "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"star with GET", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"other scheme", "GET ftp://h/echo HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"method with a colon", "GE:T /echo HTTP/1.1\r\n" HOST "\r\n", 400, false},
        {"HTTP/1.2", "GET /echo HTTP/1.2\r\n" HOST "\r\n", 400, false},
        {"HTTP/2.0", "GET /echo HTTP/2.0\r\n" HOST "\r\n", 505, true},
        {"chunk of letters",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n", 400, true},
        {"size of a chunk past 64 bits",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhi\r\n0\r\n\r\n", 413,
         true},
        {"trailer without colon",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nno\r\n\r\n", 400, true},
        {"no HTTP version", "GET /echo\r\n" HOST "\r\n", 400, true},
        {"the first bytes of TLS", "\x16\x03\x01\x01 \x01\n", 400, true},
        {"chunk too long for its size",
         "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", 400, true},
    };
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = raw_connect(port);
        raw_send_text(fd, cases[i].request);
        struct raw_response r = raw_read(fd);
        if (r.status != cases[i].status)
            print_error("%s: %d\n", cases[i].name, r.status);
        check_case(r.status == cases[i].status, cases[i].name);
        check_case(strstr(r.head, "Connection: close\r\n"), cases[i].name);
        if (!cases[i].by_library) {
            check_case(str_starts(str_of(r.body), STR("{\"errcode\":\"M_UNKNOWN\",\"error\":\"")), cases[i].name);
            check_case(strstr(r.head, "Access-Control-Allow-Origin: *\r\n"), cases[i].name);
            check_case(strstr(r.head, "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS\r\n"),
                       cases[i].name);
            check_case(
                strstr(r.head, "Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization\r\n"),
                cases[i].name);
            check_case(raw_is_closed(fd), cases[i].name);
        }
        close(fd);
    }
    http_server_free(&s);
}

static void refuses_nul_bytes(void **state)
{
    static const struct str cases[] = {
        STR_INIT("GET /echo HTTP/1.1\r\nHost: h\r\nX-A: b\0c\r\n\r\n"),
        STR_INIT("GET /echo HTTP/1.1\r\nHost: h\r\nX\0-A: b\r\n\r\n"),
        STR_INIT("GET /echo\0/x HTTP/1.1\r\nHost: h\r\n\r\n"),
        STR_INIT("G\0ET /echo HTTP/1.1\r\nHost: h\r\n\r\n"),
        STR_INIT("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n"),
        STR_INIT("GET /echo HTTP/1.1\r\nHost: h\r\nX-A: b\0\0X-B: c\r\n\r\n"),
    };
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = raw_connect(port);
        raw_send(fd, cases[i].p, cases[i].n);
        check_case(raw_read(fd).status == 400, cases[i].p);
        close(fd);
    }
    http_server_free(&s);
}

/* A second request that only a lenient reader sees must never be answered. */
static void nothing_is_smuggled(void **state)
{
    static const char *const cases[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/echo"),
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 31\r\n\r\n" GET("/echo"),
        "GET /echo HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n" GET("/echo"),
        /* a bare LF among the chunks: allowed by libmicrohttpd, but then the connection ends */
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\n" GET("/echo"),
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET("/echo"),
    };
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = raw_connect(port);
        raw_send_text(fd, cases[i]);
        struct raw_response first = raw_read(fd);
        check_case(first.status == 400 || strstr(first.head, "Connection: close\r\n"), cases[i]);
        check_case(raw_read(fd).status == 0, cases[i]);
        close(fd);
    }
    http_server_free(&s);
}

/* In pieces of one byte, so that libmicrohttpd's buffer moves and grows under the head. */
static void takes_a_head_in_pieces(void **state)
{
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    int fd = raw_connect(port);
    static const char request[] = "POST /echo?a=b HTTP/1.1\r\n" HOST "X-A: 1\r\nX-B: 2\r\nContent-Length: 3\r\n\r\nabc";
    for (size_t i = 0; i < sizeof request - 1; i++) {
        raw_send(fd, request + i, 1);
        if (i % 8 == 0)
            sleep_ms(1);
    }
    struct raw_response r = raw_read(fd);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "headers=4 runs=0 tag=tag body=abc a=b"));
    close(fd);
    http_server_free(&s);
}

static size_t write_padded(char *out, unsigned shape, size_t pad)
{
    char *at = out;
    at += sprintf(at, "GET /echo?");
    for (size_t n = 0; shape == 2 && n < pad; n += 4) /* many query parameters */
        at += sprintf(at, "a=b&");
    at += sprintf(at, " HTTP/1.1\r\n" HOST);
    for (size_t n = 0; shape == 1 && n < pad; n += 80) /* many headers */
        at += sprintf(at, "X-%05zu: %069d\r\n", n, 0);
    if (shape == 0) /* one long header */
        at += sprintf(at, "X: %0*d\r\n", (int)pad + 1, 0);
    at += sprintf(at, "\r\n");
    return (size_t)(at - out);
}

/* With heads of every size there is an answer, 200 or 431, never a connection closed without a word. */
static void answers_heads_of_any_size(void **state)
{
    static char request[40000];
    (void)state;
    uint16_t port;
    struct http_server *s = raw_server((struct http_server_options){0}, &port);
    for (size_t pad = 0; pad<16000; pad += pad> 7000 && pad < 9000 ? 97 : 797) {
        for (unsigned shape = 0; shape < 3; shape++) {
            size_t n = write_padded(request, shape, pad);
            int fd = raw_connect(port);
            raw_send(fd, request, n);
            int status = raw_read(fd).status;
            close(fd);
            if (n <= (shape == 1 ? 4000 : 8000))
                assert_int_equal(status, 200);
            else if (n > 8192)
                assert_true(status == 431 || (shape == 2 && status == 414));
            else
                assert_true(status == 200 || status == 431);
        }
    }
    http_server_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_well_formed), cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(refuses_nul_bytes),           cmocka_unit_test(nothing_is_smuggled),
        cmocka_unit_test(takes_a_head_in_pieces),      cmocka_unit_test(answers_heads_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
