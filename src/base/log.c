#include "base/log.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A write of up to 4 KiB into a pipe is never mixed with another. */
#define LINE_BYTES 4096
/* Kept free for what ends a line: a quote, a sign that something is missing, a brace, a newline. */
#define TAIL_BYTES  32
#define VALUE_BYTES 1024
#define ELLIPSIS    "\xe2\x80\xa6"

/* Process-wide, because every function may log and none should need a handle for it. */
static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic int current_format = LOG_FORMAT_TEXT;
static _Atomic int current_fd = STDERR_FILENO;
static _Thread_local uint64_t current_request;

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_TRACE] = "trace",
};

void log_setup(enum log_level level, enum log_format format, int fd)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
    atomic_store_explicit(&current_fd, fd, memory_order_relaxed);
}

bool log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (str_eq(name, str_of(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    if (!str_eq(name, STR("warning")))
        return false;
    *out = LOG_LEVEL_WARN;
    return true;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_set_request(uint64_t request_id)
{
    current_request = request_id;
}

uint64_t log_request(void)
{
    return current_request;
}

struct line {
    bool json;
    size_t n;
    char p[LINE_BYTES];
};

static size_t room(const struct line *l)
{
    return l->n < LINE_BYTES - TAIL_BYTES ? LINE_BYTES - TAIL_BYTES - l->n : 0;
}

/* For short texts of our own; the caller has looked at the room. */
__attribute__((format(printf, 2, 3))) static void line_fmt(struct line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(l->p + l->n, LINE_BYTES - l->n, fmt, ap);
    va_end(ap);
    assert(n >= 0 && (size_t)n < LINE_BYTES - l->n);
    l->n += (size_t)n;
}

/* Decodes the character at s.p[i]: its length in bytes, or 0 if it is not UTF-8. */
static size_t utf8_at(struct str s, size_t i, uint32_t *code_out)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)s.p[i];
    size_t length = lead < 0x80 ? 1 : lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    if (length == 0 || lead >= 0xf8 || length > s.n - i)
        return 0;
    uint32_t code = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; k++) {
        unsigned char c = (unsigned char)s.p[i + k];
        if ((c & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *code_out = code;
    return length;
}

/* Controls, and what makes a terminal show another text than the one that is there. */
static bool is_unprintable(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},
                  {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

struct unit {
    size_t taken; /* bytes of the value */
    char p[16];   /* how the line shows them */
};

static struct unit escape_code(uint32_t code, size_t taken, bool json)
{
    struct unit u = {.taken = taken};
    if (code == '\n' || code == '\r' || code == '\t')
        snprintf(u.p, sizeof(u.p), "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    else if (code > 0xffff && json)
        snprintf(u.p, sizeof(u.p), "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
    else if (code > 0xffff)
        snprintf(u.p, sizeof(u.p), "\\U%08x", code);
    else
        snprintf(u.p, sizeof(u.p), "\\u%04x", code);
    return u;
}

/* The next character of a value, as it may stand between quotes. */
static struct unit next_unit(struct str s, size_t i, bool json)
{
    struct unit u = {.taken = 1};
    uint32_t code = 0;
    size_t length = utf8_at(s, i, &code);
    if (length == 0 && json)
        memcpy(u.p, "\\ufffd", 7);
    else if (length == 0)
        snprintf(u.p, sizeof(u.p), "\\x%02x", (unsigned char)s.p[i]);
    else if (is_unprintable(code))
        return escape_code(code, length, json);
    else if (code == '"' || code == '\\')
        snprintf(u.p, sizeof(u.p), "\\%c", (char)code);
    else {
        u.taken = length;
        memcpy(u.p, s.p + i, length);
    }
    return u;
}

static void add_escaped(struct line *l, struct str s)
{
    size_t budget = room(l) < VALUE_BYTES ? room(l) : VALUE_BYTES;
    size_t end = l->n + budget;
    for (size_t i = 0; i < s.n;) {
        struct unit u = next_unit(s, i, l->json);
        size_t n = strlen(u.p);
        if (l->n + n > end) {
            line_fmt(l, ELLIPSIS);
            return;
        }
        memcpy(l->p + l->n, u.p, n);
        l->n += n;
        i += u.taken;
    }
}

/* Whether a text value can stand without quotes: then it holds no blank, and no character that is shown otherwise. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t code;
        size_t length = utf8_at(s, i, &code);
        if (length == 0 || is_unprintable(code) || code == ' ' || code == 0xa0 || code == '"' || code == '\\' ||
            code == '=')
            return false;
        i += length;
    }
    return s.n > 0;
}

static void add_value(struct line *l, struct str s)
{
    bool quoted = l->json || !is_plain(s);
    if (quoted)
        line_fmt(l, "\"");
    add_escaped(l, s);
    if (quoted)
        line_fmt(l, "\"");
}

/* False if there is no room for it. */
static bool add_field(struct line *l, const struct log_field *f)
{
    static const size_t least = 40; /* separators, a number, or the beginning of a text */
    if (strlen(f->name) + least > room(l))
        return false;
    line_fmt(l, l->json ? ",\"%s\":" : " %s=", f->name);
    if (f->is_int)
        line_fmt(l, "%" PRId64, f->i);
    else
        add_value(l, f->s);
    return true;
}

static void add_head(struct line *l, enum log_level level, const char *message)
{
    int64_t now = clock_now_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm t = {0};
    char stamp[32];
    gmtime_r(&seconds, &t);
    size_t n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &t);
    assert(n > 0);
    line_fmt(l, l->json ? "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\"" : "%s.%03dZ %s", stamp, (int)(now % 1000),
             level_names[level]);
    if (current_request)
        line_fmt(l, l->json ? ",\"request\":%" PRIu64 : " [r%" PRIu64 "]", current_request);
    line_fmt(l, l->json ? ",\"msg\":\"" : " ");
    add_escaped(l, str_of(message));
    if (l->json)
        line_fmt(l, "\"");
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    int saved_errno = errno;
    struct line l;
    l.json = atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_FORMAT_JSON;
    l.n = 0;
    add_head(&l, level, message);
    while (fields->name && add_field(&l, fields))
        fields++;
    if (fields->name)
        line_fmt(&l, l.json ? ",\"cut\":true" : " " ELLIPSIS);
    line_fmt(&l, l.json ? "}\n" : "\n");
    ssize_t written;
    do {
        written = write(atomic_load_explicit(&current_fd, memory_order_relaxed), l.p, l.n);
    } while (written < 0 && errno == EINTR);
    /* There is nobody left to tell if that failed. */
    errno = saved_errno;
}
