/*
 * The log: one line an event, text or JSON, to standard error.
 *
 *     log_info("registered", LOG_STR("user", user_id), LOG_INT("device_count", n));
 *
 * A line holds time, level, the request id of the calling thread (log_set_request), the message, then the fields.
 * The message is a constant text; what varies goes into fields, whose values are escaped so that a stranger cannot
 * forge a line. A line has at most 4 KiB and a value 1 KiB: what is longer ends in an ellipsis, and fields that find no
 * room are left out (an ellipsis at the end in text, "cut":true in JSON). Tokens, passwords and message bodies are
 * never given to the log.
 *
 * Threads: any; lines are written whole. Levels and format are set at start and on SIGHUP.
 */
#ifndef HEARTH_BASE_LOG_H
#define HEARTH_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *name; /* NULL ends the list */
    bool is_int;
    int64_t i;
    struct str s;
};

#define LOG_STR(field_name, value)  ((struct log_field){.name = (field_name), .s = (value)})
#define LOG_CSTR(field_name, value) ((struct log_field){.name = (field_name), .s = str_of(value)})
#define LOG_INT(field_name, value)  ((struct log_field){.name = (field_name), .is_int = true, .i = (int64_t)(value)})

/* `fd` is where lines go; the caller keeps it open. */
void log_setup(enum log_level level, enum log_format format, int fd);
/* "error", "warn" ("warning"), "info", "debug", "trace"; false for any other word. */
bool log_level_parse(struct str name, enum log_level *out);
bool log_enabled(enum log_level level);

/* The request id put into the lines of this thread; 0 for none. */
void log_set_request(uint64_t request_id);
/* The one that was set: for those who work for another request, and for a while. */
uint64_t log_request(void);

void log_write(enum log_level level, const char *message, const struct log_field *fields);

#define LOG_AT(level, message, ...)                                                                                    \
    do {                                                                                                               \
        if (log_enabled(level))                                                                                        \
            log_write((level), (message), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.name = NULL}});       \
    } while (0)
#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) LOG_AT(LOG_LEVEL_TRACE, __VA_ARGS__)

#endif
