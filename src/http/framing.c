#include "http/framing.h"

#include <string.h>

/* RFC 9110 section 5.6.2 */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

/* RFC 9110 section 5.5: no control character but the tab. A bare CR would end a line for lenient readers. */
static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* What a host and port may consist of (RFC 3986 section 3.2.2); enough to see two hosts joined by a comma or a path. */
static bool is_host(struct str s)
{
    s = str_trim(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr(",/\\@?#\"<>", c))
            return false;
    }
    return true;
}

static bool is_target(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c == 0x7f)
            return false;
    }
    return s.n > 0;
}

static bool inside(const struct framing_head *h, struct str s)
{
    return s.p >= h->block && s.p <= h->end && s.n <= (size_t)(h->end - s.p);
}

/* `s` stands at `at` and is followed by `terminators` NUL bytes; returns where those end, or NULL. */
static const char *expect_at(const struct framing_head *h, const char *at, struct str s, size_t terminators)
{
    if (!at || s.p != at || !inside(h, s) || (size_t)(h->end - s.p) < s.n + terminators)
        return NULL;
    for (size_t i = 0; i < terminators; i++) {
        if (s.p[s.n + i] != '\0')
            return NULL;
    }
    return s.p + s.n + terminators;
}

/* Every byte of the block is accounted for: see the drawing in the header. */
static const char *check_layout(const struct framing_head *h)
{
    const char *at = expect_at(h, h->block, h->method, 1);
    at = expect_at(h, at, h->target, 1);
    at = expect_at(h, at, h->version, 2);
    if (!at)
        return "The request line is malformed";
    for (size_t i = 0; i < h->header_count; i++) {
        at = expect_at(h, at, h->headers[i].name, 1);
        while (at && at < h->end && (*at == ' ' || *at == '\t'))
            at++;
        at = expect_at(h, at, h->headers[i].value, 2);
        if (!at)
            return "A header line is folded, or does not end in CRLF, or holds a NUL byte";
    }
    if (h->end - at != 2 || at[0] != '\0' || at[1] != '\0')
        return "The header lines are malformed";
    return NULL;
}

/* Not trimmed: libmicrohttpd decodes chunks after exactly this word only. */
static bool is_chunked(struct str value)
{
    return str_eq_nocase(value, STR("chunked"));
}

/* RFC 9112 section 6.3 */
static const char *check_body(const struct framing_head *h, struct framing *out)
{
    unsigned lengths = 0, encodings = 0;
    for (size_t i = 0; i < h->header_count; i++) {
        struct str value = h->headers[i].value;
        if (str_eq_nocase(h->headers[i].name, STR("Content-Length"))) {
            lengths++;
            if (value.n == 0 || value.p[0] == '-' || !str_to_u64(value, &out->content_length))
                return "Content-Length is malformed";
        } else if (str_eq_nocase(h->headers[i].name, STR("Transfer-Encoding"))) {
            encodings++;
            out->chunked = is_chunked(value);
        }
    }
    if (encodings > 0 && lengths > 0)
        return "There are both Content-Length and Transfer-Encoding";
    if (lengths > 1)
        return "There is more than one Content-Length";
    if (encodings > 1 || (encodings == 1 && !out->chunked))
        return "The Transfer-Encoding is not chunked";
    if (out->chunked && !str_eq(h->version, STR("HTTP/1.1")))
        return "HTTP/1.0 has no Transfer-Encoding";
    return NULL;
}

static const char *check_host(const struct framing_head *h)
{
    unsigned hosts = 0;
    for (size_t i = 0; i < h->header_count; i++) {
        if (!str_eq_nocase(h->headers[i].name, STR("Host")))
            continue;
        hosts++;
        if (!is_host(h->headers[i].value))
            return "The Host header is malformed";
    }
    if (hosts > 1 || (hosts == 0 && str_eq(h->version, STR("HTTP/1.1"))))
        return "There has to be exactly one Host header";
    return NULL;
}

const char *framing_check(const struct framing_head *h, struct framing *out)
{
    *out = (struct framing){0};
    const char *wrong = check_layout(h);
    if (wrong)
        return wrong;
    if (!is_token(h->method) || !is_target(h->target))
        return "The request line is malformed";
    if (!str_eq(h->version, STR("HTTP/1.1")) && !str_eq(h->version, STR("HTTP/1.0")))
        return "The HTTP version is not supported";
    for (size_t i = 0; i < h->header_count; i++) {
        if (!is_token(h->headers[i].name))
            return "The name of a header is malformed";
        if (!is_field_value(h->headers[i].value))
            return "The value of a header is malformed";
        if (str_eq_nocase(h->headers[i].name, STR("Expect")) && str_eq_nocase(h->headers[i].value, STR("100-continue")))
            out->expects_continue = true;
    }
    wrong = check_host(h);
    return wrong ? wrong : check_body(h, out);
}
